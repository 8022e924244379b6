//! What follows from the CPU time: load, processes, paging.

use super::scaled;
use super::stats::{Disk, LoadAverages, Paging, Processes};
use crate::clock::LOOKS;
use crate::hash::Aspect;
use crate::node_usage::NodeUsage;
use crate::resources::PAGE;

/// Load averages: the CPUs in use, and now and then a task that waits for one.
pub(super) fn load(usage: &NodeUsage<'_>) -> LoadAverages {
    let queue = 1.0 + usage.seed.spread(Aspect::StallShare, 0.0, 0.2);
    let over = |look: usize| {
        let cpu = usage.all.cpu;
        let cores = (cpu.now() - cpu.0[look]) as f64 / LOOKS[look] as f64 / 1e6;
        // The kernel prints two decimals.
        (cores * queue * 100.0 + 0.5).floor() / 100.0
    };
    LoadAverages { one: over(2), five: over(3), fifteen: over(4) }
}

/// As many as in the summary.
pub(super) fn processes(usage: &NodeUsage<'_>, cpus: u64, disk: &Disk) -> Processes {
    let cores = usage.all.cpu.recent() as f64 / LOOKS[1] as f64 / 1e6;
    let blocked = disk.pending.saturating_sub(3).min(usage.processes);
    let rest = usage.processes - blocked;
    let running = (1 + cores as u64).min(rest);
    // Each CPU has some threads of the kernel; the table of a large machine is mostly that.
    let idle = (40 + 4 * cpus).min((rest - running) / 2);
    let busy = usage.all.cpu.now();
    Processes {
        running,
        sleeping: rest - running - idle,
        blocked,
        idle,
        zombies: 0,
        created: 4_000_u64.saturating_add(scaled(busy, usage.seed.between(Aspect::Forks, 1, 12), 1_000_000)),
    }
}

/// Faults as in the summary; pages as the disk moved them. Without swap.
pub(super) fn paging(usage: &NodeUsage<'_>, disk: &Disk) -> Paging {
    let faults = usage.all.faults;
    Paging {
        major_faults: faults.major,
        minor_faults: faults.all - faults.major,
        pages_in: disk.read.bytes / PAGE,
        pages_out: disk.write.bytes / PAGE,
        swapped_in: 0,
        swapped_out: 0,
        swaps: Vec::new(),
    }
}
