//! Makes the switch forget connections; extensions of Open vSwitch.

use std::net::Ipv6Addr;

use bytes::Bytes;

use super::property::{put_nested, put_property, take_property};
use crate::declare::wire_struct;
use crate::field::IpProto;
use crate::matching::Masked;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

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
    /// The mark; since OVS 3.4.
    pub mark: Option<Masked<u32>>,
    /// The labels; since OVS 3.4. In a box, as most messages ask for none.
    pub labels: Option<Box<Masked<u128>>>,
    /// What a later OVS asks for besides.
    pub others: Vec<CtProperty>,
}

/// A condition on connections that this crate does not know.
///
/// Without it, a switch would forget more connections than it was told to; so it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtProperty {
    /// What the condition is about.
    pub kind: u16,
    /// The value, without padding.
    pub value: Bytes,
}

/// What packets of a connection have that go one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What a later OVS asks for besides.
    pub others: Vec<CtProperty>,
}

const ORIGINAL: u16 = 0;
const REPLY: u16 = 1;
const ZONE: u16 = 2;
const MARK: u16 = 3;
const MARK_MASK: u16 = 4;
const LABELS: u16 = 5;
const LABELS_MASK: u16 = 6;

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
        put_masked([MARK, MARK_MASK], self.mark, out);
        put_masked([LABELS, LABELS_MASK], self.labels.as_deref().copied(), out);
        put_others(&self.others, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut flush = Self {
            ip_proto: IpProto(u8::decode(input)?),
            ..Self::default()
        };
        input.zeros(7, "CtFlush.padding")?;
        let (mut mark, mut labels) = ((None, None), (None, None));
        while !input.is_empty() {
            let (kind, mut value) = take_property(input, "CtFlush")?;
            match kind {
                ORIGINAL => flush.original = CtTuple::decode(&mut value)?,
                REPLY => flush.reply = CtTuple::decode(&mut value)?,
                ZONE => flush.zone = Some(u16::decode(&mut value)?),
                MARK => mark.0 = Some(whole(&mut value, "CtFlush.mark")?),
                MARK_MASK => mark.1 = Some(whole(&mut value, "CtFlush.mark_mask")?),
                LABELS => labels.0 = Some(whole(&mut value, "CtFlush.labels")?),
                LABELS_MASK => labels.1 = Some(whole(&mut value, "CtFlush.labels_mask")?),
                _ => flush.others.push(CtProperty::read(kind, &mut value)),
            }
        }
        flush.mark = masked(mark);
        flush.labels = masked(labels).map(Box::new);
        Ok(flush)
    }
}

impl CtProperty {
    fn read(kind: u16, value: &mut Reader<'_>) -> Self {
        let value = value.remainder();
        Self { kind, value }
    }
}

fn put_others(others: &[CtProperty], out: &mut Writer) {
    for CtProperty { kind, value } in others {
        put_property(*kind, out, |out| out.put(value));
    }
}

/// Writes a value and, if there is one, its mask.
fn put_masked<T: Wire>(kinds: [u16; 2], masked: Option<Masked<T>>, out: &mut Writer) {
    let Some(Masked { value, mask }) = masked else {
        return;
    };
    for (kind, number) in kinds.into_iter().zip([Some(value), mask]) {
        if let Some(number) = number {
            put_property(kind, out, |out| number.encode(out));
        }
    }
}

/// A value and a mask that were read; a mask alone is one of the value 0.
fn masked<T: Default>(read: (Option<T>, Option<T>)) -> Option<Masked<T>> {
    match read {
        (None, None) => None,
        (value, mask) => Some(Masked {
            value: value.unwrap_or_default(),
            mask,
        }),
    }
}

/// Reads a number that is all of a property.
fn whole<T: Wire>(input: &mut Reader<'_>, what: &'static str) -> Result<T, DecodeError> {
    let number = T::decode(input).map_err(|e| e.reading(what))?;
    match input.left() {
        0 => Ok(number),
        extra => Err(input.error(what, Problem::Trailing { extra })),
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
        put_others(&self.others, out);
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
                _ => tuple.others.push(CtProperty::read(kind, value)),
            }
        }
        Ok(tuple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::names::Names;
    use crate::print::Frame;

    fn bytes(flush: &CtFlush) -> Bytes {
        let mut out = Writer::default();
        Message::from(flush.clone()).encode(1, &mut out);
        out.finish().unwrap().freeze()
    }

    #[test]
    fn what_is_asked_of_mark_and_labels_survives_as_ovs_3_7_writes_and_prints_it() {
        let with = |value, mask| Some(Masked { value, mask });
        let flush = |mark, labels| CtFlush {
            mark: with(mark, None),
            labels,
            ..CtFlush::default()
        };
        let labels = Some(Box::new(Masked {
            value: 0xff_ab00,
            mask: Some(0xff_cd00),
        }));
        let masked = CtFlush {
            mark: with(0xab, Some(0xcd)),
            ..CtFlush::default()
        };
        let cases = [
            (flush(0xab, None), "mark=0xab ", 24 + 8),
            (masked, "mark=0xab/0xcd ", 24 + 16),
            (
                flush(1, labels),
                "mark=0x1 labels=0xffab00/0xffcd00 ",
                24 + 8 + 48,
            ),
        ];
        for (flush, text, length) in cases {
            let bytes = bytes(&flush);
            assert_eq!(bytes.len(), length);
            assert_eq!(Message::decode(&bytes).unwrap().1, flush.into());
            let shown = Frame::new(&bytes, &Names::NONE).to_string();
            assert!(shown.contains(&format!("zone=0 {text}'")), "{shown}");
        }
        let first = bytes(&flush(0xab, None));
        assert_eq!(first[24..], [0, 3, 0, 8, 0, 0, 0, 0xab]);
    }

    #[test]
    fn a_mask_alone_is_of_no_bits_that_are_set() {
        let mut bytes = bytes(&CtFlush::default()).to_vec();
        bytes.extend([0, 4, 0, 8, 0, 0, 0, 0xcd]);
        bytes[3] += 8;
        let (_, message) = Message::decode(&bytes.into()).unwrap();
        let mark = Some(Masked {
            value: 0,
            mask: Some(0xcd),
        });
        let expected = CtFlush {
            mark,
            ..CtFlush::default()
        };
        assert_eq!(message, expected.into());
    }

    #[test]
    fn conditions_of_a_later_ovs_survive() {
        let others = vec![CtProperty {
            kind: 99,
            value: Bytes::from_static(&[1, 2, 3]),
        }];
        let original = CtTuple {
            others: others.clone(),
            ..CtTuple::default()
        };
        let flush = CtFlush {
            original,
            others,
            ..CtFlush::default()
        };
        let (_, message) = Message::decode(&bytes(&flush)).unwrap();
        assert_eq!(message, flush.into());
    }

    #[test]
    fn a_mark_has_four_bytes() {
        let mut bytes = bytes(&CtFlush::default()).to_vec();
        bytes.extend([0, 3, 0, 6, 0, 1, 0, 0]);
        bytes[3] += 8;
        let error = Message::decode(&bytes.into()).unwrap_err().to_string();
        assert!(error.contains("CtFlush.mark"), "{error}");
    }
}
