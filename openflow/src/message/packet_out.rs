//! Sends a packet (section 7.3.7).

use bytes::Bytes;

use crate::action::Action;
use crate::field::PortNo;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Sends a packet through some actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketOut {
    /// A packet that the switch keeps, or [`NO_BUFFER`] and `data` holds the packet. OVS keeps
    /// none.
    pub buffer_id: u32,
    /// The port that the packet is to seem to come from; [`PortNo::CONTROLLER`] if from none.
    pub in_port: PortNo,
    /// What happens to the packet. An output to [`PortNo::TABLE`] sends it through the tables.
    pub actions: Vec<Action>,
    /// The packet, from its Ethernet header on.
    pub data: Bytes,
}

/// The number of no kept packet, `OFP_NO_BUFFER`.
pub const NO_BUFFER: u32 = 0xffff_ffff;

impl PacketOut {
    /// Sends `data`, which comes from the controller itself, through `actions`.
    #[must_use]
    pub const fn new(actions: Vec<Action>, data: Bytes) -> Self {
        Self {
            buffer_id: NO_BUFFER,
            in_port: PortNo::CONTROLLER,
            actions,
            data,
        }
    }
}

impl Wire for PacketOut {
    fn encode(&self, out: &mut Writer) {
        self.buffer_id.encode(out);
        self.in_port.encode(out);
        out.counted(6, |out| self.actions.encode(out));
        out.put(&self.data);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let buffer_id = u32::decode(input).map_err(|e| e.reading("PacketOut.buffer_id"))?;
        let in_port = PortNo::decode(input).map_err(|e| e.reading("PacketOut.in_port"))?;
        let length = u16::decode(input).map_err(|e| e.reading("PacketOut.actions_len"))?;
        if !length.is_multiple_of(8) {
            let length = length.into();
            return Err(input.error("PacketOut.actions_len", Problem::BadLength { length }));
        }
        input.skip(6)?;
        let mut actions = input.sub(length.into(), "PacketOut.actions")?;
        Ok(Self {
            buffer_id,
            in_port,
            actions: Vec::decode(&mut actions)?,
            data: input.remainder(),
        })
    }
}
