//! What happens at regular intervals.

use super::span::{Seconds, Span};

/// Moments at a fixed distance, before and after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recurrence {
    /// Number zero.
    pub(crate) first: Seconds,
    /// From one to the next, more than zero.
    pub(crate) period: Seconds,
}

impl Recurrence {
    /// The number of the last moment that is not after `at`, until the next one.
    pub(crate) fn latest(&self, at: Seconds) -> Span<i64> {
        let number = (at - self.first).div_euclid(self.period);
        let since = self.moment(number);
        Span { value: number, since, until: since + self.period }
    }

    /// When the `number`-th moment is.
    pub(crate) fn moment(&self, number: i64) -> Seconds {
        self.first + number * self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_moment_is_not_after_the_instant() {
        let recurrence = Recurrence { first: 100, period: 60 };
        for (at, number, since) in
            [(100, 0, 100), (159, 0, 100), (160, 1, 160), (99, -1, 40), (1_000, 15, 1_000)]
        {
            let latest = recurrence.latest(at);
            assert_eq!((latest.value, latest.since, latest.until), (number, since, since + 60), "at {at}");
            assert_eq!(recurrence.moment(number), since);
        }
    }
}
