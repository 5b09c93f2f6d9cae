//! A meter: how fast packets may pass, and what becomes of the others.

use std::fmt;

use crate::declare::flags;
use crate::field::MeterId;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A meter of a switch (section 5.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// The number.
    pub id: MeterId,
    /// The unit of the rates, and what is kept besides.
    pub flags: MeterFlags,
    /// The rates, and what becomes of packets beyond each.
    pub bands: Vec<MeterBand>,
}

flags! {
    /// The unit of a meter's rates, and what is kept besides (section 7.3.4.4, `OFPMF_*`).
    pub struct MeterFlags(u16) {
        /// Rates are in kilobits in a second.
        KBPS = 1;
        /// Rates are in packets in a second.
        PKTPS = 2;
        /// Bands have a burst size.
        BURST = 4;
        /// Packets and bytes are counted.
        STATS = 8;
    }
}

/// A rate, and what becomes of packets beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterBand {
    /// The rate, in the unit of the meter.
    pub rate: u32,
    /// How far the rate may be exceeded, in kilobits or packets.
    pub burst_size: u32,
    /// What becomes of packets beyond the rate.
    pub kind: BandType,
}

/// What becomes of packets beyond a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BandType {
    /// They are dropped.
    Drop,
    /// They are more likely to be dropped later on.
    DscpRemark {
        /// By how many levels.
        prec_level: u8,
    },
    /// What an experimenter says.
    Experimenter {
        /// The number of the experimenter.
        experimenter: u32,
    },
}

const DROP: u16 = 1;
const DSCP_REMARK: u16 = 2;
const EXPERIMENTER: u16 = 0xffff;

impl Wire for MeterBand {
    /// Each type fills 16 bytes.
    fn encode(&self, out: &mut Writer) {
        let kind = match self.kind {
            BandType::Drop => DROP,
            BandType::DscpRemark { .. } => DSCP_REMARK,
            BandType::Experimenter { .. } => EXPERIMENTER,
        };
        kind.encode(out);
        16_u16.encode(out);
        self.rate.encode(out);
        self.burst_size.encode(out);
        match self.kind {
            BandType::Drop => out.zeros(4),
            BandType::DscpRemark { prec_level } => {
                prec_level.encode(out);
                out.zeros(3);
            }
            BandType::Experimenter { experimenter } => experimenter.encode(out),
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("MeterBand");
        let kind = u16::decode(input).map_err(|e| e.reading("MeterBand.type"))?;
        let length = u16::decode(input).map_err(|e| e.reading("MeterBand.length"))?;
        if length != 16 {
            let length = length.into();
            return Err(at.error(Problem::BadLength { length }));
        }
        let rate = u32::decode(input).map_err(|e| e.reading("MeterBand.rate"))?;
        let burst_size = u32::decode(input).map_err(|e| e.reading("MeterBand.burst_size"))?;
        let rest: [u8; 4] = input.array().map_err(|e| e.reading("MeterBand"))?;
        let [prec_level, ..] = rest;
        let kind = match kind {
            DROP => BandType::Drop,
            DSCP_REMARK => BandType::DscpRemark { prec_level },
            EXPERIMENTER => BandType::Experimenter {
                experimenter: u32::from_be_bytes(rest),
            },
            _ => return Err(at.error(Problem::UnknownCode { code: kind.into() })),
        };
        Ok(Self {
            rate,
            burst_size,
            kind,
        })
    }
}

impl fmt::Display for Meter {
    /// Writes the meter as `ovs-ofctl dump-meters` does: a line, and a line for each band.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "meter={} {}bands=", self.id, self.flags)?;
        for band in &self.bands {
            f.write_str("\ntype=")?;
            match band.kind {
                BandType::Drop => f.write_str("drop")?,
                BandType::DscpRemark { .. } => f.write_str("dscp_remark")?,
                BandType::Experimenter { .. } => write!(f, "{EXPERIMENTER}")?,
            }
            write!(f, " rate={}", band.rate)?;
            if self.flags.contains(MeterFlags::BURST) {
                write!(f, " burst_size={}", band.burst_size)?;
            }
            if let BandType::DscpRemark { prec_level } = band.kind {
                write!(f, " prec_level={prec_level}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for MeterFlags {
    /// Writes each flag as a word with a blank after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, word) in [
            (Self::KBPS, "kbps "),
            (Self::PKTPS, "pktps "),
            (Self::BURST, "burst "),
            (Self::STATS, "stats "),
        ] {
            if self.contains(flag) {
                f.write_str(word)?;
            }
        }
        match self.difference(Self::all()).bits() {
            0 => Ok(()),
            unnamed => write!(f, "flags:{unnamed:#x} "),
        }
    }
}
