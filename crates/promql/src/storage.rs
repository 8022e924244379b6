//! Where the evaluator gets its samples.

use std::fmt;
use std::ops::ControlFlow;

use labels::{Labels, Matcher};

/// What a selector asks of the storage.
#[derive(Clone)]
pub struct SelectRequest<'a> {
    /// All must hold.
    pub matchers: &'a [Matcher],
    /// First millisecond of interest, inclusive.
    pub start_ms: i64,
    /// Last millisecond of interest, inclusive.
    pub end_ms: i64,
    /// Where set, only the newest sample at or before each of these instants is looked at: a storage may leave out the
    /// others.
    pub newest_at: Option<Instants>,
    /// A storage that searches for long asks this now and then, and ends the walk once it says `true`; what it has
    /// visited until then is ignored.
    pub give_up: &'a dyn Fn() -> bool,
}

impl fmt::Debug for SelectRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelectRequest")
            .field("matchers", &self.matchers)
            .field("start_ms", &self.start_ms)
            .field("end_ms", &self.end_ms)
            .field("newest_at", &self.newest_at)
            .finish_non_exhaustive()
    }
}

/// Evenly spaced instants from a first one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// The first, milliseconds since the epoch.
    pub first_ms: i64,
    /// Milliseconds from one to the next, at least 1.
    pub step_ms: i64,
}

/// One series' samples inside the requested time, as the storage lends them: valid during one visit only.
#[derive(Clone, Copy, Debug)]
pub struct SeriesRef<'a> {
    /// The series' labels, with its metric name.
    pub labels: &'a Labels,
    /// Milliseconds since the epoch, strictly ascending.
    pub timestamps: &'a [i64],
    /// One value for each timestamp. A series that ended has [`stale_nan`] as its last value.
    pub values: &'a [f64],
}

/// Why the storage could not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// A store of series.
pub trait Storage: Send + Sync {
    /// Calls `visit` once for each series that satisfies all matchers and has samples in the requested time, in
    /// ascending order of labels. The visitor may stop the walk.
    ///
    /// # Errors
    /// When the storage cannot answer.
    fn select(
        &self,
        request: &SelectRequest<'_>,
        visit: &mut dyn FnMut(SeriesRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;
}

/// The bits of Prometheus' stale marker: a NaN that no arithmetic produces.
const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The stale marker: "this series ended here".
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `value` is the stale marker (and not an ordinary NaN).
pub fn is_stale_nan(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}
