//! The catalogue as the analyses of queries need it: the labels and the unit of each metric.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use catalogue::{MetricDef, MetricKind, Presence, find_by_prometheus_name, prometheus};
use labels::METRIC_NAME;
use promql::analysis::labels::{Dependency, NameSet, Names, SeriesLabels, metric_name, names};
use promql::analysis::units::{Quantity, Unit};
use promql::analysis::{labels as label_analysis, units as unit_analysis};
use promql::ast::{AggregateOp, Expr, ExprKind, Span, VectorSelector};

use super::super::queries::walk::{each, selector};
use crate::subject::{Dashboard, is_open};

/// The label that every object of a cluster has where there are several clusters.
pub(crate) const CLUSTER: &str = "k8s_cluster_name";
const NAMESPACE: &str = "k8s_namespace_name";
/// The label of a pod's name.
pub(crate) const POD: &str = "k8s_pod_name";
/// The label of a node's name.
pub(crate) const NODE: &str = "k8s_node_name";

/// Names that cAdvisor's metrics have as well.
const SHARED: [&str; 2] = ["container_memory_working_set_bytes", "container_memory_usage_bytes"];

/// What is known of the metrics that a dashboard asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    /// Whether the dashboard is about OpenTelemetry's metrics, so that a name shared with cAdvisor means those.
    otel: bool,
}

impl Metrics {
    /// For the queries of this dashboard.
    pub(crate) fn of(dashboard: &Dashboard) -> Self {
        Self { otel: dashboard.queries.iter().any(|query| query.text.contains("k8s_")) }
    }

    /// The metric that a selector asks for, if it is one of the catalogue.
    pub(crate) fn find(self, selector: &VectorSelector) -> Option<&'static MetricDef> {
        let name = metric_name(selector)?;
        let metric = find_by_prometheus_name(name)?;
        (self.otel || !is_shared(name)).then_some(metric)
    }

    /// The labels of each part of a query.
    pub(crate) fn labels(self, expr: &Expr) -> label_analysis::Labels {
        label_analysis::analyse(expr, &self)
    }

    /// The unit of each part of a query.
    pub(crate) fn units(self, expr: &Expr) -> unit_analysis::Units {
        unit_analysis::analyse(expr, &self)
    }
}

/// Whether a dashboard tells clusters apart: who has one needs no label for it. That `max by (…)` names it, as it costs
/// nothing to do, says nothing.
pub(crate) fn has_clusters(dashboard: &Dashboard) -> bool {
    dashboard.queries.iter().filter(|query| query.text.contains(CLUSTER)).any(|query| {
        let Some(tree) = query.tree().filter(|_| query.is_target()) else { return true };
        let names_it = |labels: &[String]| labels.iter().any(|label| label == CLUSTER);
        let mut found = false;
        each(tree, &mut |part, _| {
            found |= match &part.kind {
                ExprKind::Aggregate(aggregate) => {
                    !matches!(aggregate.op, AggregateOp::Max | AggregateOp::Min)
                        && names_it(&aggregate.grouping)
                }
                ExprKind::Binary(binary) => names_it(&binary.matching.labels),
                _ => selector(part).is_some_and(|(selector, _)| {
                    selector.matchers.iter().any(|matcher| matcher.matcher.name() == CLUSTER)
                }),
            };
        });
        found
    })
}

/// Whether a label's name is a variable as a whole, and not a part like the kind in `k8s_${kind}_name`.
pub(crate) fn is_any_label(name: &str) -> bool {
    name.starts_with("__var_") && is_open(name)
}

/// Whether cAdvisor has a metric of this name, too.
pub(crate) fn is_shared(name: &str) -> bool {
    SHARED.contains(&name)
}

impl label_analysis::Schema for Metrics {
    fn series(&self, selector: &VectorSelector) -> Option<SeriesLabels> {
        let metric = self.find(selector)?;
        // A matcher whose label is a variable may be for any label.
        if selector.matchers.iter().any(|matcher| is_any_label(matcher.matcher.name())) {
            return None;
        }
        LABELS.get(metric.name).cloned()
    }
}

impl unit_analysis::Schema for Metrics {
    fn unit(&self, selector: &VectorSelector) -> Option<Unit> {
        match self.find(selector) {
            Some(metric) => unit_of(metric, selector),
            None => conventional_unit(selector),
        }
    }

    fn bucket_unit(&self, selector: &VectorSelector) -> Option<Unit> {
        by_suffix(metric_name(selector)?.strip_suffix("_bucket")?)
    }

    fn number(&self, value: f64, _: Span) -> Quantity {
        // What stands for a variable is no number.
        if value.is_nan() { Quantity::Unknown } else { Quantity::Number(value) }
    }
}

static LABELS: LazyLock<HashMap<&'static str, SeriesLabels>> =
    LazyLock::new(|| catalogue::all().map(|metric| (metric.name, labels_of(metric))).collect());

/// The labels of a metric as they arrive in Prometheus: its attributes, and the promoted ones of its resource.
fn labels_of(metric: &MetricDef) -> SeriesLabels {
    let label = |key: &str| Arc::<str>::from(prometheus::label_name(key));
    let attributes: NameSet = metric.attributes.iter().map(|key| label(key)).collect();
    let resource: NameSet = prometheus::promoted()
        .filter(|key| may_have(metric, key))
        .map(label)
        .chain(names(["job", "instance"]))
        .collect();
    let mut identity: NameSet = metric
        .entity
        .identity
        .iter()
        .filter(|key| prometheus::promoted().any(|promoted| promoted == **key))
        .map(|key| label(key))
        .collect();
    let mut must = identity.clone();
    must.extend(metric.attribute_values.iter().map(|values| label(values.attribute)));
    must.insert(Arc::from(METRIC_NAME));
    identity.insert(Arc::from(CLUSTER));
    if metric.entity.identity.is_empty() {
        identity.insert(Arc::from(NODE));
    }
    let mut can = &attributes | &resource;
    can.insert(Arc::from(METRIC_NAME));
    // Collectors before v0.157, and later ones on request.
    if metric.name.starts_with("system.cpu.") && metric.attributes.contains(&"state") {
        can.insert(Arc::from("cpu"));
    }
    let mut dependencies = vec![(identity.clone(), resource.clone())];
    if metric.entity.identity.contains(&"k8s.pod.name") {
        let own: NameSet = &identity - &names([CLUSTER, NAMESPACE, POD]);
        dependencies.push((names([CLUSTER, NAMESPACE, POD]), &resource - &own));
    }
    dependencies.extend([
        // What a filesystem is mounted as follows from where.
        (names([CLUSTER, NODE, "mountpoint"]), names(["device", "mode", "type"])),
        (names([CLUSTER, NODE, "device"]), names(["mode", "type"])),
        // A claim is the same volume for every pod.
        (
            names([CLUSTER, NAMESPACE, "k8s_persistentvolumeclaim_name"]),
            names([POD, "k8s_volume_name", NODE]),
        ),
    ]);
    let key = &identity | &attributes;
    SeriesLabels {
        can: Names::Only(can),
        must,
        key: Some(key),
        dependencies: dependencies.into_iter().map(|(from, to)| Arc::new(Dependency { from, to })).collect(),
        ..SeriesLabels::unknown()
    }
}

/// Whether a resource attribute can be there: the receiver sets it, or the processors behind it do.
fn may_have(metric: &MetricDef, key: &str) -> bool {
    let entity = metric.entity;
    let is_pod = entity.identity.contains(&"k8s.pod.name");
    entity.attributes.iter().any(|attribute| attribute.key == key && attribute.presence != Presence::OptIn)
        || key == "k8s.cluster.name"
        || !(key.starts_with("k8s.") || key.starts_with("container."))
        || (key == "k8s.node.name" && (is_pod || entity.identity.is_empty()))
        || (key == "container.name" && entity.identity.contains(&"k8s.container.name"))
        || (is_pod
            && matches!(
                key,
                "k8s.deployment.name"
                    | "k8s.replicaset.name"
                    | "k8s.statefulset.name"
                    | "k8s.daemonset.name"
                    | "k8s.job.name"
                    | "k8s.cronjob.name"
            ))
}

/// The label as the attribute that it comes from, if the metric has it at all: what is not promoted, and why a label is
/// missing.
pub(crate) fn unpromoted(metric: &MetricDef, label: &str) -> Option<&'static str> {
    metric
        .entity
        .attributes
        .iter()
        .map(|attribute| attribute.key)
        .find(|key| prometheus::label_name(key) == label)
}

/// Whether the metric only ever grows, so that its value alone says nothing. Ages grow, too, but are read as they are.
pub(crate) fn is_counter(metric: &MetricDef) -> bool {
    metric.kind == MetricKind::Counter && !metric.name.ends_with(".uptime")
}

fn unit_of(metric: &'static MetricDef, selector: &VectorSelector) -> Option<Unit> {
    if metric.name.contains("quota.") {
        return quota_unit(selector);
    }
    Some(match metric.unit {
        "By" => Unit::BYTE,
        "s" if metric.name == "system.cpu.time" => Unit::CORE_SECOND.loosely(),
        "s" if metric.name.ends_with("cpu.time") => Unit::CORE_SECOND,
        "s" => Unit::SECOND,
        "{cpu}" => Unit::CORE,
        "Hz" => Unit::ONE.over(Unit::SECOND),
        "1" if metric.name.ends_with("utilization") => Unit::ONE,
        "1" if metric.name.contains("inodes") => Unit::things("inode"),
        "1" => Unit::things("event"),
        "" => return None,
        unit => {
            let of = unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}'))?;
            // One of these is 1, the others 0: their number tells how many, each by itself tells whether.
            if metric.name.contains("status.") || metric.name.contains("condition") {
                return None;
            }
            Unit::things(of)
        }
    })
}

/// What a quota counts depends on the resource.
fn quota_unit(selector: &VectorSelector) -> Option<Unit> {
    let matcher = selector
        .matchers
        .iter()
        .map(|matcher| &matcher.matcher)
        .find(|matcher| matcher.name() == "resource")?;
    let mut found = None;
    for resource in matcher.only_values()? {
        let unit = match resource {
            resource if resource.ends_with(".cpu") => Unit::MILLICORE,
            "cpu" => Unit::CORE,
            resource if resource.ends_with("memory") || resource.ends_with("storage") => Unit::BYTE,
            _ => Unit::THING,
        };
        if found.is_some_and(|other| other != unit) {
            return None;
        }
        found = Some(unit);
    }
    found
}

/// What the name of a metric says that is not in the catalogue, by Prometheus' conventions.
fn conventional_unit(selector: &VectorSelector) -> Option<Unit> {
    let name = metric_name(selector)?;
    // A speed is a rate already, of bits or of bytes, whatever its name says.
    if is_open(name) || name.contains(':') || name.ends_with("_speed_bytes") {
        return None;
    }
    if name.starts_with("kube_pod_container_resource_") || name.starts_with("kube_node_status_") {
        let resource = selector.matchers.iter().find(|matcher| matcher.matcher.name() == "resource")?;
        return match resource.matcher.value() {
            "cpu" => Some(Unit::CORE),
            "memory" | "ephemeral_storage" => Some(Unit::BYTE),
            _ => None,
        };
    }
    for (suffix, unit) in [("_bucket", Unit::THING), ("_count", Unit::THING)] {
        if let Some(base) = name.strip_suffix(suffix) {
            return by_suffix(base).map(|_| unit);
        }
    }
    let base = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_total")).unwrap_or(name);
    by_suffix(base)
}

fn by_suffix(base: &str) -> Option<Unit> {
    Some(match base.rsplit('_').next()? {
        "bytes" => Unit::BYTE,
        "bits" => Unit::BIT,
        // Of whom it depends whether these are shares of one CPU or of all.
        "seconds" if base.contains("cpu") => Unit::CORE_SECOND.loosely(),
        "seconds" => Unit::SECOND,
        "milliseconds" => Unit::SECOND.scaled(1e-3),
        "ratio" => Unit::ONE.loosely(),
        _ => return None,
    })
}
