//! From the fields of a summary to points. An absent field gives no point.

use catalogue::{Attribute, MetricDef, Number, Point, Resource, Sink};
use jiff::Timestamp;
use kubelet_stats::summary::{CpuStats, FsStats, InterfaceStats, MemoryStats, NetworkStats, VolumeStats};

use super::amounts::Denominators;
use super::cpu::{CpuMeter, cpu_seconds};
use super::plan::{
    CpuMetrics, FilesystemMetrics, MemoryMetrics, NetworkMetrics, Ratios, VolumeMetrics, Wanted,
};
use crate::time::nanoseconds;

/// Sends the points of one resource at one scrape.
pub(super) struct Recorder<'a> {
    sink: &'a mut dyn Sink,
    resource: &'a Resource,
    start_ns: i64,
    time_ns: i64,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        sink: &'a mut dyn Sink,
        resource: &'a Resource,
        start: Timestamp,
        time_ns: i64,
    ) -> Self {
        Self { sink, resource, start_ns: nanoseconds(start), time_ns }
    }

    /// For resources that have no start of their own.
    pub(super) fn started_at(
        sink: &'a mut dyn Sink,
        resource: &'a Resource,
        start_ns: i64,
        time_ns: i64,
    ) -> Self {
        Self { sink, resource, start_ns, time_ns }
    }

    /// Whole seconds since the start.
    pub(super) fn uptime(&mut self, metric: Wanted) {
        let seconds = self.time_ns.saturating_sub(self.start_ns) / 1_000_000_000;
        self.send(metric, &[], Some(Number::Int(seconds)));
    }

    pub(super) fn cpu(
        &mut self,
        metrics: &CpuMetrics,
        stats: Option<&CpuStats>,
        meter: &mut CpuMeter,
        denominators: &Denominators,
    ) {
        let time = stats.and_then(|stats| stats.usage_core_nano_seconds).map(cpu_seconds);
        self.send(metrics.time, &[], time.map(Number::Double));
        let Some(usage) = meter.usage(stats) else { return };
        self.send(metrics.usage, &[], Some(Number::Double(usage)));
        let Denominators { reserved, node } = denominators;
        self.ratios(&metrics.ratios, usage, node.cpus, reserved.limits.cpus, reserved.requests.cpus);
    }

    pub(super) fn memory(
        &mut self,
        metrics: &MemoryMetrics,
        stats: Option<&MemoryStats>,
        denominators: &Denominators,
    ) {
        let Some(stats) = stats else { return };
        self.int(metrics.available, stats.available_bytes);
        self.int(metrics.usage, stats.usage_bytes);
        self.int(metrics.working_set, stats.working_set_bytes);
        self.int(metrics.rss, stats.rss_bytes);
        self.int(metrics.page_faults, stats.page_faults);
        self.int(metrics.major_page_faults, stats.major_page_faults);
        if let Some(bytes) = stats.usage_bytes {
            #[allow(clippy::cast_precision_loss, reason = "a ratio of bytes needs no more than 53 bits")]
            let usage = bytes as f64;
            let Denominators { reserved, node } = denominators;
            self.ratios(&metrics.ratios, usage, node.bytes, reserved.limits.bytes, reserved.requests.bytes);
        }
    }

    pub(super) fn filesystem(&mut self, metrics: &FilesystemMetrics, stats: Option<&FsStats>) {
        let Some(stats) = stats else { return };
        self.int(metrics.available, stats.available_bytes);
        self.int(metrics.capacity, stats.capacity_bytes);
        self.int(metrics.usage, stats.used_bytes);
        self.int(metrics.inodes, stats.inodes);
        self.int(metrics.inodes_free, stats.inodes_free);
    }

    pub(super) fn network(&mut self, metrics: &NetworkMetrics, stats: Option<&NetworkStats>) {
        let Some(stats) = stats else { return };
        if metrics.all_interfaces {
            for interface in &stats.interfaces {
                self.interface(metrics, interface);
            }
        } else {
            self.interface(metrics, &stats.default_interface);
        }
    }

    fn interface(&mut self, metrics: &NetworkMetrics, stats: &InterfaceStats) {
        let receive: &[Attribute<'_>] = &[("interface", &stats.name), ("direction", "receive")];
        let transmit: &[Attribute<'_>] = &[("interface", &stats.name), ("direction", "transmit")];
        for (metric, attributes, value) in [
            (metrics.io, receive, stats.rx_bytes),
            (metrics.io, transmit, stats.tx_bytes),
            (metrics.errors, receive, stats.rx_errors),
            (metrics.errors, transmit, stats.tx_errors),
        ] {
            self.send(metric, attributes, value.map(number));
        }
    }

    pub(super) fn ephemeral_storage(
        &mut self,
        metric: Wanted,
        rootfs: Option<&FsStats>,
        logs: Option<&FsStats>,
    ) {
        for (part, stats) in [("rootfs", rootfs), ("logs", logs)] {
            let used = stats.and_then(|stats| stats.used_bytes);
            self.send(metric, &[("fs.type", part)], used.map(number));
        }
    }

    pub(super) fn volume(&mut self, metrics: &VolumeMetrics, stats: &VolumeStats) {
        self.int(metrics.available, stats.fs.available_bytes);
        self.int(metrics.capacity, stats.fs.capacity_bytes);
        self.int(metrics.inodes, stats.fs.inodes);
        self.int(metrics.inodes_free, stats.fs.inodes_free);
        self.int(metrics.inodes_used, stats.fs.inodes_used);
        self.int(metrics.usage, stats.fs.used_bytes);
    }

    fn ratios(&mut self, metrics: &Ratios, usage: f64, node: f64, limit: f64, request: f64) {
        for (metric, denominator) in
            [(metrics.node, node), (metrics.limit, limit), (metrics.request, request)]
        {
            if denominator > 0.0 {
                self.send(metric, &[], Some(Number::Double(usage / denominator)));
            }
        }
    }

    pub(super) fn int(&mut self, metric: Wanted, value: Option<u64>) {
        self.send(metric, &[], value.map(number));
    }

    pub(super) fn send(
        &mut self,
        metric: Option<&'static MetricDef>,
        attributes: &[Attribute<'_>],
        value: Option<Number>,
    ) {
        if let (Some(metric), Some(value)) = (metric, value) {
            let point = Point { start_ns: Some(self.start_ns), time_ns: self.time_ns, value };
            self.sink.record(self.resource, metric, attributes, point);
        }
    }
}

/// The kubelet counts in 64 bits without a sign; the receiver sends them as they are, with one.
fn number(value: u64) -> Number {
    Number::Int(value.cast_signed())
}
