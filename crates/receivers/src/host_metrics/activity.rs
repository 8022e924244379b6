//! The scrapers `load`, `paging`, `processes` and `system`.

use catalogue::host_metrics as metrics;
use kubelet_stats::host::{HostStats, Paging, Processes};

use super::record::Recorder;

pub(super) fn load(stats: &HostStats, per_cpu: bool, recorder: &mut Recorder<'_>) {
    #[allow(clippy::cast_precision_loss, reason = "machines have fewer CPUs than 2^53")]
    let divisor = if per_cpu { stats.cpus.logical.max(1) as f64 } else { 1.0 };
    for (metric, average) in [
        (&metrics::LOAD_AVERAGE_1M, stats.load.one),
        (&metrics::LOAD_AVERAGE_5M, stats.load.five),
        (&metrics::LOAD_AVERAGE_15M, stats.load.fifteen),
    ] {
        recorder.double(metric, &[], average / divisor);
    }
}

pub(super) fn paging(paging: &Paging, recorder: &mut Recorder<'_>) {
    for (kind, faults) in [("major", paging.major_faults), ("minor", paging.minor_faults)] {
        recorder.int(&metrics::PAGING_FAULTS, &[("type", kind)], faults);
    }
    // The receiver calls swapping major and all other paging minor.
    for (direction, kind, pages) in [
        ("page_in", "major", paging.swapped_in),
        ("page_out", "major", paging.swapped_out),
        ("page_in", "minor", paging.pages_in),
        ("page_out", "minor", paging.pages_out),
    ] {
        let attributes = &[("direction", direction), ("type", kind)];
        recorder.int(&metrics::PAGING_OPERATIONS, attributes, pages);
    }
    for swap in &paging.swaps {
        for (state, bytes) in [("used", swap.used), ("free", swap.free)] {
            let attributes = &[("device", swap.device), ("state", state)];
            recorder.int(&metrics::PAGING_USAGE, attributes, bytes);
            let all = swap.used.saturating_add(swap.free);
            recorder.share(&metrics::PAGING_UTILIZATION, attributes, bytes, all);
        }
    }
}

pub(super) fn processes(processes: Processes, recorder: &mut Recorder<'_>) {
    // These two come from the kernel's own count; the others are counted one by one, as far as there are any.
    for (status, count) in [("running", processes.running), ("blocked", processes.blocked)] {
        recorder.int(&metrics::PROCESSES_COUNT, &[("status", status)], count);
    }
    for (status, count) in
        [("sleeping", processes.sleeping), ("idle", processes.idle), ("zombies", processes.zombies)]
    {
        if count > 0 {
            recorder.int(&metrics::PROCESSES_COUNT, &[("status", status)], count);
        }
    }
    recorder.int(&metrics::PROCESSES_CREATED, &[], processes.created);
}

pub(super) fn uptime(stats: &HostStats, recorder: &mut Recorder<'_>) {
    recorder.double(&metrics::UPTIME, &[], stats.uptime);
}
