//! Memory of a container: a function of its age and the time of day.

use jiff::Timestamp;

use crate::cpu::{Faults, no_pressure};
use crate::curve::{Pulse, Wave};
use crate::hash::{Aspect, Seed, unit};
use crate::profile::{Profile, growth_period};
use crate::resources::{PAGE, Resources, pages};
use crate::summary::MemoryStats;

/// Memory in use, in bytes. `rss` ≤ `working_set` ≤ `usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) usage: u64,
    pub(crate) working_set: u64,
    pub(crate) rss: u64,
}

/// Memory moves in steps of this: allocators take it in chunks, and a step that is seldom taken costs a store
/// nothing.
const STEP: u64 = 16 * PAGE;
/// Seconds from a container's start until it has loaded what it needs.
const WARM_UP: i64 = 180;
/// Seconds until its part of the page cache is full.
const CACHE_FILL: i64 = 3_600;
/// Seconds that a pulse of work takes to fill its memory, and to free it.
const PULSE_RAMP: i64 = 120;
/// Seconds for which noise keeps a value.
const NOISE_SLOT: i64 = 30;
/// A container is killed when it has grown to this share of its limit.
const KILLED_AT: f64 = 0.95;

/// What decides about a container's memory.
pub(crate) struct Consumer<'a> {
    /// The pod's seed.
    pub(crate) pod: Seed,
    /// The container's.
    pub(crate) container: Seed,
    pub(crate) profile: Profile,
    pub(crate) resources: &'a Resources,
    /// Whether it is the pod's main container: the one that grows where the profile says so.
    pub(crate) main: bool,
    /// The amount that an annotation gives it.
    pub(crate) fixed: Option<u64>,
}

impl Consumer<'_> {
    /// Its memory at `t`, `age` seconds after its start.
    pub(crate) fn memory(&self, t: i64, age: i64) -> Memory {
        let limit = self.resources.memory_limit.unwrap_or(u64::MAX);
        if let Some(fixed) = self.fixed {
            let bytes = fixed.min(limit);
            return Memory { usage: bytes, working_set: bytes, rss: bytes };
        }
        let (usage, cached) = if self.main && self.profile == Profile::MemoryGrowth {
            // What grows is the program's own memory.
            (self.growing(age), 0.01)
        } else {
            let warm = 0.55 + 0.45 * age.clamp(0, WARM_UP) as f64 / WARM_UP as f64;
            (self.moving(t) * warm, self.container.spread(Aspect::CacheShare, 0.02, 0.2))
        };
        let usage = (usage as u64 / STEP * STEP).max(PAGE).min(pages(limit));
        let fill = age.clamp(0, CACHE_FILL) as f64 / CACHE_FILL as f64;
        let cache = usage as f64 * cached * (0.3 + 0.7 * fill);
        let working_set = usage - pages(cache as u64).min(usage);
        let anonymous = working_set as f64 * self.container.spread(Aspect::AnonymousShare, 0.6, 0.92);
        Memory { usage, working_set, rss: pages(anonymous as u64) }
    }

    fn request(&self) -> f64 {
        let default = || self.container.doublings(Aspect::DefaultMemory, 24 << 20, 3);
        self.resources.memory_request.unwrap_or_else(default) as f64
    }

    /// Of those that grow: from a third of their height to all of it.
    fn growing(&self, age: i64) -> f64 {
        let height =
            self.resources.memory_limit.map_or(self.request() * 1.5, |limit| limit as f64 * KILLED_AT);
        let grown = (age.max(0) as f64 / growth_period(self.pod) as f64).min(1.0);
        height * (0.35 + 0.65 * grown)
    }

    /// Of all others.
    fn moving(&self, t: i64) -> f64 {
        let row = self.profile.row();
        let moves = &row.memory;
        let level = self.request() * moves.level * self.container.spread(Aspect::MemoryLevel, 0.8, 1.15);
        let mut factor = 1.0;
        if moves.daily > 0.0 {
            factor += moves.daily * Wave::daily(self.pod).value(t);
        }
        if moves.ripple > 0.0 {
            factor += moves.ripple * Wave::ripple(self.container).value(t);
        }
        if moves.noise > 0.0 {
            let slot = self.container.step(t.div_euclid(NOISE_SLOT) as u64);
            factor += moves.noise * (2.0 * unit(slot) - 1.0);
        }
        if let Some(pulses) = &row.pulses {
            factor += pulses.memory * Pulse::new(self.pod, &pulses.shape).height(t, PULSE_RAMP);
        }
        level * factor
    }
}

impl Memory {
    /// With another usage, not less; what is more is the program's own.
    pub(crate) fn raised(self, usage: impl FnOnce(u64) -> u64) -> Self {
        let more = pages(usage(self.usage).saturating_sub(self.usage));
        Self { usage: self.usage + more, working_set: self.working_set + more, rss: self.rss + more }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.usage = self.usage.saturating_add(other.usage);
        self.working_set = self.working_set.saturating_add(other.working_set);
        self.rss = self.rss.saturating_add(other.rss);
    }

    /// As an object reports it; `limit` as far as there is one.
    pub(crate) fn stats(self, time: Timestamp, limit: Option<u64>, faults: Faults) -> MemoryStats {
        MemoryStats {
            time,
            available_bytes: limit.map(|limit| limit.saturating_sub(self.working_set)),
            usage_bytes: Some(self.usage),
            working_set_bytes: Some(self.working_set),
            rss_bytes: Some(self.rss),
            page_faults: Some(faults.all),
            major_page_faults: Some(faults.major),
            psi: Some(no_pressure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITED: Resources = Resources {
        cpu_request: None,
        cpu_limit: None,
        memory_request: Some(64 << 20),
        memory_limit: Some(128 << 20),
    };

    fn consumer<'a>(uid: &str, profile: Profile, resources: &'a Resources) -> Consumer<'a> {
        let pod = Seed::of(uid);
        Consumer { pod, container: pod.child("main"), profile, resources, main: true, fixed: None }
    }

    #[test]
    fn growing_memory_reaches_95_percent_of_the_limit_at_the_restart_and_stays_there() {
        let consumer = consumer("leaky", Profile::MemoryGrowth, &LIMITED);
        let period = growth_period(consumer.pod) as i64;
        let share = |age| consumer.memory(1_000_000, age).usage as f64 / f64::from(128 << 20);
        assert!((0.33..0.34).contains(&share(0)), "{}", share(0));
        assert!((0.6..0.7).contains(&share(period / 2)), "{}", share(period / 2));
        assert!((0.948..0.951).contains(&share(period)), "{}", share(period));
        assert_eq!(share(period), share(period * 5));
        assert!(consumer.memory(1_000_000, period).working_set as f64 > 0.93 * f64::from(128 << 20));
    }

    #[test]
    fn an_annotated_amount_is_exact_but_for_the_limit() {
        let mut consumer = consumer("fixed", Profile::Noisy, &LIMITED);
        consumer.fixed = Some(100_000_000);
        assert_eq!(
            consumer.memory(5, 5),
            Memory { usage: 100_000_000, working_set: 100_000_000, rss: 100_000_000 }
        );
        consumer.fixed = Some(1 << 40);
        assert_eq!(consumer.memory(5, 5).usage, 128 << 20);
    }

    proptest! {
        #[test]
        fn memory_is_whole_pages_in_order_and_within_the_limit(
            uid in "[a-z]{1,8}", profile in 0..7_usize, limit in 0..(1_u64 << 34), t in 0..4_000_000_000_i64, age in 0..10_000_000_i64
        ) {
            let profile = Profile::all().nth(profile).unwrap();
            let resources = Resources { memory_limit: Some(limit), memory_request: Some(limit * 3), ..LIMITED };
            let memory = consumer(&uid, profile, &resources).memory(t, age);
            prop_assert!(memory.rss <= memory.working_set && memory.working_set <= memory.usage && memory.usage <= limit);
            for bytes in [memory.rss, memory.working_set, memory.usage] {
                prop_assert_eq!(bytes % PAGE, 0);
            }
        }
    }
}
