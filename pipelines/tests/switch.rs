//! What a real switch makes of the flows: that it takes them, and where packets come out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod datapath;
mod frames;
mod learning;
mod no_way_round;
#[expect(dead_code, reason = "the switch is shared with other tests")]
mod ovs;
mod scenario;
mod snooping;

use std::collections::BTreeSet;

use ovs::Switch;
use pipelines::{
    bridge::{Bridge, desired, stops},
    network::PhysicalNetwork,
    site::Site,
};

/// A connection's first packet, as the tracker calls it.
const NEW: &str = "trk,new";
/// A packet of a connection, in its first direction.
const FORWARD: &str = "trk,est";
/// A packet of a connection, in the other direction.
const REPLY: &str = "trk,est,rpl";

/// A number on the provider bridge that no scenario uses.
const NIC: u32 = 9;

/// A switch that has a scenario's bridges, ports and flows.
fn switch_with(name: &str) -> (Switch, Site) {
    let site = scenario::read(name);
    let switch = Switch::start();
    for bridge in ["br-int", "br-tun", "br-ex"] {
        switch.add_bridge(bridge);
    }
    let [tun, int] = [site.patch_tun, site.patch_int].map(|port| port.unwrap().0);
    switch.add_patch(("br-int", tun), ("br-tun", int));
    let provider = site.providers.values().next().unwrap();
    switch.add_patch(("br-int", provider.int.0), ("br-ex", provider.phy.0));
    switch.add_port("br-ex", "nic", NIC);
    for number in site.bindings.values() {
        switch.add_port("br-int", &format!("vm{number}"), number.0);
    }
    for number in site.tunnels.values() {
        switch.add_port("br-tun", &format!("tunnel{number}"), number.0);
    }
    switch.show_ports_of_first_fragments("br-int");
    for (name, bridge) in bridges() {
        switch.install(name, &text(&site, &bridge));
    }
    (switch, site)
}

fn bridges() -> [(&'static str, Bridge); 3] {
    let provider = Bridge::Provider(PhysicalNetwork::from("physnet1"));
    [
        ("br-int", Bridge::Integration),
        ("br-tun", Bridge::Tunnel),
        ("br-ex", provider),
    ]
}

/// Groups, then flows, each sorted, as [`Switch::dump`] has them.
fn text(site: &Site, bridge: &Bridge) -> String {
    let desired = desired(site, bridge);
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
            .into_iter()
            .map(|line| line + "\n")
            .collect::<String>()
    };
    let groups = desired
        .flow_set()
        .groups
        .values()
        .map(ToString::to_string)
        .collect();
    let flows = desired
        .flow_set()
        .flows()
        .map(ToString::to_string)
        .collect();
    sorted(groups) + &sorted(flows)
}

/// No number is used on two bridges, patches aside.
fn ports(numbers: &[u32]) -> BTreeSet<u32> {
    numbers.iter().copied().collect()
}

#[test]
fn a_switch_prints_the_flows_as_they_were_compiled() {
    for name in [
        "empty",
        "quickstart",
        "rules",
        "address_pairs",
        "open_ports",
        "trunks_and_moves",
        "routers",
        "port_forwardings",
        "multicast",
    ] {
        let (switch, site) = switch_with(name);
        for (bridge_name, bridge) in bridges() {
            let (dump, compiled) = (switch.dump(bridge_name), text(&site, &bridge));
            let only = |one: &str, other: &str| -> Vec<String> {
                let other: BTreeSet<_> = other.lines().collect();
                one.lines()
                    .filter(|line| !other.contains(line))
                    .map(str::to_owned)
                    .collect()
            };
            let lost = only(&compiled, &dump);
            let added = only(&dump, &compiled);
            assert!(
                dump == compiled,
                "{name} {bridge_name}: compiled {lost:#?}, but the switch has {added:#?}"
            );
        }
    }
}

/// Traces packets from one port of the scenario `quickstart`.
struct From<'a> {
    switch: &'a Switch,
    bridge: &'static str,
    port: &'static str,
}

impl From<'_> {
    fn send(&self, packet: &str, state: &str) -> BTreeSet<u32> {
        self.switch
            .trace(self.bridge, &format!("{},{packet}", self.port), state)
    }
}

const VM1: &str = "dl_src=fa:16:3e:00:00:12";
const TO_VM1: &str = "dl_dst=fa:16:3e:00:00:12";

#[test]
fn ssh_comes_in_from_anywhere_and_http_only_from_the_group() {
    let (switch, _) = switch_with("quickstart");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let stranger = format!("{TO_VM1},tcp,nw_src=198.51.100.7,nw_dst=10.0.0.18");
    let member = format!("{TO_VM1},tcp,nw_src=10.0.0.20,nw_dst=10.0.0.18");
    assert_eq!(
        tunnel.send(&format!("{stranger},tcp_dst=22"), NEW),
        ports(&[43])
    );
    assert_eq!(
        tunnel.send(&format!("{stranger},tcp_dst=80"), NEW),
        ports(&[])
    );
    assert_eq!(
        tunnel.send(&format!("{member},tcp_dst=80"), NEW),
        ports(&[43])
    );
    assert_eq!(
        tunnel.send(&format!("{stranger},tcp_dst=5000"), REPLY),
        ports(&[43])
    );
    assert_eq!(
        tunnel.send(&format!("{stranger},tcp_dst=5000"), FORWARD),
        ports(&[])
    );
}

#[test]
fn a_port_sends_in_its_own_name_only() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let to = "dl_dst=fa:16:3e:00:00:14";
    let own = format!("{VM1},{to},tcp,nw_src=10.0.0.18,nw_dst=10.0.0.20");
    assert_eq!(vm.send(&own, NEW), ports(&[2]));
    for spoofed in [
        format!("dl_src=fa:16:3e:00:00:13,{to},tcp,nw_src=10.0.0.18,nw_dst=10.0.0.20"),
        format!("{VM1},{to},tcp,nw_src=10.0.0.19,nw_dst=10.0.0.20"),
        format!("{VM1},{to},tcp6,ipv6_src=2001:db8:a::19,ipv6_dst=2001:db8:a::20"),
        format!(
            "{VM1},dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_sha=fa:16:3e:00:00:12,\
             arp_spa=10.0.0.19,arp_tpa=10.0.0.20"
        ),
        format!("{VM1},dl_dst=33:33:00:00:00:01,icmp6,ipv6_src=2001:db8:a::18,icmpv6_type=134"),
        format!("{VM1},dl_dst=ff:ff:ff:ff:ff:ff,udp,nw_src=10.0.0.18,udp_src=67,udp_dst=68"),
        format!("dl_vlan=1,{own}"),
        format!("dl_vlan=4095,{own}"),
    ] {
        assert_eq!(vm.send(&spoofed, NEW), ports(&[]), "{spoofed}");
    }
}

#[test]
fn a_broadcast_reaches_its_network_and_nobody_else() {
    let (switch, _) = switch_with("quickstart");
    let arp = "dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_sha=fa:16:3e:00:00:12,\
               arp_spa=10.0.0.18,arp_tpa=10.0.0.99";
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let heard = vm.send(&format!("{VM1},{arp}"), NEW);
    assert_eq!(heard, ports(&[44, 2, 4]));

    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let heard = tunnel.send(&format!("dl_src=fa:16:3e:00:00:14,{arp}"), NEW);
    assert_eq!(heard, ports(&[43, 44]));

    // The same key in another type of tunnel is another network.
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=3,tun_id=1001",
    };
    let heard = tunnel.send(&format!("dl_src=fa:16:3e:00:00:13,{arp}"), NEW);
    assert_eq!(heard, ports(&[45]));
}

#[test]
fn a_broadcast_meets_the_rules_of_each_receiver() {
    let (switch, _) = switch_with("quickstart");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let packet =
        "dl_src=fa:16:3e:00:00:77,dl_dst=ff:ff:ff:ff:ff:ff,tcp,nw_src=198.51.100.7,tcp_dst=22";
    assert_eq!(tunnel.send(packet, NEW), ports(&[43]));
}

#[test]
fn unknown_stations_are_looked_for_elsewhere_and_not_at_firewalled_ports() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let unknown = "dl_dst=fa:16:3e:00:00:77,tcp,nw_src=10.0.0.18,nw_dst=10.0.0.77,tcp_dst=22";
    let heard = vm.send(&format!("{VM1},{unknown}"), NEW);
    assert_eq!(heard, ports(&[2, 4]));
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    assert_eq!(
        tunnel.send(&format!("dl_src=fa:16:3e:00:00:14,{unknown}"), NEW),
        ports(&[])
    );
}

#[test]
fn a_port_does_not_hear_itself() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let packet = format!("{VM1},{TO_VM1},tcp,nw_src=10.0.0.18,nw_dst=10.0.0.18,tcp_dst=22");
    assert_eq!(vm.send(&packet, NEW), ports(&[]));
}

#[test]
fn who_is_not_in_the_model_reaches_nobody() {
    let (switch, _) = switch_with("quickstart");
    let stranger = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=LOCAL",
    };
    for packet in [
        format!("{TO_VM1},tcp,nw_src=10.0.0.19,tcp_dst=22"),
        format!("dl_vlan=1,{TO_VM1},tcp,nw_src=10.0.0.19,tcp_dst=22"),
        "dl_dst=fa:16:3e:00:00:17,tcp,nw_src=203.0.113.1,tcp_dst=22".to_owned(),
        "dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_tpa=10.0.0.18".to_owned(),
    ] {
        assert_eq!(stranger.send(&packet, NEW), ports(&[]), "{packet}");
    }
}

#[test]
fn arp_for_a_port_behind_a_tunnel_is_answered_here() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let arp = "dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_sha=fa:16:3e:00:00:12,\
               arp_spa=10.0.0.18,arp_tpa=10.0.0.20";
    // The request goes to the neighbour here, and the answer comes back through the patch.
    let heard = vm.send(&format!("{VM1},{arp}"), NEW);
    assert_eq!(heard, ports(&[43, 44]));
}

#[test]
fn a_solicitation_for_a_port_behind_a_tunnel_reaches_that_port_only() {
    let (switch, _) = switch_with("quickstart");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=43",
    };
    let solicit = |source: &str, target: &str, option: &str| {
        let to = "dl_dst=33:33:ff:00:00:20,icmp6,ipv6_dst=ff02::1:ff00:20,icmpv6_type=135";
        let packet = format!("{VM1},{to},ipv6_src={source},nd_target={target},nd_sll={option}");
        vm.send(&packet, NEW)
    };
    let (own, own_mac, no_mac) = ("2001:db8:a::18", "fa:16:3e:00:00:12", "00:00:00:00:00:00");
    let (near, tunnels) = (44, [2, 4]);
    // The neighbour here gets every solicitation; of the other hosts, only the target's does.
    for target in ["2001:db8:a::20", "fe80::f816:3eff:fe00:14"] {
        for option in [own_mac, no_mac] {
            assert_eq!(solicit(own, target, option), ports(&[near, 2]), "{target}");
        }
    }
    // An address that no port has is asked for everywhere.
    let everywhere = [&[near][..], &tunnels].concat();
    assert_eq!(solicit(own, "2001:db8:a::77", own_mac), ports(&everywhere));
}

#[test]
fn provider_networks_are_translated_both_ways() {
    let (switch, _) = switch_with("quickstart");
    let nic = From {
        switch: &switch,
        bridge: "br-ex",
        port: "in_port=9",
    };
    let ssh = "tcp,nw_src=198.51.100.1,tcp_dst=22";
    let to = |tag: &str, mac: &str| format!("{tag}dl_src=02:00:00:00:00:01,dl_dst={mac},{ssh}");
    let vlan_vm = "fa:16:3e:00:00:16";
    let flat_vm = "fa:16:3e:00:00:17";
    assert_eq!(nic.send(&to("dl_vlan=101,", vlan_vm), NEW), ports(&[46]));
    assert_eq!(nic.send(&to("", flat_vm), NEW), ports(&[47]));
    assert_eq!(nic.send(&to("", vlan_vm), NEW), ports(&[]));
    assert_eq!(nic.send(&to("dl_vlan=102,", vlan_vm), NEW), ports(&[]));
    // A local tag means nothing on the physical network.
    assert_eq!(nic.send(&to("dl_vlan=3,", vlan_vm), NEW), ports(&[]));
}

#[test]
fn ports_without_port_security_hear_unknown_stations_and_dead_ones_nothing() {
    let (switch, _) = switch_with("open_ports");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let packet = |mac: &str| format!("dl_src=fa:16:3e:00:00:04,dl_dst={mac},tcp,tcp_dst=22");
    assert_eq!(
        tunnel.send(&packet("fa:16:3e:00:00:77"), NEW),
        ports(&[101])
    );
    assert_eq!(
        tunnel.send(&packet("fa:16:3e:00:00:01"), NEW),
        ports(&[101])
    );
    assert_eq!(tunnel.send(&packet("fa:16:3e:00:00:03"), NEW), ports(&[]));
    let arp = "dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_tpa=10.0.0.99";
    let heard = tunnel.send(&format!("dl_src=fa:16:3e:00:00:04,{arp}"), NEW);
    assert_eq!(heard, ports(&[101, 102]));
    let dead = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=103",
    };
    assert_eq!(
        dead.send(
            &format!("dl_src=fa:16:3e:00:00:03,{arp},arp_spa=10.0.0.13"),
            NEW
        ),
        ports(&[])
    );
    // What is known to be elsewhere is not shown to them.
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=102",
    };
    let known = "dl_src=fa:16:3e:00:00:02,dl_dst=fa:16:3e:00:00:04,tcp,nw_src=10.0.0.12";
    assert_eq!(vm.send(known, NEW), ports(&[2]));
}

#[test]
fn a_shared_address_reaches_everyone_who_shares_it() {
    let (switch, _) = switch_with("address_pairs");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=104",
    };
    let packet =
        "dl_src=fa:16:3e:00:00:04,dl_dst=00:00:5e:00:01:01,tcp,nw_src=10.0.0.14,tcp_dst=80";
    assert_eq!(vm.send(packet, NEW), ports(&[101, 102, 2]));
}

#[test]
fn rules_with_remote_groups_decide_by_port_and_member() {
    let (switch, _) = switch_with("rules");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let to_web = |ip: &str, rest: &str| {
        format!("dl_dst=fa:16:3e:00:00:02,{rest},nw_src={ip},nw_dst=10.0.0.12")
    };
    let passes = |ip: &str, port: u16| {
        let packet = to_web(ip, &format!("tcp,tcp_dst={port}"));
        tunnel.send(&packet, NEW) == ports(&[102])
    };
    // Members of `web` may do anything, those of `db` use ports 16 to 31, those of `admin` 22. The
    // masks of these ranges overlap.
    let allowed = |ip: &str| -> Vec<u16> {
        [15, 16, 21, 22, 23, 31, 32]
            .into_iter()
            .filter(|port| passes(ip, *port))
            .collect()
    };
    assert_eq!(allowed("10.0.0.13"), [15, 16, 21, 22, 23, 31, 32]);
    assert_eq!(allowed("10.0.0.14"), [16, 21, 22, 23, 31]);
    assert_eq!(allowed("10.0.0.15"), [22]);
    assert!(allowed("10.0.0.99").is_empty());
}

#[test]
fn a_rule_without_ports_is_about_port_0_too() {
    let (switch, _) = switch_with("rules");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    // One rule is about all of UDP, another about some of its ports.
    for port in [0, 1, 1000, 65535] {
        let packet = format!(
            "dl_dst=fa:16:3e:00:00:01,udp,nw_src=198.51.100.7,nw_dst=10.0.0.11,udp_dst={port}"
        );
        assert_eq!(tunnel.send(&packet, NEW), ports(&[101]), "{port}");
    }
}

#[test]
fn a_virtual_router_is_let_in_from_any_address_by_its_mac() {
    let (switch, _) = switch_with("address_pairs");
    let (router, other) = ("fa:16:3e:00:00:05", "fa:16:3e:00:00:04");
    let packet = |from: &str, ip: &str| {
        let to = "dl_dst=fa:16:3e:00:00:01,tcp,nw_dst=10.0.0.11,tcp_dst=80";
        format!("dl_src={from},{to},nw_src={ip}")
    };
    let here = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=105",
    };
    let outside = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    for sender in [here, outside] {
        for ip in ["198.51.100.7", "10.0.0.15"] {
            assert_eq!(sender.send(&packet(router, ip), NEW), ports(&[101]), "{ip}");
        }
        // Whoever else comes from outside the group's addresses is a stranger.
        let heard = sender.send(&packet(other, "198.51.100.7"), NEW);
        assert_eq!(heard, ports(&[]));
    }
}

#[test]
fn a_port_that_gets_another_number_is_stopped_at_once() {
    let (switch, mut site) = switch_with("quickstart");
    let port = site.bindings.iter().find(|(_, number)| number.0 == 43);
    let port = *port.unwrap().0;
    let ssh = |to: &str| format!("{to},tcp,nw_src=198.51.100.7,nw_dst=10.0.0.18,tcp_dst=22");
    let tunnel = From {
        switch: &switch,
        bridge: "br-tun",
        port: "in_port=2,tun_id=1001",
    };
    let [vm, neighbour] = ["in_port=43", "in_port=44"].map(|port| From {
        switch: &switch,
        bridge: "br-int",
        port,
    });
    let out = format!("{VM1},dl_dst=fa:16:3e:00:00:14,tcp,nw_src=10.0.0.18,nw_dst=10.0.0.20");
    let arp = "dl_src=fa:16:3e:00:00:13,dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,\
               arp_sha=fa:16:3e:00:00:13,arp_spa=10.0.0.19,arp_tpa=10.0.0.99";
    assert_eq!(tunnel.send(&ssh(TO_VM1), NEW), ports(&[43]));
    assert_eq!(vm.send(&out, NEW), ports(&[2]));
    assert_eq!(neighbour.send(arp, NEW), ports(&[43, 2, 4]));
    site.renumbered.insert(port);
    // A few of the flows that are compiled for it; the others may come later.
    let compiled = desired(&site, &Bridge::Integration);
    let stops = stops(&site, port);
    assert!((1..10).contains(&stops.len()), "{stops:?}");
    for flow in stops {
        let set = compiled.flow_set();
        assert!(set.flows().any(|other| *other == flow), "{flow}");
        switch.install("br-int", &flow.to_string());
    }
    assert_eq!(tunnel.send(&ssh(TO_VM1), NEW), ports(&[]));
    assert_eq!(vm.send(&out, NEW), ports(&[]));
    assert_eq!(neighbour.send(arp, NEW), ports(&[2, 4]));
}

#[test]
fn a_trunk_brings_each_vlan_to_its_own_network() {
    let (switch, _) = switch_with("trunks_and_moves");
    let from = |port: &'static str, packet: &str| {
        let bridge = "br-int";
        From {
            switch: &switch,
            bridge,
            port,
        }
        .send(packet, NEW)
    };
    let out =
        "dl_src=fa:16:3e:00:00:02,dl_dst=fa:16:3e:00:00:04,tcp,nw_src=10.1.0.12,nw_dst=10.1.0.14";
    let back =
        "dl_src=fa:16:3e:00:00:04,dl_dst=fa:16:3e:00:00:02,tcp,nw_src=10.1.0.14,nw_dst=10.1.0.12";
    assert_eq!(
        from("in_port=101", &format!("dl_vlan=100,{out}")),
        ports(&[104])
    );
    assert_eq!(from("in_port=104", back), ports(&[101]));
    // Neither the parent nor another VLAN may send in the sub-port's name, and a second tag does not
    // choose a network.
    assert_eq!(from("in_port=101", out), ports(&[]));
    assert_eq!(
        from("in_port=101", &format!("dl_vlan=300,{out}")),
        ports(&[])
    );
    for inner in ["0001", "0002", "0064"] {
        let macs = "fa163e000004fa163e000002";
        let ip = "45000028000000004006000000000a01000c0a01000e";
        let tcp = "9c4000500000000000000000500200ff00000000";
        let frame = format!("{macs}810000648100{inner}0800{ip}{tcp}");
        let trace = switch.appctl("ofproto/trace", &["br-int", "in_port=101", &frame]);
        assert!(trace.contains("Datapath actions: drop"), "{trace}");
    }
}

#[test]
fn a_machine_that_moves_is_reached_at_both_ends() {
    let (switch, _) = switch_with("trunks_and_moves");
    let vm = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=101",
    };
    let to = |mac: &str, ip: &str| {
        let from = "dl_src=fa:16:3e:00:00:01";
        let packet = format!("{from},dl_dst={mac},tcp,nw_src=10.0.0.11,nw_dst={ip},tcp_dst=22");
        vm.send(&packet, NEW)
    };
    assert_eq!(to("fa:16:3e:00:00:05", "10.0.0.15"), ports(&[105, 2]));
    assert_eq!(to("fa:16:3e:00:00:06", "10.0.0.16"), ports(&[106, 3]));
    assert_eq!(to("fa:16:3e:00:00:07", "10.0.0.17"), ports(&[2, 3]));
}

#[test]
fn a_machine_that_arrives_is_noticed_by_what_it_announces() {
    let (switch, _) = switch_with("trunks_and_moves");
    let reported = |port: u32, packet: &str| {
        let packet = format!("in_port={port},{packet}");
        let trace = switch.trace_text("br-int", &packet, NEW);
        trace.contains("CONTROLLER:65535")
    };
    let arriving = "dl_src=fa:16:3e:00:00:05,dl_dst=ff:ff:ff:ff:ff:ff";
    let own = "arp_spa=10.0.0.15,arp_tpa=10.0.0.15";
    let advertisement = "icmp6,ipv6_src=2001:db8:a::15,icmpv6_type=136,nd_target=2001:db8:a::15";
    assert!(reported(105, &format!("{arriving},rarp")));
    assert!(reported(105, &format!("{arriving},arp,arp_op=1,{own}")));
    assert!(reported(105, &format!("{arriving},arp,arp_op=2,{own}")));
    assert!(reported(105, &format!("{arriving},{advertisement}")));
    // A question to others is no announcement, nor is one by who runs here.
    assert!(!reported(
        105,
        &format!("{arriving},arp,arp_op=1,arp_spa=10.0.0.15,arp_tpa=10.0.0.11")
    ));
    assert!(!reported(
        106,
        "dl_src=fa:16:3e:00:00:06,dl_dst=ff:ff:ff:ff:ff:ff,rarp"
    ));
    assert!(!reported(
        105,
        "dl_src=fa:16:3e:00:00:77,dl_dst=ff:ff:ff:ff:ff:ff,rarp"
    ));
}
