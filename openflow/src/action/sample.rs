//! Samples packets for IPFIX.

use std::fmt;

use super::{FieldHeader, Subfield};
use crate::declare::{codes, wire_struct};
use crate::field::PortNo;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

wire_struct! {
    /// Samples some packets (`NXAST_SAMPLE`).
    pub struct Sample {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
    }
}

wire_struct! {
    /// [`Sample`] at a port (`NXAST_SAMPLE2`).
    pub struct Sample2 {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
        /// The port, in 16 bits.
        sampling_port: u16, pad 6;
    }
}

wire_struct! {
    /// [`Sample2`] in a direction (`NXAST_SAMPLE3`).
    pub struct Sample3 {
        /// How many of 65,535 packets; not 0.
        probability: u16;
        /// Which set of collectors gets them.
        collector_set_id: u32;
        /// The observation domain that they are told.
        obs_domain_id: u32;
        /// The observation point that they are told.
        obs_point_id: u32;
        /// The port, in 16 bits.
        sampling_port: u16;
        /// Whether the packet comes or goes there.
        direction: SampleDirection, zero 5;
    }
}

/// [`Sample3`] with identifiers that fields can hold (`NXAST_SAMPLE4`); since OVS 3.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample4 {
    /// How many of 65,535 packets; not 0.
    pub probability: u16,
    /// Which set of collectors gets them.
    pub collector_set_id: u32,
    /// The observation domain that they are told.
    pub obs_domain_id: ObservationId,
    /// The observation point that they are told.
    pub obs_point_id: ObservationId,
    /// The port, in 16 bits.
    pub sampling_port: u16,
    /// Whether the packet comes or goes there.
    pub direction: SampleDirection,
}

/// Where the number of an observation domain or point comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObservationId {
    /// It is this number.
    Number(u32),
    /// It stands in these bits, at most 32.
    Field(Subfield),
}

impl ObservationId {
    /// How many bits a number has.
    pub const BITS: u16 = 32;
}

impl Wire for ObservationId {
    /// Writes the header of the field, or zeros, then its bits or the number.
    fn encode(&self, out: &mut Writer) {
        match self {
            Self::Number(number) => {
                out.zeros(4);
                number.encode(out);
            }
            Self::Field(field) => {
                field.encode_short(out);
                field.range().encode(out);
                out.zeros(2);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "Sample4.observation_id";
        if input.peek().starts_with(&[0; 4]) {
            input.skip(4)?;
            let number = u32::decode(input).map_err(|e| e.reading(WHAT))?;
            return Ok(Self::Number(number));
        }
        let field = FieldHeader::decode_short(input, WHAT)?;
        let at = input.place(WHAT);
        let range = u16::decode(input).map_err(|e| e.reading(WHAT))?;
        input.skip(2)?;
        let part = field.range(range)?;
        if part.bits() > Self::BITS {
            let value = range.into();
            return Err(at.error(Problem::BadValue { value }));
        }
        Ok(Self::Field(part))
    }
}

impl fmt::Display for ObservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Field(field) => field.fmt(f),
        }
    }
}

impl Wire for Sample4 {
    fn encode(&self, out: &mut Writer) {
        self.probability.encode(out);
        self.collector_set_id.encode(out);
        self.obs_domain_id.encode(out);
        self.obs_point_id.encode(out);
        self.sampling_port.encode(out);
        self.direction.encode(out);
        out.zeros(5);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sample = Self {
            probability: u16::decode(input)?,
            collector_set_id: u32::decode(input)?,
            obs_domain_id: ObservationId::decode(input)?,
            obs_point_id: ObservationId::decode(input)?,
            sampling_port: u16::decode(input)?,
            direction: SampleDirection::decode(input)?,
        };
        input.zeros(5, "Sample4.padding")?;
        Ok(sample)
    }
}

codes! {
    /// Whether a sampled packet comes or goes.
    #[derive(Default)]
    pub struct SampleDirection(u8) {
        /// As the port says.
        DEFAULT = 0, "";
        /// It comes.
        INGRESS = 1, ",ingress";
        /// It goes.
        EGRESS = 2, ",egress";
    }
}

/// In 16 bits: no port.
const NONE: u16 = 0xffff;

impl Sample {
    fn widened(&self) -> Sample4 {
        Sample4 {
            probability: self.probability,
            collector_set_id: self.collector_set_id,
            obs_domain_id: ObservationId::Number(self.obs_domain_id),
            obs_point_id: ObservationId::Number(self.obs_point_id),
            sampling_port: NONE,
            direction: SampleDirection::DEFAULT,
        }
    }
}

impl Sample2 {
    fn widened(&self) -> Sample4 {
        Sample4 {
            probability: self.probability,
            collector_set_id: self.collector_set_id,
            obs_domain_id: ObservationId::Number(self.obs_domain_id),
            obs_point_id: ObservationId::Number(self.obs_point_id),
            sampling_port: self.sampling_port,
            direction: SampleDirection::DEFAULT,
        }
    }
}

impl Sample3 {
    fn widened(&self) -> Sample4 {
        Sample4 {
            probability: self.probability,
            collector_set_id: self.collector_set_id,
            obs_domain_id: ObservationId::Number(self.obs_domain_id),
            obs_point_id: ObservationId::Number(self.obs_point_id),
            sampling_port: self.sampling_port,
            direction: self.direction,
        }
    }
}

impl Text for Sample {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.widened().text(names, f)
    }
}

impl Text for Sample2 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.widened().text(names, f)
    }
}

impl Text for Sample3 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.widened().text(names, f)
    }
}

impl Text for Sample4 {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}",
            self.probability, self.collector_set_id, self.obs_domain_id, self.obs_point_id
        )?;
        if self.sampling_port != NONE {
            let port = names.port(PortNo::from_16(self.sampling_port));
            write!(f, ",sampling_port={port}")?;
        }
        write!(f, "{})", self.direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::text::Parser;
    use bytes::Bytes;

    #[test]
    fn identifiers_stand_in_fields_since_ovs_3_4() {
        let text = "sample(probability=5,collector_set_id=1,obs_domain_id=NXM_NX_REG3[8..31],\
                    obs_point_id=9,sampling_port=10,egress)";
        let read = Parser::default().actions(text).unwrap();
        let [action] = read.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(action.to_string(), text);
        let mut out = Writer::default();
        action.encode(&mut out);
        let bytes: Bytes = out.finish().unwrap().freeze();
        #[rustfmt::skip]
        assert_eq!(bytes[..], [
            0xff, 0xff, 0, 40, 0, 0, 0x23, 0x20, 0, 51, 0, 5, 0, 0, 0, 1,
            0, 1, 6, 4, 0x02, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
            0, 10, 2, 0, 0, 0, 0, 0,
        ]);
        assert_eq!(
            Action::decode(&mut Reader::new(&bytes)).as_ref(),
            Ok(action)
        );
    }

    #[test]
    fn an_identifier_is_a_number_or_a_field_that_fits() {
        for (id, message) in [
            (
                "xreg0",
                "size of obs_point_id field (64) exceeds maximum (32)",
            ),
            (
                "nsh_spi",
                "probability=1,obs_point_id=nsh_spi: experimenter OXM field 'nsh_spi' not \
                 supported",
            ),
            ("foo", "foo: unknown field `foo'"),
        ] {
            let text = format!("sample(probability=1,obs_point_id={id})");
            let error = Parser::default().actions(&text).unwrap_err();
            assert_eq!(error.message, message);
        }
    }
}
