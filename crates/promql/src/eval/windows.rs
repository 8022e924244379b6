//! The samples that a range selector gives at each step.

use super::matrix::{absent, is_absent};
use super::steps::Steps;

/// The samples of one series in one window, and the window's edges. The left edge does not belong to the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    /// The left edge, milliseconds since the epoch.
    pub(super) start: i64,
    /// The right edge.
    pub(super) end: i64,
    /// The samples' times, ascending. Extended selectors also get samples outside of the edges.
    pub(super) times: &'a [i64],
    /// The samples' values; none is a stale marker.
    pub(super) values: &'a [f64],
}

/// The windows of a range selector at all steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// The right edges.
    pub(super) ends: Steps,
    /// Milliseconds from the left to the right edge.
    pub(super) range: i64,
    /// How far samples before the left edge are taken along (`anchored` and `smoothed`).
    pub(super) before: i64,
    /// How far samples after the right edge are taken along (`smoothed`).
    pub(super) after: i64,
}

impl Windows {
    /// The time before (and at) which no sample is looked at.
    pub(super) fn earliest(&self) -> i64 {
        self.ends.start - self.range - self.before
    }

    /// The time after which no sample is looked at.
    pub(super) fn latest(&self) -> i64 {
        self.ends.last() + self.after
    }

    /// Calls `value` for each step that has samples in its window, and writes what it returns into `row`, or "absent"
    /// for `None`. `row` has one place for each step. Gives up in the middle when [`Cuts::watched`] says so.
    #[inline]
    pub(super) fn fill(
        &self,
        cuts: &mut Cuts<'_>,
        times: &[i64],
        values: &[f64],
        row: &mut [f64],
        mut value: impl FnMut(usize, Window<'_>) -> Option<f64>,
    ) {
        let count = times.len().min(values.len());
        let (times, values) = (&times[..count], &values[..count]);
        let watch = cuts.watch;
        let cuts = cuts.of(self, times);
        for (index, (place, &Cut { from, to })) in row.iter_mut().zip(cuts).enumerate() {
            *place = if from == to {
                absent()
            } else {
                let end = self.ends.at(index);
                let inside = from as usize..to as usize;
                if watch.is_some_and(|stop| stop(inside.len())) {
                    return;
                }
                let window = Window {
                    start: end - self.range,
                    end,
                    times: &times[inside.clone()],
                    values: &values[inside],
                };
                value(index, window).unwrap_or_else(absent)
            };
        }
    }
}

/// The samples of one window: from the first up to but not including the last.
#[derive(Clone, Copy, Debug)]
struct Cut {
    from: u32,
    to: u32,
}

/// Where the windows of one selector begin and end in a series. Series that are collected together have the same
/// times, so that what was found for one holds for the next.
#[derive(Default)]
pub(super) struct Cuts<'w> {
    times: Vec<i64>,
    cuts: Vec<Cut>,
    generation: u64,
    watch: Option<&'w dyn Fn(usize) -> bool>,
}

impl<'w> Cuts<'w> {
    /// Cuts whose windows are filled under watch: `stop` is told the number of samples of each window and says whether
    /// to give up. A single series can have many long windows.
    pub(super) fn watched(stop: &'w dyn Fn(usize) -> bool) -> Self {
        Self { watch: Some(stop), ..Self::default() }
    }

    /// The cuts for a series. All calls must be for the same windows.
    fn of(&mut self, windows: &Windows, times: &[i64]) -> &[Cut] {
        if self.cuts.len() != windows.ends.count || self.times != times {
            self.times.clear();
            self.times.extend_from_slice(times);
            self.cut(windows);
        }
        &self.cuts
    }

    fn cut(&mut self, windows: &Windows) {
        let times = &self.times;
        let (mut from, mut to) = (0, 0);
        self.generation += 1;
        self.cuts.clear();
        self.cuts.extend(windows.ends.iter().map(|end| {
            let (after, until) = (end - windows.range - windows.before, end + windows.after);
            while times.get(to).is_some_and(|&time| time <= until) {
                to += 1;
            }
            while from < to && times[from] <= after {
                from += 1;
            }
            Cut { from: from as u32, to: to as u32 }
        }));
    }
}

/// Something for each window that depends on the times alone, and so is the same for series with the same times.
pub(super) struct PerWindow<T> {
    generation: u64,
    entries: Vec<T>,
}

impl<T> Default for PerWindow<T> {
    fn default() -> Self {
        Self { generation: 0, entries: Vec::new() }
    }
}

impl<T> PerWindow<T> {
    /// What `make` makes of each window of a series with these times.
    pub(super) fn of(
        &mut self,
        windows: &Windows,
        cuts: &mut Cuts<'_>,
        times: &[i64],
        make: impl Fn(Window<'_>) -> T,
    ) -> &[T] {
        cuts.of(windows, times);
        if self.generation != cuts.generation {
            self.generation = cuts.generation;
            self.entries.clear();
            self.entries.extend(windows.ends.iter().zip(&cuts.cuts).map(|(end, cut)| {
                let times = &times[cut.from as usize..cut.to as usize];
                make(Window { start: end - windows.range, end, times, values: &[] })
            }));
        }
        &self.entries
    }
}

/// Samples without stale markers. Most series have none and are lent as they are.
#[derive(Default)]
pub(super) struct LiveSamples {
    times: Vec<i64>,
    values: Vec<f64>,
}

impl LiveSamples {
    /// The samples of `times` and `values` that are no stale markers.
    pub(super) fn of<'s>(&'s mut self, times: &'s [i64], values: &'s [f64]) -> (&'s [i64], &'s [f64]) {
        if !values.iter().any(|&value| is_absent(value)) {
            return (times, values);
        }
        self.times.clear();
        self.values.clear();
        for (&time, &value) in times.iter().zip(values) {
            if !is_absent(value) {
                self.times.push(time);
                self.values.push(value);
            }
        }
        (&self.times, &self.values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn sums(windows: Windows, times: &[i64], values: &[f64]) -> Vec<Option<f64>> {
        let mut row = vec![0.0; windows.ends.count];
        windows.fill(&mut Cuts::default(), times, values, &mut row, |_, window| {
            Some(window.values.iter().sum())
        });
        row.into_iter().map(|value| (!is_absent(value)).then_some(value)).collect()
    }

    #[test]
    fn a_window_has_its_right_edge_but_not_its_left() {
        let windows = Windows { ends: Steps::between(10, 40, 10), range: 10, before: 0, after: 0 };
        assert_eq!(
            sums(windows, &[0, 10, 15, 20], &[1.0, 2.0, 4.0, 8.0]),
            [Some(2.0), Some(12.0), None, None]
        );
    }

    #[test]
    fn windows_pinned_to_one_instant_are_the_same_at_all_steps() {
        let windows =
            Windows { ends: Steps { start: 20, step: 0, count: 3 }, range: 10, before: 0, after: 0 };
        assert_eq!(sums(windows, &[10, 20, 30], &[1.0, 2.0, 4.0]), [Some(2.0); 3]);
    }

    #[test]
    fn stale_markers_are_no_samples_of_a_range() {
        let mut live = LiveSamples::default();
        let samples = [1.0, absent(), f64::NAN];
        let (times, values) = live.of(&[1, 2, 3], &samples);
        assert_eq!(times, [1, 3]);
        assert!(values[1].is_nan());
    }

    proptest! {
        #[test]
        fn a_window_holds_what_its_definition_says(
            gaps in vec(1_i64..40, 0..60),
            (start, step, count) in (-50_i64..500, 0_i64..60, 1_usize..20),
            (range, before, after) in (0_i64..200, 0_i64..30, 0_i64..30),
        ) {
            let times: Vec<i64> = gaps.iter().scan(0, |time, gap| { *time += gap; Some(*time) }).collect();
            let values: Vec<f64> = times.iter().map(|&time| time as f64).collect();
            let windows = Windows { ends: Steps { start, step, count }, range, before, after };
            let mut row = vec![0.0; count];
            let mut cuts = Cuts::default();
            let sum = |window: Window<'_>| window.values.iter().sum::<f64>();
            windows.fill(&mut cuts, &times, &values, &mut row, |_, window| Some(sum(window)));
            for (end, value) in windows.ends.iter().zip(row) {
                let inside = times.iter().filter(|&&time| time > end - range - before && time <= end + after);
                let expected = inside.clone().map(|&time| time as f64).sum::<f64>();
                prop_assert_eq!(is_absent(value), inside.count() == 0);
                prop_assert!(is_absent(value) || value == expected);
            }
        }
    }

    #[test]
    fn cuts_follow_the_times_of_each_series() {
        let windows = Windows { ends: Steps::between(10, 20, 10), range: 10, before: 0, after: 0 };
        let mut cuts = Cuts::default();
        for (times, expected) in [(&[5, 15][..], [1.0, 1.0]), (&[5, 15], [1.0, 1.0]), (&[5, 6], [2.0, 0.0])] {
            let mut row = [0.0; 2];
            windows
                .fill(&mut cuts, times, &[1.0, 1.0], &mut row, |_, window| Some(window.values.len() as f64));
            assert_eq!(row.map(|value| if is_absent(value) { 0.0 } else { value }), expected, "{times:?}");
        }
    }
}
