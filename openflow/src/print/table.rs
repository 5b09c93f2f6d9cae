//! Tables: what they counted, and what they can do.

mod features;
mod fields;

use std::fmt::{self, Display, Formatter};

pub(super) use features::features;

use crate::message::{ALL_TABLES, TableMod};
use crate::multipart::TableStats;
use crate::names::Names;

/// Actions by their bits: the codes of OpenFlow 1.3, in the order in which OVS has them.
pub(super) struct ActionNames(pub(super) u32);

const ACTIONS: &[(u32, &str)] = &[
    (0, "output"),
    (22, "group"),
    (25, "set_field"),
    (18, "strip_vlan"),
    (17, "push_vlan"),
    (23, "mod_nw_ttl"),
    (24, "dec_ttl"),
    (15, "set_mpls_ttl"),
    (16, "dec_mpls_ttl"),
    (19, "push_mpls"),
    (20, "pop_mpls"),
    (21, "set_queue"),
];

impl ActionNames {
    /// Whether none of the actions is one that OVS knows.
    fn is_empty(&self) -> bool {
        self.known() == 0
    }

    fn known(&self) -> u32 {
        let all = ACTIONS.iter().fold(0, |all, (code, _)| all | 1 << code);
        self.0 & all
    }
}

impl Display for ActionNames {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("<none>");
        }
        let has = |(code, _): &&(u32, &str)| self.0 & 1 << code != 0;
        let names: Vec<&str> = ACTIONS.iter().filter(has).map(|(_, name)| *name).collect();
        f.write_str(&names.join(" "))
    }
}

pub(super) fn table_mod(change: &TableMod, names: &Names, f: &mut Formatter<'_>) -> fmt::Result {
    match change.table {
        ALL_TABLES => f.write_str(" table_id: ALL_TABLES"),
        table => write!(f, " table_id={}", names.table(table)),
    }
}

/// Tables that are as the one before them, and so are told in one line.
#[derive(Debug, Default)]
struct Ditto(Option<(u8, u8)>);

impl Ditto {
    fn add(&mut self, table: u8) {
        let first = self.0.map_or(table, |(first, _)| first);
        self.0 = Some((first, table));
    }

    fn print(&mut self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.take() {
            None => Ok(()),
            Some((first, last)) if first == last => write!(f, "\n  table {first}: ditto\n"),
            Some((first, last)) => write!(f, "\n  tables {first}...{last}: ditto\n"),
        }
    }
}

pub(super) fn stats(tables: &[TableStats], f: &mut Formatter<'_>) -> fmt::Result {
    let mut ditto = Ditto::default();
    let mut last = None;
    for stats in tables {
        let counters = (stats.active_count, stats.lookup_count, stats.matched_count);
        if last == Some(counters) {
            ditto.add(stats.table);
            continue;
        }
        last = Some(counters);
        ditto.print(f)?;
        let (active, lookup, matched) = counters;
        writeln!(f, "\n  table {}:", stats.table)?;
        writeln!(f, "    active={active}, lookup={lookup}, matched={matched}")?;
    }
    ditto.print(f)
}
