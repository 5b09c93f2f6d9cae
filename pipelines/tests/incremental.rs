//! What one change costs, and that compiling only what it touches gives the same flows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod scenario;

use std::{collections::BTreeSet, sync::Arc};

use openflow::{
    field::{EthType, MeterId, PortNo},
    flow::Flow,
};
use pipelines::{
    bridge::{Bridge, desired, flows, recompile},
    diff::{Change, diff},
    failover::Failover,
    flow_set::FlowSet,
    network::{
        AddressPair, EncapType, Gateway, HostName, Ipv6Mode, Log, LogEvent, LogId, MacAddr, Model,
        Objects, PhysicalNetwork, Segment, SubPort, Trunk, TrunkId, VlanId,
    },
    routing::View,
    site::{Features, Site},
    unit::{Unit, affected, units},
};
use proptest::prelude::*;
use uuid::Uuid;

fn bridges() -> [Bridge; 3] {
    let provider = Bridge::Provider(PhysicalNetwork::from("physnet1"));
    [Bridge::Integration, Bridge::Tunnel, provider]
}

/// Something that happens to a site. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Event {
    Bind(usize, u32),
    Unbind(usize),
    Move(usize, usize),
    Migrate(usize, usize),
    Trunk(usize, usize, u32),
    Untrunk(usize),
    AdminState(usize),
    Renumber(usize),
    RouteAnything(usize),
    PortSecurity(usize),
    JoinOrLeave(usize, usize),
    Readdress(usize, u8),
    DropRule(usize, usize),
    DropPort(usize),
    LocalVlan(usize, u32),
    ForgetNetwork(usize),
    ForgetTunnel(usize),
    PatchTun(u32),
    ForgetProvider,
    Features(bool),
    DropHost(usize),
    EncapType(usize),
    Segment(usize, u32),
    Services(usize, usize),
    Pair(usize),
    Log(usize, usize),
    Unlog(usize),
    DropRouter(usize),
    DropInterface(usize, usize),
    Gateway(usize, usize),
    Snat(usize),
    DropRoute(usize),
    DropFloatingIp(usize),
    Associate(usize, usize),
    Forward(usize, u16),
    RouterNumber(usize, u16),
    ForgetRouter(usize),
    Unreachable(usize),
    CutOff(usize),
    StandBack,
    Takeover(usize, usize),
    Peer(usize),
    Permit(u16),
    Snooping,
    NetworkSnooping(usize, Option<bool>),
    Unmap(usize),
    Underlay(usize, u16),
    NetworkMtu(usize, u16),
}

fn events() -> impl Strategy<Value = Event> {
    let any = || 0..100_usize;
    prop_oneof![
        (any(), 200..210_u32).prop_map(|(port, number)| Event::Bind(port, number)),
        any().prop_map(Event::Unbind),
        (any(), any()).prop_map(|(port, host)| Event::Move(port, host)),
        (any(), any()).prop_map(|(port, host)| Event::Migrate(port, host)),
        (any(), any(), 100..103_u32)
            .prop_map(|(port, behind, vlan)| Event::Trunk(port, behind, vlan)),
        any().prop_map(Event::Untrunk),
        any().prop_map(Event::AdminState),
        any().prop_map(Event::PortSecurity),
        (any(), any()).prop_map(|(port, group)| Event::JoinOrLeave(port, group)),
        (any(), 100..110_u8).prop_map(|(port, ip)| Event::Readdress(port, ip)),
        (any(), any()).prop_map(|(group, rule)| Event::DropRule(group, rule)),
        any().prop_map(Event::DropPort),
        (any(), 10..20_u32).prop_map(|(network, vlan)| Event::LocalVlan(network, vlan)),
        any().prop_map(Event::ForgetNetwork),
        any().prop_map(Event::ForgetTunnel),
        (300..302_u32).prop_map(Event::PatchTun),
        Just(Event::ForgetProvider),
        prop::bool::ANY.prop_map(Event::Features),
        any().prop_map(Event::DropHost),
        any().prop_map(Event::EncapType),
        (any(), 1..4_u32).prop_map(|(network, vni)| Event::Segment(network, vni)),
        (any(), any()).prop_map(|(network, subnet)| Event::Services(network, subnet)),
        any().prop_map(Event::Pair),
        (any(), any()).prop_map(|(port, group)| Event::Log(port, group)),
        any().prop_map(Event::Unlog),
        routing_events(),
    ]
}

fn routing_events() -> impl Strategy<Value = Event> {
    let any = || 0..100_usize;
    prop_oneof![
        any().prop_map(Event::DropRouter),
        (any(), any()).prop_map(|(router, port)| Event::DropInterface(router, port)),
        (any(), any()).prop_map(|(router, port)| Event::Gateway(router, port)),
        any().prop_map(Event::Snat),
        any().prop_map(Event::DropRoute),
        any().prop_map(Event::Renumber),
        any().prop_map(Event::RouteAnything),
        any().prop_map(Event::DropFloatingIp),
        (any(), any()).prop_map(|(floating_ip, port)| Event::Associate(floating_ip, port)),
        (any(), 1..5_u16).prop_map(|(floating_ip, port)| Event::Forward(floating_ip, port)),
        (any(), 0x1000..0x1004_u16)
            .prop_map(|(router, number)| Event::RouterNumber(router, number)),
        any().prop_map(Event::ForgetRouter),
        any().prop_map(Event::Unreachable),
        any().prop_map(Event::CutOff),
        Just(Event::StandBack),
        (any(), any()).prop_map(|(router, host)| Event::Takeover(router, host)),
        any().prop_map(Event::Peer),
        (0x88b5..0x88b7_u16).prop_map(Event::Permit),
        Just(Event::Snooping),
        (any(), prop::option::of(prop::bool::ANY))
            .prop_map(|(network, snooping)| Event::NetworkSnooping(network, snooping)),
        any().prop_map(Event::Unmap),
        (any(), 1400..1600_u16).prop_map(|(host, mtu)| Event::Underlay(host, mtu)),
        (any(), 1280..1400_u16).prop_map(|(network, mtu)| Event::NetworkMtu(network, mtu)),
    ]
}

/// Applies an event, unless there is nothing that it could happen to.
fn happen(event: &Event, objects: &mut Objects, site: &mut Site) -> Option<()> {
    let place = |wanted: usize, length: usize| wanted.checked_rem(length);
    let port_at = |wanted, objects: &Objects| place(wanted, objects.ports.len());
    match *event {
        Event::Bind(port, number) => {
            // No two ports of a switch have one number.
            if !site.bindings.values().any(|taken| taken.0 == number) {
                let id = objects.ports.get(port_at(port, objects)?)?.id;
                site.bindings.insert(id, PortNo(number));
            }
        }
        Event::Unbind(port) => {
            site.bindings
                .remove(&objects.ports.get(port_at(port, objects)?)?.id);
        }
        Event::Move(port, host) => {
            let port = port_at(port, objects)?;
            let hosts: Vec<HostName> = objects.hosts.iter().map(|host| host.name.clone()).collect();
            objects.ports[port].host = hosts.get(place(host, hosts.len() + 1)?).cloned();
        }
        Event::Migrate(port, host) => {
            let port = port_at(port, objects)?;
            let hosts: Vec<HostName> = objects.hosts.iter().map(|host| host.name.clone()).collect();
            objects.ports[port].migrating_to = hosts.get(place(host, hosts.len() + 1)?).cloned();
        }
        Event::Trunk(port, behind, vlan) => {
            let [port, behind] = [port, behind].map(|port| port_at(port, objects));
            join_trunk(objects, port?, behind?, vlan);
        }
        Event::Untrunk(trunk) => {
            objects.trunks.remove(place(trunk, objects.trunks.len())?);
        }
        Event::AdminState(port) => {
            let port = port_at(port, objects)?;
            objects.ports[port].admin_state_up ^= true;
        }
        Event::PortSecurity(port) => {
            let port = port_at(port, objects)?;
            let port = &mut objects.ports[port];
            port.port_security_enabled ^= true;
            port.security_groups.clear();
            port.allowed_address_pairs.clear();
        }
        Event::JoinOrLeave(port, group) => {
            let port = port_at(port, objects)?;
            let group = objects.security_groups[place(group, objects.security_groups.len())?].id;
            let groups = &mut objects.ports[port].security_groups;
            match groups.iter().position(|member| *member == group) {
                Some(place) => drop(groups.remove(place)),
                None => groups.push(group),
            }
        }
        Event::Readdress(port, ip) => {
            let port = port_at(port, objects)?;
            let ips = &mut objects.ports[port].fixed_ips;
            if let Some(std::net::IpAddr::V4(first)) = ips.first().copied() {
                let [a, b, c, _] = first.octets();
                ips[0] = std::net::Ipv4Addr::new(a, b, c, ip).into();
            }
        }
        Event::DropRule(group, rule) => {
            let group = place(group, objects.security_groups.len())?;
            let rules = &mut objects.security_groups[group].rules;
            rules.remove(place(rule, rules.len())?);
        }
        Event::DropPort(port) => {
            objects.ports.remove(port_at(port, objects)?);
        }
        _ => {
            change_object(event, objects);
            change_routing(event, objects);
            renumber(event, objects, site);
        }
    }
    Some(())
}

/// Applies an event that changes an object other than in its place.
fn change_object(event: &Event, objects: &mut Objects) -> Option<()> {
    let place = |wanted: usize, length: usize| wanted.checked_rem(length);
    match *event {
        Event::DropHost(host) => {
            objects.hosts.remove(place(host, objects.hosts.len())?);
        }
        Event::EncapType(host) => {
            let host = place(host, objects.hosts.len())?;
            let types = &mut objects.hosts[host].encap_types;
            if !types.remove(&EncapType::Vxlan) {
                types.insert(EncapType::Vxlan);
            }
        }
        Event::Segment(network, vni) => {
            let network = place(network, objects.networks.len())?;
            objects.networks[network].segment = Segment::Vxlan { vni };
        }
        Event::Services(network, subnet) => {
            let network = place(network, objects.networks.len())?;
            let subnets = &mut objects.networks[network].subnets;
            let subnet = place(subnet, subnets.len())?;
            let subnet = &mut subnets[subnet];
            subnet.enable_dhcp ^= true;
            let mode = Some(Ipv6Mode::DhcpStateful).filter(|_| subnet.ipv6_ra_mode.is_none());
            (subnet.ipv6_ra_mode, subnet.ipv6_address_mode) = (mode, mode);
        }
        Event::RouteAnything(port) => {
            let port = place(port, objects.ports.len())?;
            let port = &mut objects.ports[port];
            if port.port_security_enabled {
                port.allowed_address_pairs.push(AddressPair {
                    ip_address: "0.0.0.0/0".parse().unwrap(),
                    mac_address: None,
                });
            }
        }
        Event::Pair(port) => {
            let port = place(port, objects.ports.len())?;
            objects.ports[port].allowed_address_pairs.push(AddressPair {
                ip_address: "10.0.0.64/28".parse().unwrap(),
                mac_address: Some(MacAddr([0, 0, 0x5e, 0, 1, 1])),
            });
        }
        Event::Log(port, group) => {
            // One place past the last stands for none.
            let port = place(port, objects.ports.len() + 1)?;
            let group = place(group, objects.security_groups.len() + 1)?;
            objects.logs.push(Log {
                id: LogId(Uuid::from_u128(objects.logs.len().try_into().ok()?)),
                name: String::new(),
                project: "default".to_owned(),
                enabled: true,
                event: LogEvent::All,
                security_group: objects.security_groups.get(group).map(|group| group.id),
                port: objects.ports.get(port).map(|port| port.id),
            });
        }
        Event::Unlog(log) => {
            objects.logs.remove(place(log, objects.logs.len())?);
        }
        _ => {}
    }
    Some(())
}

/// Applies an event that changes who leads where.
fn change_routing(event: &Event, objects: &mut Objects) -> Option<()> {
    let place = |wanted: usize, length: usize| wanted.checked_rem(length);
    let (routers, ports) = (objects.routers.len(), objects.ports.len());
    match *event {
        Event::DropRouter(router) => {
            objects.routers.remove(place(router, routers)?);
        }
        Event::DropInterface(router, port) => {
            let router = &mut objects.routers[place(router, routers)?];
            let port = place(port, router.interfaces.len())?;
            router.interfaces.remove(port);
        }
        Event::Gateway(router, port) => {
            let router = &mut objects.routers[place(router, routers)?];
            // One place past the last stands for none.
            let port = objects.ports.get(place(port, ports + 1)?);
            router.gateway = port.map(|port| Gateway {
                port: port.id,
                enable_snat: true,
            });
        }
        Event::Snat(router) => {
            let gateway = &mut objects.routers[place(router, routers)?].gateway;
            gateway.as_mut()?.enable_snat ^= true;
        }
        Event::DropRoute(router) => {
            objects.routers[place(router, routers)?].routes.pop();
        }
        Event::DropFloatingIp(floating_ip) => {
            let floating_ip = place(floating_ip, objects.floating_ips.len())?;
            objects.floating_ips.remove(floating_ip);
        }
        Event::Associate(floating_ip, port) => {
            let floating_ip = place(floating_ip, objects.floating_ips.len())?;
            let port = objects.ports.get(place(port, ports)?)?;
            let floating_ip = &mut objects.floating_ips[floating_ip];
            let forwarded = floating_ip.port_forwardings.iter_mut();
            let forwarded = forwarded.map(|forwarding| &mut forwarding.target);
            let target = floating_ip.target.iter_mut().chain(forwarded).next();
            if let Some(std::net::IpAddr::V4(fixed_ip)) = port.fixed_ips.first() {
                let target = target?;
                (target.port, target.fixed_ip) = (port.id, *fixed_ip);
            }
        }
        Event::Forward(floating_ip, external_port) => {
            let floating_ip = place(floating_ip, objects.floating_ips.len())?;
            let forwardings = &mut objects.floating_ips[floating_ip].port_forwardings;
            forwardings.last_mut()?.external_port = external_port;
        }
        Event::Unmap(host) => {
            let host = place(host, objects.hosts.len())?;
            objects.hosts[host].bridge_mappings.clear();
        }
        Event::Underlay(host, mtu) => {
            let host = place(host, objects.hosts.len())?;
            objects.hosts[host].mtu = mtu;
        }
        Event::NetworkSnooping(network, snooping) => {
            let network = place(network, objects.networks.len())?;
            objects.networks[network].igmp_snooping = snooping;
        }
        Event::NetworkMtu(network, mtu) => {
            let network = place(network, objects.networks.len())?;
            objects.networks[network].mtu = Some(mtu);
        }
        _ => {}
    }
    Some(())
}

/// Applies an event that changes the host's own numbers.
fn renumber(event: &Event, objects: &Objects, site: &mut Site) -> Option<()> {
    let place = |wanted: usize, length: usize| wanted.checked_rem(length);
    match *event {
        Event::Renumber(port) => {
            let id = objects
                .ports
                .get(port.checked_rem(objects.ports.len())?)?
                .id;
            if !site.renumbered.remove(&id) {
                site.renumbered.insert(id);
            }
        }
        Event::LocalVlan(network, vlan) => {
            let vlan = VlanId::new(vlan).unwrap();
            if !site.local_vlans.values().any(|taken| *taken == vlan) {
                let network = place(network, objects.networks.len())?;
                site.local_vlans.insert(objects.networks[network].id, vlan);
            }
        }
        Event::ForgetNetwork(network) => {
            let network = place(network, objects.networks.len())?;
            site.local_vlans.remove(&objects.networks[network].id);
        }
        Event::ForgetTunnel(tunnel) => {
            let key = *site
                .tunnels
                .keys()
                .nth(place(tunnel, site.tunnels.len())?)?;
            site.tunnels.remove(&key);
        }
        Event::PatchTun(number) => site.patch_tun = Some(PortNo(number)),
        Event::ForgetProvider => site.providers.clear(),
        Event::Features(nd_extensions) => site.features = Features { nd_extensions },
        Event::RouterNumber(router, number)
            if !site.routers.values().any(|taken| *taken == number) =>
        {
            let router = place(router, objects.routers.len())?;
            site.routers.insert(objects.routers[router].id, number);
        }
        Event::ForgetRouter(router) => {
            let router = place(router, objects.routers.len())?;
            site.routers.remove(&objects.routers[router].id);
        }
        Event::Snooping => site.igmp_snooping = !site.igmp_snooping,
        Event::Permit(number) => {
            let permitted = &mut site.permitted_ethertypes;
            if !permitted.remove(&EthType(number)) {
                permitted.insert(EthType(number));
            }
        }
        ref other => return fail(other, objects, site),
    }
    Some(())
}

/// Has hosts fail, or take over.
fn fail(event: &Event, objects: &Objects, site: &mut Site) -> Option<()> {
    let host = |wanted: usize| {
        let place = wanted.checked_rem(objects.hosts.len())?;
        Some(objects.hosts[place].name.clone())
    };
    match *event {
        Event::Unreachable(gone) => {
            let gone = host(gone)?;
            if !site.failover.unreachable.remove(&gone) {
                site.failover.unreachable.insert(gone);
            }
        }
        Event::CutOff(cut_off) => {
            let cut_off = host(cut_off)?;
            let networks = [PhysicalNetwork::from("physnet1")].into();
            if site.failover.cut_off.remove(&cut_off).is_none() {
                site.failover.cut_off.insert(cut_off, networks);
            }
        }
        Event::StandBack => site.failover.stands_back ^= true,
        Event::Takeover(router, by) => {
            let by = host(by)?;
            let router = router.checked_rem(objects.routers.len())?;
            let id = objects.routers[router].id;
            // All others have failed, so that this one takes over.
            let others = objects.hosts.iter().map(|host| host.name.clone());
            let failover = Failover {
                takeovers: site.failover.takeovers.clone(),
                ..Failover::without(others.filter(|host| *host != by))
            };
            let view = View {
                model: site.model(),
                host: &by,
                failover: &failover,
            };
            let takeover = view.takeover(site.model().router(id)?)?;
            site.failover.takeovers.insert(id, takeover);
        }
        Event::Peer(peer) => {
            let peer = host(peer)?;
            if !site.peers.remove(&peer) {
                site.peers.insert(peer);
            }
        }
        _ => {}
    }
    Some(())
}

/// Puts one port behind another; the model refuses what cannot be.
fn join_trunk(objects: &mut Objects, port: usize, behind: usize, vlan: u32) {
    let [port, behind] = [port, behind].map(|place| objects.ports[place].id);
    let sub_port = SubPort {
        port: behind,
        vlan: VlanId::new(vlan).unwrap(),
    };
    match objects.trunks.iter_mut().find(|trunk| trunk.port == port) {
        Some(trunk) => trunk.sub_ports.push(sub_port),
        None => objects.trunks.push(Trunk {
            id: TrunkId(port.0),
            name: String::new(),
            project: String::new(),
            port,
            sub_ports: vec![sub_port],
        }),
    }
}

/// What a switch has after taking changes in order, refusing what a switch refuses.
fn apply(mut installed: FlowSet, changes: Vec<Change>) -> FlowSet {
    for change in changes {
        match change {
            Change::AddGroup(group) => {
                assert!(
                    installed.groups.insert(group.id, *group).is_none(),
                    "the group exists"
                );
            }
            Change::ModifyGroup(group) => {
                assert!(
                    installed.groups.insert(group.id, *group).is_some(),
                    "no such group"
                );
            }
            Change::AddMeter(meter) => {
                assert!(
                    installed.meters.insert(meter.id, *meter).is_none(),
                    "the meter exists"
                );
            }
            Change::ModifyMeter(meter) => {
                assert!(
                    installed.meters.insert(meter.id, *meter).is_some(),
                    "no such meter"
                );
            }
            Change::PutFlow(flow) => {
                installed.put_flow(flow);
            }
            Change::DeleteFlow(key) => assert!(installed.remove_flow(&key).is_some()),
            Change::DeleteGroup(id) => assert!(installed.groups.remove(&id).is_some()),
            Change::DeleteMeter(id) => assert!(installed.meters.remove(&id).is_some()),
        }
    }
    installed
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..Default::default() })]

    #[test]
    fn recompiling_what_a_change_affects_is_as_good_as_recompiling_all(
        name in prop_oneof!["quickstart", "rules", "address_pairs", "open_ports", "trunks_and_moves", "logs", "routers", "routers", "port_forwardings", "multicast"].prop_map(|s| s),
        events in prop::collection::vec(events(), 1..8),
    ) {
        let (mut objects, mut site) = scenario::read_with_objects(&name);
        let mut compiled = bridges().map(|bridge| desired(&site, &bridge));
        for event in events {
            let before = site.clone();
            happen(&event, &mut objects, &mut site);
            site.set_model(Arc::new(Model::valid_part(objects.clone()).0));
            let touched = affected(&before, &site);
            for (bridge, compiled) in bridges().iter().zip(&mut compiled) {
                let installed = compiled.flow_set().clone();
                recompile(compiled, &site, bridge, &touched);
                let whole = desired(&site, bridge);
                // Compared as changes, as whole sets are too long to read.
                let missed = diff(compiled.flow_set(), whole.flow_set());
                prop_assert!(missed.is_empty(), "after {:?}: {:#?}", event, missed);
                prop_assert!(compiled.flow_set() == whole.flow_set(), "after {:?}", event);
                let changes = diff(&installed, whole.flow_set());
                prop_assert!(&apply(installed, changes) == whole.flow_set(), "after {:?}", event);
            }
        }
    }
}

/// The changes on br-int that an event makes, and the units that were compiled for it.
fn cost(name: &str, event: &Event) -> (Vec<Change>, BTreeSet<Unit>) {
    let (mut objects, mut site) = scenario::read_with_objects(name);
    let before = site.clone();
    happen(event, &mut objects, &mut site).unwrap();
    site.set_model(Arc::new(Model::new(objects).unwrap()));
    let installed = desired(&before, &Bridge::Integration);
    let wanted = desired(&site, &Bridge::Integration);
    (
        diff(installed.flow_set(), wanted.flow_set()),
        affected(&before, &site),
    )
}

#[test]
fn one_more_member_elsewhere_costs_its_addresses_only() {
    // `db`, the fourth port, joins `web`, whose members IPv4 rules at one local port name.
    let (changes, units) = cost("rules", &Event::JoinOrLeave(3, 1));
    let tables: BTreeSet<_> = changes
        .iter()
        .map(|change| match change {
            Change::PutFlow(flow) => flow.table,
            other => panic!("not an added flow: {other:?}"),
        })
        .collect();
    assert_eq!(tables, BTreeSet::from([82]));
    // Four priorities, each for established and for new connections.
    assert_eq!(changes.len(), 8, "{changes:#?}");
    assert!(units.len() < 6, "{units:?}");
}

#[test]
fn a_port_that_goes_down_keeps_its_place_in_groups() {
    let (changes, _) = cost("quickstart", &Event::AdminState(0));
    let member = |change: &&Change| match change {
        Change::DeleteFlow(key) => key.flow().matching.to_string().contains("nw_src=10.0.0.18"),
        _ => false,
    };
    let in_rules = changes.iter().filter(member).filter(|change| match change {
        Change::DeleteFlow(key) => key.flow().table == 82,
        _ => false,
    });
    assert_eq!(in_rules.count(), 0);
}

#[test]
fn a_unit_that_is_gone_has_no_flows() {
    let site = scenario::read("quickstart");
    let everything = units(&site);
    let nothing = scenario::read("empty");
    for unit in everything
        .iter()
        .filter(|unit| !matches!(unit, Unit::Bridge | Unit::Host(_)))
    {
        for bridge in bridges() {
            assert_eq!(
                flows(&nothing, &bridge, unit),
                FlowSet::default(),
                "{unit:?}"
            );
        }
    }
}

#[test]
fn flows_of_others_stay() {
    let site = scenario::read("quickstart");
    let compiled = desired(&site, &Bridge::Integration);
    let mut installed = compiled.flow_set().clone();
    let mut theirs = Flow::clone(installed.flows().next().unwrap());
    theirs.priority = 12345;
    theirs.cookie = 7;
    installed.insert_flow(theirs.clone());
    assert!(diff(&installed, compiled.flow_set()).is_empty());
    assert_eq!(
        pipelines::diff::foreign(&installed).collect::<Vec<_>>(),
        [&Arc::new(theirs)]
    );
}

#[test]
fn every_continuation_lands_in_a_table_of_the_pipeline() {
    for name in [
        "quickstart",
        "rules",
        "address_pairs",
        "open_ports",
        "trunks_and_moves",
        "routers",
        "port_forwardings",
    ] {
        let site = scenario::read(name);
        for bridge in bridges() {
            let numbers: BTreeSet<_> = bridge
                .pipeline()
                .tables()
                .iter()
                .map(|table| table.number)
                .collect();
            let compiled = desired(&site, &bridge);
            let groups = compiled.flow_set().groups.values().map(ToString::to_string);
            let flows = compiled.flow_set().flows().map(ToString::to_string);
            for text in groups.chain(flows) {
                for part in ["resubmit(,", "goto_table:", "ct(table="] {
                    for found in text.split(part).skip(1) {
                        let digits: String =
                            found.chars().take_while(char::is_ascii_digit).collect();
                        assert!(numbers.contains(&digits.parse().unwrap()), "{text}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_log_costs_the_ports_that_it_is_about() {
    // The port called silent, in whatever group.
    let (changes, units) = cost("logs", &Event::Log(2, 2));
    assert!(
        matches!(units.first(), Some(Unit::Port(_))) && units.len() == 1,
        "{units:?}"
    );
    let tables = changes.iter().map(|change| match change {
        Change::PutFlow(flow) => flow.table,
        other => panic!("{other}"),
    });
    assert_eq!(tables.collect::<Vec<_>>(), [91, 92, 93]);
}

#[test]
fn flows_are_put_again_for_a_meter_that_is_new() {
    let site = scenario::read("logs");
    let desired = desired(&site, &Bridge::Integration);
    let mut installed = desired.flow_set().clone();
    assert_eq!(diff(&installed, desired.flow_set()), []);
    // The meter of logs.
    installed.meters.remove(&MeterId(25202)).unwrap();
    let changes = diff(&installed, desired.flow_set());
    assert!(matches!(changes.first(), Some(Change::AddMeter(_))));
    let puts = changes.iter().skip(1);
    let puts: Vec<_> = puts.map(ToString::to_string).collect();
    assert_eq!(puts.len(), 6, "{puts:#?}");
    assert!(puts.iter().all(|put| put.contains("meter_id=25202")));
}
