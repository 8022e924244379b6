//! The store as its users see it.

mod append;
mod batch;
mod footprint;
mod query;
mod retention;
mod slow;
mod threads;

use std::ops::ControlFlow;

use labels::{Labels, Matcher};
use tsdb::{SeriesId, Store};

/// What a select shows: labels as text, and samples.
type Shown = Vec<(String, Vec<(i64, f64)>)>;

fn select(store: &Store, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Shown {
    let mut shown = Vec::new();
    store.select(matchers, start_ms, end_ms, &mut |series| {
        let samples = series.timestamps.iter().copied().zip(series.values.iter().copied());
        shown.push((series.labels.to_string(), samples.collect()));
        ControlFlow::Continue(())
    });
    shown
}

fn select_all(store: &Store) -> Shown {
    select(store, &[], i64::MIN, i64::MAX)
}

fn intern(store: &Store, name: &str) -> SeriesId {
    store.intern(&Labels::from_pairs([("__name__", name)])).expect("room for one more")
}
