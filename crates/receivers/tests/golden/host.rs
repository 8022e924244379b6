//! The shapes of host_metrics: everything about its points but their numbers.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::{Attribute, MetricDef, MetricKind, Point, Receiver, Resource, Sink, ValueType};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::host;
use receivers::{HostMetricsReceiver, HostMetricsSettings, MetricSwitches};
use serde_json::Value;

use crate::compare::Named;
use crate::replay::Mode;

/// Attributes whose values are a machine's own.
const OWN: [&str; 4] = ["cpu", "device", "mountpoint", "system.memory.linux.hugepages.state"];

#[derive(Default)]
struct Shape {
    of: String,
    resource_attributes: BTreeSet<String>,
    attributes: BTreeMap<String, BTreeSet<String>>,
}

impl Shape {
    fn add(&mut self, key: &str, value: &str) {
        let values = self.attributes.entry(key.to_owned()).or_default();
        if !OWN.contains(&key) {
            values.insert(value.to_owned());
        }
    }

    fn named(self, name: String) -> (String, String) {
        (name, format!("{} {:?} of {:?}", self.of, self.attributes, self.resource_attributes))
    }
}

/// The shapes in the record.
pub(crate) fn recorded(record: &Value) -> Named {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let shape = |recorded: &Value| {
        let text = |key: &str| recorded[key].as_str().unwrap();
        let kind = match (text("type"), recorded["monotonic"].as_bool()) {
            ("sum", Some(true)) => "counter",
            (kind, _) => kind,
        };
        let mut shape =
            Shape { of: format!("{kind} {} {}", text("value"), text("unit")), ..Shape::default() };
        for (key, values) in recorded["attributes"].as_object().unwrap() {
            shape.attributes.entry(key.clone()).or_default();
            texts(values).iter().for_each(|value| shape.add(key, value));
        }
        shape.resource_attributes = texts(&recorded["resource_attributes"]).into_iter().collect();
        shape
    };
    record.as_object().unwrap().iter().map(|(name, recorded)| shape(recorded).named(name.clone())).collect()
}

#[derive(Default)]
struct Shapes(BTreeMap<&'static str, Shape>);

impl Sink for Shapes {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        _: Point,
    ) {
        let kind = match metric.kind {
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
            MetricKind::UpDownCounter => "sum",
        };
        let value = match metric.value_type {
            ValueType::Int => "int",
            ValueType::Double => "double",
        };
        let shape = self.0.entry(metric.name).or_default();
        shape.of = format!("{kind} {value} {}", metric.unit);
        shape.resource_attributes.extend(resource.attributes().map(|(key, _)| key.to_owned()));
        attributes.iter().for_each(|(key, value)| shape.add(key, value));
    }
}

/// The shapes that our receiver makes of a simulated machine.
pub(crate) fn shapes(mode: Mode) -> Named {
    let node: Node = serde_json::from_value(serde_json::json!({
        "metadata": { "name": "n", "uid": "u", "creationTimestamp": "2026-11-01T00:00:00Z" },
        "status": { "capacity": { "cpu": "8", "memory": "32Gi" } },
    }))
    .unwrap();
    let mut settings = HostMetricsSettings::default();
    if mode == Mode::All {
        settings.metrics = MetricSwitches::all_on(Receiver::HostMetrics);
    }
    let mut receiver = HostMetricsReceiver::new("n", "c", &settings);
    let mut shapes = Shapes::default();
    let mut now: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    for _ in 0..2 {
        receiver.scrape(&host::<Pod>(&node, &[], now), now, &mut shapes);
        now += SignedDuration::from_secs(10);
    }
    shapes.0.into_iter().map(|(name, shape)| shape.named(name.to_owned())).collect()
}
