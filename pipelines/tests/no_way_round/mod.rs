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
    // Its own network's, another's, and that of dead ports; also as an outer tag of two, as which it
    // may be none (802.1p).
    for tag in ["0001", "0002", "0fff", "a001"] {
        for outer in ["8100", "88a8"] {
            let frame = format!("{macs}{outer}{tag}{rest}");
            assert_eq!(leaving(&switch, &frame), ports(&[]), "{outer} {tag}");
        }
    }
    for tag in ["0000", "a000", "0001", "0002", "0fff", "a001"] {
        for (outer, inner) in [("8100", "8100"), ("88a8", "8100"), ("8100", "88a8")] {
            for tag_behind in ["0001", "0065"] {
                let frame = format!("{macs}{outer}{tag}{inner}{tag_behind}{rest}");
                assert_eq!(leaving(&switch, &frame), ports(&[]), "{outer} {tag}");
            }
        }
    }
}

#[test]
fn a_tag_behind_a_tag_leads_no_machine_to_another_vlan() {
    // A machine without port security, on a physical network, and another one beside it.
    let (switch, _) = switch_with("open_ports");
    let rest = "02000000000102000000000288b5";
    let (macs, rest) = rest.split_at(24);
    let frame = |tags: &str| format!("{macs}{tags}{rest}{}", "aa".repeat(46));
    let leaving = |tags: &str| switch.trace_frame("br-int", "in_port=109", &frame(tags), NEW);
    for tags in ["", "81000000", "8100a000"] {
        assert_eq!(leaving(tags), ports(&[110]), "{tags}");
    }
    for tags in [
        "81000065",
        "8100000081000065",
        "8100000088a80065",
        "8100000081000000",
    ] {
        assert_eq!(leaving(tags), ports(&[]), "{tags}");
    }
}

#[test]
fn a_priority_without_a_vlan_is_no_tag() {
    let (switch, _) = switch_with("quickstart");
    let tagged = |frame: &str, tag: &str| {
        let (macs, rest) = frame.split_at(24);
        format!("{macs}{tag}{rest}")
    };
    let way_out = Way {
        macs: (VM1_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x14])),
        addresses: ([10, 0, 0, 18].into(), [10, 0, 0, 20].into()),
    };
    // From a machine, from a tunnel, and from a physical network.
    let out = ipv4(way_out, &[], 0, (UDP, &udp(9, 5000)));
    let tunnelled = ipv4(to_vm1_v4(), &[], 0, (TCP, &tcp(22)));
    let flat = Way {
        macs: (ROUTER_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x17])),
        addresses: ([198, 51, 100, 7].into(), [203, 0, 113, 10].into()),
    };
    let flat = ipv4(flat, &[], 0, (TCP, &tcp(22)));
    for tag in ["", "81000000", "8100a000", "8100b000", "88a8e000"] {
        let frame = tagged(&out, tag);
        assert_eq!(leaving(&switch, &frame), ports(&[2]), "{tag}");
        let frame = tagged(&tunnelled, tag);
        assert_eq!(arriving(&switch, &frame, NEW), ports(&[NUMBER]), "{tag}");
        let frame = tagged(&flat, tag);
        let heard = switch.trace_frame("br-ex", "in_port=9", &frame, NEW);
        assert_eq!(heard, ports(&[47]), "{tag}");
    }
    let trace = switch.appctl(
        "ofproto/trace",
        &[
            "br-tun",
            "in_port=2,tun_id=1001",
            &tagged(&tunnelled, "8100a000"),
        ],
    );
    assert!(trace.contains("pop_vlan"), "{trace}");
}

#[test]
fn a_tag_inside_a_tunnel_reaches_nobody() {
    let (switch, _) = switch_with("quickstart");
    let everyone = Way {
        macs: (ROUTER_MAC, MacAddr::BROADCAST),
        addresses: ([198, 51, 100, 7].into(), [10, 0, 0, 18].into()),
    };
    let arp = [0, 1, 8, 0, 6, 4, 0, 1]
        .map(|byte| format!("{byte:02x}"))
        .concat();
    let arp = format!("ffffffffffff{}0806{arp}{}", "fa163e000077", "00".repeat(20));
    let broadcast = ipv4(everyone, &[], 0, (TCP, &tcp(22)));
    let unicast = ipv4(to_vm1_v4(), &[], 0, (TCP, &tcp(22)));
    for (frame, heard) in [
        (arp, &[NUMBER, NEIGHBOUR][..]),
        (broadcast, &[NUMBER]),
        (unicast, &[NUMBER]),
    ] {
        assert_eq!(arriving(&switch, &frame, NEW), ports(heard));
        let (macs, rest) = frame.split_at(24);
        for tags in [
            "81000001",
            "81000002",
            "88a80001",
            "8100000081000001",
            "8100000188a80001",
        ] {
            let frame = format!("{macs}{tags}{rest}");
            assert_eq!(arriving(&switch, &frame, NEW), ports(&[]), "{tags}");
            // Nor one on a physical network, inside the network's own.
            let frame = frame.replacen("fa163e000012", "fa163e000016", 1);
            let (macs, rest) = frame.split_at(24);
            let frame = format!("{macs}81000065{rest}");
            let heard = switch.trace_frame("br-ex", "in_port=9", &frame, NEW);
            assert_eq!(heard, ports(&[]), "{tags}");
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
    let inner = |mac: &str| mac.replace("dl_src=", "");
    let advertise = |mac: &str, source: &str, target: &str| {
        let option = inner(mac);
        format!(
            "{mac},{to},icmp6,ipv6_src={source},icmpv6_type=136,nd_target={target},nd_tll={option}"
        )
    };
    let solicit = |mac: &str, source: &str, target: &str, option: &str| {
        format!(
            "{mac},{to},icmp6,ipv6_src={source},icmpv6_type=135,nd_target={target},nd_sll={option}"
        )
    };
    let arp = |mac: &str, source: &str| {
        let inner = inner(mac);
        format!("{mac},{to},arp,arp_op=2,arp_sha={inner},arp_spa={source},arp_tpa=10.0.0.19")
    };
    let (own_mac, no_mac, target) = (inner(mac), "00:00:00:00:00:00", "2001:db8:a::20");
    let rarp = |mac: &str, inner: &str| format!("{mac},{to},rarp,arp_op=3,arp_sha={inner}");
    for (packet, heard) in [
        (advertise(mac, own, own), true),
        (advertise(mac, own, other), false),
        (advertise(mac, other, other), false),
        (advertise(false_mac, own, own), false),
        (solicit(mac, own, target, &own_mac), true),
        (solicit(mac, own, target, no_mac), true),
        (solicit(mac, other, target, &own_mac), false),
        (solicit(false_mac, own, target, no_mac), false),
        // Who has no address yet asks about its own, without a MAC.
        (solicit(mac, "::", own, no_mac), true),
        (solicit(mac, "::", "fe80::f816:3eff:fe00:12", no_mac), true),
        (solicit(mac, "::", other, no_mac), false),
        (solicit(mac, "::", own, &own_mac), false),
        (solicit(false_mac, "::", own, no_mac), false),
        (arp(mac, "10.0.0.18"), true),
        (arp(mac, "10.0.0.19"), false),
        (arp(mac, "0.0.0.0"), false),
        (arp(false_mac, "10.0.0.18"), false),
        (rarp(mac, &own_mac), false),
    ] {
        let expected = if heard {
            ports(&[NEIGHBOUR])
        } else {
            ports(&[])
        };
        assert_eq!(vm.send(&packet, NEW), expected, "{packet}");
    }
}

/// The MAC of vm2, as vm1 would say it of itself.
const FALSE_MAC: [u8; 6] = [0xfa, 0x16, 0x3e, 0, 0, 0x13];
/// A link-layer address option (RFC 4861, section 4.6.1), by its type.
fn option(kind: u8, mac: [u8; 6]) -> Vec<u8> {
    [&[kind, 1][..], &mac].concat()
}

#[test]
fn a_neighbour_names_no_mac_but_its_own() {
    let (switch, _) = switch_with("quickstart");
    let (own, other): (Ipv6Addr, _) = (address("2001:db8:a::18"), address("2001:db8:a::20"));
    let message = |kind: u8, source: Ipv6Addr, target: Ipv6Addr, options: &[Vec<u8>]| {
        let way = Way {
            macs: (VM1_MAC, MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x13])),
            addresses: (source, address("2001:db8:a::19")),
        };
        let header = [kind, 0, 0, 0, 0, 0, 0, 0];
        let body = [&header[..], &target.octets(), &options.concat()].concat();
        ipv6(way, &[], (ICMPV6, &body))
    };
    let (solicitation, advertisement) = (135, 136);
    let (own_mac, false_mac) = (VM1_MAC.0, FALSE_MAC);
    for (kind, target, which) in [(solicitation, other, 1), (advertisement, own, 2)] {
        for (options, heard) in [
            (vec![], true),
            (vec![option(which, own_mac)], true),
            (vec![option(which, false_mac)], false),
            // The switch reads one; what receivers do with two is their own affair.
            (
                vec![option(which, own_mac), option(which, false_mac)],
                false,
            ),
            (vec![option(which, [0; 6]), option(which, false_mac)], false),
            (
                vec![vec![14, 1, 0, 0, 0, 0, 0, 0], option(which, false_mac)],
                false,
            ),
        ] {
            let frame = message(kind, own, target, &options);
            let expected = if heard {
                ports(&[NEIGHBOUR])
            } else {
                ports(&[])
            };
            assert_eq!(leaving(&switch, &frame), expected, "{kind} {options:02x?}");
        }
    }
    let arp = |kind: [u8; 2], operation: u8, inner: [u8; 6]| {
        let head = [0, 1, 8, 0, 6, 4, 0, operation];
        let body = [&head[..], &inner, &[10, 0, 0, 18], &[0; 6], &[10, 0, 0, 19]];
        let to = MacAddr([0xfa, 0x16, 0x3e, 0, 0, 0x13]);
        ethernet((VM1_MAC, to), &kind, &body.concat())
    };
    for operation in [1, 2] {
        for (inner, heard) in [(own_mac, &[NEIGHBOUR][..]), (false_mac, &[]), ([0; 6], &[])] {
            let frame = arp([0x08, 0x06], operation, inner);
            assert_eq!(
                leaving(&switch, &frame),
                ports(heard),
                "{operation} {inner:02x?}"
            );
        }
    }
    // What QEMU announces goes outside; firewalled ports take no RARP.
    for (inner, heard) in [(own_mac, &[2, 4][..]), (false_mac, &[])] {
        let frame = arp([0x80, 0x35], 3, inner);
        let frame = frame.replacen("fa163e000013", "ffffffffffff", 1);
        assert_eq!(leaving(&switch, &frame), ports(heard), "{inner:02x?}");
    }
}

#[test]
fn listeners_say_what_rules_allow_whatever_the_tracker_thinks() {
    let report = |source: &str, kind: u8| {
        let group = address("ff02::16");
        let way = Way {
            macs: (VM1_MAC, MacAddr([0x33, 0x33, 0, 0, 0, 0x16])),
            addresses: (address(source), group),
        };
        ipv6(way, &[HOP_BY_HOP], (ICMPV6, &[kind, 0, 0, 0, 0, 0, 0, 0]))
    };
    let (switch, _) = switch_with("quickstart");
    let link_local = "fe80::f816:3eff:fe00:12";
    for kind in [131, 132, 143] {
        for (source, heard) in [
            (link_local, &[2, 4][..]),
            ("::", &[2, 4]),
            ("fe80::1", &[]),
            ("2001:db8:a::19", &[]),
        ] {
            let frame = report(source, kind);
            let seen = switch.trace_frame("br-int", "in_port=43", &frame, INVALID);
            assert_eq!(seen, ports(heard), "{kind} {source}");
        }
    }
    // Nothing lets listeners in to these ports; questions about listeners need no rule.
    let querier = Way {
        macs: (ROUTER_MAC, ALL_NODES),
        addresses: (address("fe80::1"), address("ff02::1")),
    };
    for (kind, heard) in [(130, &[NUMBER, NEIGHBOUR][..]), (131, &[]), (143, &[])] {
        let frame = ipv6(
            querier,
            &[HOP_BY_HOP],
            (ICMPV6, &[kind, 0, 0, 0, 0, 0, 0, 0]),
        );
        assert_eq!(arriving(&switch, &frame, INVALID), ports(heard), "{kind}");
    }
    // IGMP, to all of the link and to a group.
    for (group, heard) in [
        ([224, 0, 0, 1], &[NUMBER, NEIGHBOUR][..]),
        ([224, 0, 0, 22], &[NUMBER, NEIGHBOUR]),
        ([224, 0, 1, 1], &[]),
        ([239, 1, 2, 3], &[]),
    ] {
        let way = Way {
            macs: (
                ROUTER_MAC,
                MacAddr([0x01, 0, 0x5e, group[1], group[2], group[3]]),
            ),
            addresses: ([198, 51, 100, 7].into(), group.into()),
        };
        let frame = ipv4(
            way,
            &[[0x94, 4, 0, 0]],
            0,
            (2, &[0x11, 0, 0, 0, 0, 0, 0, 0]),
        );
        assert_eq!(arriving(&switch, &frame, NEW), ports(heard), "{group:?}");
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
        let packet = format!("dl_src={mac},dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_sha={mac}");
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

#[test]
fn what_bridges_say_to_each_other_is_not_forwarded() {
    // One port without port security, one with; both may send a type of frame besides IP and ARP.
    let (switch, _) = switch_with("open_ports");
    for (last, is_forwarded) in [
        (0, false),
        (2, false),
        (0x0e, false),
        (0x0f, false),
        (0x10, true),
    ] {
        let group = MacAddr([0x01, 0x80, 0xc2, 0, 0, last]);
        for (number, receivers) in [(101, [102, 2, 4]), (102, [101, 2, 4])] {
            let own = MacAddr([0xfa, 0x16, 0x3e, 0, 0, number - 100]);
            let frame = ethernet((own, group), &[0x88, 0xb5], &[0xaa; 46]);
            let port = format!("in_port={number}");
            let heard = switch.trace_frame("br-int", &port, &frame, NEW);
            let expected = ports(if is_forwarded { &receivers } else { &[] });
            assert_eq!(heard, expected, "{number} {last:x}");
        }
        let frame = ethernet((ROUTER_MAC, group), &[0x88, 0xb5], &[0xaa; 46]);
        let expected = ports(if is_forwarded { &[101, 102] } else { &[] });
        assert_eq!(arriving(&switch, &frame, NEW), expected, "{last:x}");
    }
}
