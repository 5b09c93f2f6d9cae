//! What `ovs-ofctl` finds wrong with bytes besides what cannot be read.
//!
//! A switch looks at the length of a message before its contents, and refuses values without a
//! meaning. This crate reads such messages, as whoever wrote them may know more.

use std::ops::RangeInclusive;

use crate::field::PortNo;
use crate::matching::Match;
use crate::message::{
    ControllerRole, CtFlush, ErrorCode, Header, Message, NICIRA, NxControllerRole, ONF,
    SetAsyncConfig2, TlvTableCommand, VERSION,
};
use crate::meter::MeterFlags;
use crate::multipart::{ReplyBody, RequestBody};

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
pub(super) fn name(bytes: &[u8]) -> Result<&'static str, ErrorCode> {
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

/// Finds a value that OVS refuses.
pub(super) fn contents(message: &Message) -> Result<(), ErrorCode> {
    match message {
        Message::Error(error) if error.code.name().is_none() => Err(ErrorCode::OFPBRC_BAD_LEN),
        Message::SetConfig(config) => refuse(config.flags.bits() > 3, ErrorCode::OFPSCFC_BAD_FLAGS),
        Message::RoleRequest(role) | Message::RoleReply(role) => role_named(role.role),
        Message::RoleStatus(status) => role_named(status.role),
        Message::NxRoleRequest(role) | Message::NxRoleReply(role) => refuse(
            role.role > NxControllerRole::SECONDARY,
            ErrorCode::OFPRRFC_BAD_ROLE,
        ),
        Message::SetAsyncConfig2(config) => async_config(config),
        Message::SetPacketInFormat(chosen) => {
            refuse(chosen.format.name().is_none(), ErrorCode::OFPBRC_EPERM)
        }
        Message::TlvTableMod(change) => refuse(
            change.command > TlvTableCommand::CLEAR,
            ErrorCode::NXTTMFC_BAD_COMMAND,
        ),
        Message::BundleControl(control) => {
            refuse(control.kind.name().is_none(), ErrorCode::OFPBFC_BAD_TYPE)
        }
        Message::MultipartRequest(request) => {
            request_matches(&request.body)?;
            ports(requested(&request.body))
        }
        Message::MultipartReply(reply) => reply_ports(&reply.body),
        Message::PortStatus(status) => {
            port(status.port.port_no)?;
            refuse(status.reason.name().is_none(), ErrorCode::NXBRC_BAD_REASON)
        }
        Message::PortMod(change) => port(change.port_no),
        Message::QueueGetConfigRequest(request) => port(request.port),
        Message::QueueGetConfigReply(reply) => port(reply.port),
        Message::FlowMod(change) => {
            fields(&change.matching)?;
            port(change.out_port)
        }
        Message::NxFlowMod(change) => fields(&change.matching),
        Message::FlowRemoved(gone) => fields(&gone.matching),
        Message::NxFlowRemoved(gone) => fields(&gone.matching),
        Message::MeterMod(change) => {
            let unnamed = change.command.name().is_none();
            refuse(unnamed, ErrorCode::OFPMMFC_BAD_COMMAND)?;
            let both = change.flags.contains(MeterFlags::KBPS | MeterFlags::PKTPS);
            refuse(both, ErrorCode::OFPMMFC_BAD_FLAGS)
        }
        Message::CtFlush(flush) => addresses(flush),
        Message::BundleAdd(add) => contents(&add.message),
        Message::PacketOut(packet) => port(packet.in_port),
        _ => Ok(()),
    }
}

/// OVS refuses conditions on fields that it does not know.
fn fields(matching: &Match) -> Result<(), ErrorCode> {
    let unknown = matching.iter().any(|condition| condition.field().is_none());
    refuse(unknown, ErrorCode::OFPBMC_BAD_FIELD)
}

fn request_matches(body: &RequestBody) -> Result<(), ErrorCode> {
    match body {
        RequestBody::Flow(request) | RequestBody::Aggregate(request) => fields(&request.matching),
        RequestBody::FlowMonitor(requests) => {
            let mut matches = requests.iter().map(|request| &request.matching);
            matches.try_for_each(fields)
        }
        _ => Ok(()),
    }
}

/// The addresses of a connection are all of IPv4, or all of IPv6.
fn addresses(flush: &CtFlush) -> Result<(), ErrorCode> {
    let tuples = [flush.original, flush.reply];
    let told = tuples.iter().flat_map(|tuple| [tuple.src, tuple.dst]);
    let mut v4 = told
        .flatten()
        .map(|address| address.to_ipv4_mapped().is_some());
    let first = v4.next();
    refuse(
        v4.any(|other| Some(other) != first),
        ErrorCode::OFPBPC_BAD_VALUE,
    )
}

fn refuse(wrong: bool, code: ErrorCode) -> Result<(), ErrorCode> {
    if wrong { Err(code) } else { Ok(()) }
}

fn role_named(role: ControllerRole) -> Result<(), ErrorCode> {
    refuse(role.name().is_none(), ErrorCode::OFPRRFC_BAD_ROLE)
}

/// The reasons that there are, for each kind of message.
pub(super) const REASONS: [u32; 6] = [0b111, 0b111, 0b11_1111, 0b111, 0b1_1000, 0b11];

fn async_config(config: &SetAsyncConfig2) -> Result<(), ErrorCode> {
    config.properties.iter().try_for_each(|property| {
        match REASONS.get(usize::from(property.kind.0 / 2)) {
            None => Err(ErrorCode::OFPACFC_UNSUPPORTED),
            Some(reasons) => refuse(property.mask & !reasons != 0, ErrorCode::OFPACFC_INVALID),
        }
    })
}

/// OVS has 16 bits for a port, and refuses a number that these cannot say.
fn port(port: PortNo) -> Result<(), ErrorCode> {
    refuse(port.to_16().is_none(), ErrorCode::OFPBAC_BAD_OUT_PORT)
}

fn ports(mut ports: impl Iterator<Item = PortNo>) -> Result<(), ErrorCode> {
    ports.try_for_each(port)
}

fn requested(body: &RequestBody) -> impl Iterator<Item = PortNo> {
    let (one, many) = match body {
        RequestBody::Flow(request) | RequestBody::Aggregate(request) => {
            (Some(request.out_port), &[][..])
        }
        RequestBody::Port(request) => (Some(request.port_no), &[][..]),
        RequestBody::Queue(request) => (Some(request.port_no), &[][..]),
        RequestBody::FlowMonitor(requests) => (None, requests.as_slice()),
        _ => (None, &[][..]),
    };
    let many = many.iter().map(|request| request.out_port);
    one.into_iter().chain(many)
}

fn reply_ports(body: &ReplyBody) -> Result<(), ErrorCode> {
    match body {
        ReplyBody::Port(stats) => ports(stats.iter().map(|stats| stats.port_no)),
        ReplyBody::Queue(stats) => ports(stats.iter().map(|stats| stats.port_no)),
        ReplyBody::Flow(flows) => {
            let mut matches = flows.iter().map(|stats| &stats.flow.matching);
            matches.try_for_each(fields)
        }
        ReplyBody::PortDesc(described) => ports(described.iter().map(|port| port.port_no)),
        _ => Ok(()),
    }
}
