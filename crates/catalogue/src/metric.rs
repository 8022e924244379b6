//! What a metric is.

use crate::Entity;

/// The receivers of the OpenTelemetry Collector whose metrics stand in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Receiver {
    /// `kubelet_stats`: one scrape per node of the kubelet's Summary API.
    KubeletStats,
    /// `k8s_cluster`: the API server's objects.
    K8sCluster,
    /// `host_metrics`: the machine of a node.
    HostMetrics,
}

impl Receiver {
    /// The receiver's name in a collector's configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubeletStats => "kubelet_stats",
            Self::K8sCluster => "k8s_cluster",
            Self::HostMetrics => "host_metrics",
        }
    }
}

/// The two data types that the receivers emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A value at an instant.
    Gauge,
    /// A cumulative sum that never falls: a counter.
    Counter,
    /// A cumulative sum that may fall (Prometheus takes it for a gauge).
    UpDownCounter,
}

/// How the receivers send a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// 64-bit integers.
    Int,
    /// 64-bit floats.
    Double,
}

/// What in a collector's configuration turns a metric on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switch {
    /// `metrics: {NAME: {enabled: …}}`, and nothing else.
    Metric,
    /// As `Metric`, and this entry in `metric_groups` (kubelet_stats).
    Group(&'static str),
    /// As `Metric`, and this scraper under `scrapers` (host_metrics).
    Scraper(&'static str),
    /// This condition in `node_conditions_to_report` (k8s_cluster).
    NodeCondition(&'static str),
    /// This resource in `allocatable_types_to_report` (k8s_cluster).
    Allocatable(&'static str),
    /// `distribution: openshift` (k8s_cluster).
    OpenShift,
}

/// The values that an attribute can take, where they are a fixed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeValues {
    /// The attribute's key.
    pub attribute: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

/// One metric of a receiver.
#[derive(Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// The OpenTelemetry name, for example `k8s.pod.cpu.time`.
    pub name: &'static str,
    /// Gauge or sum.
    pub kind: MetricKind,
    /// Integer or float.
    pub value_type: ValueType,
    /// The UCUM unit, for example `By`; empty where the receiver sends none.
    pub unit: &'static str,
    /// Who sends it.
    pub receiver: Receiver,
    /// The datapoint attributes it carries.
    pub attributes: &'static [&'static str],
    /// Whether the receiver sends it without being asked.
    pub on_by_default: bool,
    /// What it says, in one line.
    pub description: &'static str,
    /// What it is about: gives the resource attributes.
    pub entity: &'static Entity,
    /// What turns it on or off.
    pub switch: Switch,
    /// The values of those attributes that have a fixed set of them.
    pub attribute_values: &'static [AttributeValues],
    /// A cumulative count that the receiver sends as a gauge: `rate` is right for it although its type says gauge.
    pub counter_like: bool,
    /// The collector version that brought it, where it is younger than v0.139.
    pub since: Option<&'static str>,
    /// What later versions changed about it.
    pub changed: Option<&'static str>,
}

impl MetricDef {
    const fn new(
        receiver: Receiver,
        name: &'static str,
        kind: MetricKind,
        value_type: ValueType,
        unit: &'static str,
        entity: &'static Entity,
    ) -> Self {
        Self {
            name,
            kind,
            value_type,
            unit,
            receiver,
            attributes: &[],
            on_by_default: true,
            description: "",
            entity,
            switch: Switch::Metric,
            attribute_values: &[],
            counter_like: false,
            since: None,
            changed: None,
        }
    }

    /// A gauge without attributes that is on by default. The methods below say what differs from that.
    pub const fn gauge(
        receiver: Receiver,
        name: &'static str,
        value_type: ValueType,
        unit: &'static str,
        entity: &'static Entity,
    ) -> Self {
        Self::new(receiver, name, MetricKind::Gauge, value_type, unit, entity)
    }

    /// As [`MetricDef::gauge`], for a sum that never falls.
    pub const fn counter(
        receiver: Receiver,
        name: &'static str,
        value_type: ValueType,
        unit: &'static str,
        entity: &'static Entity,
    ) -> Self {
        Self::new(receiver, name, MetricKind::Counter, value_type, unit, entity)
    }

    /// As [`MetricDef::gauge`], for a sum that may fall.
    pub const fn up_down_counter(
        receiver: Receiver,
        name: &'static str,
        value_type: ValueType,
        unit: &'static str,
        entity: &'static Entity,
    ) -> Self {
        Self::new(receiver, name, MetricKind::UpDownCounter, value_type, unit, entity)
    }

    /// Says what it means.
    #[must_use]
    pub const fn described(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Gives it datapoint attributes.
    #[must_use]
    pub const fn with(mut self, attributes: &'static [&'static str]) -> Self {
        self.attributes = attributes;
        self
    }

    /// Gives the values of its attributes, where they are a fixed set.
    #[must_use]
    pub const fn of(mut self, attribute_values: &'static [AttributeValues]) -> Self {
        self.attribute_values = attribute_values;
        self
    }

    /// The receiver sends it only when asked.
    #[must_use]
    pub const fn opt_in(mut self) -> Self {
        self.on_by_default = false;
        self
    }

    /// Says what turns it on, besides its own switch.
    #[must_use]
    pub const fn by(mut self, switch: Switch) -> Self {
        self.switch = switch;
        self
    }

    /// Marks a cumulative count that is sent as a gauge.
    #[must_use]
    pub const fn counter_like(mut self) -> Self {
        self.counter_like = true;
        self
    }

    /// Says which version brought it.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Says what a later version changed.
    #[must_use]
    pub const fn changed(mut self, what: &'static str) -> Self {
        self.changed = Some(what);
        self
    }

    /// The fixed values of one of its attributes, where there are such.
    pub fn values_of(&self, attribute: &str) -> Option<&'static [&'static str]> {
        self.attribute_values.iter().find(|v| v.attribute == attribute).map(|v| v.values)
    }

    /// Whether it only ever grows between restarts: a counter, or a gauge that holds a cumulative count.
    pub fn grows(&self) -> bool {
        self.kind == MetricKind::Counter || self.counter_like
    }

    /// Those of its entity's identifying attributes that do not become labels when only `promoted` ones do: series that
    /// differ in nothing else fall onto one.
    pub fn identity_lost<'a>(&self, promoted: &'a [&'a str]) -> impl Iterator<Item = &'static str> + use<'a> {
        self.entity.identity.iter().copied().filter(|key| !promoted.contains(key))
    }
}
