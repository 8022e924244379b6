//! The disk: how busy it is follows what the CPUs do; what is on it is the summary's.

use super::scaled;
use super::stats::{Disk, DiskDirection, Filesystem};
use crate::clock::grown;
use crate::cpu;
use crate::hash::{Aspect, Seed, unit};
use crate::node_usage::NodeUsage;
use crate::resources::PAGE;

const DISK: &str = "nvme0n1";
const PARTITION: &str = "/dev/nvme0n1p1";

/// The disk, and for how many microseconds it was busy.
pub(super) struct BusyDisk {
    pub(super) stats: Disk,
    pub(super) busy: u64,
}

/// How a disk works in one direction.
struct Habit {
    name: &'static str,
    /// Operations in a second in which it is busy.
    operations: (u64, u64),
    /// Pages in an operation.
    pages: (u64, u64),
    /// Microseconds that an operation takes. All operations together take at least the time that the disk is busy.
    latency: (u64, u64),
}

const READING: Habit = Habit { name: "read", operations: (300, 1_500), pages: (3, 16), latency: (400, 900) };
const WRITING: Habit =
    Habit { name: "write", operations: (1_200, 5_000), pages: (2, 8), latency: (800, 1_600) };

/// The disk of a machine with so many CPUs.
pub(super) fn disk(usage: &NodeUsage<'_>, cpus: u64) -> BusyDisk {
    let seed = usage.seed.child("disk");
    let busy = busy(seed, usage, cpus);
    let read = READING.after(seed, busy);
    let write = WRITING.after(seed, busy);
    // Few looks find an operation in the queue.
    let queue = unit(seed.step(usage.t.div_euclid(10) as u64));
    let stats = Disk {
        device: DISK,
        read,
        write,
        io_time: milliseconds(busy),
        weighted_io_time: read.time + write.time,
        pending: if queue < 0.2 { 1 + (queue * 20.0) as u64 } else { 0 },
    };
    BusyDisk { stats, busy }
}

/// Microseconds: some at any time, and more when the CPUs work; never all the time.
fn busy(seed: Seed, usage: &NodeUsage<'_>, cpus: u64) -> u64 {
    let curve = cpu::background(seed, seed.between(Aspect::Level, 1_000, 12_000) as f64);
    let alone = grown(curve.until(usage.start), curve.until(usage.t));
    let share = seed.between(Aspect::DiskTime, 50, 300);
    alone.saturating_add(scaled(usage.all.cpu.now(), share, cpus.saturating_mul(1_000)))
}

impl Habit {
    /// What was done in so many microseconds.
    fn after(&self, disk: Seed, busy: u64) -> DiskDirection {
        let seed = disk.child(self.name);
        let draw = |aspect, (low, high)| seed.between(aspect, low, high);
        let operations = scaled(busy, draw(Aspect::DiskOperations, self.operations), 1_000_000);
        let took = operations.saturating_mul(draw(Aspect::OperationTime, self.latency));
        DiskDirection {
            bytes: operations.saturating_mul(draw(Aspect::OperationSize, self.pages) * PAGE),
            operations,
            merged: scaled(operations, seed.between(Aspect::DiskMerged, 20, 400), 1_000),
            time: milliseconds(took),
        }
    }
}

/// Seconds, in the milliseconds that the kernel counts.
fn milliseconds(microseconds: u64) -> f64 {
    (microseconds / 1_000) as f64 / 1_000.0
}

/// The one filesystem: that of the kubelet's summary.
pub(super) fn filesystems(usage: &NodeUsage<'_>) -> Vec<Filesystem> {
    let stats = usage.disk.filesystem(usage.used).stats(usage.disk.time(usage.start), usage.used);
    let number = Option::unwrap_or_default;
    let (capacity, free) = (number(stats.capacity_bytes), number(stats.available_bytes));
    let used = number(stats.used_bytes).min(capacity);
    let (inodes, inodes_free) = (number(stats.inodes), number(stats.inodes_free));
    vec![Filesystem {
        device: PARTITION,
        mountpoint: "/",
        kind: "ext4",
        mode: "rw",
        used,
        free,
        reserved: (capacity - used).saturating_sub(free),
        inodes_used: inodes.saturating_sub(inodes_free),
        inodes_free,
    }]
}
