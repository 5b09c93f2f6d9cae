//! What a switch returns equals what it was given.

use openflow::action::{Action, Output};
use openflow::field::*;
use openflow::flow::{Flow, FlowFlags};
use openflow::group::{Bucket, Group, GroupType};
use openflow::instruction::{Instructions, WriteMetadata};
use openflow::matching::Match;
use openflow::message::{FlowMod, GroupMod};
use openflow::samples;

use crate::oracle;
use crate::switch::{Client, Switch};

fn forward() -> Instructions {
    Instructions::apply([Output::to(PortNo(1)).into()])
}

/// Adds the flows; returns those that the switch has something against, and what.
fn add(client: &mut Client, flows: &[Flow]) -> Vec<(String, String)> {
    let refusal = |flow: &Flow| {
        let refusal = client.refusal(&FlowMod::add(flow).into())?;
        Some((flow.to_string(), refusal))
    };
    flows.iter().filter_map(refusal).collect()
}

/// Holds the flows of the switch against `flows`, and their text against that of `ovs-ofctl`.
fn compare(switch: &Switch, client: &mut Client, flows: &[Flow]) {
    let mut returned = client.flows();
    for flow in flows {
        let found = returned.iter().position(|other| other == flow);
        let Some(found) = found else {
            let same = returned.iter().find(|other| other.cookie == flow.cookie);
            let bytes = |flow: &Flow| oracle::hex(flow.matching.as_bytes());
            panic!(
                "sent {flow:?}\n{}\ngot {same:?}\n{:?}",
                bytes(flow),
                same.map(bytes)
            );
        };
        returned.swap_remove(found);
    }
    assert_eq!(returned, []);

    let text = switch.ofctl(&["--no-stats", "dump-flows"], &[]);
    let mut theirs: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(' '))
        .collect();
    let mut ours: Vec<String> = flows.iter().map(Flow::to_string).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours.len(), theirs.len());
    // OVS leaves out something of the text of these.
    let cut: Vec<&Flow> = flows
        .iter()
        .filter(|flow| samples::is_cut(&flow.matching))
        .collect();
    ours.retain(|ours| !cut.iter().any(|flow| flow.to_string() == *ours));
    theirs.retain(|theirs| {
        let of = |flow: &&&Flow| theirs.contains(&format!("cookie={:#x},", flow.cookie));
        !cut.iter().any(|flow| of(&flow))
    });
    assert_eq!(ours, theirs);
}

/// Flows that differ in their match, each with a cookie of its own.
fn flows_of(matches: impl IntoIterator<Item = Match>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    for matching in matches {
        if flows.iter().all(|flow| flow.matching != matching) {
            let cookie = 1000 + u64::try_from(flows.len()).unwrap();
            flows.push(Flow {
                matching,
                cookie,
                instructions: forward(),
                ..Flow::default()
            });
        }
    }
    flows
}

#[test]
fn every_match_comes_back_as_it_was_sent() {
    let switch = Switch::start();
    let mut client = switch.connect();
    let mut flows = flows_of(samples::matches());
    // OVS 3.1 takes the value of these for their mask.
    let odd = |flow: &Flow| {
        ["tun_erspan", "gtpu"]
            .iter()
            .any(|name| flow.to_string().contains(name))
    };
    flows.retain(|flow| !odd(flow));
    let refused = add(&mut client, &flows);
    // A switch takes no match on what is internal to it, nor on options without a table of them.
    for (flow, refusal) in &refused {
        let internal = [
            "dp_hash",
            "recirc_id",
            "actset_output",
            "packet_type",
            "tun_metadata",
        ];
        assert!(
            internal.iter().any(|field| flow.contains(field)),
            "{flow}: {refusal}"
        );
    }
    flows.retain(|flow| !refused.iter().any(|(text, _)| *text == flow.to_string()));
    compare(&switch, &mut client, &flows);
}

#[test]
fn every_action_comes_back_as_it_was_sent() {
    let switch = Switch::start();
    let mut client = switch.connect();
    let group = Group {
        id: GroupId(9),
        kind: GroupType::ALL,
        buckets: vec![Bucket::of([])],
    };
    assert_eq!(client.refusal(&GroupMod::add(group).into()), None);
    // Each action in a flow whose packets have all that it needs.
    let needs = [
        Match::default(),
        samples::with_needs(TCP_SRC.id()),
        samples::with_needs(MPLS_TC.id()),
        samples::with_needs(NSH_C1.id()),
        samples::with_needs(VLAN_PCP.id()),
        samples::with_needs(CT_NW_SRC.id()),
        samples::with_needs(PACKET_TYPE.id()).with(PACKET_TYPE, PacketType::of(EthType::IPV4)),
    ];
    let mut flows: Vec<Flow> = Vec::new();
    let mut refused = Vec::new();
    // The switch makes an instruction of the first, `ovs-ofctl` cannot read the next two, and OVS
    // 3.1 does not know the last.
    let stays = |action: &Action| {
        !matches!(
            action,
            Action::WriteMetadata(_)
                | Action::DebugSlow(_)
                | Action::DebugRecirc(_)
                | Action::Sample4(_)
        )
    };
    for action in Action::samples().into_iter().filter(stays) {
        let cookie = 1000 + u64::try_from(flows.len()).unwrap();
        let flow = |matching: &Match| Flow {
            matching: matching.clone().with(METADATA, cookie),
            cookie,
            instructions: Instructions::apply([action.clone()]),
            ..Flow::default()
        };
        let candidates = needs.iter().map(flow);
        let taken = candidates
            .into_iter()
            .find(|flow| add(&mut client, std::slice::from_ref(flow)).is_empty());
        match taken {
            Some(flow) => flows.push(flow),
            None => refused.push(action),
        }
    }
    // The first only goes within `ct`, the other only with a table of options.
    assert!(
        matches!(refused.as_slice(), [Action::Nat(_), Action::DeleteField(_)]),
        "{refused:?}"
    );
    for flow in &mut flows {
        for action in &mut flow.instructions.apply_actions {
            *action = action.clone().renewed(&flow.matching);
        }
    }
    compare(&switch, &mut client, &flows);
}

#[test]
fn instructions_and_settings_come_back_as_they_were_sent() {
    let switch = Switch::start();
    let mut client = switch.connect();
    let all = Instructions {
        meter: None,
        apply_actions: vec![Output::to(PortNo(1)).into(), Output::to_controller().into()],
        clear_actions: true,
        write_actions: Some(vec![Output::to(PortNo(2)).into()]),
        write_metadata: Some(WriteMetadata {
            metadata: 0x10,
            mask: 0xff,
        }),
        goto_table: Some(9),
        experimenters: Vec::new(),
        unknown: Vec::new(),
    };
    let flows = [
        Flow::default(),
        Flow {
            table: 3,
            priority: 0,
            cookie: u64::MAX,
            idle_timeout: 10,
            hard_timeout: 600,
            flags: FlowFlags::SEND_FLOW_REM | FlowFlags::NO_PKT_COUNTS,
            instructions: all.clone(),
            ..Flow::default()
        },
        Flow {
            table: 4,
            priority: 65535,
            matching: Match::default().with(IN_PORT, PortNo::LOCAL),
            instructions: Instructions {
                write_metadata: Some(WriteMetadata {
                    metadata: 7,
                    mask: u64::MAX,
                }),
                ..Instructions::default()
            },
            ..Flow::default()
        },
    ];
    assert_eq!(add(&mut client, &flows), []);
    compare(&switch, &mut client, &flows);
}

#[test]
fn groups_come_back_as_they_were_sent() {
    let switch = Switch::start();
    let mut client = switch.connect();
    let output = |port| Output::to(PortNo(port)).into();
    let weighted = |weight, port| Bucket {
        weight,
        ..Bucket::of([output(port)])
    };
    let watching = |port| Bucket {
        watch_port: PortNo(port),
        ..Bucket::of([output(port)])
    };
    let group = |id, kind, buckets| Group {
        id: GroupId(id),
        kind,
        buckets,
    };
    let groups = [
        group(
            1,
            GroupType::ALL,
            vec![Bucket::of([output(1)]), Bucket::of([])],
        ),
        group(2, GroupType::SELECT, vec![weighted(1, 1), weighted(200, 2)]),
        group(
            3,
            GroupType::INDIRECT,
            vec![Bucket::of([output(1), output(2)])],
        ),
        group(4, GroupType::FF, vec![watching(1), watching(2)]),
        group(5, GroupType::ALL, vec![]),
    ];
    for group in &groups {
        assert_eq!(
            client.refusal(&GroupMod::add(group.clone()).into()),
            None,
            "{group}"
        );
    }
    let mut returned = client.groups();
    returned.sort_by_key(|group| group.id);
    assert_eq!(returned, groups);
    let text = switch.ofctl(&["dump-groups"], &[]);
    let mut theirs: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(' '))
        .collect();
    theirs.sort_unstable();
    assert_eq!(theirs, groups.each_ref().map(Group::to_string));
}

#[test]
fn loads_into_fields_that_are_matched_exactly_come_back_as_ovs_prints_them() {
    let switch = Switch::start();
    let mut client = switch.connect();
    for flow in [
        "table=9,actions=load:1->in_port_oxm[]",
        "table=10,actions=load:1->NXM_OF_IN_PORT[]",
        "table=11,dl_type=0x894f,actions=load:1->nsh_spi[]",
        "table=12,dl_type=0x894f,actions=load:1->nsh_si[0..3],load:9->nsh_ttl[0..3]",
        "table=13,dl_type=0x894f,actions=load:0xffff->nsh_spi[4..19]",
    ] {
        switch.ofctl(&["add-flow"], &[flow]);
    }
    let flows = client.flows();
    assert_eq!(flows.len(), 5);
    compare(&switch, &mut client, &flows);
}

#[test]
fn flows_with_options_of_tunnels_come_back_as_they_are_read() {
    let switch = Switch::start();
    let maps = "{class=0x102,type=0x80,len=4}->tun_metadata0,\
                {class=0x102,type=0x81,len=124}->tun_metadata1";
    switch.ofctl(&["add-tlv-map"], &[maps]);
    let mut client = switch.connect();
    let mut different = Vec::new();
    for (table, flow) in (1_u8..).zip([
        "actions=move:NXM_NX_TUN_METADATA0[0..31]->NXM_NX_REG0[]",
        "actions=move:NXM_NX_REG0[0..15]->NXM_NX_TUN_METADATA0[16..31]",
        "actions=move:NXM_NX_TUN_METADATA1[900..931]->NXM_NX_REG0[]",
        "actions=push:NXM_NX_TUN_METADATA0[0..31],pop:NXM_NX_REG0[]",
        "actions=output:NXM_NX_TUN_METADATA0[0..15]",
        "actions=load:0x5->NXM_NX_TUN_METADATA0[0..7]",
        "actions=set_field:0x5->tun_metadata0",
        "actions=set_field:0x5/0xf->tun_metadata0",
        "actions=set_field:0x5->tun_metadata1",
        "actions=load:0->NXM_NX_TUN_METADATA1[]",
        "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_TUN_METADATA0[0..31])",
        "actions=bundle_load(eth_src,0,hrw,ofport,NXM_NX_TUN_METADATA0[0..15],members:1)",
        "actions=check_pkt_larger(100)->NXM_NX_TUN_METADATA0[3]",
        "actions=learn(table=90,NXM_NX_TUN_METADATA0[0..31],load:0x5->NXM_NX_REG0[])",
        "actions=learn(table=90,NXM_NX_TUN_METADATA0[0..7]=0x5,output:NXM_NX_TUN_METADATA0[0..15])",
        "actions=learn(table=90,load:NXM_NX_REG0[]->NXM_NX_TUN_METADATA0[0..31])",
        "ip,actions=ct(zone=NXM_NX_TUN_METADATA0[0..15])",
        "actions=delete_field:tun_metadata0",
        "tun_metadata0=0x5,actions=drop",
        "tun_metadata0=0x500,actions=drop",
        "tun_metadata0=0,actions=drop",
        "tun_metadata0,actions=drop",
        "tun_metadata0=0x5/0xf,actions=drop",
        "tun_metadata0=0x5/0xff,actions=drop",
        "tun_metadata1=0x5,actions=drop",
    ]) {
        let flow = format!("table={table},{flow}");
        switch.ofctl(&["add-flow"], &[&flow]);
        let wanted: Flow = flow.parse().unwrap();
        let returned = client.flows();
        let installed = returned.iter().find(|flow| flow.table == table);
        if installed != Some(&wanted) {
            different.push(format!("{flow}: {installed:?}"));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}
