//! Where numbers come from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use grafana::interval::TimeRange;
use grafana::prometheus::Series;
pub use promql::Stop;

/// Asked now and then during a query: a reason to end it, or nothing. May be asked from several threads.
pub type Interrupt<'a> = &'a (dyn Fn() -> Option<Stop> + Sync);

/// For queries that nobody interrupts.
pub fn never() -> Option<Stop> {
    None
}

/// Something that answers PromQL, as Prometheus' HTTP API does. The calls block; they come from several threads at once.
pub trait Metrics: Send + Sync {
    /// The query's value at one instant: a series with one point for each element, in the order of the answer.
    ///
    /// # Errors
    /// When there is no answer that can be drawn.
    fn instant(&self, query: &str, at_ms: i64, interrupt: Interrupt<'_>)
    -> Result<QueryAnswer, MetricsError>;

    /// The query's values at the steps of a range.
    ///
    /// # Errors
    /// When there is no answer that can be drawn.
    fn range(
        &self,
        query: &str,
        range: StepRange,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryAnswer, MetricsError>;

    /// The values of a label, ascending.
    ///
    /// # Errors
    /// When a selector is none, or the source cannot answer.
    fn label_values(
        &self,
        label: &str,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError>;

    /// The names of the labels that there are, ascending.
    ///
    /// # Errors
    /// When a selector is none, or the source cannot answer.
    fn label_names(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError>;

    /// The labels of the series that there are.
    ///
    /// # Errors
    /// When a selector is none, or the source cannot answer.
    fn series(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, MetricsError>;
}

/// The steps of a range query: `start`, `start + step` … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepRange {
    /// Milliseconds since 1970.
    pub start_ms: i64,
    /// Milliseconds since 1970.
    pub end_ms: i64,
    /// At least 1.
    pub step_ms: i64,
}

/// Which series are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Series selectors as PromQL writes them, of which a series satisfies one; without any, every series does.
    pub selectors: Vec<String>,
    /// Only series that lived in this time.
    pub range: TimeRange,
}

/// What a query gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAnswer {
    /// In the order of the answer.
    pub series: Vec<Series>,
    /// What the source remarked about the query (`PromQL info: …`).
    pub remarks: Vec<String>,
    /// How many samples were read for it, where the source tells.
    pub samples_read: Option<u64>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The text is no query, or no series selector.
    Syntax,
    /// The query was understood but has no value, for example by many-to-many matching.
    Execution,
    /// It took too long.
    Timeout,
    /// Nobody waited for it any longer.
    Canceled,
    /// The source could not be reached, refused, or answered something else.
    Source,
}

impl ErrorKind {
    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Source => "source",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct MetricsError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// In words.
    pub message: String,
    /// The guilty part of the text, in bytes, where it is known.
    pub span: Option<Range<usize>>,
    /// What to do about it, where a usual slip was recognised.
    pub hint: Option<String>,
}

impl MetricsError {
    /// One without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), span: None, hint: None }
    }
}

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
