//! What the connection tracker says of a packet, in the terms that the firewall decides by.

use openflow::field::CtState;

use crate::table::State;

const fn state(set: CtState, clear: CtState) -> State {
    State {
        value: set,
        mask: set.union(clear),
    }
}

const NONE: CtState = CtState::empty();

/// It has not been tracked.
pub(super) const UNTRACKED: State = state(NONE, CtState::TRK);
/// It has been tracked.
pub(super) const TRACKED: State = state(CtState::TRK, NONE);
/// It belongs to no connection and cannot open one.
pub(super) const INVALID: State = state(CtState::INV.union(CtState::TRK), NONE);
/// It opens a connection.
pub(super) const NEW: State = state(CtState::NEW, CtState::EST);
/// It opens no connection: it has not been tracked, or belongs to one.
pub(super) const NOT_NEW: State = state(NONE, CtState::NEW);
/// It belongs to a connection.
pub(super) const ESTABLISHED: State = state(CtState::EST, NONE);
/// It belongs to no connection.
pub(super) const NOT_ESTABLISHED: State = state(NONE, CtState::EST);
/// It goes the way that the connection was opened in.
pub(super) const FORWARD: State = state(CtState::EST, CtState::REL.union(CtState::RPL));
/// It goes the other way.
pub(super) const REPLY: State = state(CtState::EST.union(CtState::RPL), CtState::REL);
/// It comes from outside a connection and is about it, as an ICMP error is.
pub(super) const RELATED: State = state(
    CtState::REL,
    CtState::NEW.union(CtState::EST).union(CtState::INV),
);

/// It opens a connection that another one has announced.
pub(super) const NEW_RELATED: State = state(
    CtState::NEW.union(CtState::REL),
    CtState::EST.union(CtState::INV),
);
/// It belongs to a connection that another one has announced, whichever way it goes.
pub(super) const ESTABLISHED_RELATED: State = state(
    CtState::EST.union(CtState::REL),
    CtState::NEW.union(CtState::INV),
);

/// The mark of connections that were accepted once and no longer are.
pub(super) const CUT: u32 = 1;
/// The mark of all others.
pub(super) const NOT_CUT: u32 = 0;
