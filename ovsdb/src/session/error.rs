//! Why a session cannot go on.

use std::time::Duration;

use crate::jsonrpc::ProtocolError;
use crate::replica::UpdateError;
use crate::schema::SchemaMismatch;
use crate::transaction::OperationError;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The server broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// An update cannot be applied; the replica is as before.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The declared tables do not fit the server's schema.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// The server refused a request that the session cannot do without.
    #[error("{method} refused: {error}")]
    Refused {
        /// The request.
        method: &'static str,
        /// What the server says.
        error: OperationError,
    },
    /// The parameters of a notification or the result of a request are not as the RFC has them.
    #[error("malformed {what}: {error}")]
    Malformed {
        /// Which message.
        what: &'static str,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A request has no JSON form.
    #[error("a request without a JSON form: {0}")]
    Unsendable(serde_json::Error),
    /// An update for a monitor that is not there.
    #[error("an update of a monitor that was not confirmed")]
    Untimely,
    /// The server does not serve the database.
    #[error("the server does not serve {database}")]
    NoDatabase {
        /// The database.
        database: String,
    },
    /// The server has lost its cluster, or a relay its source.
    #[error("the server of {database} is cut off from its cluster")]
    CutOff {
        /// The database.
        database: String,
    },
    /// The server does not lead the cluster, and only the leader will do.
    #[error("the server does not lead the cluster of {database}")]
    NotLeader {
        /// The database.
        database: String,
    },
    /// The server's log is behind that of a server followed before; to follow this one would be
    /// to go back in time.
    #[error("the server of {database} is stale: index {index} after {seen}")]
    Stale {
        /// The database.
        database: String,
        /// The server's index.
        index: u64,
        /// The greatest index seen.
        seen: u64,
    },
    /// The server has been silent for too long.
    #[error("no answer for {} s", .0.as_secs_f32())]
    Silent(Duration),
}
