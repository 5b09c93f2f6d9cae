//! Settings as they stand in the host's database, and as they stood when they last made sense.

use std::collections::{BTreeMap, BTreeSet};

use pipelines::network::PhysicalNetwork;

use super::{BRIDGE_MAPPINGS, GOOD, bridge_mappings};
use crate::problem::{Kind, Problem};

/// What somebody wrote.
pub(super) struct Written<'a> {
    external_ids: &'a BTreeMap<String, String>,
    /// What stood there when it last made sense.
    before: BTreeMap<&'a str, &'a str>,
    /// What stands there and makes sense, or did.
    good: BTreeMap<&'a str, &'a str>,
    /// Each setting that makes no sense.
    pub(super) problems: BTreeSet<Problem>,
}

impl<'a> Written<'a> {
    pub(super) fn new(external_ids: &'a BTreeMap<String, String>) -> Self {
        let note = external_ids.get(GOOD).map_or("", String::as_str);
        Self {
            external_ids,
            before: note
                .split(';')
                .filter_map(|entry| entry.split_once('='))
                .collect(),
            good: BTreeMap::new(),
            problems: BTreeSet::new(),
        }
    }

    /// Reads one setting; if it makes no sense, what it was before, and that is noted as a problem.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.external_ids.get(key)?.as_str();
        if let Some(parsed) = parse(value) {
            self.good.insert(key, value);
            return Some(parsed);
        }
        let reason = format!("\"{value}\", expected {expected}");
        let before = self.before.get(key).copied();
        let kept = before.and_then(|text| Some((text, parse(text)?)));
        self.ignore(key, &reason, kept.as_ref().map(|(text, _)| *text));
        let (text, parsed) = kept?;
        self.good.insert(key, text);
        Some(parsed)
    }

    /// Reads the provider bridges. One that does not exist does not take the place of one that does.
    pub(super) fn bridge_mappings(
        &mut self,
        exists: impl Fn(&str) -> bool,
    ) -> Option<BTreeMap<PhysicalNetwork, String>> {
        let expected = "physnet1:br-ex,...";
        let mut mappings = self.read(BRIDGE_MAPPINGS, expected, bridge_mappings)?;
        let before = self.before.get(BRIDGE_MAPPINGS).copied();
        let known = before.and_then(bridge_mappings).unwrap_or_default();
        let mut missing = mappings
            .iter_mut()
            .filter(|(_, bridge)| !exists(bridge))
            .peekable();
        if missing.peek().is_none() {
            return Some(mappings);
        }
        self.good.remove(BRIDGE_MAPPINGS);
        let mut reasons = Vec::new();
        for (physical_network, bridge) in missing {
            if let Some(kept) = known.get(physical_network).filter(|kept| exists(kept)) {
                reasons.push((format!("there is no bridge {bridge}"), kept.clone()));
                bridge.clone_from(kept);
            }
        }
        for (reason, kept) in &reasons {
            self.ignore(BRIDGE_MAPPINGS, reason, Some(kept));
        }
        if let Some(before) = before.filter(|_| !reasons.is_empty()) {
            self.good.insert(BRIDGE_MAPPINGS, before);
        }
        Some(mappings)
    }

    /// What is to be remembered.
    pub(super) fn note(&self) -> Option<String> {
        let entries = self
            .good
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let entries: Vec<_> = entries.collect();
        (!entries.is_empty()).then(|| entries.join(";"))
    }

    fn ignore(&mut self, key: &str, reason: &str, kept: Option<&str>) {
        let stays = kept
            .map(|kept| format!("; {kept} stays"))
            .unwrap_or_default();
        let sentence = format!("is ignored: {reason}{stays}");
        let name = format!("external_ids:{key}");
        self.problems
            .insert(Problem::new(Kind::Setting, name, sentence));
    }
}
