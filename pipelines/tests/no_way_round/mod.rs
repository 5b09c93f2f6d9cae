//! What might lead around the rules, and does not: each kind of packet with its verdict.
//!
//! The crate's README has them as a table.

mod frame;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use frame::{ICMPV6, TCP, UDP, Way, ethernet, ipv4, ipv6, router_advertisement, tcp, udp};
use pipelines::network::MacAddr;

use crate::{FORWARD, From, NEW, REPLY, VM1, ovs::Switch, ports, switch_with};

/// A packet that the tracker cannot make sense of, as it says of fragments that are too small.
const INVALID: &str = "trk,inv";

const VM1_MAC: MacAddr = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x12]);
const ROUTER_MAC: MacAddr = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x77]);
const ALL_NODES: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);

/// The port of vm1, and that of its neighbour on the host.
const NUMBER: u32 = 43;
const NEIGHBOUR: u32 = 44;

/// From a stranger elsewhere to vm1, whose rules let anyone in to port 22 of TCP.
fn to_vm1_v4() -> Way<Ipv4Addr> {
    Way {
        macs: (ROUTER_MAC, VM1_MAC),
        addresses: ([198, 51, 100, 7].into(), [10, 0, 0, 18].into()),
    }
}

fn to_vm1_v6() -> Way<Ipv6Addr> {
    Way {
        macs: (ROUTER_MAC, VM1_MAC),
        addresses: (address("2001:db8:77::7"), address("2001:db8:a::18")),
    }
}

/// From vm1 to all who listen.
fn from_vm1_v6() -> Way<Ipv6Addr> {
    Way {
        macs: (VM1_MAC, ALL_NODES),
        addresses: (address("2001:db8:a::18"), address("ff02::1")),
    }
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// Where a frame from another host comes out.
fn arriving(switch: &Switch, frame: &str, state: &str) -> BTreeSet<u32> {
    // Without an endpoint a trace forgets that there is a tunnel.
    let port = "in_port=2,tun_id=1001,tun_src=192.0.2.2,tun_dst=192.0.2.1";
    switch.trace_frame("br-tun", port, frame, state)
}

/// Where a frame from vm1 comes out.
fn leaving(switch: &Switch, frame: &str) -> BTreeSet<u32> {
    switch.trace_frame("br-int", "in_port=43", frame, NEW)
}

/// Extension headers, each with the least that it holds.
const HOP_BY_HOP: (u8, [u8; 7]) = (0, [0, 1, 4, 0, 0, 0, 0]);
const ROUTING: (u8, [u8; 7]) = (43, [0, 0, 0, 0, 0, 0, 0]);
const DESTINATION: (u8, [u8; 7]) = (60, [0, 1, 4, 0, 0, 0, 0]);
const FIRST_FRAGMENT: (u8, [u8; 7]) = (44, [0, 0, 1, 0, 0, 0, 1]);
/// For experiments (RFC 3692), so unknown to every switch.
const UNKNOWN: (u8, [u8; 7]) = (253, [0; 7]);
const NO_NEXT_HEADER: u8 = 59;

#[test]
fn options_of_ipv4_hide_no_port() {
    let (switch, _) = switch_with("quickstart");
    for options in [&[][..], &[[1, 1, 1, 0]], &[[7, 3, 4, 0], [1; 4]]] {
        for (port, heard) in [(22, &[NUMBER][..]), (80, &[])] {
            let frame = ipv4(to_vm1_v4(), options, 0, (TCP, &tcp(port)));
            assert_eq!(arriving(&switch, &frame, NEW), ports(heard), "{port}");
        }
    }
}

#[test]
fn extension_headers_hide_no_port() {
    let (switch, _) = switch_with("quickstart");
    for headers in [
        &[][..],
        &[HOP_BY_HOP],
        &[DESTINATION],
        &[HOP_BY_HOP, ROUTING, DESTINATION],
    ] {
        for (port, heard) in [(22, &[NUMBER][..]), (80, &[])] {
            let frame = ipv6(to_vm1_v6(), headers, (TCP, &tcp(port)));
            assert_eq!(arriving(&switch, &frame, NEW), ports(heard), "{headers:?}");
        }
    }
    // What cannot be seen through is no TCP.
    let frame = ipv6(to_vm1_v6(), &[UNKNOWN], (TCP, &tcp(22)));
    assert_eq!(arriving(&switch, &frame, NEW), ports(&[]));
    let frame = ipv6(to_vm1_v6(), &[HOP_BY_HOP], (NO_NEXT_HEADER, &[]));
    assert_eq!(arriving(&switch, &frame, NEW), ports(&[]));
}

#[test]
fn first_fragments_meet_the_rules_with_their_ports() {
    let (switch, _) = switch_with("quickstart");
    let more = 0x2000;
    for (port, heard) in [(22, &[NUMBER][..]), (80, &[])] {
        let frame = ipv4(to_vm1_v4(), &[], more, (TCP, &tcp(port)));
        assert_eq!(arriving(&switch, &frame, NEW), ports(heard), "{port}");
        let frame = ipv6(to_vm1_v6(), &[FIRST_FRAGMENT], (TCP, &tcp(port)));
        assert_eq!(arriving(&switch, &frame, NEW), ports(heard), "{port}");
        // Those that are smaller than any link needs are invalid.
        assert_eq!(arriving(&switch, &frame, INVALID), ports(&[]));
    }
    // The rest of packets of whose protocol no rule speaks.
    let frame = ipv4(to_vm1_v4(), &[], more | 185, (UDP, &[0; 64]));
    assert_eq!(arriving(&switch, &frame, NEW), ports(&[]));
}

#[test]
fn later_fragments_meet_rules_without_ports_only_where_nothing_is_tracked() {
    let (switch, _) = switch_with("stateless");
    let port = 101;
    let mac = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 1]);
    let remote = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 3]);
    let way_in = Way {
        macs: (remote, mac),
        addresses: ([10, 0, 0, 13].into(), [10, 0, 0, 11].into()),
    };
    let way_out = Way {
        macs: (mac, remote),
        addresses: ([10, 0, 0, 11].into(), [10, 0, 0, 13].into()),
    };
    let (more, later, last) = (0x2000, 0x2000 | 185, 370);
    // In by port 53 of UDP, and by port 22 of TCP for members; whatever UDP sends, out.
    for (frame, heard) in [
        (ipv4(way_in, &[], more, (UDP, &udp(40_000, 53))), true),
        (ipv4(way_in, &[], more, (UDP, &udp(40_000, 54))), false),
        (ipv4(way_in, &[], later, (UDP, &[0; 64])), false),
        (ipv4(way_in, &[], last, (UDP, &[0; 64])), false),
        (ipv4(way_in, &[], more, (TCP, &tcp(22))), true),
        (ipv4(way_in, &[], later, (TCP, &[0; 64])), false),
    ] {
        let heard = if heard { ports(&[port]) } else { ports(&[]) };
        assert_eq!(arriving(&switch, &frame, NEW), heard, "{frame}");
    }
    const TUNNEL: u32 = 2;
    for fragment in [0, more, later, last] {
        for (protocol, heard) in [(UDP, &[TUNNEL][..]), (TCP, &[])] {
            let frame = ipv4(way_out, &[], fragment, (protocol, &udp(40_000, 53)));
            let heard_by = switch.trace_frame("br-int", "in_port=101", &frame, NEW);
            assert_eq!(heard_by, ports(heard), "{frame}");
        }
    }
}

#[test]
fn a_machine_is_no_router_however_it_says_so() {
    let (switch, _) = switch_with("quickstart");
    for headers in [
        &[][..],
        &[HOP_BY_HOP],
        &[DESTINATION],
        &[HOP_BY_HOP, DESTINATION],
        &[FIRST_FRAGMENT],
        &[HOP_BY_HOP, FIRST_FRAGMENT, DESTINATION],
    ] {
        let frame = ipv6(from_vm1_v6(), headers, (ICMPV6, &router_advertisement()));
        assert_eq!(leaving(&switch, &frame), ports(&[]), "{headers:?}");
    }
    // Routers elsewhere are heard without a rule.
    let router = Way {
        macs: (ROUTER_MAC, ALL_NODES),
        addresses: (address("fe80::1"), address("ff02::1")),
    };
    let frame = ipv6(router, &[], (ICMPV6, &router_advertisement()));
    let heard = ports(&[NUMBER, NEIGHBOUR]);
    assert_eq!(arriving(&switch, &frame, NEW), heard);
}

#[test]
fn a_machine_is_no_dhcp_server_however_it_says_so() {
    let (switch, _) = switch_with("quickstart");
    let everyone = Way {
        macs: (VM1_MAC, MacAddr::BROADCAST),
        addresses: ([10, 0, 0, 18].into(), Ipv4Addr::BROADCAST),
    };
    for options in [&[][..], &[[1, 1, 1, 0]]] {
        let frame = ipv4(everyone, options, 0, (UDP, &udp(67, 68)));
        assert_eq!(leaving(&switch, &frame), ports(&[]));
    }
    for headers in [&[][..], &[DESTINATION], &[FIRST_FRAGMENT]] {
        let frame = ipv6(from_vm1_v6(), headers, (UDP, &udp(547, 546)));
        assert_eq!(leaving(&switch, &frame), ports(&[]), "{headers:?}");
    }
    // Servers elsewhere are heard without a rule.
    let frame = ipv4(to_vm1_v4(), &[], 0, (UDP, &udp(67, 68)));
    assert_eq!(arriving(&switch, &frame, NEW), ports(&[NUMBER]));
    let frame = ipv6(to_vm1_v6(), &[], (UDP, &udp(547, 546)));
    assert_eq!(arriving(&switch, &frame, NEW), ports(&[NUMBER]));
}

#[test]
fn only_ip_and_arp_pass_a_firewalled_port() {
    let (switch, _) = switch_with("quickstart");
    // An experiment, PPPoE, MPLS, LLDP, and 802.3 with a length in place of a type.
    for eth_type in [
        [0x88, 0xb5],
        [0x88, 0x63],
        [0x88, 0x47],
        [0x88, 0xcc],
        [0, 46],
    ] {
        let payload = [0xaa; 46];
        let frame = ethernet((VM1_MAC, MacAddr::BROADCAST), &eth_type, &payload);
        assert_eq!(leaving(&switch, &frame), ports(&[]), "{eth_type:02x?}");
        let frame = ethernet((ROUTER_MAC, VM1_MAC), &eth_type, &payload);
        assert_eq!(
            arriving(&switch, &frame, NEW),
            ports(&[]),
            "{eth_type:02x?}"
        );
    }
}

#[test]
fn permitted_types_pass_a_firewalled_port_under_its_own_address() {
    let (switch, _) = switch_with("open_ports");
    let own = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 2]);
    let other = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 1]);
    let payload = [0xaa; 46];
    let sent = |from, eth_type: [u8; 2]| {
        let frame = ethernet((from, other), &eth_type, &payload);
        switch.trace_frame("br-int", "in_port=102", &frame, NEW)
    };
    assert_eq!(sent(own, [0x88, 0xb5]), ports(&[101]));
    assert_eq!(sent(other, [0x88, 0xb5]), ports(&[]));
    assert_eq!(sent(own, [0x88, 0xb6]), ports(&[]));
    let got = |eth_type: [u8; 2]| {
        let frame = ethernet((other, own), &eth_type, &payload);
        switch.trace_frame("br-int", "in_port=101", &frame, NEW)
    };
    assert_eq!(got([0x88, 0xb5]), ports(&[102]));
    assert_eq!(got([0x88, 0xb6]), ports(&[]));
}

#[test]
fn a_machine_chooses_no_vlan() {
    let (switch, _) = switch_with("quickstart");
    let inner = ipv4(
        Way {
            macs: (VM1_MAC, MacAddr::BROADCAST),
            addresses: ([10, 0, 0, 18].into(), [10, 0, 0, 20].into()),
        },
        &[],
        0,
        (TCP, &tcp(22)),
    );
    let (macs, rest) = inner.split_at(24);
    assert!(!leaving(&switch, &inner).is_empty());
    // No network (802.1p), its own, another's, and that of dead ports; also as an outer tag of two.
    for tag in ["0000", "0001", "0002", "0fff", "a001"] {
        for outer in ["8100", "88a8"] {
            let frame = format!("{macs}{outer}{tag}{rest}");
            assert_eq!(leaving(&switch, &frame), ports(&[]), "{outer} {tag}");
            let frame = format!("{macs}{outer}{tag}81000001{rest}");
            assert_eq!(leaving(&switch, &frame), ports(&[]), "{outer} {tag}");
        }
    }
}

#[test]
fn a_neighbour_speaks_for_its_own_addresses_only() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let to = "dl_dst=fa:16:3e:00:00:13";
    let (mac, own, other) = (VM1, "2001:db8:a::18", "2001:db8:a::19");
    let false_mac = "dl_src=fa:16:3e:00:00:77";
    let advertise = |mac: &str, source: &str, target: &str| {
        format!("{mac},{to},icmp6,ipv6_src={source},icmpv6_type=136,nd_target={target}")
    };
    let solicit =
        |mac: &str, source: &str| format!("{mac},{to},icmp6,ipv6_src={source},icmpv6_type=135");
    let arp = |mac: &str, source: &str| {
        format!("{mac},{to},arp,arp_op=2,arp_spa={source},arp_tpa=10.0.0.19")
    };
    for (packet, heard) in [
        (advertise(mac, own, own), true),
        (advertise(mac, own, other), false),
        (advertise(mac, other, other), false),
        (advertise(false_mac, own, own), false),
        (solicit(mac, own), true),
        (solicit(mac, other), false),
        (solicit(mac, "::"), false),
        (solicit(false_mac, own), false),
        (arp(mac, "10.0.0.18"), true),
        (arp(mac, "10.0.0.19"), false),
        (arp(mac, "0.0.0.0"), false),
        (arp(false_mac, "10.0.0.18"), false),
    ] {
        let expected = if heard {
            ports(&[NEIGHBOUR])
        } else {
            ports(&[])
        };
        assert_eq!(vm.send(&packet, NEW), expected, "{packet}");
    }
}

#[test]
fn an_address_pair_may_be_announced_and_no_other() {
    let (switch, _) = switch_with("address_pairs");
    let router = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=101",
    };
    let announce = |mac: &str, ip: &str| {
        let packet = format!("dl_src={mac},dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1");
        router.send(&format!("{packet},arp_spa={ip},arp_tpa={ip}"), NEW)
    };
    let (own, virtual_mac) = ("fa:16:3e:00:00:01", "00:00:5e:00:01:01");
    let everyone = ports(&[102, 104, 105, 2]);
    assert_eq!(announce(virtual_mac, "10.0.0.200"), everyone);
    assert_eq!(announce(own, "10.0.0.11"), everyone);
    for (mac, ip) in [
        (own, "10.0.0.200"),
        (virtual_mac, "10.0.0.11"),
        (virtual_mac, "10.0.0.201"),
        (own, "10.0.0.12"),
    ] {
        assert_eq!(announce(mac, ip), ports(&[]), "{mac} {ip}");
    }
}

#[test]
fn a_reply_reaches_who_asked_and_nobody_else() {
    let (switch, _) = switch_with("quickstart");
    let way_in = |mac: u8, to: &str| {
        let to: Ipv4Addr = to.parse().unwrap();
        Way {
            macs: (ROUTER_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, mac])),
            addresses: ([198, 51, 100, 7].into(), to),
        }
    };
    let way_in_v6 = |mac: u8, to: &str| Way {
        macs: (ROUTER_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, mac])),
        addresses: (address("2001:db8:77::7"), address(to)),
    };
    const RELATED: &str = "trk,rel";
    // To the address of vm1 under the MAC of vm1, of vm2 beside it, and of everybody.
    for state in [REPLY, RELATED] {
        for (mac, heard) in [(0x12, &[NUMBER][..]), (0x13, &[])] {
            let frame = ipv4(way_in(mac, "10.0.0.18"), &[], 0, (UDP, &udp(53, 40_000)));
            assert_eq!(arriving(&switch, &frame, state), ports(heard), "{mac:x}");
            let to = way_in_v6(mac, "2001:db8:a::18");
            let frame = ipv6(to, &[], (UDP, &udp(53, 40_000)));
            assert_eq!(arriving(&switch, &frame, state), ports(heard), "{mac:x}");
        }
        let to_all = Way {
            macs: (ROUTER_MAC, MacAddr::BROADCAST),
            ..way_in(0, "10.0.0.18")
        };
        let frame = ipv4(to_all, &[], 0, (UDP, &udp(53, 40_000)));
        assert_eq!(arriving(&switch, &frame, state), ports(&[NUMBER]));
    }
    // From a neighbour on the host, whose packets are tracked already.
    let misaddressed = Way {
        macs: (VM1_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x13])),
        addresses: ([10, 0, 0, 18].into(), [10, 0, 0, 20].into()),
    };
    let frame = ipv4(misaddressed, &[], 0, (UDP, &udp(53, 40_000)));
    let heard = switch.trace_frame("br-int", "in_port=43", &frame, REPLY);
    assert_eq!(heard, ports(&[]));
}

#[test]
fn rules_decide_about_packets_for_the_address_of_another() {
    let (switch, _) = switch_with("quickstart");
    // Anybody may open connections to port 22 of vm1, and to no port of vm2.
    for state in [NEW, FORWARD] {
        for (mac, port, heard) in [(0x12, 22, &[NUMBER][..]), (0x12, 80, &[]), (0x13, 22, &[])] {
            let way = Way {
                macs: (ROUTER_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, mac])),
                addresses: ([198, 51, 100, 7].into(), [10, 0, 0, 99].into()),
            };
            let frame = ipv4(way, &[], 0, (TCP, &tcp(port)));
            assert_eq!(arriving(&switch, &frame, state), ports(heard), "{mac:x}");
        }
    }
}

#[test]
fn what_comes_for_another_cuts_no_connection() {
    let (switch, _) = switch_with("quickstart");
    let arriving = |ip: &str| {
        let packet = format!(
            "in_port=2,tun_id=1001,dl_src=fa:16:3e:00:00:77,dl_dst=fa:16:3e:00:00:12,\
             tcp,nw_src=198.51.100.7,nw_dst={ip},tcp_dst=80"
        );
        switch.trace_text("br-tun", &packet, FORWARD)
    };
    let cuts = |trace: &str| trace.contains("set_field:0x1->ct_mark");
    assert!(cuts(&arriving("10.0.0.18")));
    // The state is the tracker's for the zone of the network; in the other it knows no connection.
    let trace = arriving("10.0.0.99");
    assert!(trace.contains("ct(table=82,zone=4095)"), "{trace}");
}
