//! What `ovs-ofctl` refuses of messages and texts that are nearly right, and with which error.

use std::process::Command;

use bytes::Bytes;
use openflow::message::{FlowModCommand, Message};
use openflow::names::Names;
use openflow::print::Frame;
use openflow::text::Parser;
use openflow::wire::Writer;

use crate::oracle::{hex, ovs_ofctl};

/// The bytes of the sample of that name.
fn sample(name: &str) -> Vec<u8> {
    let samples = Message::samples();
    let message = samples.iter().find(|message| message.name() == name);
    let mut out = Writer::default();
    message.unwrap().encode(1, &mut out);
    out.finish().unwrap().to_vec()
}

/// Writes the length of all bytes into the header.
fn sized(mut bytes: Vec<u8>) -> Bytes {
    let length = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes.into()
}

/// What `ovs-ofctl` and this crate, which must agree, print for the message.
fn print(bytes: &Bytes) -> String {
    let plain = hex(bytes).replace([' ', '\n'], "");
    let theirs = ovs_ofctl(&["ofp-print", &plain], "");
    let ours = format!("{}\n", Frame::new(bytes, &Names::NONE));
    assert_eq!(ours, theirs, "{plain}");
    theirs
}

#[test]
fn a_wrong_value_is_refused_with_the_error_of_ovs() {
    #[rustfmt::skip]
    let cases: &[(&str, usize, &[u8], &str)] = &[
        ("OFPT_FLOW_MOD", 24, &[0xff], "OFPFMFC_BAD_TABLE_ID"),
        ("OFPT_FLOW_MOD", 25, &[5], "OFPFMFC_BAD_COMMAND"),
        ("OFPT_GROUP_MOD", 8, &[0x48], "OFPGMFC_BAD_COMMAND"),
        ("OFPT_GROUP_MOD", 10, &[9], "OFPGMFC_BAD_TYPE"),
        ("OFPT_GROUP_MOD", 10, &[0], "OFPGMFC_INVALID_GROUP"),
        ("OFPT_GROUP_MOD", 16, &[0xff], "OFPGMFC_BAD_BUCKET"),
        ("OFPT_GROUP_MOD", 20, &[0xfe], "OFPGMFC_BAD_WATCH"),
        ("OFPT_GROUP_MOD", 32, &[0x40], "OFPBAC_BAD_TYPE"),
        ("OFPT_GROUP_MOD", 36, &[0, 0xff], "OFPBAC_BAD_OUT_PORT"),
        ("ONFT_REQUESTFORWARD", 36, &[0xfe], "OFPGMFC_BAD_WATCH"),
        ("ONFT_REQUESTFORWARD", 18, &[0xff], "OFPBFC_MSG_BAD_LEN"),
        ("OFPST_GROUP_DESC reply", 28, &[0xfe], "OFPGMFC_BAD_WATCH"),
        ("OFPST_FLOW request", 48, &[0xff], "OFPBMC_BAD_TYPE"),
        ("OFPST_FLOW request", 52, &[0x40], "OFPBMC_BAD_FIELD"),
        ("OFPST_FLOW request", 55, &[0], "OFPBMC_BAD_FIELD"),
        ("OFPST_FLOW request", 54, &[0x0b], "OFPBMC_BAD_WILDCARDS"),
        ("OFPST_FLOW reply", 34, &[0x80], "OFPFMFC_BAD_FLAGS"),
        ("OFPT_FLOW_REMOVED", 48, &[0xff], "OFPBMC_BAD_TYPE"),
        ("ONFST_FLOW_MONITOR request", 28, &[0, 0], "OFPMOFC_BAD_FLAGS"),
        ("ONFST_FLOW_MONITOR request", 84, &[0, 0], "OFPMOFC_BAD_FLAGS"),
        ("ONFT_BUNDLE_ADD_MESSAGE", 26, &[0xff], "OFPBFC_MSG_BAD_LEN"),
        ("ONFT_BUNDLE_ADD_MESSAGE", 28, &[9], "OFPBFC_MSG_BAD_XID"),
        ("ONFT_BUNDLE_ADD_MESSAGE", 76, &[0x40], "OFPBMC_BAD_FIELD"),
        ("NXT_TLV_TABLE_MOD", 27, &[0x6e], "NXTTMFC_BAD_OPT_LEN"),
        ("NXT_TLV_TABLE_MOD", 28, &[0, 64], "NXTTMFC_BAD_FIELD_IDX"),
        ("NXT_TLV_TABLE_REPLY", 36, &[0, 64], "NXTTMFC_BAD_FIELD_IDX"),
    ];
    for (name, place, value, error) in cases {
        let mut bytes = sample(name);
        bytes[*place..place + value.len()].copy_from_slice(value);
        let text = print(&bytes.into());
        assert!(
            text.contains(&format!("***decode error: {error}***")),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_list_is_printed_up_to_what_is_cut_off() {
    #[rustfmt::skip]
    let cases = [
        ("OFPST_FLOW reply", 20),
        ("OFPST_GROUP_DESC reply", 8),
        ("OFPT_QUEUE_GET_CONFIG_REPLY", 8),
        ("OFPST_METER_CONFIG reply", 8),
        ("ONFST_FLOW_MONITOR request", 8),
    ];
    for (name, missing) in cases {
        let mut bytes = sample(name);
        bytes.truncate(bytes.len() - missing);
        let text = print(&sized(bytes));
        assert!(text.contains("\n***decode error"), "{name}: {text}");
    }
}

#[test]
fn ovs_does_not_look_at_the_end_of_some_messages() {
    for name in [
        "OFPST_FLOW request",
        "OFPST_AGGREGATE request",
        "ONFT_BUNDLE_CONTROL",
        "ONFT_ROLE_STATUS",
    ] {
        let whole = print(&sample(name).into());
        let mut bytes = sample(name);
        bytes.extend([0; 16]);
        assert!(Message::decode(&sized(bytes.clone())).is_err(), "{name}");
        assert_eq!(print(&sized(bytes)), whole);
    }
}

/// What is wrong with the flow.
fn refusal(flow: &str) -> String {
    let parser = Parser::default().lenient();
    match parser.flow_mod(flow, FlowModCommand::ADD) {
        Ok(change) => panic!("{flow}: {change:?}"),
        Err(error) => error.message,
    }
}

/// What `ovs-ofctl` says of the flow: that it is wrong, or what it would send.
fn judged(flow: &str) -> String {
    let mut command = Command::new("ovs-ofctl");
    let output = command.args(["-O", "OpenFlow13", "parse-flow", flow]);
    let output = output.output().expect("Open vSwitch must be installed");
    let errors = String::from_utf8(output.stderr).unwrap();
    let refusal = errors
        .lines()
        .find_map(|line| line.strip_prefix("ovs-ofctl: "));
    match refusal {
        Some(refusal) => refusal.to_owned(),
        None => String::from_utf8(output.stdout).unwrap(),
    }
}

#[test]
fn what_a_switch_cannot_do_is_refused_at_once_with_the_words_of_ovs() {
    for flow in [
        "actions=pop:dp_hash[0..1]",
        "actions=clone(pop:dp_hash[])",
        "actions=write_actions(pop:conj_id[])",
        "actions=move:reg0[]->dp_hash[]",
        "ip,actions=move:reg0[0..7]->nw_proto[]",
        "actions=move:reg0[0..7]->nw_proto[]",
        "actions=multipath(eth_src,50,modulo_n,1,0,dp_hash[])",
        "actions=multipath(eth_src,50,modulo_n,1,0,tp_dst)",
        "actions=multipath(eth_src,50,modulo_n,1,0,actset_output)",
        "actions=multipath(eth_src,50,modulo_n,1,0,nsh_spi)",
        "actions=bundle_load(eth_src,0,hrw,ofport,dp_hash,members:4,8)",
        "actions=bundle_load(eth_src,0,hrw,ofport,tp_dst,members:4,8)",
        "actions=bundle_load(eth_src,0,hrw,ofport,nsh_spi,members:4,8)",
        "actions=bundle(eth_src,0,hrw,ofport,members:CONTROLLER)",
        "actions=learn(load:1->dp_hash[])",
        "actions=learn(load:reg0->dp_hash[])",
        "actions=learn(limit=5,load:reg0->dp_hash[])",
        "ip,actions=ct(zone=tp_dst)",
        "ip,actions=ct(commit,zone=arp_op)",
        "ct_state=+inv+trk,ip,actions=ct(commit)",
        "actions=enqueue:NORMAL:1",
        "dl_type=0x894f,actions=set_field:100->nsh_ttl",
    ] {
        assert_eq!(refusal(flow), judged(flow), "{flow}");
    }
}

#[test]
fn what_ovs_ofctl_sends_though_a_switch_refuses_it_is_refused_at_once() {
    let invalid = |code| format!("actions are invalid with specified match ({code})");
    let experimenters =
        |text: &str, name: &str| format!("{text}: experimenter OXM field '{name}' not supported");
    let argument = "OFPBAC_BAD_SET_ARGUMENT";
    let zone = |bits| format!("zone n_bits {bits} not within valid range [16..16]");
    for (flow, code, message) in [
        ("actions=load:1->dp_hash[0]", argument, invalid(argument)),
        (
            "actions=check_pkt_larger(100)->dp_hash[0]",
            argument,
            invalid(argument),
        ),
        (
            "actions=set_field:1->in_port_oxm",
            argument,
            invalid(argument),
        ),
        (
            "vlan_vid=0x1005/0x1fff,actions=set_field:5->vlan_vid",
            argument,
            invalid(argument),
        ),
        (
            "actions=bundle_load(eth_src,0,hrw,ofport,reg0[0..3],members:4)",
            "OFPBAC_BAD_ARGUMENT",
            "bundle_load action requires at least 16 bit destination.".to_owned(),
        ),
        ("ip,actions=ct(zone=reg0)", "OFPBAC_BAD_SET_LEN", zone(32)),
        ("ip,actions=ct(zone=reg0[3])", "OFPBAC_BAD_SET_LEN", zone(1)),
        (
            "ip,actions=ct(commit,nat(src=0.0.0.0:80))",
            "OFPBAC_BAD_ARGUMENT",
            invalid("OFPBAC_BAD_ARGUMENT"),
        ),
        (
            "actions=learn(output:actset_output[])",
            "OFPBAC_BAD_SET_TYPE",
            experimenters("output:actset_output[]", "actset_output[]"),
        ),
        (
            "actions=learn(load:actset_output->reg0)",
            "OFPBAC_BAD_SET_TYPE",
            experimenters("actset_output->reg0", "actset_output"),
        ),
        (
            "actions=learn(reg0=actset_output)",
            "OFPBAC_BAD_SET_TYPE",
            experimenters("reg0=actset_output", "actset_output"),
        ),
    ] {
        let sent = judged(flow);
        let expected = format!("***decode error: {code}***");
        assert!(sent.contains(&expected), "{flow}: {sent}");
        assert_eq!(refusal(flow), message, "{flow}");
    }
}

#[test]
fn what_the_bytes_of_an_action_cannot_say_is_refused() {
    // `ovs-ofctl` sends other bits, or a number.
    for (flow, message) in [
        (
            "actions=output:xxreg0",
            "xxreg0: size of field xxreg0 (128) exceeds maximum (64)",
        ),
        (
            "actions=multipath(eth_src,50,modulo_n,1,0,xxreg0)",
            "eth_src,50,modulo_n,1,0,xxreg0: size of field xxreg0 (128) exceeds maximum (64)",
        ),
        (
            "ip,actions=ct(zone=actset_output[0..15])",
            "zone=actset_output[0..15]: experimenter OXM field 'actset_output[0..15]' not supported",
        ),
    ] {
        assert_eq!(refusal(flow), message, "{flow}");
    }
}
