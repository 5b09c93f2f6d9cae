//! How the agents of hosts talk to each other: through the tunnels, where BFD watches them too.
//!
//! A frame of an experimental EtherType (IEEE 802, clause 9.2.4) without a key goes to the agent of
//! the other end, and no further. Every network has a key other than 0, so machines can send no
//! such frame.

use openflow::action::{Action, Output};
use openflow::field::{EthType, MacAddr, MeterId, PortNo};
use openflow::meter::Meter;

use crate::cookie::Cookie;
use crate::network::HostName;
use crate::service;

/// The EtherType of frames between agents.
pub const ETH_TYPE: EthType = EthType(0x88b6);

/// Where such frames go: a multicast address that nobody else uses.
pub const GROUP: MacAddr = MacAddr([0x03, 0x62, 0x72, 0x69, 0x6e, 0x74]);

/// The meter that frames of other agents pass.
pub const METER: MeterId = MeterId(0x6274);

/// Frames in a second that the agent looks at, and how many more at once: each of a thousand hosts
/// sends one every other second, and many when much fails at once.
const RATE: u32 = 1000;
const BURST: u32 = 2000;

/// What brings a frame to the agents at the other ends of tunnels, sent on br-tun.
pub fn way(tunnels: impl IntoIterator<Item = PortNo>) -> Vec<Action> {
    let tunnels = tunnels.into_iter();
    tunnels.map(|tunnel| Output::to(tunnel).into()).collect()
}

/// Whether a flow with this cookie shows frames of a host.
pub fn is_from(host: &HostName, cookie: u64) -> bool {
    Cookie::of_host(host).get() == cookie
}

/// Whether a frame is one between agents.
pub fn is_message(frame: &[u8]) -> bool {
    let EthType(eth_type) = ETH_TYPE;
    frame.starts_with(&GROUP.0) && frame.get(12..14) == Some(&eth_type.to_be_bytes())
}

pub(crate) fn meter() -> Meter {
    service::limit(METER, RATE, BURST)
}
