//! What became of the measurements.

use labels::Labels;
use tsdb::{AppendError, AppendOutcome, InternError};

/// Counts of what became of the measurements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SinkReport {
    /// Samples that became the newest of their series.
    pub appended: u64,
    /// Samples put among older ones.
    pub out_of_order: u64,
    /// Samples that the store had already, value and all.
    pub repeated: u64,
    /// Samples whose series has another value at that time: two objects share a series because the attribute that tells
    /// them apart does not become a label, or something was sent twice with different values. The first one was kept.
    pub conflicting: u64,
    /// Samples too old for the store.
    pub too_old: u64,
    /// Samples of series that the store had no room for.
    pub no_room: u64,
    /// The first sample that was refused, as an example.
    pub first_refused: Option<RefusedSample>,
}

/// A sample that the store refused.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedSample {
    /// Its series.
    pub labels: Labels,
    /// Its time, milliseconds since the epoch.
    pub time_ms: i64,
    /// Why.
    pub refusal: Refusal,
}

/// Why a sample was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Its series cannot be made.
    #[error(transparent)]
    Series(#[from] InternError),
    /// Its series does not take it.
    #[error(transparent)]
    Sample(#[from] AppendError),
}

impl SinkReport {
    /// How many samples are in the store now because of these measurements.
    pub fn stored(&self) -> u64 {
        self.appended + self.out_of_order
    }

    /// How many were refused.
    pub fn refused(&self) -> u64 {
        self.conflicting + self.too_old + self.no_room
    }

    pub(super) fn accept(&mut self, outcome: AppendOutcome) {
        match outcome {
            AppendOutcome::Appended => self.appended += 1,
            AppendOutcome::OutOfOrder => self.out_of_order += 1,
            AppendOutcome::Duplicate => self.repeated += 1,
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal, time_ms: i64, labels: impl FnOnce() -> Labels) {
        match refusal {
            Refusal::Sample(AppendError::DuplicateSample { .. }) => self.conflicting += 1,
            Refusal::Sample(AppendError::TooOld { .. }) => self.too_old += 1,
            // A series that is dropped again before its first sample: the store is shedding series for lack of room.
            Refusal::Sample(AppendError::UnknownSeries) | Refusal::Series(_) => self.no_room += 1,
        }
        if self.first_refused.is_none() {
            self.first_refused = Some(RefusedSample { labels: labels(), time_ms, refusal });
        }
    }
}
