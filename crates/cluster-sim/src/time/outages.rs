//! Nodes that are lost for some minutes, and now and then come back rebooted.

use super::recurrence::Recurrence;
use super::span::{ALWAYS, FOREVER, Seconds, Span};
use crate::draw::Draw;

const DAY: Seconds = 24 * 60 * 60;
/// How long an outage takes. Less than the five minutes after which pods are evicted.
const SHORTEST: Seconds = 150;
const LONGEST: Seconds = 240;
/// In a large group outages come at this distance at least: one node at a time is lost.
const CLOSEST: Seconds = 3 * LONGEST;
/// A node's outages are reboots about so often.
const REBOOTS_EVERY: Seconds = 7 * DAY;

/// The outages of a group of nodes: one at a time, at about regular intervals, each hitting another node until all had
/// one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outages {
    nodes: i64,
    /// From one outage of the group to the next, on average.
    moments: Recurrence,
    /// Outage number j hits node (factor · j + shift) mod nodes; `inverse` undoes the factor.
    inverse: i64,
    shift: i64,
    /// Every so many outages of a node are reboots.
    reboots: i64,
    draw: Draw,
}

impl Outages {
    /// The outages of `nodes` nodes, each hit about every `interval`, the first one after `begin`.
    pub(crate) fn new(nodes: usize, interval: Seconds, begin: Seconds, draw: Draw) -> Outages {
        let nodes = nodes.max(1) as i64;
        let period = (interval / nodes).max(CLOSEST);
        let first_try = draw.of("factor").between(0..nodes);
        let (_, inverse) = (0..nodes)
            .map(|distance| (first_try + distance) % nodes)
            .find_map(|factor| Some((factor, inverse(factor, nodes)?)))
            .unwrap_or((0, 0));
        let shift = draw.of("shift").between(0..nodes);
        let reboots = (REBOOTS_EVERY / (period * nodes)).max(1);
        Outages { nodes, moments: Recurrence { first: begin, period }, inverse, shift, reboots, draw }
    }

    /// Whether the `rank`-th node of the group is lost at `at`.
    pub(crate) fn lost(&self, rank: usize, at: Seconds) -> Span<bool> {
        match self.latest(rank, at) {
            // Before its first one.
            None => Span { value: false, since: ALWAYS, until: self.begin(self.nth(rank, 0)) },
            Some(nth) => {
                let number = self.nth(rank, nth);
                let (begin, end) = (self.begin(number), self.end(number));
                if at < end {
                    Span { value: true, since: begin, until: end }
                } else {
                    Span { value: false, since: end, until: self.begin(self.nth(rank, nth + 1)) }
                }
            }
        }
    }

    /// When the `rank`-th node of the group was last booted by `at`, if it was.
    pub(crate) fn booted(&self, rank: usize, at: Seconds) -> Span<Option<Seconds>> {
        // The outages of a node that are reboots: this one and every so many from there.
        let phase = self.draw.of("reboots").number(rank as u64).between(0..self.reboots);
        let end = |nth: i64| self.end(self.nth(rank, nth));
        let latest = self.latest(rank, at).unwrap_or(-1);
        let mut nth = latest - (latest - phase).rem_euclid(self.reboots);
        if nth >= 0 && end(nth) > at {
            nth -= self.reboots;
        }
        if nth < 0 {
            return Span { value: None, since: ALWAYS, until: end(phase) };
        }
        Span { value: Some(end(nth)), since: end(nth), until: end(nth + self.reboots) }
    }

    /// Which of its outages a node had last.
    fn latest(&self, rank: usize, at: Seconds) -> Option<i64> {
        let now = self.moments.latest(at).value;
        let first = self.nth(rank, 0);
        let nth = (now - first).div_euclid(self.nodes);
        let nth = if self.begin(self.nth(rank, nth)) > at { nth - 1 } else { nth };
        (nth >= 0).then_some(nth)
    }

    /// The number in the group of a node's `nth` outage.
    fn nth(&self, rank: usize, nth: i64) -> i64 {
        let first = ((rank as i64 - self.shift).rem_euclid(self.nodes) * self.inverse).rem_euclid(self.nodes);
        first + nth * self.nodes
    }

    fn begin(&self, number: i64) -> Seconds {
        let room = self.moments.period - LONGEST - 1;
        self.moments.moment(number) + self.draw.of("begin").number(number as u64).between(0..room / 2)
    }

    fn end(&self, number: i64) -> Seconds {
        self.begin(number) + self.draw.of("length").number(number as u64).between(SHORTEST..LONGEST)
    }
}

/// The number whose product with `factor` is 1 modulo `modulus`, if there is one.
fn inverse(factor: i64, modulus: i64) -> Option<i64> {
    let (mut old, mut new) = ((factor, 1), (modulus, 0));
    while new.0 != 0 {
        let quotient = old.0 / new.0;
        (old, new) = (new, (old.0 - quotient * new.0, old.1 - quotient * new.1));
    }
    (old.0 == 1).then(|| old.1.rem_euclid(modulus))
}

/// A node that is never lost.
pub(crate) fn never() -> Span<bool> {
    Span { value: false, since: ALWAYS, until: FOREVER }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Seconds = 3_600;

    #[test]
    fn there_is_an_outage_in_every_hour_and_each_hits_another_node() {
        let outages = Outages::new(50, DAY, 0, Draw::new(1));
        let mut hit = Vec::new();
        for hour in 0..24 {
            let lost: Vec<usize> = (0..50)
                .filter(|&rank| {
                    (hour * HOUR..(hour + 1) * HOUR).step_by(10).any(|at| outages.lost(rank, at).value)
                })
                .collect();
            assert!(!lost.is_empty(), "hour {hour}");
            hit.extend(lost);
        }
        hit.sort_unstable();
        hit.dedup();
        assert!(hit.len() >= 48, "{} nodes were hit", hit.len());
    }

    #[test]
    fn one_node_at_a_time_is_lost() {
        for nodes in [3, 50, 1_000] {
            let outages = Outages::new(nodes, DAY, 0, Draw::new(3));
            for at in (0..12 * HOUR).step_by(17) {
                assert!((0..nodes).filter(|&rank| outages.lost(rank, at).value).count() <= 1);
            }
        }
    }

    #[test]
    fn a_node_boots_about_once_a_week_at_the_end_of_an_outage() {
        for nodes in [1, 50, 1_000] {
            let outages = Outages::new(nodes, DAY, 0, Draw::new(5));
            for rank in (0..nodes).step_by(nodes.div_ceil(20)) {
                let booted = outages.booted(rank, 100 * DAY);
                let boot = booted.value.unwrap();
                assert_eq!(booted.since, boot);
                assert!(outages.lost(rank, boot - 1).value && !outages.lost(rank, boot).value);
                let uptime = booted.until - boot;
                assert!((6 * DAY..10 * DAY).contains(&uptime), "{nodes} nodes: {} h", uptime / HOUR);
            }
        }
    }

    proptest! {
        #[test]
        fn what_holds_holds_until_it_ends(
            nodes in 1_usize..60, rank: usize, seed: u64, at in -1_000_000_i64..10_000_000,
        ) {
            let (outages, rank) = (Outages::new(nodes, DAY, 0, Draw::new(seed)), rank % nodes);
            let (lost, booted) = (outages.lost(rank, at), outages.booted(rank, at));
            prop_assert!(lost.covers(at) && booted.covers(at));
            for same in [lost.since.max(-2_000_000), lost.until - 1] {
                prop_assert_eq!(outages.lost(rank, same), lost);
            }
            for same in [booted.since.max(-2_000_000), booted.until - 1] {
                prop_assert_eq!(outages.booted(rank, same), booted);
            }
            prop_assert_ne!(outages.lost(rank, lost.until).value, lost.value);
            prop_assert_ne!(outages.booted(rank, booted.until).value, booted.value);
        }
    }
}
