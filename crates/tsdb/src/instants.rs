//! What a reader is after: all samples of a stretch of time, or only those that are the newest at some instant.

/// Evenly spaced instants at which a reader looks for the newest sample. It does not look at any other sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// The first instant, milliseconds since the epoch.
    pub first_ms: i64,
    /// Milliseconds from one to the next; zero and less count as one.
    pub step_ms: i64,
}

/// Which samples are to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The first millisecond.
    pub(crate) from_ms: i64,
    /// The last millisecond.
    pub(crate) to_ms: i64,
    /// Samples that are the newest at none of these instants may be left out.
    pub(crate) instants: Option<Instants>,
}

impl Wanted {
    /// Whatever there is.
    pub(crate) const ALL: Self = Self { from_ms: i64::MIN, to_ms: i64::MAX, instants: None };

    /// The sample at one time.
    pub(crate) fn at(time_ms: i64) -> Self {
        Self { from_ms: time_ms, to_ms: time_ms, instants: None }
    }

    /// The instants, where leaving out samples that are `step_ms` apart is worth its trouble.
    pub(crate) fn sparse(&self, step_ms: u32) -> Option<Instants> {
        self.instants.filter(|instants| instants.step_ms / 2 >= i64::from(step_ms))
    }
}

impl Instants {
    fn step(self) -> i64 {
        self.step_ms.max(1)
    }

    /// The first instant at or after a time; `None` beyond the end of time.
    fn at_or_after(self, time_ms: i64) -> Option<i64> {
        if time_ms <= self.first_ms {
            return Some(self.first_ms);
        }
        let behind = time_ms.checked_sub(self.first_ms)?;
        let steps = behind / self.step() + i64::from(behind % self.step() != 0);
        steps.checked_mul(self.step())?.checked_add(self.first_ms)
    }

    /// Which of `count` samples at equal distances, not longer than the instants' own, are the newest at an instant. The
    /// last one always is: what follows it is not known here.
    pub(crate) fn indices(self, first_ms: i64, step_ms: u32, count: usize) -> impl Iterator<Item = usize> {
        let last = count.saturating_sub(1) as u64;
        let sample_step = u64::from(step_ms.max(1));
        let offset = self.at_or_after(first_ms).and_then(|instant| instant.checked_sub(first_ms));
        let offset = offset.map_or(u64::MAX, |offset| offset as u64);
        let (whole, part) = (self.step() as u64 / sample_step, self.step() as u64 % sample_step);
        // The sample before the instant, and how far before; without a division for each of them.
        let (mut index, mut rest) = (offset / sample_step, offset % sample_step);
        let mut done = count == 0;
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            let found = index.min(last);
            done = found == last;
            (index, rest) = (index.saturating_add(whole), rest + part);
            if rest >= sample_step {
                (index, rest) = (index.saturating_add(1), rest - sample_step);
            }
            Some(found as usize)
        })
    }

    /// Leaves only the samples from `from` on that are the newest at an instant, and the last one.
    pub(crate) fn thin(self, from: usize, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        let Some(&first) = times.get(from) else { return };
        let mut instant = self.at_or_after(first);
        let mut kept = from;
        for index in from..times.len() {
            let next = times.get(index + 1).copied();
            if next.is_none_or(|next| instant.is_some_and(|instant| instant < next)) {
                times[kept] = times[index];
                values[kept] = values[index];
                kept += 1;
                instant = next.and_then(|next| self.at_or_after(next));
            }
        }
        times.truncate(kept);
        values.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// By definition: for each instant the last sample at or before it, and the last sample of all.
    fn newest(instants: Instants, times: &[i64]) -> Vec<i64> {
        let end = times.last().copied().unwrap_or(0);
        let each =
            (0..).map(|k| instants.first_ms + k * instants.step()).take_while(|instant| *instant <= end);
        let newest = each.filter_map(|instant| times.iter().rev().find(|time| **time <= instant));
        newest.chain(times.last()).copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn instants_beyond_time_find_the_last_sample() {
        for (first_ms, times) in [(i64::MAX, [1, 2]), (i64::MIN, [i64::MAX - 1, i64::MAX])] {
            let instants = Instants { first_ms, step_ms: i64::MAX };
            let (mut kept, mut values) = (times.to_vec(), vec![0.0; 2]);
            instants.thin(0, &mut kept, &mut values);
            assert_eq!(kept, times[1..]);
            assert_eq!(instants.indices(times[0], 1, 2).last(), Some(1));
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_the_definition_says(
            gaps in prop::collection::vec(1i64..40, 0..60),
            first_ms in -100i64..400,
            step_ms in 0i64..80,
            from in 0usize..3,
        ) {
            let instants = Instants { first_ms, step_ms };
            let all: Vec<i64> = gaps.iter().scan(0, |time, gap| { *time += gap; Some(*time) }).collect();
            let from = from.min(all.len());
            let (mut times, mut values) = (all.clone(), all.iter().map(|time| *time as f64).collect::<Vec<_>>());
            instants.thin(from, &mut times, &mut values);
            let expected: Vec<i64> = all[..from].iter().copied().chain(newest(instants, &all[from..])).collect();
            prop_assert_eq!(&times, &expected);
            prop_assert_eq!(values, expected.iter().map(|time| *time as f64).collect::<Vec<_>>());
        }

        #[test]
        fn indices_of_regular_samples_are_what_the_definition_says(
            count in 0usize..60,
            (start, step) in (-100i64..400, 1u32..30),
            first_ms in -100i64..400,
            more in 0i64..80,
        ) {
            let instants = Instants { first_ms, step_ms: i64::from(step) + more };
            let times: Vec<i64> = (0..count as i64).map(|i| start + i * i64::from(step)).collect();
            let found: Vec<i64> = instants.indices(start, step, count).map(|index| times[index]).collect();
            prop_assert_eq!(found, newest(instants, &times));
        }
    }
}
