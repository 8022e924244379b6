//! Functions of range vectors, one window at a time.

use super::matrix::Scalars;
use super::rate::{self, Extent, Rate};
use super::statistics::{self, Line};
use super::steps::Steps;
use super::windows::{Cuts, PerWindow, Window, Windows};
use crate::ast::RangeExtension;

/// A function of a range vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    /// `rate`, `increase`, `delta`
    Rate(Rate),
    /// `irate`
    Irate,
    /// `idelta`
    Idelta,
    /// `avg_over_time`
    Avg,
    /// `sum_over_time`
    Sum,
    /// `count_over_time`
    Count,
    /// `min_over_time`
    Min,
    /// `max_over_time`
    Max,
    /// `first_over_time`
    First,
    /// `last_over_time`
    Last,
    /// `present_over_time`
    Present,
    /// `stddev_over_time`
    Stddev,
    /// `stdvar_over_time`
    Stdvar,
    /// `mad_over_time`
    Mad,
    /// `quantile_over_time`
    Quantile,
    /// `changes`
    Changes,
    /// `resets`
    Resets,
    /// `deriv`
    Deriv,
    /// `predict_linear`
    PredictLinear,
    /// `double_exponential_smoothing`
    DoubleExponentialSmoothing,
    /// `ts_of_first_over_time`
    TsOfFirst,
    /// `ts_of_last_over_time`
    TsOfLast,
    /// `ts_of_max_over_time`
    TsOfMax,
    /// `ts_of_min_over_time`
    TsOfMin,
}

impl RangeFunction {
    /// Whether the result is still the metric it was, and keeps its name.
    pub(super) fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    /// Whether the result depends on when it is computed, even if the window does not.
    pub(super) fn depends_on_time(self) -> bool {
        self == Self::PredictLinear
    }

    /// The functions that make sense with this extension, as Prometheus lists them; `None` where this is one of them.
    pub(super) fn refuses(self, extension: RangeExtension) -> Option<&'static str> {
        let rate = matches!(self, Self::Rate(_));
        match extension {
            RangeExtension::Anchored if rate || matches!(self, Self::Changes | Self::Resets) => None,
            RangeExtension::Anchored => Some("changes, delta, increase, rate, resets"),
            RangeExtension::Smoothed if rate => None,
            RangeExtension::Smoothed => Some("delta, increase, rate"),
        }
    }
}

/// A function together with its other arguments, for one series after the other.
pub(super) struct Prepared {
    /// The function.
    pub(super) function: RangeFunction,
    /// Its scalar arguments in their order.
    pub(super) parameters: Vec<Scalars>,
    /// `anchored` or `smoothed`.
    pub(super) extension: Option<RangeExtension>,
    /// The windows.
    pub(super) windows: Windows,
    /// The steps of the evaluation.
    pub(super) steps: Steps,
}

/// What is kept from one series to the next.
#[derive(Default)]
pub(super) struct Buffers<'w> {
    cuts: Cuts<'w>,
    extents: PerWindow<Option<Extent>>,
    scratch: Vec<f64>,
}

impl<'w> Buffers<'w> {
    /// For series that are worked on under watch, see [`Cuts::watched`].
    pub(super) fn watched(stop: &'w dyn Fn(usize) -> bool) -> Self {
        Self { cuts: Cuts::watched(stop), ..Self::default() }
    }
}

impl Prepared {
    /// Writes the function's value at each step into `row`. No value may be a stale marker.
    pub(super) fn fill(&self, times: &[i64], values: &[f64], row: &mut [f64], buffers: &mut Buffers<'_>) {
        use RangeFunction as F;
        let windows = &self.windows;
        let Buffers { cuts, extents, scratch } = buffers;
        let mut each = |row: &mut [f64], f: fn(Window<'_>) -> f64| {
            windows.fill(cuts, times, values, row, |_, window| Some(f(window)));
        };
        match self.function {
            F::Rate(kind) => match self.extension {
                Some(extension) => {
                    let smoothed = extension == RangeExtension::Smoothed;
                    windows.fill(cuts, times, values, row, |_, window| kind.between_edges(window, smoothed));
                }
                None => {
                    // Looking for resets once a series is cheaper than once a window.
                    let no_resets = !values.windows(2).any(|pair| pair[1] < pair[0]);
                    let extents =
                        extents.of(windows, cuts, times, |window| Extent::of(window, kind.per_second));
                    windows.fill(cuts, times, values, row, |step, window| {
                        let extent = extents.get(step)?.as_ref()?;
                        Some(kind.over(extent, window.values, no_resets))
                    });
                }
            },
            F::Irate => windows.fill(cuts, times, values, row, |_, window| rate::instant(window, true)),
            F::Idelta => windows.fill(cuts, times, values, row, |_, window| rate::instant(window, false)),
            F::Avg => each(row, |window| statistics::mean(window.values)),
            F::Sum => each(row, |window| statistics::sum(window.values)),
            F::Count => each(row, |window| window.values.len() as f64),
            F::Min => each(row, |window| best(window, |new, old| new < old).0),
            F::Max => each(row, |window| best(window, |new, old| new > old).0),
            F::First => each(row, |window| window.values.first().copied().unwrap_or(f64::NAN)),
            F::Last => each(row, |window| window.values.last().copied().unwrap_or(f64::NAN)),
            F::Present => each(row, |_| 1.0),
            F::Stddev => each(row, |window| statistics::variance(window.values).sqrt()),
            F::Stdvar => each(row, |window| statistics::variance(window.values)),
            F::Mad => {
                windows.fill(cuts, times, values, row, |_, window| Some(deviation(window.values, scratch)));
            }
            F::Quantile => windows.fill(cuts, times, values, row, |step, window| {
                scratch.clear();
                scratch.extend_from_slice(window.values);
                Some(statistics::quantile(self.parameter(0, step), scratch))
            }),
            F::Changes => windows.fill(cuts, times, values, row, |_, window| {
                self.count_pairs(window, |a, b| b != a && !(a.is_nan() && b.is_nan()))
            }),
            F::Resets => {
                windows.fill(cuts, times, values, row, |_, window| self.count_pairs(window, |a, b| b < a));
            }
            F::Deriv => windows.fill(cuts, times, values, row, |_, window| {
                let line = Line::fit(window.times, window.values, *window.times.first()?)?;
                (window.values.len() > 1).then_some(line.slope)
            }),
            F::PredictLinear => windows.fill(cuts, times, values, row, |step, window| {
                let line = Line::fit(window.times, window.values, self.steps.at(step))?;
                (window.values.len() > 1).then(|| line.slope * self.parameter(0, step) + line.intercept)
            }),
            F::DoubleExponentialSmoothing => windows.fill(cuts, times, values, row, |step, window| {
                smooth(window.values, self.parameter(0, step), self.parameter(1, step))
            }),
            F::TsOfFirst => each(row, |window| seconds(window.times.first())),
            F::TsOfLast => each(row, |window| seconds(window.times.last())),
            F::TsOfMax => each(row, |window| best(window, |new, old| new >= old).1),
            F::TsOfMin => each(row, |window| best(window, |new, old| new <= old).1),
        }
    }

    fn parameter(&self, index: usize, step: usize) -> f64 {
        self.parameters.get(index).map_or(f64::NAN, |parameter| parameter.get(step))
    }

    /// How many neighbouring samples satisfy `is_one`. `anchored` begins at the last sample before the window, and
    /// gives nothing where the window itself is empty.
    fn count_pairs(&self, window: Window<'_>, is_one: impl Fn(f64, f64) -> bool) -> Option<f64> {
        let mut values = window.values;
        if self.extension.is_some() {
            let inside = window.times.partition_point(|&time| time <= window.start);
            if inside == values.len() {
                return None;
            }
            values = &values[inside.saturating_sub(1)..];
        }
        Some(values.windows(2).filter(|pair| is_one(pair[0], pair[1])).count() as f64)
    }
}

fn seconds(time: Option<&i64>) -> f64 {
    time.map_or(f64::NAN, |&time| time as f64 / 1000.0)
}

/// The value that beats all before it, and its time in seconds. Anything beats NaN.
fn best(window: Window<'_>, beats: impl Fn(f64, f64) -> bool) -> (f64, f64) {
    let mut best = window.values.first().copied().unwrap_or(f64::NAN);
    let mut at = window.times.first();
    for (time, &value) in window.times.iter().zip(window.values) {
        if beats(value, best) || best.is_nan() {
            best = value;
            at = Some(time);
        }
    }
    (best, seconds(at))
}

/// The median of the distances to the median.
fn deviation(values: &[f64], scratch: &mut Vec<f64>) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    scratch.clear();
    scratch.extend_from_slice(values);
    let median = statistics::quantile(0.5, scratch);
    for value in scratch.iter_mut() {
        *value = (*value - median).abs();
    }
    statistics::quantile(0.5, scratch)
}

/// Double exponential smoothing (Holt): a level and a trend, each a weighted mean of what was and what is.
fn smooth(values: &[f64], level_weight: f64, trend_weight: f64) -> Option<f64> {
    let (&[first, second, ..], [_, rest @ ..]) = (values, values) else { return None };
    let (mut level, mut trend) = (first, second - first);
    let mut previous_level = None;
    for &value in rest {
        if let Some(previous) = previous_level {
            trend = trend_weight * (level - previous) + (1.0 - trend_weight) * trend;
        }
        previous_level = Some(level);
        level = level_weight * value + (1.0 - level_weight) * (level + trend);
    }
    Some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(function: RangeFunction, values: &[f64], parameters: &[f64]) -> f64 {
        let times: Vec<i64> = (1..=values.len() as i64).map(|second| second * 1000).collect();
        let steps = Steps::single(values.len() as i64 * 1000);
        let windows = Windows { ends: steps, range: 1_000_000, before: 0, after: 0 };
        let parameters = parameters.iter().map(|&value| Scalars::Same(value)).collect();
        let prepared = Prepared { function, parameters, extension: None, windows, steps };
        let mut row = [0.0];
        prepared.fill(&times, values, &mut row, &mut Buffers::default());
        row[0]
    }

    #[test]
    fn each_function_does_what_its_name_says() {
        use RangeFunction as F;
        let values = [4.0, 1.0, 3.0, 3.0, 9.0];
        for (function, parameters, expected) in [
            (F::Avg, vec![], 4.0),
            (F::Sum, vec![], 20.0),
            (F::Count, vec![], 5.0),
            (F::Min, vec![], 1.0),
            (F::Max, vec![], 9.0),
            (F::First, vec![], 4.0),
            (F::Last, vec![], 9.0),
            (F::Present, vec![], 1.0),
            (F::Stdvar, vec![], 7.2),
            (F::Stddev, vec![], 7.2_f64.sqrt()),
            (F::Mad, vec![], 1.0),
            (F::Quantile, vec![0.5], 3.0),
            (F::Changes, vec![], 3.0),
            (F::Resets, vec![], 1.0),
            (F::Irate, vec![], 6.0),
            (F::Idelta, vec![], 6.0),
            (F::Deriv, vec![], 1.2),
            (F::PredictLinear, vec![10.0], 18.4),
            (F::TsOfFirst, vec![], 1.0),
            (F::TsOfLast, vec![], 5.0),
            (F::TsOfMax, vec![], 5.0),
            (F::TsOfMin, vec![], 2.0),
        ] {
            let value = apply(function, &values, &parameters);
            assert!((value - expected).abs() < 1e-9, "{function:?}: {value} instead of {expected}");
        }
    }

    #[test]
    fn the_extreme_of_a_window_is_nan_only_when_all_of_it_is() {
        assert_eq!(apply(RangeFunction::Max, &[f64::NAN, 2.0, f64::NAN], &[]), 2.0);
        assert!(apply(RangeFunction::Min, &[f64::NAN], &[]).is_nan());
        assert!(apply(RangeFunction::Mad, &[1.0, f64::NAN], &[]).is_nan());
    }

    #[test]
    fn one_nan_after_another_is_no_change() {
        assert_eq!(apply(RangeFunction::Changes, &[f64::NAN, f64::NAN, 1.0], &[]), 1.0);
    }

    #[test]
    fn smoothing_follows_a_straight_line_exactly() {
        let value = apply(RangeFunction::DoubleExponentialSmoothing, &[1.0, 2.0, 3.0, 4.0], &[0.3, 0.7]);
        assert!((value - 4.0).abs() < 1e-12, "{value}");
    }
}
