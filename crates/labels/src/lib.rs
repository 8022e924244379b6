//! Label sets and label matchers, shared by the store, the query engine and the server.
//!
//! A label set is what identifies a series. Names and values are reference-counted, so that a set can be copied from
//! the store into a query result without copying text.

mod matcher;
mod pattern;
mod quote;
mod set;

pub use matcher::{MatchOp, Matcher};
pub use pattern::{RegexBudget, RegexError, anchored_regex, shortened};
pub use quote::Quoted;
pub use set::{Label, Labels, LabelsBuilder};

/// The label that holds a series' metric name.
pub const METRIC_NAME: &str = "__name__";

/// Whether `name` is a label name in Prometheus' classic alphabet: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_classic_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `name` is a metric name in Prometheus' classic alphabet: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_classic_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}
