//! Settings in the shape of a collector's configuration.

use std::fmt;
use std::marker::PhantomData;

use catalogue::Receiver;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{
    Asked, ExtraLabel, K8sClusterSettings, KubeletStatsSettings, MetricGroup, MetricSwitches,
    ResourceAttributeSwitches, SettingsError, allocatable, node_condition,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KubeletStatsShape {
    metrics: Option<Switches<KubeletStats, MetricSwitches>>,
    resource_attributes: Option<Switches<KubeletStats, ResourceAttributeSwitches>>,
    metric_groups: Option<Vec<MetricGroup>>,
    #[serde(default)]
    extra_metadata_labels: Vec<ExtraLabel>,
    #[serde(default)]
    collect_all_network_interfaces: AllInterfaces,
    k8s_api_config: Option<IgnoredAny>,
    // How the real receiver reaches its kubelet, and how often.
    #[serde(default, rename = "auth_type")]
    _auth_type: IgnoredAny,
    #[serde(default, rename = "ca_file")]
    _ca_file: IgnoredAny,
    #[serde(default, rename = "cert_file")]
    _cert_file: IgnoredAny,
    #[serde(default, rename = "collection_interval")]
    _collection_interval: IgnoredAny,
    #[serde(default, rename = "context")]
    _context: IgnoredAny,
    #[serde(default, rename = "endpoint")]
    _endpoint: IgnoredAny,
    #[serde(default, rename = "initial_delay")]
    _initial_delay: IgnoredAny,
    #[serde(default, rename = "insecure_skip_verify")]
    _insecure_skip_verify: IgnoredAny,
    #[serde(default, rename = "key_file")]
    _key_file: IgnoredAny,
    #[serde(default, rename = "node")]
    _node: IgnoredAny,
    #[serde(default, rename = "timeout")]
    _timeout: IgnoredAny,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AllInterfaces {
    node: bool,
    pod: bool,
}

impl<'de> Deserialize<'de> for KubeletStatsSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = KubeletStatsShape::deserialize(deserializer)?;
        let default = Self::default();
        Ok(Self {
            metrics: shape.metrics.map_or(default.metrics, |switches| switches.set),
            resource_attributes: shape
                .resource_attributes
                .map_or(default.resource_attributes, |switches| switches.set),
            metric_groups: shape
                .metric_groups
                .map_or(default.metric_groups, |groups| groups.into_iter().collect()),
            extra_metadata_labels: shape.extra_metadata_labels.into_iter().collect(),
            all_node_interfaces: shape.collect_all_network_interfaces.node,
            all_pod_interfaces: shape.collect_all_network_interfaces.pod,
            looks_up_claims: shape.k8s_api_config.is_some(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct K8sClusterShape {
    metrics: Option<Switches<K8sCluster, MetricSwitches>>,
    resource_attributes: Option<Switches<K8sCluster, ResourceAttributeSwitches>>,
    node_conditions_to_report: Option<Vec<NodeCondition>>,
    #[serde(default)]
    allocatable_types_to_report: Vec<Allocatable>,
    // How the real receiver reaches its API server, and how often.
    #[serde(default, rename = "auth_type")]
    _auth_type: IgnoredAny,
    #[serde(default, rename = "collection_interval")]
    _collection_interval: IgnoredAny,
    #[serde(default, rename = "context")]
    _context: IgnoredAny,
    #[serde(default, rename = "initial_delay")]
    _initial_delay: IgnoredAny,
    #[serde(default, rename = "k8s_leader_elector")]
    _k8s_leader_elector: IgnoredAny,
    #[serde(default, rename = "metadata_collection_interval")]
    _metadata_collection_interval: IgnoredAny,
}

impl<'de> Deserialize<'de> for K8sClusterSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = K8sClusterShape::deserialize(deserializer)?;
        let default = Self::default();
        Ok(Self {
            metrics: shape.metrics.map_or(default.metrics, |switches| switches.set),
            resource_attributes: shape
                .resource_attributes
                .map_or(default.resource_attributes, |switches| switches.set),
            node_conditions: shape.node_conditions_to_report.map_or(default.node_conditions, |conditions| {
                conditions.into_iter().map(|condition| condition.0).collect()
            }),
            allocatable: shape.allocatable_types_to_report.into_iter().map(|asked| asked.0).collect(),
        })
    }
}

impl TryFrom<String> for MetricGroup {
    type Error = SettingsError;

    fn try_from(name: String) -> Result<Self, SettingsError> {
        Self::parse(&name)
    }
}

impl TryFrom<String> for ExtraLabel {
    type Error = SettingsError;

    fn try_from(name: String) -> Result<Self, SettingsError> {
        Self::parse(&name)
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct NodeCondition(Asked);

impl TryFrom<String> for NodeCondition {
    type Error = SettingsError;

    fn try_from(name: String) -> Result<Self, SettingsError> {
        node_condition(&name).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Allocatable(Asked);

impl TryFrom<String> for Allocatable {
    type Error = SettingsError;

    fn try_from(name: String) -> Result<Self, SettingsError> {
        allocatable(&name).map(Self)
    }
}

/// The receiver whose configuration is read, as a type.
trait Of {
    const RECEIVER: Receiver;
}

struct KubeletStats;

impl Of for KubeletStats {
    const RECEIVER: Receiver = Receiver::KubeletStats;
}

struct K8sCluster;

impl Of for K8sCluster {
    const RECEIVER: Receiver = Receiver::K8sCluster;
}

/// Something with switches that have names.
pub(super) trait Switchable {
    fn switch(&mut self, name: &str, on: bool) -> Result<(), SettingsError>;
}

impl Switchable for MetricSwitches {
    fn switch(&mut self, name: &str, on: bool) -> Result<(), SettingsError> {
        self.set(name, on)
    }
}

impl Switchable for ResourceAttributeSwitches {
    fn switch(&mut self, name: &str, on: bool) -> Result<(), SettingsError> {
        self.set(name, on)
    }
}

/// Both kinds of switches of a receiver.
trait SwitchSet: Switchable {
    fn defaults_of(receiver: Receiver) -> Self;
}

impl SwitchSet for MetricSwitches {
    fn defaults_of(receiver: Receiver) -> Self {
        Self::defaults_of(receiver)
    }
}

impl SwitchSet for ResourceAttributeSwitches {
    fn defaults_of(receiver: Receiver) -> Self {
        Self::defaults_of(receiver)
    }
}

/// The switches of a receiver, as they are configured.
struct Switches<R, S> {
    set: S,
    receiver: PhantomData<R>,
}

impl<'de, R: Of, S: SwitchSet> Deserialize<'de> for Switches<R, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut set = S::defaults_of(R::RECEIVER);
        Switching(&mut set).deserialize(deserializer)?;
        Ok(Self { set, receiver: PhantomData })
    }
}

/// Reads `NAME: {enabled: true}`, for each name.
pub(super) struct Switching<'s, S>(pub(super) &'s mut S);

impl<'de, S: Switchable> DeserializeSeed<'de> for Switching<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: Switchable> Visitor<'de> for Switching<'_, S> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping from names to `enabled: true` or `enabled: false`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(KnownName(&mut *self.0))? {
            let Enabled { enabled } = map.next_value()?;
            self.0.switch(&name, enabled).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enabled {
    enabled: bool,
}

/// Reads a name and tries it out on the switches, so that an unknown one is an error at its own place.
struct KnownName<'s, S>(&'s mut S);

impl<'de, S: Switchable> DeserializeSeed<'de> for KnownName<'_, S> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<S: Switchable> Visitor<'_> for KnownName<'_, S> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        self.0.switch(name, true).map_err(E::custom)?;
        Ok(name.to_owned())
    }
}
