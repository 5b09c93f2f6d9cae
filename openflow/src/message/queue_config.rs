//! How the queues of a port are configured (section 7.3.6).

use crate::declare::wire_struct;
use crate::field::PortNo;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

wire_struct! {
    /// Asks how the queues of a port are configured.
    pub struct QueueGetConfigRequest {
        /// The port; [`PortNo::ANY`] for all.
        port: PortNo, pad 4;
    }
}

wire_struct! {
    /// Tells how the queues of a port are configured.
    pub struct QueueGetConfigReply {
        /// The port.
        port: PortNo, pad 4;
        /// Its queues.
        queues: Vec<PacketQueue>;
    }
}

/// A queue of a port. Rates are in tenths of a percent of the speed of the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketQueue {
    /// The number of the queue.
    pub id: u32,
    /// The port.
    pub port: PortNo,
    /// The rate that it has at least; above 1000 for none.
    pub min_rate: Option<u16>,
    /// The rate that it has at most; above 1000 for none.
    pub max_rate: Option<u16>,
}

const MIN_RATE: u16 = 1;
const MAX_RATE: u16 = 2;

impl Wire for PacketQueue {
    fn encode(&self, out: &mut Writer) {
        let rates = [(MIN_RATE, self.min_rate), (MAX_RATE, self.max_rate)];
        out.sized(8, 8, |out| {
            self.id.encode(out);
            self.port.encode(out);
            out.zeros(8);
            for (kind, rate) in rates {
                if let Some(rate) = rate {
                    kind.encode(out);
                    16_u16.encode(out);
                    out.zeros(4);
                    rate.encode(out);
                    out.zeros(6);
                }
            }
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let what = "PacketQueue";
        let at = input.error(what, Problem::TooDeep);
        let mut queue = Self {
            id: u32::decode(input)?,
            port: PortNo::decode(input)?,
            min_rate: None,
            max_rate: None,
        };
        let length = usize::from(u16::decode(input)?);
        input.skip(6)?;
        let problem = Problem::BadLength { length };
        let wrong = DecodeError { problem, ..at };
        let mut properties = input.sub(length.checked_sub(16).ok_or(wrong)?, what)?;
        while !properties.is_empty() {
            let at = properties.error(what, Problem::TooDeep);
            let kind = u16::decode(&mut properties)?;
            let length = usize::from(u16::decode(&mut properties)?);
            properties.skip(4)?;
            let problem = Problem::BadLength { length };
            let wrong = DecodeError { problem, ..at };
            let mut value = properties.sub(length.checked_sub(8).ok_or(wrong)?, what)?;
            match kind {
                MIN_RATE => queue.min_rate = Some(u16::decode(&mut value)?),
                MAX_RATE => queue.max_rate = Some(u16::decode(&mut value)?),
                // An experimenter's.
                _ => {}
            }
        }
        Ok(queue)
    }
}
