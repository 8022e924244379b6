//! An in-memory time series store for one developer's machine: interned labels, an inverted index, compressed samples,
//! retention by time and bytes.
//!
//! ```
//! use std::ops::ControlFlow;
//! use labels::{Labels, Matcher};
//! use tsdb::{Options, Store};
//!
//! let store = Store::new(Options::default());
//! let up = store.intern(&Labels::from_pairs([("__name__", "up"), ("job", "node")]))?;
//! {
//!     let mut writer = store.writer(); // one lock for many samples
//!     writer.append(up, 15_000, 1.0)?;
//!     writer.append(up, 30_000, 1.0)?;
//! }
//! store.select(&[Matcher::equal("job", "node")], 0, 60_000, &mut |series| {
//!     assert_eq!(series.timestamps, [15_000, 30_000]);
//!     ControlFlow::Continue(())
//! });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Writing
//! A caller turns a label set into a [`SeriesId`] once ([`Store::intern`]) and appends by id from then on. Samples that
//! stand for themselves go through a [`Writer`], one for each scrape, so that readers see a scrape whole. Samples that
//! stand or fall together (one OTLP request) go into a [`Batch`], which [`Store::commit`] applies whole or not at all.
//! Ids are never used twice: when retention has dropped a series, an append to its id answers
//! [`AppendError::UnknownSeries`], and the caller interns the labels again.
//!
//! # What is accepted
//! The store has no clock; "now" is the newest timestamp that it holds. The rules are those of Prometheus' head block
//! with an out-of-order window:
//!
//! | sample | answer |
//! |---|---|
//! | newer than its series | appended; [`AppendError::TooOld`] where it lags the store's newest by more than [`Options::lag_window_ms`] |
//! | at a time that its series has, same value (to the bit) | [`AppendOutcome::Duplicate`] |
//! | at a time that its series has, another value | [`AppendError::DuplicateSample`] |
//! | older than its series, inside [`Options::out_of_order_window_ms`] | [`AppendOutcome::OutOfOrder`]; reads see it in its place |
//! | older than that | [`AppendError::TooOld`] |
//!
//! Another value refuses a [`Batch`] only at the time of its series' newest sample. Further back it is passed over:
//! Prometheus does not notice it among out-of-order samples, accepts the request and shows one of the two.
//!
//! Timestamps far in the future are the caller's to refuse. Every `f64` is stored to the bit, NaN payloads (Prometheus'
//! stale marker) included; the store gives none of them a meaning.
//!
//! # Reading
//! [`Store::select`] takes a consistent snapshot under the lock (reference counts of compressed chunks and copies of the
//! few newest samples) and decodes outside it, so that a long query does not hold up writers. Samples older than
//! [`Store::horizon_ms`] are never shown, whether or not their memory has already been given back. Who looks at a few
//! instants only says so ([`Store::select_newest`]) and saves the decoding of most samples.
//!
//! # Threads
//! [`Store`] is `Send + Sync`; every method takes `&self`. One `RwLock` guards it: any number of readers, or one writer.

mod batch;
mod chunk;
mod encoding;
mod error;
mod head;
mod index;
mod instants;
mod label_cache;
#[cfg(test)]
mod model_tests;
mod options;
mod order;
mod picks;
mod postings;
mod search;
mod select;
mod series;
mod stats;
mod store;
mod symbols;
mod table;
mod tail;
mod tested;

pub use batch::{Batch, CommitSummary};
pub use error::{AppendError, AppendOutcome, BatchError, InternError};
pub use instants::Instants;
pub use options::Options;
pub use search::Search;
pub use stats::{Cardinality, Count, MemoryUsage, Stats};
pub use store::{SeriesView, Store, TimeRange, Writer};
pub use tested::GiveUp;

/// A series inside one [`Store`]. Stays valid until retention drops the series and is never used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u32);
