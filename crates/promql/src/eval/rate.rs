//! `rate`, `increase`, `delta` and their kin.

use super::windows::Window;

/// What to make of the samples of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Whether a falling value means that a counter started anew.
    pub(super) counter: bool,
    /// Whether the result is per second.
    pub(super) per_second: bool,
}

/// Intervals longer than this many average ones to the window's edge mean that the series starts or ends inside.
const EXTRAPOLATION_THRESHOLD: f64 = 1.1;

impl Rate {
    /// `rate`
    pub(super) const RATE: Self = Self { counter: true, per_second: true };
    /// `increase`
    pub(super) const INCREASE: Self = Self { counter: true, per_second: false };
    /// `delta`
    pub(super) const DELTA: Self = Self { counter: false, per_second: false };

    /// The change over the window, extrapolated to its edges. `no_resets` promises that the values never fall. `None`
    /// where the window has too few samples.
    #[cfg(test)]
    fn extrapolated(self, window: Window<'_>, no_resets: bool) -> Option<f64> {
        Extent::of(window, self.per_second).map(|extent| self.over(&extent, window.values, no_resets))
    }

    /// The change of `values`, extrapolated to the edges of the window that `extent` was made of; a counter never beyond
    /// the point where it would have been zero. `no_resets` promises that the values never fall.
    #[inline]
    pub(super) fn over(self, extent: &Extent, values: &[f64], no_resets: bool) -> f64 {
        let &[first, .., last] = values else { return f64::NAN };
        let mut change = last - first;
        if !self.counter {
            return change * extent.factor;
        }
        if !no_resets {
            for pair in values.windows(2) {
                if pair[1] < pair[0] {
                    change += pair[0];
                }
            }
        }
        // Whether the time to the zero point, `sampled * first / change`, is less than that to the start.
        if change > 0.0 && first >= 0.0 && extent.sampled * first < extent.to_start * change {
            let to_zero = extent.sampled * (first / change);
            return change * extent.factor_from(to_zero);
        }
        change * extent.factor
    }

    /// The change between the values at the window's edges (`anchored`, `smoothed`): nothing is extrapolated, instead
    /// samples outside of the window say what the values at the edges are. `smoothed` interpolates between them,
    /// `anchored` takes the last one before the edge.
    pub(super) fn between_edges(self, window: Window<'_>, smoothed: bool) -> Option<f64> {
        let Edges { left, right, inside } = Edges::of(window, smoothed, self.counter)?;
        let mut change = right - left;
        if self.counter {
            let mut previous = left;
            for &value in inside.values.iter().chain([&right]) {
                if value < previous {
                    change += previous;
                }
                previous = value;
            }
        }
        if self.per_second {
            change /= (window.end - window.start) as f64 / 1000.0;
        }
        Some(change)
    }
}

/// What the times of a window's samples say about extrapolation; series that are collected together share it.
///
/// Where the first sample is nearer to the window's edge than about one interval, the series is taken to cover the whole
/// window; else it is taken to begin half an interval before its first sample. The same at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Seconds from the first to the last sample.
    sampled: f64,
    /// Seconds from where the series is taken to begin to its first sample.
    to_start: f64,
    /// Seconds from its last sample to where it is taken to end.
    to_end: f64,
    /// The window's length in seconds where the result is per second.
    per: Option<f64>,
    /// What a change between first and last sample is multiplied with.
    factor: f64,
}

impl Extent {
    /// `None` for less than two samples.
    pub(super) fn of(window: Window<'_>, per_second: bool) -> Option<Self> {
        let Window { start, end, times, .. } = window;
        let &[first, .., last] = times else { return None };
        let sampled = (last - first) as f64 / 1000.0;
        let average = sampled / (times.len() - 1) as f64;
        let threshold = average * EXTRAPOLATION_THRESHOLD;
        let to_edge = |ms: i64| {
            let seconds = ms as f64 / 1000.0;
            if seconds >= threshold { average / 2.0 } else { seconds }
        };
        let per = per_second.then_some((end - start) as f64 / 1000.0);
        let mut extent =
            Self { sampled, to_start: to_edge(first - start), to_end: to_edge(end - last), per, factor: 1.0 };
        extent.factor = extent.factor_from(extent.to_start);
        Some(extent)
    }

    /// The factor for a series that begins `to_start` seconds before its first sample.
    fn factor_from(&self, to_start: f64) -> f64 {
        let factor = (self.sampled + to_start + self.to_end) / self.sampled;
        self.per.map_or(factor, |seconds| factor / seconds)
    }
}

/// The values at a window's edges, and the samples strictly between them.
pub(super) struct Edges<'a> {
    /// The value at the left edge.
    pub(super) left: f64,
    /// The value at the right edge.
    pub(super) right: f64,
    /// The samples between.
    pub(super) inside: Window<'a>,
}

impl<'a> Edges<'a> {
    /// Finds or interpolates the values at the edges. `None` where no sample lies behind the left edge.
    pub(super) fn of(window: Window<'a>, smoothed: bool, counter: bool) -> Option<Self> {
        let Window { start, end, times, values } = window;
        let mut last = times.len().checked_sub(1)?;
        // Only all but the last sample can be the anchor.
        let mut first = times[..last].partition_point(|&time| time <= start).saturating_sub(1);
        if smoothed {
            last = times[..last].partition_point(|&time| time < end);
        }
        if times[last] <= start || (smoothed && times[first] > end) {
            return None;
        }
        let between = |a: usize, b: usize, at: i64| {
            let from = if counter && values[b] < values[a] { 0.0 } else { values[a] };
            from + (values[b] - from) * (at - times[a]) as f64 / (times[b] - times[a]) as f64
        };
        let left =
            if smoothed && times[first] < start { between(first, first + 1, start) } else { values[first] };
        let right = if smoothed && last > 0 && times[last] > end {
            between(last - 1, last, end)
        } else {
            values[last]
        };
        let mut beyond = last + 1;
        if times[first] <= start {
            first += 1;
        }
        if times[last] >= end {
            beyond -= 1;
        }
        let beyond = beyond.max(first);
        let inside = Window { times: &times[first..beyond], values: &values[first..beyond], ..window };
        Some(Self { left, right, inside })
    }
}

/// `irate` and `idelta`: the change between the last two samples.
pub(super) fn instant(window: Window<'_>, rate: bool) -> Option<f64> {
    let (&[.., before_time, time], &[.., before, value]) = (window.times, window.values) else { return None };
    if time == before_time {
        return None;
    }
    let change = if rate && value < before { value } else { value - before };
    Some(if rate { change / ((time - before_time) as f64 / 1000.0) } else { change })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn window<'a>(start: i64, end: i64, times: &'a [i64], values: &'a [f64]) -> Window<'a> {
        Window { start, end, times, values }
    }

    fn increase(start: i64, end: i64, times: &[i64], values: &[f64]) -> f64 {
        Rate::INCREASE.extrapolated(window(start, end, times, values), false).unwrap()
    }

    #[test]
    fn a_series_that_fills_the_window_is_extrapolated_to_both_edges() {
        // 10 s apart, 5 s to each edge: 3 intervals of 10 s were seen, the window is 4 long.
        let increase = increase(0, 40_000, &[5_000, 15_000, 25_000, 35_000], &[100.0, 110.0, 120.0, 130.0]);
        assert_eq!(increase, 40.0);
    }

    #[test]
    fn a_gap_of_less_than_1_1_intervals_is_extrapolated_all_the_way() {
        let times = [10_999, 20_999, 30_999];
        let increase = increase(0, 30_999, &times, &[1000.0, 1010.0, 1020.0]);
        assert!((increase - 30.999).abs() < 1e-9, "{increase}");
    }

    #[test]
    fn a_gap_of_1_1_intervals_or_more_is_extrapolated_by_half_an_interval() {
        let times = [11_000, 21_000, 31_000];
        let increase = increase(0, 31_000, &times, &[1000.0, 1010.0, 1020.0]);
        assert!((increase - 25.0).abs() < 1e-9, "{increase}");
    }

    #[test]
    fn a_counter_is_not_extrapolated_below_zero() {
        // The slope is 1 a second and the first value 2: the counter was zero 2 s before its first sample.
        let times = [5_000, 15_000, 25_000];
        let increase = increase(0, 25_000, &times, &[2.0, 12.0, 22.0]);
        assert!((increase - 22.0).abs() < 1e-9, "{increase}");
        // A gauge is.
        let delta = Rate::DELTA.extrapolated(window(0, 25_000, &times, &[2.0, 12.0, 22.0]), false).unwrap();
        assert!((delta - 25.0).abs() < 1e-9, "{delta}");
    }

    #[test]
    fn the_half_interval_comes_before_the_zero_point() {
        // 20 s to the edge are more than 11 s, so half an interval (5 s) is taken; zero would be 8 s away.
        let increase = increase(0, 40_000, &[20_000, 30_000, 40_000], &[8.0, 18.0, 28.0]);
        assert!((increase - 25.0).abs() < 1e-9, "{increase}");
    }

    #[test]
    fn a_reset_adds_what_the_counter_had_reached() {
        let increase = increase(0, 30_000, &[0, 10_000, 20_000, 30_000], &[5.0, 10.0, 3.0, 6.0]);
        assert_eq!(increase, 11.0);
        let delta = Rate::DELTA.extrapolated(window(0, 30_000, &[0, 30_000], &[5.0, 6.0]), false);
        assert_eq!(delta, Some(1.0));
    }

    proptest! {
        #[test]
        fn an_increase_is_never_negative_and_at_least_what_was_seen(
            samples in vec((1_i64..60_000, 0_u32..1000), 2..30),
            resets in any::<u32>(),
        ) {
            let (mut time, mut total) = (0, 0.0);
            let (mut times, mut values) = (Vec::new(), Vec::new());
            for (index, &(gap, more)) in samples.iter().enumerate() {
                time += gap;
                if resets >> (index % 32) & 1 == 1 {
                    total = 0.0;
                }
                total += f64::from(more);
                times.push(time);
                values.push(total);
            }
            let window = window(0, time + 1, &times, &values);
            let increase = Rate::INCREASE.extrapolated(window, false).unwrap();
            // A counter that restarts above where it was hides what it counted.
            let visible = values.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] });
            prop_assert!(increase >= visible.sum::<f64>() * (1.0 - 1e-9));
            prop_assert!(increase.is_finite());
            let rate = Rate::RATE.extrapolated(window, false).unwrap();
            prop_assert!((rate * (time + 1) as f64 / 1000.0 - increase).abs() <= 1e-9 * increase);
        }
    }

    #[test]
    fn one_sample_has_no_rate() {
        assert_eq!(Rate::RATE.extrapolated(window(0, 10, &[5], &[1.0]), false), None);
        assert_eq!(instant(window(0, 10, &[5], &[1.0]), true), None);
    }

    #[test]
    fn irate_looks_at_the_last_two_samples_only() {
        let times = [0, 1_000, 3_000];
        assert_eq!(
            instant(window(-1, 3_000, &times, &[0.0, 9.0, 5.0]), true),
            Some(2.5),
            "after a reset, from zero"
        );
        assert_eq!(instant(window(-1, 3_000, &times, &[0.0, 9.0, 5.0]), false), Some(-4.0));
    }

    #[test]
    fn anchored_takes_the_sample_before_the_window() {
        let rate = Rate { counter: true, per_second: false };
        let window = window(10_000, 30_000, &[5_000, 15_000, 25_000], &[1.0, 4.0, 9.0]);
        assert_eq!(rate.between_edges(window, false), Some(8.0));
    }

    #[test]
    fn smoothed_interpolates_at_both_edges() {
        let rate = Rate { counter: true, per_second: false };
        let window = window(10_000, 30_000, &[5_000, 15_000, 25_000, 35_000], &[0.0, 10.0, 20.0, 30.0]);
        assert_eq!(rate.between_edges(window, true), Some(20.0));
    }
}
