//! The metrics of the OpenTelemetry Kubernetes receivers: what each is called, what it means and what it carries; how
//! they are named in Prometheus; and the [`Sink`] that takes measurements of them.
//!
//! The tables are [`kubelet_stats`], [`k8s_cluster`] and [`host_metrics`]: one row a metric, as collector v0.161 sends
//! them. A receiver can only send what stands in them, because a [`Sink`] takes a [`MetricDef`].

pub mod entity;
pub mod host_metrics;
pub mod k8s_cluster;
pub mod kubelet_stats;
mod measurement;
mod metric;
pub mod prometheus;
mod table;

pub use entity::{Entity, Presence, ResourceAttribute};
pub use measurement::{Attribute, Number, Point, Resource, Sink};
pub use metric::{AttributeValues, MetricDef, MetricKind, Receiver, Switch, ValueType};
pub use prometheus::find_by_prometheus_name;

/// Every metric of the three receivers.
pub fn all() -> impl Iterator<Item = &'static MetricDef> {
    kubelet_stats::ALL.iter().chain(k8s_cluster::ALL).chain(host_metrics::ALL).copied()
}

/// The metric of this OpenTelemetry name.
pub fn find(name: &str) -> Option<&'static MetricDef> {
    all().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_metric_stands_in_the_tables_twice() {
        let mut names = BTreeSet::new();
        for metric in all() {
            assert!(names.insert(metric.name), "{}", metric.name);
        }
    }

    #[test]
    fn every_metric_is_described_in_one_sentence() {
        for metric in all() {
            assert!(metric.description.ends_with('.'), "{}", metric.name);
            assert!(metric.description.starts_with(|c: char| c.is_uppercase()), "{}", metric.name);
        }
    }

    #[test]
    fn values_are_given_only_for_attributes_that_the_metric_has() {
        for metric in all() {
            for values in metric.attribute_values {
                assert!(
                    metric.attributes.contains(&values.attribute),
                    "{} {}",
                    metric.name,
                    values.attribute
                );
            }
        }
    }

    #[test]
    fn names_lead_to_their_metric() {
        assert!(find("k8s.pod.phase").is_some_and(|metric| std::ptr::eq(metric, &k8s_cluster::POD_PHASE)));
        assert!(find("k8s.pod.face").is_none());
    }

    #[test]
    fn cumulative_gauges_are_marked() {
        let marked: Vec<_> = all().filter(|metric| metric.counter_like).map(|metric| metric.name).collect();
        assert!(marked.contains(&"k8s.pod.memory.page_faults") && marked.contains(&"k8s.container.restarts"));
        assert!(all().filter(|metric| metric.counter_like).all(|metric| metric.kind == MetricKind::Gauge));
    }
}
