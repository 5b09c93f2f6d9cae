//! Machines that lie about who they are.
//!
//! Each lie is sent between two honest frames. Frames of one machine to another keep their order,
//! so when the second honest one has arrived and the lie has not, it never will.

use std::net::IpAddr;
use std::time::Duration;

use super::{Family, PASSES};
use crate::check::Checks;
use crate::lab::Lab;
use crate::machine::{CARD, Machine};
use crate::network::MacAddr;
use crate::probe::{self, Ear, Frame};

/// How much later than an honest frame a lie may arrive, should the order not be kept.
const STRAGGLES: Duration = Duration::from_millis(200);

const STOLEN_MAC: MacAddr = MacAddr([0xfa, 0x16, 0x3e, 0x66, 0x66, 0x66]);

/// How a frame is made from a sender, a receiver and a mark.
type Make = fn((MacAddr, IpAddr), (MacAddr, IpAddr), &str) -> anyhow::Result<Frame>;

pub(super) fn check(lab: &Lab) -> anyhow::Result<Checks> {
    let mut checks = Checks::default();
    let (a1, a2, visitor) = (
        lab.machine("a1")?,
        lab.machine("a2")?,
        lab.machine("visitor")?,
    );
    for family in Family::ALL {
        let (own, to) = ((a1.mac(), family.of(a1)?), (a2.mac(), family.of(a2)?));
        let name = family.name();
        let lies = [
            (
                format!("{name} from a false MAC address"),
                (STOLEN_MAC, own.1),
            ),
            (
                format!("{name} from a false IP address"),
                (own.0, family.of(visitor)?),
            ),
        ];
        for (name, lie) in lies {
            let happened = lie_between_truths(a1, a2, Frame::udp, own, lie, to);
            checks.add(&name, EXPECTED, happened);
        }
    }
    let (mac, to) = (a1.mac(), a2.mac());
    let (arp, nd): (Make, Make) = (Frame::arp, Frame::neighbour_advertisement);
    let (four, six) = (Family::Four, Family::Six);
    let lies = [
        ("ARP for a neighbour's address", arp, four, (mac, visitor)),
        ("ARP from a false MAC address", arp, four, (STOLEN_MAC, a1)),
        ("ND for a neighbour's address", nd, six, (mac, visitor)),
        ("ND from a false MAC address", nd, six, (STOLEN_MAC, a1)),
    ];
    for (name, make, family, (mac, whose)) in lies {
        let own = (a1.mac(), family.of(a1)?);
        let lie = (mac, family.of(whose)?);
        let happened = lie_between_truths(a1, a2, make, own, lie, (to, family.of(a2)?));
        checks.add(name, EXPECTED, happened);
    }
    Ok(checks)
}

const EXPECTED: &str = "honest frame heard, false one not";

fn lie_between_truths(
    from: &Machine,
    at: &Machine,
    make: Make,
    own: (MacAddr, IpAddr),
    lie: (MacAddr, IpAddr),
    to: (MacAddr, IpAddr),
) -> anyhow::Result<String> {
    let mut ear = Ear::open(at.namespace(), CARD)?;
    let first = make(own, to, "honest frame, first")?;
    let lie = make(lie, to, "false frame")?;
    let last = make(own, to, "honest frame, last")?;
    for frame in [&first, &lie, &last] {
        probe::send(from.namespace(), CARD, frame)?;
    }
    let honest = ear.hears(&first, PASSES)? && ear.hears(&last, PASSES)?;
    let fooled = ear.hears(&lie, STRAGGLES)?;
    let heard = |yes| if yes { "heard" } else { "not" };
    Ok(format!(
        "honest frame {}, false one {}",
        heard(honest),
        heard(fooled)
    ))
}
