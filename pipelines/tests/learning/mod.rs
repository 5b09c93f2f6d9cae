//! Stations that the model does not know are learned where they speak.

use std::collections::BTreeSet;

use pipelines::{
    bridge::{Bridge, desired},
    diff::{Change, diff},
};

use crate::{From, NEW, NIC, ovs::Switch, ports, switch_with};

/// What the firewalled port of the scenario `open_ports` sends to an address that is not in the
/// model, by the ports that hear it.
fn heard_by(switch: &Switch, address: &str) -> BTreeSet<u32> {
    let vm = From {
        switch,
        bridge: "br-int",
        port: "in_port=102",
    };
    let packet = format!("dl_src=fa:16:3e:00:00:02,dl_dst={address},tcp,nw_src=10.0.0.12");
    vm.send(&packet, NEW)
}

#[test]
fn an_unknown_station_of_this_host_is_learned() {
    let (switch, _) = switch_with("open_ports");
    let nested = "02:00:00:00:00:01";
    assert_eq!(heard_by(&switch, nested), ports(&[101, 2, 4]));
    let to_all = format!("dl_src={nested},dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5");
    switch.receive("br-int", &format!("in_port=101,{to_all}"));
    assert_eq!(heard_by(&switch, nested), ports(&[101]));
    // It moves to another host.
    switch.receive("br-tun", &format!("in_port=2,tun_id=1001,{to_all}"));
    assert_eq!(heard_by(&switch, nested), ports(&[2]));
    // And back.
    switch.receive("br-int", &format!("in_port=101,{to_all}"));
    assert_eq!(heard_by(&switch, nested), ports(&[101]));
    // The same address in another network is another station.
    let alone = From {
        switch: &switch,
        bridge: "br-int",
        port: "in_port=106",
    };
    let packet = format!("dl_src=fa:16:3e:00:00:06,dl_dst={nested},tcp,nw_src=10.1.0.11");
    assert_eq!(alone.send(&packet, NEW), ports(&[107]));
}

#[test]
fn an_unknown_station_of_another_host_is_learned() {
    let (switch, _) = switch_with("open_ports");
    let nested = "02:00:00:00:00:02";
    assert_eq!(heard_by(&switch, nested), ports(&[101, 2, 4]));
    // What is for a firewalled port takes a shorter way and is learned from too.
    let frame = format!("dl_src={nested},dl_dst=fa:16:3e:00:00:02,tcp,nw_src=10.0.0.77");
    switch.receive("br-tun", &format!("in_port=4,tun_id=1001,{frame}"));
    assert_eq!(heard_by(&switch, nested), ports(&[4]));
}

#[test]
fn an_unknown_station_of_a_physical_network_is_learned() {
    let (switch, _) = switch_with("open_ports");
    let router = "02:00:00:00:00:03";
    let packet = format!("in_port=109,dl_src=fa:16:3e:00:00:0a,dl_dst={router},dl_type=0x88b5");
    let heard = || {
        let trace = switch.trace_text("br-int", &packet, NEW);
        // There the bridge switches by itself, which a trace tells in other words.
        assert!(trace.contains("bridge(\"br-ex\")"), "{trace}");
        switch.trace("br-int", &packet, NEW)
    };
    assert_eq!(heard(), ports(&[110]));
    let frame = format!("dl_vlan=101,dl_src={router},dl_dst=fa:16:3e:00:00:0a,dl_type=0x88b5");
    switch.receive("br-ex", &format!("in_port={NIC},{frame}"));
    assert_eq!(heard(), ports(&[]));
}

#[test]
fn what_was_learned_from_a_port_goes_with_it() {
    let (switch, mut site) = switch_with("open_ports");
    let nested = "02:00:00:00:00:01";
    let to_all = format!("dl_src={nested},dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5");
    switch.receive("br-int", &format!("in_port=101,{to_all}"));
    assert_eq!(heard_by(&switch, nested), ports(&[101]));
    let before = desired(&site, &Bridge::Integration);
    site.bindings.retain(|_, number| number.0 != 101);
    let after = desired(&site, &Bridge::Integration);
    for change in diff(before.flow_set(), after.flow_set()) {
        match &change {
            Change::PutFlow(flow) => switch.install("br-int", &flow.to_string()),
            Change::DeleteFlow(_) => {
                switch.delete("br-int", change.to_string().trim_start_matches('-'));
            }
            _ => {}
        }
    }
    assert_eq!(switch.dump("br-int").matches(nested).count(), 0);
    assert_eq!(heard_by(&switch, nested), ports(&[2, 4]));
}
