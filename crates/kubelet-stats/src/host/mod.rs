//! What the machine of a node says of itself: its kernel's counters, as an agent on it reads them.
//!
//! The pods are the same as in the node's [`Summary`](crate::summary::Summary), and so is their usage: CPU time,
//! memory, filesystem, interfaces and page faults are the summary's own numbers, in the kernel's terms. What the
//! kubelet does not tell (the disk, interrupts, connections) follows from them.

mod activity;
mod cpu;
mod disk;
mod memory;
mod network;
mod stats;

use std::borrow::Borrow;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};

pub use self::stats::{
    CpuCounts, CpuTimes, Direction, Disk, DiskDirection, Filesystem, HostStats, HugePages, Interface,
    LoadAverages, Memory, Network, Paging, Processes, Swap, TCP_STATES,
};
use crate::clock::timestamp;
use crate::node::Surroundings;
use crate::node_usage::NodeUsage;

/// What the machine of `node` says of itself at `at`, while `pods` are bound to it. See [`crate::summary()`].
pub fn host<P: Borrow<Pod>>(node: &Node, pods: &[P], at: Timestamp) -> HostStats {
    host_in(&Surroundings::default(), node, pods, at)
}

/// [`host()`], knowing what the node's and its pods' objects do not say.
pub fn host_in<P: Borrow<Pod>>(
    surroundings: &Surroundings<'_>,
    node: &Node,
    pods: &[P],
    at: Timestamp,
) -> HostStats {
    stats(node, &NodeUsage::of(surroundings, node, pods, at))
}

pub(crate) fn stats(node: &Node, usage: &NodeUsage<'_>) -> HostStats {
    let counts = cpu::counts(node, usage.seed);
    let disk = disk::disk(usage, counts.logical);
    let memory = memory::memory(usage);
    HostStats {
        booted: timestamp(usage.start),
        uptime: (usage.t - usage.start) as f64,
        cpu_times: cpu::times(usage, counts.logical, disk.busy),
        cpus: counts,
        load: activity::load(usage),
        memory,
        filesystems: disk::filesystems(usage),
        network: network::network(usage),
        paging: activity::paging(usage, &disk.stats),
        processes: activity::processes(usage, counts.logical, &disk.stats),
        disks: vec![disk.stats],
    }
}

/// `value` × `numerator` ÷ `denominator`, rounded down. As `value` grows, it never falls.
fn scaled(value: u64, numerator: u64, denominator: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(numerator) / u128::from(denominator.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
