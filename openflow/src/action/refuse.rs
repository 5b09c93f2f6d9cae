//! What Open vSwitch refuses of actions that can be read.
//!
//! This crate reads actions that it does not know, and values without a meaning, as whoever wrote
//! them may know more. A switch does not take them.

use super::{Action, EXPERIMENTER, Learn, LearnSpec, Space, Unknown};
use crate::field::{CT_LABEL, CT_MARK, EthType, FieldId, PortNo};
use crate::message::ErrorCode;

impl Action {
    /// The error with which Open vSwitch 3.1 answers the action wherever it stands, if any.
    #[must_use]
    pub fn refused(&self) -> Option<ErrorCode> {
        let is_vlan = |eth_type| matches!(eth_type, EthType::VLAN | EthType::SERVICE_VLAN);
        let is_mpls = |eth_type| matches!(eth_type, EthType::MPLS | EthType::MPLS_MULTICAST);
        let is_bad = match self {
            Self::Unknown(unknown) => return Some(unknown.refused()),
            // Only tests of the switch itself turn these on.
            Self::DebugRecirc(_) | Self::DebugSlow(_) => {
                return Some(ErrorCode::OFPBAC_BAD_VENDOR_TYPE);
            }
            Self::Output(output) if !output.port.is_output() => {
                return Some(ErrorCode::OFPBAC_BAD_OUT_PORT);
            }
            Self::Ct(ct) => return refused(&ct.actions, Outer::Ct),
            Self::CloneActions(clone) => return refused(&clone.actions, Outer::Clone),
            Self::SetVlanVid(set) => set.vid > 0xfff,
            Self::SetVlanPcp(set) => set.pcp > 7,
            Self::SetNwTos(set) => set.tos & 3 != 0,
            Self::SetNwEcn(set) => set.ecn > 3,
            Self::PushVlan(push) => !is_vlan(push.eth_type),
            Self::PushMpls(push) => !is_mpls(push.eth_type),
            Self::Sample(sample) => sample.probability == 0,
            Self::Sample2(sample) => sample.probability == 0,
            Self::Sample3(sample) => sample.probability == 0,
            Self::Sample4(sample) => sample.probability == 0,
            Self::OutputTrunc(output) => output.max_len < ETHERNET_HEADER,
            _ => false,
        };
        is_bad.then_some(ErrorCode::OFPBAC_BAD_ARGUMENT)
    }

    /// The error with which Open vSwitch 3.1 answers `actions` that it takes one by one, but not
    /// together or not outside of another action.
    #[must_use]
    pub fn misplaced(actions: &[Self]) -> Option<ErrorCode> {
        misplaced(actions, Outer::None)
    }

    /// The first field that the action writes though nothing can.
    pub(crate) fn unwritable(&self) -> Option<FieldId> {
        let read_only = |field: FieldId| !field.is_writable();
        let learned = |learn: &Learn| {
            let mut targets = learn.specs.iter().filter_map(LearnSpec::written);
            targets.find(|field| read_only(*field))
        };
        match self {
            Self::StackPop(pop) => Some(pop.target.field()).filter(|field| read_only(*field)),
            Self::Multipath(choice) => {
                Some(choice.target.field()).filter(|field| read_only(*field))
            }
            Self::BundleLoad(choice) => {
                Some(choice.target.field()).filter(|field| read_only(*field))
            }
            Self::Learn(learn) => learned(learn),
            Self::Learn2(learn) => learned(&learn.learn),
            _ => self.written().filter(|field| read_only(*field)),
        }
    }

    /// The field that is written.
    fn written(&self) -> Option<FieldId> {
        Some(match self {
            Self::SetField(set) => set.field(),
            Self::RegLoad(load) => load.target().field(),
            Self::RegLoad2(load) => load.field(),
            Self::RegMove(copy) => copy.target.field(),
            Self::CopyField(copy) => copy.target.field(),
            _ => return None,
        })
    }
}

impl LearnSpec {
    /// The field that the learned flow writes.
    const fn written(&self) -> Option<FieldId> {
        match self {
            Self::LoadField { target, .. } | Self::LoadValue { target, .. } => Some(target.field()),
            Self::MatchField { .. } | Self::MatchValue { .. } | Self::Output { .. } => None,
        }
    }
}

/// The bytes of an Ethernet header without tags.
const ETHERNET_HEADER: u32 = 14;

/// The action that others stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outer {
    None,
    Ct,
    Clone,
}

fn refused(actions: &[Action], outer: Outer) -> Option<ErrorCode> {
    let first = actions.iter().find_map(Action::refused);
    first.or_else(|| misplaced(actions, outer))
}

fn misplaced(actions: &[Action], outer: Outer) -> Option<ErrorCode> {
    let is_part = |action: &Action| matches!(action, Action::Conjunction(_));
    let may_join = |action: &Action| is_part(action) || matches!(action, Action::Note(_));
    if actions.iter().any(is_part) && !actions.iter().all(may_join) {
        return Some(ErrorCode::NXBAC_BAD_CONJUNCTION);
    }
    // Over OpenFlow 1.3 it is an instruction.
    let instruction = |action: &Action| matches!(action, Action::WriteMetadata(_));
    if actions.iter().any(instruction) {
        return Some(ErrorCode::OFPBIC_UNSUP_INST);
    }
    let within = outer == Outer::Ct;
    actions.iter().find_map(|action| {
        let tracked = |field: FieldId| field == CT_MARK.id() || field == CT_LABEL.id();
        match (action, action.written()) {
            (Action::Nat(_), _) if !within => Some(ErrorCode::OFPBAC_BAD_SET_ARGUMENT),
            (Action::Nat(_), _) => None,
            (_, Some(field)) if tracked(field) && !within => {
                Some(ErrorCode::OFPBAC_BAD_SET_ARGUMENT)
            }
            (_, Some(field)) if within && !tracked(field) => Some(ErrorCode::OFPBAC_BAD_ARGUMENT),
            (_, None) if within => Some(ErrorCode::OFPBAC_BAD_ARGUMENT),
            _ => None,
        }
    })
}

impl PortNo {
    /// Whether packets can be sent to the port, if there is one with this number.
    pub(crate) fn is_output(self) -> bool {
        let is_reserved = (Self::IN_PORT..=Self::LOCAL).contains(&self);
        is_reserved || self < Self::MAX && self.to_16().is_some()
    }
}

impl Unknown {
    fn refused(&self) -> ErrorCode {
        if self.code != EXPERIMENTER {
            return ErrorCode::OFPBAC_BAD_TYPE;
        }
        let experimenter = self.body.first_chunk().copied();
        match experimenter
            .map(u32::from_be_bytes)
            .map(Space::of_experimenter)
        {
            Some(Space::Nicira | Space::Onf) => ErrorCode::OFPBAC_BAD_VENDOR_TYPE,
            _ => ErrorCode::OFPBAC_BAD_VENDOR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{CtClear, Nat, Output, PushVlan};

    #[test]
    fn a_value_without_a_meaning_is_refused() {
        let eth_type = EthType::IPV4;
        let push = Action::from(PushVlan { eth_type });
        assert_eq!(push.refused(), Some(ErrorCode::OFPBAC_BAD_ARGUMENT));
        let nowhere = Action::from(Output::to(PortNo::ANY));
        assert_eq!(nowhere.refused(), Some(ErrorCode::OFPBAC_BAD_OUT_PORT));
        assert_eq!(Action::from(Output::to(PortNo::LOCAL)).refused(), None);
    }

    #[test]
    fn actions_have_their_places() {
        let nat = Action::from(Nat::default());
        let outside = Action::misplaced(&[nat]);
        assert_eq!(outside, Some(ErrorCode::OFPBAC_BAD_SET_ARGUMENT));
        assert_eq!(Action::misplaced(&[CtClear.into()]), None);
    }

    #[test]
    fn whatever_is_declared_is_taken_but_for_what_tests_alone_use() {
        for action in Action::samples() {
            let of_tests = matches!(action, Action::DebugRecirc(_) | Action::DebugSlow(_));
            assert_eq!(action.refused().is_some(), of_tests, "{action}");
        }
    }
}
