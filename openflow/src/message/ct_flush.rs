//! Makes the switch forget connections; extensions of Open vSwitch.

use std::net::Ipv6Addr;

use super::property::{put_nested, put_property, take_property};
use crate::declare::wire_struct;
use crate::field::IpProto;
use crate::wire::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// Makes the switch forget all connections of a zone.
    pub struct CtFlushZone after pad 6 {
        /// The zone.
        zone: u16;
    }
}

/// Makes the switch forget the connections that have all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CtFlush {
    /// The IP protocol; 0 for all.
    pub ip_proto: IpProto,
    /// What packets have that go the way of the first.
    pub original: CtTuple,
    /// What packets have that go the other way.
    pub reply: CtTuple,
    /// The zone; all if there is none.
    pub zone: Option<u16>,
}

/// What packets of a connection have that go one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtTuple {
    /// The source address; an IPv4 address in its IPv6-mapped form.
    pub src: Option<Ipv6Addr>,
    /// The destination address; an IPv4 address in its IPv6-mapped form.
    pub dst: Option<Ipv6Addr>,
    /// The source port.
    pub src_port: Option<u16>,
    /// The destination port.
    pub dst_port: Option<u16>,
    /// The identifier of ICMP.
    pub icmp_id: Option<u16>,
    /// The type of ICMP.
    pub icmp_type: Option<u8>,
    /// The code of ICMP.
    pub icmp_code: Option<u8>,
}

const ORIGINAL: u16 = 0;
const REPLY: u16 = 1;
const ZONE: u16 = 2;

const SRC: u16 = 0;
const DST: u16 = 1;
const SRC_PORT: u16 = 2;
const DST_PORT: u16 = 3;
const ICMP_ID: u16 = 4;
const ICMP_TYPE: u16 = 5;
const ICMP_CODE: u16 = 6;

impl Wire for CtFlush {
    fn encode(&self, out: &mut Writer) {
        self.ip_proto.0.encode(out);
        out.zeros(7);
        for (kind, tuple) in [(ORIGINAL, &self.original), (REPLY, &self.reply)] {
            if *tuple != CtTuple::default() {
                put_nested(kind, out, |out| tuple.encode(out));
            }
        }
        if let Some(zone) = self.zone {
            put_u16(ZONE, zone, out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut flush = Self {
            ip_proto: IpProto(u8::decode(input)?),
            ..Self::default()
        };
        input.zeros(7, "CtFlush.padding")?;
        while !input.is_empty() {
            let (kind, mut value) = take_property(input, "CtFlush")?;
            match kind {
                ORIGINAL => flush.original = CtTuple::decode(&mut value)?,
                REPLY => flush.reply = CtTuple::decode(&mut value)?,
                ZONE => flush.zone = Some(u16::decode(&mut value)?),
                // A later OVS may tell more.
                _ => {}
            }
        }
        Ok(flush)
    }
}

/// A number of 16 bits stands in a property of 8 bytes, with padding that its length counts.
fn put_u16(kind: u16, value: u16, out: &mut Writer) {
    put_property(kind, out, |out| {
        value.encode(out);
        out.zeros(2);
    });
}

impl Wire for CtTuple {
    fn encode(&self, out: &mut Writer) {
        for (kind, address) in [(SRC, self.src), (DST, self.dst)] {
            if let Some(address) = address {
                put_property(kind, out, |out| address.encode(out));
            }
        }
        let numbers = [
            (SRC_PORT, self.src_port),
            (DST_PORT, self.dst_port),
            (ICMP_ID, self.icmp_id),
        ];
        for (kind, number) in numbers {
            if let Some(number) = number {
                put_u16(kind, number, out);
            }
        }
        for (kind, byte) in [(ICMP_TYPE, self.icmp_type), (ICMP_CODE, self.icmp_code)] {
            if let Some(byte) = byte {
                put_property(kind, out, |out| byte.encode(out));
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut tuple = Self::default();
        input.skip(4)?;
        while !input.is_empty() {
            let (kind, mut value) = take_property(input, "CtTuple")?;
            let value = &mut value;
            match kind {
                SRC => tuple.src = Some(Ipv6Addr::decode(value)?),
                DST => tuple.dst = Some(Ipv6Addr::decode(value)?),
                SRC_PORT => tuple.src_port = Some(u16::decode(value)?),
                DST_PORT => tuple.dst_port = Some(u16::decode(value)?),
                ICMP_ID => tuple.icmp_id = Some(u16::decode(value)?),
                ICMP_TYPE => tuple.icmp_type = Some(u8::decode(value)?),
                ICMP_CODE => tuple.icmp_code = Some(u8::decode(value)?),
                // A later OVS may tell more.
                _ => {}
            }
        }
        Ok(tuple)
    }
}
