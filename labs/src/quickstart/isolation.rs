//! Two tenants with the same addresses, who must not hear each other.

use std::net::{IpAddr, Ipv4Addr};
use std::slice;
use std::time::Duration;

use super::{Family, PASSES, ping_passes};
use crate::check::Checks;
use crate::lab::Lab;
use crate::machine::{CARD, Machine};
use crate::network::MacAddr;
use crate::probe::{self, Ear, Frame};

/// How much later than its own tenant's a frame of the other tenant may arrive.
const STRAGGLES: Duration = Duration::from_millis(200);

pub(super) fn check(lab: &Lab) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    let (b1, b2) = (lab.machine("b1")?, lab.machine("b2")?);
    for family in Family::ALL {
        let name = format!(
            "ping {} of tenant B between the same addresses",
            family.name()
        );
        ping_passes(&mut checks, &name, b1, family.of(b2)?);
    }
    let (a1, a2) = (lab.machine("a1")?, lab.machine("a2")?);
    let expected = "tenant A hears it, tenant B does not";
    checks.add(
        "broadcast of tenant A",
        expected,
        broadcast(a1, a2, &[b1, b2]),
    );
    let expected = "tenant B hears it, tenant A does not";
    let happened = broadcast(b1, b2, &[a1, a2])
        .map(|text| text.replace('A', "C").replace('B', "A").replace('C', "B"));
    checks.add("broadcast of tenant B", expected, happened);
    let expected = "tenant A hears it, tenant B does not";
    checks.add(
        "unicast of tenant A to tenant B's MAC",
        expected,
        unicast(a1, a2, b2),
    );
    Ok(checks)
}

/// Sends to everybody; says what the sender's tenant, called A, and the other heard.
fn broadcast(from: &Machine, friend: &Machine, strangers: &[&Machine]) -> anyhow::Result<String> {
    let everybody = (MacAddr::BROADCAST, IpAddr::from(Ipv4Addr::BROADCAST));
    let frame = Frame::udp((from.mac(), from.ipv4()?), everybody, "for everybody")?;
    heard(from, slice::from_ref(&frame), &frame, friend, strangers)
}

/// Sends to a friend, and to the MAC address of a stranger.
fn unicast(from: &Machine, friend: &Machine, stranger: &Machine) -> anyhow::Result<String> {
    let own = (from.mac(), from.ipv4()?);
    let astray = Frame::udp(
        own,
        (stranger.mac(), stranger.ipv4()?),
        "one frame for both",
    )?;
    let honest = Frame::udp(own, (friend.mac(), friend.ipv4()?), "one frame for both")?;
    heard(
        from,
        &[astray, honest.clone()],
        &honest,
        friend,
        &[stranger],
    )
}

fn heard(
    from: &Machine,
    frames: &[Frame],
    mark: &Frame,
    friend: &Machine,
    strangers: &[&Machine],
) -> anyhow::Result<String> {
    let mut ear = Ear::open(friend.namespace(), CARD)?;
    let strange_ears = strangers
        .iter()
        .map(|stranger| Ear::open(stranger.namespace(), CARD));
    let mut strange_ears = strange_ears.collect::<anyhow::Result<Vec<_>>>()?;
    for frame in frames {
        probe::send(from.namespace(), CARD, frame)?;
    }
    let friend = if ear.hears(mark, PASSES)? {
        "hears it"
    } else {
        "does not hear it"
    };
    let mut leaked = false;
    for ear in &mut strange_ears {
        leaked |= ear.hears(mark, STRAGGLES)?;
    }
    let stranger = if leaked { "too" } else { "does not" };
    Ok(format!("tenant A {friend}, tenant B {stranger}"))
}
