//! How often and how long something is tried.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::time::Instant;

use super::Cluster;
use super::exchange::{Answer, Call, Trouble};

/// How hard an API server is worked, and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Requests at the same time.
    pub concurrency: usize,
    /// How long one object is tried again when the trouble may go away by itself.
    pub patience: Duration,
    /// The wait after a first failure. Each further one is twice as long …
    pub first_wait: Duration,
    /// … but no longer than this.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            concurrency: 32,
            patience: Duration::from_secs(60),
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(3),
        }
    }
}

impl Pace {
    /// The wait after so many failures in a row, between half of it and all of it: by `whose` it is, so that those who failed
    /// together do not come back together.
    fn wait(&self, failures: u32, whose: &str) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures));
        let mut hasher = DefaultHasher::new();
        (whose, failures).hash(&mut hasher);
        let part = (hasher.finish() % 1024) as f64 / 1023.0;
        doubled.min(self.longest_wait).mul_f64(0.5 + part / 2.0)
    }

    /// Tries `attempt` until it succeeds, until it fails for good (as `may_pass` says), or until the patience is over.
    ///
    /// `waiting` hears of each failure that is tried again.
    pub(crate) async fn persist<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        whose: &str,
        may_pass: impl Fn(&Trouble) -> bool,
        waiting: impl Fn(&Trouble),
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Trouble> {
        let begun = Instant::now();
        let mut failures = 0;
        loop {
            let trouble = match attempt().await {
                Ok(done) => return Ok(done),
                Err(trouble) => trouble,
            };
            let wait = trouble.retry_after.unwrap_or(Duration::ZERO).max(self.wait(failures, whose));
            if !may_pass(&trouble) || begun.elapsed() + wait > self.patience {
                return Err(trouble);
            }
            waiting(&trouble);
            failures = failures.saturating_add(1);
            tokio::time::sleep(wait).await;
        }
    }
}

impl Cluster {
    /// Asks until there is an answer, and says nothing meanwhile.
    pub(crate) async fn insist(&self, call: &Call, pace: &Pace) -> Result<Answer, Trouble> {
        pace.persist("", Trouble::may_pass, |_| {}, || self.call(call)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::TroubleKind;
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_differ() {
        let pace = Pace::default();
        for (failures, milliseconds) in [(0, 100), (1, 200), (4, 1_600), (5, 3_000), (100, 3_000)] {
            let whole = Duration::from_millis(milliseconds);
            let waits: Vec<Duration> =
                (0..20).map(|whose: u32| pace.wait(failures, &whose.to_string())).collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}: {waits:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_names_a_wait_gets_it_and_patience_ends() {
        let trouble = |seconds| Trouble {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Trouble::new(TroubleKind::Busy, "busy")
        };
        let begun = Instant::now();
        let mut tries = 0;
        let outcome = Pace::default()
            .persist(
                "a",
                Trouble::may_pass,
                |_| {},
                || {
                    tries += 1;
                    let done = tries == 3;
                    async move { if done { Ok(()) } else { Err(trouble(2)) } }
                },
            )
            .await;
        assert_eq!((outcome, begun.elapsed()), (Ok(()), Duration::from_secs(4)));
        let outcome: Result<(), Trouble> =
            Pace::default().persist("a", Trouble::may_pass, |_| {}, || async move { Err(trouble(25)) }).await;
        assert_eq!((outcome, begun.elapsed()), (Err(trouble(25)), Duration::from_secs(4 + 50)));
    }
}
