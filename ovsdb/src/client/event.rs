//! What a client tells its application.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::remote::Remote;
use crate::replica::Database;
use crate::schema::SchemaMismatch;

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<D: Database> {
    /// The replica holds the whole database and follows it. If rows differ from what was there
    /// before, an [`Event::Changed`] with the differences came just before.
    Connected {
        /// The server.
        remote: Remote,
    },
    /// Rows changed, from one consistent state to another.
    Changed(Step<D>),
    /// The replica no longer follows the database. It stays as it is until the next connection.
    Disconnected(Disconnection),
}

/// One step from a consistent state to the next. It is one transaction of the server, or several
/// if the application or the connection was too slow to see them one by one.
#[derive(Clone, Debug)]
pub struct Step<D: Database> {
    /// What changed.
    pub changes: D::Changes,
    /// All rows after the step.
    pub tables: Arc<D>,
}

/// Why a connection ended or did not come about.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnection {
    /// The schema lacks something that is declared.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
}

/// The events of a client, in order.
///
/// An application that is slow to take them sees several steps merged into one, so that they
/// never pile up.
#[derive(Debug)]
pub struct Events<D> {
    of: PhantomData<D>,
}

impl<D: Database> Events<D> {
    pub(super) fn new() -> Self {
        Self { of: PhantomData }
    }

    /// The next event; `None` once every [`Client`](crate::Client) is gone.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event<D>> {
        std::future::pending().await
    }
}
