//! Evaluates a parsed query over a storage.

use std::sync::Arc;
use std::time::Duration;

use crate::ast::{Expr, Span};
use crate::eval::{self, Environment, QueryTimes};
use crate::storage::Storage;
use crate::value::QueryOutput;

/// The engine's settings. `Default` is what a Prometheus server defaults to.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How far back an instant selector looks for a sample: 5 minutes.
    pub lookback: Duration,
    /// The step of subqueries that name none (Prometheus: the global evaluation interval, 1 minute).
    pub default_subquery_step: Duration,
    /// Drop metric names at the end of the evaluation instead of at each operation (a feature flag of Prometheus).
    pub delayed_name_removal: bool,
    /// The most samples that a query may hold in memory: 50 million.
    pub max_samples: u64,
    /// The most series that one selector may find: a million. Prometheus has no such limit, and more memory.
    pub max_series: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            default_subquery_step: Duration::from_secs(60),
            delayed_name_removal: false,
            max_samples: 50_000_000,
            max_series: 1_000_000,
        }
    }
}

/// The steps of a range query: `start`, `start + step`, … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeQuery {
    /// First step, milliseconds since the epoch.
    pub start_ms: i64,
    /// The last step is at or before it.
    pub end_ms: i64,
    /// Milliseconds between steps, at least 1.
    pub step_ms: i64,
}

/// Why a query has no value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    /// The data does not allow it, for example many-to-many matching. Prometheus: `execution`.
    #[error("{message}")]
    Execution {
        /// What is wrong, in Prometheus' words where it has some.
        message: String,
        /// The part of the query.
        span: Span,
    },
    /// The caller's time was up. Prometheus: `timeout`.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// The caller gave up. Prometheus: `canceled`.
    #[error("query was canceled")]
    Canceled,
    /// The storage failed. Prometheus: `internal`.
    #[error("{0}")]
    Storage(#[from] crate::StorageError),
}

/// Why an evaluation should stop early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time is up.
    Timeout,
    /// Nobody waits for the answer any more.
    Canceled,
}

/// Asked every few thousand samples: the engine itself reads no clock. Return `None` to go on.
pub type Interrupt<'a> = &'a dyn Fn() -> Option<Stop>;

/// Evaluates queries. Holds settings only; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    options: EngineOptions,
    line_starts: Arc<[usize]>,
}

impl Engine {
    /// An engine with these settings.
    pub fn new(options: EngineOptions) -> Self {
        Self { options, line_starts: Arc::default() }
    }

    /// The engine's settings.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The same engine, telling places in remarks as lines and columns of `query`. Without it, a query counts as one
    /// line.
    #[must_use]
    pub fn with_text(&self, query: &str) -> Self {
        let starts = query.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        Self { options: self.options.clone(), line_starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The value at one instant.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn instant(
        &self,
        storage: &dyn Storage,
        expr: &Expr,
        at_ms: i64,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryError> {
        let times = QueryTimes { start: at_ms, end: at_ms, step: None };
        eval::evaluate(&self.environment(storage, interrupt), expr, times)
    }

    /// The values at each step; always a matrix.
    ///
    /// # Errors
    /// See [`QueryError`]; an expression that is neither a scalar nor an instant vector is an `Execution` error.
    pub fn range(
        &self,
        storage: &dyn Storage,
        expr: &Expr,
        range: RangeQuery,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryError> {
        let times = QueryTimes { start: range.start_ms, end: range.end_ms, step: Some(range.step_ms.max(1)) };
        eval::evaluate(&self.environment(storage, interrupt), expr, times)
    }

    fn environment<'a>(&'a self, storage: &'a dyn Storage, interrupt: Interrupt<'a>) -> Environment<'a> {
        Environment { storage, options: &self.options, interrupt, line_starts: &self.line_starts }
    }
}
