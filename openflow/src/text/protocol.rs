//! Which protocols can carry what a text says.
//!
//! `ovs-ofctl` speaks more versions of OpenFlow than this crate, and words a refusal by those that
//! would do. So what is read narrows the set of them, and OpenFlow 1.3 has to be left in the end.

use std::fmt;

use super::Parsed;
use super::field::Operand;
use super::token::Fault;
use crate::field::format::number;
use crate::field::*;
use crate::matching::Match;

bitflags::bitflags! {
    /// Protocols that can carry a flow or a group, among those of Open vSwitch 3.1.
    ///
    /// Displayed as by `ovs-ofctl`: `OpenFlow10,NXM`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Protocols: u16 {
        /// OpenFlow 1.0.
        const OPENFLOW10 = 1 << 0;
        /// OpenFlow 1.0, with the number of a table.
        const OPENFLOW10_TABLE = 1 << 1;
        /// OpenFlow 1.0 with Nicira's matches.
        const NXM = 1 << 2;
        /// OpenFlow 1.0 with Nicira's matches, with the number of a table.
        const NXM_TABLE = 1 << 3;
        /// OpenFlow 1.1.
        const OPENFLOW11 = 1 << 4;
        /// OpenFlow 1.2.
        const OPENFLOW12 = 1 << 5;
        /// OpenFlow 1.3, which this crate writes.
        const OPENFLOW13 = 1 << 6;
        /// OpenFlow 1.4.
        const OPENFLOW14 = 1 << 7;
        /// OpenFlow 1.5.
        const OPENFLOW15 = 1 << 8;

        /// OpenFlow 1.0 with its own matches.
        const OPENFLOW10_STANDARD = 0x003;
        /// OpenFlow 1.0 with Nicira's matches.
        const NXM_ANY = 0x00c;
        /// OpenFlow 1.0 in any form.
        const OPENFLOW10_ANY = 0x00f;
        /// The versions whose matches are extensible.
        const OXM = 0x1e0;
        /// From OpenFlow 1.1 on.
        const SINCE11 = 0x1f0;
        /// From OpenFlow 1.3 on.
        const SINCE13 = 0x1c0;
        /// Every protocol with extensible matches.
        const EXTENSIBLE = 0x1ec;
        /// Those that can say in which table a flow is to be.
        const TABLE = 0x1fa;
    }
}

impl Default for Protocols {
    /// Any: nothing has narrowed them yet.
    fn default() -> Self {
        Self::all()
    }
}

impl Protocols {
    /// Refuses a `text` that OpenFlow 1.3 cannot carry.
    pub(super) fn admit<'a>(self, text: &'a str) -> Parsed<'a, ()> {
        if self.contains(Self::OPENFLOW13) {
            return Ok(());
        }
        let message = format!(
            "none of the usable flow formats ({self}) is among the allowed flow formats \
             (OXM-OpenFlow13)"
        );
        Err(Fault::new(text, "what OpenFlow 1.3 can carry", message))
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = *self;
        let mut comma = "";
        for (protocols, name) in NAMES {
            if rest.contains(*protocols) {
                write!(f, "{comma}{name}")?;
                comma = ",";
                rest -= *protocols;
            }
            if rest.is_empty() && !comma.is_empty() {
                return Ok(());
            }
        }
        f.write_str("none")
    }
}

const NAMES: &[(Protocols, &str)] = &[
    (Protocols::all(), "any"),
    (Protocols::OPENFLOW10_STANDARD, "OpenFlow10"),
    (Protocols::NXM_ANY, "NXM"),
    (Protocols::OXM, "OXM"),
    (Protocols::OPENFLOW10, "OpenFlow10-table_id"),
    (Protocols::OPENFLOW10_TABLE, "OpenFlow10+table_id"),
    (Protocols::NXM, "NXM-table_id"),
    (Protocols::NXM_TABLE, "NXM+table_id"),
    (Protocols::OPENFLOW11, "OpenFlow11"),
    (Protocols::OPENFLOW12, "OXM-OpenFlow12"),
    (Protocols::OPENFLOW13, "OXM-OpenFlow13"),
    (Protocols::OPENFLOW14, "OXM-OpenFlow14"),
    (Protocols::OPENFLOW15, "OXM-OpenFlow15"),
];

/// How a protocol with matches of a fixed form can ask for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Absent,
    Exact,
    /// With a mask of leading ones.
    Prefix,
    Masked,
}
use Form::{Absent, Exact, Masked, Prefix};

/// The fields that OpenFlow 1.0 or 1.1 has, and how; from `ovs-fields(7)`.
const FIXED: &[(FieldId, Form, Form)] = &[
    (METADATA.id(), Absent, Masked),
    (IN_PORT_16.id(), Exact, Exact),
    (IN_PORT.id(), Absent, Exact),
    (ETH_SRC.id(), Exact, Masked),
    (ETH_DST.id(), Exact, Masked),
    (ETH_TYPE.id(), Exact, Exact),
    (VLAN_TCI.id(), Exact, Exact),
    (VLAN_VID.id(), Exact, Exact),
    (VLAN_PCP.id(), Exact, Exact),
    (MPLS_LABEL.id(), Absent, Exact),
    (MPLS_TC.id(), Absent, Exact),
    (IPV4_SRC.id(), Prefix, Masked),
    (IPV4_DST.id(), Prefix, Masked),
    (IP_PROTO.id(), Exact, Exact),
    (IP_TOS.id(), Exact, Exact),
    (IP_DSCP.id(), Exact, Exact),
    (IP_ECN.id(), Absent, Exact),
    (ARP_OP.id(), Exact, Exact),
    (ARP_SPA.id(), Prefix, Masked),
    (ARP_TPA.id(), Prefix, Masked),
    (TCP_SRC.id(), Exact, Exact),
    (TCP_DST.id(), Exact, Exact),
    (UDP_SRC.id(), Exact, Exact),
    (UDP_DST.id(), Exact, Exact),
    (SCTP_SRC.id(), Absent, Exact),
    (SCTP_DST.id(), Absent, Exact),
    (ICMPV4_TYPE.id(), Exact, Exact),
    (ICMPV4_CODE.id(), Exact, Exact),
];

impl Protocols {
    /// Those in which a match can ask for the field in this form.
    fn with(field: FieldId, asked: Form) -> Self {
        let mut rows = FIXED.iter().filter(|(fixed, ..)| *fixed == field);
        let (openflow10, openflow11) = rows.next().map_or((Absent, Absent), |row| (row.1, row.2));
        let can = |form| match asked {
            Absent => true,
            Exact => form != Absent,
            Prefix => matches!(form, Prefix | Masked),
            Masked => form == Masked,
        };
        let mut protocols = Self::EXTENSIBLE;
        protocols.set(Self::OPENFLOW10_STANDARD, can(openflow10));
        protocols.set(Self::OPENFLOW11, can(openflow11));
        protocols
    }

    /// Those that have the action or instruction that is written so.
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            "push_vlan" => Self::SINCE11,
            "write_metadata" => Self::SINCE11 | Self::NXM_ANY,
            "encap" | "meter" => Self::SINCE13,
            _ => Self::all(),
        }
    }

    /// Those that know the field.
    pub(super) fn of_field(field: FieldId) -> Self {
        Self::with(field, Exact)
    }

    /// Those in which a match can hold the condition.
    pub(super) fn of_condition(field: FieldId, operand: &Operand) -> Self {
        match &operand.mask {
            _ if operand.is_anything() && !field.is_variable() => Self::all(),
            None => Self::with(field, Exact),
            Some(mask) if is_prefix(number(mask), field.bits()) => Self::with(field, Prefix),
            Some(_) => Self::with(field, Masked),
        }
    }

    /// Those in which a match can hold the conditions together.
    pub(super) fn of_match(matching: &Match) -> Self {
        // Earlier matches know nothing within IPv6 but its addresses.
        let inner = |field: FieldId| {
            matches!(
                field.needs(),
                Need::Ip | Need::Tcp | Need::Udp | Need::Sctp | Need::Icmpv6
            )
        };
        let has_inner = || {
            matching
                .iter()
                .filter_map(|condition| condition.field())
                .any(inner)
        };
        if matching.value(ETH_TYPE) == Some(EthType::IPV6) && has_inner() {
            Self::EXTENSIBLE
        } else {
            Self::all()
        }
    }
}

/// Whether a mask of so many bits is ones and then zeros.
fn is_prefix(mask: u128, bits: u16) -> bool {
    let inverse = !mask & u128::MAX >> 128_u32.saturating_sub(bits.into());
    inverse & inverse.wrapping_add(1) == 0
}

#[cfg(test)]
mod tests {
    use crate::message::FlowModCommand;
    use crate::text::Parser;

    #[test]
    fn a_flow_is_narrowed_to_what_ovs_ofctl_says() {
        for (flow, usable) in [
            ("actions=drop", "any"),
            (
                "table=3 actions=drop",
                "OXM,OpenFlow10+table_id,NXM+table_id,OpenFlow11",
            ),
            ("tcp6,tp_src=80 actions=1", "NXM,OXM"),
            (
                "ip,nw_src=10.0.0.1/255.0.0.255 actions=1",
                "NXM,OXM,OpenFlow11",
            ),
            ("actions=dec_ttl", "OpenFlow10,NXM"),
            (
                "actions=meter:4",
                "OXM-OpenFlow13,OXM-OpenFlow14,OXM-OpenFlow15",
            ),
        ] {
            let add = FlowModCommand::ADD;
            let read = Parser::default().flow_mods_of_any_protocol(flow, add);
            let protocols = read.map(|(_, protocols)| protocols.to_string());
            assert_eq!(protocols.as_deref(), Ok(usable), "{flow}");
        }
    }

    #[test]
    fn what_openflow_1_3_cannot_carry_is_refused() {
        let error = Parser::default()
            .flow("actions=dec_ttl")
            .expect_err("a packet need not be of IP");
        let message = "none of the usable flow formats (OpenFlow10,NXM) is among the allowed flow \
                       formats (OXM-OpenFlow13)";
        assert_eq!(error.message, message);
    }
}
