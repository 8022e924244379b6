//! The instants at which an expression is evaluated.

/// Evenly spaced instants. A `step` of 0 is allowed: an expression pinned by `@` looks at one instant in every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// The first instant, in milliseconds since the epoch.
    pub(crate) start: i64,
    /// Milliseconds from one instant to the next.
    pub(crate) step: i64,
    /// How many instants.
    pub(crate) count: usize,
}

/// Instants and durations beyond this are cut down to it. Far outside of what Prometheus can address (292 years), and
/// small enough that sums of a few thousand of them stay inside an `i64`.
pub(crate) const FARTHEST: i64 = 1 << 50;

impl Steps {
    /// One instant.
    pub(crate) fn single(at: i64) -> Self {
        Self { start: at, step: 1, count: 1 }
    }

    /// `start`, `start + step`, … up to and including `end`; none when `end` lies before `start`.
    pub(crate) fn between(start: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        let count = if end < start { 0 } else { (end - start) / step + 1 };
        Self { start, step, count: usize::try_from(count).unwrap_or(usize::MAX) }
    }

    /// The multiples of `step` in `(after, end]`: the steps of subqueries, which do not depend on the query's own.
    pub(crate) fn aligned(after: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        Self::between((after.div_euclid(step) + 1) * step, end, step)
    }

    /// The instant at `index`.
    pub(crate) fn at(self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }

    /// The last instant; of no steps, the first.
    pub(crate) fn last(self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }

    /// The instants one after the other.
    pub(crate) fn iter(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |index| self.at(index))
    }

    /// The first instant alone.
    pub(crate) fn first_only(self) -> Self {
        Self { count: self.count.min(1), ..self }
    }
}

/// `offset` and `@`, resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeShift {
    /// The instant of `@`.
    pub(crate) at: Option<i64>,
    /// Milliseconds to look back; negative looks ahead.
    pub(crate) offset: i64,
}

impl TimeShift {
    /// The instants that an expression with these modifiers looks at when it is evaluated at `steps`.
    pub(crate) fn apply(self, steps: Steps) -> Steps {
        match self.at {
            Some(at) => Steps { start: at - self.offset, step: 0, count: steps.count },
            None => Steps { start: steps.start - self.offset, ..steps },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subquery_steps_are_multiples_of_the_step_and_leave_out_the_left_edge() {
        let instants = |after, end, step| Steps::aligned(after, end, step).iter().collect::<Vec<_>>();
        assert_eq!(instants(0, 30, 10), [10, 20, 30]);
        assert_eq!(instants(1, 29, 10), [10, 20]);
        assert_eq!(instants(-25, 5, 10), [-20, -10, 0]);
        assert_eq!(instants(-30, -10, 10), [-20, -10]);
        assert!(instants(11, 19, 10).is_empty());
    }

    #[test]
    fn a_range_includes_its_end_only_when_a_step_falls_on_it() {
        assert_eq!(Steps::between(0, 25, 10).last(), 20);
        assert_eq!(Steps::between(0, 30, 10).last(), 30);
        assert_eq!(Steps::between(5, 4, 10).count, 0);
    }

    #[test]
    fn an_at_modifier_pins_all_steps_to_one_instant() {
        let shift = TimeShift { at: Some(100), offset: 30 };
        assert_eq!(shift.apply(Steps::between(0, 20, 10)).iter().collect::<Vec<_>>(), [70, 70, 70]);
        let shift = TimeShift { at: None, offset: -5 };
        assert_eq!(shift.apply(Steps::between(0, 20, 10)).iter().collect::<Vec<_>>(), [5, 15, 25]);
    }
}
