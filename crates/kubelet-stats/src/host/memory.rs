//! Memory: the summary's, in the kernel's terms.

use super::stats::{HugePages, Memory};
use crate::hash::{Aspect, unit};
use crate::node_usage::NodeUsage;
use crate::resources::{PAGE, pages};

/// The size that x86 and Arm have by default.
const HUGE_PAGE: u64 = 2 << 20;
/// Seconds after which the kernel has written what was dirty.
const WRITE_BACK: i64 = 30;

pub(super) fn memory(usage: &NodeUsage<'_>) -> Memory {
    let seed = usage.seed.child("memory");
    let total = usage.memory();
    let taken = usage.all.memory.usage.min(total);
    let used = usage.all.memory.working_set.min(taken);
    let reclaimable = taken - used;
    let part = |of: u64, share: f64| pages((of as f64 * share) as u64).min(of);
    let buffered = part(reclaimable, seed.spread(Aspect::CacheShare, 0.02, 0.08));
    let cached = reclaimable - buffered;
    let waiting = unit(seed.step(usage.t.div_euclid(WRITE_BACK) as u64));
    Memory {
        total,
        used,
        free: total - taken,
        cached,
        buffered,
        slab_reclaimable: part(cached, seed.spread(Aspect::Slab, 0.08, 0.25)),
        slab_unreclaimable: part(used, seed.spread(Aspect::Slab, 0.01, 0.04)),
        available: total - used,
        dirty: part(cached, 0.002 * waiting),
        shared: part(cached, seed.spread(Aspect::AnonymousShare, 0.005, 0.03)),
        page_size: PAGE,
        huge_pages: HugePages { total: 0, free: 0, reserved: 0, surplus: 0, page_size: HUGE_PAGE },
    }
}
