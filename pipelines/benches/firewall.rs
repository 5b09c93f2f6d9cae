//! What a security group costs whose members all let each other in, as it grows.
//!
//! All ports are in one network and in one group with ten rules.

#[path = "../tests/size/mod.rs"]
mod size;
mod step;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use size::Size;
use step::{compile, step};

/// Beside the four of a default group.
const RULES: u32 = 6;
/// Each has a member.
const HOSTS: u32 = 10;

fn group_of(ports: u32) -> Size {
    Size {
        networks: 1,
        rules: RULES,
        ..Size::new(ports, HOSTS)
    }
}

/// Everything from nothing; the elements are flows.
fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("group");
    group.sample_size(10);
    for ports in [10, 100, 500] {
        let site = group_of(ports).site();
        let flows = compile(&site)
            .iter()
            .map(|compiled| compiled.flow_set().flows().len())
            .sum::<usize>();
        group.throughput(Throughput::Elements(flows.try_into().unwrap_or(u64::MAX)));
        let id = BenchmarkId::new("local ports", ports);
        group.bench_function(id, |bencher| bencher.iter(|| compile(black_box(&site))));
    }
}

/// One thing more.
fn one_more(criterion: &mut Criterion) {
    for ports in [10, 100, 500] {
        let size = group_of(ports);
        let before = size.site();
        let member = Size {
            hosts: HOSTS + 1,
            ..size
        };
        step(criterion, "one member more", ports, &before, &member.site());
        let rule = Size {
            rules: RULES + 1,
            ..size
        };
        step(criterion, "one rule more", ports, &before, &rule.site());
        let port = Size {
            ports: ports + 1,
            ..size
        };
        step(
            criterion,
            "one member here more",
            ports,
            &before,
            &port.site(),
        );
    }
}

criterion_group!(benches, whole, one_more);
criterion_main!(benches);
