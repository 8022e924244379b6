//! What a store says about itself.

use std::cmp::Reverse;

use labels::METRIC_NAME;

use crate::index::Index;

/// Bytes by kind, from capacities: what was asked of the allocator, without its own overhead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Compressed samples.
    pub chunks: usize,
    /// The newest samples of each series, not yet compressed.
    pub tails: usize,
    /// What each series costs besides its samples: its record, its label references, its place in label order.
    pub series: usize,
    /// Label names and values.
    pub symbols: usize,
    /// The inverted index and the table that finds a series by its labels.
    pub index: usize,
    /// Label sets kept ready for queries; bounded by [`Options::label_cache_bytes`](crate::Options::label_cache_bytes).
    pub label_cache: usize,
}

impl MemoryUsage {
    /// All of it.
    pub fn total(&self) -> usize {
        self.chunks + self.tails + self.series + self.symbols + self.index + self.label_cache
    }
}

/// Counts over the whole store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series in the store.
    pub series: usize,
    /// Samples in memory. May include some that are past the horizon and not yet freed.
    pub samples: usize,
    /// Compressed chunks.
    pub chunks: usize,
    /// Distinct label names.
    pub label_names: usize,
    /// Distinct pairs of label name and value.
    pub label_pairs: usize,
    /// The oldest time that reads may see; `None` while the store is empty.
    pub horizon_ms: Option<i64>,
    /// The newest sample's time; `None` while the store is empty.
    pub newest_ms: Option<i64>,
    /// Bytes by kind.
    pub memory: MemoryUsage,
}

/// A name and how many there are of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// What is counted: a metric name, a label name, or `name=value`.
    pub name: String,
    /// How many, or how many bytes.
    pub value: usize,
}

/// The largest consumers, as `/api/v1/status/tsdb` lists them: descending by value, equal values by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Series for each metric name.
    pub series_by_metric_name: Vec<Count>,
    /// Distinct values for each label name.
    pub values_by_label_name: Vec<Count>,
    /// Bytes of the values for each label name, counted anew for each series that has them, as Prometheus does.
    pub bytes_by_label_name: Vec<Count>,
    /// Series for each `name=value`.
    pub series_by_label_pair: Vec<Count>,
}

/// The `limit` largest of each kind.
pub(crate) fn cardinality(index: &Index, limit: usize) -> Cardinality {
    let symbols = index.symbols();
    let mut found = Cardinality::default();
    for name in symbols.names() {
        let text = name.text();
        let mut bytes = 0;
        for pair in name.pairs() {
            let value = symbols.value(*pair);
            let series = index.having(*pair).len();
            bytes += value.len() * series;
            found.series_by_label_pair.push(Count { name: format!("{text}={value}"), value: series });
            if **text == *METRIC_NAME {
                found.series_by_metric_name.push(Count { name: value.to_string(), value: series });
            }
        }
        found.values_by_label_name.push(Count { name: text.to_string(), value: name.pairs().len() });
        found.bytes_by_label_name.push(Count { name: text.to_string(), value: bytes });
    }
    for counts in [
        &mut found.series_by_metric_name,
        &mut found.values_by_label_name,
        &mut found.bytes_by_label_name,
        &mut found.series_by_label_pair,
    ] {
        counts.sort_by(|a, b| (Reverse(a.value), &a.name).cmp(&(Reverse(b.value), &b.name)));
        counts.truncate(limit);
    }
    found
}
