//! The switch that the packets go through, and what comes out where.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    ovs::Switch,
    packet::{Event, number},
    wires::Wires,
    world::{LOCAL, PATCH, SENTINELS, World, interface, mac},
};

const BRIDGE: &str = "int";
/// How long the switch may take for one batch.
const DEADLINE: Duration = Duration::from_secs(20);
/// The switch takes 32 frames of each port in a turn, and queues 100.
const TURNS: u8 = 4;
/// No IP packet's.
const SENTINEL_TYPE: [u8; 2] = [0x88, 0xb5];

pub(super) struct Wire {
    switch: Switch,
    wires: Wires,
    /// The number of the next packet: trackers must not join fragments of two.
    next: u16,
}

/// Where a piece of a packet came out, and whether it is a later fragment.
pub(super) type Exit = (u32, bool);

impl Wire {
    pub(super) fn start() -> Self {
        let switch = Switch::start();
        let places = (0..LOCAL).chain(SENTINELS).map(interface);
        let numbers: Vec<_> = places.chain([PATCH]).collect();
        let wires = Wires::plug(&switch, BRIDGE, &numbers);
        // Fragments of packets that are refused wait for each other.
        switch.appctl("dpctl/ipf-set-max-nfrags", &["5000"]);
        Self {
            switch,
            wires,
            next: 0,
        }
    }

    pub(super) fn forget_connections(&self) {
        self.switch.appctl("dpctl/flush-conntrack", &[]);
    }

    /// Gives the bridge the flows of a world; it uses them when this returns.
    pub(super) fn install(&self, world: &World, vlan: u16) {
        let (flows, groups) = world.flows(vlan);
        self.switch.replace(BRIDGE, &groups, &flows);
        // A cached flow whose actions change for the second time was seen to keep the ones between
        // (OVS 3.1), so what is cached goes.
        self.switch.appctl("revalidator/purge", &[]);
        self.switch.appctl("revalidator/wait", &[]);
    }

    /// Sends one packet for each event, and tells where its pieces came out.
    pub(super) fn exchange(
        &mut self,
        world: &World,
        vlan: u16,
        events: &[Event<'_>],
    ) -> Vec<BTreeSet<Exit>> {
        let count = u16::try_from(events.len()).unwrap();
        let first = self.next;
        self.next = first.checked_add(2 * count).map_or(0, |_| first + count);
        for (number, event) in (first..).zip(events) {
            let (sender, receiver) = event.ends();
            let eth_type = if event.source().is_ipv6() {
                [0x86, 0xdd]
            } else {
                [0x08, 0x00]
            };
            let tag = if sender < LOCAL {
                Vec::new()
            } else {
                [[0x81, 0x00], vlan.to_be_bytes()].concat()
            };
            let macs = [mac(receiver).0, mac(sender).0].concat();
            for piece in event.pieces(number) {
                let frame = [&macs[..], &tag, &eth_type, &piece].concat();
                self.wires.send(world.exit(sender), &frame);
            }
        }
        let mut seen = vec![BTreeSet::new(); events.len()];
        for turn in 0..TURNS {
            self.wait_for_sentinel(turn, first, &mut seen);
        }
        seen
    }

    /// Sends a frame that passes for sure, and reads what comes out until that does.
    fn wait_for_sentinel(&mut self, turn: u8, first: u16, seen: &mut [BTreeSet<Exit>]) {
        let [from, to] = SENTINELS;
        let macs = [mac(to).0, mac(from).0].concat();
        let frame = [&macs[..], &SENTINEL_TYPE, &[turn; 46]].concat();
        self.wires.send(interface(from), &frame);
        let deadline = Instant::now() + DEADLINE;
        loop {
            let mut done = false;
            for (port, frame) in self.wires.heard() {
                let tagged = frame.get(12..14) == Some(&[0x81, 0x00]);
                let payload = if tagged { 18 } else { 14 };
                done |= port == interface(to) && frame.get(14) == Some(&turn);
                let Some((number, later)) = frame.get(payload..).and_then(number) else {
                    continue;
                };
                let place = number.checked_sub(first).map(usize::from);
                if let Some(seen) = place.and_then(|place| seen.get_mut(place)) {
                    seen.insert((port, later));
                }
            }
            if done {
                return;
            }
            assert!(Instant::now() < deadline, "the switch does not answer");
            std::thread::yield_now();
        }
    }
}
