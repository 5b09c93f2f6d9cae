//! How long the codec takes for what a controller does most.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, criterion_group, criterion_main};
use openflow::action::{Ct, Output, Resubmit};
use openflow::field::*;
use openflow::flow::Flow;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::{FlowMod, Message};
use openflow::multipart::FlowStats;
use openflow::wire::{Reader, Wire, Writer};

/// A flow with six conditions and three actions, as a security group has many.
fn flow() -> Flow {
    let matching = Match::default()
        .with(ETH_TYPE, EthType::IPV4)
        .with(IP_PROTO, IpProto::TCP)
        .masked(
            IPV4_SRC,
            Ipv4Addr::new(10, 0, 0, 0),
            Ipv4Addr::new(255, 0, 0, 0),
        )
        .with(TCP_DST, 22)
        .with(REG5, 43)
        .masked(CT_STATE, CtState::NEW, CtState::NEW | CtState::EST);
    let commit = Ct {
        commit: true,
        zone: REG6.slice(0, 15).into(),
        ..Ct::default()
    };
    let actions = [
        commit.into(),
        Output::to(PortNo(43)).into(),
        Resubmit::to(92).into(),
    ];
    Flow {
        table: 82,
        priority: 77,
        matching,
        cookie: 0x2a,
        instructions: Instructions::apply(actions),
        ..Flow::default()
    }
}

fn flow_mod(criterion: &mut Criterion) {
    let message = Message::from(FlowMod::add(&flow()));
    let mut buffer = BytesMut::with_capacity(1 << 16);
    criterion.bench_function("flow-mod: encode", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            let mut out = Writer::on(std::mem::take(&mut buffer));
            black_box(&message).encode(1, &mut out);
            buffer = out.finish().unwrap_or_default();
        });
    });
    let frame = buffer.freeze();
    criterion.bench_function("flow-mod: decode", |bencher| {
        bencher.iter(|| Message::decode(black_box(&frame)));
    });
    criterion.bench_function("flow: build", |bencher| bencher.iter(flow));
    let flow = flow();
    criterion.bench_function("flow: text", |bencher| {
        bencher.iter(|| black_box(&flow).to_string());
    });
}

fn flow_stats(criterion: &mut Criterion) {
    let stats = FlowStats {
        flow: flow(),
        duration: Duration::from_millis(123_456),
        packet_count: 1000,
        byte_count: 64_000,
    };
    let mut out = Writer::default();
    stats.encode(&mut out);
    let bytes: Bytes = out.finish().unwrap_or_default().freeze();
    criterion.bench_function("flow-stats entry: decode", |bencher| {
        bencher.iter(|| FlowStats::decode(&mut Reader::new(black_box(&bytes))));
    });
}

criterion_group!(codec, flow_mod, flow_stats);
criterion_main!(codec);
