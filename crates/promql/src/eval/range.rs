//! Range vectors: windows over the storage's samples, or over what a subquery gives.

use labels::Labels;

use super::matrix::{Matrix, Row, Sink, absent, any_present, is_absent};
use super::plan::{Inner, OverTime, RangeSource, Selector, Subquery};
use super::range_functions::{Buffers, Prepared, RangeFunction};
use super::steps::Steps;
use super::windows::{Cuts, LiveSamples, Windows};
use super::{Evaluator, failure};
use crate::ast::{RangeExtension, Span};
use crate::engine::QueryError;

/// Names of counters end like this, also those of a classic histogram's parts.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

impl Evaluator<'_> {
    /// The windows of a range selector at `steps`.
    pub(super) fn windows(&self, selector: &Selector, range: i64, steps: Steps) -> Windows {
        let (before, after) = match selector.extension {
            None => (0, 0),
            Some(RangeExtension::Anchored) => (self.lookback, 0),
            Some(RangeExtension::Smoothed) => (self.lookback, self.lookback),
        };
        Windows { ends: selector.shift.apply(steps), range, before, after }
    }

    /// What a subquery gives, one row for each series, and the steps at which it was evaluated.
    pub(super) fn subquery(&self, subquery: &Subquery, steps: Steps) -> Result<(Steps, Matrix), QueryError> {
        let ends = subquery.shift.apply(steps);
        let inner_steps = Steps::aligned(ends.start - subquery.range, ends.last(), subquery.step);
        self.limits.check(inner_steps.count)?;
        let matrix = match &subquery.inner {
            Inner::Vector(inner) => self.matrix(inner, inner_steps)?,
            Inner::Scalar(inner) => self.of_scalar(inner, inner_steps)?,
        };
        Ok((inner_steps, matrix))
    }

    /// A function of a range vector, series by series.
    pub(super) fn over_time(
        &self,
        call: &OverTime,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let drops_name = !call.function.keeps_name();
        let parameters =
            call.parameters.iter().map(|node| self.scalars(node, steps)).collect::<Result<Vec<_>, _>>()?;
        let mut prepared = Prepared {
            function: call.function,
            parameters,
            extension: call.source.extension(),
            windows: Windows { ends: steps, range: 0, before: 0, after: 0 },
            steps,
        };
        let span = call.source.span();
        let mut values = vec![absent(); steps.count];
        let stop = |samples| self.limits.work(samples).is_err();
        let mut buffers = Buffers::watched(&stop);
        let mut checks = Checks::default();
        match &call.source {
            RangeSource::Selector { selector, range, .. } => {
                prepared.windows = self.windows(selector, *range, steps);
                let mut live = LiveSamples::default();
                let (after, until) = (prepared.windows.earliest(), prepared.windows.latest());
                self.visit(&selector.matchers, after, until, |series| {
                    self.limits.work(steps.count)?;
                    let (times, samples) = live.of(series.timestamps, series.values);
                    prepared.fill(times, samples, &mut values, &mut buffers);
                    self.limits.go_on()?;
                    checks.before(self, &prepared, span)?;
                    if any_present(&values) {
                        checks.after(self, &prepared, series.labels, span);
                        sink(Row { labels: series.labels, drop_name: drops_name, values: &mut values })?;
                    }
                    Ok(())
                })
            }
            RangeSource::Subquery(subquery) => {
                prepared.windows =
                    Windows { ends: subquery.shift.apply(steps), range: subquery.range, before: 0, after: 0 };
                let (inner_steps, matrix) = self.subquery(subquery, steps)?;
                let all_times: Vec<i64> = inner_steps.iter().collect();
                let mut live = LiveSamples::default();
                for (head, samples) in matrix.rows() {
                    self.limits.work(samples.len() + steps.count)?;
                    let (times, samples) = live.of(&all_times, samples);
                    prepared.fill(times, samples, &mut values, &mut buffers);
                    self.limits.go_on()?;
                    checks.before(self, &prepared, span)?;
                    if any_present(&values) {
                        checks.after(self, &prepared, &head.labels, span);
                        let drop_name = drops_name || head.drop_name;
                        sink(Row { labels: &head.labels, drop_name, values: &mut values })?;
                    }
                }
                Ok(())
            }
        }
    }

    /// `absent_over_time`: at which steps no series has a sample.
    pub(super) fn absent_over_time(
        &self,
        source: &RangeSource,
        labels: &Labels,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut present = vec![false; steps.count];
        let mut cuts = Cuts::default();
        let mut note = |windows: Windows, times: &[i64], samples: &[f64], row: &mut [f64]| {
            windows.fill(&mut cuts, times, samples, row, |_, _| Some(1.0));
            for (present, &value) in present.iter_mut().zip(row.iter()) {
                *present |= !is_absent(value);
            }
        };
        let mut row = vec![absent(); steps.count];
        let mut live = LiveSamples::default();
        match source {
            RangeSource::Selector { selector, range, .. } => {
                let windows = self.windows(selector, *range, steps);
                self.visit(&selector.matchers, windows.earliest(), windows.latest(), |series| {
                    self.limits.work(steps.count)?;
                    let (times, samples) = live.of(series.timestamps, series.values);
                    note(windows, times, samples, &mut row);
                    Ok(())
                })?;
            }
            RangeSource::Subquery(subquery) => {
                let windows =
                    Windows { ends: subquery.shift.apply(steps), range: subquery.range, before: 0, after: 0 };
                let (inner_steps, matrix) = self.subquery(subquery, steps)?;
                let all_times: Vec<i64> = inner_steps.iter().collect();
                for (_, samples) in matrix.rows() {
                    self.limits.work(samples.len() + steps.count)?;
                    let (times, samples) = live.of(&all_times, samples);
                    note(windows, times, samples, &mut row);
                }
            }
        }
        self.absence(&present, labels)
    }
}

/// What is checked and remarked for each series of a function of a range vector, as cheaply as possible.
#[derive(Default)]
struct Checks {
    parameters_checked: bool,
    last_name: String,
}

impl Checks {
    /// Once there is a series, wrong parameters are errors.
    fn before(
        &mut self,
        evaluator: &Evaluator<'_>,
        prepared: &Prepared,
        span: Span,
    ) -> Result<(), QueryError> {
        if std::mem::replace(&mut self.parameters_checked, true) {
            return Ok(());
        }
        let count = prepared.steps.count;
        match prepared.function {
            RangeFunction::DoubleExponentialSmoothing => {
                for (parameter, (name, short)) in
                    prepared.parameters.iter().zip([("smoothing", "sf"), ("trend", "tf")])
                {
                    if let Some(wrong) = parameter.iter(count).find(|&value| value <= 0.0 || value >= 1.0) {
                        let message =
                            format!("invalid {name} factor. Expected: 0 < {short} < 1, got: {wrong:.6}");
                        return Err(failure(message, span));
                    }
                }
            }
            RangeFunction::Quantile => {
                for quantile in prepared.parameters.iter().flat_map(|parameter| parameter.iter(count)) {
                    evaluator.check_quantile(quantile, span);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `rate` and `increase` of something that is not named like a counter are probably a mistake.
    fn after(&mut self, evaluator: &Evaluator<'_>, prepared: &Prepared, labels: &Labels, span: Span) {
        let RangeFunction::Rate(rate) = prepared.function else { return };
        let Some(name) = labels.metric_name() else { return };
        if !rate.counter
            || name == self.last_name
            || COUNTER_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        {
            return;
        }
        self.last_name.clear();
        self.last_name.push_str(name);
        let message = format!(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
        );
        evaluator.notes.info(message, span);
    }
}
