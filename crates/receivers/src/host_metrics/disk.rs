//! The scrapers `disk` and `filesystem`.

use catalogue::host_metrics as metrics;
use kubelet_stats::host::HostStats;

use super::record::Recorder;
use crate::settings::{HostMetricsSettings, Selection};

pub(super) fn disks(stats: &HostStats, wanted: &Selection, recorder: &mut Recorder<'_>) {
    for disk in stats.disks.iter().filter(|disk| wanted.admits(disk.device)) {
        let device = ("device", disk.device);
        for (direction, done) in [("read", disk.read), ("write", disk.write)] {
            let attributes = &[device, ("direction", direction)];
            recorder.int(&metrics::DISK_IO, attributes, done.bytes);
            recorder.int(&metrics::DISK_OPERATIONS, attributes, done.operations);
            recorder.int(&metrics::DISK_MERGED, attributes, done.merged);
            recorder.double(&metrics::DISK_OPERATION_TIME, attributes, done.time);
        }
        recorder.double(&metrics::DISK_IO_TIME, &[device], disk.io_time);
        recorder.double(&metrics::DISK_WEIGHTED_IO_TIME, &[device], disk.weighted_io_time);
        recorder.int(&metrics::DISK_PENDING_OPERATIONS, &[device], disk.pending);
    }
}

pub(super) fn filesystems(stats: &HostStats, settings: &HostMetricsSettings, recorder: &mut Recorder<'_>) {
    let wanted = stats.filesystems.iter().filter(|filesystem| {
        settings.filesystem_devices.admits(filesystem.device)
            && settings.filesystem_types.admits(filesystem.kind)
            && settings.mount_points.admits(filesystem.mountpoint)
    });
    for filesystem in wanted {
        let own = [
            ("device", filesystem.device),
            ("mode", filesystem.mode),
            ("mountpoint", filesystem.mountpoint),
            ("type", filesystem.kind),
        ];
        let [device, mode, mountpoint, kind] = own;
        let (used, free) = (filesystem.used, filesystem.free);
        for (state, bytes) in [("used", used), ("free", free), ("reserved", filesystem.reserved)] {
            let attributes = &[device, mode, mountpoint, kind, ("state", state)];
            recorder.int(&metrics::FILESYSTEM_USAGE, attributes, bytes);
        }
        for (state, inodes) in [("used", filesystem.inodes_used), ("free", filesystem.inodes_free)] {
            let attributes = &[device, mode, mountpoint, kind, ("state", state)];
            recorder.int(&metrics::FILESYSTEM_INODES_USAGE, attributes, inodes);
        }
        // Of what anybody may use, as `df` prints it.
        recorder.share(&metrics::FILESYSTEM_UTILIZATION, &own, used, used.saturating_add(free));
    }
}
