//! Matches.
//!
//! `ovs-ofctl` keeps what is in the same place of a packet in one place, whatever it is called:
//! `nw_src` of an ARP packet is `arp_spa`, and `tp_src` of an ICMP packet is its type. So such
//! conditions wait until it is known what the packet is.

use super::field::{Operand, by_name, operand};
use super::number::Bytes;
use super::protocol::Protocols;
use super::token::{Fault, Pair, Pairs};
use super::{Parsed, Parser, number, subfield};
use crate::field::format::{Hex, number as integer};
use crate::field::*;
use crate::matching::{Condition, Masked, Match, Strictness};

/// Reads a match and nothing else.
pub(super) fn matching<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Match> {
    let mut draft = Draft::default();
    for pair in Pairs::new(text) {
        if !draft.read(parser, pair)? {
            let message = format!("unknown keyword {}", pair.key);
            return Err(Fault::new(pair.key, "a field", message));
        }
    }
    draft.finish(parser)
}

/// A match of which not all is known.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    matching: Match,
    waiting: Vec<Waiting<'a>>,
    vlan: Vlan,
    /// The bytes of all options of the tunnel so far.
    options: usize,
    /// The protocols that can ask for all that is asked for.
    pub(super) protocols: Protocols,
    /// Whether something is asked for that only Ethernet frames have.
    ethernet: bool,
}

/// A condition that waits for what its field needs.
#[derive(Debug)]
struct Waiting<'a> {
    field: FieldId,
    operand: Operand,
    token: &'a str,
}

/// What is asked of the tag.
#[derive(Clone, Copy, Debug, Default)]
struct Vlan {
    value: u16,
    mask: u16,
}

/// How many bytes the options of a tunnel have together at most.
const MAX_OPTIONS: usize = 256;

/// The fields that stand in the same place of different packets.
const PLACES: &[&[FieldId]] = &[
    &[IPV4_SRC.id(), ARP_SPA.id()],
    &[IPV4_DST.id(), ARP_TPA.id()],
    &[IP_PROTO.id(), ARP_OP.id()],
    &[ND_SLL.id(), ARP_SHA.id()],
    &[ND_TLL.id(), ARP_THA.id()],
    &[
        TCP_SRC.id(),
        UDP_SRC.id(),
        SCTP_SRC.id(),
        ICMPV4_TYPE.id(),
        ICMPV6_TYPE.id(),
    ],
    &[
        TCP_DST.id(),
        UDP_DST.id(),
        SCTP_DST.id(),
        ICMPV4_CODE.id(),
        ICMPV6_CODE.id(),
    ],
    &[IP_DSCP.id(), IP_TOS.id()],
];

/// Whether only Ethernet frames, or packets that are known to be in one, have the field.
const fn needs_frame(field: FieldId) -> bool {
    !matches!(
        field.needs(),
        Need::Nothing | Need::Tracked | Need::TrackedIpv4 | Need::TrackedIpv6
    )
}

/// All fields in the same place as `field`.
fn place(field: FieldId) -> Option<&'static [FieldId]> {
    let mut places = PLACES.iter().filter(|place| place.contains(&field));
    places.next().copied()
}

impl<'a> Draft<'a> {
    /// Adds what `pair` says, if it says something of the packet at all.
    pub(super) fn read(&mut self, parser: &Parser<'_>, pair: Pair<'a>) -> Parsed<'a, bool> {
        if let Some((eth_type, protocol)) = protocol(pair.key) {
            self.exact(ETH_TYPE.id(), eth_type, pair.key);
            if let Some(protocol) = protocol {
                self.exact(IP_PROTO.id(), protocol, pair.key);
            }
            return Ok(true);
        }
        match pair.key {
            // Every packet starts so unless it is said otherwise.
            "eth" => {
                self.matching.remove(PACKET_TYPE.id());
                self.ethernet = true;
            }
            "dl_vlan" => self.dl_vlan(pair)?,
            "dl_vlan_pcp" if pair.value.is_empty() => {}
            "dl_vlan_pcp" => self.priority(number::field(pair.value, pair.key, 1)?),
            key => match by_name(printed(key)) {
                Some(field) => self.field(parser, field, pair)?,
                None if key.contains('[') => self.part(pair)?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn exact<T: Value>(&mut self, field: FieldId, value: T, token: &'a str) {
        let operand = Operand {
            value: value.to_bytes().as_ref().into(),
            mask: None,
        };
        self.set(field, operand, token);
    }

    fn field(&mut self, parser: &Parser<'_>, field: FieldId, pair: Pair<'a>) -> Parsed<'a, ()> {
        // A name alone asks for no bits, where the field is written as a number.
        let text = match pair.value {
            "" => "0/0",
            value => value,
        };
        let operand = operand(parser, field, text).map_err(|fault| match pair.value {
            "" => fault.at(pair.key),
            _ => fault,
        })?;
        self.protocols &= Protocols::of_condition(field, &operand);
        self.ethernet |= needs_frame(field);
        if field == VLAN_PCP.id() && !operand.is_anything() {
            self.priority(operand.value.last().copied().unwrap_or_default().into());
            return Ok(());
        }
        if field == VLAN_VID.id() || field == VLAN_TCI.id() {
            let mask = operand.mask.as_deref().and_then(u16::from_bytes);
            let value = u16::from_bytes(&operand.value).unwrap_or_default();
            let mask =
                mask.unwrap_or(u16::MAX) & u16::try_from(field.allowed()).unwrap_or_default();
            let cleared = u16::try_from(field.allowed()).unwrap_or_default();
            self.vlan.set(cleared, value, mask);
            return Ok(());
        }
        if field.is_variable() {
            self.option(field, &operand, pair)?;
        }
        self.set(field, operand, pair.value);
        Ok(())
    }

    /// Makes sure that there is room for an option of the tunnel, and none like it.
    fn option(&mut self, field: FieldId, operand: &Operand, pair: Pair<'a>) -> Parsed<'a, ()> {
        self.options += length(&operand.value, operand.mask.as_deref());
        if self.options > MAX_OPTIONS {
            let used = self.options;
            let message = format!(
                "field {field} exceeds maximum size for tunnel metadata (used {used}, \
                 max {MAX_OPTIONS})"
            );
            return Err(Fault::new(pair.key, "256 bytes of options", message));
        }
        if self.matching.condition(field).is_some() {
            let message = format!("field {field} set multiple times");
            return Err(Fault::new(pair.key, "each option once", message));
        }
        Ok(())
    }

    /// A number, with the bit that says that there is a tag; 0xffff stands for no tag.
    fn dl_vlan(&mut self, pair: Pair<'a>) -> Parsed<'a, ()> {
        if pair.value.is_empty() {
            return Ok(());
        }
        let vid = number::field(pair.value, pair.key, 2)?;
        match vid {
            u16::MAX => {
                self.vlan = Vlan {
                    value: 0,
                    mask: u16::MAX,
                }
            }
            _ => self.vlan.set(0x1fff, VlanVid::tagged(vid).0, 0x1fff),
        }
        Ok(())
    }

    fn priority(&mut self, priority: u16) {
        let value = (priority & 7) << 13 | VlanVid::PRESENT.0;
        self.vlan.set(0xf000, value, 0xf000);
    }

    /// A condition on some bits: `reg0[0..3]=5`.
    fn part(&mut self, pair: Pair<'a>) -> Parsed<'a, ()> {
        let part = subfield::subfield(pair.key)?;
        let field = part.field();
        let Ok((bits, "")) = number::wide(pair.value, field.size()) else {
            let message = format!("{}: bad syntax for {field} value", pair.value);
            return Err(Fault::new(pair.value, "a number", message));
        };
        if !subfield::fits(part, &bits) {
            let message = format!(
                "{}: value {} does not fit into {} bits",
                pair.key,
                Hex(&bits),
                part.bits()
            );
            return Err(Fault::new(pair.value, "a smaller number", message));
        }
        let (value, mask) = subfield::placed(part, &bits);
        let before = self.matching.condition(field);
        let zeros = || Bytes::from_elem(0, field.size());
        let ones = || Bytes::from_elem(0xff, field.size());
        let (old, old_mask) = match before {
            Some(condition) => (
                condition.value.into(),
                condition.mask.map_or_else(ones, Into::into),
            ),
            None => (zeros(), zeros()),
        };
        let merge = |old: &Bytes, new: &Bytes| -> Bytes {
            let bits = old.iter().zip(new).zip(&mask);
            bits.map(|((old, new), mask)| old & !mask | new & mask)
                .collect()
        };
        let operand = Operand {
            value: merge(&old, &value),
            mask: Some(merge(&old_mask, &mask)),
        };
        self.protocols &= Protocols::of_condition(field, &operand);
        self.set(field, operand, pair.key);
        Ok(())
    }

    /// Sets a condition, in place of one on what stands in the same place.
    fn set(&mut self, field: FieldId, operand: Operand, token: &'a str) {
        self.ethernet |= needs_frame(field);
        if matches!(field.needs(), Need::Nothing | Need::Ethernet) {
            return self.put(field, &operand);
        }
        let fields = place(field);
        let same =
            |other: FieldId| other == field || fields.is_some_and(|fields| fields.contains(&other));
        self.waiting.retain(|waiting| !same(waiting.field));
        if !operand.is_anything() {
            self.waiting.push(Waiting {
                field,
                operand,
                token,
            });
        }
    }

    /// Sets a condition, less the bits that the field does not have.
    fn put(&mut self, field: FieldId, operand: &Operand) {
        let Operand { value, mask } = operand;
        if field.is_variable() {
            let start = value.len().saturating_sub(length(value, mask.as_deref()));
            let value = value.get(start..).unwrap_or_default();
            let mask = mask.as_ref().and_then(|mask| mask.get(start..));
            return self.matching.set(field, value, mask);
        }
        let allowed = field.allowed().to_be_bytes();
        let allowed = allowed.get(16_usize.saturating_sub(field.size())..);
        let allowed = allowed.unwrap_or_default();
        let value: Bytes = value.iter().zip(allowed).map(|(v, a)| v & a).collect();
        self.matching.set(field, &value, mask.as_deref());
    }

    /// The whole match.
    pub(super) fn finish(mut self, parser: &Parser<'_>) -> Parsed<'a, Match> {
        self.matching = self.vlan.asked_of(std::mem::take(&mut self.matching));
        let mut waiting = std::mem::take(&mut self.waiting);
        with_protocol(&mut waiting, parser.strictness)?;
        loop {
            let before = waiting.len();
            waiting.retain(|condition| !self.admit(condition));
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        match waiting.first() {
            Some(first) if parser.strictness == Strictness::Strict => {
                let message = format!("{} is not in every packet", first.field);
                return Err(Fault::new(first.token, need(first.field), message));
            }
            _ => self.admit_doubtful(&waiting),
        }
        let is_frame = |condition: Condition<'_>| condition.field().is_none_or(needs_frame);
        if self.ethernet
            && self.matching.condition(PACKET_TYPE.id()).is_none()
            && !self.matching.iter().any(is_frame)
        {
            self.matching = self.matching.with(PACKET_TYPE, PacketType::ETHERNET);
        } else if self.matching.value(PACKET_TYPE) == Some(PacketType::ETHERNET)
            && self
                .matching
                .iter()
                .any(|c| c.field() != Some(PACKET_TYPE.id()) && is_frame(c))
        {
            // What only frames have says it, and a switch leaves it out.
            self.matching.remove(PACKET_TYPE.id());
        }
        Ok(self.matching)
    }

    /// Sets those conditions that a switch may refuse but `ovs-ofctl` sends.
    fn admit_doubtful(&mut self, waiting: &[Waiting<'_>]) {
        let fragment = self.matching.get(IP_FRAG);
        self.matching.remove(IP_FRAG.id());
        for condition in waiting {
            match condition.field.needs() {
                Need::Tracked | Need::TrackedIpv4 | Need::TrackedIpv6 => {
                    self.put(condition.field, &condition.operand)
                }
                _ => drop(self.admit(condition)),
            }
        }
        if let Some(Masked { value, mask }) = fragment {
            let mask = mask.unwrap_or(IpFrag::from_bits_retain(u8::MAX));
            self.matching = std::mem::take(&mut self.matching).masked(IP_FRAG, value, mask);
        }
    }

    /// Sets a condition that waited, if the match now has what one of its fields needs.
    fn admit(&mut self, waiting: &Waiting<'_>) -> bool {
        let fields = place(waiting.field).unwrap_or_else(|| std::slice::from_ref(&waiting.field));
        let met = |field: &&FieldId| self.matching.meets(**field);
        let own = fields
            .iter()
            .find(|field| **field == waiting.field)
            .filter(met);
        let Some(field) = own.or_else(|| fields.iter().find(met)).copied() else {
            return false;
        };
        let operand = waiting.operand.resized(field, waiting.field);
        self.put(field, &operand);
        true
    }
}

/// Refuses ports of connections whose protocol nobody asks for, or, as `ovs-ofctl` and switches do,
/// leaves them out.
fn with_protocol<'a>(waiting: &mut Vec<Waiting<'a>>, strictness: Strictness) -> Parsed<'a, ()> {
    let is_protocol = |other: &Waiting<'_>| {
        other.field == CT_NW_PROTO.id() && other.operand.value.iter().any(|byte| *byte != 0)
    };
    if waiting.iter().any(is_protocol) {
        return Ok(());
    }
    let is_port = |other: &Waiting<'_>| [CT_TP_SRC.id(), CT_TP_DST.id()].contains(&other.field);
    match waiting.iter().find(|other| is_port(other)) {
        Some(port) if strictness == Strictness::Strict => {
            let message = format!("{} is not in every packet", port.field);
            Err(Fault::new(port.token, "ct_nw_proto, too", message))
        }
        _ => {
            waiting.retain(|other| !is_port(other));
            Ok(())
        }
    }
}

/// How many bytes an option of a tunnel needs for its value and its mask.
fn length(value: &[u8], mask: Option<&[u8]>) -> usize {
    let used = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.len() - zeros
    };
    used(value).max(mask.map_or(0, used)).max(1)
}

impl Vlan {
    /// Adds what OpenFlow 1.3 can ask of the tag: a priority wholly or not at all, and only of a
    /// tag with a number.
    fn asked_of(self, matching: Match) -> Match {
        const PRIORITY: u16 = 0xe000;
        let Self { value, mask } = self;
        let matching = matching.masked(
            VLAN_VID,
            VlanVid(value & !PRIORITY),
            VlanVid(mask & !PRIORITY),
        );
        if value & !PRIORITY == 0 || mask & PRIORITY == 0 {
            return matching;
        }
        let [priority, _] = (value >> 5).to_be_bytes();
        matching.with(VLAN_PCP, priority)
    }

    fn set(&mut self, cleared: u16, value: u16, mask: u16) {
        self.value = self.value & !cleared | value & mask;
        self.mask = self.mask & !cleared | mask;
    }
}

impl Operand {
    /// The same bits as a value of `field`, instead of `from`.
    fn resized(&self, field: FieldId, from: FieldId) -> Self {
        let size = field.size();
        let shift = |bytes: &Bytes| -> Bytes {
            let mut bits = integer(bytes);
            if from == IP_TOS.id() && field == IP_DSCP.id() {
                bits >>= 2;
            }
            let all = bits.to_be_bytes();
            all.get(16_usize.saturating_sub(size)..)
                .unwrap_or_default()
                .into()
        };
        if field == from {
            return self.clone();
        }
        Self {
            value: shift(&self.value),
            mask: self.mask.as_ref().map(shift),
        }
    }
}

/// The Ethernet type and protocol of a word such as `tcp6`.
fn protocol(word: &str) -> Option<(EthType, Option<IpProto>)> {
    Some(match word {
        "ip" | "ipv4" | "ip4" => (EthType::IPV4, None),
        "ipv6" | "ip6" => (EthType::IPV6, None),
        "arp" => (EthType::ARP, None),
        "rarp" => (EthType::RARP, None),
        "mpls" => (EthType::MPLS, None),
        "mplsm" => (EthType::MPLS_MULTICAST, None),
        "icmp" => (EthType::IPV4, Some(IpProto::ICMP)),
        "tcp" => (EthType::IPV4, Some(IpProto::TCP)),
        "udp" => (EthType::IPV4, Some(IpProto::UDP)),
        "sctp" => (EthType::IPV4, Some(IpProto::SCTP)),
        "icmp6" => (EthType::IPV6, Some(IpProto::ICMPV6)),
        "tcp6" => (EthType::IPV6, Some(IpProto::TCP)),
        "udp6" => (EthType::IPV6, Some(IpProto::UDP)),
        "sctp6" => (EthType::IPV6, Some(IpProto::SCTP)),
        _ => return None,
    })
}

/// The name of a field that is printed under another.
fn printed(key: &str) -> &str {
    match key {
        "gtpu_flags" => "tun_gtpu_flags",
        "gtpu_msgtype" => "tun_gtpu_msgtype",
        _ => key,
    }
}

/// What must be matched, too, for a match on `field`.
const fn need(field: FieldId) -> &'static str {
    match field.needs() {
        Need::Vlan => "a match on a VLAN tag, too",
        Need::Mpls => "mpls or mplsm, too",
        Need::Ipv4 => "ip, too",
        Need::Ipv6 => "ipv6, too",
        Need::Ip => "ip or ipv6, too",
        Need::Arp => "arp or rarp, too",
        Need::Tcp => "tcp or tcp6, too",
        Need::Udp => "udp or udp6, too",
        Need::Sctp => "sctp or sctp6, too",
        Need::Icmp => "icmp, too",
        Need::Icmpv6 => "icmp6, too",
        Need::Nd => "icmp6 with icmp_type=135 or 136, too",
        Need::NdSolicit => "icmp6 with icmp_type=135, too",
        Need::NdAdvert => "icmp6 with icmp_type=136, too",
        Need::Nsh => "dl_type=0x894f, too",
        Need::Tracked | Need::TrackedIpv4 | Need::TrackedIpv6 => {
            "a match on a tracked ct_state, too"
        }
        _ => "a packet that has the field",
    }
}
