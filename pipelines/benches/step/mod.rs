//! Measures compiling: everything from nothing, and what differs between two sites.

use criterion::{BatchSize, BenchmarkId, Criterion};
use pipelines::{
    bridge::{Bridge, desired, recompile},
    flow_set::Desired,
    site::Site,
    unit::affected,
};

const BRIDGES: [Bridge; 2] = [Bridge::Integration, Bridge::Tunnel];

/// Everything from nothing.
pub(crate) fn compile(site: &Site) -> [Desired; 2] {
    BRIDGES.map(|bridge| desired(site, &bridge))
}

/// From one site to the next.
pub(crate) fn step(criterion: &mut Criterion, what: &str, size: u32, before: &Site, after: &Site) {
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
