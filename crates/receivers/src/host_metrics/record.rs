//! From numbers to points.

use catalogue::{Attribute, MetricDef, Number, Point, Resource, Sink};
use jiff::Timestamp;

use crate::settings::MetricSwitches;
use crate::time::nanoseconds;

/// Sends the points of one machine at one scrape, as far as their metrics are on.
pub(super) struct Recorder<'a> {
    sink: &'a mut dyn Sink,
    resource: &'a Resource,
    metrics: &'a MetricSwitches,
    start_ns: i64,
    time_ns: i64,
}

impl<'a> Recorder<'a> {
    /// For a machine that booted at `start`: everything counts from there.
    pub(super) fn new(
        sink: &'a mut dyn Sink,
        resource: &'a Resource,
        metrics: &'a MetricSwitches,
        start: Timestamp,
        time_ns: i64,
    ) -> Self {
        Self { sink, resource, metrics, start_ns: nanoseconds(start), time_ns }
    }

    /// Whether it is sent: for what costs something to make.
    pub(super) fn is_on(&self, metric: &MetricDef) -> bool {
        self.metrics.is_on(metric)
    }

    pub(super) fn int(&mut self, metric: &'static MetricDef, attributes: &[Attribute<'_>], value: u64) {
        self.send(metric, attributes, Number::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    pub(super) fn double(&mut self, metric: &'static MetricDef, attributes: &[Attribute<'_>], value: f64) {
        self.send(metric, attributes, Number::Double(value));
    }

    /// The share of a whole; nothing where there is no whole.
    pub(super) fn share(
        &mut self,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        part: u64,
        whole: u64,
    ) {
        if whole > 0 {
            #[allow(clippy::cast_precision_loss, reason = "a ratio of bytes needs no more than 53 bits")]
            let share = part as f64 / whole as f64;
            self.double(metric, attributes, share);
        }
    }

    fn send(&mut self, metric: &'static MetricDef, attributes: &[Attribute<'_>], value: Number) {
        if self.metrics.is_on(metric) {
            let point = Point { start_ns: Some(self.start_ns), time_ns: self.time_ns, value };
            self.sink.record(self.resource, metric, attributes, point);
        }
    }
}
