//! How workloads behave: one table.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};

use crate::annotations;
use crate::curve::{PulseShape, Shape};
use crate::hash::{Aspect, Seed};
use crate::resources::Resources;

/// A way of using CPU and memory over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Hardly anything happens.
    Idle,
    /// About half of the requests, always.
    Steady,
    /// Follows the day: low at night, high in the afternoon (UTC, some hours earlier or later from pod to
    /// pod).
    DailyWave,
    /// Short peaks at regular intervals over a low base.
    Bursts,
    /// Memory grows from start to restart, up to 95 % of the limit.
    MemoryGrowth,
    /// Jumps up and down from one sample to the next.
    Noisy,
    /// Waits, then works with all it may for minutes.
    Batch,
}

/// One row of the table.
pub(crate) struct Row {
    profile: Profile,
    name: &'static str,
    /// How many of a hundred pods without an annotation.
    weight: u64,
    pub(crate) cpu: Moves,
    pub(crate) memory: Moves,
    pub(crate) pulses: Option<Pulses>,
}

/// A level relative to the container's request, and how far usage moves around it, relative to the level.
#[derive(Clone, Copy)]
pub(crate) struct Moves {
    pub(crate) level: f64,
    /// With the time of day.
    pub(crate) daily: f64,
    /// Over minutes and hours.
    pub(crate) ripple: f64,
    /// From one sample to the next.
    pub(crate) noise: f64,
}

/// Work that comes at regular intervals.
#[derive(Clone, Copy)]
pub(crate) struct Pulses {
    pub(crate) shape: PulseShape,
    /// CPU above the level, relative to the request.
    pub(crate) cpu: f64,
    /// Memory above the level, relative to the level.
    pub(crate) memory: f64,
}

/// Every 10 to 30 minutes, for a minute or two.
const PEAKS: Option<Pulses> =
    Some(Pulses { shape: PulseShape { period: (600, 1_800), width: (0.06, 0.12) }, cpu: 1.1, memory: 0.2 });
/// Every 30 to 90 minutes, for a third of the time.
const RUNS: Option<Pulses> =
    Some(Pulses { shape: PulseShape { period: (1_800, 5_400), width: (0.25, 0.40) }, cpu: 0.9, memory: 1.6 });

#[rustfmt::skip]
const TABLE: [Row; 7] = [
    //                                             CPU                       memory
    //  profile                name             %  level daily ripple noise  level daily ripple noise  pulses
    row(Profile::Idle,         "idle",         15, [0.03, 0.00, 0.20, 0.30], [0.30, 0.00, 0.01, 0.00], None),
    row(Profile::Steady,       "steady",       30, [0.45, 0.00, 0.06, 0.06], [0.60, 0.00, 0.03, 0.00], None),
    row(Profile::DailyWave,    "daily-wave",   25, [0.50, 0.60, 0.08, 0.08], [0.55, 0.12, 0.02, 0.00], None),
    row(Profile::Bursts,       "bursts",       10, [0.15, 0.00, 0.10, 0.10], [0.50, 0.00, 0.02, 0.00], PEAKS),
    row(Profile::MemoryGrowth, "memory-growth", 5, [0.30, 0.10, 0.10, 0.10], [0.40, 0.00, 0.02, 0.00], None),
    row(Profile::Noisy,        "noisy",        10, [0.50, 0.00, 0.15, 0.60], [0.60, 0.00, 0.04, 0.10], None),
    row(Profile::Batch,        "batch",         5, [0.04, 0.00, 0.00, 0.20], [0.25, 0.00, 0.00, 0.00], RUNS),
];

const fn row(
    profile: Profile,
    name: &'static str,
    weight: u64,
    cpu: [f64; 4],
    memory: [f64; 4],
    pulses: Option<Pulses>,
) -> Row {
    Row { profile, name, weight, cpu: moves(cpu), memory: moves(memory), pulses }
}

const fn moves([level, daily, ripple, noise]: [f64; 4]) -> Moves {
    Moves { level, daily, ripple, noise }
}

impl Row {
    /// How CPU moves, and network with it.
    pub(crate) fn shape(&self) -> Shape {
        let Moves { daily, ripple, noise, .. } = self.cpu;
        Shape { daily, ripple, noise, pulse: self.pulses.map(|pulses| pulses.shape) }
    }

    /// Height of a pulse of CPU above the level, relative to the request.
    pub(crate) fn cpu_pulse(&self) -> f64 {
        self.pulses.map_or(0.0, |pulses| pulses.cpu)
    }
}

/// The sum of the weights.
const WEIGHTS: u64 = 100;

/// Seconds that memory takes to grow up to the limit.
const RESTART_PERIOD: (u64, u64) = (40 * 60, 4 * 3_600);

impl Profile {
    /// Every profile.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.profile)
    }

    /// The name by which the annotation [`annotations::PROFILE`] chooses it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.profile)
    }

    /// The profile of a pod: the one that its annotation names, else the one that its uid falls on.
    pub fn of(pod: &Pod) -> Self {
        Self::choose(annotations::get(pod, annotations::PROFILE), seed_of(pod))
    }

    pub(crate) fn choose(annotated: Option<&str>, seed: Seed) -> Self {
        annotated.and_then(Self::named).unwrap_or_else(|| {
            let mut ticket = seed.draw(Aspect::Profile) % WEIGHTS;
            for row in &TABLE {
                match ticket.checked_sub(row.weight) {
                    Some(rest) => ticket = rest,
                    None => return row.profile,
                }
            }
            Self::Steady
        })
    }

    pub(crate) fn row(self) -> &'static Row {
        // The table stands in the order of the variants; a test holds it there.
        &TABLE[self as usize]
    }
}

/// What a pod's numbers are drawn from: its uid or, before it has one, its name.
pub(crate) fn seed_of(pod: &Pod) -> Seed {
    let metadata = &pod.metadata;
    match metadata.uid.as_deref() {
        Some(uid) if !uid.is_empty() => Seed::of(uid),
        _ => Seed::of(metadata.namespace.as_deref().unwrap_or_default())
            .child("/")
            .child(metadata.name.as_deref().unwrap_or_default()),
    }
}

/// How long `container` of `pod` runs until its memory has grown to 95 % of its limit and the kernel kills
/// it; `None` for those that this never happens to: pods of another profile than [`Profile::MemoryGrowth`] or
/// with the annotation [`annotations::MEMORY`], containers without a memory limit, all but the first
/// container of a pod.
///
/// Depends on the uid, the annotations and the spec alone, and is a whole number of seconds. Who simulates a
/// pod's status starts the container anew (`restartCount` + 1, `lastState.terminated.reason: OOMKilled`,
/// `state.running.startedAt`) each time this much has passed since the last start; memory then begins low
/// again. Without such a restart memory stays at its height.
pub fn restart_period(pod: &Pod, container: &str) -> Option<Duration> {
    let first: &Container = pod.spec.as_ref()?.containers.first()?;
    let grows = Profile::of(pod) == Profile::MemoryGrowth && annotations::memory(pod).is_none();
    let limited = Resources::of(first).memory_limit.is_some();
    (grows && limited && first.name == container).then(|| Duration::from_secs(growth_period(seed_of(pod))))
}

/// Seconds from a container's start until its memory has grown to its height.
pub(crate) fn growth_period(pod: Seed) -> u64 {
    pod.between(Aspect::RestartPeriod, RESTART_PERIOD.0, RESTART_PERIOD.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_profile_in_order_and_its_weights_add_up() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.profile as usize, at);
            assert_eq!(Profile::named(row.name), Some(row.profile));
            assert_eq!(row.profile.name(), row.name);
        }
        assert_eq!(TABLE.iter().map(|row| row.weight).sum::<u64>(), WEIGHTS);
        assert_eq!(Profile::named("lazy"), None);
    }

    #[test]
    fn no_rate_of_the_table_can_reach_zero() {
        for row in &TABLE {
            for Moves { daily, ripple, noise, .. } in [row.cpu, row.memory] {
                assert!(daily + ripple + noise < 0.95, "{}", row.name);
            }
        }
    }

    #[test]
    fn uids_fall_on_the_profiles_by_weight() {
        let count = |profile| {
            (0..10_000).filter(|i| Profile::choose(None, Seed::of(&format!("uid-{i}"))) == profile).count()
        };
        for row in &TABLE {
            let expected = row.weight as usize * 100;
            assert!(
                count(row.profile).abs_diff(expected) < expected / 5,
                "{}: {}",
                row.name,
                count(row.profile)
            );
        }
    }

    #[test]
    fn an_annotation_chooses_and_an_unknown_one_does_not() {
        let seed = Seed::of("x");
        assert_eq!(Profile::choose(Some("batch"), seed), Profile::Batch);
        assert_eq!(Profile::choose(Some("lazy"), seed), Profile::choose(None, seed));
    }
}
