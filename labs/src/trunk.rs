//! The machine side of a trunk: a card for each VLAN, behind one interface.
//!
//! What parts the VLANs is an Open vSwitch of its own, because not every kernel has VLAN devices. The
//! cards are its internal ports.

use std::sync::Arc;

use ipnet::IpNet;

use crate::host::Host;
use crate::machine::{CARD, Machine};
use crate::namespace::Namespace;
use crate::network::MacAddr;
use crate::state::State;

/// The bridge that parts the VLANs.
const BRIDGE: &str = "trunk";

/// A machine whose interface is a trunk.
#[derive(Debug)]
pub struct Trunk {
    host: Host,
}

impl Trunk {
    /// Takes the card of a machine into a machine that parts what comes by it.
    pub(crate) fn of(state: &Arc<State>, prefix: &str, machine: &Machine) -> anyhow::Result<Self> {
        let host = Host::start(state, prefix, &format!("{}-vlans", machine.name()))?;
        let there = host.namespace().name();
        let moved = machine.namespace();
        moved.ip(&format!("link set {CARD} netns {there}"))?;
        host.namespace().ip(&format!("link set {CARD} up"))?;
        host.add_card(BRIDGE, CARD)?;
        Ok(Self { host })
    }

    /// Adds a card that has the frames with this VLAN, without their tag; 0 is for those without.
    ///
    /// # Errors
    ///
    /// When there is a card of that name.
    pub fn add_card(&self, name: &str, vlan: u16, mac: MacAddr) -> anyhow::Result<()> {
        self.host.ovs().vsctl(&format!(
            "add-port {BRIDGE} {name} tag={vlan} -- set Interface {name} type=internal mac=\"{mac}\""
        ))?;
        self.namespace().ip(&format!("link set {name} up"))?;
        Ok(())
    }

    /// Gives a card an address.
    ///
    /// # Errors
    ///
    /// When there is no such card.
    pub fn add_address(&self, card: &str, address: IpNet) -> anyhow::Result<()> {
        self.namespace()
            .ip(&format!("addr add {address} dev {card}"))?;
        Ok(())
    }

    /// Where the cards are.
    pub fn namespace(&self) -> &Namespace {
        self.host.namespace()
    }
}
