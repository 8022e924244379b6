//! Sets of series, as runs of consecutive numbers.
//!
//! The series of one pod, node or cluster are made together and thus numbered consecutively, so that most labels cost a
//! series next to nothing here.

/// From the first to the last number, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
}

/// A set of series numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Postings {
    /// Ascending, with gaps between them.
    runs: Vec<Run>,
}

impl Postings {
    /// Adds a number that is larger than all others.
    pub(crate) fn push(&mut self, number: u32) {
        match self.runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(number) => run.last = number,
            _ => {
                debug_assert!(self.runs.last().is_none_or(|run| run.last < number), "numbers must ascend");
                if self.runs.len() == self.runs.capacity() {
                    // There are many of these sets, most of them small: doubling would leave a third of it empty.
                    self.runs.reserve_exact(1 + self.runs.len() / 4);
                }
                self.runs.push(Run { first: number, last: number });
            }
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.runs.iter().map(|run| (run.last - run.first) as usize + 1).sum()
    }

    /// The numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.runs.iter().flat_map(|run| run.first..=run.last)
    }

    /// How many steps an operation on it takes.
    pub(crate) fn cost(&self) -> usize {
        self.runs.len()
    }

    /// What it occupies besides its own fields.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }

    /// The numbers that both have.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let (few, many) = if self.cost() <= other.cost() { (self, other) } else { (other, self) };
        let mut runs = Vec::new();
        let mut rest = &many.runs[..];
        for run in &few.runs {
            rest = skip_before(rest, run.first);
            for other in rest.iter().take_while(|other| other.first <= run.last) {
                runs.push(Run { first: run.first.max(other.first), last: run.last.min(other.last) });
            }
        }
        Self { runs }
    }

    /// The numbers that `other` lacks.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut runs = Vec::with_capacity(self.runs.len());
        let mut rest = &other.runs[..];
        for run in &self.runs {
            rest = skip_before(rest, run.first);
            // Where the part of the run that is not decided yet begins; `None` once the run is used up.
            let mut first = Some(run.first);
            for hole in rest.iter().take_while(|hole| hole.first <= run.last) {
                if let Some(first) = first.filter(|first| *first < hole.first) {
                    runs.push(Run { first, last: hole.first - 1 });
                }
                first = hole.last.checked_add(1);
            }
            if let Some(first) = first.filter(|first| *first <= run.last) {
                runs.push(Run { first, last: run.last });
            }
        }
        Self { runs }
    }

    /// The numbers that any of them has.
    pub(crate) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all: Vec<Run> = Vec::new();
        let mut sets_with_runs = 0;
        for set in sets {
            all.extend_from_slice(&set.runs);
            sets_with_runs += usize::from(!set.is_empty());
        }
        if sets_with_runs < 2 {
            return Self { runs: all };
        }
        all.sort_unstable_by_key(|run| run.first);
        let mut runs: Vec<Run> = Vec::with_capacity(all.len());
        for run in all {
            match runs.last_mut() {
                Some(last) if run.first <= last.last.saturating_add(1) => last.last = last.last.max(run.last),
                _ => runs.push(run),
            }
        }
        Self { runs }
    }

    /// Removes the numbers of `other` and gives back memory.
    pub(crate) fn remove(&mut self, other: &Self) {
        *self = self.difference(other);
        self.runs.shrink_to_fit();
    }
}

/// The runs from the first one on that does not end before `number`. Looks near before it looks far, which makes a walk
/// through a long list fast whether it takes many short steps or a few long ones.
fn skip_before(runs: &[Run], number: u32) -> &[Run] {
    let mut bound = 1;
    while runs.get(bound - 1).is_some_and(|run| run.last < number) {
        bound *= 2;
    }
    let near = &runs[..runs.len().min(bound)];
    &runs[near.partition_point(|run| run.last < number)..]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn postings(numbers: &BTreeSet<u32>) -> Postings {
        let mut postings = Postings::default();
        numbers.iter().for_each(|number| postings.push(*number));
        postings
    }

    #[test]
    fn consecutive_numbers_are_one_run() {
        assert_eq!(postings(&(5..5000).collect()).cost(), 1);
        assert_eq!(postings(&[1, 3, 4, 7].into()).cost(), 3);
    }

    #[test]
    fn the_largest_number_is_an_ordinary_one() {
        let top = postings(&[u32::MAX - 1, u32::MAX].into());
        assert_eq!(Postings::union([&top, &top]), top);
        assert_eq!(top.intersection(&top), top);
        assert!(top.difference(&top).is_empty());
    }

    fn set() -> impl Strategy<Value = BTreeSet<u32>> {
        // Dense and sparse ones, so that runs are long in one and lists are long in the other.
        prop_oneof![
            prop::collection::btree_set(0u32..60, 0..60),
            prop::collection::btree_set(0u32..2000, 0..10),
            prop::collection::btree_set(0u32..2000, 0..500),
        ]
    }

    proptest! {
        #[test]
        fn operations_agree_with_plain_sets(a in set(), b in set(), c in set()) {
            let (pa, pb, pc) = (postings(&a), postings(&b), postings(&c));
            prop_assert_eq!(pa.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(pa.len(), a.len());
            prop_assert_eq!(pa.intersection(&pb), postings(&(&a & &b)));
            prop_assert_eq!(pa.difference(&pb), postings(&(&a - &b)));
            prop_assert_eq!(Postings::union([&pa, &pb, &pc]), postings(&(&(&a | &b) | &c)));
            let mut removed = pa.clone();
            removed.remove(&pb);
            prop_assert_eq!(removed, postings(&(&a - &b)));
        }
    }
}
