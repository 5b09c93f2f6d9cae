//! Waiting for something that will happen, with an end to it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

/// How long anything may take before it counts as failed.
///
/// Long enough for two busy cores that emulate a kernel of their own: nothing waits that long unless
/// something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How often [`wait_for`] looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `happened` gives a value.
///
/// For what offers no event to wait for: a file that appears, a process that ends.
///
/// # Errors
///
/// After `limit`, and when `happened` fails.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut happened: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = happened()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("{what}: not within {limit:?}");
        }
        thread::sleep(PAUSE);
    }
}
