//! How long things may take.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The times of a watch.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a watch lasts before the API server is asked for the next one, in whole seconds. A connection that died
    /// without a word is noticed some seconds later.
    pub watch: Duration,
    /// How long connecting may take, and how long the API server may be silent beyond the end of a watch.
    pub grace: Duration,
    /// The wait after a failure. Each further one is twice as long…
    pub first_wait: Duration,
    /// … but no longer than this.
    pub longest_wait: Duration,
    /// Objects in an answer, at most, when everything is listed.
    pub page: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            watch: Duration::from_secs(120),
            grace: Duration::from_secs(10),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
            page: 500,
        }
    }
}

impl Pace {
    /// The wait after so many failures in a row, between half of it and all of it at random: all who lost the same API
    /// server must not come back together.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures));
        let whole = doubled.min(self.longest_wait);
        // Seeded anew by the system each time.
        let random = RandomState::new().hash_one(failures);
        whole.mul_f64(0.5 + random as f64 / u64::MAX as f64 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_differ() {
        let pace = Pace::default();
        for (failures, milliseconds) in [(0, 500), (1, 1_000), (4, 8_000), (5, 10_000), (100, 10_000)] {
            let whole = Duration::from_millis(milliseconds);
            let waits: Vec<Duration> = (0..20).map(|_| pace.wait(failures)).collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}: {waits:?}");
        }
    }
}
