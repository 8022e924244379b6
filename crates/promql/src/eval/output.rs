//! From rows to the value of a query.

use labels::Labels;

use super::matrix::{Matrix, absent, any_present, is_absent, without_metadata};
use super::plan::{Plan, RangeSource};
use super::selector::with_edges;
use super::steps::Steps;
use super::windows::{Cuts, LiveSamples, Windows};
use super::{Evaluator, failure};
use crate::ast::Span;
use crate::engine::QueryError;
use crate::value::{Point, RangeSeries, Sample, Value};

impl Evaluator<'_> {
    /// The value of an instant query.
    pub(super) fn instant_value(&self, plan: Plan, at: i64) -> Result<Value, QueryError> {
        let steps = Steps::single(at);
        let point = |value| Point { timestamp_ms: at, value };
        Ok(match plan {
            Plan::Text(text) => Value::String(text),
            Plan::Scalar(node) => Value::Scalar(point(self.scalars(&node, steps)?.get(0))),
            Plan::Vector(node) => {
                let matrix = self.with_final_names(self.matrix(&node, steps)?, node.span)?;
                let mut samples = Vec::with_capacity(matrix.len());
                for (head, values) in matrix.rows() {
                    if any_present(values) {
                        samples.push(Sample { labels: head.labels.clone(), point: point(values[0]) });
                    }
                }
                Value::Vector(samples)
            }
            Plan::Range(source) => Value::Matrix(sorted(self.range_vector(&source, steps)?)),
        })
    }

    /// The value of a range query.
    pub(super) fn range_value(&self, plan: Plan, steps: Steps, span: Span) -> Result<Value, QueryError> {
        self.limits.check(steps.count)?;
        match plan {
            Plan::Vector(node) if self.names_go_late => {
                let matrix = self.with_final_names(self.matrix(&node, steps)?, node.span)?;
                Ok(Value::Matrix(sorted(series(&matrix, steps))))
            }
            Plan::Vector(node) => {
                let mut out = Vec::new();
                let mut held = self.limits.holding();
                self.stream(&node, steps, &mut |row| {
                    held.add(steps.count)?;
                    let labels = self.head(row.labels, row.drop_name).labels;
                    out.extend(one_series(&labels, row.values, steps));
                    Ok(())
                })?;
                Ok(Value::Matrix(sorted(out)))
            }
            Plan::Scalar(node) => {
                let values = self.scalars(&node, steps)?;
                let points = steps.iter().enumerate();
                let points: Vec<Point> =
                    points.map(|(step, at)| Point { timestamp_ms: at, value: values.get(step) }).collect();
                let series = RangeSeries { labels: Labels::empty(), points };
                // As everywhere: a series has points.
                Ok(Value::Matrix(if steps.count == 0 { Vec::new() } else { vec![series] }))
            }
            other => {
                let found = match other {
                    Plan::Text(_) => "string",
                    _ => "range vector",
                };
                let message = format!(
                    "invalid expression type {found:?} for range query, must be Scalar or instant Vector"
                );
                Err(failure(message, span))
            }
        }
    }

    /// Drops names that were to be dropped at the end.
    fn with_final_names(&self, mut matrix: Matrix, span: Span) -> Result<Matrix, QueryError> {
        if !self.names_go_late {
            return Ok(matrix);
        }
        for head in matrix.heads_mut() {
            if head.drop_name {
                head.labels = without_metadata(&head.labels);
            }
        }
        self.merged(matrix, span)
    }

    /// A range vector as the value of a query.
    fn range_vector(&self, source: &RangeSource, steps: Steps) -> Result<Vec<RangeSeries>, QueryError> {
        let (selector, range) = match source {
            RangeSource::Selector { selector, range, .. } => (selector, *range),
            RangeSource::Subquery(subquery) => {
                let (inner_steps, matrix) = self.subquery(subquery, steps)?;
                let matrix = self.with_final_names(matrix, subquery.span)?;
                return Ok(series(&matrix, inner_steps));
            }
        };
        let windows: Windows = self.windows(selector, range, steps);
        let mut out: Vec<RangeSeries> = Vec::new();
        let mut held = self.limits.holding();
        let mut live = LiveSamples::default();
        let mut cuts = Cuts::default();
        self.visit(&selector.matchers, windows.earliest(), windows.latest(), |visited| {
            let (times, values) = live.of(visited.timestamps, visited.values);
            let mut points: Vec<Point> = Vec::new();
            let mut add = |times: &[i64], values: &[f64]| {
                let pairs = times.iter().zip(values);
                points.extend(pairs.map(|(&timestamp_ms, &value)| Point { timestamp_ms, value }));
            };
            windows.fill(&mut cuts, times, values, &mut [absent()], |_, window| {
                match selector.extension {
                    None => add(window.times, window.values),
                    Some(extension) => {
                        let (times, values) = with_edges(window, extension);
                        add(&times, &values);
                    }
                }
                None
            });
            held.add(points.len())?;
            if !points.is_empty() {
                out.push(RangeSeries { labels: visited.labels.clone(), points });
            }
            Ok(())
        })?;
        Ok(out)
    }
}

fn series(matrix: &Matrix, steps: Steps) -> Vec<RangeSeries> {
    matrix.rows().filter_map(|(head, values)| one_series(&head.labels, values, steps)).collect()
}

/// The samples of a row; `None` where there are none.
fn one_series(labels: &Labels, values: &[f64], steps: Steps) -> Option<RangeSeries> {
    let mut points = Vec::with_capacity(values.len());
    let present = values.iter().zip(steps.iter()).filter(|(value, _)| !is_absent(**value));
    points.extend(present.map(|(&value, timestamp_ms)| Point { timestamp_ms, value }));
    // Memory for steps without samples is given back where it matters.
    if points.len() * 2 < values.len() {
        points.shrink_to_fit();
    }
    (!points.is_empty()).then(|| RangeSeries { labels: labels.clone(), points })
}

fn sorted(mut series: Vec<RangeSeries>) -> Vec<RangeSeries> {
    series.sort_by(|left, right| left.labels.cmp(&right.labels));
    series
}
