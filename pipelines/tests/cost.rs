//! What one thing more costs does not grow with what is there.

mod size;

use std::collections::BTreeSet;

use pipelines::{
    bridge::{Bridge, desired},
    diff::{Change, diff},
    site::Site,
    unit::{Unit, affected},
};
use size::Size;

/// The units that one thing more compiles anew, and the changes on br-int and br-tun.
fn cost(before: Size, after: Size) -> (BTreeSet<Unit>, usize) {
    let [before, after] = [before, after].map(Size::site);
    let changes = [Bridge::Integration, Bridge::Tunnel].map(|bridge| {
        let [before, after] = [&before, &after].map(|site| desired(site, &bridge));
        diff(before.flow_set(), after.flow_set()).len()
    });
    (affected(&before, &after), changes.iter().sum())
}

/// The number of units, by kind, and of changes.
fn figures((units, changes): (BTreeSet<Unit>, usize)) -> Vec<(&'static str, usize)> {
    let kind = |unit: &Unit| match unit {
        Unit::Bridge => "bridge",
        Unit::Host(_) => "host",
        Unit::Network(_) => "network",
        Unit::Station(..) => "station",
        Unit::Port(_) => "port",
        Unit::Router(_) => "router",
        Unit::FloatingIp(_) => "floating IP",
        Unit::Member { .. } | Unit::Address { .. } => "member",
    };
    let kinds: BTreeSet<_> = units.iter().map(kind).collect();
    let count = |name| (name, units.iter().filter(|unit| kind(unit) == name).count());
    let kinds = kinds.into_iter().map(count);
    kinds.chain([("changes", changes)]).collect()
}

#[test]
fn one_more_port_costs_the_same_among_few_and_many() {
    let one_more = |size: Size| {
        let more = Size {
            ports: size.ports + 1,
            ..size
        };
        figures(cost(size, more))
    };
    // All in one network.
    let few = one_more(Size::new(10, 10));
    assert_eq!(few, one_more(Size::new(40, 10)));
    assert_eq!(few, one_more(Size::new(40, 100)));
    let units = [("member", 1), ("network", 1), ("port", 1), ("station", 1)];
    assert_eq!(few.split_last().map(|(_, units)| units), Some(&units[..]));
}

#[test]
fn one_more_host_costs_the_same_among_few_and_many() {
    // A remote port comes with it.
    let one_more = |size: Size| {
        let more = Size {
            hosts: size.hosts + 1,
            ..size
        };
        figures(cost(size, more))
    };
    let few = one_more(Size::new(10, 10));
    assert_eq!(few, one_more(Size::new(10, 300)));
    assert_eq!(few, one_more(Size::new(40, 10)));
}

#[test]
fn one_more_router_costs_the_same_among_few_and_many() {
    // With a network, a port there and its floating IP.
    let one_more = |routers| {
        let size = Size {
            routers,
            grouped: false,
            ..Size::new(10, 10)
        };
        let more = Size {
            routers: routers + 1,
            ..size
        };
        figures(cost(size, more))
    };
    let few = one_more(10);
    assert_eq!(few, one_more(300));
    assert!(
        few.contains(&("router", 1)) && few.contains(&("floating IP", 1)),
        "{few:?}"
    );
}

#[test]
fn one_more_network_costs_the_same_among_few_and_many() {
    let one_more = |size: Size| {
        let more = Size {
            empty_networks: 1,
            ..size
        };
        figures(cost(size, more))
    };
    let few = one_more(Size::new(10, 10));
    assert_eq!(few, one_more(Size::new(200, 10)));
    assert_eq!(few, one_more(Size::new(10, 300)));
}

#[test]
fn one_more_member_is_compiled_once_in_each_network_that_names_its_group() {
    // Five networks, each with ports of the group.
    let size = Size::new(250, 10);
    let more = Size {
        hosts: size.hosts + 1,
        ..size
    };
    let (units, _) = cost(size, more);
    let members = units
        .iter()
        .filter(|unit| matches!(unit, Unit::Member { .. }));
    assert_eq!(members.count(), 5);
}

/// Changes on br-int.
fn changes(before: &Site, after: &Site) -> Vec<Change> {
    let [before, after] = [before, after].map(|site| desired(site, &Bridge::Integration));
    diff(before.flow_set(), after.flow_set())
}

#[test]
fn one_more_member_costs_the_same_whatever_the_ports_members_and_rules() {
    let one_more = |ports, hosts, rules| {
        let size = Size {
            networks: 1,
            rules,
            ..Size::new(ports, hosts)
        };
        let more = Size {
            hosts: hosts + 1,
            ..size
        };
        // Its address, with and without a protocol, for connections that are new and that are not.
        assert_eq!(changes(&size.site(), &more.site()).len(), 4);
        assert_eq!(changes(&more.site(), &size.site()).len(), 4);
    };
    one_more(1, 1, 1);
    one_more(1, 500, 1);
    one_more(200, 1, 1);
    one_more(50, 10, 100);
}

#[test]
fn one_more_rule_costs_its_ports_and_no_members() {
    let one_more = |hosts| {
        let size = Size {
            networks: 1,
            rules: 6,
            ..Size::new(20, hosts)
        };
        let more = Size { rules: 7, ..size };
        changes(&size.site(), &more.site()).len()
    };
    // Each port has its flows, for connections that are new and that are not.
    assert_eq!(one_more(1), 2 * 20);
    assert_eq!(one_more(500), 2 * 20);
}

#[test]
fn a_group_of_2000_members_goes_with_a_flow_for_each_address_and_nothing_else() {
    let size = Size {
        networks: 1,
        rules: 6,
        ..Size::new(1, 2000)
    };
    let without = Size {
        grouped: false,
        ..size
    };
    let changes = changes(&size.site(), &without.site());
    let gone = |change: &Change| match change {
        Change::DeleteFlow(key) => Some(key.flow().to_string()),
        _ => None,
    };
    let flows: Vec<_> = changes.iter().filter_map(gone).collect();
    assert_eq!(flows.len(), changes.len(), "nothing comes");
    let members = flows.iter().filter(|flow| flow.contains(",1/2)")).count();
    // The port of this host is a member too, and its rules go with the group.
    assert_eq!(members, 4 * 2001);
    assert!(flows.len() - members < 50, "{}", flows.len());
}
