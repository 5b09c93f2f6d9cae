//! Meters: what they are, what they counted, and what a switch can make of them (sections 7.3.5.12
//! to 7.3.5.14).

use std::time::Duration;

use super::entry;
use crate::declare::wire_struct;
use crate::field::MeterId;
use crate::meter::{Meter, MeterFlags};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

wire_struct! {
    /// Which meter is asked for.
    pub struct MeterRequest {
        /// The meter; [`MeterId::ALL`] for all.
        id: MeterId, pad 4;
    }
}

/// A meter as a switch describes it.
impl Wire for Meter {
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 1, |out| {
            out.zeros(2);
            self.flags.encode(out);
            self.id.encode(out);
            self.bands.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(input, "Meter")?;
        Ok(Self {
            flags: MeterFlags::decode(&mut body).map_err(|e| e.reading("Meter.flags"))?,
            id: MeterId::decode(&mut body).map_err(|e| e.reading("Meter.id"))?,
            bands: Vec::decode(&mut body)?,
        })
    }
}

/// What a meter counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterStats {
    /// The meter.
    pub id: MeterId,
    /// How many flows use it.
    pub flow_count: u32,
    /// Packets that came to it.
    pub packet_in_count: u64,
    /// Bytes that these packets had.
    pub byte_in_count: u64,
    /// How long it has been there.
    pub duration: Duration,
    /// What each band counted.
    pub bands: Vec<BandStats>,
}

wire_struct! {
    /// What a band of a meter counted.
    pub struct BandStats {
        /// Packets that went beyond its rate.
        packet_band_count: u64;
        /// Bytes that these packets had.
        byte_band_count: u64;
    }
}

impl Wire for MeterStats {
    fn encode(&self, out: &mut Writer) {
        out.sized(4, 1, |out| {
            self.id.encode(out);
            out.zeros(8);
            self.flow_count.encode(out);
            self.packet_in_count.encode(out);
            self.byte_in_count.encode(out);
            self.duration.encode(out);
            self.bands.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let what = "MeterStats";
        let at = input.error(what, Problem::TooDeep);
        let id = MeterId::decode(input).map_err(|e| e.reading(what))?;
        let length = usize::from(u16::decode(input).map_err(|e| e.reading(what))?);
        let problem = Problem::BadLength { length };
        let wrong = DecodeError { problem, ..at };
        let mut body = input.sub(length.checked_sub(6).ok_or(wrong)?, what)?;
        Self::decode_body(id, &mut body).map_err(|e| e.reading(what))
    }
}

impl MeterStats {
    fn decode_body(id: MeterId, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        body.skip(6)?;
        Ok(Self {
            id,
            flow_count: u32::decode(body)?,
            packet_in_count: u64::decode(body)?,
            byte_in_count: u64::decode(body)?,
            duration: Duration::decode(body)?,
            bands: Vec::decode(body)?,
        })
    }
}

wire_struct! {
    /// What a switch can make of meters.
    pub struct MeterFeatures {
        /// How many meters there can be.
        max_meter: u32;
        /// A bit for each type of band that it knows.
        band_types: u32;
        /// A bit for each [flag](MeterFlags) that it knows.
        capabilities: u32;
        /// How many bands a meter can have.
        max_bands: u8;
        /// How many levels of drop precedence there are.
        max_color: u8, pad 2;
    }
}
