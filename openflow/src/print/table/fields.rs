//! Sets of fields, and their names in few words.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::field::*;

/// A set of fields, in the order in which OVS lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<usize, FieldId>);

/// The order of OVS: the first and the last of each run of fields that this crate lists so, too.
const ORDER: &[(FieldId, FieldId)] = &[
    (DP_HASH.id(), DP_HASH.id()),
    (RECIRC_ID.id(), RECIRC_ID.id()),
    (PACKET_TYPE.id(), PACKET_TYPE.id()),
    (CONJ_ID.id(), CONJ_ID.id()),
    (TUN_ID.id(), TUN_ID.id()),
    (TUN_SRC.id(), TUN_SRC.id()),
    (TUN_DST.id(), TUN_DST.id()),
    (TUN_IPV6_SRC.id(), TUN_IPV6_SRC.id()),
    (TUN_IPV6_DST.id(), TUN_IPV6_DST.id()),
    (TUN_FLAGS.id(), TUN_FLAGS.id()),
    (TUN_GBP_ID.id(), TUN_GBP_ID.id()),
    (TUN_GBP_FLAGS.id(), TUN_GBP_FLAGS.id()),
    (TUN_ERSPAN_IDX.id(), TUN_ERSPAN_IDX.id()),
    (TUN_ERSPAN_VER.id(), TUN_ERSPAN_VER.id()),
    (TUN_ERSPAN_DIR.id(), TUN_ERSPAN_DIR.id()),
    (TUN_ERSPAN_HWID.id(), TUN_ERSPAN_HWID.id()),
    (TUN_GTPU_FLAGS.id(), TUN_GTPU_FLAGS.id()),
    (TUN_GTPU_MSGTYPE.id(), TUN_GTPU_MSGTYPE.id()),
    (TUN_METADATA0.id(), TUN_METADATA63.id()),
    (METADATA.id(), METADATA.id()),
    (IN_PORT_16.id(), IN_PORT_16.id()),
    (IN_PORT.id(), IN_PORT.id()),
    (ACTSET_OUTPUT.id(), ACTSET_OUTPUT.id()),
    (PKT_MARK.id(), PKT_MARK.id()),
    (CT_STATE.id(), CT_STATE.id()),
    (CT_ZONE.id(), CT_ZONE.id()),
    (CT_MARK.id(), CT_MARK.id()),
    (CT_LABEL.id(), CT_LABEL.id()),
    (CT_NW_PROTO.id(), CT_NW_PROTO.id()),
    (CT_NW_SRC.id(), CT_NW_SRC.id()),
    (CT_NW_DST.id(), CT_NW_DST.id()),
    (CT_IPV6_SRC.id(), CT_IPV6_SRC.id()),
    (CT_IPV6_DST.id(), CT_IPV6_DST.id()),
    (CT_TP_SRC.id(), CT_TP_SRC.id()),
    (CT_TP_DST.id(), CT_TP_DST.id()),
    (REG0.id(), REG31.id()),
    (XREG0.id(), XREG15.id()),
    (XXREG0.id(), XXREG7.id()),
    (ETH_SRC.id(), ETH_SRC.id()),
    (ETH_DST.id(), ETH_DST.id()),
    (ETH_TYPE.id(), ETH_TYPE.id()),
    (VLAN_TCI.id(), VLAN_TCI.id()),
    (VLAN_VID.id(), VLAN_VID.id()),
    (VLAN_PCP.id(), VLAN_PCP.id()),
    (MPLS_LABEL.id(), MPLS_LABEL.id()),
    (MPLS_TC.id(), MPLS_TC.id()),
    (MPLS_BOS.id(), MPLS_BOS.id()),
    (MPLS_TTL.id(), MPLS_TTL.id()),
    (IPV4_SRC.id(), IPV4_SRC.id()),
    (IPV4_DST.id(), IPV4_DST.id()),
    (IPV6_SRC.id(), IPV6_SRC.id()),
    (IPV6_DST.id(), IPV6_DST.id()),
    (IPV6_LABEL.id(), IPV6_LABEL.id()),
    (IP_PROTO.id(), IP_PROTO.id()),
    (IP_TOS.id(), IP_TOS.id()),
    (IP_DSCP.id(), IP_DSCP.id()),
    (IP_ECN.id(), IP_ECN.id()),
    (IP_TTL.id(), IP_TTL.id()),
    (IP_FRAG.id(), IP_FRAG.id()),
    (ARP_OP.id(), ARP_OP.id()),
    (ARP_SPA.id(), ARP_SPA.id()),
    (ARP_TPA.id(), ARP_TPA.id()),
    (ARP_SHA.id(), ARP_SHA.id()),
    (ARP_THA.id(), ARP_THA.id()),
    (TCP_SRC.id(), TCP_SRC.id()),
    (TCP_DST.id(), TCP_DST.id()),
    (TCP_FLAGS.id(), TCP_FLAGS.id()),
    (UDP_SRC.id(), UDP_SRC.id()),
    (UDP_DST.id(), UDP_DST.id()),
    (SCTP_SRC.id(), SCTP_SRC.id()),
    (SCTP_DST.id(), SCTP_DST.id()),
    (ICMPV4_TYPE.id(), ICMPV4_TYPE.id()),
    (ICMPV4_CODE.id(), ICMPV4_CODE.id()),
    (ICMPV6_TYPE.id(), ICMPV6_TYPE.id()),
    (ICMPV6_CODE.id(), ICMPV6_CODE.id()),
    (ND_TARGET.id(), ND_TARGET.id()),
    (ND_SLL.id(), ND_SLL.id()),
    (ND_TLL.id(), ND_TLL.id()),
    (ND_RESERVED.id(), ND_RESERVED.id()),
    (ND_OPTIONS_TYPE.id(), ND_OPTIONS_TYPE.id()),
    (NSH_FLAGS.id(), NSH_FLAGS.id()),
    (NSH_MDTYPE.id(), NSH_MDTYPE.id()),
    (NSH_NP.id(), NSH_NP.id()),
    (NSH_SPI.id(), NSH_SPI.id()),
    (NSH_SI.id(), NSH_SI.id()),
    (NSH_C1.id(), NSH_C4.id()),
    (NSH_TTL.id(), NSH_TTL.id()),
];

impl Fields {
    /// Adds the field, if OVS lists it.
    pub(super) fn insert(&mut self, field: FieldId) {
        let inside = |(first, last): &(FieldId, FieldId)| (first..=last).contains(&&field);
        let Some(run) = ORDER.iter().position(inside) else {
            return;
        };
        let place = ALL.iter().position(|other| *other == field);
        // No run is longer than the table of fields.
        self.0
            .insert(run * ALL.len() + place.unwrap_or_default(), field);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// The fields of this set for which `keep` holds.
    pub(super) fn filter(&self, keep: impl Fn(FieldId) -> bool) -> Self {
        let kept = self.0.iter().filter(|(_, field)| keep(**field));
        Self(kept.map(|(place, field)| (*place, *field)).collect())
    }

    pub(super) fn contains(&self, field: FieldId) -> bool {
        self.0.values().any(|other| *other == field)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Fields {
    /// Writes the names, with a blank before them.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.values().map(|field| field.name()).collect();
        if names.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        write_names(&names, 0, f)
    }
}

/// Writes names without their first `known` bytes, which are those of the first name: what begins
/// alike, as `eth_{src,dst}`; what is numbered, as `reg0...reg15`.
fn write_names(mut names: &[&str], known: usize, f: &mut Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    while let [first, ..] = names {
        f.write_str(separator)?;
        separator = if known == 0 { " " } else { "," };
        let (alike, prefix) = alike(names, known);
        let numbered = numbered(names);
        let run = alike.max(numbered);
        let (these, rest) = names.split_at(run);
        let shown = first.get(known..).unwrap_or_default();
        match these {
            [_, .., last] if numbered >= alike => {
                write!(f, "{shown}...{}", last.get(known..).unwrap_or_default())?;
            }
            [_, _, ..] => {
                write!(f, "{}{{", shown.get(..prefix).unwrap_or_default())?;
                write_names(these, known + prefix, f)?;
                f.write_str("}")?;
            }
            _ => f.write_str(shown)?,
        }
        names = rest;
    }
    Ok(())
}

/// How many names begin with the same words, and how many bytes these words have in the first two.
fn alike(names: &[&str], known: usize) -> (usize, usize) {
    let [first, second, ..] = names else {
        return (names.len(), 0);
    };
    let length = common(first, second, known);
    if length == 0 {
        return (1, 0);
    }
    let others = names.iter().skip(2);
    let more = others.take_while(|name| common(first, name, known) != 0);
    (2 + more.count(), length)
}

/// The length of the words, each with its underscore, that both begin with after `known` bytes.
fn common(a: &str, b: &str, known: usize) -> usize {
    let pairs = a.bytes().zip(b.bytes()).skip(known);
    let same = pairs.take_while(|(a, b)| a == b).map(|(byte, _)| byte);
    let ends = same.enumerate().filter(|(_, byte)| *byte == b'_');
    ends.last().map_or(0, |(place, _)| place + 1)
}

/// How many names have numbers that count up; two are not worth a word.
fn numbered(names: &[&str]) -> usize {
    let next = |(a, b): &(&&str, &&str)| {
        let digits = |c: char| c.is_ascii_digit();
        let (name, number) = (a.trim_end_matches(digits), b.trim_end_matches(digits));
        let value = |of: &str| of.get(name.len()..)?.parse::<u32>().ok();
        name == number && value(a).is_some_and(|value_a| value(b) == Some(value_a + 1))
    };
    let pairs = names.iter().zip(names.iter().skip(1));
    match 1 + pairs.take_while(next).count() {
        2 => 1,
        run => run,
    }
}
