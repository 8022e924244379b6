//! The environment's clock: the machine's, or one that was set.

use jiff::{SignedDuration, Timestamp};

/// Tells the simulation's time. With `--now` it starts there and runs at the machine's speed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulationClock {
    ahead_of_machine: SignedDuration,
}

impl SimulationClock {
    /// A clock that shows `now` at this moment, or the machine's time without it.
    pub(crate) fn starting_at(now: Option<Timestamp>) -> Self {
        let ahead_of_machine = now.map_or(SignedDuration::ZERO, |now| now.duration_since(Timestamp::now()));
        Self { ahead_of_machine }
    }

    /// The simulation's time.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead_of_machine).unwrap_or(Timestamp::MAX)
    }

    /// How long to sleep until the simulation's clock shows `instant`; zero when that is past.
    pub(crate) fn until(self, instant: Timestamp) -> std::time::Duration {
        std::time::Duration::try_from(instant.duration_since(self.now())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_starts_where_it_was_set_and_runs_on() {
        let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let clock = SimulationClock::starting_at(Some(start));
        let shown = clock.now();
        assert!(shown >= start && shown < start + SignedDuration::from_secs(60), "{shown}");
        assert_eq!(clock.until(start - SignedDuration::from_secs(1)), std::time::Duration::ZERO);
    }
}
