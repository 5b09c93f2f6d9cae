//! Looks the packet up again.

use std::fmt;

use crate::declare::wire_struct;
use crate::field::PortNo;
use crate::names::{Names, Text};

/// In 16 bits: the port that the packet came from.
const IN_PORT: u16 = 0xfff8;

/// Not a table: the one that the action stands in.
const SAME_TABLE: u8 = 0xff;

wire_struct! {
    /// Looks the packet up in a table, and comes back (`NXAST_RESUBMIT_TABLE`).
    ///
    /// ```
    /// # use openflow::action::Resubmit;
    /// assert_eq!(Resubmit::to(92).to_string(), "resubmit(,92)");
    /// ```
    pub struct Resubmit {
        /// The port to take the packet as coming from, in 16 bits.
        port: u16;
        /// The table, or 255 for the one that the action stands in.
        table: u8, zero 3;
    }
}

impl Resubmit {
    /// Looks the packet up in `table`, as coming from where it came from.
    #[must_use]
    pub const fn to(table: u8) -> Self {
        Self {
            port: IN_PORT,
            table,
        }
    }
}

wire_struct! {
    /// Looks the packet up in the same table, as coming from another port (`NXAST_RESUBMIT`).
    pub struct ResubmitPort {
        /// The port, in 16 bits.
        port: u16, pad 4;
    }
}

wire_struct! {
    /// [`Resubmit`] with the addresses and ports of the connection's first packet
    /// (`NXAST_RESUBMIT_TABLE_CT`).
    pub struct ResubmitCt {
        /// The port to take the packet as coming from, in 16 bits.
        port: u16;
        /// The table, or 255 for the one that the action stands in.
        table: u8, zero 3;
    }
}

impl Text for Resubmit {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        resubmit(self.port, self.table, "", names, f)
    }
}

impl Text for ResubmitPort {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        resubmit(self.port, SAME_TABLE, "", names, f)
    }
}

impl Text for ResubmitCt {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        resubmit(self.port, self.table, ",ct", names, f)
    }
}

fn resubmit(
    port: u16,
    table: u8,
    ct: &str,
    names: &Names,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let named = names.port(PortNo::from_16(port));
    if port != IN_PORT && table == SAME_TABLE {
        return write!(f, "resubmit:{named}");
    }
    f.write_str("resubmit(")?;
    if port != IN_PORT {
        write!(f, "{named}")?;
    }
    f.write_str(",")?;
    if table != SAME_TABLE {
        write!(f, "{}", names.table(table))?;
    }
    write!(f, "{ct})")
}
