//! Waiting for a time that there may not be.

use std::future;
use std::time::Instant;

use tokio::time::sleep_until;

/// Waits for a time, or for ever where there is none.
pub(crate) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => future::pending().await,
    }
}
