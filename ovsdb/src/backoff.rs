//! How long to wait before the next attempt to connect.
//!
//! The wait doubles with each failure. A random part keeps many clients that lost the same server
//! at the same moment from coming back at the same moment.

use std::time::Duration;

/// The wait between attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    shortest: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits from `shortest` to `longest`.
    #[must_use]
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            failures: 0,
        }
    }

    /// Starts anew, after a connection that worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait: between half of it and all of it, as `random` has it.
    pub(crate) fn next(&mut self, random: u32) -> Duration {
        let factor = 1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let whole = self.shortest.saturating_mul(factor).min(self.longest);
        let part = f64::from(random) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + 0.5 * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_anew() {
        let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(8));
        let mut backoff = Backoff::new(shortest, longest);
        for whole in [100, 200, 400, 800, 1600, 3200, 6400, 8000, 8000] {
            assert_eq!(backoff.next(u32::MAX), Duration::from_millis(whole));
        }
        assert_eq!(backoff.next(0), longest / 2);
        backoff.reset();
        assert_eq!(backoff.next(0), shortest / 2);
    }
}
