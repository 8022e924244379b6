//! Settings in the shape of a collector's configuration.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use catalogue::Receiver;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

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
    #[serde(default, rename = "ca_pem")]
    _ca_pem: IgnoredAny,
    #[serde(default, rename = "cert_pem")]
    _cert_pem: IgnoredAny,
    #[serde(default, rename = "cipher_suites")]
    _cipher_suites: IgnoredAny,
    #[serde(default, rename = "curve_preferences")]
    _curve_preferences: IgnoredAny,
    #[serde(default, rename = "include_system_ca_certs_pool")]
    _include_system_ca_certs_pool: IgnoredAny,
    #[serde(default, rename = "insecure")]
    _insecure: IgnoredAny,
    #[serde(default, rename = "key_pem")]
    _key_pem: IgnoredAny,
    #[serde(default, rename = "max_version")]
    _max_version: IgnoredAny,
    #[serde(default, rename = "min_version")]
    _min_version: IgnoredAny,
    #[serde(default, rename = "reload_interval")]
    _reload_interval: IgnoredAny,
    #[serde(default, rename = "server_name_override")]
    _server_name_override: IgnoredAny,
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
    #[serde(default, rename = "distribution")]
    _distribution: Distribution,
    #[serde(default, rename = "namespace")]
    _namespace: Unsupported,
    #[serde(default, rename = "namespaces")]
    _namespaces: Unsupported,
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
    // Who is told of objects beside the metrics.
    #[serde(default, rename = "metadata_exporters")]
    _metadata_exporters: IgnoredAny,
}

/// What runs the cluster: the simulated ones are plain Kubernetes.
#[derive(Default)]
struct Distribution;

impl<'de> Deserialize<'de> for Distribution {
    // The error has to come from the visitor: only then it has the place of the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Distribution;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`kubernetes`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Distribution, E> {
                match name {
                    "" | "kubernetes" => Ok(Distribution),
                    "openshift" => Err(E::custom(SettingsError::Unsupported(name.to_owned()))),
                    _ => Err(E::custom(SettingsError::UnknownDistribution(name.to_owned()))),
                }
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// The value of a key that the real receiver has and this one cannot honour.
#[derive(Default)]
struct Unsupported;

impl<'de> Deserialize<'de> for Unsupported {
    // The error has to come from the visitor: only then it has the place of the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Refusal;

        impl<'de> Visitor<'de> for Refusal {
            type Value = Unsupported;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("nothing")
            }

            fn visit_unit<E: Error>(self) -> Result<Unsupported, E> {
                Ok(Unsupported)
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Unsupported, E> {
                Err(unsupported())
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Unsupported, E> {
                Err(unsupported())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Unsupported, A::Error> {
                Err(unsupported())
            }
        }

        fn unsupported<E: Error>() -> E {
            E::custom("not supported by the embedded receivers")
        }

        deserializer.deserialize_any(Refusal)
    }
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
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key_seed(KnownName { switches: &mut *self.0, seen: &mut seen })? {
            let switch: Enabled = map.next_value()?;
            self.0.switch(&name, switch.enabled).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// `{enabled: true}`.
struct Enabled {
    enabled: bool,
}

impl<'de> Deserialize<'de> for Enabled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneSwitch;

        impl<'de> Visitor<'de> for OneSwitch {
            type Value = Enabled;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`enabled: true` or `enabled: false`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Enabled, A::Error> {
                let mut enabled = None;
                while let Some(EnabledKey) = map.next_key()? {
                    if enabled.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("enabled"));
                    }
                }
                enabled.map(|enabled| Enabled { enabled }).ok_or_else(|| A::Error::missing_field("enabled"))
            }
        }

        deserializer.deserialize_map(OneSwitch)
    }
}

/// The only key that a switch may have here. The real receivers know others: which attributes of a metric are kept, and
/// which resources it is sent for.
struct EnabledKey;

impl<'de> Deserialize<'de> for EnabledKey {
    // The error has to come from the visitor: only then it has the place of the key.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;

        impl Visitor<'_> for Key {
            type Value = EnabledKey;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`enabled`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<EnabledKey, E> {
                match name {
                    "enabled" => Ok(EnabledKey),
                    "aggregation_strategy" | "attributes" | "metrics_exclude" | "metrics_include" => {
                        Err(E::custom(SettingsError::Unsupported(name.to_owned())))
                    }
                    _ => Err(E::custom(SettingsError::UnknownSwitchKey(name.to_owned()))),
                }
            }
        }

        deserializer.deserialize_identifier(Key)
    }
}

/// Reads a name and tries it out on the switches, so that an unknown one, or one that was there before, is an error at its
/// own place.
struct KnownName<'s, S> {
    switches: &'s mut S,
    seen: &'s mut BTreeSet<String>,
}

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
        self.switches.switch(name, true).map_err(E::custom)?;
        once(self.seen, name).map_err(E::custom)
    }
}

/// The name, unless it was seen before.
pub(super) fn once(seen: &mut BTreeSet<String>, name: &str) -> Result<String, SettingsError> {
    if seen.insert(name.to_owned()) {
        Ok(name.to_owned())
    } else {
        Err(SettingsError::Twice(name.to_owned()))
    }
}
