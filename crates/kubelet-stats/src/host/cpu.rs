//! CPUs: the node's CPU time by what it was spent on, and the rest of the time.

use k8s_openapi::api::core::v1::Node;

use super::scaled;
use super::stats::{CpuCounts, CpuTimes};
use crate::hash::{Aspect, Seed};
use crate::node_usage::NodeUsage;
use crate::resources;

/// CPUs of a node whose capacity does not say.
const DEFAULT_CPUS: u64 = 8;
/// Nanoseconds of the tick in which the kernel reports CPU time.
const TICK: u64 = 10_000_000;
const TICKS_PER_SECOND: f64 = 100.0;
/// Shares are in millionths.
const WHOLE: u64 = 1_000_000;

/// The CPUs of a node with this seed.
pub(super) fn counts(node: &Node, seed: Seed) -> CpuCounts {
    let capacity = node.status.as_ref().and_then(|status| resources::read(&status.capacity, "cpu"));
    let logical = capacity.map_or(DEFAULT_CPUS, |cpus| resources::micros(cpus).div_ceil(1_000_000).max(1));
    // Other machines than x86 run one thread on a core.
    let threads = if is_amd64(node) && logical.is_multiple_of(2) { 2 } else { 1 };
    CpuCounts {
        logical,
        physical: logical / threads,
        frequency: seed.between(Aspect::CpuFrequency, 22, 36) as f64 * 1e8,
    }
}

fn is_amd64(node: &Node) -> bool {
    let label = node.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/arch"));
    label.is_none_or(|arch| arch == "amd64")
}

/// Seconds in each state, summed over `cpus`, with a disk that was busy for `disk` microseconds.
///
/// What is busy is the summary's CPU time. Pods that use more CPU than there is leave no idle time and make the
/// sum larger than it can be.
pub(super) fn times(usage: &NodeUsage<'_>, cpus: u64, disk: u64) -> CpuTimes {
    let seed = usage.seed;
    let busy = usage.all.cpu.now().saturating_mul(1_000);
    let uptime = u64::try_from(usage.t - usage.start).unwrap_or(0);
    let total = cpus.saturating_mul(uptime).saturating_mul(1_000_000_000);

    let system = seed.between(Aspect::CpuSystem, 150_000, 280_000);
    let softirq = seed.between(Aspect::CpuInterrupts, 5_000, 25_000);
    let interrupt = softirq / 8;
    let nice = softirq / 20;
    let user = WHOLE - system - softirq - interrupt - nice;
    // Of neighbours that take CPU away only one machine in four knows.
    let steal = match seed.draw(Aspect::CpuSteal) {
        draw if draw % 4 == 0 => scaled(busy, 500 + (draw >> 32) % 4_000, WHOLE),
        _ => 0,
    };
    let wait = scaled(disk, 350, 1);
    let rest = busy.saturating_add(steal).saturating_add(wait);
    let share = |millionths| seconds(scaled(busy, millionths, WHOLE));
    CpuTimes {
        user: share(user),
        nice: share(nice),
        system: share(system),
        interrupt: share(interrupt),
        softirq: share(softirq),
        steal: seconds(steal),
        wait: seconds(wait),
        idle: seconds(total.saturating_sub(rest)),
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    (nanoseconds / TICK) as f64 / TICKS_PER_SECOND
}
