//! A host with many ports.

use std::time::Instant;

use labs::PATIENCE;
use labs::scale::{Scale, Size, Status};
use tests::{Flows, brint};

#[test]
fn two_hundred_ports_are_back_after_the_switch_was_killed() -> anyhow::Result<()> {
    let size = Size {
        ports: 200,
        hosts: 50,
        networks: 0,
        one_group: true,
    };
    let mut scale = Scale::start("t-scale", &brint()?)?;
    let start = Instant::now();
    scale.plug(0..size.ports)?;
    scale.describe(size)?;
    // A port alone has some sixty flows.
    let enough = |status: &Status| status.flows() > 40 * usize::from(size.ports);
    scale.settled(start, enough)?;
    let before = Flows::of(scale.host()?.ovs(), "br-int")?;
    let host = scale.lab().host_mut("host1")?;
    host.kill_switch()?;
    host.start_switch()?;
    before.are_on(scale.host()?.ovs(), "br-int", PATIENCE)
}
