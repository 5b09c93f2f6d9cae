//! What `ovs-ofctl` finds wrong with bytes besides what cannot be read.
//!
//! A switch looks at the length of a message before its contents, and refuses values without a
//! meaning. This crate reads such messages, as whoever wrote them may know more.

mod flow;
mod length;

use crate::field::PortNo;
use crate::message::{
    ControllerRole, CtFlush, ErrorCode, Message, NxControllerRole, SetAsyncConfig2, TlvMap,
    TlvTableCommand,
};
use crate::meter::MeterFlags;
use crate::multipart::{FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, ReplyBody, RequestBody};
pub(super) use length::name;

/// Finds a value that OVS refuses.
pub(super) fn contents(xid: u32, message: &Message) -> Result<(), ErrorCode> {
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
        Message::TlvTableMod(change) => {
            let unknown = change.command > TlvTableCommand::CLEAR;
            refuse(unknown, ErrorCode::NXTTMFC_BAD_COMMAND)?;
            options(&change.maps, OPTION_FIELDS)
        }
        Message::TlvTableReply(reply) => options(&reply.maps, reply.max_fields),
        Message::MultipartRequest(request) => asked(&request.body),
        Message::MultipartReply(reply) => told(&reply.body),
        Message::PortStatus(status) => {
            port(status.port.port_no)?;
            refuse(status.reason.name().is_none(), ErrorCode::NXBRC_BAD_REASON)
        }
        Message::PortMod(change) => port(change.port_no),
        Message::QueueGetConfigRequest(request) => port(request.port),
        Message::QueueGetConfigReply(reply) => port(reply.port),
        Message::FlowMod(change) => {
            flow::fields(&change.matching)?;
            flow::every_table(change)?;
            port(change.out_port)?;
            refuse(
                change.command.name().is_none(),
                ErrorCode::OFPFMFC_BAD_COMMAND,
            )?;
            flow::instructions(&change.instructions)?;
            flow::flags(change.flags)
        }
        Message::NxFlowMod(change) => {
            flow::fields(&change.matching)?;
            flow::instructions(&change.instructions)
        }
        Message::FlowRemoved(gone) => flow::fields(&gone.matching),
        Message::NxFlowRemoved(gone) => flow::fields(&gone.matching),
        Message::GroupMod(change) => flow::group_mod(change),
        Message::MeterMod(change) => {
            let unnamed = change.command.name().is_none();
            refuse(unnamed, ErrorCode::OFPMMFC_BAD_COMMAND)?;
            let both = change.flags.contains(MeterFlags::KBPS | MeterFlags::PKTPS);
            refuse(both, ErrorCode::OFPMMFC_BAD_FLAGS)
        }
        Message::CtFlush(flush) => addresses(flush),
        Message::BundleAdd(add) => {
            refuse(add.xid != xid, ErrorCode::OFPBFC_MSG_BAD_XID)?;
            refuse(!can_be_bundled(&add.message), ErrorCode::OFPBFC_MSG_UNSUP)?;
            contents(xid, &add.message)
        }
        Message::RequestForward(forward) => contents(forward.xid, &forward.message),
        Message::PacketOut(packet) => {
            port(packet.in_port)?;
            flow::actions(&packet.actions)
        }
        _ => Ok(()),
    }
}

const fn can_be_bundled(message: &Message) -> bool {
    matches!(
        message,
        Message::FlowMod(_) | Message::GroupMod(_) | Message::PortMod(_) | Message::PacketOut(_)
    )
}

/// What is asked for, up to the first that OVS refuses.
fn monitor(request: &FlowMonitorRequest) -> Result<(), ErrorCode> {
    let told = FlowMonitorFlags::ADD | FlowMonitorFlags::DELETE | FlowMonitorFlags::MODIFY;
    let known = FlowMonitorFlags::all().contains(request.flags);
    refuse(
        !request.flags.intersects(told) || !known,
        ErrorCode::OFPMOFC_BAD_FLAGS,
    )?;
    port(request.out_port)?;
    flow::fields(&request.matching)
}

/// The options of tunnels that OVS knows, of which there can be `fields`.
fn options(maps: &[TlvMap], fields: u16) -> Result<(), ErrorCode> {
    maps.iter().try_for_each(|map| {
        let fits = map.option_len.is_multiple_of(4) && map.option_len <= MAX_OPTION;
        refuse(!fits, ErrorCode::NXTTMFC_BAD_OPT_LEN)?;
        refuse(map.index >= fields, ErrorCode::NXTTMFC_BAD_FIELD_IDX)
    })
}

/// The most bytes that an option of a tunnel can have.
const MAX_OPTION: u8 = 124;

/// How many fields can stand for options of tunnels.
const OPTION_FIELDS: u16 = 64;

/// The addresses of a connection are all of IPv4, or all of IPv6.
fn addresses(flush: &CtFlush) -> Result<(), ErrorCode> {
    let tuples = [&flush.original, &flush.reply];
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

fn asked(body: &RequestBody) -> Result<(), ErrorCode> {
    match body {
        RequestBody::Flow(request) | RequestBody::Aggregate(request) => {
            port(request.out_port)?;
            flow::fields(&request.matching)
        }
        RequestBody::FlowMonitor(requests) => requests.iter().try_for_each(monitor),
        RequestBody::Port(request) => port(request.port_no),
        RequestBody::Queue(request) => port(request.port_no),
        _ => Ok(()),
    }
}

fn told(body: &ReplyBody) -> Result<(), ErrorCode> {
    match body {
        ReplyBody::Port(stats) => stats.iter().try_for_each(|stats| port(stats.port_no)),
        ReplyBody::Queue(stats) => stats.iter().try_for_each(|stats| port(stats.port_no)),
        ReplyBody::PortDesc(ports) => ports.iter().try_for_each(|told| port(told.port_no)),
        ReplyBody::Flow(flows) => flows.iter().try_for_each(|stats| {
            flow::fields(&stats.flow.matching)?;
            flow::flags(stats.flow.flags)?;
            flow::instructions(&stats.flow.instructions)
        }),
        ReplyBody::GroupDesc(groups) => {
            let mut groups = groups.iter();
            groups.try_for_each(|group| flow::buckets(&group.buckets))
        }
        ReplyBody::FlowMonitor(updates) => updates.iter().try_for_each(|update| match update {
            FlowUpdate::Full(change) => {
                flow::fields(&change.flow.matching)?;
                flow::instructions(&change.flow.instructions)
            }
            FlowUpdate::Abbreviated { .. } => Ok(()),
        }),
        _ => Ok(()),
    }
}
