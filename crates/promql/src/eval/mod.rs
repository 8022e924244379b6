//! The evaluator.
//!
//! ```text
//! Expr ──lower──► plan ──Evaluator──► scalars, rows and matrices ──output──► QueryOutput
//!                             ▲
//!                          Storage
//! ```
//!
//! Every node is evaluated once for all steps of the query. A vector is a set of *rows*, one for each series, with one
//! `f64` for each step; a step without a sample holds the bits of the stale marker, which no arithmetic produces. Rows
//! flow from the storage through functions into aggregations one by one ([`Evaluator::stream`]); only nodes that need
//! all rows at once (binary operators, sorting, …) collect them in a [`Matrix`].

mod absent;
mod aggregate;
mod binary;
mod calendar;
mod calls;
mod durations;
mod fold;
mod grouping;
mod histogram;
mod info;
mod limits;
mod lower;
mod map;
mod matching;
mod matrix;
mod notes;
mod operators;
mod output;
mod pick;
mod plan;
mod range;
mod range_functions;
mod rate;
mod relabel;
mod selector;
mod set;
mod sort;
mod statistics;
mod steps;
mod template;
mod windows;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use labels::Labels;

use self::limits::Limits;
use self::lower::Lowering;
use self::matrix::{Head, Matrix, MergeError, Row, Scalars, Sink, is_absent, without_metadata};
use self::notes::Notes;
use self::plan::{ScalarKind, ScalarNode, VectorKind, VectorNode};
use self::steps::Steps;
use crate::ast::{Expr, Span};
use crate::engine::{EngineOptions, Interrupt, QueryError};
use crate::storage::Storage;
use crate::value::QueryOutput;

/// When a query is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryTimes {
    /// The first step, milliseconds since the epoch.
    pub(crate) start: i64,
    /// The end as it was asked for; the last step may lie before it.
    pub(crate) end: i64,
    /// The step; none for instant queries.
    pub(crate) step: Option<i64>,
}

/// What a query is evaluated with.
pub(crate) struct Environment<'a> {
    /// Where samples come from.
    pub(crate) storage: &'a dyn Storage,
    /// The engine's settings.
    pub(crate) options: &'a EngineOptions,
    /// Says when to stop.
    pub(crate) interrupt: Interrupt<'a>,
    /// Where the lines of the query's text begin.
    pub(crate) line_starts: &'a [usize],
}

/// Evaluates a query.
pub(crate) fn evaluate(
    environment: &Environment<'_>,
    expr: &Expr,
    times: QueryTimes,
) -> Result<QueryOutput, QueryError> {
    let options = environment.options;
    let limits = Limits::new(options, environment.interrupt, expr.span);
    limits.ask()?;
    let clamp = |at: i64| at.clamp(-steps::FARTHEST, steps::FARTHEST);
    let times = QueryTimes { start: clamp(times.start), end: clamp(times.end), ..times };
    let default_step = milliseconds(options.default_subquery_step).max(1);
    let plan = Lowering::new(times, default_step, &limits).any(expr)?;
    let evaluator = Evaluator {
        storage: environment.storage,
        limits,
        notes: Notes::default(),
        lookback: milliseconds(options.lookback),
        names_go_late: options.delayed_name_removal,
    };
    let value = match times.step {
        None => evaluator.instant_value(plan, times.start)?,
        Some(step) => evaluator.range_value(plan, Steps::between(times.start, times.end, step), expr.span)?,
    };
    Ok(QueryOutput {
        value,
        samples_read: evaluator.limits.samples_read(),
        annotations: evaluator.notes.finish(environment.line_starts),
    })
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(steps::FARTHEST)
}

/// An error of the execution.
fn failure(message: impl Into<String>, span: Span) -> QueryError {
    QueryError::Execution { message: message.into(), span }
}

/// Prometheus' words for two series that an operation has made equal.
const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// The evaluation of one query.
struct Evaluator<'a> {
    storage: &'a dyn Storage,
    limits: Limits<'a>,
    notes: Notes,
    /// Milliseconds.
    lookback: i64,
    /// Whether metric names are removed at the end of the query instead of by each operation.
    names_go_late: bool,
}

impl Evaluator<'_> {
    /// The numbers that `node` gives at `steps`.
    fn scalars(&self, node: &ScalarNode, steps: Steps) -> Result<Scalars, QueryError> {
        if let ScalarKind::Number(value) = node.kind {
            return Ok(Scalars::Same(value));
        }
        self.limits.work(steps.count)?;
        if node.constant && steps.count > 1 {
            let once = self.scalars(node, steps.first_only())?;
            return Ok(Scalars::Same(once.get(0)));
        }
        self.limits.check(steps.count)?;
        let each = |values: Vec<f64>| Scalars::Each(Rc::from(values));
        Ok(match &node.kind {
            ScalarKind::Number(value) => Scalars::Same(*value),
            ScalarKind::Time => each(steps.iter().map(|at| at as f64 / 1000.0).collect()),
            ScalarKind::Negate(operand) => {
                each(self.scalars(operand, steps)?.iter(steps.count).map(|value| -value).collect())
            }
            ScalarKind::Binary(op, operands) => {
                let (left, right) = (self.scalars(&operands[0], steps)?, self.scalars(&operands[1], steps)?);
                let pairs = left.iter(steps.count).zip(right.iter(steps.count));
                each(pairs.map(|(left, right)| operators::apply(*op, left, right)).collect())
            }
            ScalarKind::Extreme(max, operands) => {
                let (left, right) = (self.scalars(&operands[0], steps)?, self.scalars(&operands[1], steps)?);
                let pairs = left.iter(steps.count).zip(right.iter(steps.count));
                each(pairs.map(|(left, right)| map::extreme(*max, left, right)).collect())
            }
            ScalarKind::OfVector(inner) => {
                let mut values = vec![f64::NAN; steps.count];
                let mut found = vec![false; steps.count];
                self.stream(inner, steps, &mut |row| {
                    for ((value, found), &new) in values.iter_mut().zip(&mut found).zip(row.values.iter()) {
                        if !is_absent(new) {
                            *value = if *found { f64::NAN } else { new };
                            *found = true;
                        }
                    }
                    Ok(())
                })?;
                each(values)
            }
        })
    }

    /// Hands the rows that `node` gives at `steps` to `sink`, one by one. No two of them have the same labels.
    fn stream(&self, node: &VectorNode, steps: Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        if (node.constant && steps.count > 1) || self.may_collide(node) {
            return self.matrix(node, steps)?.stream(sink);
        }
        self.stream_unmerged(node, steps, sink)
    }

    /// As [`Evaluator::stream`], but rows whose names are to be dropped may have the same labels then.
    fn stream_unmerged(
        &self,
        node: &VectorNode,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        if steps.count == 0 {
            return Ok(());
        }
        match &node.kind {
            VectorKind::Selector(selector) => self.select(selector, steps, sink),
            VectorKind::SampleTimes(selector) => self.select_times(selector, steps, sink),
            VectorKind::Map(inner, map) => self.map(inner, map, steps, node.span, sink),
            VectorKind::OverTime(call) => self.over_time(call, steps, sink),
            VectorKind::Binary(binary) => self.binary(binary, steps, node.span, sink),
            _ => self.collected(node, steps)?.map_or(Ok(()), |matrix| matrix.stream(sink)),
        }
    }

    /// All rows that `node` gives at `steps`.
    fn matrix(&self, node: &VectorNode, steps: Steps) -> Result<Matrix, QueryError> {
        if node.constant && steps.count > 1 {
            return self.matrix(node, steps.first_only())?.broadcast(steps.count, &self.limits);
        }
        self.limits.work(steps.count)?;
        if steps.count == 0 {
            return Ok(Matrix::new(0, &self.limits));
        }
        if let Some(matrix) = self.collected(node, steps)? {
            return Ok(matrix);
        }
        let matrix = self.collect(steps, |sink| self.stream_unmerged(node, steps, sink))?;
        if !self.may_collide(node) {
            return Ok(matrix);
        }
        match node.kind {
            // Functions of range vectors may not even give the same labels at different steps.
            VectorKind::OverTime(_) if matrix.has_equal_labels() => Err(failure(SAME_LABELS, node.span)),
            _ => self.merged(matrix, node.span),
        }
    }

    /// All rows of the nodes that need all rows of their operands; `None` for those that give theirs one by one.
    fn collected(&self, node: &VectorNode, steps: Steps) -> Result<Option<Matrix>, QueryError> {
        let matrix = match &node.kind {
            VectorKind::Selector(_)
            | VectorKind::SampleTimes(_)
            | VectorKind::Map(..)
            | VectorKind::OverTime(_)
            | VectorKind::Binary(_) => return Ok(None),
            VectorKind::OfScalar(scalar) => self.of_scalar(scalar, steps)?,
            VectorKind::Absent(inner, labels) => self.absent(inner, labels, steps)?,
            VectorKind::AbsentOverTime(source, labels) => self.absent_over_time(source, labels, steps)?,
            VectorKind::Aggregate(aggregation) => self.aggregate(aggregation, steps)?,
            VectorKind::Set(binary) => self.set(binary, steps, node.span)?,
            VectorKind::Relabel(inner, relabel) => self.relabel(inner, relabel, steps, node.span)?,
            VectorKind::Sort(inner, order) => self.sort(inner, order, steps, node.span)?,
            VectorKind::Histogram(inner, function) => self.histogram(inner, function, steps, node.span)?,
            VectorKind::Info(call) => self.info(call, steps, node.span)?,
        };
        Ok(Some(matrix))
    }

    /// One row without labels.
    fn of_scalar(&self, scalar: &ScalarNode, steps: Steps) -> Result<Matrix, QueryError> {
        let values = self.scalars(scalar, steps)?;
        let mut matrix = Matrix::new(steps.count, &self.limits);
        let row = matrix.push_empty(Head { labels: Labels::empty(), drop_name: false })?;
        for (place, value) in row.iter_mut().zip(values.iter(steps.count)) {
            *place = value;
        }
        Ok(matrix)
    }

    /// Collects what is handed to a sink, dropping names where this is due.
    fn collect(
        &self,
        steps: Steps,
        rows: impl FnOnce(&mut Sink<'_>) -> Result<(), QueryError>,
    ) -> Result<Matrix, QueryError> {
        let mut matrix = Matrix::new(steps.count, &self.limits);
        rows(&mut |row| matrix.push(self.head(row.labels, row.drop_name), row.values))?;
        Ok(matrix)
    }

    /// The head of a row as it is kept in a matrix.
    fn head(&self, labels: &Labels, drop_name: bool) -> Head {
        if drop_name && !self.names_go_late {
            return Head { labels: without_metadata(labels), drop_name: false };
        }
        Head { labels: labels.clone(), drop_name }
    }

    /// Whether two rows of [`Evaluator::stream_unmerged`] may have the same labels once names are dropped.
    fn may_collide(&self, node: &VectorNode) -> bool {
        let drops = match &node.kind {
            VectorKind::SampleTimes(_) => true,
            VectorKind::Map(_, map) => map.drops_name(),
            VectorKind::OverTime(call) => !call.function.keeps_name(),
            _ => false,
        };
        drops && !self.names_go_late && !node.differs_without_name()
    }

    /// Makes one row of those with the same labels.
    fn merged(&self, matrix: Matrix, span: Span) -> Result<Matrix, QueryError> {
        matrix.merge_equal_labels(&self.limits).map_err(|error| merge_failure(error, span))
    }
}

fn merge_failure(error: MergeError, span: Span) -> QueryError {
    match error {
        MergeError::SameLabels => failure(SAME_LABELS, span),
        MergeError::Query(error) => error,
    }
}
