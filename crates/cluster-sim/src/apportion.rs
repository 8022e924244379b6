//! Sharing whole things out in proportion.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// `number` things, shared out by `weights`; `None` when there is something to share but nobody to take it.
///
/// Exact where the proportion is whole, and nobody loses anything when there is one more to share.
pub(crate) fn deal(number: usize, weights: &[usize]) -> Option<Vec<usize>> {
    let mut shares = vec![0; weights.len()];
    for position in deal_in_turn(number, weights)? {
        shares[position] += 1;
    }
    Some(shares)
}

/// Who gets each of `number` things, in the order in which they are dealt: with more of them, the first are dealt alike.
///
/// Webster's method: each thing goes to whoever has the most weight for 2 · (what they have) + 1 things, the first of
/// equals.
pub(crate) fn deal_in_turn(number: usize, weights: &[usize]) -> Option<Vec<usize>> {
    let mut turns = Vec::with_capacity(number);
    let mut claims: BinaryHeap<Claim> = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0)
        .map(|(position, &weight)| Claim { weight, divisor: 1, position: Reverse(position) })
        .collect();
    for _ in 0..number {
        let mut strongest = claims.peek_mut()?;
        strongest.divisor += 2;
        turns.push(strongest.position.0);
    }
    Some(turns)
}

/// weight / divisor, ordered by that quotient.
#[derive(PartialEq, Eq)]
struct Claim {
    weight: usize,
    divisor: usize,
    position: Reverse<usize>,
}

impl Ord for Claim {
    fn cmp(&self, other: &Claim) -> std::cmp::Ordering {
        // a/b ? c/d as a·d ? c·b: exact.
        let left = self.weight as u128 * other.divisor as u128;
        let right = other.weight as u128 * self.divisor as u128;
        left.cmp(&right).then(self.position.cmp(&other.position))
    }
}

impl PartialOrd for Claim {
    fn partial_cmp(&self, other: &Claim) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn things_are_shared_out_in_proportion() {
        for (number, weights, shares) in [
            (0, vec![], vec![]),
            (0, vec![0, 0], vec![0, 0]),
            (50, vec![34, 10, 6], vec![34, 10, 6]),
            (100, vec![34, 10, 6], vec![68, 20, 12]),
            (1, vec![34, 10, 6], vec![1, 0, 0]),
            (2, vec![1, 1, 1], vec![1, 1, 0]),
            (3, vec![0, 5], vec![0, 3]),
        ] {
            assert_eq!(deal(number, &weights), Some(shares), "{number} by {weights:?}");
        }
        assert_eq!(deal(1, &[]), None);
        assert_eq!(deal(1, &[0]), None);
    }

    proptest! {
        #[test]
        fn everything_is_shared_and_nobody_loses_by_one_more(
            number in 0_usize..2_000,
            weights in proptest::collection::vec(0_usize..50, 1..20),
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let shares = deal(number, &weights).unwrap();
            prop_assert_eq!(shares.iter().sum::<usize>(), number);
            let more = deal(number + 1, &weights).unwrap();
            prop_assert!(shares.iter().zip(&more).all(|(share, more)| share <= more));
        }

        #[test]
        fn whole_proportions_are_met_exactly(times in 0_usize..20, weights in proptest::collection::vec(1_usize..50, 1..20)) {
            let shares = deal(times * weights.iter().sum::<usize>(), &weights).unwrap();
            prop_assert!(shares.iter().zip(&weights).all(|(share, weight)| *share == times * weight));
        }
    }
}
