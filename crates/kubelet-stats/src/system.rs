//! What runs on a node beside pods.

use crate::annotations::Spikes;
use crate::clock::Looks;
use crate::cpu::{self, SideEffects};
use crate::hash::{Aspect, Seed};
use crate::memory::Memory;
use crate::node_usage::Sum;
use crate::resources::{PAGE, pages};
use crate::surge::{self, Surge};

/// A system container. Levels do not depend on the pods, so that a pod's coming and going leaves the counters
/// alone.
struct Row {
    name: &'static str,
    /// Microseconds of CPU a second.
    cpu: (u64, u64),
    /// Mebibytes.
    memory: (u64, u64),
}

const TABLE: [Row; 3] = [
    Row { name: "kubelet", cpu: (14_000, 40_000), memory: (60, 110) },
    Row { name: "runtime", cpu: (8_000, 30_000), memory: (70, 160) },
    Row { name: "misc", cpu: (20_000, 90_000), memory: (250, 700) },
];

/// What a system container uses.
pub(crate) struct SystemUsage {
    pub(crate) name: &'static str,
    sum: Sum,
}

impl SystemUsage {
    pub(crate) fn sum(&self) -> Sum {
        self.sum
    }
}

/// What the spikes of a node may take.
pub(crate) struct Room<'a> {
    pub(crate) spikes: &'a Spikes,
    /// Microseconds of CPU a second that the node has.
    pub(crate) cpu: u64,
    /// Bytes of memory that its pods leave.
    pub(crate) memory: u64,
}

/// Of a node's CPU a spike takes this share at most: its pods go on.
const MOST_CPU: f64 = 0.8;

/// `kubelet`, `runtime` and `misc` of a node that started at `start`, at `t`. (`pods` is a sum.) It is `misc` that spikes.
pub(crate) fn containers(node: Seed, room: &Room<'_>, start: i64, t: i64) -> Vec<SystemUsage> {
    let calm = Spikes::default();
    let of = |row: &Row| {
        let seed = node.child(row.name);
        let spikes = if row.name == "misc" { room.spikes } else { &calm };
        let curve = cpu::background(seed, seed.between(Aspect::Level, row.cpu.0, row.cpu.1) as f64);
        let curve = Surge::of_node(curve, spikes, (room.cpu as f64 * MOST_CPU) as u64);
        let micros = Looks::of(t, start, |second| curve.until(second));
        let effects = SideEffects::of(seed);
        let working_set = seed.between(Aspect::MemoryLevel, row.memory.0 << 8, row.memory.1 << 8) * PAGE;
        let cache = seed.spread(Aspect::CacheShare, 0.05, 0.3) * working_set as f64;
        let anonymous = seed.spread(Aspect::AnonymousShare, 0.6, 0.9) * working_set as f64;
        let memory =
            Memory { usage: working_set + pages(cache as u64), working_set, rss: pages(anonymous as u64) }
                .raised(|usage| surge::memory_of_node(usage, spikes, room.memory, start, t));
        SystemUsage {
            name: row.name,
            sum: Sum {
                cpu: micros,
                stalls: effects.stalls(micros),
                faults: effects.faults(micros.now()),
                memory,
            },
        }
    };
    TABLE.iter().map(of).collect()
}

/// Files that the kernel keeps in memory as long as nobody needs it: part of the node's usage, not of its
/// working set.
pub(crate) fn page_cache(node: Seed, free: u64) -> u64 {
    const MOST: u64 = 8 << 30;
    pages((free.min(MOST) as f64 * node.spread(Aspect::CacheShare, 0.2, 0.6)) as u64)
}
