//! Actions.
//!
//! A row of [`read`] is an action or an alias. What several OpenFlow versions write differently
//! becomes what `ovs-ofctl` sends over 1.3: `mod_dl_src` a `set_field`, `mod_vlan_vid` a tag that
//! is pushed if the packet has none, and a `set_field`.

mod ct;
mod encap;
mod hash;
mod learn;
mod output;
mod sample;
mod set;

use super::check::{Packet, check};
use super::number::{self, Bytes};
use super::protocol::Protocols;
use super::subfield::{ratio, subfield};
use super::token::{Fault, Pair, Pairs, items};
use super::{Parsed, Parser};
use crate::action::*;
use crate::field::*;
use crate::matching::Match;

pub(super) use set::target;

/// How deep actions may stand in others.
const MAX_DEPTH: u8 = 100;

/// Where actions stand, and what is known of the packet when they run.
#[derive(Clone, Debug)]
pub(super) struct Scope<'p> {
    pub(super) parser: &'p Parser<'p>,
    /// The protocol on top of IP, which says what `mod_tp_src` means.
    protocol: Option<IpProto>,
    /// Whether the packet has a tag.
    tagged: bool,
    /// What else is known of it, in a flow.
    packet: Option<Packet>,
    outer: Outer,
    depth: u8,
    /// The protocols that have the actions.
    pub(super) known: Protocols,
    /// The protocols that allow the actions for such packets.
    pub(super) consistent: Protocols,
}

/// The action that others stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outer {
    None,
    Ct,
    Other,
}

impl<'p> Scope<'p> {
    /// Actions of which it is not known what packets they are for.
    pub(super) const fn new(parser: &'p Parser<'p>) -> Self {
        Self {
            parser,
            protocol: None,
            tagged: false,
            packet: None,
            outer: Outer::None,
            depth: 0,
            known: Protocols::all(),
            consistent: Protocols::all(),
        }
    }

    /// Actions of a flow with this match.
    pub(super) fn of(parser: &'p Parser<'p>, matching: &Match) -> Self {
        Self {
            protocol: matching.value(IP_PROTO),
            tagged: matching.value(VLAN_VID).is_some_and(VlanVid::is_tagged),
            packet: Some(Packet::of(matching)),
            ..Self::new(parser)
        }
    }

    /// Reads actions that stand within another.
    fn nested<'a>(&mut self, outer: Outer, text: &'a str) -> Parsed<'a, Vec<Action>> {
        let mut scope = Self {
            outer,
            depth: self.depth + 1,
            known: Protocols::all(),
            ..self.clone()
        };
        let actions = list(&mut scope, text)?;
        // `ovs-ofctl` forgets at `clone` what it knew of the actions before.
        self.known = match outer {
            Outer::Other => scope.known,
            Outer::Ct | Outer::None => self.known & scope.known,
        };
        self.consistent = scope.consistent;
        Ok(actions)
    }

    /// Reads actions that go to the action set, of whose packets nothing is certain.
    pub(super) fn write_actions<'a>(&mut self, text: &'a str) -> Parsed<'a, Vec<Action>> {
        let consistent = self.consistent;
        let actions = self.nested(Outer::None, text);
        self.consistent = consistent;
        actions
    }
}

/// Reads actions and nothing else.
pub(super) fn actions<'a>(parser: &Parser<'_>, text: &'a str) -> Parsed<'a, Vec<Action>> {
    list(&mut Scope::new(parser), text)
}

/// Reads actions up to the end of the text.
pub(super) fn list<'a>(scope: &mut Scope<'_>, text: &'a str) -> Parsed<'a, Vec<Action>> {
    if scope.depth >= MAX_DEPTH {
        let message = "Action nested too deeply";
        return Err(Fault::new(text, "fewer actions within each other", message));
    }
    let mut list = Vec::new();
    let mut drop = None;
    for pair in Pairs::new(text) {
        if pair.key.eq_ignore_ascii_case("drop") {
            drop = Some(pair.key);
        } else if !read(scope, pair, &mut list)? {
            return Err(unknown(pair.key));
        }
    }
    match drop {
        Some(drop) if !list.is_empty() => Err(not_alone(drop)),
        _ => verify(scope, &list, text).map(|()| list),
    }
}

pub(super) fn unknown(key: &str) -> Box<Fault<'_>> {
    let message = match key {
        "clear_actions" | "write_actions" | "write_metadata" | "goto_table" => {
            format!("{key} instruction not allowed here")
        }
        _ => format!("unknown action {key}"),
    };
    Fault::new(key, "an action", message)
}

pub(super) fn not_alone(drop: &str) -> Box<Fault<'_>> {
    let message = "\"drop\" must not be accompanied by any other action or instruction";
    Fault::new(drop, "drop alone", message)
}

/// Reads an action, or more if `ovs-ofctl` makes more of it, and checks that it fits the packet.
/// Says whether it is an action at all.
pub(super) fn read<'a>(
    scope: &mut Scope<'_>,
    pair: Pair<'a>,
    list: &mut Vec<Action>,
) -> Parsed<'a, bool> {
    let before = list.len();
    let key = pair.key.to_ascii_lowercase();
    let is_action = append(scope, pair, &key, list)?;
    scope.known &= Protocols::of_word(&key);
    let new = list.get(before..).unwrap_or_default();
    scope.consistent &= check(&mut scope.packet, pair.key, &key, new)?;
    Ok(is_action)
}

/// Reads an action. Says whether it is one at all.
fn append<'a>(
    scope: &mut Scope<'_>,
    pair: Pair<'a>,
    key: &str,
    list: &mut Vec<Action>,
) -> Parsed<'a, bool> {
    let parser = scope.parser;
    let text = pair.value;
    let action = match key {
        "output" => output::output(parser, text)?,
        "controller" => output::controller(text)?,
        "enqueue" => return output::enqueue(parser, text, list).map(|()| true),
        "group" => GroupId(number::u32(text)?).to_action(),
        "resubmit" => output::resubmit(parser, text)?,
        "bundle" => hash::bundle(parser, text)?,
        "bundle_load" => hash::bundle_load(parser, text)?,
        "multipath" => hash::multipath(text)?,
        "set_field" => return set::set_field(scope, text, list).map(|()| true),
        "load" => return set::load(text, list).map(|()| true),
        "move" => set::register_move(text)?,
        "push" => StackPush {
            source: subfield(text)?,
        }
        .into(),
        "pop" => StackPop {
            target: subfield(text)?,
        }
        .into(),
        "mod_vlan_vid" | "set_vlan_vid" => {
            return set::vlan_vid(scope, text, key == "mod_vlan_vid", list).map(|()| true);
        }
        "mod_vlan_pcp" | "set_vlan_pcp" => {
            return set::vlan_pcp(scope, text, key == "mod_vlan_pcp", list).map(|()| true);
        }
        "strip_vlan" | "pop_vlan" => {
            scope.tagged = false;
            PopVlan.into()
        }
        "push_vlan" => {
            scope.tagged = true;
            set::push_vlan(text)?
        }
        "set_queue" => SetQueue {
            queue: number::u32(text)?,
        }
        .into(),
        "pop_queue" => PopQueue.into(),
        "learn" => learn::learn(parser, text)?,
        "conjunction" => conjunction(text)?,
        "note" => Note::new(&hex(text, "bad hex digit in `note' argument")?).into(),
        "exit" => Exit.into(),
        "debug_recirc" => DebugRecirc.into(),
        "debug_slow" => DebugSlow.into(),
        "sample" => sample::sample(parser, text)?,
        "ct" => ct::ct(scope, text)?,
        "ct_clear" => CtClear.into(),
        "nat" => nat(scope, pair)?,
        "clone" => CloneActions {
            actions: scope.nested(Outer::Other, text)?,
        }
        .into(),
        "check_pkt_larger" => check_pkt_larger(text)?,
        "delete_field" => set::delete_field(text)?,
        "encap" => encap::encap(text)?,
        "decap" => encap::decap(text)?,
        "unroll_xlate" => {
            let message = "UNROLL is an internal action that shouldn't be used via OpenFlow";
            return Err(Fault::new(pair.key, "another action", message));
        }
        "apply_actions" => {
            let message = "apply_actions is the default instruction";
            return Err(Fault::new(pair.key, "the actions alone", message));
        }
        _ => match rewrite(scope, key, text)? {
            Some(action) => action,
            None => match parser.port(pair.key) {
                Some(port) => Output::to(port).into(),
                None => return Ok(false),
            },
        },
    };
    list.push(action);
    Ok(true)
}

/// Reads an action that writes one thing of the packet, if it is one.
fn rewrite<'a>(scope: &Scope<'_>, key: &str, text: &'a str) -> Parsed<'a, Option<Action>> {
    Ok(Some(match key {
        "mod_dl_src" => SetField::new(ETH_SRC, set::mac(text)?).into(),
        "mod_dl_dst" => SetField::new(ETH_DST, set::mac(text)?).into(),
        "mod_nw_src" => SetField::new(IPV4_SRC, set::ip(text)?).into(),
        "mod_nw_dst" => SetField::new(IPV4_DST, set::ip(text)?).into(),
        "mod_nw_tos" => SetField::new(IP_DSCP, set::bits(text, "TOS", !0xfc)? >> 2).into(),
        "mod_nw_ecn" => SetField::new(IP_ECN, set::bits(text, "ECN", !3)?).into(),
        "mod_nw_ttl" | "set_nw_ttl" => SetNwTtl {
            ttl: number::u8(text, "TTL")?,
        }
        .into(),
        "mod_tp_src" => set::source_port(scope.protocol, number::u16(text, "source port")?),
        "mod_tp_dst" => {
            set::destination_port(scope.protocol, number::u16(text, "destination port")?)
        }
        "set_tunnel" | "set_tunnel64" => SetField::new(TUN_ID, number::u64(text)?).into(),
        "set_mpls_label" => SetField::new(MPLS_LABEL, set::mpls_label(text)?).into(),
        "set_mpls_tc" => SetField::new(MPLS_TC, set::mpls_tc(text)?).into(),
        "set_mpls_ttl" => SetMplsTtl {
            ttl: set::mpls_ttl(text)?,
        }
        .into(),
        "dec_mpls_ttl" => DecMplsTtl.into(),
        "push_mpls" => PushMpls {
            eth_type: EthType(number::u16(text, "push_mpls")?),
        }
        .into(),
        "pop_mpls" => PopMpls {
            eth_type: EthType(number::u16(text, "pop_mpls")?),
        }
        .into(),
        "dec_ttl" => dec_ttl(text)?,
        "dec_nsh_ttl" => DecNshTtl.into(),
        "fin_timeout" => fin_timeout(text)?,
        _ => return Ok(None),
    }))
}

impl GroupId {
    /// The action that hands a packet to the group.
    const fn to_action(self) -> Action {
        Action::Group(Group { group: self })
    }
}

fn nat<'a>(scope: &Scope<'_>, pair: Pair<'a>) -> Parsed<'a, Action> {
    if scope.outer != Outer::Ct {
        let message = "Cannot have NAT action outside of \"ct\" action";
        return Err(Fault::new(pair.key, "nat within ct", message));
    }
    ct::nat(pair.value).map(Into::into)
}

fn dec_ttl(text: &str) -> Parsed<'_, Action> {
    if text.is_empty() {
        return Ok(DecNwTtl.into());
    }
    let controllers: Vec<u16> = items(text).map(leading).collect();
    if controllers.is_empty() {
        let message = "dec_ttl_cnt_ids: expected at least one controller id.";
        return Err(Fault::new(text, "identifiers of controllers", message));
    }
    Ok(DecTtlCntIds { controllers }.into())
}

/// The number that a text starts with, in tens, or 0: as C's `atoi`. What does not fit loses its
/// upper bits.
fn leading<T: TryFrom<u64> + Default>(text: &str) -> T {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let number: u64 = digits
        .get(..end.unwrap_or(digits.len()))
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    let number = match text.starts_with('-') {
        true => number.wrapping_neg(),
        false => number,
    };
    let excess = 8_usize.saturating_sub(size_of::<T>()) * 8;
    T::try_from(number << excess >> excess).unwrap_or_default()
}

fn fin_timeout(text: &str) -> Parsed<'_, Action> {
    let mut timeouts = FinTimeout {
        idle_timeout: 0,
        hard_timeout: 0,
    };
    for Pair { key, value } in Pairs::new(text) {
        match key {
            "idle_timeout" => timeouts.idle_timeout = number::u16(value, key)?,
            "hard_timeout" => timeouts.hard_timeout = number::u16(value, key)?,
            _ => {
                let message = format!("invalid key '{key}' in 'fin_timeout' argument");
                return Err(Fault::new(key, "idle_timeout or hard_timeout", message));
            }
        }
    }
    Ok(timeouts.into())
}

fn conjunction(text: &str) -> Parsed<'_, Action> {
    let syntax = || {
        let message = "\"conjunction\" syntax is \"conjunction(id,i/n)\"";
        Fault::new(text, "id,i/n", message)
    };
    let (id, rest) = text.split_once(',').ok_or_else(syntax)?;
    let id = number::signed(id.trim_end()).ok_or_else(syntax)?;
    let id = u32::try_from(id).map_err(|_| syntax())?;
    let (dimension, dimensions) = ratio(rest).ok_or_else(syntax)?;
    let problem = match (dimension, dimensions) {
        (_, 0..2) => "conjunction must have at least 2 clauses",
        (_, 65..) => "conjunction must have at most 64 clauses",
        (0, _) => "clause index must be positive",
        _ if dimension > dimensions => {
            "clause index must be less than or equal to number of clauses"
        }
        _ => return Ok(Conjunction::new(id, dimension, dimensions).into()),
    };
    Err(Fault::new(rest, "1/2 to 64/64", problem))
}

/// Bytes in hexadecimal, with dots or blanks between them or not.
fn hex<'a>(text: &'a str, problem: &'static str) -> Parsed<'a, Bytes> {
    let mut bytes = Bytes::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', '.']);
        if rest.is_empty() {
            return Ok(bytes);
        }
        let Some((digits, after)) = rest.split_at_checked(2) else {
            return Err(Fault::new(rest, "two hexadecimal digits", problem));
        };
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if !digits.starts_with('+') => bytes.push(byte),
            _ => return Err(Fault::new(rest, "two hexadecimal digits", problem)),
        }
        rest = after;
    }
}

fn check_pkt_larger(text: &str) -> Parsed<'_, Action> {
    let (length, target) = set::arrow(text)?;
    let length = length.strip_suffix(')').unwrap_or(length);
    let part = subfield(target)?;
    if part.bits() != 1 {
        let message = "Only 1-bit destination field is allowed";
        return Err(Fault::new(target, "a single bit", message));
    }
    let length = number::u16(length, "(null)")?;
    Ok(CheckPktLarger {
        length,
        target: part,
    }
    .into())
}

/// Refuses actions that cannot stand where they do.
pub(super) fn verify<'a>(scope: &Scope<'_>, list: &[Action], text: &'a str) -> Parsed<'a, ()> {
    let fault = |expected, message: String| Err(Fault::new(text, expected, message));
    let has_conjunction = list.iter().any(|a| matches!(a, Action::Conjunction(_)));
    for action in list {
        if let Some(field) = target(action) {
            let tracked = [CT_MARK.id(), CT_LABEL.id()].contains(&field);
            if tracked && scope.outer != Outer::Ct {
                let message = "cannot set CT fields outside of ct action";
                return fault("exec(...) of ct around it", message.to_owned());
            }
            if !tracked && scope.outer == Outer::Ct {
                let message = format!("ct action doesn't support nested modification of {field}");
                return fault("a write to ct_mark or ct_label", message);
            }
        } else if scope.outer == Outer::Ct && !matches!(action, Action::Nat(_)) {
            let message = format!("ct action doesn't support nested action {}", name(action));
            return fault("a write to ct_mark or ct_label", message);
        }
        if has_conjunction && !matches!(action, Action::Conjunction(_) | Action::Note(_)) {
            return Err(not_in_conjunction(text, &name(action)));
        }
    }
    Ok(())
}

/// Says that `word` stands beside `conjunction` in `text`.
pub(super) fn not_in_conjunction<'a>(text: &'a str, word: &str) -> Box<Fault<'a>> {
    let message = format!(
        "\"conjunction\" actions may be used along with \"note\" but not any other kind of action \
         (such as the \"{word}\" action used here)"
    );
    Fault::new(text, "conjunction and note alone", message)
}

/// The word that an action is written with.
fn name(action: &Action) -> String {
    let text = action.to_string();
    let end = text.find([':', '(', '=', ',']).unwrap_or(text.len());
    match action {
        Action::Output(_) | Action::OutputReg(_) => "output".to_owned(),
        _ => text.get(..end).unwrap_or_default().to_owned(),
    }
}
