//! Objects from JSON, and a sink that writes readable lines.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Number, Point, Resource, Sink, ValueType};
use jiff::Timestamp;
use kubelet_stats::summary::Summary;
use receivers::{ClusterView, K8sClusterReceiver, K8sClusterSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) const STARTED: &str = "2026-11-23T08:00:00Z";
pub(crate) const NOW: &str = "2026-11-23T09:00:00Z";

/// One line a point: a resource when it changes, then `  metric{attributes} value since start`.
#[derive(Default)]
pub(crate) struct Lines {
    text: String,
    resource: Option<Resource>,
    /// The names of all metrics that were ever recorded.
    pub(crate) metrics: BTreeSet<&'static str>,
}

impl Lines {
    /// Everything recorded since the last call.
    pub(crate) fn take(&mut self) -> String {
        self.resource = None;
        std::mem::take(&mut self.text)
    }
}

impl Sink for Lines {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        assert_in_catalogue(metric, attributes, point.value);
        self.metrics.insert(metric.name);
        if self.resource.as_ref() != Some(resource) {
            let list: Vec<_> = resource.attributes().map(|(key, value)| format!("{key}={value}")).collect();
            writeln!(self.text, "{}", list.join(" ")).unwrap();
            self.resource = Some(resource.clone());
        }
        let list: Vec<_> = attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let list = if list.is_empty() { String::new() } else { format!("{{{}}}", list.join(",")) };
        let value = match point.value {
            Number::Int(value) => value.to_string(),
            Number::Double(value) => format!("{value:?}"),
        };
        let at = |ns: i64| Timestamp::from_nanosecond(i128::from(ns)).unwrap().strftime("%T").to_string();
        let since = point.start_ns.map_or_else(String::new, |start| format!(" since {}", at(start)));
        writeln!(self.text, "  {}{list} {value} at {}{since}", metric.name, at(point.time_ns)).unwrap();
    }
}

/// What is sent has the attributes, their values and the type that the catalogue promises.
fn assert_in_catalogue(metric: &MetricDef, attributes: &[Attribute<'_>], value: Number) {
    let same_type = matches!(
        (value, metric.value_type),
        (Number::Int(_), ValueType::Int) | (Number::Double(_), ValueType::Double)
    );
    assert!(same_type, "{}: {value:?}", metric.name);
    let keys: Vec<_> = attributes.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, metric.attributes, "{}", metric.name);
    for (key, value) in attributes {
        let values = metric.values_of(key);
        assert!(values.is_none_or(|values| values.contains(value)), "{}: {key}={value}", metric.name);
    }
}

pub(crate) fn object<K: DeserializeOwned>(json: Value) -> Arc<K> {
    Arc::new(serde_json::from_value(json).unwrap())
}

pub(crate) fn summary(json: Value) -> Summary {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What k8s_cluster says of these objects.
pub(crate) fn collected(settings: &K8sClusterSettings, view: ClusterView<'_>) -> String {
    let mut receiver = K8sClusterReceiver::new("c", settings, at(STARTED));
    let mut lines = Lines::default();
    receiver.collect(view, at(NOW), &mut lines);
    lines.take()
}
