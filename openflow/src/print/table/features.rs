//! What tables can do.
//!
//! OVS tells of each table only what differs from the one before it, as most are alike.

use std::fmt::{self, Display, Formatter};

use super::fields::Fields;
use super::{ActionNames, Ditto};
use crate::field::FieldId;
use crate::multipart::{
    FeatureCode, TableFeatures, TableProperty, TablePropertyKind as Kind, TablePropertyValue,
};

/// What a table can do, in the form in which tables are compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Abilities {
    metadata: (u64, u64),
    max_entries: u32,
    /// Of all flows but the one that matches everything, and of that.
    flows: [Instructions; 2],
    matched: Fields,
    masked: Fields,
    wildcards: Fields,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Instructions {
    next: Vec<u8>,
    instructions: u32,
    write: Actions,
    apply: Actions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Actions {
    actions: u32,
    set: Fields,
}

/// Prints what each table can do.
pub(in crate::print) fn features(tables: &[TableFeatures], f: &mut Formatter<'_>) -> fmt::Result {
    let mut ditto = Ditto::default();
    let mut last: Option<(u8, Abilities)> = None;
    for table in tables {
        let abilities = Abilities::of(table);
        let before = last
            .as_ref()
            .map(|(number, abilities)| (*number, abilities));
        let same =
            before.is_some_and(|(number, before)| abilities.equal(table.table, before, number));
        let name = table.name.to_string();
        if same && name.is_empty() {
            ditto.add(table.table);
        } else {
            ditto.print(f)?;
            write!(f, "\n  table {}", table.table)?;
            if !name.is_empty() {
                write!(f, " (\"{name}\")")?;
            }
            if same {
                f.write_str(": ditto")?;
            } else {
                f.write_str(":\n")?;
                abilities.print(table.table, before, f)?;
            }
        }
        last = Some((table.table, abilities));
    }
    ditto.print(f)
}

impl Abilities {
    fn of(table: &TableFeatures) -> Self {
        let mut abilities = Self {
            metadata: (table.metadata_match, table.metadata_write),
            max_entries: table.max_entries,
            ..Self::default()
        };
        let [flows, miss] = &mut abilities.flows;
        let rows = &table.properties;
        flows.read(rows, [0, 2, 4, 6, 12, 14]);
        miss.read(rows, [1, 3, 5, 7, 13, 15]);
        miss.fill(flows, rows);
        for property in rows {
            match (property.kind, &property.value) {
                (Kind::MATCH, TablePropertyValue::Fields(headers)) => {
                    for header in headers {
                        let Ok(Some(field)) = header.field() else {
                            continue;
                        };
                        abilities.matched.insert(field);
                        if header.masked {
                            abilities.masked.insert(field);
                        }
                    }
                }
                (Kind::WILDCARDS, value) => abilities.wildcards = fields(value),
                _ => {}
            }
        }
        abilities.wildcards.extend(&abilities.masked);
        let matched = |field: FieldId| abilities.matched.contains(field);
        abilities.wildcards = abilities.wildcards.filter(matched);
        abilities
    }

    /// Whether table `number` can do what table `other_number` can do with its `other`.
    fn equal(&self, number: u8, other: &Self, other_number: u8) -> bool {
        self.metadata == other.metadata
            && self.max_entries == other.max_entries
            && self.same_instructions(number, other, other_number)
            && self.matched == other.matched
    }

    fn same_instructions(&self, number: u8, other: &Self, other_number: u8) -> bool {
        let mut pairs = self.flows.iter().zip(&other.flows);
        pairs.all(|(one, other)| one.equal(number, other, other_number))
    }

    fn print(&self, table: u8, before: Option<(u8, &Self)>, f: &mut Formatter<'_>) -> fmt::Result {
        let (read, write) = self.metadata;
        if (read, write) != (0, 0) {
            writeln!(f, "    metadata: match={read:#x} write={write:#x}")?;
        }
        if self.max_entries != 0 {
            writeln!(f, "    max_entries={}", self.max_entries)?;
        }
        let same =
            before.is_some_and(|(number, before)| self.same_instructions(table, before, number));
        let [flows, miss] = &self.flows;
        let [old_flows, old_miss] = match before {
            Some((_, before)) => before.flows.each_ref().map(Some),
            None => [None, None],
        };
        if same {
            if *flows != Instructions::default() {
                f.write_str("    (same instructions)\n")?;
            }
        } else if flows != miss {
            f.write_str("    instructions (other than table miss):\n")?;
            flows.print(old_flows, f)?;
            f.write_str("    instructions (table miss):\n")?;
            miss.print(old_miss, f)?;
        } else if *flows != Instructions::default() {
            f.write_str("    instructions (table miss and others):\n")?;
            flows.print(old_flows, f)?;
        }
        if self.matched.is_empty() {
            return Ok(());
        }
        if before.is_some_and(|(_, before)| before.matched == self.matched) {
            return f.write_str("    (same matching)\n");
        }
        f.write_str("    matching:\n")?;
        self.print_matches("arbitrary mask", true, true, f)?;
        self.print_matches("exact match or wildcard", false, true, f)?;
        self.print_matches("must exact match", false, false, f)
    }

    /// Prints the fields that can have masks, and be left out, as told.
    fn print_matches(
        &self,
        title: &str,
        masked: bool,
        wildcard: bool,
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        let fields = self.matched.filter(|field| {
            self.masked.contains(field) == masked && self.wildcards.contains(field) == wildcard
        });
        if fields.is_empty() {
            return Ok(());
        }
        writeln!(f, "      {title}:{fields}")
    }
}

impl Instructions {
    /// Takes what the properties say that have these six codes.
    fn read(&mut self, properties: &[TableProperty], kinds: [u16; 6]) {
        let [instructions, next, write, apply, set_write, set_apply] = kinds;
        for TableProperty { kind, value } in properties {
            match kind.0 {
                kind if kind == instructions => self.instructions = instruction_bits(value),
                kind if kind == next => self.next = tables(value),
                kind if kind == write => self.write.actions = action_bits(value),
                kind if kind == apply => self.apply.actions = action_bits(value),
                kind if kind == set_write => self.write.set = fields(value),
                kind if kind == set_apply => self.apply.set = fields(value),
                _ => {}
            }
        }
    }

    /// Takes from `flows` what no property said of the flow that matches everything.
    fn fill(&mut self, flows: &Self, properties: &[TableProperty]) {
        let missing = |kind: Kind| !properties.iter().any(|property| property.kind == kind);
        if missing(Kind::INSTRUCTIONS_MISS) {
            self.instructions = flows.instructions;
        }
        if missing(Kind::NEXT_TABLES_MISS) {
            self.next.clone_from(&flows.next);
        }
        if missing(Kind::WRITE_ACTIONS_MISS) {
            self.write.actions = flows.write.actions;
        }
        if missing(Kind::APPLY_ACTIONS_MISS) {
            self.apply.actions = flows.apply.actions;
        }
        if missing(Kind::WRITE_SETFIELD_MISS) {
            self.write.set = flows.write.set.clone();
        }
        if missing(Kind::APPLY_SETFIELD_MISS) {
            self.apply.set = flows.apply.set.clone();
        }
    }

    /// Whether both are equal, except that of two tables in a row the second cannot go to itself.
    fn equal(&self, number: u8, other: &Self, other_number: u8) -> bool {
        let without = |tables: &[u8], own: u8| -> Vec<u8> {
            tables
                .iter()
                .copied()
                .filter(|table| *table != own)
                .collect()
        };
        let next = |one: &Self, table: u8, other: &Self, after: u8| {
            table.checked_add(1) == Some(after)
                && one.next.contains(&after)
                && without(&one.next, after) == other.next
        };
        (self.next == other.next
            || next(self, number, other, other_number)
            || next(other, other_number, self, number))
            && self.instructions == other.instructions
            && self.write == other.write
            && self.apply == other.apply
    }

    fn print(&self, before: Option<&Self>, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.next.is_empty() {
            writeln!(f, "      next tables: {}", Runs(&self.next))?;
        }
        if self.instructions != 0 {
            if before.is_some_and(|before| before.instructions == self.instructions) {
                f.write_str("      (same instructions)\n")?;
            } else {
                let has = |(place, _): &(u32, &&str)| self.instructions & 1 << place != 0;
                let names = (0..).zip(INSTRUCTIONS).filter(has).map(|(_, name)| *name);
                let names: Vec<&str> = names.collect();
                writeln!(f, "      instructions: {}", names.join(" "))?;
            }
        }
        let same =
            before.is_some_and(|before| before.write == self.write && before.apply == self.apply);
        if same && !self.write.set.is_empty() {
            f.write_str("      (same actions)\n")
        } else if self.write != self.apply {
            f.write_str("      Write-Actions features:\n")?;
            self.write.print(f)?;
            f.write_str("      Apply-Actions features:\n")?;
            self.apply.print(f)
        } else if self.write != Actions::default() {
            f.write_str("      Write-Actions and Apply-Actions features:\n")?;
            self.write.print(f)
        } else {
            Ok(())
        }
    }
}

impl Actions {
    fn print(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names = ActionNames(self.actions);
        if !names.is_empty() {
            writeln!(f, "        actions: {names}")?;
        }
        if !self.set.is_empty() {
            writeln!(f, "        supported on Set-Field:{}", self.set)?;
        }
        Ok(())
    }
}

/// The instructions in the order of OVS.
const INSTRUCTIONS: &[&str] = &[
    "meter",
    "apply_actions",
    "clear_actions",
    "write_actions",
    "write_metadata",
    "goto_table",
];

/// The codes of these instructions (`OFPIT_*`).
const INSTRUCTION_CODES: &[u16] = &[6, 4, 5, 3, 2, 1];

fn codes(value: &TablePropertyValue) -> impl Iterator<Item = u16> {
    let codes: &[FeatureCode] = match value {
        TablePropertyValue::Codes(codes) => codes,
        _ => &[],
    };
    codes.iter().map(|code| code.code)
}

fn instruction_bits(value: &TablePropertyValue) -> u32 {
    let place = |code| INSTRUCTION_CODES.iter().position(|other| *other == code);
    codes(value)
        .filter_map(place)
        .fold(0, |bits, place| bits | 1 << place)
}

fn action_bits(value: &TablePropertyValue) -> u32 {
    let bits = codes(value)
        .filter(|code| *code < 32)
        .fold(0, |bits, code| bits | 1 << code);
    ActionNames(bits).known()
}

fn tables(value: &TablePropertyValue) -> Vec<u8> {
    let mut tables = match value {
        TablePropertyValue::Tables(tables) => tables.clone(),
        _ => Vec::new(),
    };
    tables.sort_unstable();
    tables.dedup();
    tables
}

fn fields(value: &TablePropertyValue) -> Fields {
    let mut fields = Fields::default();
    if let TablePropertyValue::Fields(headers) = value {
        for header in headers {
            if let Ok(Some(field)) = header.field() {
                fields.insert(field);
            }
        }
    }
    fields
}

/// Numbers in ascending order, as `1-3,5`.
struct Runs<'a>(&'a [u8]);

impl Display for Runs<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut comma = "";
        while let [first, ..] = rest {
            let counts = (*first..=u8::MAX)
                .zip(rest)
                .take_while(|(number, table)| number == *table);
            let run = counts.count();
            let (these, others) = rest.split_at(run);
            match these {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                _ => write!(f, "{comma}{first}")?,
            }
            comma = ",";
            rest = others;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_a_row_are_one_run_up_to_the_last_there_can_be() {
        assert_eq!(Runs(&[1, 2, 3, 5]).to_string(), "1-3,5");
        assert_eq!(Runs(&[3, 254, 255]).to_string(), "3,254-255");
        assert_eq!(Runs(&[]).to_string(), "");
    }
}
