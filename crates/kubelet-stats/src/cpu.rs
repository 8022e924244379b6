//! CPU: curves of containers, and what follows from the CPU time that was used.

use jiff::Timestamp;

use crate::clock::{LOOKS, Looks, SAMPLE_WINDOW};
use crate::curve::{Curve, Shape};
use crate::hash::{Aspect, Seed};
use crate::profile::Profile;
use crate::resources::Resources;
use crate::summary::{CpuStats, IoStats, PsiData, PsiStats};

/// Counters of CPU time move in steps of this many microseconds. The kernel counts single ones; the coarser
/// step makes histories of them a third smaller and is far below what a graph shows.
const STEP: u64 = 100;

/// The CPU of a container of a pod with this seed, in microseconds a second.
pub(crate) fn curve(pod: Seed, container: Seed, profile: Profile, resources: &Resources) -> Curve {
    let row = profile.row();
    let request = resources
        .cpu_request
        .unwrap_or_else(|| container.between(Aspect::DefaultCpu, 40_000, 150_000)) as f64;
    let shape = row.shape();
    let level = row.cpu.level * request * container.spread(Aspect::Level, 0.75, 1.2);
    let pulse = row.cpu_pulse() * request;
    let curve = Curve::new(pod, container, &shape, level, pulse);
    match resources.cpu_limit {
        Some(limit) if curve.peak() > limit as i64 => {
            let scale = limit as f64 / curve.peak() as f64;
            Curve::new(pod, container, &shape, level * scale, pulse * scale)
        }
        _ => curve,
    }
}

/// CPU as an object reports it that has used so many microseconds, and waited for so many nanoseconds.
pub(crate) fn stats(time: Timestamp, micros: Looks, stalls: Looks) -> CpuStats {
    CpuStats {
        time,
        usage_nano_cores: Some(micros.recent() * 1_000 / SAMPLE_WINDOW as u64),
        usage_core_nano_seconds: Some((micros.now() / STEP * STEP).saturating_mul(1_000)),
        psi: Some(pressure(stalls)),
    }
}

/// What a container's CPU time costs it elsewhere: page faults, and waiting for CPU and disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SideEffects {
    faults_per_core_second: u64,
    major_faults_at_start: u64,
    /// Nanoseconds of stall in a thousand microseconds of CPU time.
    stall: u64,
}

/// Page faults for each one that needs the disk.
const FAULTS_PER_MAJOR: u64 = 25_000;
/// Nanoseconds that a major page fault takes.
const MAJOR_FAULT: u64 = 1_200_000;

impl SideEffects {
    pub(crate) fn of(seed: Seed) -> Self {
        Self {
            faults_per_core_second: seed.between(Aspect::FaultsPerCoreSecond, 1_500, 4_500),
            major_faults_at_start: seed.between(Aspect::MajorFaults, 5, 60),
            stall: seed.between(Aspect::StallShare, 0, 20_000),
        }
    }

    /// All and major page faults so far.
    pub(crate) fn faults(&self, micros: u64) -> Faults {
        let work = (u128::from(micros) * u128::from(self.faults_per_core_second) / 1_000_000) as u64;
        let major = self.major_faults_at_start + work / FAULTS_PER_MAJOR;
        Faults { all: work + major, major }
    }

    /// Nanoseconds of waiting for CPU so far.
    pub(crate) fn stalls(&self, micros: Looks) -> Looks {
        micros.map(|micros| (micros / 1_000).saturating_mul(self.stall))
    }
}

/// Page faults. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) all: u64,
    pub(crate) major: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, other: Self) {
        self.all += other.all;
        self.major += other.major;
    }
}

/// Waiting for CPU, from the nanoseconds waited.
fn pressure(stalls: Looks) -> PsiStats {
    let percent = |window: usize, share: u64| {
        // Hundredths of a percent, as the kernel prints them.
        let waited = (stalls.now() - stalls.0[window]) / share;
        let hundredths = u128::from(waited) * 10_000 / (LOOKS[window] as u128 * 1_000_000_000);
        hundredths.min(10_000) as f64 / 100.0
    };
    let row = |share| PsiData {
        // The kernel counts microseconds.
        total: stalls.now() / share / 1_000 * 1_000,
        avg10: percent(1, share),
        avg60: percent(2, share),
        avg300: percent(3, share),
    };
    // That nothing at all in the group could run is far rarer than that something could not.
    PsiStats { some: row(1), full: row(8) }
}

/// No waiting at all: memory of containers that are not short of it.
pub(crate) fn no_pressure() -> PsiStats {
    let none = PsiData { total: 0, avg10: 0.0, avg60: 0.0, avg300: 0.0 };
    PsiStats { some: none.clone(), full: none }
}

/// Waiting for the disk: only major page faults do.
pub(crate) fn io(time: Timestamp, faults: Faults) -> IoStats {
    let row = |total| PsiData { total, avg10: 0.0, avg60: 0.0, avg300: 0.0 };
    let total = faults.major * MAJOR_FAULT;
    IoStats { time, psi: Some(PsiStats { some: row(total), full: row(total / 2) }) }
}

/// The CPU of what belongs to a node or a sandbox: a level with a little movement.
pub(crate) fn background(seed: Seed, level: f64) -> Curve {
    const SHAPE: Shape = Shape { daily: 0.1, ripple: 0.1, noise: 0.15, pulse: None };
    Curve::new(seed, seed, &SHAPE, level, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_zero_before_its_start_and_grows_by_the_rate_after() {
        let looks = Looks::of(1_000, 970, |t| i128::from(t) * 250_000);
        assert_eq!(looks, Looks([7_500_000, 5_000_000, 0, 0, 0]));
        let stats = stats(Timestamp::UNIX_EPOCH, looks, Looks::default());
        assert_eq!(
            (stats.usage_nano_cores, stats.usage_core_nano_seconds),
            (Some(250_000_000), Some(7_500_000_000))
        );
    }

    #[test]
    fn pressure_is_the_share_of_each_window_spent_waiting() {
        let waited = Looks([4_000_000_000, 3_500_000_000, 1_000_000_000, 0, 0]);
        let psi = pressure(waited);
        assert_eq!(
            (psi.some.total, psi.some.avg10, psi.some.avg60, psi.some.avg300),
            (4_000_000_000, 5.0, 5.0, 1.33)
        );
        assert_eq!((psi.full.total, psi.full.avg10), (500_000_000, 0.62));
    }

    #[test]
    fn no_curve_passes_its_limit() {
        let resources =
            Resources { cpu_request: Some(100_000), cpu_limit: Some(120_000), ..Resources::default() };
        for profile in Profile::all() {
            for uid in 0..50 {
                let seed = Seed::of(&uid.to_string());
                let curve = curve(seed, seed.child("main"), profile, &resources);
                assert!(curve.peak() <= 120_001, "{profile:?}: {}", curve.peak());
            }
        }
    }
}
