//! What the receivers send: the switches of their configuration. The defaults are the collector's.
//!
//! Settings can be deserialised from a collector's configuration: from the mapping under the receiver's name, with the
//! keys that the real receiver has. Keys that say how it reaches its sources are accepted and mean nothing here.

mod configuration;
mod filter;
mod host_metrics;
mod switches;

use std::collections::BTreeSet;

use catalogue::{MetricDef, Receiver, Switch};
use serde::Deserialize;
use thiserror::Error;

pub(crate) use self::filter::Selection;
pub use self::host_metrics::{HostMetricsSettings, Scraper};
pub use self::switches::{MetricSwitches, ResourceAttributeSwitches};

/// A switch that no receiver has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// Not a metric of this receiver.
    #[error("{receiver} has no metric `{name}`")]
    UnknownMetric {
        /// The receiver's name.
        receiver: &'static str,
        /// The name in question.
        name: String,
    },
    /// A metric that another setting controls.
    #[error("`{name}` is controlled by {setting}, not by a switch of its own")]
    ControlledElsewhere {
        /// The metric.
        name: String,
        /// The setting that controls it.
        setting: &'static str,
    },
    /// Not a resource attribute of this receiver.
    #[error("{receiver} has no resource attribute `{name}`")]
    UnknownResourceAttribute {
        /// The receiver's name.
        receiver: &'static str,
        /// The key in question.
        name: String,
    },
    /// Not a metric group.
    #[error("`{0}` is no metric group (node, pod, container, volume)")]
    UnknownMetricGroup(String),
    /// Not an extra label.
    #[error("`{0}` is no extra metadata label (container.id, k8s.volume.type)")]
    UnknownExtraLabel(String),
    /// Not a scraper.
    #[error(
        "`{0}` is no scraper that is known here (cpu, load, memory, disk, filesystem, network, paging, processes, \
         system)"
    )]
    UnknownScraper(String),
    /// Something that the real receiver has.
    #[error("`{0}` is not supported by the embedded receivers")]
    Unsupported(String),
    /// Neither Kubernetes nor something like it.
    #[error("`{0}` is no distribution (kubernetes, openshift)")]
    UnknownDistribution(String),
    /// A key beside `enabled`.
    #[error("unknown field `{0}`, expected `enabled`")]
    UnknownSwitchKey(String),
    /// A name that stands in a mapping already.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A metric under a scraper that does not send it.
    #[error("`{name}` is a metric of the scraper {owner}, not of {scraper}")]
    MetricOfOtherScraper {
        /// The metric.
        name: String,
        /// The scraper that it was written under.
        scraper: &'static str,
        /// The scraper that it belongs under.
        owner: &'static str,
    },
    /// A pattern that is no regular expression.
    #[error("`{pattern}` is no regular expression: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// host_metrics without a scraper.
    #[error("host_metrics needs at least one scraper")]
    NoScraper,
    /// A node condition that the catalogue has no metric for.
    #[error("no metric is known for the node condition `{name}` ({known})")]
    UnknownNodeCondition {
        /// The condition in question.
        name: String,
        /// The conditions with a metric.
        known: String,
    },
    /// A resource that the catalogue has no allocatable metric for.
    #[error("no metric is known for the allocatable resource `{name}` ({known})")]
    UnknownAllocatable {
        /// The resource in question.
        name: String,
        /// The resources with a metric.
        known: String,
    },
}

/// A group of kubelet_stats' metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum MetricGroup {
    /// Nodes and their system containers.
    Node,
    /// Pods.
    Pod,
    /// Containers.
    Container,
    /// Volumes of pods; not among the defaults.
    Volume,
}

impl MetricGroup {
    /// The group that a configuration calls `name`.
    pub fn parse(name: &str) -> Result<Self, SettingsError> {
        match name {
            "node" => Ok(Self::Node),
            "pod" => Ok(Self::Pod),
            "container" => Ok(Self::Container),
            "volume" => Ok(Self::Volume),
            _ => Err(SettingsError::UnknownMetricGroup(name.to_owned())),
        }
    }
}

/// A resource attribute that kubelet_stats takes from the kubelet's `/pods`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum ExtraLabel {
    /// `container.id`: a container without one loses all its metrics.
    ContainerId,
    /// `k8s.volume.type`, and with it the name of the claim: a volume that the pod lacks loses its metrics.
    VolumeType,
}

impl ExtraLabel {
    /// The label that a configuration calls `name`.
    pub fn parse(name: &str) -> Result<Self, SettingsError> {
        match name {
            "container.id" => Ok(Self::ContainerId),
            "k8s.volume.type" => Ok(Self::VolumeType),
            _ => Err(SettingsError::UnknownExtraLabel(name.to_owned())),
        }
    }
}

/// What kubelet_stats sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletStatsSettings {
    /// Which metrics.
    pub metrics: MetricSwitches,
    /// Which resource attributes.
    pub resource_attributes: ResourceAttributeSwitches,
    /// Which groups; a metric needs its group and its switch.
    pub metric_groups: BTreeSet<MetricGroup>,
    /// Which further resource attributes.
    pub extra_metadata_labels: BTreeSet<ExtraLabel>,
    /// The node's `interfaces` instead of its default interface.
    pub all_node_interfaces: bool,
    /// The pods' `interfaces` instead of their default interface.
    pub all_pod_interfaces: bool,
    /// Whether the receiver looks up claims and volumes (`k8s_api_config`). With [`ExtraLabel::VolumeType`] the volumes
    /// of a claim that is not bound then lose their metrics, and a local volume is called so.
    pub looks_up_claims: bool,
}

impl Default for KubeletStatsSettings {
    fn default() -> Self {
        Self {
            metrics: MetricSwitches::defaults_of(Receiver::KubeletStats),
            resource_attributes: ResourceAttributeSwitches::defaults_of(Receiver::KubeletStats),
            metric_groups: [MetricGroup::Node, MetricGroup::Pod, MetricGroup::Container].into(),
            extra_metadata_labels: BTreeSet::new(),
            all_node_interfaces: false,
            all_pod_interfaces: false,
            looks_up_claims: false,
        }
    }
}

/// Something of a node that is asked for by name, and the metric that answers.
type Asked = (&'static str, &'static MetricDef);

/// What k8s_cluster sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct K8sClusterSettings {
    /// Which metrics, node conditions and allocatable resources apart.
    pub metrics: MetricSwitches,
    /// Which resource attributes.
    pub resource_attributes: ResourceAttributeSwitches,
    node_conditions: Vec<Asked>,
    allocatable: Vec<Asked>,
}

impl Default for K8sClusterSettings {
    fn default() -> Self {
        Self {
            metrics: MetricSwitches::defaults_of(Receiver::K8sCluster),
            resource_attributes: ResourceAttributeSwitches::defaults_of(Receiver::K8sCluster),
            node_conditions: known_conditions().filter(|(name, _)| *name == "Ready").collect(),
            allocatable: Vec::new(),
        }
    }
}

impl K8sClusterSettings {
    /// `node_conditions_to_report`: the conditions that get a metric `k8s.node.condition_…` each.
    pub fn set_node_conditions<S: AsRef<str>>(
        &mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<(), SettingsError> {
        self.node_conditions =
            names.into_iter().map(|name| node_condition(name.as_ref())).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// `allocatable_types_to_report`: the resources that get a metric `k8s.node.allocatable_…` each.
    pub fn set_allocatable<S: AsRef<str>>(
        &mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<(), SettingsError> {
        self.allocatable =
            names.into_iter().map(|name| allocatable(name.as_ref())).collect::<Result<_, _>>()?;
        Ok(())
    }

    pub(crate) fn node_conditions(&self) -> &[Asked] {
        &self.node_conditions
    }

    pub(crate) fn allocatable(&self) -> &[Asked] {
        &self.allocatable
    }
}

fn known_conditions() -> impl Iterator<Item = Asked> {
    catalogue::all().filter_map(|metric| match metric.switch {
        Switch::NodeCondition(name) => Some((name, metric)),
        _ => None,
    })
}

fn known_allocatable() -> impl Iterator<Item = Asked> {
    catalogue::all().filter_map(|metric| match metric.switch {
        Switch::Allocatable(name) => Some((name, metric)),
        _ => None,
    })
}

fn node_condition(name: &str) -> Result<Asked, SettingsError> {
    known_conditions().find(|(known, _)| *known == name).ok_or_else(|| SettingsError::UnknownNodeCondition {
        name: name.to_owned(),
        known: list(known_conditions()),
    })
}

fn allocatable(name: &str) -> Result<Asked, SettingsError> {
    known_allocatable().find(|(known, _)| *known == name).ok_or_else(|| SettingsError::UnknownAllocatable {
        name: name.to_owned(),
        known: list(known_allocatable()),
    })
}

fn list(known: impl Iterator<Item = Asked>) -> String {
    known.map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}
