//! How long things may take.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The times of sending.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// One try.
    pub timeout: Duration,
    /// The wait before the second try. Each further one is twice as long…
    pub first_wait: Duration,
    /// … but no longer than this.
    pub longest_wait: Duration,
    /// A scrape that could not be sent for so long is dropped. Backends refuse old points anyway.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            patience: Duration::from_secs(5 * 60),
        }
    }
}

impl Pace {
    /// The wait after so many failures in a row, between half of it and all of it at random: several senders must not
    /// come back together.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures));
        let whole = doubled.min(self.longest_wait);
        // Seeded anew by the system each time.
        let random = RandomState::new().hash_one(failures);
        #[allow(clippy::cast_precision_loss, reason = "random enough")]
        let fraction = random as f64 / u64::MAX as f64;
        whole.mul_f64(0.5 + fraction / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_differ() {
        let pace = Pace::default();
        for (failures, seconds) in [(0, 1), (1, 2), (4, 16), (5, 30), (100, 30)] {
            let whole = Duration::from_secs(seconds);
            let waits: Vec<Duration> = (0..20).map(|_| pace.wait(failures)).collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}: {waits:?}");
        }
    }
}
