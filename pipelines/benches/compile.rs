//! What it costs to compile a network, and to compile one thing more.
//!
//! The cost of one thing more hardly grows with what is there already: the two states are compared,
//! and the set of flows that somebody keeps is copied.

#[path = "../tests/size/mod.rs"]
mod size;
mod step;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use size::Size;
use step::{compile, step};

/// Local ports, where only hosts are counted.
const PORTS: u32 = 100;
/// Remote hosts, where only ports are counted.
const HOSTS: u32 = 10;

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
