//! CPU and memory during spikes: a rate whose integral is still known in closed form.

use crate::annotations::{Amount, Spike, Spikes};
use crate::curve::Curve;
use crate::resources::Resources;

/// A container without a limit uses so many times its request when it may use as much as there is.
const UNLIMITED: u64 = 4;
/// Of a container's memory limit, or of what else is there, a spike takes this share: more would end it.
const ALMOST: f64 = 0.98;
/// Seconds that memory takes to get there.
const CLIMB: i64 = 15;

/// A rate and the spikes that come on top of it or in its place.
pub(crate) struct Surge<'a> {
    curve: Curve,
    /// Those of CPU, each with its rate in units a second; `None` for a multiple of the curve's.
    spikes: Vec<(&'a Spike, Amount)>,
    /// The rate of [`Amount::Limit`].
    limit: u64,
    /// The rate that no spike gets above. A container without a limit has none: what its node has, it is not told.
    most: Option<u64>,
}

impl<'a> Surge<'a> {
    /// The CPU of a container, in microseconds a second: one of `count`, the `at`-th.
    pub(crate) fn of_container(
        curve: Curve,
        spikes: &'a Spikes,
        name: &str,
        resources: &Resources,
        (at, count): (usize, usize),
    ) -> Self {
        let request = resources.cpu_request.unwrap_or(100_000);
        let limit = resources.cpu_limit.unwrap_or(request.saturating_mul(UNLIMITED));
        let own = spikes.iter().filter(|spike| spike.is_of(name));
        let spikes =
            own.filter_map(|spike| Some((spike, spike.cpu?.share(at, spike.shares(count))))).collect();
        Self { curve, spikes, limit, most: resources.cpu_limit }
    }

    /// What runs on a node beside pods: `limit` is what it may use.
    pub(crate) fn of_node(curve: Curve, spikes: &'a Spikes, limit: u64) -> Self {
        let spikes = spikes.iter().filter_map(|spike| Some((spike, spike.cpu?))).collect();
        Self { curve, spikes, limit, most: Some(limit) }
    }

    /// The integral from the epoch to `t`. Never falls as `t` grows.
    pub(crate) fn until(&self, t: i64) -> i128 {
        let mut total = self.curve.until(t);
        for (spike, amount) in &self.spikes {
            let Some((begin, end)) = spike.window.before(t) else { continue };
            let own = self.curve.until(end) - self.curve.until(begin);
            let at_rate = |rate: u64| i128::from(rate) * i128::from(end - begin);
            // In the place of its own usage.
            total += match amount.micros(self.limit) {
                Some(rate) => at_rate(self.most.map_or(rate, |most| rate.min(most))),
                // The lesser, or greater, of two integrals never falls, as neither of them does.
                None => {
                    let times = amount.times(own);
                    self.most.map_or(times, |most| times.min(at_rate(most).max(own)))
                }
            } - own;
        }
        total
    }
}

/// How much memory the spikes of a container make of `usage` bytes at `t`, where it started at `since`.
pub(crate) fn memory(
    usage: u64,
    spikes: &Spikes,
    name: &str,
    resources: &Resources,
    (at, count): (usize, usize),
    (since, t): (i64, i64),
) -> u64 {
    let now =
        spikes.iter().find(|spike| spike.memory.is_some() && spike.is_of(name) && spike.window.covers(t));
    let Some((spike, amount)) = now.and_then(|spike| Some((spike, spike.memory?))) else { return usage };
    let request = resources.memory_request.unwrap_or(usage);
    let limit = resources.memory_limit.unwrap_or(request.saturating_mul(2));
    let most = (limit as f64 * ALMOST) as u64;
    let goal = goal(amount.share(at, spike.shares(count)), usage, most);
    climb(usage, goal.min(resources.memory_limit.map_or(goal, |_| most)), since.max(spike.window.since), t)
}

/// The same of what runs on a node beside pods; `free` is what nobody uses.
pub(crate) fn memory_of_node(usage: u64, spikes: &Spikes, free: u64, since: i64, t: i64) -> u64 {
    let now = spikes.iter().find(|spike| spike.memory.is_some() && spike.window.covers(t));
    let Some((spike, amount)) = now.and_then(|spike| Some((spike, spike.memory?))) else { return usage };
    let most = usage.saturating_add((free as f64 * 0.9) as u64);
    climb(usage, goal(amount, usage, most).min(most), since.max(spike.window.since), t)
}

fn goal(amount: Amount, usage: u64, most: u64) -> u64 {
    let goal = match amount {
        Amount::Limit => most,
        Amount::Times(_) => u64::try_from(amount.times(i128::from(usage))).unwrap_or(u64::MAX),
        Amount::Exactly(quantity) => crate::resources::bytes(quantity),
    };
    goal.max(usage)
}

/// On the way from `usage` to `goal` since `begin`.
fn climb(usage: u64, goal: u64, begin: i64, t: i64) -> u64 {
    let done = (t - begin).clamp(0, CLIMB) as u64;
    // Some of it is there in the first second already.
    usage + (goal.saturating_sub(usage) as u128 * u128::from(done + 1) / (CLIMB as u128 + 1)) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::Seed;
    use crate::profile::Profile;

    const RESOURCES: Resources = Resources {
        cpu_request: Some(250_000),
        cpu_limit: Some(1_000_000),
        memory_request: Some(64 << 20),
        memory_limit: Some(128 << 20),
    };

    fn spikes(text: &str) -> Spikes {
        text.parse().unwrap()
    }

    /// 1970-01-01T00:10:00Z to 00:20:00Z.
    fn window(amounts: &str) -> Spikes {
        spikes(&format!("{amounts} since=1970-01-01T00:10:00Z until=1970-01-01T00:20:00Z"))
    }

    fn rate(spikes: &Spikes, curve: &Curve, from: i64, to: i64) -> i128 {
        let surge = Surge::of_container(curve.clone(), spikes, "main", &RESOURCES, (0, 1));
        (surge.until(to) - surge.until(from)) / i128::from(to - from)
    }

    #[test]
    fn a_spike_is_the_rate_it_says_as_long_as_it_lasts_and_nothing_before_and_after() {
        let curve = Curve::constant(100_000);
        for (text, during) in [
            ("cpu=limit", 1_000_000),
            ("cpu=x2.5", 250_000),
            ("cpu=300m", 300_000),
            ("cpu=100", 1_000_000),
            ("cpu=x1000", 1_000_000),
            ("memory=1Gi", 100_000),
        ] {
            let spikes = window(text);
            let rate = |from, to| rate(&spikes, &curve, from, to);
            assert_eq!(
                (rate(0, 600), rate(600, 601), rate(600, 1_200), rate(1_200, 5_000)),
                (100_000, during, during, 100_000),
                "{text}"
            );
        }
        let other = window("cpu=limit container=other");
        assert_eq!(rate(&other, &curve, 600, 700), 100_000);
    }

    #[test]
    fn memory_climbs_within_a_quarter_of_a_minute_and_stays_below_the_limit() {
        let limit = window("memory=limit");
        let at = |t| memory(10 << 20, &limit, "main", &RESOURCES, (0, 1), (0, t));
        assert_eq!((at(599), at(1_200)), (10 << 20, 10 << 20));
        assert!(at(600) > 10 << 20 && at(607) > at(600) && at(615) > at(607));
        assert_eq!(at(615), at(1_199));
        assert!((0.979..0.981).contains(&(at(615) as f64 / f64::from(128 << 20))));
        let much = window("memory=1Ti");
        assert_eq!(memory(1, &much, "main", &RESOURCES, (0, 1), (0, 700)), at(700));
        let little = window("memory=1Ki");
        assert_eq!(memory(10 << 20, &little, "main", &RESOURCES, (0, 1), (0, 700)), 10 << 20);
        // Started in the midst of it.
        assert!(memory(10 << 20, &limit, "main", &RESOURCES, (0, 1), (700, 703)) < at(703));
    }

    #[test]
    fn without_a_limit_an_amount_is_what_it_says_and_what_runs_beside_pods_leaves_some_of_the_node() {
        let curve = Curve::constant(100_000);
        let spikes = window("cpu=8");
        let unlimited = Resources { cpu_limit: None, ..RESOURCES };
        let of_container = Surge::of_container(curve.clone(), &spikes, "main", &unlimited, (0, 1));
        assert_eq!(of_container.until(601) - of_container.until(600), 8_000_000);
        let of_node = Surge::of_node(curve, &spikes, 3_600_000);
        assert_eq!(of_node.until(601) - of_node.until(600), 3_600_000);
    }

    proptest! {
        #[test]
        fn counters_never_fall(
            uid in "[a-z]{1,8}", profile in 0..7_usize, amount in "limit|x[1-9]|x[1-9]00|[0-9]{1,4}m|0|100",
            t in 0..2_000_i64, step in 1..300_i64, begin in 0..1_000_i64, length in 0..900_i64,
        ) {
            let pod = Seed::of(&uid);
            let profile = Profile::all().nth(profile).unwrap();
            let curve = crate::cpu::curve(pod, pod.child("main"), profile, &RESOURCES);
            let time = |second| jiff::Timestamp::from_second(second).unwrap();
            let spikes = spikes(&format!("cpu={amount} since={} until={}", time(begin), time(begin + length)));
            let surge = Surge::of_container(curve, &spikes, "main", &RESOURCES, (0, 1));
            prop_assert!(surge.until(t + step) >= surge.until(t));
        }
    }
}
