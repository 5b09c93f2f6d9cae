//! Steers how actions themselves run: copies of a packet, early ends, and what OVS tests itself
//! with.

use std::fmt;

use super::{Action, words};
use crate::names::{Names, Text};
use crate::wire::{DecodeError, Reader, Wire, Writer};

/// Runs actions on a copy of the packet (`NXAST_CLONE`).
///
/// What they change is forgotten afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloneActions {
    /// The actions.
    pub actions: Vec<Action>,
}

impl Wire for CloneActions {
    fn encode(&self, out: &mut Writer) {
        out.zeros(6);
        self.actions.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.skip(6)?;
        Ok(Self {
            actions: Wire::decode(input)?,
        })
    }
}

impl Text for CloneActions {
    fn text(&self, names: &Names, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clone({})", names.show(self.actions.as_slice()))
    }
}

words! {
    /// Ends the actions, those that called this table by `resubmit` included (`NXAST_EXIT`).
    Exit = "exit";
    /// Sends the packet through the slow path; only in a switch under test (`NXAST_DEBUG_SLOW`).
    DebugSlow = "debug_slow";
    /// Recirculates the packet; only in a switch under test (`NXAST_DEBUG_RECIRC`).
    DebugRecirc = "debug_recirc";
}
