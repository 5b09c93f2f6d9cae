//! What it costs to compile a network, and to compile one thing more.
//!
//! The cost of one thing more hardly grows with what is there already: the two states are compared,
//! and the set of flows that somebody keeps is copied.

#[path = "../tests/size/mod.rs"]
mod size;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use pipelines::{
    bridge::{Bridge, desired, recompile},
    flow_set::Desired,
    site::Site,
    unit::affected,
};
use size::Size;

const BRIDGES: [Bridge; 2] = [Bridge::Integration, Bridge::Tunnel];

/// Local ports, where only hosts are counted.
const PORTS: u32 = 100;
/// Remote hosts, where only ports are counted.
const HOSTS: u32 = 10;
fn compile(site: &Site) -> [Desired; 2] {
    BRIDGES.map(|bridge| desired(site, &bridge))
}

/// Everything from nothing.
fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(10);
    for ports in [10, 100, 500, 1000] {
        let site = Size::new(ports, HOSTS).site();
        let id = BenchmarkId::new("local ports", ports);
        group.bench_function(id, |bencher| bencher.iter(|| compile(black_box(&site))));
    }
    for hosts in [10, 100, 1000] {
        let site = Size::new(PORTS, hosts).site();
        let id = BenchmarkId::new("remote hosts", hosts);
        group.bench_function(id, |bencher| bencher.iter(|| compile(black_box(&site))));
    }
}

/// From one site to the next.
fn step(criterion: &mut Criterion, what: &str, size: u32, before: &Site, after: &Site) {
    let mut group = criterion.benchmark_group(what);
    group.sample_size(10);
    let compiled = compile(before);
    group.bench_function(BenchmarkId::new("affected units", size), |bencher| {
        bencher.iter(|| affected(before, after));
    });
    // The set of flows before is kept by whoever sent it to the switch, and so copied here.
    group.bench_function(BenchmarkId::new("flows", size), |bencher| {
        bencher.iter_batched_ref(
            || compiled.clone(),
            |compiled| {
                let units = affected(before, after);
                for (bridge, compiled) in BRIDGES.iter().zip(compiled) {
                    recompile(compiled, after, bridge, &units);
                }
            },
            BatchSize::LargeInput,
        );
    });
}

/// One thing more.
fn one_more(criterion: &mut Criterion) {
    for ports in [10, 100, 500, 1000] {
        let size = Size::new(ports, HOSTS);
        let before = size.site();
        let more = Size {
            ports: ports + 1,
            ..size
        };
        step(criterion, "one port more", ports, &before, &more.site());
        let more = Size {
            empty_networks: 1,
            ..size
        };
        step(criterion, "one network more", ports, &before, &more.site());
    }
    for hosts in [10, 100, 1000] {
        let before = Size::new(PORTS, hosts).site();
        let after = Size::new(PORTS, hosts + 1).site();
        step(criterion, "one host more", hosts, &before, &after);
    }
}

criterion_group!(benches, whole, one_more);
criterion_main!(benches);
