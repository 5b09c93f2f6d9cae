//! The text of whole messages, as `ovs-ofctl ofp-print` prints them.
//!
//! A message that this does not know in full is printed as its name and the number of its
//! transaction, which stand first in all.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::field::{GroupId, PortNo};
use crate::flow::{DEFAULT_PRIORITY, Flow};
use crate::message::{
    BundleAdd, BundleControl, BundleFlags, Error, FlowMod, FlowRemoved, FlowStats, GroupMod,
    Header, Hello, Message, MeterMod, NO_BUFFER,
};
use crate::multipart::{FlowStatsRequest, MultipartFlags, ReplyBody, RequestBody};
use crate::names::Names;

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
        Printed {
            message: self,
            xid,
            names,
        }
    }
}

/// The text of a message; from [`Message::print`].
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    message: &'a Message,
    xid: u32,
    names: &'a Names,
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} (OF1.3) (xid={:#x}):", self.message.name(), self.xid)?;
        let names = self.names;
        match self.message {
            Message::Hello(hello) => print_hello(hello, f),
            Message::Error(error) => print_error(error, names, f),
            Message::EchoRequest(echo) | Message::EchoReply(echo) => {
                write!(f, " {} bytes of payload", echo.data.len())
            }
            Message::FlowMod(change) => print_flow_mod(change, names, f),
            Message::FlowRemoved(removed) => print_flow_removed(removed, names, f),
            Message::GroupMod(change) => print_group_mod(change, names, f),
            Message::MeterMod(change) => print_meter_mod(change, f),
            Message::BundleControl(control) => print_bundle_control(control, f),
            Message::BundleAdd(add) => print_bundle_add(add, names, f),
            Message::MultipartRequest(request) => {
                print_flags(request.flags, f)?;
                match &request.body {
                    RequestBody::Flow(request) => print_flow_request(request, names, f),
                    _ => Ok(()),
                }
            }
            Message::MultipartReply(reply) => {
                print_flags(reply.flags, f)?;
                match &reply.body {
                    ReplyBody::Flow(flows) => flows.iter().try_for_each(|flow| {
                        f.write_str("\n ")?;
                        print_flow_stats(flow, names, f)
                    }),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
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

fn print_hello(hello: &Hello, f: &mut Formatter<'_>) -> fmt::Result {
    let Some(versions) = hello.versions else {
        return f.write_str("\n version bitmap: 0x01, 0x02, 0x03, 0x04");
    };
    f.write_str("\n version bitmap: ")?;
    let mut comma = "";
    for version in (0..32).filter(|version| versions & 1_u32 << version != 0) {
        write!(f, "{comma}{version:#04x}")?;
        comma = ", ";
    }
    Ok(())
}

/// Prints the code, and of the refused message what can be read: a text, itself, or its bytes.
fn print_error(error: &Error, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " {}", error.code)?;
    if error.is_hello_failed() {
        let text = String::from_utf8_lossy(&error.data);
        return write!(f, "\n{text}");
    }
    match Message::decode(&error.data) {
        Ok((xid, message)) => write!(f, "\n{}", message.print(xid, names)),
        Err(_) => print_start(&error.data, f),
    }
}

/// Prints the start of a message that was cut off.
fn print_start(data: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    let Some(header) = Header::peek(data) else {
        return Ok(());
    };
    let whole = usize::from(header.length);
    if whole > data.len() {
        write!(
            f,
            "\n(***truncated to {} bytes from {whole}***)",
            data.len()
        )?;
    }
    print_dump(data, f)
}

/// Prints bytes in lines of 16, in hexadecimal and as characters.
fn print_dump(data: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    for (line, bytes) in data.chunks(16).enumerate() {
        write!(f, "\n{:08x} ", line * 16)?;
        for place in 0..16 {
            let before = if place == 8 { '-' } else { ' ' };
            match bytes.get(place) {
                Some(byte) => write!(f, "{before}{byte:02x}")?,
                None if place == 8 && bytes.len() == 8 => f.write_str("-  ")?,
                None => f.write_str("   ")?,
            }
        }
        f.write_str(" |")?;
        for place in 0..16 {
            let shown = bytes
                .get(place)
                .map_or(' ', |byte| match char::from(*byte) {
                    c @ ' '..='~' => c,
                    _ => '.',
                });
            write!(f, "{shown}")?;
        }
        f.write_str("|")?;
    }
    Ok(())
}

/// Writes the priority, unless it is the usual one, and the match.
struct Conditions<'a> {
    flow: &'a Flow,
    names: &'a Names,
}

impl Display for Conditions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let matching = self.flow.matching.display_with(self.names);
        match (self.flow.priority, self.flow.matching.is_empty()) {
            (DEFAULT_PRIORITY, _) => write!(f, "{matching}"),
            (priority, true) => write!(f, "priority={priority}"),
            (priority, false) => write!(f, "priority={priority},{matching}"),
        }
    }
}

fn print_flow_mod(change: &FlowMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    match change.command.name() {
        Some(name) => write!(f, " {name}")?,
        None => write!(f, " cmd:{}", change.command.0)?,
    }
    if change.table != 0 || names.has_table(change.table) {
        write!(f, " table:{}", names.table(change.table))?;
    }
    let flow = Flow::from(change.clone());
    let conditions = Conditions { flow: &flow, names }.to_string();
    let blank = if conditions.is_empty() { "" } else { " " };
    write!(f, " {conditions}{blank}")?;
    let adds = change.command.0 == 0;
    if change.cookie_mask != 0 && !adds {
        write!(f, "cookie:{:#x}/{:#x} ", change.cookie, change.cookie_mask)?;
    } else if change.cookie != 0 && adds {
        write!(f, "cookie:{:#x} ", change.cookie)?;
    }
    if change.idle_timeout != 0 {
        write!(f, "idle:{} ", change.idle_timeout)?;
    }
    if change.hard_timeout != 0 {
        write!(f, "hard:{} ", change.hard_timeout)?;
    }
    if change.buffer_id != NO_BUFFER {
        write!(f, "buf:{:#x} ", change.buffer_id)?;
    }
    if change.out_port != PortNo::ANY {
        write!(f, "out_port:{} ", names.port(change.out_port))?;
    }
    write!(
        f,
        "{}actions={}",
        change.flags,
        names.show(&change.instructions)
    )
}

fn print_flow_request(
    request: &FlowStatsRequest,
    names: &Names,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    if request.table != u8::MAX {
        write!(f, " table={}", names.table(request.table))?;
    }
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", names.port(request.out_port))?;
    }
    if request.out_group != GroupId::ANY {
        write!(f, " out_group={}", request.out_group)?;
    }
    if request.matching.is_empty() {
        return Ok(());
    }
    write!(f, " {}", request.matching.display_with(names))
}

fn print_flow_stats(stats: &FlowStats, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let flow = &stats.flow;
    write!(
        f,
        "cookie={:#x}, duration={}s, table={}, n_packets={}, n_bytes={}, ",
        flow.cookie,
        Seconds(stats.duration),
        names.table(flow.table),
        stats.packet_count,
        stats.byte_count
    )?;
    if flow.idle_timeout != 0 {
        write!(f, "idle_timeout={}, ", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, "hard_timeout={}, ", flow.hard_timeout)?;
    }
    let conditions = Conditions { flow, names }.to_string();
    let blank = if conditions.is_empty() { "" } else { " " };
    let actions = names.show(&flow.instructions);
    write!(f, "{}{conditions}{blank}actions={actions}", flow.flags)
}

/// Seconds, with as many decimals as there are, three at a time.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        write!(f, "{seconds}")?;
        match nanos {
            0 => Ok(()),
            _ if nanos.is_multiple_of(1_000_000) => write!(f, ".{:03}", nanos / 1_000_000),
            _ if nanos.is_multiple_of(1_000) => write!(f, ".{:06}", nanos / 1_000),
            _ => write!(f, ".{nanos:09}"),
        }
    }
}

fn print_flow_removed(removed: &FlowRemoved, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let flow = Flow {
        priority: removed.priority,
        matching: removed.matching.clone(),
        ..Flow::default()
    };
    let conditions = Conditions { flow: &flow, names };
    write!(f, " {conditions} reason={}", removed.reason)?;
    if removed.table != u8::MAX {
        write!(f, " table_id={}", names.table(removed.table))?;
    }
    if removed.cookie != 0 {
        write!(f, " cookie:{:#x}", removed.cookie)?;
    }
    write!(
        f,
        " duration{}s idle{}",
        Seconds(removed.duration),
        removed.idle_timeout
    )?;
    if removed.hard_timeout != 0 {
        write!(f, " hard{}", removed.hard_timeout)?;
    }
    let (packets, bytes) = (removed.packet_count, removed.byte_count);
    write!(f, " pkts{packets} bytes{bytes}")
}

fn print_group_mod(change: &GroupMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    let group = crate::group::Group {
        id: change.id,
        kind: change.kind,
        buckets: change.buckets.clone(),
    };
    let group = group.display_with(names);
    write!(f, "\n {} {group}", change.command)
}

fn print_meter_mod(change: &MeterMod, f: &mut Formatter<'_>) -> fmt::Result {
    let meter = crate::meter::Meter {
        id: change.id,
        flags: change.flags,
        bands: change.bands.clone(),
    };
    write!(f, " {} {meter}", change.command)
}

fn print_bundle_control(control: &BundleControl, f: &mut Formatter<'_>) -> fmt::Result {
    let BundleControl { id, kind, flags } = control;
    write!(f, "\n bundle_id={id:#x} type={kind} flags=")?;
    print_bundle_flags(*flags, f)
}

fn print_bundle_add(add: &BundleAdd, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "\n bundle_id={:#x} flags=", add.id)?;
    print_bundle_flags(add.flags, f)?;
    write!(f, "\n{}", add.message.print(add.xid, names))
}

fn print_bundle_flags(flags: BundleFlags, f: &mut Formatter<'_>) -> fmt::Result {
    let names = flags.iter_names().map(|(name, _)| name.to_lowercase());
    match names.collect::<Vec<_>>().join(" ").as_str() {
        "" => f.write_str("0"),
        names => f.write_str(names),
    }
}
