//! Names of ports and tables, as a switch's description gives them.
//!
//! Text shows numbers unless it is given names: what is compared or sent back must not change when
//! a port is renamed.

use std::collections::BTreeMap;
use std::fmt;

use crate::field::PortNo;

/// What the ports and tables of one switch are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    ports: BTreeMap<PortNo, String>,
    tables: BTreeMap<u8, String>,
}

impl Names {
    /// Names for nothing: everything is shown as a number.
    pub const NONE: Self = Self {
        ports: BTreeMap::new(),
        tables: BTreeMap::new(),
    };

    /// Calls `port` `name`.
    pub fn name_port(&mut self, port: PortNo, name: impl Into<String>) {
        self.ports.insert(port, name.into());
    }

    /// Calls `table` `name`.
    pub fn name_table(&mut self, table: u8, name: impl Into<String>) {
        self.tables.insert(table, name.into());
    }

    /// The text of a port: its name, or its number.
    #[must_use]
    pub fn port(&self, port: PortNo) -> impl fmt::Display {
        match self.ports.get(&port) {
            Some(name) => Name::Named(name),
            // `ovs-ofctl` knows reserved numbers without a meaning by their 16 bits.
            None if port >= PortNo::MAX && port.name().is_none() => {
                Name::Number(PortNo(port.0 & 0xffff))
            }
            None => Name::Number(port),
        }
    }

    /// The port that is called `name`.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<PortNo> {
        let mut named = self.ports.iter().filter(|(_, other)| *other == name);
        named.next().map(|(port, _)| *port)
    }

    /// The table that is called `name`.
    #[must_use]
    pub fn table_named(&self, name: &str) -> Option<u8> {
        let mut named = self.tables.iter().filter(|(_, other)| *other == name);
        named.next().map(|(table, _)| *table)
    }

    /// Whether `table` has a name.
    #[must_use]
    pub fn has_table(&self, table: u8) -> bool {
        self.tables.contains_key(&table)
    }

    /// The text of a table: its name, or its number.
    #[must_use]
    pub fn table(&self, table: u8) -> impl fmt::Display {
        match self.tables.get(&table) {
            Some(name) => Name::Named(name),
            None => Name::Number(table),
        }
    }
}

/// What is written with the names of a switch, if it holds ports or tables.
pub(crate) trait Text {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Names {
    /// `value`, to be written with these names.
    pub(crate) const fn show<'a, T: ?Sized>(&'a self, value: &'a T) -> Shown<'a, T> {
        Shown { value, names: self }
    }
}

/// A value with the names to write it with.
pub(crate) struct Shown<'a, T: ?Sized> {
    value: &'a T,
    names: &'a Names,
}

impl<T: Text + ?Sized> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.text(self.names, f)
    }
}

enum Name<'a, T> {
    Named(&'a str),
    Number(T),
}

impl<T: fmt::Display> fmt::Display for Name<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As `ovs-ofctl`: what could be taken for something else stands in quotes.
            Self::Named(name) if is_plain(name) => f.write_str(name),
            Self::Named(name) => write!(f, "{name:?}"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Whether `name` starts with a letter and goes on with letters and digits.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}
