//! Instant selectors: from the storage's samples straight to one value for each step.

use std::ops::ControlFlow;

use labels::Matcher;

use super::Evaluator;
use super::matrix::{Row, Sink, absent, any_present, is_absent};
use super::plan::Selector;
use super::rate::Edges;
use super::steps::Steps;
use super::windows::{Cuts, LiveSamples, Window, Windows};
use crate::ast::RangeExtension;
use crate::engine::QueryError;
use crate::storage::{Instants, SelectRequest, SeriesRef};

impl Evaluator<'_> {
    /// Visits the series that satisfy `matchers` with their samples in `(after, until]`.
    pub(super) fn visit(
        &self,
        matchers: &[Matcher],
        after: i64,
        until: i64,
        visit: impl FnMut(SeriesRef<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let give_up = || self.limits.give_up();
        let request = SelectRequest {
            matchers,
            start_ms: after + 1,
            end_ms: until,
            newest_at: None,
            give_up: &give_up,
        };
        self.visit_request(&request, visit)
    }

    fn visit_request(
        &self,
        request: &SelectRequest<'_>,
        mut visit: impl FnMut(SeriesRef<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let mut failure = None;
        let mut found = 0;
        self.storage.select(request, &mut |series| {
            found += 1;
            let outcome = self
                .limits
                .check_series(found)
                .and_then(|()| self.limits.read(series.timestamps.len()))
                .and_then(|()| visit(series));
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        // The storage may have given up without a word.
        failure.map_or_else(|| self.limits.go_on(), Err)
    }

    /// The values of an instant selector: the newest sample in `(step - lookback, step]`, unless it is a stale marker.
    pub(super) fn select(
        &self,
        selector: &Selector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        match selector.extension {
            Some(RangeExtension::Smoothed) => self.select_smoothed(selector, steps, sink),
            _ => self.select_with(selector, steps, sink, |_, value| value),
        }
    }

    /// The times of the samples of an instant selector, in seconds.
    pub(super) fn select_times(
        &self,
        selector: &Selector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let seconds = |time: i64, _| time as f64 / 1000.0;
        self.select_with(selector, steps, &mut |row| sink(Row { drop_name: true, ..row }), seconds)
    }

    fn select_with(
        &self,
        selector: &Selector,
        steps: Steps,
        sink: &mut Sink<'_>,
        result: impl Fn(i64, f64) -> f64,
    ) -> Result<(), QueryError> {
        let ends = selector.shift.apply(steps);
        let windows = Windows { ends, range: self.lookback, before: 0, after: 0 };
        let newest = |window: Window<'_>| match (window.times, window.values) {
            (&[.., time], &[.., value]) if !is_absent(value) => Some(result(time, value)),
            _ => None,
        };
        let mut values = vec![absent(); steps.count];
        let mut cuts = Cuts::default();
        // A single instant is followed by none.
        let step_ms = if ends.count > 1 && ends.step > 0 { ends.step } else { i64::MAX };
        let give_up = || self.limits.give_up();
        let request = SelectRequest {
            matchers: &selector.matchers,
            start_ms: windows.earliest() + 1,
            end_ms: windows.latest(),
            newest_at: Some(Instants { first_ms: ends.start, step_ms }),
            give_up: &give_up,
        };
        self.visit_request(&request, |series| {
            self.limits.work(steps.count)?;
            windows
                .fill(&mut cuts, series.timestamps, series.values, &mut values, |_, window| newest(window));
            if any_present(&values) {
                sink(Row { labels: series.labels, drop_name: false, values: &mut values })?;
            }
            Ok(())
        })
    }

    /// `smoothed`: between two samples the value lies on the line between them; after the last one it stays.
    fn select_smoothed(
        &self,
        selector: &Selector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let ends = selector.shift.apply(steps);
        let windows = Windows { ends, range: 0, before: self.lookback, after: self.lookback };
        let mut values = vec![absent(); steps.count];
        let mut live = LiveSamples::default();
        let mut cuts = Cuts::default();
        self.visit(&selector.matchers, windows.earliest(), windows.latest(), |series| {
            self.limits.work(steps.count)?;
            let (times, samples) = live.of(series.timestamps, series.values);
            windows.fill(&mut cuts, times, samples, &mut values, |_, window| value_at_end(window));
            if any_present(&values) {
                sink(Row { labels: series.labels, drop_name: false, values: &mut values })?;
            }
            Ok(())
        })
    }
}

fn value_at_end(window: Window<'_>) -> Option<f64> {
    let Window { end, times, values, .. } = window;
    let next = times.partition_point(|&time| time < end);
    if times.get(next) == Some(&end) {
        return values.get(next).copied();
    }
    let previous = next.checked_sub(1)?;
    let Some((&time, &value)) = times.get(next).zip(values.get(next)) else {
        return values.get(previous).copied();
    };
    let (from_time, from) = (times[previous], values[previous]);
    Some(from + (value - from) * (end - from_time) as f64 / (time - from_time) as f64)
}

/// The samples of an `anchored` or `smoothed` range selector that is not an argument of a function: those inside, and
/// one at each edge.
pub(super) fn with_edges(window: Window<'_>, extension: RangeExtension) -> (Vec<i64>, Vec<f64>) {
    let Some(Edges { left, right, inside }) = Edges::of(window, extension == RangeExtension::Smoothed, false)
    else {
        return (Vec::new(), Vec::new());
    };
    let around = |first, middle: &[i64], last| [&[first], middle, &[last]].concat();
    (around(window.start, inside.times, window.end), [&[left], inside.values, &[right]].concat())
}
