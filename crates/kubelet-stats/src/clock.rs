//! Instants as whole seconds, and the looks back that a kubelet takes.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Whole seconds since the epoch.
pub(crate) fn seconds(time: &Time) -> i64 {
    time.0.as_second()
}

/// The instant of that second.
pub(crate) fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// The span over which a kubelet averages `usageNanoCores`.
pub(crate) const SAMPLE_WINDOW: i64 = 10;

/// How far back each of the [`Looks`] is: now, the sample window, the other windows of pressure stall
/// information, and that of the longest load average.
pub(crate) const LOOKS: [i64; 5] = [0, SAMPLE_WINDOW, 60, 300, 900];

/// By how much an integral grew. A counter has 64 bits, as in a kubelet.
pub(crate) fn grown(from: i128, to: i128) -> u64 {
    u64::try_from((to - from).max(0)).unwrap_or(u64::MAX)
}

/// A counter now and at each look back. Before its start a counter is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks(pub(crate) [u64; LOOKS.len()]);

impl Looks {
    /// The counter that begins at `start`, seen at `t`, where `total` is its integral since some earlier
    /// instant.
    pub(crate) fn of(t: i64, start: i64, total: impl Fn(i64) -> i128) -> Self {
        let zero = total(start);
        Self(LOOKS.map(|back| grown(zero, total((t - back).max(start)))))
    }

    /// The counter now.
    pub(crate) fn now(&self) -> u64 {
        self.0[0]
    }

    /// How much it grew over the sample window.
    pub(crate) fn recent(&self) -> u64 {
        self.0[0] - self.0[1]
    }

    /// The same of each look.
    pub(crate) fn map(self, f: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(f))
    }

    /// Adds another counter.
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(more);
        }
    }
}
