//! What `ovs-ofctl` refuses of messages that are nearly right, and with which error.

use bytes::Bytes;
use openflow::message::Message;
use openflow::names::Names;
use openflow::print::Frame;
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
