//! The outcomes of writing.

use crate::SeriesId;

/// What became of an accepted sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is the newest of its series.
    Appended,
    /// It was put in its place among older samples of its series.
    OutOfOrder,
    /// The series has this very sample already; nothing changed.
    Duplicate,
}

/// Why a sample was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum AppendError {
    /// The sample is older than what the store still accepts for its series.
    #[error("sample at {timestamp_ms} ms is too old: nothing before {oldest_ms} ms is accepted")]
    TooOld {
        /// The sample's time.
        timestamp_ms: i64,
        /// The oldest time that would have been accepted.
        oldest_ms: i64,
    },
    /// The series has another value at that time.
    #[error("duplicate sample at {timestamp_ms} ms: value {stored} is stored, {refused} was refused")]
    DuplicateSample {
        /// The samples' time.
        timestamp_ms: i64,
        /// The value that the store keeps.
        stored: f64,
        /// The value that came later.
        refused: f64,
    },
    /// The series was dropped by retention: intern its labels again.
    #[error("the series is no longer in the store")]
    UnknownSeries,
}

/// Why a whole batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("sample {index} of the batch: {error}")]
pub struct BatchError {
    /// Which sample of the batch, from 0: the first in its order that is refused.
    pub index: usize,
    /// The sample's series.
    pub series: SeriesId,
    /// What is wrong with it.
    #[source]
    pub error: AppendError,
}

/// Why a label set was not made a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InternError {
    /// The store has as many series as it may have.
    #[error("the store is full: {limit} series")]
    TooManySeries {
        /// The limit, [`Options::max_series`](crate::Options::max_series).
        limit: usize,
    },
    /// A series needs at least one label.
    #[error("a series needs at least one label")]
    NoLabels,
    /// More series were made during the store's life than it can number.
    #[error("the store has run out of series numbers")]
    OutOfIds,
}
