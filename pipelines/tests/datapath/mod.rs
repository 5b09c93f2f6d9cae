//! What an established packet costs: how often it is tracked, and how many tables it meets.
//!
//! Tracking is what costs; a table costs where the switch has not seen such a packet yet.

use crate::{FORWARD, REPLY, switch_with};

/// A way that packets go, and how many tables they meet on it with Neutron's flows for the same
/// machines on the same switch. There, too, each is tracked once.
struct Way {
    bridge: &'static str,
    packet: &'static str,
    neutron: [usize; 2],
}

const WAYS: [Way; 3] = [
    // From one port of the host to another. Neutron's flows send replies outside too.
    Way {
        bridge: "br-int",
        packet: "in_port=43,dl_src=fa:16:3e:00:00:12,dl_dst=fa:16:3e:00:00:13,tcp,\
                 nw_src=10.0.0.18,nw_dst=10.0.0.19,tcp_dst=80",
        neutron: [9, 11],
    },
    // To another host.
    Way {
        bridge: "br-int",
        packet: "in_port=43,dl_src=fa:16:3e:00:00:12,dl_dst=fa:16:3e:00:00:14,tcp,\
                 nw_src=10.0.0.18,nw_dst=10.0.0.20,tcp_dst=80",
        neutron: [12, 11],
    },
    // From another host.
    Way {
        bridge: "br-tun",
        packet: "in_port=2,tun_id=1001,dl_src=fa:16:3e:00:00:14,dl_dst=fa:16:3e:00:00:12,tcp,\
                 nw_src=10.0.0.20,nw_dst=10.0.0.18,tcp_dst=80",
        neutron: [9, 9],
    },
];

#[test]
fn an_established_packet_is_tracked_once_and_meets_no_more_tables_than_with_neutron() {
    let (switch, _) = switch_with("quickstart");
    for way in WAYS {
        for (state, neutron) in [FORWARD, REPLY].into_iter().zip(way.neutron) {
            let trace = switch.trace_text(way.bridge, way.packet, state);
            let tracked = trace.lines().filter(|line| line.starts_with("recirc("));
            assert_eq!(tracked.count(), 1, "{trace}");
            let tables = trace.lines().filter(|line| is_table(line)).count();
            assert!((1..=neutron).contains(&tables), "{tables}: {trace}");
            assert!(!trace.contains("Datapath actions: drop"), "{trace}");
        }
    }
}

/// A trace begins each lookup with the number of the table.
fn is_table(line: &str) -> bool {
    let number = line.trim_start().split_once(". ").map(|(number, _)| number);
    number.is_some_and(|number| number.parse::<u8>().is_ok())
}
