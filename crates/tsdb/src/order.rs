//! Series in the order of their labels.
//!
//! Readers want series sorted by labels. Comparing label sets for every query would cost more than decoding the samples,
//! so each series has a rank, which is worked out when a query first meets new series.

use std::cmp::Ordering;

use crate::head::Head;
use crate::symbols::{PairId, Symbols};

/// The ranks of all series that were there at the last [update](Order::update).
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Numbers in the order of their series' labels.
    sorted: Vec<u32>,
    /// By number.
    ranks: Vec<u32>,
    /// Series from this number on have no rank yet.
    known: u32,
    /// The head's removals that it has taken note of.
    removals: u64,
}

/// Of one series in so many it is cheaper to walk through all than to sort.
const MANY: usize = 16;

/// Below this many series, comparing labels is cheaper than bringing ranks up to date might be.
pub(crate) const FEW: usize = 64;

impl Order {
    /// Whether all series have ranks.
    pub(crate) fn is_current(&self, head: &Head) -> bool {
        Some(self.known) == head.series().next_number()
    }

    /// Gives new series their ranks.
    pub(crate) fn update(&mut self, head: &Head) {
        if self.removals != head.removals() {
            self.sorted.retain(|number| head.series().get(*number).is_some());
            self.removals = head.removals();
        }
        let next = head.series().next_number().unwrap_or(u32::MAX);
        let mut new: Vec<u32> =
            (self.known..next).filter(|number| head.series().get(*number).is_some()).collect();
        if new.len() > head.index().symbols().pair_slots() {
            sort_many_by_labels(&mut new, head);
        } else {
            sort_by_labels(&mut new, head);
        }
        self.merge(&new, head);
        self.ranks.resize(next as usize, 0);
        for (rank, number) in self.sorted.iter().enumerate() {
            self.ranks[*number as usize] = rank as u32;
        }
        self.known = next;
    }

    fn merge(&mut self, new: &[u32], head: &Head) {
        let mut merged = Vec::with_capacity(self.sorted.len() + new.len());
        let mut rest = &self.sorted[..];
        for number in new {
            let before = rest.partition_point(|other| compare(*other, *number, head) == Ordering::Less);
            merged.extend_from_slice(&rest[..before]);
            merged.push(*number);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        self.sorted = merged;
    }

    /// Sorts series that have ranks, each of which is there once.
    pub(crate) fn sort(&self, numbers: &mut Vec<u32>) {
        if numbers.len() < self.sorted.len() / MANY {
            numbers.sort_unstable_by_key(|number| self.ranks.get(*number as usize).copied());
            return;
        }
        let mut wanted = vec![false; self.ranks.len()];
        for number in &*numbers {
            if let Some(wanted) = wanted.get_mut(*number as usize) {
                *wanted = true;
            }
        }
        numbers.clear();
        numbers.extend(self.sorted.iter().filter(|number| wanted[**number as usize]));
    }

    /// What it occupies.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.sorted.capacity() + self.ranks.capacity()) * size_of::<u32>()
    }
}

/// Sorts series by comparing their labels.
pub(crate) fn sort_by_labels(numbers: &mut [u32], head: &Head) {
    numbers.sort_unstable_by(|a, b| compare(*a, *b, head));
}

/// As [`sort_by_labels`], for more series than there are label pairs: first sorts the pairs, then the series by numbers
/// that say where their first pairs stand.
fn sort_many_by_labels(numbers: &mut Vec<u32>, head: &Head) {
    const PAIRS: usize = 4;
    let symbols = head.index().symbols();
    let mut pairs: Vec<(&str, &str, PairId)> = symbols
        .names()
        .flat_map(|name| name.pairs().iter().map(|pair| (&**name.text(), &**symbols.value(*pair), *pair)))
        .collect();
    pairs.sort_unstable_by_key(|(name, value, _)| (*name, *value));
    // From 1 on: a label set that has ended comes before all that have not.
    let mut places = vec![0; symbols.pair_slots()];
    for (place, (.., pair)) in (1u32..).zip(&pairs) {
        places[pair.0 as usize] = place;
    }
    let key = |number: &u32| {
        let labels = head.series().get(*number).map(|series| &*series.labels).unwrap_or_default();
        let place = |index| labels.get(index).map_or(0, |pair: &PairId| places[pair.0 as usize]);
        (0..PAIRS).fold(0, |key, index| (key << u32::BITS) | u128::from(place(index)))
    };
    let mut keyed: Vec<(u128, u32)> = numbers.iter().map(|number| (key(number), *number)).collect();
    keyed.sort_unstable_by(|(a, a_number), (b, b_number)| {
        a.cmp(b).then_with(|| compare(*a_number, *b_number, head))
    });
    numbers.clear();
    numbers.extend(keyed.into_iter().map(|(_, number)| number));
}

fn compare(a: u32, b: u32, head: &Head) -> Ordering {
    let pairs = |number| head.series().get(number).map(|series| &*series.labels).unwrap_or_default();
    compare_pairs(pairs(a), pairs(b), head.index().symbols())
}

/// As label sets compare: name by name, value by value, and a set that is the beginning of another one comes first.
fn compare_pairs(a: &[PairId], b: &[PairId], symbols: &Symbols) -> Ordering {
    let different = a.iter().zip(b).find(|(a, b)| a != b);
    let Some((a, b)) = different else { return a.len().cmp(&b.len()) };
    let (name_a, name_b) = (symbols.name_of(*a), symbols.name_of(*b));
    if name_a == name_b {
        symbols.value(*a).cmp(symbols.value(*b))
    } else {
        symbols.text(name_a).cmp(symbols.text(name_b))
    }
}

#[cfg(test)]
mod tests {
    use labels::Labels;
    use proptest::prelude::*;

    use super::*;
    use crate::Options;

    #[test]
    fn few_series_and_many_are_sorted_alike() {
        // 7919 is a prime, so that this visits each number once.
        let sorted: Vec<u32> = (0..2_000).map(|place| place * 7919 % 2_000).collect();
        let mut ranks = vec![0; 2_000];
        for (rank, number) in (0..).zip(&sorted) {
            ranks[*number as usize] = rank;
        }
        let order = Order { sorted, ranks, known: 2_000, removals: 0 };
        for every in [1, 3, 15, 16, 17, 400] {
            let mut numbers: Vec<u32> = (0..2_000).step_by(every).collect();
            let expected: Vec<u32> = order
                .sorted
                .iter()
                .copied()
                .filter(|number| (*number as usize).is_multiple_of(every))
                .collect();
            order.sort(&mut numbers);
            assert_eq!(numbers, expected, "every {every}th");
        }
    }

    proptest! {
        #[test]
        fn both_ways_of_sorting_give_the_order_of_label_sets(
            sets in prop::collection::btree_set(prop::collection::btree_map("[a-e]", "[xy]{1,2}", 1..6), 1..60)
        ) {
            // From map order into the order of making, which must not matter.
            let mut sets: Vec<Labels> = sets.into_iter().map(Labels::from_pairs).collect();
            sets.sort_by_key(|labels| labels.to_string().len());
            let mut head = Head::new(Options::default());
            for labels in &sets {
                head.intern(labels).unwrap();
            }
            let in_order = |numbers: Vec<u32>| -> Vec<Labels> {
                numbers.into_iter().map(|number| sets[number as usize].clone()).collect()
            };
            let mut expected = sets.clone();
            expected.sort();
            let all: Vec<u32> = (0..sets.len() as u32).collect();
            let (mut few, mut many) = (all.clone(), all);
            sort_by_labels(&mut few, &head);
            sort_many_by_labels(&mut many, &head);
            prop_assert_eq!(in_order(few), expected.clone());
            prop_assert_eq!(in_order(many), expected);
        }
    }
}
