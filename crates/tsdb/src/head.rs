//! Everything that the store's lock guards: series, index, and the rules of what is accepted and what is forgotten.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use labels::Labels;
use rustc_hash::{FxHashSet, FxHasher};

use crate::batch::Batch;
use crate::chunk::Chunk;
use crate::index::Index;
use crate::postings::Postings;
use crate::series::{Samples, Series, Totals};
use crate::symbols::PairId;
use crate::table::SeriesTable;
use crate::{
    AppendError, AppendOutcome, BatchError, CommitSummary, InternError, MemoryUsage, Options, SeriesId,
};

/// The store's state.
#[derive(Debug)]
pub(crate) struct Head {
    options: Options,
    index: Index,
    series: SeriesTable,
    /// The series' numbers by their labels.
    by_labels: HashTable<u32>,
    samples: Samples,
    newest_ms: Option<i64>,
    /// Everything before was forgotten on request, or to save bytes.
    floor_ms: i64,
    /// Follows from the two above.
    bounds: Bounds,
    /// When a sample this new comes, old ones are freed.
    next_cleanup_ms: i64,
    /// When chunks occupy more than this, the bound on bytes is looked at.
    cleanup_above_bytes: usize,
    /// Series from this number on were made after the last cleanup, which the next one takes into account: they may be
    /// waiting for their first sample.
    young_from: u32,
    /// How often series were removed, so that others can tell whether they know about all removals.
    removals: u64,
}

/// The oldest times that are accepted, as the store's newest sample sets them.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// For a sample that is newer than its series.
    in_order_ms: i64,
    /// For a sample that is not.
    out_of_order_ms: i64,
}

/// What is to be done with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Append,
    Insert,
    Ignore,
}

/// Cleanups happen this many times within the retention, so that little more is held than is shown…
const CLEANUPS_PER_RETENTION: i64 = 64;
/// … but no less often than this.
const MAX_CLEANUP_INTERVAL_MS: i64 = 10 * 60 * 1000;
/// To save bytes, time is forgotten in this many portions.
const PORTIONS: usize = 256;

impl Head {
    pub(crate) fn new(mut options: Options) -> Self {
        let Options { retention_ms, out_of_order_window_ms, lag_window_ms, .. } = &mut options;
        for span in [retention_ms, out_of_order_window_ms, lag_window_ms] {
            // A negative one would put the horizon into the future.
            *span = (*span).max(0);
        }
        let cleanup_above_bytes = options.retention_bytes.unwrap_or(usize::MAX);
        Self {
            samples: Samples::new(options.chunk_samples),
            options,
            index: Index::default(),
            series: SeriesTable::default(),
            by_labels: HashTable::new(),
            newest_ms: None,
            floor_ms: i64::MIN,
            bounds: Bounds { in_order_ms: i64::MIN, out_of_order_ms: i64::MIN },
            next_cleanup_ms: i64::MIN,
            cleanup_above_bytes,
            young_from: 0,
            removals: 0,
        }
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn series(&self) -> &SeriesTable {
        &self.series
    }

    pub(crate) fn newest_ms(&self) -> Option<i64> {
        self.newest_ms
    }

    pub(crate) fn removals(&self) -> u64 {
        self.removals
    }

    pub(crate) fn totals(&self) -> Totals {
        self.samples.totals
    }

    /// The oldest time that reads may see.
    pub(crate) fn horizon_ms(&self) -> Option<i64> {
        self.newest_ms.map(|newest| newest.saturating_sub(self.options.retention_ms).max(self.floor_ms))
    }

    /// The series with these labels, if there is one.
    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.find_by_pairs(&self.index.find_pairs(labels)?)
    }

    fn find_by_pairs(&self, pairs: &[PairId]) -> Option<SeriesId> {
        let has_them = |number: &u32| self.series.get(*number).is_some_and(|series| *series.labels == *pairs);
        self.by_labels.find(hash_pairs(pairs), has_them).map(|number| SeriesId(*number))
    }

    /// The series with these labels, which is made if it is new.
    pub(crate) fn intern(&mut self, labels: &Labels) -> Result<SeriesId, InternError> {
        if let Some(id) = self.find(labels) {
            return Ok(id);
        }
        if labels.is_empty() {
            return Err(InternError::NoLabels);
        }
        if self.series.len() >= self.options.max_series {
            return Err(InternError::TooManySeries { limit: self.options.max_series });
        }
        let number = self.series.next_number().ok_or(InternError::OutOfIds)?;
        let pairs = self.index.intern_pairs(labels).ok_or(InternError::OutOfIds)?;
        self.index.add(number, &pairs);
        let hash = hash_pairs(&pairs);
        self.series.push(Series::new(pairs));
        let series = &self.series;
        let hash_of = |number: &u32| series.get(*number).map_or(0, |series| hash_pairs(&series.labels));
        self.by_labels.insert_unique(hash, number, hash_of);
        Ok(SeriesId(number))
    }

    /// Appends one sample.
    #[inline]
    pub(crate) fn append(
        &mut self,
        id: SeriesId,
        time_ms: i64,
        value: f64,
    ) -> Result<AppendOutcome, AppendError> {
        let series = self.series.get_mut(id.0).ok_or(AppendError::UnknownSeries)?;
        let outcome = match self.bounds.judge(series, time_ms, value)? {
            Verdict::Append => {
                series.append(time_ms, value, &mut self.samples);
                AppendOutcome::Appended
            }
            Verdict::Insert => {
                series.insert(time_ms, value, &mut self.samples);
                AppendOutcome::OutOfOrder
            }
            Verdict::Ignore => return Ok(AppendOutcome::Duplicate),
        };
        self.advance(time_ms);
        self.clean_up_if_due();
        Ok(outcome)
    }

    /// Stores all samples, or none.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<CommitSummary, BatchError> {
        for (index, sample) in batch.samples.iter().enumerate() {
            let series = self.series.get(sample.series.0).ok_or(AppendError::UnknownSeries);
            let verdict = series.and_then(|series| {
                let verdict = self.bounds.judge(series, sample.timestamp_ms, sample.value);
                match verdict {
                    // Another value in a series' past refuses nothing: what is there stays.
                    Err(AppendError::DuplicateSample { timestamp_ms, .. })
                        if series.newest_ms() != Some(timestamp_ms) =>
                    {
                        Ok(Verdict::Ignore)
                    }
                    verdict => verdict,
                }
            });
            verdict.map_err(|error| BatchError { index, series: sample.series, error })?;
        }
        let mut summary = CommitSummary::default();
        for sample in batch.in_time_order().iter() {
            let Some(series) = self.series.get_mut(sample.series.0) else { continue };
            let (time_ms, value) = (sample.timestamp_ms, sample.value);
            // Only other samples of the batch can have changed what was judged above, so the bounds are settled, and
            // what is at an occupied time stays.
            if series.newest_ms().is_none_or(|newest| time_ms > newest) {
                series.append(time_ms, value, &mut self.samples);
                summary.appended += 1;
            } else if series.value_at(time_ms).is_some() {
                summary.duplicates += 1;
            } else {
                series.insert(time_ms, value, &mut self.samples);
                summary.out_of_order += 1;
            }
            self.advance(time_ms);
        }
        self.clean_up_if_due();
        Ok(summary)
    }

    #[inline]
    fn advance(&mut self, time_ms: i64) {
        if self.newest_ms.is_none_or(|newest| time_ms > newest) {
            self.newest_ms = Some(time_ms);
            self.set_bounds();
        }
    }

    fn raise_floor(&mut self, floor_ms: i64) {
        self.floor_ms = self.floor_ms.max(floor_ms);
        self.set_bounds();
    }

    fn set_bounds(&mut self) {
        let back =
            |window_ms: i64| self.newest_ms.map_or(i64::MIN, |newest| newest.saturating_sub(window_ms));
        let horizon_ms = self.floor_ms.max(back(self.options.retention_ms));
        let out_of_order_ms = back(self.options.out_of_order_window_ms).max(horizon_ms);
        let in_order_ms = back(self.options.lag_window_ms).max(horizon_ms).min(out_of_order_ms);
        self.bounds = Bounds { in_order_ms, out_of_order_ms };
    }

    #[inline]
    fn clean_up_if_due(&mut self) {
        let late = self.newest_ms.is_some_and(|newest| newest >= self.next_cleanup_ms);
        if late || self.samples.totals.chunk_bytes > self.cleanup_above_bytes {
            self.clean_up();
        }
    }

    #[cold]
    fn clean_up(&mut self) {
        if let (Some(newest), Some(horizon)) = (self.newest_ms, self.horizon_ms()) {
            let interval =
                (self.options.retention_ms / CLEANUPS_PER_RETENTION).clamp(1, MAX_CLEANUP_INTERVAL_MS);
            self.next_cleanup_ms = newest.saturating_add(interval);
            self.free_before(horizon);
            self.keep_to_bytes();
        }
    }

    /// Forgets everything before a time.
    pub(crate) fn truncate(&mut self, horizon_ms: i64) {
        self.raise_floor(horizon_ms);
        self.free_before(self.floor_ms);
    }

    /// Frees samples that lie before the horizon, and series without samples.
    fn free_before(&mut self, horizon_ms: i64) {
        let mut dead = Vec::new();
        for (number, series) in self.series.iter_mut() {
            series.truncate(horizon_ms, &mut self.samples);
            if series.newest_ms().is_none() && number < self.young_from {
                dead.push(number);
            }
        }
        self.young_from = self.series.next_number().unwrap_or(u32::MAX);
        self.remove(dead);
    }

    /// Removes those of the series that have no samples.
    pub(crate) fn discard_unused(&mut self, series: &[SeriesId]) {
        let is_unused = |number: &u32| self.series.get(*number).is_some_and(|s| s.newest_ms().is_none());
        let mut unused: Vec<u32> = series.iter().map(|id| id.0).filter(is_unused).collect();
        unused.sort_unstable();
        unused.dedup();
        self.remove(unused);
    }

    /// Removes these series, ascending.
    fn remove(&mut self, dead: Vec<u32>) {
        if dead.is_empty() {
            return;
        }
        let mut numbers = Postings::default();
        let mut pairs = FxHashSet::default();
        for number in dead {
            let Some(series) = self.series.remove(number) else { continue };
            numbers.push(number);
            pairs.extend(series.labels.iter().copied());
            if let Ok(entry) = self.by_labels.find_entry(hash_pairs(&series.labels), |other| *other == number)
            {
                entry.remove();
            }
        }
        self.index.remove(&numbers, &pairs);
        self.removals += 1;
    }

    /// Forgets the oldest samples until the store keeps to its bound on bytes, or has only its newest ones left.
    fn keep_to_bytes(&mut self) {
        let Some(limit) = self.options.retention_bytes else { return };
        let total = self.memory().total();
        if total > limit {
            // Some more than needed, so that there is time until it is needed again.
            let excess = total - limit + limit / 16;
            if let Some(horizon) = self.horizon_that_frees(excess) {
                self.raise_floor(horizon);
                self.free_before(horizon);
            }
        }
        let chunk_bytes = self.samples.totals.chunk_bytes;
        let room = limit.saturating_sub(self.memory().total());
        self.cleanup_above_bytes = chunk_bytes + room.max(limit / 16);
    }

    /// A time before which lie chunks of so many bytes, or the newest time that leaves something to show.
    fn horizon_that_frees(&self, bytes: usize) -> Option<i64> {
        let (oldest, newest) = (self.horizon_ms()?, self.newest_ms?);
        let chunks = || self.series.iter().flat_map(|(_, series)| series.chunks());
        let oldest = chunks().map(Chunk::end_ms).min()?.max(oldest);
        let portion_ms = newest.saturating_sub(oldest) / PORTIONS as i64 + 1;
        let mut freed_by_portion = [0; PORTIONS];
        for chunk in chunks() {
            let portion = chunk.end_ms().saturating_sub(oldest).max(0) / portion_ms;
            freed_by_portion[(portion as usize).min(PORTIONS - 1)] += chunk.heap_bytes();
        }
        let mut freed = 0;
        let portions = freed_by_portion.iter().take_while(|portion| {
            let more = freed < bytes;
            freed += **portion;
            more
        });
        Some(oldest.saturating_add(portion_ms.saturating_mul(portions.count() as i64)).min(newest))
    }

    /// Bytes by kind; what the caller holds besides the head is not in it.
    pub(crate) fn memory(&self) -> MemoryUsage {
        let mut usage = MemoryUsage {
            chunks: self.samples.totals.chunk_bytes,
            series: self.series.page_bytes(),
            symbols: self.index.symbols().heap_bytes(),
            index: self.index.heap_bytes() + self.by_labels.allocation_size(),
            ..MemoryUsage::default()
        };
        for (_, series) in self.series.iter() {
            usage.chunks += series.chunk_list_bytes();
            usage.series += series.label_bytes();
            usage.tails += series.tail().heap_bytes();
        }
        usage
    }
}

impl Bounds {
    /// What is to be done with a sample of this series.
    #[inline]
    fn judge(&self, series: &Series, time_ms: i64, value: f64) -> Result<Verdict, AppendError> {
        let newest = series.newest_ms();
        if newest.is_none_or(|newest| time_ms > newest) {
            let too_old = AppendError::TooOld { timestamp_ms: time_ms, oldest_ms: self.in_order_ms };
            return if time_ms >= self.in_order_ms { Ok(Verdict::Append) } else { Err(too_old) };
        }
        self.judge_occupied_past(series, time_ms, value, newest == Some(time_ms))
    }

    #[cold]
    fn judge_occupied_past(
        &self,
        series: &Series,
        time_ms: i64,
        value: f64,
        repeats_newest: bool,
    ) -> Result<Verdict, AppendError> {
        let oldest_ms = if repeats_newest { self.in_order_ms } else { self.out_of_order_ms };
        if time_ms < oldest_ms {
            return Err(AppendError::TooOld { timestamp_ms: time_ms, oldest_ms });
        }
        match series.value_at(time_ms) {
            None => Ok(Verdict::Insert),
            Some(stored) if stored.to_bits() == value.to_bits() => Ok(Verdict::Ignore),
            Some(stored) => {
                Err(AppendError::DuplicateSample { timestamp_ms: time_ms, stored, refused: value })
            }
        }
    }
}

fn hash_pairs(pairs: &[PairId]) -> u64 {
    let mut hasher = FxHasher::default();
    pairs.hash(&mut hasher);
    hasher.finish()
}
