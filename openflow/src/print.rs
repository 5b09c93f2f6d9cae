//! The text of whole messages, as `ovs-ofctl ofp-print` prints them.
//!
//! There is a file for each family of messages. [`Frame`] prints bytes that should be a message,
//! and says what is wrong with them if they are none.

mod connection;
mod flow;
mod frame;
mod group;
mod ipfix;
mod key;
mod packet;
mod pieces;
mod port;
mod refuse;
mod table;
mod transport;

use std::fmt::{self, Display, Formatter};

use frame::Dump;
pub use frame::Frame;
use packet::Incoming;
use pieces::Sharp;

use crate::field::{GroupId, PortNo};
use crate::message::{BundleAdd, BundleFlags, Echo, Error, Message};
use crate::multipart::{MultipartFlags, ReplyBody, RequestBody};
use crate::names::Names;
use crate::wire::Writer;

/// How much `ovs-ofctl ofp-print` tells unless it is told otherwise.
const VERBOSITY: u8 = 2;

/// From how much on the bytes of a message follow its text.
const WITH_BYTES: u8 = 5;

impl Message {
    /// The text of the message, which has this transaction number, with ports and tables by the
    /// names that `names` gives them.
    ///
    /// ```
    /// # use openflow::{message::Message, names::Names};
    /// let text = Message::BarrierRequest.print(5, &Names::NONE).to_string();
    /// assert_eq!(text, "OFPT_BARRIER_REQUEST (OF1.3) (xid=0x5):");
    /// ```
    #[must_use]
    pub const fn print<'a>(&'a self, xid: u32, names: &'a Names) -> Printed<'a> {
        let style = Style {
            names,
            verbosity: VERBOSITY,
        };
        Printed {
            message: self,
            xid,
            style,
        }
    }
}

/// The text of a message; from [`Message::print`].
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    message: &'a Message,
    xid: u32,
    style: Style<'a>,
}

/// What a text depends on besides the message.
#[derive(Clone, Copy, Debug)]
struct Style<'a> {
    names: &'a Names,
    verbosity: u8,
}

impl Printed<'_> {
    /// The same text with more or less in it. Without this it is that of verbosity 2.
    ///
    /// With 0, packets and the counters of ports and queues are left out; from 2 on, echoes are
    /// shown with their bytes; from 3 on, packets are.
    #[must_use]
    pub const fn verbosity(mut self, verbosity: u8) -> Self {
        self.style.verbosity = verbosity;
        self
    }
}

impl Display for Printed<'_> {
    /// Writes the text, without the end of its last line.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, xid) = (self.message.name(), self.xid);
        let body = Body(self.message, self.style).to_string();
        let body = body.strip_suffix(' ').unwrap_or(&body);
        let body = body.strip_suffix('\n').unwrap_or(body);
        write!(f, "{name} (OF1.3) (xid={xid:#x}):{body}")
    }
}

/// All that follows the transaction number.
struct Body<'a>(&'a Message, Style<'a>);

impl Display for Body<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(message, style) = *self;
        let names = style.names;
        match message {
            Message::Hello(hello) => connection::hello(hello, f),
            Message::Error(error) => print_error(error, names, f),
            Message::EchoRequest(echo) | Message::EchoReply(echo) => print_echo(echo, style, f),
            Message::FeaturesReply(features) => connection::features(features, f),
            Message::GetConfigReply(config) | Message::SetConfig(config) => {
                connection::config(config, f)
            }
            Message::PacketIn(packet) => Incoming::from(packet).print(style, f),
            Message::NxPacketIn(packet) => Incoming::from(packet).print(style, f),
            Message::PacketIn2(packet) | Message::Resume(packet) => {
                Incoming::from(packet).print(style, f)
            }
            Message::PacketOut(packet) => packet::packet_out(packet, style, f),
            Message::FlowMod(change) => flow::flow_mod(change, names, f),
            Message::NxFlowMod(change) => flow::nx_flow_mod(change, names, f),
            Message::FlowRemoved(gone) => flow::removed(gone, names, f),
            Message::NxFlowRemoved(gone) => flow::nx_removed(gone, names, f),
            Message::GroupMod(change) => group::group_mod(change, names, f),
            Message::MeterMod(change) => group::meter_mod(change, f),
            Message::PortStatus(status) => port::status(status, f),
            Message::PortMod(change) => port::port_mod(change, names, f),
            Message::TableMod(change) => table::table_mod(change, names, f),
            Message::QueueGetConfigRequest(request) => {
                write!(f, " port={}", names.port(request.port))
            }
            Message::QueueGetConfigReply(reply) => port::queue_config(reply, names, f),
            Message::RoleRequest(role) | Message::RoleReply(role) => connection::role(role, f),
            Message::NxRoleRequest(role) | Message::NxRoleReply(role) => {
                connection::nx_role(role, f)
            }
            Message::RoleStatus(status) => connection::role_status(status, f),
            Message::GetAsyncReply(config)
            | Message::SetAsync(config)
            | Message::NxSetAsync(config) => connection::async_config(config, f),
            Message::SetAsyncConfig2(config) => connection::async_config_2(config, f),
            Message::BundleControl(control) => connection::bundle_control(control, f),
            Message::BundleAdd(add) => print_bundle_add(add, style, f),
            Message::TlvTableMod(change) => connection::tlv_table_mod(change, f),
            Message::TlvTableReply(reply) => connection::tlv_table_reply(reply, f),
            Message::RequestForward(forward) => print_forwarded(&forward.message, style, f),
            Message::MultipartRequest(request) => {
                print_flags(request.flags, f)?;
                print_request(&request.body, names, f)
            }
            Message::MultipartReply(reply) => {
                print_flags(reply.flags, f)?;
                print_reply(&reply.body, style, f)
            }
            message => print_setting(message, f),
        }
    }
}

/// Prints what is but a number or a word.
fn print_setting(message: &Message, f: &mut Formatter<'_>) -> fmt::Result {
    match message {
        Message::SetPacketInFormat(chosen) => write!(f, " format={}", chosen.format),
        Message::SetControllerId(chosen) => write!(f, " id={}", chosen.controller_id),
        Message::FlowModTableId(chosen) => f.write_str(if chosen.set == 0 {
            " disable"
        } else {
            " enable"
        }),
        Message::FlowMonitorCancel(cancel) => write!(f, " id={}", cancel.id),
        Message::CtFlushZone(flush) => write!(f, " zone_id={}", flush.zone),
        Message::CtFlush(flush) => connection::ct_flush(flush, f),
        // The others are their name and nothing else.
        _ => Ok(()),
    }
}

fn print_request(body: &RequestBody, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    match body {
        RequestBody::Flow(request) | RequestBody::Aggregate(request) => {
            flow::request(request, names, f)
        }
        RequestBody::Port(request) => write!(f, " port_no={}", names.port(request.port_no)),
        RequestBody::Queue(request) => port::queue_request(request, names, f),
        RequestBody::Group(request) => write!(f, " group_id={}", request.id),
        RequestBody::Meter(request) | RequestBody::MeterConfig(request) => {
            write!(f, " meter={}", group::MeterNo(request.id))
        }
        RequestBody::TableFeatures(tables) => table::features(tables, f),
        RequestBody::FlowMonitor(requests) => {
            let mut requests = requests.iter();
            requests.try_for_each(|request| flow::monitor(request, names, f))
        }
        // Later versions can ask for one; in this one it is always all.
        RequestBody::GroupDesc => write!(f, " group_id={}", GroupId::ALL),
        RequestBody::PortDesc => write!(f, " port={}", names.port(PortNo::ANY)),
        _ => Ok(()),
    }
}

fn print_reply(body: &ReplyBody, style: Style<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    let names = style.names;
    let in_full = style.verbosity > 0;
    match body {
        ReplyBody::Flow(flows) => flows.iter().try_for_each(|it| flow::stats(it, names, f)),
        ReplyBody::Aggregate(stats) => flow::aggregate(stats, f),
        ReplyBody::Port(ports) => {
            writeln!(f, " {} ports", ports.len())?;
            let mut ports = ports.iter().filter(|_| in_full);
            ports.try_for_each(|stats| port::stats(stats, names, f))
        }
        ReplyBody::Queue(queues) => {
            writeln!(f, " {} queues", queues.len())?;
            let mut queues = queues.iter().filter(|_| in_full);
            queues.try_for_each(|stats| port::queue_stats(stats, names, f))
        }
        ReplyBody::Group(groups) => groups.iter().try_for_each(|it| group::group_stats(it, f)),
        ReplyBody::Meter(meters) => meters.iter().try_for_each(|it| group::meter_stats(it, f)),
        ReplyBody::MeterConfig(meters) => {
            let mut meters = meters.iter();
            meters.try_for_each(|meter| writeln!(f, "\n{meter}"))
        }
        ReplyBody::TableFeatures(tables) => table::features(tables, f),
        ReplyBody::FlowMonitor(updates) => {
            let mut updates = updates.iter();
            updates.try_for_each(|update| flow::update(update, names, f))
        }
        ReplyBody::Desc(desc) => connection::desc(desc, f),
        ReplyBody::Table(tables) => table::stats(tables, f),
        ReplyBody::GroupDesc(groups) => {
            let mut groups = groups.iter();
            groups.try_for_each(|group| write!(f, "\n {}", group.display_with(names)))
        }
        ReplyBody::GroupFeatures(features) => group::group_features(features, f),
        ReplyBody::MeterFeatures(features) => group::meter_features(features, f),
        ReplyBody::PortDesc(ports) => port::descriptions(ports, f),
        ReplyBody::IpfixBridge(stats) => ipfix::bridge(stats, f),
        ReplyBody::IpfixFlow(flows) => ipfix::flows(flows, f),
        ReplyBody::Unknown(_) => Ok(()),
    }
}

fn print_flags(flags: MultipartFlags, f: &mut Formatter<'_>) -> fmt::Result {
    if flags.is_empty() {
        return Ok(());
    }
    f.write_str(" flags=")?;
    if flags.contains(MultipartFlags::MORE) {
        f.write_str("[more]")?;
    }
    match flags.difference(MultipartFlags::MORE).bits() {
        0 => Ok(()),
        unknown => write!(f, "[***unknown flags {unknown:#06x}***]"),
    }
}

/// Prints the code, and of the refused message what can be read; or the text that came with it.
fn print_error(error: &Error, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " {}", error.code)?;
    if error.is_hello_failed() {
        return write!(f, "{}", Printable(&error.data));
    }
    write!(f, "{}", Frame::new(&error.data, names).verbosity(1))
}

/// Bytes as characters, with escapes for those that cannot be printed.
struct Printable<'a>(&'a [u8]);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b'\\' | b' '..=b'~' if *byte != b'\\' => write!(f, "{}", char::from(*byte)),
            byte => write!(f, "\\{byte:03o}"),
        })
    }
}

fn print_echo(echo: &Echo, style: Style<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, " {} bytes of payload", echo.data.len())?;
    if style.verbosity > 1 && !echo.data.is_empty() {
        writeln!(f, "{}", Dump::with_text(&echo.data))?;
    }
    Ok(())
}

fn print_bundle_add(add: &BundleAdd, style: Style<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(&bundle_add(add.id, add.flags))?;
    let message = add.message.print(add.xid, style.names);
    write!(f, "{}", message.verbosity(style.verbosity))?;
    let mut out = Writer::default();
    add.message.encode(add.xid, &mut out);
    match out.finish() {
        Ok(bytes) if style.verbosity >= WITH_BYTES => {
            write!(f, "\n{}", Dump::with_text(&bytes))
        }
        _ => Ok(()),
    }
}

/// What stands before a message that is added to a bundle.
fn bundle_add(id: u32, flags: BundleFlags) -> String {
    let flags = connection::bundle_flags(flags);
    format!("\n bundle_id={} flags={flags}\n", Sharp(id.into()))
}

fn print_forwarded(message: &Message, style: Style<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    match message {
        Message::GroupMod(change) => {
            f.write_str(" reason=group_mod")?;
            group::group_mod(change, style.names, f)
        }
        Message::MeterMod(change) => {
            f.write_str(" reason=meter_mod")?;
            group::meter_mod(change, f)
        }
        _ => Ok(()),
    }
}
