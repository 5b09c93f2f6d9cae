//! What `ovs-ofctl` of Open vSwitch 3.1 says of flows, checked by giving it the same texts.

use super::Parser;
use crate::field::{PACKET_TYPE, PacketType};
use crate::flow::Flow;
use crate::matching::Match;
use crate::message::{FlowModCommand, GroupModCommand};

/// The message with which a flow is refused.
fn refusal(flow: &str) -> String {
    let parser = Parser::default().lenient();
    match parser.flow_mod(flow, FlowModCommand::ADD) {
        Ok(_) => "none".to_owned(),
        Err(error) => error.message,
    }
}

/// A flow as it is printed once it has been read.
fn printed(flow: &str) -> String {
    let read = Parser::default().lenient().flow(flow);
    read.as_ref()
        .map_or_else(ToString::to_string, Flow::to_string)
}

const INCONSISTENT: &str = "actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT)";

#[test]
fn what_is_known_of_a_packet_changes_with_its_headers() {
    let taken = "none";
    for (flow, expected) in [
        ("tcp,actions=decap,set_field:1->tcp_dst", taken),
        ("tcp,actions=encap(ethernet),set_field:1->tcp_dst", taken),
        ("tcp,actions=encap(nsh),set_field:1->nsh_spi", taken),
        ("tcp,actions=encap(nsh),set_field:1->tcp_dst", INCONSISTENT),
        (
            "tcp,actions=decap,set_field:00:00:00:00:00:01->eth_dst",
            INCONSISTENT,
        ),
        ("dl_type=0x894f,actions=decap,set_field:1->nsh_spi", taken),
        (
            "packet_type=(1,0x800),actions=decap,set_field:1.1.1.1->ip_dst",
            INCONSISTENT,
        ),
        (
            "packet_type=(1,0x800),actions=set_field:1.1.1.1->ip_dst",
            taken,
        ),
        (
            "packet_type=(1,0x800),actions=set_field:00:00:00:00:00:01->eth_dst",
            INCONSISTENT,
        ),
        // Actions of OpenFlow 1.0 ask for no Ethernet header.
        (
            "packet_type=(1,0x800),actions=mod_dl_dst:00:00:00:00:00:01",
            taken,
        ),
    ] {
        assert_eq!(refusal(flow), expected, "{flow}");
    }
}

#[test]
fn instructions_fit_the_table_and_each_other() {
    let later = "actions are invalid with specified match (OFPBIC_BAD_TABLE_ID)";
    let part = |word| {
        format!(
            "\"conjunction\" actions may be used along with \"note\" but not any other kind of \
             action (such as the \"{word}\" action used here)"
        )
    };
    for (flow, expected) in [
        ("table=3,actions=goto_table:4", "none".to_owned()),
        ("actions=goto_table:0", "none".to_owned()),
        ("table=3,actions=goto_table:3", later.to_owned()),
        ("table=3,actions=1,goto_table:2", later.to_owned()),
        ("actions=conjunction(1,1/2),note:01", "none".to_owned()),
        ("actions=conjunction(1,1/2),output:1", part("output")),
        (
            "actions=conjunction(1,1/2),goto_table:1",
            part("goto_table"),
        ),
        (
            "actions=conjunction(1,1/2),write_metadata:1",
            part("write_metadata"),
        ),
    ] {
        assert_eq!(refusal(flow), expected, "{flow}");
    }
}

#[test]
fn nat_stands_in_ct_alone() {
    let message = "Cannot have NAT action outside of \"ct\" action";
    assert_eq!(refusal("actions=nat(src=1.2.3.4)"), message);
    assert_eq!(refusal("ip,actions=clone(nat(src=1.2.3.4))"), message);
    assert_eq!(refusal("ip,actions=ct(commit,nat(src=1.2.3.4))"), "none");
}

#[test]
fn an_option_of_a_tunnel_stands_once_and_all_of_them_have_room() {
    let twice = refusal("tun_metadata0=1,tun_metadata0=2,actions=drop");
    assert_eq!(twice, "field tun_metadata0 set multiple times");
    let ones = "f".repeat(2 * 124);
    let many = refusal(&format!(
        "tun_metadata0=0x{ones},tun_metadata1=0x{ones},tun_metadata2=0x{ones},actions=drop"
    ));
    let message =
        "field tun_metadata2 exceeds maximum size for tunnel metadata (used 372, max 256)";
    assert_eq!(many, message);
}

#[test]
fn a_tag_is_asked_for_as_far_as_openflow_1_3_can() {
    for (flow, expected) in [
        (
            "vlan_tci=0x1123/0x3fff,actions=drop",
            "dl_vlan=291,dl_vlan_pcp=0 actions=drop",
        ),
        (
            "vlan_tci=0,actions=drop",
            "vlan_tci=0x0000/0x1fff actions=drop",
        ),
    ] {
        assert_eq!(printed(flow), expected, "{flow}");
    }
    // A part of the priority, without a number, is no condition but that there is a frame.
    let part = Parser::default().matching("vlan_tci=0x2000/0x2000");
    assert_eq!(
        part,
        Ok(Match::default().with(PACKET_TYPE, PacketType::ETHERNET))
    );
}

#[test]
fn a_field_without_a_value_is_one_of_zero_bits() {
    assert_eq!(printed("reg0,actions=drop"), printed("actions=drop"));
    let message = "0/0: invalid or unknown port for in_port";
    assert_eq!(refusal("in_port,actions=drop"), message);
}

#[test]
fn the_number_of_a_table_is_in_tens() {
    assert_eq!(
        printed("actions=resubmit(,061)"),
        printed("actions=resubmit(,61)")
    );
    assert_eq!(refusal("table=0x1,actions=drop"), "unknown table \"0x1\"");
}

#[test]
fn a_number_that_c_reads_loses_its_upper_bits() {
    for (flow, expected) in [
        (
            "actions=learn(limit=-1,output:in_port)",
            "learn(table=1,limit=4294967295,output:NXM_OF_IN_PORT[])",
        ),
        ("actions=dec_ttl(65537,-1,x)", "dec_ttl(1,65535,0)"),
        ("actions=set_queue:-1", "set_queue:4294967295"),
        ("actions=group:4294967297", "group:1"),
    ] {
        let flow = printed(&format!("ip,{flow}"));
        assert!(flow.ends_with(expected), "{flow}");
    }
}

#[test]
fn what_a_group_cannot_have_is_refused_even_where_openflow_1_3_cannot_say_it() {
    for (group, expected) in [
        ("type=indirect", "none"),
        (
            "type=indirect,bucket=output:1,bucket=output:2",
            "Indirect groups can have at most one bucket.",
        ),
        (
            "type=all,bucket=bucket_id:4294967041,output:1",
            "invalid bucket_id id 4294967041",
        ),
        (
            "type=select,selection_method=hash,fields(ip_src,tcp_dst=0xff)",
            "none",
        ),
        (
            "type=select,selection_method=hash,fields(foo,ip_src)",
            "ip_src: unknown field foo",
        ),
        (
            "type=select,selection_method=hash,fields(ip_src,ip_src)",
            "ip_src: duplicate field",
        ),
    ] {
        let text = format!("group_id=1,{group}");
        let protocols = Parser::default().group_protocols(&text, GroupModCommand::ADD);
        let message = protocols.map_or_else(|error| error.message, |_| "none".to_owned());
        assert_eq!(message, expected, "{group}");
    }
}
