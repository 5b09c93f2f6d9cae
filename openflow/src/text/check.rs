//! Whether the packets of a flow can have done to them what its actions say.
//!
//! A switch refuses over OpenFlow 1.3 what does not fit the match, and `ovs-ofctl` does not even
//! send it: `mod_nw_src` needs a match on `ip`.

use super::Parsed;
use super::action::target;
use super::number::Bytes;
use super::protocol::Protocols;
use super::subfield::placed;
use super::token::Fault;
use crate::action::{Action, AddressRange, Bundle, Learn, LearnSpec, Zone};
use crate::field::*;
use crate::matching::Match;
use crate::message::ErrorCode;
use crate::wire::{Reader, Wire as _, Writer};

/// What is known of the packets when an action runs.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) matching: Match,
    pub(super) tagged: bool,
}

impl Packet {
    pub(super) fn of(matching: &Match) -> Self {
        let mut known = matching.clone();
        let packet_type = matching
            .value(PACKET_TYPE)
            .filter(|kind| kind.namespace() == 1);
        if let Some(packet_type) = packet_type {
            known = known.with(ETH_TYPE, starting(packet_type));
        }
        Self {
            matching: known,
            tagged: matching.value(VLAN_VID).is_some_and(VlanVid::is_tagged),
        }
    }

    fn has(&self, field: FieldId) -> bool {
        match field.needs() {
            Need::Vlan => self.tagged,
            _ => self.matching.meets(field),
        }
    }

    /// Whether the packets have what the action that is written so needs, if it is one of
    /// OpenFlow 1.0, which allows it for any packet.
    fn suits(&self, word: &str) -> Option<bool> {
        let has = |field: FieldId| self.has(field);
        Some(match word {
            "mod_dl_src" | "mod_dl_dst" | "mod_vlan_vid" | "mod_vlan_pcp" => true,
            "mod_nw_src" | "mod_nw_dst" => has(IPV4_SRC.id()),
            "mod_nw_tos" | "mod_nw_ecn" | "mod_nw_ttl" | "set_nw_ttl" | "dec_ttl" => {
                has(IP_TTL.id())
            }
            "mod_tp_src" | "mod_tp_dst" => {
                has(TCP_SRC.id()) || has(UDP_SRC.id()) || has(SCTP_SRC.id())
            }
            "set_mpls_label" | "set_mpls_tc" | "set_mpls_ttl" | "dec_mpls_ttl" | "pop_mpls" => {
                has(MPLS_LABEL.id())
            }
            "set_vlan_vid" | "set_vlan_pcp" | "strip_vlan" | "pop_vlan" => self.tagged,
            "fin_timeout" => self.matching.value(IP_PROTO) == Some(IpProto::TCP),
            "dec_nsh_ttl" => has(NSH_TTL.id()),
            _ => return None,
        })
    }

    /// Whether the packets have the fields that `action` reads and writes.
    fn fits(&self, action: &Action) -> bool {
        let has = |field: FieldId| self.has(field);
        let chosen = match action {
            Action::Multipath(choice) => Some(choice.target.field()),
            Action::BundleLoad(choice) => Some(choice.target.field()),
            _ => target(action),
        };
        let written = chosen.is_none_or(has);
        let sets = matches!(
            action,
            Action::SetField(_) | Action::RegLoad(_) | Action::RegLoad2(_)
        );
        if sets && target(action) == Some(VLAN_VID.id()) && !self.tagged {
            return false;
        }
        let read = match action {
            Action::RegMove(copy) => has(copy.source.field()),
            Action::StackPush(push) => has(push.source.field()),
            Action::StackPop(pop) => has(pop.target.field()),
            Action::OutputReg(output) => has(output.source.field()),
            Action::OutputReg2(output) => has(output.source.field()),
            Action::ResubmitCt(_) => has(CT_NW_PROTO.id()),
            Action::Ct(ct) => {
                let helped = match ct.alg {
                    21 => has(TCP_SRC.id()),
                    69 => has(UDP_SRC.id()),
                    _ => true,
                };
                let zoned = match ct.zone {
                    Zone::Field(field) => has(field.field()),
                    Zone::Number(_) => true,
                };
                let state = self.matching.value(CT_STATE).unwrap_or_default();
                let kept = !ct.commit || !state.contains(CtState::INV);
                let fits = |action: &Action| self.fits(action);
                has(IP_TTL.id()) && helped && zoned && kept && ct.actions.iter().all(fits)
            }
            Action::Learn(learn) => self.teaches(learn),
            Action::Learn2(learn) => self.teaches(&learn.learn),
            Action::Nat(nat) => match nat.addresses {
                AddressRange::None => has(IP_TTL.id()),
                AddressRange::V4(..) => has(IPV4_SRC.id()),
                AddressRange::V6(..) => has(IPV6_SRC.id()),
            },
            _ => true,
        };
        written && read
    }

    /// Whether the packets have what a learned flow is made of, and those that it is for what it
    /// matches on and writes.
    fn teaches(&self, learn: &Learn) -> bool {
        let mut learned = Match::default();
        learn.specs.iter().all(|spec| {
            let fits = self.knows(spec)
                && match spec {
                    LearnSpec::MatchField { target, .. }
                    | LearnSpec::MatchValue { target, .. }
                    | LearnSpec::LoadField { target, .. }
                    | LearnSpec::LoadValue { target, .. } => learned.meets(target.field()),
                    LearnSpec::Output { .. } => true,
                };
            if let LearnSpec::MatchValue { value, target } = spec {
                let missing = target.field().size().saturating_sub(value.as_bytes().len());
                let zeros = std::iter::repeat_n(0, missing);
                let number: Bytes = zeros.chain(value.as_bytes().iter().copied()).collect();
                let (value, mask) = placed(*target, &number);
                let mask = (!target.is_whole()).then_some(mask);
                learned.set(target.field(), &value, mask.as_deref());
            }
            fits
        })
    }

    /// Whether the packets have the field that a learned flow is to look at.
    fn knows(&self, spec: &LearnSpec) -> bool {
        match spec {
            LearnSpec::MatchField { source, .. }
            | LearnSpec::LoadField { source, .. }
            | LearnSpec::Output { source } => self.has(source.field()),
            _ => true,
        }
    }

    /// Notes what `action` makes of the packets.
    fn becomes(&mut self, action: &Action) {
        match action {
            Action::PushMpls(push) => {
                self.matching.remove(IP_PROTO.id());
                self.know(ETH_TYPE, push.eth_type);
            }
            Action::PopMpls(pop) => self.know(ETH_TYPE, pop.eth_type),
            Action::PushVlan(_) => self.tagged = true,
            Action::PopVlan(_) => self.tagged = false,
            Action::SetField(set) if set.field() == VLAN_TCI.id() => {
                self.tagged = set
                    .value(VLAN_TCI)
                    .is_some_and(|tci| VlanVid(tci).is_tagged());
            }
            Action::Encap(encap) => {
                self.know(PACKET_TYPE, encap.packet_type);
                if encap.packet_type.namespace() == 1 {
                    self.know(ETH_TYPE, starting(encap.packet_type));
                }
                if !self.has(IP_TTL.id()) {
                    self.matching.remove(IP_PROTO.id());
                }
            }
            Action::Decap(_) if self.has(ETH_SRC.id()) => {
                let eth_type = self.matching.value(ETH_TYPE).unwrap_or_default();
                self.know(PACKET_TYPE, PacketType::of(eth_type));
            }
            // What was within is not known.
            Action::Decap(_) => {
                self.know(PACKET_TYPE, PacketType(u32::MAX));
                self.know(ETH_TYPE, EthType(u16::MAX));
            }
            _ => {}
        }
    }

    fn know<T: Value>(&mut self, field: Field<T>, value: T) {
        self.matching = std::mem::take(&mut self.matching).with(field, value);
    }
}

/// The Ethernet type that a packet starts with.
fn starting(packet_type: PacketType) -> EthType {
    EthType(u16::try_from(packet_type.kind()).unwrap_or_default())
}

/// Whether the action sends packets to what is no port, or chooses a controller by a hash.
fn sends_nowhere(action: &Action) -> bool {
    let is_none = |bundle: &Bundle| {
        let mut ports = bundle.members.iter().map(|port| PortNo::from_16(*port));
        ports.any(|port| port == PortNo::CONTROLLER || port != PortNo::ANY && !port.is_output())
    };
    match action {
        Action::Output(output) => !output.port.is_output(),
        Action::Bundle(bundle) => is_none(bundle),
        Action::BundleLoad(load) => is_none(&load.bundle),
        _ => false,
    }
}

/// The error with which a switch, as this crate would, finds the bytes of the action wrong.
fn unreadable(action: &Action) -> Option<ErrorCode> {
    let mut out = Writer::default();
    action.encode(&mut out);
    // What is too long is refused when the whole message is written.
    let bytes = out.finish().ok()?.freeze();
    let read = Action::decode(&mut Reader::new(&bytes));
    read.err().map(|error| ErrorCode::from(&error))
}

/// Refuses what no switch takes, and what does not fit the packets, if anything is known of them;
/// notes what becomes of them. `actions` are what the action that `token` starts stands for. Yields the protocols that
/// allow the action for such packets: that of OpenFlow 1.0 asks for nothing.
pub(super) fn check<'a>(
    packet: &mut Option<Packet>,
    token: &'a str,
    word: &str,
    actions: &[Action],
) -> Parsed<'a, Protocols> {
    let suits = packet.as_ref().and_then(|known| known.suits(word));
    for action in actions {
        let fits = |known: &Packet| suits.is_some() || known.fits(action);
        let (code, expected) = if sends_nowhere(action) && packet.is_some() {
            (ErrorCode::OFPBAC_BAD_OUT_PORT, "a port to send packets to")
        } else if !packet.as_ref().is_none_or(fits) {
            let expected = "an action for packets of this match";
            (ErrorCode::OFPBAC_MATCH_INCONSISTENT, expected)
        } else if action.unwritable().is_some() {
            let expected = "a field that can be written";
            (ErrorCode::OFPBAC_BAD_SET_ARGUMENT, expected)
        } else if let Some(code) = unreadable(action) {
            (code, "an action that a switch can read")
        } else {
            if let Some(known) = packet {
                known.becomes(action);
            }
            continue;
        };
        let message = format!("actions are invalid with specified match ({code})");
        return Err(Fault::new(token, expected, message));
    }
    Ok(match suits {
        Some(false) => Protocols::OPENFLOW10_ANY,
        _ => Protocols::all(),
    })
}
