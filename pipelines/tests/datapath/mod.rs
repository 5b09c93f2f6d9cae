//! What an established packet costs: how often it is tracked, and how many tables it meets; and what
//! connections cost in the cache of the switch.
//!
//! Tracking is what costs; a table costs where the switch has not seen such a packet yet.

use std::time::{Duration, Instant};

use crate::{FORWARD, REPLY, ovs::Switch, switch_with};

/// How long the switch may take for a connection.
const DEADLINE: Duration = Duration::from_secs(30);
/// The entries that the switch's cache has for all connections between two ports of the host, with
/// Neutron's flows for a group whose members let each other in: each way before the tracker, and
/// behind it for packets that open connections, that follow and that answer.
const NEUTRON_CACHED: usize = 6;

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

#[test]
fn connections_between_two_ports_share_what_the_switch_caches() {
    let (switch, _) = switch_with("quickstart");
    // What the second has a rule for beside its group's would be told from the rest.
    for port in [80, 443, 8080, 53, 25, 23, 20, 17, 5, 4096, 65535, 21, 69] {
        connect(&switch, port);
    }
    let cached = switch.appctl("dpctl/dump-flows", &[]);
    let count = cached.lines().filter(|line| line.contains("recirc_id"));
    assert!((1..=NEUTRON_CACHED).contains(&count.count()), "{cached}");
}

/// Opens a connection of TCP from vm1 to vm2, and has both speak.
fn connect(switch: &Switch, port: u16) {
    let send = |forward: bool, flags: &str| {
        let ends = [
            ("fa:16:3e:00:00:12", "10.0.0.18"),
            ("fa:16:3e:00:00:13", "10.0.0.19"),
        ];
        let ports = [10_000 | port, port];
        let (from, to) = if forward { (0, 1) } else { (1, 0) };
        let packet = format!(
            "in_port(1),eth(src={},dst={}),eth_type(0x0800),\
             ipv4(src={},dst={},proto=6,tos=0,ttl=64,frag=no),tcp(src={},dst={}),tcp_flags({flags})",
            ends[from].0, ends[to].0, ends[from].1, ends[to].1, ports[from], ports[to],
        );
        switch.appctl("netdev-dummy/receive", &[["vm43", "vm44"][from], &packet]);
    };
    send(true, "syn");
    send(false, "syn|ack");
    send(true, "ack");
    send(false, "ack");
    let established = format!("dport={port}),reply=");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let known = switch.appctl("dpctl/dump-conntrack", &[]);
        let mut known = known.lines().filter(|line| line.contains(&established));
        if known.any(|line| line.contains("ESTABLISHED")) {
            return;
        }
        assert!(Instant::now() < deadline, "port {port} is not connected");
        std::thread::yield_now();
    }
}
