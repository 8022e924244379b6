//! Aggregations that keep a few numbers for each group and step, however many series there are.

use super::matrix::{absent, is_absent};
use super::plan::Fold;
use super::statistics::{KahanSum, Mean};

/// The numbers of all groups at all steps.
pub(super) struct Folder {
    steps: usize,
    slots: Slots,
}

/// One entry for each group and step, the steps of a group next to each other. A sum, count or extreme is absent as
/// long as no sample came.
enum Slots {
    Sum { sums: Vec<f64>, lost: Vec<f64> },
    Simple { fold: Fold, values: Vec<f64> },
    Mean(Vec<Option<Mean>>),
    Spread { root: bool, slots: Vec<Option<Spread>> },
}

/// Welford's variance.
#[derive(Clone, Copy)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Folder {
    /// No groups yet.
    pub(super) fn new(fold: Fold, steps: usize) -> Self {
        let slots = match fold {
            Fold::Sum => Slots::Sum { sums: Vec::new(), lost: Vec::new() },
            Fold::Avg => Slots::Mean(Vec::new()),
            Fold::Stddev | Fold::Stdvar => Slots::Spread { root: fold == Fold::Stddev, slots: Vec::new() },
            Fold::Count | Fold::Min | Fold::Max | Fold::Group => Slots::Simple { fold, values: Vec::new() },
        };
        Self { steps, slots }
    }

    /// Makes room for `groups` groups.
    pub(super) fn grow(&mut self, groups: usize) {
        let size = groups * self.steps;
        match &mut self.slots {
            Slots::Sum { sums, lost } => {
                sums.resize(size, absent());
                lost.resize(size, 0.0);
            }
            Slots::Simple { values, .. } => values.resize(size, absent()),
            Slots::Mean(slots) => slots.resize(size, None),
            Slots::Spread { slots, .. } => slots.resize(size, None),
        }
    }

    /// Adds a series to a group.
    pub(super) fn add(&mut self, group: usize, row: &[f64]) {
        let range = group * self.steps..(group + 1) * self.steps;
        match &mut self.slots {
            Slots::Sum { sums, lost } => add_sum(&mut sums[range.clone()], &mut lost[range], row),
            Slots::Simple { fold, values } => {
                let values = &mut values[range];
                match fold {
                    Fold::Count => each(values, row, |_| 1.0, |count, _| count + 1.0),
                    Fold::Min => each(
                        values,
                        row,
                        |new| new,
                        |old, new| if old > new || old.is_nan() { new } else { old },
                    ),
                    Fold::Max => each(
                        values,
                        row,
                        |new| new,
                        |old, new| if old < new || old.is_nan() { new } else { old },
                    ),
                    _ => each(values, row, |_| 1.0, |one, _| one),
                }
            }
            Slots::Mean(slots) => {
                for (slot, &value) in slots[range].iter_mut().zip(row) {
                    if !is_absent(value) {
                        match slot {
                            Some(mean) => mean.add(value),
                            None => *slot = Some(Mean::new(value)),
                        }
                    }
                }
            }
            Slots::Spread { slots, .. } => {
                for (slot, &value) in slots[range].iter_mut().zip(row) {
                    if !is_absent(value) {
                        match slot {
                            Some(spread) => spread.add(value),
                            None => *slot = Some(Spread::new(value)),
                        }
                    }
                }
            }
        }
    }

    /// The results: the steps of each group next to each other.
    pub(super) fn finish(self) -> Vec<f64> {
        match self.slots {
            Slots::Sum { mut sums, lost } => {
                for (sum, lost) in sums.iter_mut().zip(lost) {
                    if !is_absent(*sum) {
                        *sum += lost;
                    }
                }
                sums
            }
            Slots::Simple { values, .. } => values,
            Slots::Mean(slots) => {
                slots.into_iter().map(|slot| slot.as_ref().map_or_else(absent, Mean::value)).collect()
            }
            Slots::Spread { root, slots } => {
                let variance = |spread: Spread| spread.squares / spread.count;
                let value = |spread| if root { variance(spread).sqrt() } else { variance(spread) };
                slots.into_iter().map(|slot| slot.map_or_else(absent, value)).collect()
            }
        }
    }
}

#[inline]
fn add_sum(sums: &mut [f64], lost: &mut [f64], row: &[f64]) {
    for ((sum, lost), &value) in sums.iter_mut().zip(lost).zip(row) {
        if is_absent(value) {
            continue;
        }
        let total = if is_absent(*sum) {
            KahanSum::new(value)
        } else {
            KahanSum { sum: *sum, lost: *lost }.plus(value)
        };
        (*sum, *lost) = (total.sum, total.lost);
    }
}

#[inline]
fn each(values: &mut [f64], row: &[f64], first: impl Fn(f64) -> f64, next: impl Fn(f64, f64) -> f64) {
    for (old, &new) in values.iter_mut().zip(row) {
        if !is_absent(new) {
            *old = if is_absent(*old) { first(new) } else { next(*old, new) };
        }
    }
}

impl Spread {
    fn new(first: f64) -> Self {
        let squares = if first.is_finite() { 0.0 } else { f64::NAN };
        Self { count: 1.0, mean: first, squares }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(fold: Fold, rows: &[&[f64]]) -> Vec<f64> {
        let mut folder = Folder::new(fold, rows[0].len());
        folder.grow(1);
        for row in rows {
            folder.add(0, row);
        }
        folder.finish()
    }

    #[test]
    fn each_aggregation_sees_only_the_samples_that_are_there() {
        let rows: [&[f64]; 3] = [&[1.0, absent()], &[2.0, 5.0], &[6.0, absent()]];
        for (fold, expected) in [
            (Fold::Sum, [9.0, 5.0]),
            (Fold::Avg, [3.0, 5.0]),
            (Fold::Count, [3.0, 1.0]),
            (Fold::Min, [1.0, 5.0]),
            (Fold::Max, [6.0, 5.0]),
            (Fold::Group, [1.0, 1.0]),
            (Fold::Stdvar, [14.0 / 3.0, 0.0]),
            (Fold::Stddev, [(14.0_f64 / 3.0).sqrt(), 0.0]),
        ] {
            assert_eq!(folded(fold, &rows), expected, "{fold:?}");
        }
    }

    #[test]
    fn a_step_without_samples_has_no_result() {
        for fold in [Fold::Sum, Fold::Avg, Fold::Count, Fold::Group, Fold::Stddev] {
            assert!(is_absent(folded(fold, &[&[absent()]])[0]), "{fold:?}");
        }
    }

    #[test]
    fn nan_loses_against_any_number_in_min_and_max_but_spoils_a_spread() {
        assert_eq!(folded(Fold::Min, &[&[f64::NAN], &[2.0]]), [2.0]);
        assert_eq!(folded(Fold::Max, &[&[2.0], &[f64::NAN]]), [2.0]);
        assert!(folded(Fold::Stddev, &[&[f64::INFINITY]])[0].is_nan());
    }

    #[test]
    fn sums_are_compensated() {
        assert_eq!(folded(Fold::Sum, &[&[1e100], &[1.0], &[-1e100]]), [1.0]);
        assert_eq!(folded(Fold::Avg, &[&[f64::MAX], &[f64::MAX]]), [f64::MAX]);
    }
}
