//! Puts headers around a packet and takes them off.

use std::fmt;

use bytes::Bytes;

use crate::declare::wire_struct;
use crate::field::PacketType;
use crate::field::format::Hex;
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// Puts a header around the packet (`NXAST_ENCAP`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encap {
    /// The size of the header in bytes, or 0 to leave it to the switch.
    pub header_size: u16,
    /// What the packet then starts with: Ethernet, NSH or MPLS.
    pub packet_type: PacketType,
    /// What the header is to hold.
    pub properties: Vec<EncapProperty>,
}

/// Something that a header is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncapProperty {
    /// The metadata type of a network service header.
    NshMdType(u8),
    /// A metadata option of a network service header.
    NshTlv {
        /// The class of the option.
        class: u16,
        /// The type within the class.
        kind: u8,
        /// The value.
        data: Bytes,
    },
}

/// The class of properties of a network service header.
const NSH: u16 = 4;
const MD_TYPE: u8 = 1;
const TLV: u8 = 2;

impl Wire for Encap {
    fn encode(&self, out: &mut Writer) {
        self.header_size.encode(out);
        self.packet_type.0.encode(out);
        self.properties.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            header_size: u16::decode(input)?,
            packet_type: PacketType(u32::decode(input)?),
            properties: Wire::decode(input)?,
        })
    }
}

impl Wire for EncapProperty {
    /// Class, type, a length in 8 bits that counts these, and padding to 8 bytes.
    fn encode(&self, out: &mut Writer) {
        let start = out.len();
        NSH.encode(out);
        match self {
            Self::NshMdType(md_type) => out.put(&[MD_TYPE, 5, *md_type]),
            Self::NshTlv { class, kind, data } => {
                let padded = data.len().next_multiple_of(8);
                TLV.encode(out);
                out.count_8(8 + padded);
                class.encode(out);
                kind.encode(out);
                out.count_8(data.len());
                out.put(data);
            }
        }
        out.pad(start, 8);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = input.place("Encap.properties");
        let [c0, c1, kind, length] = input.array().map_err(|e| e.reading("Encap.properties"))?;
        let class = u16::from_be_bytes([c0, c1]);
        let length = usize::from(length);
        let size = length
            .checked_sub(4)
            .ok_or_else(|| at.error(Problem::BadLength { length }))?;
        let mut body = input.sub(size, "Encap.properties")?;
        input.skip(length.next_multiple_of(8) - length)?;
        match (class, kind) {
            (NSH, MD_TYPE) if size <= 4 => Ok(Self::NshMdType(u8::decode(&mut body)?)),
            (NSH, TLV) => {
                let class = u16::decode(&mut body)?;
                let [kind, length] = body.array()?;
                let length = usize::from(length);
                if body.left() != length.next_multiple_of(8) {
                    return Err(at.error(Problem::BadLength { length }));
                }
                let data = body.bytes(length, "Encap.properties")?;
                Ok(Self::NshTlv { class, kind, data })
            }
            _ => Err(at.error(Problem::UnknownCode {
                code: u64::from(class) << 8 | u64::from(kind),
            })),
        }
    }
}

wire_struct! {
    /// Takes the outer header off (`NXAST_DECAP`).
    pub struct Decap after pad 2 {
        /// What the packet then starts with, or [`Decap::NEXT_PROTOCOL`].
        packet_type: PacketType;
    }
}

impl Decap {
    /// The packet then starts with what the header that is taken off says.
    pub const NEXT_PROTOCOL: PacketType = PacketType(0xfffe);
}

impl Text for Encap {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = match self.packet_type.0 {
            0 => "ethernet",
            0x1_894f => "nsh",
            0x1_8847 => "mpls",
            0x1_8848 => "mpls_mc",
            _ => "UNKNOWN",
        };
        write!(f, "encap({header}")?;
        let mut before = "(";
        for property in &self.properties {
            write!(f, "{before}{property}")?;
            before = ",";
        }
        f.write_str(if self.properties.is_empty() {
            ")"
        } else {
            "))"
        })
    }
}

impl fmt::Display for EncapProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NshMdType(md_type) => write!(f, "md_type={md_type}"),
            Self::NshTlv { class, kind, data } => {
                write!(f, "tlv(0x{class:04x},{kind},{})", Hex(data))
            }
        }
    }
}

impl Text for Decap {
    fn text(&self, _: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packet_type == Self::NEXT_PROTOCOL {
            return f.write_str("decap()");
        }
        let kind = self.packet_type.kind().to_be_bytes();
        let namespace = self.packet_type.namespace();
        write!(f, "decap(packet_type(ns={namespace},type={}))", Hex(&kind))
    }
}
