//! JSON-RPC 1.0 over a byte stream, as OVSDB and the control sockets of Open vSwitch speak it.
//!
//! Messages follow each other without any framing (RFC 7047, section 4.1, defers to JSON-RPC 1.0
//! for the stream). [`Framer`] finds where each ends, [`Message`] is one of them,
//! and [`Connection`] pairs requests with replies and notices when the other side falls silent.
//! Nothing here knows a socket or a clock.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

mod connection;
mod framer;

pub use connection::{Connection, Incoming, RequestId};
pub use framer::{FrameError, Framer};

/// One message.
#[derive(Clone, Debug)]
pub enum Message {
    /// Asks for something.
    Request {
        /// Chosen by the sender; the reply carries it back. Any JSON but null.
        id: Box<RawValue>,
        /// What to do.
        method: String,
        /// With what: an array.
        params: Box<RawValue>,
    },
    /// Tells something; nobody replies.
    Notification {
        /// What it is about.
        method: String,
        /// The rest: an array.
        params: Box<RawValue>,
    },
    /// Answers a request.
    Reply {
        /// The request's.
        id: Box<RawValue>,
        /// The result, or the error; either is any JSON.
        outcome: Result<Box<RawValue>, Box<RawValue>>,
    },
}

/// The other side broke the protocol; the connection is of no further use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The bytes are no sequence of JSON objects, or one is too long.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message is no JSON, or a member has the wrong type.
    #[error("malformed message: {0}")]
    Json(#[from] serde_json::Error),
    /// A message lacks a member, or has members that exclude each other.
    #[error("malformed message: {0}")]
    Members(&'static str),
    /// A reply to a request that was never sent.
    #[error("reply with the unknown id {0}")]
    UnknownReply(String),
    /// Requests keep coming, but their replies cannot be sent. Reading on would need more and
    /// more memory; to wait instead could be for ever, as the other side may wait, too.
    #[error("requests keep coming while {bytes} bytes of replies are not read")]
    RepliesUnread {
        /// How much waits to be sent.
        bytes: usize,
    },
}

impl Message {
    /// Reads one message.
    ///
    /// Servers leave out members that would be null, or write the null; both are accepted.
    ///
    /// # Errors
    ///
    /// The bytes are no JSON object with the members of a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(borrow, default)]
            id: Option<&'a RawValue>,
            #[serde(default)]
            method: Option<String>,
            #[serde(borrow, default)]
            params: Option<&'a RawValue>,
            #[serde(borrow, default)]
            result: Option<&'a RawValue>,
            #[serde(borrow, default)]
            error: Option<&'a RawValue>,
        }

        let members: Members<'_> = serde_json::from_slice(bytes)?;
        let Some(method) = members.method else {
            let id = members
                .id
                .ok_or(ProtocolError::Members("neither method nor id"))?;
            return Ok(Self::Reply {
                id: id.to_owned(),
                outcome: match members.error {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(members.result.unwrap_or(RawValue::NULL).to_owned()),
                },
            });
        };
        if members.result.is_some() || members.error.is_some() {
            return Err(ProtocolError::Members(
                "a method together with a result or an error",
            ));
        }
        let params = members
            .params
            .ok_or(ProtocolError::Members("a method without params"))?;
        if !params.get().starts_with('[') {
            return Err(ProtocolError::Members("params that are no array"));
        }
        let params = params.to_owned();
        Ok(match members.id {
            Some(id) => Self::Request {
                id: id.to_owned(),
                method,
                params,
            },
            None => Self::Notification { method, params },
        })
    }

    /// The message as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Call<'a> {
            method: &'a str,
            params: &'a RawValue,
            id: Option<&'a RawValue>,
        }

        #[derive(Serialize)]
        struct Answer<'a> {
            result: Option<&'a RawValue>,
            error: Option<&'a RawValue>,
            id: &'a RawValue,
        }

        let json = match self {
            Self::Request { id, method, params } => serde_json::to_string(&Call {
                method,
                params,
                id: Some(id),
            }),
            Self::Notification { method, params } => serde_json::to_string(&Call {
                method,
                params,
                id: None,
            }),
            Self::Reply { id, outcome } => serde_json::to_string(&Answer {
                result: outcome.as_ref().ok().map(AsRef::as_ref),
                error: outcome.as_ref().err().map(AsRef::as_ref),
                id,
            }),
        };
        // Text and JSON that is already JSON always have a JSON form.
        json.unwrap_or_default()
    }
}

/// Turns a value into JSON, for the parameters and results of messages.
///
/// # Errors
///
/// The value has no JSON form, such as a map whose keys are no text.
pub fn to_json(value: &impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(value)
}

#[cfg(test)]
mod tests;
