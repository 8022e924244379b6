//! Samples that are stored together or not at all.

use std::borrow::Cow;

use crate::SeriesId;

/// Samples collected for one [`Store::commit`](crate::Store::commit). Dropping or [clearing](Batch::clear) it is the
/// rollback.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) samples: Vec<Sample>,
}

/// One sample of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) series: SeriesId,
    pub(crate) timestamp_ms: i64,
    pub(crate) value: f64,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample. Nothing is checked before the commit.
    pub fn push(&mut self, series: SeriesId, timestamp_ms: i64, value: f64) {
        self.samples.push(Sample { series, timestamp_ms, value });
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The samples sorted by time, those of one time as they came: samples that come newest first would otherwise be put
    /// before each other one by one.
    pub(crate) fn in_time_order(&self) -> Cow<'_, [Sample]> {
        if self.samples.is_sorted_by_key(|sample| sample.timestamp_ms) {
            return Cow::Borrowed(&self.samples);
        }
        let mut sorted = self.samples.clone();
        sorted.sort_by_key(|sample| sample.timestamp_ms);
        Cow::Owned(sorted)
    }

    /// Forgets the samples and keeps the memory for the next batch.
    pub fn clear(&mut self) {
        self.samples.clear();
    }
}

/// What became of a batch's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitSummary {
    /// Samples that became the newest of their series. (The batch's order does not matter here: samples of one series
    /// that come newest first are all appended.)
    pub appended: usize,
    /// Samples put among those that were there.
    pub out_of_order: usize,
    /// Samples at times that their series had already: the same again, a second one inside the batch, or another value
    /// in the series' past. What was there first stays, as in Prometheus.
    pub duplicates: usize,
}
