//! Chooses one of several ports by a hash of the packet.

use std::fmt;

use super::{HashFields, Subfield};
use crate::declare::codes;
use crate::field::{IN_PORT_16, PortNo};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Hashes the packet and sends it out of one of several ports (`NXAST_BUNDLE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// How a port is chosen by the hash.
    pub algorithm: BundleAlgorithm,
    /// What of the packet is hashed.
    pub fields: HashFields,
    /// A number that sets the hash apart from others.
    pub basis: u16,
    /// The ports, in 16 bits each.
    pub members: Vec<u16>,
}

/// Hashes the packet and writes the number of one of several ports (`NXAST_BUNDLE_LOAD`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleLoad {
    /// The choice.
    pub bundle: Bundle,
    /// Where the number of the port is written; at least 16 bits.
    pub target: Subfield,
}

codes! {
    /// How a port is chosen.
    pub struct BundleAlgorithm(u16) {
        /// The first port that is up.
        ACTIVE_BACKUP = 0, "active_backup";
        /// Highest random weight, among the ports that are up.
        HRW = 1, "hrw";
    }
}

impl Wire for Bundle {
    fn encode(&self, out: &mut Writer) {
        self.encode_with(out, |out| out.zeros(6));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut bundle, count) = Self::decode_head(input)?;
        input.zeros(6, "Bundle.target")?;
        bundle.decode_members(count, input)?;
        Ok(bundle)
    }
}

impl Wire for BundleLoad {
    fn encode(&self, out: &mut Writer) {
        self.bundle.encode_with(out, |out| self.target.encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut bundle, count) = Bundle::decode_head(input)?;
        let at = input.place("BundleLoad.target");
        let target = Subfield::decode(input, "BundleLoad.target")?;
        if target.bits() < PORT_BITS {
            let value = target.bits().into();
            return Err(at.error(Problem::BadValue { value }));
        }
        bundle.decode_members(count, input)?;
        Ok(Self { bundle, target })
    }
}

impl Bundle {
    fn encode_with(&self, out: &mut Writer, target: impl FnOnce(&mut Writer)) {
        self.algorithm.encode(out);
        self.fields.encode(out);
        self.basis.encode(out);
        IN_PORT_16.id().nxm().header(2, false).encode(out);
        out.count(self.members.len());
        target(out);
        out.zeros(4);
        self.members.encode(out);
    }

    fn decode_head(input: &mut Reader<'_>) -> Result<(Self, u16), DecodeError> {
        let algorithm = BundleAlgorithm::decode(input)?;
        let fields = HashFields::decode(input)?;
        let basis = u16::decode(input)?;
        let at = input.place("Bundle.member_type");
        let value = u32::decode(input)?;
        if value != MEMBER_TYPE {
            let value = value.into();
            return Err(at.error(Problem::BadValue { value }));
        }
        let bundle = Self {
            algorithm,
            fields,
            basis,
            members: Vec::new(),
        };
        Ok((bundle, u16::decode(input)?))
    }

    fn decode_members(&mut self, count: u16, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        input.zeros(4, "Bundle.padding")?;
        let mut members = input.sub(2 * usize::from(count), "Bundle.members")?;
        self.members = Wire::decode(&mut members)?;
        Ok(())
    }

    fn text_with(
        &self,
        word: &str,
        target: impl fmt::Display,
        names: &Names,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let (fields, basis, algorithm) = (self.fields, self.basis, self.algorithm);
        write!(
            f,
            "{word}({fields},{basis},{algorithm},ofport,{target}members:"
        )?;
        let mut comma = "";
        for member in &self.members {
            write!(f, "{comma}{}", names.port(PortNo::from_16(*member)))?;
            comma = ",";
        }
        f.write_str(")")
    }
}

/// The bits of the number of a port in OpenFlow 1.0.
const PORT_BITS: u16 = 16;

/// The only kind of member that there is: the header of `NXM_OF_IN_PORT`.
const MEMBER_TYPE: u32 = 0x0000_0002;

impl Text for Bundle {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text_with("bundle", "", names, f)
    }
}

impl Text for BundleLoad {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = format_args!("{},", self.target).to_string();
        self.bundle.text_with("bundle_load", target, names, f)
    }
}
