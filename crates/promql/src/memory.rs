//! A store for tests, benchmarks and examples.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use labels::Labels;

use crate::storage::{SelectRequest, SeriesRef, Storage, StorageError};

/// Series in memory, found by looking at all of them. For tests, benchmarks and examples.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    series: BTreeMap<Labels, Samples>,
}

#[derive(Clone, Debug, Default)]
struct Samples {
    timestamps: Vec<i64>,
    values: Vec<f64>,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample. One at the same time replaces it.
    pub fn insert(&mut self, labels: &Labels, timestamp_ms: i64, value: f64) {
        let samples = match self.series.get_mut(labels) {
            Some(samples) => samples,
            None => self.series.entry(labels.clone()).or_default(),
        };
        // Nearly always at the end.
        let place = samples.timestamps.partition_point(|&time| time < timestamp_ms);
        if samples.timestamps.get(place) == Some(&timestamp_ms) {
            samples.values[place] = value;
        } else {
            samples.timestamps.insert(place, timestamp_ms);
            samples.values.insert(place, value);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// The label sets of all series, in ascending order.
    pub fn label_sets(&self) -> impl Iterator<Item = &Labels> {
        self.series.keys()
    }
}

impl Storage for MemoryStorage {
    fn select(
        &self,
        request: &SelectRequest<'_>,
        visit: &mut dyn FnMut(SeriesRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let slow = request.matchers.iter().any(labels::Matcher::is_slow);
        for (labels, samples) in &self.series {
            if slow && (request.give_up)() {
                break;
            }
            let satisfied =
                |matcher: &labels::Matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default());
            if !request.matchers.iter().all(satisfied) {
                continue;
            }
            let from = samples.timestamps.partition_point(|&time| time < request.start_ms);
            let to = samples.timestamps.partition_point(|&time| time <= request.end_ms);
            if from >= to {
                continue;
            }
            let (timestamps, values) = (&samples.timestamps[from..to], &samples.values[from..to]);
            if visit(SeriesRef { labels, timestamps, values }).is_break() {
                break;
            }
        }
        Ok(())
    }
}
