//! In networks with snooping, multicast goes to those who listen.

use std::net::IpAddr;

use pipelines::{cookie::Cookie, multicast::forget, service::Client, site::Site};

use crate::{From, NEW, NIC, ovs::Switch, ports, switch_with};

const STREAM: &str = "dl_src=fa:16:3e:00:00:03,dl_dst=01:00:5e:01:02:03,udp,nw_src=10.0.0.13";
const GROUP: &str = "239.1.2.3";

/// The scenario, whose port 103 sends.
struct Net {
    switch: Switch,
    site: Site,
}

impl Net {
    fn new() -> Self {
        let (switch, site) = switch_with("multicast");
        Self { switch, site }
    }

    fn client(&self, name: &str) -> Client<'_> {
        let port = self.site.model().ports().find(|port| port.name == name);
        Client::of(&self.site, Cookie::of(port.unwrap().id.0).get()).unwrap()
    }

    /// Notes that a port listens to a group.
    fn listens(&self, name: &str, group: &str) {
        let group: IpAddr = group.parse().unwrap();
        let note = self.client(name).listens_to(group, 260);
        self.switch.install("br-int", &note.to_string());
    }

    /// Notes that a multicast router is behind a port.
    fn routes(&self, name: &str) {
        let note = self.client(name).routes_multicast(260);
        self.switch.install("br-int", &note.to_string());
    }

    fn port(&self, port: &'static str) -> From<'_> {
        let bridge = match port.split_once(',') {
            Some(_) => "br-tun",
            None => "br-int",
        };
        From {
            switch: &self.switch,
            bridge,
            port,
        }
    }

    /// What 103 sends, by the ports that it leaves by.
    fn sent(&self, packet: &str) -> std::collections::BTreeSet<u32> {
        self.port("in_port=103").send(packet, NEW)
    }
}

fn stream(group: &str, port: u16) -> String {
    format!("{STREAM},nw_dst={group},udp_dst={port}")
}

#[test]
fn multicast_goes_to_ports_that_listen_and_to_other_hosts() {
    let net = Net::new();
    assert_eq!(net.sent(&stream(GROUP, 5004)), ports(&[2]));
    net.listens("firewalled", GROUP);
    assert_eq!(net.sent(&stream(GROUP, 5004)), ports(&[2, 101]));
    net.listens("open", GROUP);
    net.listens("sender", GROUP);
    assert_eq!(net.sent(&stream(GROUP, 5004)), ports(&[2, 101, 102]));
    // Rules hold for listeners too.
    assert_eq!(net.sent(&stream(GROUP, 5005)), ports(&[2, 102]));
    // Another group with the same MAC.
    assert_eq!(net.sent(&stream("238.129.2.3", 5004)), ports(&[2]));
    // From another host it goes to those here, and no further.
    let far = net.port("in_port=2,tun_id=1001");
    assert_eq!(far.send(&stream(GROUP, 5004), NEW), ports(&[101, 102, 103]));
    assert_eq!(far.send(&stream("239.9.9.9", 5004), NEW), ports(&[]));
}

#[test]
fn multicast_of_ipv6_goes_to_ports_that_listen() {
    let net = Net::new();
    let packet = |group: &str| {
        format!(
            "dl_src=fa:16:3e:00:00:03,dl_dst=33:33:00:00:12:34,udp6,ipv6_src=fe80::f816:3eff:fe00:3,ipv6_dst={group},udp_dst=5004"
        )
    };
    assert_eq!(net.sent(&packet("ff05::1234")), ports(&[2]));
    net.listens("firewalled", "ff05::1234");
    assert_eq!(net.sent(&packet("ff05::1234")), ports(&[2, 101]));
    assert_eq!(net.sent(&packet("ff08::1234")), ports(&[2]));
    // What a link needs goes to all.
    assert_eq!(net.sent(&packet("ff02::1234")), ports(&[2, 101, 102]));
}

#[test]
fn what_a_link_needs_goes_to_all() {
    let net = Net::new();
    assert_eq!(
        net.sent(&stream("224.0.0.251", 5004)),
        ports(&[2, 101, 102])
    );
    let arp = "dl_src=fa:16:3e:00:00:03,dl_dst=ff:ff:ff:ff:ff:ff,arp,arp_op=1,arp_spa=10.0.0.13,arp_tpa=10.0.0.99,arp_sha=fa:16:3e:00:00:03";
    assert_eq!(net.sent(arp), ports(&[2, 101, 102]));
    // Multicast to Ethernet, and to no group of IP.
    let strange = "dl_src=fa:16:3e:00:00:02,dl_dst=01:00:5e:7f:00:01,dl_type=0x88b5";
    assert_eq!(net.port("in_port=102").send(strange, NEW), ports(&[2]));
    // A network without snooping floods.
    let flooded = format!(
        "dl_src=fa:16:3e:00:00:07,dl_dst=01:00:5e:01:02:03,udp,nw_src=10.2.0.11,nw_dst={GROUP},udp_dst=5004"
    );
    let found = net.port("in_port=107").send(&flooded, NEW);
    assert_eq!(found, ports(&[108]));
}

#[test]
fn multicast_of_a_physical_network_goes_to_its_uplink_and_to_sub_ports_that_listen() {
    let net = Net::new();
    let out = format!(
        "dl_src=fa:16:3e:00:00:05,dl_dst=01:00:5e:01:02:03,udp,nw_src=10.1.0.11,nw_dst={GROUP},udp_dst=5004"
    );
    let wired = net.port("in_port=105");
    let trace = net
        .switch
        .trace_text("br-int", &format!("in_port=105,{out}"), NEW);
    assert!(trace.contains("bridge(\"br-ex\")"), "{trace}");
    let before = wired.send(&out, NEW);
    assert!(!before.contains(&102), "{before:?}");
    net.listens("tagged", GROUP);
    assert!(wired.send(&out, NEW).contains(&102));
    let nic = From {
        switch: &net.switch,
        bridge: "br-ex",
        port: "dl_vlan=101",
    };
    let incoming = out.replace("nw_src=10.1.0.11", "nw_src=10.1.0.77");
    let incoming = incoming.replace("fa:16:3e:00:00:05", "fa:16:3e:00:00:77");
    let found = nic.send(&format!("in_port={NIC},{incoming}"), NEW);
    assert_eq!(found, ports(&[102]));
}

#[test]
fn reports_go_to_multicast_routers_only_and_queries_to_listeners() {
    let net = Net::new();
    net.listens("firewalled", GROUP);
    let igmp = |to: &str| {
        format!(
            "dl_src=fa:16:3e:00:00:03,dl_dst=01:00:5e:01:02:03,ip,nw_proto=2,nw_src=10.0.0.13,nw_dst={to}"
        )
    };
    for to in [GROUP, "224.0.0.22", "224.0.0.2"] {
        assert_eq!(net.sent(&igmp(to)), ports(&[2]), "{to}");
    }
    // A general query is for all.
    assert_eq!(net.sent(&igmp("224.0.0.1")), ports(&[2, 101, 102]));
    net.routes("open");
    for to in [GROUP, "224.0.0.22", "224.0.0.2"] {
        assert_eq!(net.sent(&igmp(to)), ports(&[2, 102]), "{to}");
    }
    // All multicast goes to a router, too.
    assert_eq!(net.sent(&stream("239.9.9.9", 5004)), ports(&[2, 102]));
    let query = format!(
        "dl_src=fa:16:3e:00:00:02,dl_dst=01:00:5e:01:02:03,ip,nw_proto=2,nw_src=10.0.0.12,nw_dst={GROUP}"
    );
    assert_eq!(net.port("in_port=102").send(&query, NEW), ports(&[2, 101]));
    let far = net.port("in_port=2,tun_id=1001");
    assert_eq!(far.send(&query, NEW), ports(&[101, 102]));
    assert_eq!(far.send(&igmp("224.0.0.22"), NEW), ports(&[102]));
    let mld = |icmp_type: u8, to: &str| {
        format!(
            "dl_src=fa:16:3e:00:00:03,dl_dst=33:33:00:00:00:16,icmp6,ipv6_src=fe80::f816:3eff:fe00:3,ipv6_dst={to},icmpv6_type={icmp_type}"
        )
    };
    net.listens("firewalled", "ff05::1234");
    assert_eq!(net.sent(&mld(143, "ff02::16")), ports(&[2, 102]));
    assert_eq!(net.sent(&mld(131, "ff05::1234")), ports(&[2, 102]));
    assert_eq!(net.sent(&mld(132, "ff02::2")), ports(&[2, 102]));
    assert_eq!(far.send(&mld(130, "ff02::1"), NEW), ports(&[101, 102, 103]));
    assert_eq!(far.send(&mld(130, "ff05::1234"), NEW), ports(&[101, 102]));
}

#[test]
fn the_agent_is_shown_messages_of_local_ports_within_their_limits() {
    let net = Net::new();
    let shown = |bridge: &str, packet: &str| {
        let trace = net.switch.trace_text(bridge, packet, NEW);
        trace.contains("controller(") || trace.contains("userspace(")
    };
    let messages = [
        format!("ip,nw_proto=2,nw_src=10.0.0.13,nw_dst={GROUP}"),
        "ip,nw_proto=2,nw_src=10.0.0.13,nw_dst=224.0.0.22".to_owned(),
        "ip,nw_proto=2,nw_src=10.0.0.13,nw_dst=224.0.0.1".to_owned(),
        "ip,nw_proto=103,nw_src=10.0.0.13,nw_dst=224.0.0.13".to_owned(),
        "icmp6,ipv6_src=fe80::f816:3eff:fe00:3,ipv6_dst=ff02::16,icmpv6_type=143".to_owned(),
        "icmp6,ipv6_src=fe80::f816:3eff:fe00:3,ipv6_dst=ff05::1,icmpv6_type=131".to_owned(),
        "icmp6,ipv6_src=fe80::f816:3eff:fe00:3,ipv6_dst=ff02::2,icmpv6_type=132".to_owned(),
    ];
    for message in messages {
        let frame = format!("dl_src=fa:16:3e:00:00:03,dl_dst=01:00:5e:00:00:16,{message}");
        assert!(
            shown("br-int", &format!("in_port=103,{frame}")),
            "{message}"
        );
        let spoofed = frame
            .replace("10.0.0.13", "10.0.0.66")
            .replace("::f816:3eff:fe00:3", "::66");
        assert!(
            !shown("br-int", &format!("in_port=103,{spoofed}")),
            "{message}"
        );
        assert!(
            !shown("br-tun", &format!("in_port=2,tun_id=1001,{frame}")),
            "{message}"
        );
    }
    let stream = stream(GROUP, 5004);
    assert!(!shown("br-int", &format!("in_port=103,{stream}")));
}

#[test]
fn the_switch_forgets_listeners_by_itself_and_when_it_is_told() {
    let net = Net::new();
    net.listens("firewalled", GROUP);
    net.listens("open", GROUP);
    let forgotten = forget(net.client("open").port().id);
    assert_eq!(forgotten.table, 88);
    assert_eq!(forgotten.cookie_mask, u64::MAX);
    let note = net.client("open").listens_to(GROUP.parse().unwrap(), 260);
    assert_eq!(
        (note.table, note.cookie),
        (forgotten.table, forgotten.cookie)
    );
    net.switch.appctl("time/stop", &[]);
    net.switch.appctl("time/warp", &["250000", "10000"]);
    assert_eq!(net.sent(&stream(GROUP, 5004)), ports(&[2, 101, 102]));
    // One says it again.
    net.listens("open", GROUP);
    net.switch.appctl("time/warp", &["20000", "1000"]);
    assert_eq!(net.sent(&stream(GROUP, 5004)), ports(&[2, 102]));
}
