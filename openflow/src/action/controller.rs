//! Sends the packet to a controller.

use std::fmt;

use bytes::Bytes;

use super::note::Dotted;
use crate::declare::{codes, wire_struct};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

wire_struct! {
    /// Sends the packet to one controller (`NXAST_CONTROLLER`).
    ///
    /// An [`Output`](super::Output) to the controller sends it to all.
    pub struct Controller {
        /// How many bytes are sent; 0xffff for all.
        max_len: u16;
        /// The controller, by the number it gave itself.
        controller_id: u16;
        /// What the message gives as its reason.
        reason: PacketInReason, zero 1;
    }
}

codes! {
    /// Why a packet came to a controller (section 7.4.1, `OFPR_*`).
    pub struct PacketInReason(u8) {
        /// No flow matched.
        NO_MATCH = 0, "no_match";
        /// An action said so.
        ACTION = 1, "action";
        /// The time to live ran out.
        INVALID_TTL = 2, "invalid_ttl";
        /// The action set said so.
        ACTION_SET = 3, "action_set";
        /// A group said so.
        GROUP = 4, "group";
        /// A packet-out said so.
        PACKET_OUT = 5, "packet_out";
    }
}

/// Sends the packet to one controller, with things that [`Controller`] has no place for
/// (`NXAST_CONTROLLER2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller2 {
    /// How many bytes are sent; 0xffff for all.
    pub max_len: u16,
    /// The controller, by the number it gave itself.
    pub controller_id: u16,
    /// What the message gives as its reason.
    pub reason: PacketInReason,
    /// Bytes that go with the packet.
    pub userdata: Bytes,
    /// Whether the packet waits, frozen, until the controller lets it go on.
    pub pause: bool,
    /// The meter that limits the packets.
    pub meter: Option<u32>,
}

impl Default for Controller2 {
    fn default() -> Self {
        Self {
            max_len: u16::MAX,
            controller_id: 0,
            reason: PacketInReason::ACTION,
            userdata: Bytes::new(),
            pause: false,
            meter: None,
        }
    }
}

const MAX_LEN: u16 = 0;
const CONTROLLER_ID: u16 = 1;
const REASON: u16 = 2;
const USERDATA: u16 = 3;
const PAUSE: u16 = 4;
const METER_ID: u16 = 5;

impl Wire for Controller2 {
    /// Properties follow that differ from the default.
    fn encode(&self, out: &mut Writer) {
        out.zeros(6);
        if self.max_len != u16::MAX {
            property(MAX_LEN, out, |out| number(self.max_len, out));
        }
        if self.controller_id != 0 {
            property(CONTROLLER_ID, out, |out| number(self.controller_id, out));
        }
        if self.reason != PacketInReason::ACTION {
            property(REASON, out, |out| self.reason.encode(out));
        }
        if !self.userdata.is_empty() {
            property(USERDATA, out, |out| self.userdata.encode(out));
        }
        if self.pause {
            property(PAUSE, out, |_| {});
        }
        if let Some(meter) = self.meter {
            property(METER_ID, out, |out| meter.encode(out));
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.zeros(6, "Controller2.padding")?;
        let mut action = Self::default();
        while !input.is_empty() {
            let at = input.place("Controller2.properties");
            let kind = u16::decode(input)?;
            let length = usize::from(u16::decode(input)?);
            let bad_length = || at.error(Problem::BadLength { length });
            let size = length.checked_sub(4).ok_or_else(bad_length)?;
            let mut body = input.sub(size, "Controller2.properties")?;
            input.skip(length.next_multiple_of(8) - length)?;
            match kind {
                MAX_LEN => {
                    action.max_len = Wire::decode(&mut body)?;
                    body.skip(2)?;
                }
                CONTROLLER_ID => {
                    action.controller_id = Wire::decode(&mut body)?;
                    body.skip(2)?;
                }
                REASON => action.reason = Wire::decode(&mut body)?,
                USERDATA => action.userdata = body.remainder(),
                PAUSE => action.pause = true,
                METER_ID => action.meter = Some(Wire::decode(&mut body)?),
                _ => return Err(at.error(Problem::UnknownCode { code: kind.into() })),
            }
            body.finish("Controller2.properties")?;
        }
        Ok(action)
    }
}

/// Writes a property: its type, its length, and padding that the length does not count.
fn property(kind: u16, out: &mut Writer, body: impl FnOnce(&mut Writer)) {
    out.sized_then_padded(2, 8, |out| {
        kind.encode(out);
        0_u16.encode(out);
        body(out);
    });
}

/// Writes a number of 16 bits and the padding that, unlike that of other properties, counts.
fn number(value: u16, out: &mut Writer) {
    value.encode(out);
    out.zeros(2);
}

impl Text for Controller {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = Controller2 {
            max_len: self.max_len,
            controller_id: self.controller_id,
            reason: self.reason,
            ..Controller2::default()
        };
        same.text(names, f)
    }
}

impl Text for Controller2 {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Self {
            max_len: self.max_len,
            ..Self::default()
        };
        if *self == plain {
            return write!(f, "CONTROLLER:{}", self.max_len);
        }
        f.write_str("controller(")?;
        let mut comma = "";
        let mut item = |item: fmt::Arguments<'_>| {
            let result = write!(f, "{comma}{item}");
            comma = ",";
            result
        };
        if self.reason != PacketInReason::ACTION {
            item(format_args!("reason={}", self.reason))?;
        }
        if self.max_len != u16::MAX {
            item(format_args!("max_len={}", self.max_len))?;
        }
        if self.controller_id != 0 {
            item(format_args!("id={}", self.controller_id))?;
        }
        if !self.userdata.is_empty() {
            item(format_args!("userdata={}", Dotted(&self.userdata)))?;
        }
        if self.pause {
            item(format_args!("pause"))?;
        }
        if let Some(meter) = self.meter {
            item(format_args!("meter_id={meter}"))?;
        }
        f.write_str(")")
    }
}
