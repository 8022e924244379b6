//! A series' newest samples, before they are compressed.

use crate::chunk::span;
use crate::encoding::block::{BlockWriter, MIN_RUN};
use crate::instants::Wanted;

/// How many differing samples wait before they are compressed. Each costs eight bytes in every series, and the blocks
/// that they make are put together again when their chunk is full, so a few are enough.
pub(crate) const CAPACITY: usize = 16;

/// The longest run of one value. Much longer ones would save nothing and make changing a chunk that has them slow.
const MAX_RUN: u32 = 4096;

/// A series' newest samples: a run of one value at regular times, which costs nothing however long it gets (half of what
/// a cluster reports never changes), or up to [`CAPACITY`] samples as they came.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    start_ms: i64,
    /// The value of a run.
    value: f64,
    /// From sample to sample, unless times are listed.
    step_ms: u32,
    count: u32,
    /// Whether the samples differ, so that `values` has them.
    listed_values: bool,
    /// Whether distances differ, so that `times` has the times. Only together with `listed_values`.
    listed_times: bool,
    /// Kept when a run begins, because the series is likely to vary again; given back when the run is long.
    values: Option<Box<[f64; CAPACITY]>>,
    times: Option<Box<[i64; CAPACITY]>>,
}

/// What a [`Tail`] has between two times.
pub(crate) enum TailSamples<'a> {
    /// One value at regular times.
    Run {
        /// The first sample's time.
        first_ms: i64,
        /// From sample to sample.
        step_ms: u32,
        /// How many samples.
        count: usize,
        /// Of all of them.
        value: f64,
    },
    /// Samples at regular times.
    Regular {
        /// The first sample's time.
        first_ms: i64,
        /// From sample to sample.
        step_ms: u32,
        /// One for each sample.
        values: &'a [f64],
    },
    /// Samples at any times.
    Listed {
        /// Ascending.
        times: &'a [i64],
        /// One for each time.
        values: &'a [f64],
    },
}

impl TailSamples<'_> {
    /// Appends the samples.
    pub(crate) fn read(&self, wanted: Wanted, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        let old = times.len();
        let time = |first_ms: i64, step_ms: u32| {
            move |i: usize| first_ms.wrapping_add((i as i64).wrapping_mul(step_ms.into()))
        };
        let regular = |first_ms: i64, step_ms: u32, count: usize| (0..count).map(time(first_ms, step_ms));
        match *self {
            Self::Run { first_ms, step_ms, count, value } => {
                match wanted.sparse(step_ms) {
                    // A run may be much longer than anything else here.
                    Some(instants) => {
                        times.extend(instants.indices(first_ms, step_ms, count).map(time(first_ms, step_ms)));
                    }
                    None => times.extend(regular(first_ms, step_ms, count)),
                }
                values.resize(times.len(), value);
            }
            Self::Regular { first_ms, step_ms, values: listed } => {
                times.extend(regular(first_ms, step_ms, listed.len()));
                values.extend_from_slice(listed);
            }
            Self::Listed { times: listed_times, values: listed_values } => {
                times.extend_from_slice(listed_times);
                values.extend_from_slice(listed_values);
            }
        }
        if let Some(instants) = wanted.instants {
            instants.thin(old, times, values);
        }
    }
}

impl Tail {
    /// How many samples it has.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// The first of the listed values, if any, as a number that means nothing.
    pub(crate) fn peek(&self) -> u64 {
        self.values.as_ref().map_or(0, |values| values[0].to_bits())
    }

    /// Whether it has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The oldest sample's time; meaningless while it is empty.
    pub(crate) fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// The newest sample's time; meaningless while it is empty.
    pub(crate) fn last_ms(&self) -> i64 {
        self.time(self.count().saturating_sub(1))
    }

    /// Adds a sample that is newer than all others. Refuses, without a change, where the samples must be compressed first.
    #[inline]
    pub(crate) fn push(&mut self, time_ms: i64, value: f64) -> bool {
        if self.count == 0 {
            self.start_ms = time_ms;
            self.value = value;
            self.step_ms = 0;
            self.count = 1;
            self.listed_values = false;
            self.listed_times = false;
            return true;
        }
        let Some(offset) = span(self.start_ms, time_ms) else { return false };
        if self.count == 1 && !self.listed_times {
            self.step_ms = offset;
        }
        let regular =
            !self.listed_times && u64::from(offset) == u64::from(self.step_ms) * u64::from(self.count);
        if !self.listed_values {
            if regular && value.to_bits() == self.value.to_bits() && self.count < MAX_RUN {
                self.count += 1;
                if self.count as usize == MIN_RUN {
                    self.values = None;
                    self.times = None;
                }
                return true;
            }
            if self.count() >= MIN_RUN {
                return false;
            }
            self.list_values();
        }
        let at = self.count();
        if at >= CAPACITY {
            return false;
        }
        if !regular {
            self.list_times();
        }
        if self.listed_times {
            self.times_mut()[at] = time_ms;
        }
        self.values_mut()[at] = value;
        self.count += 1;
        true
    }

    /// Puts a sample, whose time it lacks, among or before the others. Refuses, without a change, where the samples must
    /// be compressed first.
    pub(crate) fn insert(&mut self, time_ms: i64, value: f64) -> bool {
        if self.is_empty() || self.count() >= CAPACITY || span(time_ms, self.last_ms()).is_none() {
            return false;
        }
        self.list_values();
        self.list_times();
        let count = self.count();
        let times = self.times_mut();
        let at = times[..count].partition_point(|t| *t < time_ms);
        times.copy_within(at..count, at + 1);
        times[at] = time_ms;
        self.start_ms = times[0];
        let values = self.values_mut();
        values.copy_within(at..count, at + 1);
        values[at] = value;
        self.count += 1;
        true
    }

    /// The value at that very time.
    pub(crate) fn value_at(&self, time_ms: i64) -> Option<f64> {
        let first = self.first_not_before(time_ms);
        (first < self.count() && self.time(first) == time_ms).then(|| self.value(first))
    }

    /// Forgets all samples. Memory for the next ones stays.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// Forgets samples before `horizon_ms` where that costs nothing, which is in a run.
    pub(crate) fn trim(&mut self, horizon_ms: i64) {
        if self.listed_values || self.is_empty() {
            return;
        }
        let dropped = self.first_not_before(horizon_ms);
        self.start_ms = self.time(dropped);
        self.count -= dropped as u32;
    }

    /// The samples between the two times, both inclusive.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> TailSamples<'_> {
        let first = self.first_not_before(from_ms);
        let end = to_ms.checked_add(1).map_or(self.count(), |after| self.first_not_before(after)).max(first);
        let (first_ms, step_ms) = (self.time(first), self.step_ms);
        match (&self.values, &self.times) {
            (Some(values), Some(times)) if self.listed_times => {
                TailSamples::Listed { times: &times[first..end], values: &values[first..end] }
            }
            (Some(values), _) if self.listed_values => {
                TailSamples::Regular { first_ms, step_ms, values: &values[first..end] }
            }
            _ => TailSamples::Run { first_ms, step_ms, count: end - first, value: self.value },
        }
    }

    /// Writes all samples, of which there are some, as blocks of a chunk that starts no later.
    pub(crate) fn write(&self, chunk_start_ms: i64, blocks: &mut BlockWriter, out: &mut Vec<u8>) {
        let count = self.count();
        match &self.values {
            Some(values) if self.listed_values => {
                let times: [i64; CAPACITY] =
                    std::array::from_fn(|i| if i < count { self.time(i) } else { 0 });
                blocks.write_samples(chunk_start_ms, &times[..count], &values[..count], out);
            }
            _ => {
                let offset = self.start_ms.wrapping_sub(chunk_start_ms) as u64;
                blocks.write_run(offset, self.step_ms, count, self.value, out);
            }
        }
    }

    /// What it occupies besides its own fields.
    pub(crate) fn heap_bytes(&self) -> usize {
        let times = self.times.as_ref().map_or(0, |times| size_of_val(&**times));
        times + self.values.as_ref().map_or(0, |values| size_of_val(&**values))
    }

    /// The time of the sample at `index`.
    fn time(&self, index: usize) -> i64 {
        match &self.times {
            Some(times) if self.listed_times => times[index.min(CAPACITY - 1)],
            _ => self.start_ms.wrapping_add((index as i64).wrapping_mul(self.step_ms.into())),
        }
    }

    fn value(&self, index: usize) -> f64 {
        match &self.values {
            Some(values) if self.listed_values => values[index],
            _ => self.value,
        }
    }

    /// How many samples are older than `time_ms`.
    fn first_not_before(&self, time_ms: i64) -> usize {
        let count = self.count();
        match &self.times {
            Some(times) if self.listed_times => times[..count].partition_point(|t| *t < time_ms),
            _ if count == 0 || time_ms <= self.start_ms => 0,
            _ => match time_ms.checked_sub(self.start_ms) {
                Some(offset) if self.step_ms > 0 => {
                    usize::try_from((offset - 1) / i64::from(self.step_ms) + 1)
                        .map_or(count, |n| n.min(count))
                }
                _ => count,
            },
        }
    }

    fn list_values(&mut self) {
        if !self.listed_values {
            let value = self.value;
            let count = self.count();
            self.values_mut()[..count].fill(value);
            self.listed_values = true;
        }
    }

    fn list_times(&mut self) {
        if !self.listed_times {
            let times: [i64; CAPACITY] = std::array::from_fn(|i| self.time(i));
            *self.times_mut() = times;
            self.listed_times = true;
        }
    }

    fn values_mut(&mut self) -> &mut [f64; CAPACITY] {
        self.values.get_or_insert_with(|| Box::new([0.0; CAPACITY]))
    }

    fn times_mut(&mut self) -> &mut [i64; CAPACITY] {
        self.times.get_or_insert_with(|| Box::new([0; CAPACITY]))
    }
}
