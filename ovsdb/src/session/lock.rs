//! Locks (RFC 7047, sections 4.1.8 to 4.1.10): at most one client of a server holds each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{SessionError, read};
use crate::transaction::OperationError;

/// The locks that a session has asked for. A server refuses to be asked twice for the same one, or
/// to take back one that it was not asked for.
#[derive(Debug, Default)]
pub(super) struct Locks {
    held: BTreeMap<String, bool>,
}

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockRequest {
    Lock,
    Steal,
    Unlock,
}

impl LockRequest {
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Steal => "steal",
            Self::Unlock => "unlock",
        }
    }
}

impl Locks {
    /// Notes that a lock is wanted. Returns whether that is new.
    pub(super) fn request(&mut self, name: &str) -> bool {
        let new = !self.held.contains_key(name);
        if new {
            self.held.insert(name.to_owned(), false);
        }
        new
    }

    /// Whether a lock is wanted and not held.
    pub(super) fn is_awaited(&self, name: &str) -> bool {
        self.held.get(name) == Some(&false)
    }

    /// Notes that a lock is no longer wanted. Returns whether it was held, or `None` if it was not
    /// wanted.
    pub(super) fn release(&mut self, name: &str) -> Option<bool> {
        self.held.remove(name)
    }

    /// Learns the server's answer. Returns whether the lock is held, if that is new.
    pub(super) fn handle_reply(
        &mut self,
        name: &str,
        request: LockRequest,
        outcome: Result<Box<RawValue>, OperationError>,
    ) -> Result<Option<bool>, SessionError> {
        #[derive(Deserialize)]
        struct Locked {
            locked: bool,
        }

        let method = request.method();
        let outcome = outcome.map_err(|error| SessionError::Refused { method, error })?;
        if request == LockRequest::Unlock {
            return Ok(None);
        }
        let Locked { locked } = read("reply to lock", &outcome)?;
        Ok(self.set(name, locked))
    }

    /// Learns that a lock was gained or stolen. Returns whether it is held, if that is new.
    pub(super) fn handle_notification(&mut self, name: &str, locked: bool) -> Option<bool> {
        self.set(name, locked)
    }

    fn set(&mut self, name: &str, locked: bool) -> Option<bool> {
        // A lock that was given back meanwhile is nobody's business.
        let held = self.held.get_mut(name)?;
        (std::mem::replace(held, locked) != locked).then_some(locked)
    }
}
