//! Packets, on their way to a controller and back.

use std::fmt::{self, Display, Formatter};

use bytes::Bytes;

use super::Style;
use super::frame::Dump;
use super::key::Key;
use crate::action::PacketInReason;
use crate::field::{IN_PORT, PACKET_TYPE, PacketType};
use crate::matching::Match;
use crate::message::{NO_BUFFER, NxPacketIn, PacketIn, PacketIn2, PacketOut};

/// What the three forms in which a packet comes have in common.
pub(super) struct Incoming<'a> {
    table: u8,
    cookie: Option<u64>,
    total_len: usize,
    metadata: &'a Match,
    reason: PacketInReason,
    buffer: Option<u32>,
    userdata: &'a [u8],
    packet: &'a Bytes,
}

impl PacketIn {
    /// What flows could match of the packet, as `ovs-ofctl ofp-print` has it.
    #[must_use]
    pub fn key(&self) -> impl Display {
        let packet_type = self.metadata.value(PACKET_TYPE);
        Key::of(&self.data, packet_type.unwrap_or(PacketType::ETHERNET))
    }
}

/// All ones stand for no cookie.
fn told(cookie: u64) -> Option<u64> {
    Some(cookie).filter(|cookie| *cookie != u64::MAX)
}

fn kept(buffer: u32) -> Option<u32> {
    Some(buffer).filter(|buffer| *buffer != NO_BUFFER)
}

impl<'a> From<&'a PacketIn> for Incoming<'a> {
    fn from(packet: &'a PacketIn) -> Self {
        Self {
            table: packet.table,
            cookie: told(packet.cookie),
            total_len: packet.total_len.into(),
            metadata: &packet.metadata,
            reason: packet.reason,
            buffer: kept(packet.buffer_id),
            userdata: &[],
            packet: &packet.data,
        }
    }
}

impl<'a> From<&'a NxPacketIn> for Incoming<'a> {
    fn from(packet: &'a NxPacketIn) -> Self {
        Self {
            table: packet.table,
            cookie: told(packet.cookie),
            total_len: packet.total_len.into(),
            metadata: &packet.metadata,
            reason: packet.reason,
            buffer: kept(packet.buffer_id),
            userdata: &[],
            packet: &packet.data,
        }
    }
}

impl<'a> From<&'a PacketIn2> for Incoming<'a> {
    fn from(packet: &'a PacketIn2) -> Self {
        let whole = || u32::try_from(packet.packet.len()).unwrap_or(u32::MAX);
        let total_len = packet.full_len.unwrap_or_else(whole);
        Self {
            table: packet.table,
            cookie: packet.cookie.and_then(told),
            total_len: usize::try_from(total_len).unwrap_or(usize::MAX),
            metadata: &packet.metadata,
            reason: packet.reason,
            buffer: packet.buffer_id.and_then(kept),
            userdata: &packet.userdata,
            packet: &packet.packet,
        }
    }
}

impl Incoming<'_> {
    pub(super) fn print(&self, style: Style<'_>, f: &mut Formatter<'_>) -> fmt::Result {
        let names = style.names;
        if self.table != 0 || names.has_table(self.table) {
            write!(f, " table_id={}", names.table(self.table))?;
        }
        if let Some(cookie) = self.cookie {
            write!(f, " cookie={cookie:#x}")?;
        }
        let (total, size) = (self.total_len, self.packet.len());
        let known = known(self.metadata);
        let metadata = known.display_with(names);
        write!(f, " total_len={total} {metadata} (via {})", self.reason)?;
        write!(f, " data_len={size}")?;
        match self.buffer {
            None if total == size => f.write_str(" (unbuffered)")?,
            None => f.write_str(" (unbuffered) (***total_len != data_len***)")?,
            Some(buffer) => {
                write!(f, " buffer=0x{buffer:08x}")?;
                if total < size {
                    f.write_str(" (***total_len < data_len***)")?;
                }
            }
        }
        f.write_str("\n")?;
        if !self.userdata.is_empty() {
            writeln!(f, " userdata={}", Dotted(self.userdata))?;
        }
        let packet_type = self.metadata.value(PACKET_TYPE);
        contents(self.packet, packet_type, style, f)
    }
}

/// The conditions on fields that OVS knows; of a packet's metadata it leaves out the others.
fn known(metadata: &Match) -> Match {
    let mut known = Match::default();
    for condition in metadata {
        if let Some(field) = condition.field() {
            known.set(field, condition.value, condition.mask);
        }
    }
    known
}

/// Bytes in hexadecimal with dots between them.
struct Dotted<'a>(&'a [u8]);

impl Display for Dotted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for byte in self.0 {
            write!(f, "{dot}{byte:02x}")?;
            dot = ".";
        }
        Ok(())
    }
}

/// Prints what a flow could match of the packet, and from verbosity 3 on its bytes.
fn contents(
    packet: &Bytes,
    packet_type: Option<PacketType>,
    style: Style<'_>,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    if style.verbosity > 0 {
        let key = Key::of(packet, packet_type.unwrap_or(PacketType::ETHERNET));
        writeln!(f, "{key}")?;
    }
    if style.verbosity > 2 {
        writeln!(f, "{}", Dump::plain(packet))?;
    }
    Ok(())
}

pub(super) fn packet_out(
    packet: &PacketOut,
    style: Style<'_>,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    let names = style.names;
    let metadata = Match::default().with(IN_PORT, packet.in_port);
    let actions = names.show(packet.actions.as_slice());
    write!(f, " {} actions={actions}", metadata.display_with(names))?;
    if packet.buffer_id != NO_BUFFER {
        return write!(f, " buffer=0x{:08x}", packet.buffer_id);
    }
    write!(f, " data_len={}", packet.data.len())?;
    if packet.data.is_empty() {
        return Ok(());
    }
    f.write_str("\n")?;
    contents(&packet.data, None, style, f)
}
