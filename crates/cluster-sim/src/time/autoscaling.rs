//! How many pods an autoscaler wants.

use super::recurrence::Recurrence;
use super::span::{Seconds, Span};
use crate::draw::Draw;

/// How often the load is looked at.
const STEP: Seconds = 300;
/// Steps of one wave of load: up and down again in two hours.
const WAVE: i64 = 24;

/// The load on an autoscaled workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Rises and falls.
    Wave,
    /// More than the most pods can take, always.
    Peak,
}

/// A workload's scaling between two bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Autoscaling {
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) load: Load,
    steps: Recurrence,
    phase: i64,
}

impl Autoscaling {
    pub(crate) fn new(least: usize, most: usize, load: Load, draw: Draw) -> Autoscaling {
        let first = draw.of("step").between(0..STEP);
        let phase = draw.of("phase").between(0..WAVE);
        Autoscaling { least, most: most.max(least), load, steps: Recurrence { first, period: STEP }, phase }
    }

    /// How many pods are wanted at `at`.
    pub(crate) fn desired(&self, at: Seconds) -> Span<usize> {
        let step = self.steps.latest(at).value;
        let desired = self.at_step(step);
        self.as_long(step, |number| self.at_step(number) == desired).map(|()| desired)
    }

    /// Whether the pod of this number is wanted at `at`.
    pub(crate) fn wants(&self, ordinal: usize, at: Seconds) -> Span<bool> {
        let step = self.steps.latest(at).value;
        let wanted = ordinal < self.at_step(step);
        self.as_long(step, |number| (ordinal < self.at_step(number)) == wanted).map(|()| wanted)
    }

    fn at_step(&self, step: i64) -> usize {
        if self.load == Load::Peak {
            return self.most;
        }
        let position = (step + self.phase).rem_euclid(WAVE);
        let height = position.min(WAVE - position) as usize;
        // Rounded: `height` is at most half a wave.
        self.least + ((self.most - self.least) * height * 2 + WAVE as usize / 2) / WAVE as usize
    }

    /// From when to when `same` holds around a step. The wave repeats: what holds for one, holds always.
    fn as_long(&self, step: i64, same: impl Fn(i64) -> bool) -> Span<()> {
        let before = (1..=WAVE).find(|distance| !same(step - distance));
        let after = (1..=WAVE).find(|distance| !same(step + distance));
        let always = Span::always(());
        Span {
            value: (),
            since: before.map_or(always.since, |distance| self.steps.moment(step - distance + 1)),
            until: after.map_or(always.until, |distance| self.steps.moment(step + distance)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn load_goes_up_to_the_bounds_and_changes_within_every_hour() {
        let scaling = Autoscaling::new(4, 10, Load::Wave, Draw::new(1));
        let values: Vec<usize> = (0..7_200).map(|at| scaling.desired(at).value).collect();
        assert_eq!((values.iter().min(), values.iter().max()), (Some(&4), Some(&10)));
        for hour in 0..50 {
            assert!(scaling.desired(hour * 3_600).until <= (hour + 1) * 3_600);
        }
        assert_eq!(Autoscaling::new(4, 10, Load::Peak, Draw::new(1)).desired(77), Span::always(10));
        assert_eq!(Autoscaling::new(3, 3, Load::Wave, Draw::new(1)).desired(77), Span::always(3));
    }

    proptest! {
        #[test]
        fn what_is_wanted_is_wanted_until_it_is_not(
            least in 0_usize..20, more in 0_usize..20, seed: u64, ordinal in 0_usize..50, at in 0_i64..1_000_000,
        ) {
            let scaling = Autoscaling::new(least, least + more, Load::Wave, Draw::new(seed));
            let desired = scaling.desired(at);
            prop_assert!(desired.covers(at) && (least..=least + more).contains(&desired.value));
            let wanted = scaling.wants(ordinal, at);
            prop_assert!(wanted.covers(at));
            prop_assert_eq!(wanted.value, ordinal < desired.value);
            if wanted.until != i64::MAX {
                prop_assert_ne!(scaling.wants(ordinal, wanted.until).value, wanted.value);
                prop_assert_ne!(scaling.wants(ordinal, wanted.since - 1).value, wanted.value);
                prop_assert_eq!(scaling.wants(ordinal, wanted.until - 1), wanted);
            }
        }
    }
}
