//! What the firewall shows the agent, to be logged.
//!
//! Every verdict ends in one of three tables. For a port with a [log](crate::network::Log), a flow
//! there sends the agent the start of the packet. Its cookie says which port it is about, its table
//! what was decided. The agent has the model, so that nothing else needs to come with the packet, and
//! a log that gets another name changes no flow.
//!
//! Whoever is refused may send as much as he likes. So all these packets of a host pass one meter,
//! and what is beyond its rate is not shown.

use openflow::{
    field::MeterId,
    meter::{BandType, Meter, MeterBand, MeterFlags},
};

use crate::{br_int, network::Verdict};

/// The meter of packets that are logged.
///
/// A meter carries no cookie. This is the [brand](crate::cookie::Cookie::BRAND) of compiled flows,
/// and meters with other numbers are somebody else's.
pub const METER: MeterId = MeterId(0x6272);

/// Packets in a second that are shown, and how many more at once: Neutron's defaults.
const RATE: u32 = 100;
const BURST: u32 = 25;

/// Bytes of a packet that are shown: headers, options included.
pub(crate) const LENGTH: u16 = 256;

/// What a packet decided, by the number of the table that showed it; `None` if it is not shown to
/// be logged.
pub fn verdict(table: u8) -> Option<Verdict> {
    br_int::logged(table)
}

/// The meter as a switch should have it.
pub(crate) fn meter() -> Meter {
    Meter {
        id: METER,
        flags: MeterFlags::PKTPS | MeterFlags::BURST | MeterFlags::STATS,
        bands: vec![MeterBand {
            rate: RATE,
            burst_size: BURST,
            kind: BandType::Drop,
        }],
    }
}
