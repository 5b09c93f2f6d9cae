//! What the header and the length of a message must be.

use std::ops::RangeInclusive;

use crate::message::{ErrorCode, Header, Message, NICIRA, ONF, VERSION};

/// The lengths that messages can have: the least, and what they may be longer by a multiple of; 0
/// if by nothing. Messages that are not listed can have any.
#[rustfmt::skip]
const LENGTHS: &[(&str, usize, usize)] = &[
    ("OFPT_ERROR", 12, 1),
    ("OFPT_PACKET_IN", 24, 1),
    ("OFPT_FLOW_REMOVED", 48, 8),
    ("OFPT_PORT_STATUS", 80, 0),
    ("OFPT_PACKET_OUT", 24, 1),
    ("OFPT_FLOW_MOD", 48, 8),
    ("OFPT_GROUP_MOD", 16, 8),
    ("OFPT_PORT_MOD", 40, 0),
    ("OFPT_TABLE_MOD", 16, 0),
    ("OFPT_QUEUE_GET_CONFIG_REQUEST", 16, 0),
    ("OFPT_QUEUE_GET_CONFIG_REPLY", 16, 8),
    ("OFPT_METER_MOD", 16, 8),
    ("OFPT_FEATURES_REQUEST", 8, 0),
    ("OFPT_FEATURES_REPLY", 32, 0),
    ("OFPT_GET_CONFIG_REQUEST", 8, 0),
    ("OFPT_GET_CONFIG_REPLY", 12, 0),
    ("OFPT_SET_CONFIG", 12, 0),
    ("OFPT_BARRIER_REQUEST", 8, 0),
    ("OFPT_BARRIER_REPLY", 8, 0),
    ("OFPT_ROLE_REQUEST", 24, 0),
    ("OFPT_ROLE_REPLY", 24, 0),
    ("OFPT_GET_ASYNC_REQUEST", 8, 0),
    ("OFPT_GET_ASYNC_REPLY", 32, 0),
    ("OFPT_SET_ASYNC", 32, 0),
    ("NXT_FLOW_MOD", 48, 8),
    ("NXT_FLOW_REMOVED", 56, 8),
    ("NXT_FLOW_MOD_TABLE_ID", 24, 0),
    ("NXT_SET_PACKET_IN_FORMAT", 20, 0),
    ("NXT_PACKET_IN", 40, 1),
    ("NXT_PACKET_IN2", 16, 8),
    ("NXT_RESUME", 16, 8),
    ("NXT_FLOW_AGE", 16, 0),
    ("NXT_SET_ASYNC_CONFIG", 40, 0),
    ("NXT_SET_ASYNC_CONFIG2", 16, 8),
    ("NXT_SET_CONTROLLER_ID", 24, 0),
    ("NXT_TLV_TABLE_MOD", 24, 8),
    ("NXT_TLV_TABLE_REQUEST", 16, 0),
    ("NXT_TLV_TABLE_REPLY", 32, 8),
    ("NXT_CT_FLUSH_ZONE", 24, 0),
    ("NXT_CT_FLUSH", 24, 8),
    ("NXT_ROLE_REQUEST", 20, 0),
    ("NXT_ROLE_REPLY", 20, 0),
    ("ONFT_FLOW_MONITOR_CANCEL", 20, 0),
    ("ONFT_FLOW_MONITOR_PAUSED", 16, 0),
    ("ONFT_FLOW_MONITOR_RESUMED", 16, 0),
    ("ONFT_ROLE_STATUS", 32, 8),
    ("ONFT_BUNDLE_CONTROL", 24, 8),
    ("ONFT_BUNDLE_ADD_MESSAGE", 24, 1),
    ("ONFT_REQUESTFORWARD", 24, 8),
    ("OFPST_DESC request", 16, 0),
    ("OFPST_DESC reply", 1072, 0),
    ("OFPST_FLOW request", 48, 8),
    ("OFPST_AGGREGATE request", 48, 8),
    ("OFPST_AGGREGATE reply", 40, 0),
    ("OFPST_TABLE request", 16, 0),
    ("OFPST_TABLE reply", 16, 24),
    ("OFPST_PORT request", 24, 0),
    ("OFPST_PORT reply", 16, 112),
    ("OFPST_QUEUE request", 24, 0),
    ("OFPST_QUEUE reply", 16, 40),
    ("OFPST_GROUP request", 24, 0),
    ("OFPST_GROUP reply", 16, 8),
    ("OFPST_GROUP_DESC request", 16, 0),
    ("OFPST_GROUP_DESC reply", 16, 8),
    ("OFPST_GROUP_FEATURES request", 16, 0),
    ("OFPST_GROUP_FEATURES reply", 56, 0),
    ("OFPST_METER request", 24, 0),
    ("OFPST_METER reply", 16, 8),
    ("OFPST_METER_CONFIG request", 24, 0),
    ("OFPST_METER_CONFIG reply", 16, 8),
    ("OFPST_METER_FEATURES request", 16, 0),
    ("OFPST_METER_FEATURES reply", 32, 0),
    ("OFPST_TABLE_FEATURES request", 16, 8),
    ("OFPST_TABLE_FEATURES reply", 80, 8),
    ("OFPST_PORT_DESC request", 16, 0),
    ("OFPST_PORT_DESC reply", 16, 64),
    ("ONFST_FLOW_MONITOR request", 24, 8),
    ("ONFST_FLOW_MONITOR reply", 24, 8),
    ("NXST_IPFIX_BRIDGE request", 24, 0),
    ("NXST_IPFIX_BRIDGE reply", 112, 0),
    ("NXST_IPFIX_FLOW request", 24, 0),
    ("NXST_IPFIX_FLOW reply", 24, 88),
];

/// The versions of OpenFlow that OVS knows, by their numbers.
const VERSIONS: RangeInclusive<u8> = 1..=6;

/// Finds what the message is called, or what is wrong with its header or its length.
pub(in crate::print) fn name(bytes: &[u8]) -> Result<&'static str, ErrorCode> {
    let header = Header::peek(bytes).ok_or(ErrorCode::OFPBRC_BAD_LEN)?;
    let of_any_version = header.kind <= 1;
    if header.version != VERSION && !of_any_version {
        return Err(match VERSIONS.contains(&header.version) {
            true => ErrorCode::OFPBRC_BAD_VERSION,
            false => ErrorCode::OFPBRC_BAD_TYPE,
        });
    }
    let name = Message::name_of(bytes).ok_or_else(|| unknown(header.kind, bytes))?;
    let row = LENGTHS.iter().find(|(other, _, _)| *other == name);
    let fits = row.is_none_or(|(_, least, step)| match bytes.len().checked_sub(*least) {
        None => false,
        Some(more) => more == 0 || *step > 0 && more.is_multiple_of(*step),
    });
    if fits {
        Ok(name)
    } else {
        Err(ErrorCode::OFPBRC_BAD_LEN)
    }
}

/// Which of its codes makes a message one that nobody declared.
fn unknown(kind: u8, bytes: &[u8]) -> ErrorCode {
    let word = |at: usize| {
        bytes
            .get(at..)?
            .first_chunk()
            .copied()
            .map(u32::from_be_bytes)
    };
    let experimenter = |at: usize| match (word(at), word(at + 4)) {
        (Some(NICIRA | ONF), Some(_)) => ErrorCode::OFPBRC_BAD_SUBTYPE,
        (Some(_), Some(_)) => ErrorCode::OFPBRC_BAD_VENDOR,
        _ => ErrorCode::OFPBRC_BAD_LEN,
    };
    match kind {
        4 => experimenter(8),
        18 | 19 => match (bytes.get(8..10), word(12)) {
            (_, None) => ErrorCode::OFPBRC_BAD_LEN,
            (Some([0xff, 0xff]), _) => experimenter(16),
            _ => ErrorCode::OFPBRC_BAD_STAT,
        },
        _ => ErrorCode::OFPBRC_BAD_TYPE,
    }
}
