//! Scenarios: a network, and every flow that the host's bridges must have for it.
//!
//! The expected flows are text as `ovs-ofctl` writes it, sorted, so that a change is read as a
//! difference of flows. `BLESS=1` writes what is compiled in place of what is expected.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scenario;

use std::{env, fs};

use pipelines::{
    bridge::{Bridge, desired},
    diff::{Change, diff},
    logging,
    network::PhysicalNetwork,
    site::Site,
};

fn scenarios() -> Vec<String> {
    let entries = fs::read_dir(scenario::folder()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn bridges(site: &Site) -> Vec<(String, Bridge)> {
    let provider = |physical_network: &PhysicalNetwork| {
        let name = format!("provider-{physical_network}");
        (name, Bridge::Provider(physical_network.clone()))
    };
    let own = [
        ("br-int".to_owned(), Bridge::Integration),
        ("br-tun".to_owned(), Bridge::Tunnel),
    ];
    own.into_iter()
        .chain(site.providers.keys().map(provider))
        .collect()
}

/// The meters, groups and flows of a bridge, one a line, by number, table and priority.
fn text(site: &Site, bridge: &Bridge) -> String {
    let desired = desired(site, bridge);
    // A meter is a line, and a line for each band.
    let meters = desired.flow_set().meters.values();
    let meters = meters.map(|meter| meter.to_string().replace('\n', " ") + "\n");
    let groups = desired
        .flow_set()
        .groups
        .values()
        .map(|group| format!("{group}\n"));
    let mut flows: Vec<_> = desired
        .flow_set()
        .flows()
        .map(|flow| (flow.table, u16::MAX - flow.priority, format!("{flow}\n")))
        .collect();
    flows.sort();
    meters
        .chain(groups)
        .chain(flows.into_iter().map(|(_, _, flow)| flow))
        .collect()
}

/// Lines of one text that the other lacks.
fn only<'a>(one: &'a str, other: &str) -> Vec<&'a str> {
    one.lines()
        .filter(|line| !other.lines().any(|there| there == *line))
        .collect()
}

#[test]
fn a_scenario_compiles_to_the_expected_flows() {
    for name in scenarios() {
        let site = scenario::read(&name);
        for (bridge_name, bridge) in bridges(&site) {
            let path = scenario::folder()
                .join(&name)
                .join(format!("{bridge_name}.flows"));
            let compiled = text(&site, &bridge);
            if env::var_os("BLESS").is_some() {
                fs::write(&path, &compiled).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            let (lost, added) = (only(&expected, &compiled), only(&compiled, &expected));
            assert!(
                expected == compiled,
                "{name} {bridge_name}: missing {lost:#?}, not expected {added:#?}"
            );
        }
    }
}

#[test]
fn the_flows_that_let_ssh_in_are_those_that_everybody_knows() {
    let compiled = text(&scenario::read("quickstart"), &Bridge::Integration);
    let of_vm1 = |line: &&str| line.contains("tp_dst=22") && line.contains("reg5=0x2b");
    let v4 = compiled
        .lines()
        .filter(of_vm1)
        .filter(|line| line.contains(",tcp,"));
    let without_cookie: Vec<_> = v4
        .filter_map(|line| line.split_once(", "))
        .map(|(_, rest)| rest)
        .collect();
    let expected = [
        "table=82, priority=77,ct_state=+est-rel-rpl,tcp,reg5=0x2b,tp_dst=22 actions=output:43",
        "table=82, priority=77,ct_state=+new-est,tcp,reg5=0x2b,tp_dst=22 \
         actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:43,resubmit(,92)",
    ];
    assert_eq!(without_cookie, expected);
}

#[test]
fn only_ports_with_a_log_are_shown_and_through_the_meter_of_the_host() {
    for name in scenarios() {
        let desired = desired(&scenario::read(&name), &Bridge::Integration);
        let flows = desired.flow_set().flows().map(ToString::to_string);
        let shown = flows.filter(|flow| flow.contains("meter_id=25202"));
        let mut shown: Vec<_> = shown
            .filter_map(|flow| Some(flow.split_once(", ")?.1.to_owned()))
            .collect();
        shown.sort();
        let mut expected = Vec::new();
        let show = "actions=controller(max_len=256,meter_id=25202)";
        if name == "logs" {
            for (table, port, then) in [
                (91, 0x65, ",resubmit(,94)"),
                (91, 0x66, ",resubmit(,94)"),
                (92, 0x65, ""),
                (92, 0x66, ""),
                (93, 0x66, ""),
                (93, 0x68, ""),
            ] {
                let flow = format!("table={table}, priority=70,reg5={port:#x} {show}{then}");
                expected.push(flow);
            }
        }
        assert_eq!(shown, expected, "{name}");
        let there = desired.flow_set().meters.contains_key(&logging::METER);
        assert_eq!(there, !expected.is_empty(), "{name}");
    }
}

#[test]
fn tunnels_lead_to_the_hosts_that_share_a_network() {
    let wanted: Vec<_> = scenario::read("quickstart")
        .wanted_tunnels()
        .into_iter()
        .map(|(encap_type, endpoint)| format!("{encap_type} {endpoint}"))
        .collect();
    assert_eq!(
        wanted,
        ["vxlan 192.0.2.2", "vxlan 192.0.2.3", "gre 192.0.2.2"]
    );
}

#[test]
fn every_flow_that_names_a_meter_is_put_again_with_it() {
    for name in scenarios() {
        let site = scenario::read(&name);
        for (bridge, role) in bridges(&site) {
            let desired = desired(&site, &role);
            let mut installed = desired.flow_set().clone();
            installed.meters.clear();
            let changes = diff(&installed, desired.flow_set());
            let is_put = |change: &&Change| matches!(change, Change::PutFlow(_));
            let puts = changes.iter().filter(is_put).count();
            let flows = desired.flow_set().flows();
            let naming = flows.filter(|flow| flow.to_string().contains("meter_id="));
            assert_eq!(puts, naming.count(), "{name}, {bridge}");
        }
    }
}
