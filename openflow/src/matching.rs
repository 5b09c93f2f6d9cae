//! Which packets a flow is for.
//!
//! A match is held as the bytes that a switch would return for it: each condition once, in the
//! order of the table of fields, values masked, masks only where they leave something out. So
//! comparing two matches compares bytes, and so does hashing; encoding is a copy.
//!
//! What OVS folds together is folded here: `xreg` and `xxreg` become registers, the 16-bit port
//! becomes the 32-bit one, `nw_tos` becomes `ip_dscp`, and `vlan_tci` becomes `vlan_vid` and
//! `vlan_pcp` wherever these can say the same; where they cannot, OVS itself loses something over
//! OpenFlow 1.3, and the condition stays what it is.

mod display;
pub(crate) mod fold;

use std::fmt;

use smallvec::SmallVec;

pub use display::DisplayMatch;

use crate::field::*;
use crate::wire::{DecodeError, Problem, Reader, Wire, Writer};

/// A set of conditions on a packet, all of which must hold.
///
/// ```
/// # use openflow::field::*;
/// # use openflow::matching::Match;
/// let ssh = Match::default()
///     .with(ETH_TYPE, EthType::IPV4)
///     .with(IP_PROTO, IpProto::TCP)
///     .with(TCP_DST, 22)
///     .with(REG5, 0x2b)
///     .masked(CT_STATE, CtState::EST, CtState::EST | CtState::REL | CtState::RPL);
/// assert_eq!(ssh.to_string(), "ct_state=+est-rel-rpl,tcp,reg5=0x2b,tp_dst=22");
/// assert_eq!(ssh.value(TCP_DST), Some(22));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    tlvs: SmallVec<[u8; 40]>,
}

/// One condition of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    /// The header, which names the field.
    pub header: Header,
    /// The bits that the packet must have.
    pub value: &'a [u8],
    /// The bits that count, if not all do.
    pub mask: Option<&'a [u8]>,
}

impl Condition<'_> {
    /// The field, if the table has it.
    #[must_use]
    pub fn field(&self) -> Option<FieldId> {
        FieldId::of_header(self.header)
    }

    fn typed<T: Value>(&self) -> Option<Masked<T>> {
        Some(Masked {
            value: T::from_bytes(self.value)?,
            mask: self.mask.and_then(T::from_bytes),
        })
    }
}

/// A value and, if not all of its bits count, the mask of those that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked<T> {
    /// The bits that the packet must have.
    pub value: T,
    /// The bits that count.
    pub mask: Option<T>,
}

/// How much of what a switch demands of a match is checked when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Each field must come after what it needs, as in a flow.
    Strict,
    /// What fields need is not looked at, as in what accompanies a packet.
    Loose,
}

impl Match {
    /// Adds the condition that `field` is `value`, in place of one on the same field.
    #[must_use]
    pub fn with<T: Value>(mut self, field: Field<T>, value: T) -> Self {
        self.set(field.id(), value.to_bytes().as_ref(), None);
        self
    }

    /// Adds the condition that those bits of `field` that `mask` has are those of `value`, in
    /// place of a condition on the same field.
    ///
    /// A field that cannot be masked is then matched exactly, unless `mask` is zero.
    #[must_use]
    pub fn masked<T: Value>(mut self, field: Field<T>, value: T, mask: T) -> Self {
        self.set(
            field.id(),
            value.to_bytes().as_ref(),
            Some(mask.to_bytes().as_ref()),
        );
        self
    }

    /// The condition on `field`, if there is one.
    #[must_use]
    pub fn get<T: Value>(&self, field: Field<T>) -> Option<Masked<T>> {
        self.condition(field.id())?.typed()
    }

    /// The value of `field`, if there is a condition on it; a mask is not looked at.
    #[must_use]
    pub fn value<T: Value>(&self, field: Field<T>) -> Option<T> {
        T::from_bytes(self.condition(field.id())?.value)
    }

    /// The condition on a field that is known only when the program runs.
    #[must_use]
    pub fn condition(&self, field: FieldId) -> Option<Condition<'_>> {
        let code = field.oxm().header(0, false);
        let mut conditions = self.iter();
        while let [c0, c1, number, length, rest @ ..] = conditions.rest {
            // Most conditions are passed over; only one that looks right is read.
            if number >> 1 == code.number && u16::from_be_bytes([*c0, *c1]) == code.class {
                let condition = conditions.next()?;
                if condition.header.experimenter == code.experimenter {
                    return Some(condition);
                }
            } else {
                conditions.rest = rest.get(usize::from(*length)..)?;
            }
        }
        None
    }

    /// Sets the condition on a field that is known only when the program runs, in place of one on
    /// the same field. A mask of zeros takes the condition away.
    ///
    /// Value and mask are to have the [size](FieldId::size) of the field.
    pub fn set(&mut self, field: FieldId, value: &[u8], mask: Option<&[u8]>) {
        for base in fold::fold(field, value, mask) {
            self.remove(base.field);
            if let Some(tlv) = base.tlv() {
                self.insert(base.field, &tlv);
            }
        }
    }

    /// Takes away the condition on `field`.
    pub fn remove(&mut self, field: FieldId) {
        let Some(start) = self.place(|other| other >= field) else {
            return;
        };
        let end = self
            .place(|other| other > field)
            .unwrap_or_else(|| self.known());
        self.tlvs.drain(start..end.max(start));
    }

    /// The conditions, in their canonical order.
    #[must_use]
    pub fn iter(&self) -> Conditions<'_> {
        Conditions { rest: &self.tlvs }
    }

    /// Whether there is no condition: the match of every packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tlvs.is_empty()
    }

    /// The conditions as they stand on the wire, without the header and padding of the match.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.tlvs
    }

    /// The first field whose need the match does not meet. A switch would refuse the match.
    #[must_use]
    pub fn unmet(&self) -> Option<FieldId> {
        let fields = self.iter().filter_map(|condition| condition.field());
        fields.into_iter().find(|field| !self.meets(*field))
    }

    /// Whether the match asks for all that a packet needs to have `field`.
    #[must_use]
    pub fn meets(&self, field: FieldId) -> bool {
        let eth = |eth_type: EthType| self.eth_type() == Some(eth_type);
        let ip = || eth(EthType::IPV4) || eth(EthType::IPV6);
        let proto = |proto: IpProto| self.value(IP_PROTO) == Some(proto);
        let first = || {
            !self
                .value(IP_FRAG)
                .is_some_and(|frag| frag.contains(IpFrag::LATER))
        };
        let icmpv6 = || eth(EthType::IPV6) && proto(IpProto::ICMPV6);
        let discovery = || icmpv6() && self.value(ICMPV6_CODE).unwrap_or_default() == 0;
        let message = |kind: u8| discovery() && self.value(ICMPV6_TYPE) == Some(kind);
        match field.needs() {
            Need::Nothing => true,
            Need::Ethernet => self.value(PACKET_TYPE).unwrap_or_default() == PacketType::ETHERNET,
            Need::Vlan => self.value(VLAN_VID).is_some_and(VlanVid::is_tagged),
            Need::Mpls => eth(EthType::MPLS) || eth(EthType::MPLS_MULTICAST),
            Need::Ipv4 => eth(EthType::IPV4),
            Need::Ipv6 => eth(EthType::IPV6),
            Need::Ip => ip(),
            Need::Arp => eth(EthType::ARP) || eth(EthType::RARP),
            Need::Tcp => ip() && proto(IpProto::TCP) && first(),
            Need::Udp => ip() && proto(IpProto::UDP) && first(),
            Need::Sctp => ip() && proto(IpProto::SCTP) && first(),
            Need::Icmp => eth(EthType::IPV4) && proto(IpProto::ICMP),
            Need::Icmpv6 => icmpv6(),
            Need::Nd => message(SOLICITATION) || message(ADVERTISEMENT),
            Need::NdSolicit => message(SOLICITATION),
            Need::NdAdvert => message(ADVERTISEMENT),
            Need::Nsh => eth(EthType::NSH),
            Need::Tracked => self.is_tracked(),
            Need::TrackedIpv4 => eth(EthType::IPV4) && self.is_tracked(),
            Need::TrackedIpv6 => eth(EthType::IPV6) && self.is_tracked(),
        }
    }

    /// Reads the type, the length, the conditions and the padding (section 7.2.3).
    ///
    /// # Errors
    ///
    /// When the type is not known, the length is wrong, or as
    /// [`decode_fields`](Self::decode_fields).
    pub fn decode_padded(
        input: &mut Reader<'_>,
        strictness: Strictness,
    ) -> Result<Self, DecodeError> {
        let kind = u16::decode(input).map_err(|e| e.reading("Match.type"))?;
        if kind != OXM {
            return Err(input.error("Match.type", Problem::UnknownCode { code: kind.into() }));
        }
        let length = usize::from(u16::decode(input).map_err(|e| e.reading("Match.length"))?);
        let Some(size) = length.checked_sub(4) else {
            return Err(input.error("Match.length", Problem::BadLength { length }));
        };
        let mut fields = input.sub(size, "Match.fields")?;
        let matching = Self::decode_fields(&mut fields, strictness)?;
        input.skip(length.next_multiple_of(8) - length)?;
        Ok(matching)
    }

    /// Reads conditions up to the end of `input`, which holds nothing else: the contents of a
    /// match, or the list of fields that accompanies a packet.
    ///
    /// # Errors
    ///
    /// When a field has a wrong length, stands twice, has a mask it cannot have, has bits outside
    /// its mask, or, if `strictness` asks, stands before what it needs.
    pub fn decode_fields(
        input: &mut Reader<'_>,
        strictness: Strictness,
    ) -> Result<Self, DecodeError> {
        let mut matching = Self::default();
        let mut last = None;
        let mut in_order = true;
        let start = input.clone();
        let strictness = match input.is_tolerant() {
            true => Strictness::Loose,
            false => strictness,
        };
        // An unknown field may be why what follows it makes no sense. It is no error where a switch
        // may tell what it likes.
        let blame = |error| match strictness {
            Strictness::Strict => first_unknown(start, &error).unwrap_or(error),
            Strictness::Loose => error,
        };
        while !input.is_empty() {
            match matching.decode_field(input, strictness, &mut last) {
                Ok(placed) => in_order &= placed,
                Err(error) => return Err(blame(error)),
            }
        }
        // A field may take from an earlier one what that needs.
        let unmet = if in_order { None } else { matching.unmet() };
        match unmet.filter(|_| strictness == Strictness::Strict) {
            None => Ok(matching),
            Some(field) => {
                let problem = Problem::MissingPrerequisite {
                    field: field.name(),
                };
                Err(blame(input.error(field.place(), problem)))
            }
        }
    }

    /// Reads a condition; returns whether it stands where a match has it, in the form it has.
    fn decode_field(
        &mut self,
        input: &mut Reader<'_>,
        strictness: Strictness,
        last: &mut Option<FieldId>,
    ) -> Result<bool, DecodeError> {
        let at = input.place("Match.fields");
        let bytes = input.peek();
        let header = Header::decode(input).map_err(|e| e.reading("Match.fields"))?;
        let field = header.field();
        let named = field.unwrap_or_else(|_| FieldId::of_header(header));
        let what = named.map_or("Match.fields", FieldId::place);
        let at = at.named(what);
        let value = input.take(header.size(), what)?;
        let mask = match header.masked {
            true => Some(input.take(usize::from(header.length) - header.size(), what)?),
            false => None,
        };
        let field = field.map_err(|length| {
            // A switch does not know the field of another length, but sees what a mask leaves out.
            let outside = mask.is_some_and(|mask| fold::is_outside(value, mask));
            at.error(match named.filter(|_| outside) {
                Some(field) => Problem::BadMask {
                    field: field.name(),
                },
                None => Problem::BadLength { length },
            })
        })?;
        let tlv = bytes.get(..bytes.len() - input.left()).unwrap_or_default();
        let Some(field) = field else {
            // Unknown fields stand last: nothing can follow them without being put in its place.
            *last = ALL.last().copied();
            self.keep_unknown(tlv)
                .map_err(|problem| at.error(problem))?;
            return Ok(false);
        };
        let condition = Condition {
            header,
            value,
            mask,
        };
        match self.take_in(field, condition, tlv, strictness, last) {
            Ok(placed) => Ok(placed),
            // A value or a mask that no version has yet.
            Err(_) if input.is_tolerant() && self.condition(field).is_none() => {
                self.insert(field, tlv);
                *last = (*last).max(Some(field));
                Ok(false)
            }
            Err(problem) => Err(at.error(problem)),
        }
    }

    /// Adds a condition as it was read; returns whether it stands where a match has it, in the form
    /// it has. After an error nothing has changed.
    fn take_in(
        &mut self,
        field: FieldId,
        Condition {
            header,
            value,
            mask,
        }: Condition<'_>,
        tlv: &[u8],
        strictness: Strictness,
        last: &mut Option<FieldId>,
    ) -> Result<bool, Problem> {
        let name = field.name();
        fold::check(field, value, mask)?;
        if strictness == Strictness::Strict && !self.meets(field) {
            return Err(Problem::MissingPrerequisite { field: name });
        }
        if *last < Some(field) && fold::is_canonical(field, header, mask) {
            // What a switch returns is in this form and order already.
            self.tlvs.extend_from_slice(tlv);
            *last = Some(field);
            return Ok(true);
        }
        let bases = fold::fold(field, value, mask);
        if bases
            .iter()
            .any(|base| self.condition(base.field).is_some())
        {
            return Err(Problem::Duplicate { field: name });
        }
        for base in bases {
            if let Some(tlv) = base.tlv() {
                self.insert(base.field, &tlv);
                *last = (*last).max(Some(base.field));
            }
        }
        Ok(false)
    }

    /// Keeps an unknown field. They stand after the others, in the order of their bytes.
    fn keep_unknown(&mut self, tlv: &[u8]) -> Result<(), Problem> {
        let mut place = self.tlvs.len();
        let mut rest = self.tlvs.get(self.known()..).unwrap_or_default();
        while let Some(other) = first_tlv(rest) {
            let at = self.tlvs.len() - rest.len();
            if same_field(other, tlv) {
                return Err(Problem::Duplicate {
                    field: "an unknown field",
                });
            }
            if other > tlv {
                place = place.min(at);
            }
            rest = rest.get(other.len()..).unwrap_or_default();
        }
        self.tlvs.insert_from_slice(place, tlv);
        Ok(())
    }

    fn insert(&mut self, field: FieldId, tlv: &[u8]) {
        let place = self
            .place(|other| other > field)
            .unwrap_or_else(|| self.known());
        self.tlvs.insert_from_slice(place, tlv);
    }

    /// Where the first known field stands that `wanted` accepts.
    fn place(&self, wanted: impl Fn(FieldId) -> bool) -> Option<usize> {
        let mut conditions = self.iter();
        loop {
            let left = conditions.rest.len();
            let field = conditions.next()?.field()?;
            if wanted(field) {
                return Some(self.tlvs.len() - left);
            }
        }
    }

    /// Where the fields of the table end and unknown ones start.
    fn known(&self) -> usize {
        let mut conditions = self.iter();
        loop {
            let left = conditions.rest.len();
            if conditions
                .next()
                .and_then(|condition| condition.field())
                .is_none()
            {
                return self.tlvs.len() - left;
            }
        }
    }

    /// The Ethernet type, be it that of a frame or of a packet that starts there.
    fn eth_type(&self) -> Option<EthType> {
        let packet_type = || {
            let packet_type = self.value(PACKET_TYPE)?;
            let kind = u16::try_from(packet_type.kind()).ok()?;
            (packet_type.namespace() == 1).then_some(EthType(kind))
        };
        self.value(ETH_TYPE).or_else(packet_type)
    }

    /// Whether the match asks for a packet that the connection tracker knows and finds valid.
    fn is_tracked(&self) -> bool {
        let Some(state) = self.get(CT_STATE) else {
            return false;
        };
        let known = CtState::NEW
            | CtState::EST
            | CtState::REL
            | CtState::RPL
            | CtState::SNAT
            | CtState::DNAT;
        let not_invalid = state.mask.is_none_or(|mask| mask.contains(CtState::INV))
            && !state.value.contains(CtState::INV);
        state.value.intersects(known) || state.value.contains(CtState::TRK) && not_invalid
    }
}

/// The ICMPv6 type of a neighbour solicitation.
const SOLICITATION: u8 = 135;
/// The ICMPv6 type of a neighbour advertisement.
const ADVERTISEMENT: u8 = 136;

/// The conditions of a match; from [`Match::iter`].
#[derive(Clone, Debug)]
pub struct Conditions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Conditions<'a> {
    type Item = Condition<'a>;

    fn next(&mut self) -> Option<Condition<'a>> {
        let (header, rest) = Header::split(self.rest)?;
        let (value, mut rest) = rest.split_at_checked(header.size())?;
        let mut mask = None;
        if header.masked {
            let (bits, after) = rest.split_at_checked(header.size())?;
            (mask, rest) = (Some(bits), after);
        }
        self.rest = rest;
        Some(Condition {
            header,
            value,
            mask,
        })
    }
}

impl<'a> IntoIterator for &'a Match {
    type Item = Condition<'a>;
    type IntoIter = Conditions<'a>;

    fn into_iter(self) -> Conditions<'a> {
        self.iter()
    }
}

/// The error that the first unknown field is that stands before `error` in `fields`.
fn first_unknown(mut fields: Reader<'_>, error: &DecodeError) -> Option<DecodeError> {
    while fields.offset() < error.offset {
        let at = fields.place("Match.fields");
        let header = Header::decode(&mut fields).ok()?;
        if FieldId::of_header(header).is_none() {
            let code = header.number.into();
            return Some(at.error(Problem::UnknownCode { code }));
        }
        fields.skip(header.length.into()).ok()?;
    }
    None
}

fn first_tlv(bytes: &[u8]) -> Option<&[u8]> {
    let mut conditions = Conditions { rest: bytes };
    conditions.next()?;
    bytes.get(..bytes.len() - conditions.rest.len())
}

fn same_field(one: &[u8], other: &[u8]) -> bool {
    let name = |bytes| {
        Header::split(bytes).map(|(header, _)| (header.class, header.experimenter, header.number))
    };
    name(one) == name(other)
}

impl Wire for Match {
    /// Writes the type, the length, the conditions and the padding (section 7.2.3).
    fn encode(&self, out: &mut Writer) {
        out.sized_then_padded(2, 8, |out| {
            OXM.encode(out);
            0_u16.encode(out);
            out.put(&self.tlvs);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_padded(input, Strictness::Strict)
    }
}

/// The only type of match that OpenFlow 1.3 has.
const OXM: u16 = 1;

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Match({self})")
    }
}

#[cfg(test)]
mod tests;
