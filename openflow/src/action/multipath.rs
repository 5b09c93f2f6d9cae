//! Chooses one of several links by a hash of the packet.

use std::fmt;

use super::{Subfield, plain_text};
use crate::declare::codes;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Hashes the packet and writes the number of a link (`NXAST_MULTIPATH`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipath {
    /// What of the packet is hashed.
    pub fields: HashFields,
    /// A number that sets the hash apart from others.
    pub basis: u16,
    /// How a link is chosen by the hash.
    pub algorithm: MultipathAlgorithm,
    /// How many links there are, less one.
    pub max_link: u16,
    /// A number for the algorithm.
    pub arg: u32,
    /// Where the number of the link is written.
    pub target: Subfield,
}

codes! {
    /// What of a packet is hashed.
    pub struct HashFields(u16) {
        /// The Ethernet source.
        ETH_SRC = 0, "eth_src";
        /// Addresses and ports, the same in both directions.
        SYMMETRIC_L4 = 1, "symmetric_l4";
        /// IP addresses and TCP and SCTP ports, the same in both directions.
        SYMMETRIC_L3L4 = 2, "symmetric_l3l4";
        /// The same, and UDP ports.
        SYMMETRIC_L3L4_UDP = 3, "symmetric_l3l4+udp";
        /// The IP source.
        NW_SRC = 4, "nw_src";
        /// The IP destination.
        NW_DST = 5, "nw_dst";
        /// IP addresses, the same in both directions.
        SYMMETRIC_L3 = 6, "symmetric_l3";
    }
}

codes! {
    /// How a link is chosen by a hash.
    pub struct MultipathAlgorithm(u16) {
        /// The hash modulo the number of links.
        MODULO_N = 0, "modulo_n";
        /// The part of the hash's range that it falls into.
        HASH_THRESHOLD = 1, "hash_threshold";
        /// Highest random weight.
        HRW = 2, "hrw";
        /// Hashes again until the number is small enough.
        ITER_HASH = 3, "iter_hash";
    }
}

impl Wire for Multipath {
    fn encode(&self, out: &mut Writer) {
        self.fields.encode(out);
        self.basis.encode(out);
        out.zeros(2);
        self.algorithm.encode(out);
        self.max_link.encode(out);
        self.arg.encode(out);
        out.zeros(2);
        self.target.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let fields = HashFields::decode(input)?;
        let basis = u16::decode(input)?;
        input.skip(2)?;
        let algorithm = MultipathAlgorithm::decode(input)?;
        let max_link = u16::decode(input)?;
        let arg = u32::decode(input)?;
        input.skip(2)?;
        Ok(Self {
            fields,
            basis,
            algorithm,
            max_link,
            arg,
            target: Subfield::decode(input, "Multipath.target")?,
        })
    }
}

plain_text! {
    Multipath |m| "multipath({},{},{},{},{},{})",
        m.fields, m.basis, m.algorithm, u32::from(m.max_link) + 1, m.arg, m.target;
}
