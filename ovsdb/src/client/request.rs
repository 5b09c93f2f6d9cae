//! Requests of handles on their way through the task.

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::task::answer;
use crate::operation::Operation;
use crate::transaction::{Outcome, TransactError};

/// A request, and who waits for its reply until when.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) call: Call,
    pub(super) deadline: Instant,
    pub(super) reply: Reply,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Call {
    Transact(Vec<Operation>),
    Other {
        method: String,
        params: Box<RawValue>,
    },
}

/// Who waits for the reply.
#[derive(Debug)]
pub(super) enum Reply {
    Outcome {
        operations: usize,
        reply: oneshot::Sender<Result<Outcome, TransactError>>,
    },
    Raw(oneshot::Sender<Result<Box<RawValue>, TransactError>>),
}

impl Reply {
    /// Answers the handle, which may have stopped waiting.
    pub(super) fn answer(self, result: Result<Box<RawValue>, TransactError>) {
        match self {
            Self::Outcome { operations, reply } => {
                answer(
                    reply,
                    result.and_then(|result| Outcome::read(&result, operations)),
                );
            }
            Self::Raw(reply) => answer(reply, result),
        }
    }

    /// Whether the handle has stopped waiting.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Outcome { reply, .. } => reply.is_closed(),
            Self::Raw(reply) => reply.is_closed(),
        }
    }
}
