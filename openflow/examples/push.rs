//! Pushes many flows to a switch in one bundle, and says what that took of the processor, in
//! seconds.
//!
//! ```text
//! cargo run --release --example push unix:/var/run/openvswitch/br0.mgmt 100000
//! ```
//!
//! Each flow is made when the switch has room for it, from a number, so there are never many of
//! them in memory.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use openflow::action::{Ct, Output, Resubmit};
use openflow::field::*;
use openflow::flow::Flow;
use openflow::instruction::Instructions;
use openflow::matching::Match;
use openflow::message::{FlowMod, Message};
use openflow::{Connection, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: push TARGET COUNT";
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().ok_or(usage)?;
    let count: u32 = arguments.next().ok_or(usage)?.parse()?;
    let (switch, _events) = Connection::connect(&target.parse()?, Options::default()).await?;
    let before = spent()?;
    let changes = (0..count).map(|number| Message::from(FlowMod::add(&flow(number))));
    switch.bundle(changes).await?;
    let taken = (spent()? - before).as_secs_f64();
    writeln!(std::io::stdout(), "{taken:.3}")?;
    Ok(())
}

/// New connections from one address to one port, as a security group lets them in.
fn flow(number: u32) -> Flow {
    let matching = Match::default()
        .with(ETH_TYPE, EthType::IPV4)
        .with(IP_PROTO, IpProto::TCP)
        .with(IPV4_SRC, Ipv4Addr::from(0x0a00_0000 | number))
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
        cookie: number.into(),
        matching,
        instructions: Instructions::apply(actions),
        ..Flow::default()
    }
}

/// The time that the program's one thread has been on a processor; from `proc(5)`.
fn spent() -> Result<Duration, Box<dyn Error>> {
    let times = fs::read_to_string("/proc/thread-self/schedstat")?;
    let running = times.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(running.parse()?))
}
