//! Which of several agents with one host name speaks for the host.
//!
//! A cloned image has the name of the machine that it was cloned from. Two agents that both describe
//! "their" host would undo each other's rows for ever, and every other host would rebuild its tunnels
//! each time. So one run of an agent holds the name, by a token in the row of the host's state. A
//! second agent asks the holder, once, whether it is still there. A living holder answers at once; a
//! dead one does not, and the second agent replaces it. An agent that got an answer writes nothing
//! until the holder has been silent, or gone, for long: a host that is upgraded has its name back.

use std::time::{Duration, Instant};

use ovsdb::{Transaction, Uuid};

use crate::northbound::database::tables::{HostState, Northbound};
use crate::northbound::database::{identity, now};

/// How long a holder may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a holder that has answered may be silent before it is asked again; Neutron's.
const DOWN_TIME: Duration = Duration::from_secs(75);

/// This run of the agent, and what it knows of others with its name.
#[derive(Debug)]
pub(super) struct Seat {
    /// The token of this run; without random numbers there is none, and nobody is asked.
    token: Option<Uuid>,
    /// What another holder said last, and since when.
    heard: Option<(Said, Instant)>,
    /// Since when a holder that was heard is gone; it may be about to start again.
    left: Option<Instant>,
    /// When this run has asked the holder.
    asked: Option<Instant>,
    /// When to look again.
    look_at: Option<Instant>,
    /// Whether another run holds the name.
    is_taken: bool,
}

/// What changes in the row of a holder that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    session: Option<Uuid>,
    challenger: Option<Uuid>,
    alive_at: i64,
    answered: i64,
    nb_cfg: i64,
}

/// What is to be done about the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This run holds it.
    Hold,
    /// Another one does, or may: nothing is written.
    Wait,
    /// Nobody holds it any more: take it.
    Take,
    /// Ask the holder whether it is there.
    Ask,
    /// Answer another run that asks.
    Answer,
}

impl Seat {
    pub(super) fn new(token: Option<Uuid>) -> Self {
        Self {
            token,
            heard: None,
            left: None,
            asked: None,
            look_at: None,
            is_taken: false,
        }
    }

    /// When there may be something to do, if nothing changes.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// The time to look has come.
    pub(super) fn looked(&mut self) {
        self.look_at = None;
    }

    /// Whether another agent with this name holds it.
    pub(super) fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// What to do, by the row of the host's state.
    pub(super) fn look(&mut self, row: Option<&HostState>, now: Instant) -> Step {
        self.look_at = None;
        let step = self.decide(row, now);
        match step {
            Step::Hold | Step::Answer | Step::Take => {
                (self.heard, self.left, self.asked) = (None, None, None);
            }
            Step::Ask => self.asked = Some(now),
            Step::Wait => {}
        }
        self.is_taken = matches!(step, Step::Wait)
            && self.asked.is_none_or(|asked| asked + PATIENCE <= now)
            || matches!(step, Step::Wait | Step::Ask) && self.is_taken;
        step
    }

    fn decide(&mut self, row: Option<&HostState>, now: Instant) -> Step {
        let (Some(token), Some(row)) = (self.token, row) else {
            return match self.token {
                Some(_) => Step::Take,
                None => Step::Hold,
            };
        };
        if row.session == Some(token) {
            let is_asked = row.challenger.is_some_and(|other| other != token);
            return if is_asked { Step::Answer } else { Step::Hold };
        }
        // Nobody, or one that has said goodbye.
        if row.session.is_none() || row.alive_at == 0 {
            if self.heard.is_none() {
                return Step::Take;
            }
            // It is being upgraded, perhaps: the name is not for one that came second.
            let left = *self.left.get_or_insert(now);
            return match now.saturating_duration_since(left) >= DOWN_TIME {
                true => Step::Take,
                false => self.wait_until(left + DOWN_TIME),
            };
        }
        self.left = None;
        let said = Said {
            session: row.session,
            challenger: row.challenger,
            alive_at: row.alive_at,
            answered: row.answered,
            nb_cfg: row.nb_cfg,
        };
        let since = match self.heard {
            Some((before, since)) if before == said => since,
            _ => now,
        };
        self.heard = Some((said, since));
        match (row.challenger == Some(token), self.asked) {
            // No answer yet.
            (true, Some(asked)) => match now.saturating_duration_since(asked) >= PATIENCE {
                true => Step::Take,
                false => self.wait_until(asked + PATIENCE),
            },
            // The question is on its way, or was answered, or somebody else asked as well.
            (false, Some(asked)) if now.saturating_duration_since(asked) < PATIENCE => {
                self.wait_until(asked + PATIENCE)
            }
            (_, Some(_)) => match now.saturating_duration_since(since) >= DOWN_TIME {
                true => Step::Ask,
                false => self.wait_until(since + DOWN_TIME),
            },
            (_, None) => Step::Ask,
        }
    }

    fn wait_until(&mut self, time: Instant) -> Step {
        self.look_at = Some(time);
        Step::Wait
    }

    /// Adds what a step writes.
    pub(super) fn write(
        &self,
        step: Step,
        transaction: &mut Transaction<Northbound>,
        name: &str,
        row: Option<&HostState>,
    ) {
        let state = HostState::values();
        let state = match step {
            Step::Hold | Step::Wait => return,
            Step::Ask => state.set(HostState::challenger, self.token),
            Step::Answer => state
                .set(HostState::challenger, None::<Uuid>)
                .set(HostState::alive_at, now()),
            Step::Take => state
                .set(HostState::session, self.token)
                .set(HostState::challenger, None::<Uuid>)
                .set(HostState::alive_at, now()),
        };
        match row {
            Some(row) => {
                // Another may be faster.
                transaction.verify(row.uuid, HostState::session, &row.session);
                transaction.verify(row.uuid, HostState::challenger, &row.challenger);
                if step == Step::Take {
                    transaction.verify(row.uuid, HostState::alive_at, &row.alive_at);
                }
                transaction.update(row.uuid, state);
            }
            None => {
                transaction.insert(state.set(HostState::name, name));
            }
        }
    }

    /// Says goodbye, if this run holds the name.
    pub(super) fn leave(
        &self,
        transaction: &mut Transaction<Northbound>,
        rows: &Northbound,
        name: &str,
    ) {
        let row = rows.host_states.index().by_name.get(name);
        if let Some(row) = row.filter(|row| row.session == self.token) {
            transaction.verify(row.uuid, HostState::session, &row.session);
            let state = HostState::values()
                .set(HostState::alive_at, 0)
                .set(HostState::session, None::<Uuid>);
            transaction.update(row.uuid, state);
        }
    }
}

impl Default for Seat {
    fn default() -> Self {
        Self::new(identity::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The row in the database, and the agents that write it.
    struct Table {
        row: Option<HostState>,
        now: Instant,
        writes: usize,
    }

    impl Table {
        fn new() -> Self {
            Self {
                row: None,
                now: Instant::now(),
                writes: 0,
            }
        }

        /// One agent looks; what it does is in the row.
        fn look(&mut self, seat: &mut Seat) -> Step {
            let step = seat.look(self.row.as_ref(), self.now);
            let mut row = self.row.clone().unwrap_or_else(|| HostState {
                uuid: Uuid::nil(),
                name: "host2".to_owned(),
                nb_cfg: 0,
                alive_at: 1,
                started_at: 0,
                answered: 0,
                session: None,
                challenger: None,
                version: String::new(),
            });
            match step {
                Step::Hold | Step::Wait => return step,
                Step::Ask => row.challenger = seat.token,
                Step::Answer => (row.challenger, row.alive_at) = (None, row.alive_at + 1),
                Step::Take => (row.session, row.challenger) = (seat.token, None),
            }
            self.row = Some(row);
            self.writes += 1;
            step
        }

        /// The holder says that it is alive.
        fn beat(&mut self) {
            if let Some(row) = &mut self.row {
                row.alive_at += 1;
            }
        }
    }

    fn seat(token: u128) -> Seat {
        Seat::new(Some(Uuid::from_u128(token)))
    }

    #[test]
    fn who_was_there_first_holds_the_name_and_a_clone_writes_next_to_nothing() {
        let (mut table, mut first, mut clone) = (Table::new(), seat(1), seat(2));
        assert_eq!(table.look(&mut first), Step::Take);
        assert_eq!(table.look(&mut first), Step::Hold);
        assert_eq!(table.look(&mut clone), Step::Ask);
        assert_eq!(table.look(&mut first), Step::Answer);
        for second in 0..3600 {
            table.now += SECOND;
            if second % 30 == 0 {
                table.beat();
            }
            assert_eq!(table.look(&mut first), Step::Hold);
            assert_eq!(table.look(&mut clone), Step::Wait);
        }
        assert_eq!(table.writes, 3);
        assert!(clone.is_taken() && !first.is_taken());
    }

    #[test]
    fn an_agent_that_was_killed_is_replaced_in_a_moment() {
        let (mut table, mut killed, mut next) = (Table::new(), seat(1), seat(2));
        table.look(&mut killed);
        assert_eq!(table.look(&mut next), Step::Ask);
        table.now += SECOND;
        assert_eq!(table.look(&mut next), Step::Wait);
        assert!(!next.is_taken());
        table.now += PATIENCE;
        assert_eq!(table.look(&mut next), Step::Take);
        assert_eq!(table.look(&mut next), Step::Hold);
    }

    #[test]
    fn an_agent_that_said_goodbye_is_replaced_at_once() {
        let (mut table, mut next) = (Table::new(), seat(2));
        table.look(&mut seat(1));
        let row = table.row.as_mut().unwrap();
        (row.alive_at, row.session) = (0, None);
        assert_eq!(table.look(&mut next), Step::Take);
    }

    #[test]
    fn a_host_that_is_upgraded_has_its_name_back() {
        let (mut table, mut first, mut clone) = (Table::new(), seat(1), seat(2));
        table.look(&mut first);
        assert_eq!(table.look(&mut clone), Step::Ask);
        assert_eq!(table.look(&mut first), Step::Answer);
        assert_eq!(table.look(&mut clone), Step::Wait);
        let leave = |table: &mut Table| {
            let row = table.row.as_mut().unwrap();
            (row.alive_at, row.session) = (0, None);
        };
        leave(&mut table);
        table.now += PATIENCE;
        assert_eq!(table.look(&mut clone), Step::Wait);
        let mut again = seat(3);
        assert_eq!(table.look(&mut again), Step::Take);
        assert_eq!(table.look(&mut clone), Step::Wait);
        // One that does not come back is replaced.
        leave(&mut table);
        assert_eq!(table.look(&mut clone), Step::Wait);
        table.now += DOWN_TIME;
        assert_eq!(table.look(&mut clone), Step::Take);
    }

    #[test]
    fn a_holder_that_dies_later_is_replaced_when_it_has_been_silent_for_long() {
        let (mut table, mut first, mut clone) = (Table::new(), seat(1), seat(2));
        table.look(&mut first);
        table.look(&mut clone);
        table.look(&mut first);
        table.look(&mut clone);
        table.now += DOWN_TIME + SECOND;
        assert_eq!(table.look(&mut clone), Step::Ask);
        table.now += PATIENCE;
        assert_eq!(table.look(&mut clone), Step::Take);
        // Should the first be back, it is told by the row that it is not the holder any more.
        assert_eq!(table.look(&mut first), Step::Ask);
        assert_eq!(table.look(&mut clone), Step::Answer);
        table.now += PATIENCE;
        assert_eq!(table.look(&mut first), Step::Wait);
        assert!(first.is_taken());
    }
}
