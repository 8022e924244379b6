//! The scraper `memory`.

use catalogue::host_metrics as metrics;
use kubelet_stats::host::Memory;

use super::record::Recorder;

/// The key of the state of a huge page.
const PAGE_STATE: &str = "system.memory.linux.hugepages.state";

pub(super) fn scrape(memory: &Memory, recorder: &mut Recorder<'_>) {
    for (state, bytes) in [
        ("used", memory.used),
        ("free", memory.free),
        ("buffered", memory.buffered),
        ("cached", memory.cached),
        ("slab_reclaimable", memory.slab_reclaimable),
        ("slab_unreclaimable", memory.slab_unreclaimable),
    ] {
        recorder.int(&metrics::MEMORY_USAGE, &[("state", state)], bytes);
        recorder.share(&metrics::MEMORY_UTILIZATION, &[("state", state)], bytes, memory.total);
    }
    recorder.int(&metrics::MEMORY_LIMIT, &[], memory.total);
    recorder.int(&metrics::MEMORY_PAGE_SIZE, &[], memory.page_size);
    recorder.int(&metrics::LINUX_MEMORY_AVAILABLE, &[], memory.available);
    recorder.int(&metrics::LINUX_MEMORY_DIRTY, &[], memory.dirty);
    recorder.int(&metrics::MEMORY_SHARED, &[], memory.shared);

    let huge = &memory.huge_pages;
    recorder.int(&metrics::HUGEPAGES_LIMIT, &[], huge.total);
    recorder.int(&metrics::HUGEPAGES_PAGE_SIZE, &[], huge.page_size);
    recorder.int(&metrics::HUGEPAGES_RESERVED, &[], huge.reserved);
    recorder.int(&metrics::HUGEPAGES_SURPLUS, &[], huge.surplus);
    for (state, pages) in [("used", huge.total.saturating_sub(huge.free)), ("free", huge.free)] {
        recorder.int(&metrics::HUGEPAGES_USAGE, &[(PAGE_STATE, state)], pages);
        recorder.share(&metrics::HUGEPAGES_UTILIZATION, &[(PAGE_STATE, state)], pages, huge.total);
    }
}
