//! The parts of a collector's configuration that are the same in every environment.
//!
//! Which metrics the receivers send stands in `deploy/collector/`, one file a receiver. The simulated receivers read these files, and
//! a collector's configuration names them: `kubelet_stats: {fragment: kubelet_stats, auth_type: none}`. So nothing of them is ever
//! copied by hand, and no environment can send other metrics than another.

use std::path::Path;

use anyhow::{Context as _, bail};
use catalogue::Receiver;
use serde_json::{Map, Value, json};

/// The folder with the fragments, in the workspace.
pub const FOLDER: &str = "deploy/collector";

/// Says where a fragment belongs: what a receiver sends in every environment is put there.
pub const KEY: &str = "fragment";

/// The most data points in one request. Prometheus cuts requests at 32 MiB, and what was cut off makes it refuse all of it.
pub const MOST_POINTS: u32 = 8192;

/// What tells to which workload a pod belongs: no receiver says it, so a processor asks the API server.
pub const WORKLOAD_NAMES: [&str; 6] = [
    "k8s.deployment.name",
    "k8s.daemonset.name",
    "k8s.statefulset.name",
    "k8s.job.name",
    "k8s.cronjob.name",
    "k8s.replicaset.name",
];

/// The receivers that have a fragment.
const RECEIVERS: [Receiver; 3] = [Receiver::KubeletStats, Receiver::K8sCluster, Receiver::HostMetrics];

/// What each receiver sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragments {
    settings: [Map<String, Value>; 3],
}

impl Fragments {
    /// Reads them from a workspace.
    ///
    /// # Errors
    /// When a file cannot be read, is no mapping, or switches a metric that its receiver does not have: a collector with such a
    /// configuration would not start.
    pub fn read(workspace: &Path) -> anyhow::Result<Self> {
        let mut settings = RECEIVERS.map(|_| Map::new());
        for (receiver, settings) in RECEIVERS.into_iter().zip(&mut settings) {
            let path = workspace.join(FOLDER).join(format!("{}.yaml", receiver.name()));
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            *settings = parse(receiver, &text).with_context(|| format!("{} is wrong", path.display()))?;
        }
        Ok(Self { settings })
    }

    /// Fragments from their texts: those of kubelet_stats, k8s_cluster and host_metrics.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(kubelet_stats: &str, k8s_cluster: &str, host_metrics: &str) -> anyhow::Result<Self> {
        Ok(Self {
            settings: [
                parse(Receiver::KubeletStats, kubelet_stats)?,
                parse(Receiver::K8sCluster, k8s_cluster)?,
                parse(Receiver::HostMetrics, host_metrics)?,
            ],
        })
    }

    /// What a receiver sends: the mapping under its name in a collector's configuration.
    pub fn of(&self, receiver: Receiver) -> &Map<String, Value> {
        match receiver {
            Receiver::KubeletStats => &self.settings[0],
            Receiver::K8sCluster => &self.settings[1],
            Receiver::HostMetrics => &self.settings[2],
        }
    }

    /// What a receiver sends, together with how this environment reaches what it reads: `{"auth_type": "none", …}`.
    ///
    /// # Errors
    /// When the fragment says one of these things as well: it would hold for all environments.
    pub fn receiver(&self, receiver: Receiver, here: &Value) -> anyhow::Result<Value> {
        let mut settings = self.of(receiver).clone();
        for (key, value) in here.as_object().into_iter().flatten() {
            if settings.insert(key.clone(), value.clone()).is_some() {
                let name = receiver.name();
                bail!(
                    "{FOLDER}/{name}.yaml sets {key}, which is for each environment to say: remove it there"
                );
            }
        }
        Ok(Value::Object(settings))
    }

    /// Puts the fragments into every mapping of `document` that names one: `{fragment: k8s_cluster, auth_type: kubeConfig}`.
    ///
    /// # Errors
    /// When it names one that there is not, or says what the fragment says already.
    pub fn put_into(&self, document: &mut Value) -> anyhow::Result<()> {
        match document {
            Value::Object(mapping) => {
                if let Some(name) = mapping.remove(KEY) {
                    let named = RECEIVERS.into_iter().find(|receiver| name == receiver.name());
                    let receiver = named.with_context(|| {
                        format!("`{KEY}: {name}`: there are {}", RECEIVERS.map(Receiver::name).join(", "))
                    })?;
                    *document = self.receiver(receiver, &Value::Object(std::mem::take(mapping)))?;
                    return Ok(());
                }
                mapping.values_mut().try_for_each(|inner| self.put_into(inner))
            }
            Value::Array(sequence) => sequence.iter_mut().try_for_each(|inner| self.put_into(inner)),
            _ => Ok(()),
        }
    }
}

fn parse(receiver: Receiver, text: &str) -> anyhow::Result<Map<String, Value>> {
    // Through a mapping of YAML, which refuses a key that is there twice.
    let mapping: Option<serde_yaml::Mapping> = serde_yaml::from_str(text)?;
    let mapping = mapping.context("nothing is in it; a receiver with its defaults is written `{}`")?;
    let Value::Object(settings) = serde_json::to_value(mapping)? else {
        bail!("it is no mapping");
    };
    for metric in switched_metrics(&Value::Object(settings.clone())) {
        if catalogue::find(&metric).is_none_or(|found| found.receiver != receiver) {
            bail!("{} has no metric {metric:?}: `cargo xtask metrics` lists them", receiver.name());
        }
    }
    Ok(settings)
}

/// The names under each `metrics` of a receiver's settings, at the top or in a scraper.
pub fn switched_metrics(settings: &Value) -> Vec<String> {
    let Some(settings) = settings.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in settings {
        match (key.as_str(), value.as_object()) {
            ("metrics", Some(metrics)) => found.extend(metrics.keys().cloned()),
            _ => found.extend(switched_metrics(value)),
        }
    }
    found
}

/// The processor `batch`, with batches that Prometheus takes.
pub fn batch() -> Value {
    json!({ "send_batch_size": MOST_POINTS, "send_batch_max_size": MOST_POINTS, "timeout": "1s" })
}

/// The processor `k8s_attributes`: gives pods, containers and volumes their workload and node, and nothing else. `here` says how the
/// API server is reached: `{"auth_type": "kubeConfig"}`.
pub fn k8s_attributes(here: &Value) -> Value {
    let source = |name: &str| json!({ "from": "resource_attribute", "name": name });
    let mut settings = json!({
        "extract": {
            "metadata": WORKLOAD_NAMES.into_iter().chain(["k8s.node.name"]).collect::<Vec<_>>(),
            // They would add `service.*`, and with it the labels job and instance.
            "otel_annotations": false,
        },
        // What receivers scrape has no connection whose address would tell the pod.
        "pod_association": [
            { "sources": [source("k8s.pod.uid")] },
            { "sources": [source("k8s.pod.name"), source("k8s.namespace.name")] },
        ],
    });
    if let (Some(settings), Some(here)) = (settings.as_object_mut(), here.as_object()) {
        settings.extend(here.clone());
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Fragments {
        Fragments::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))).unwrap()
    }

    #[test]
    fn the_shipped_fragments_are_put_where_they_are_named() {
        let mut document = json!({ "receivers": [
            { "kubelet_stats": { "fragment": "kubelet_stats", "auth_type": "none" } },
            { "k8s_cluster": { "fragment": "k8s_cluster" }, "host_metrics": { "fragment": "host_metrics" } },
        ]});
        shipped().put_into(&mut document).unwrap();
        let (kubelet, others) = (&document["receivers"][0]["kubelet_stats"], &document["receivers"][1]);
        assert_eq!(kubelet["auth_type"], "none");
        assert_eq!(kubelet["extra_metadata_labels"], json!(["k8s.volume.type"]));
        assert!(others["k8s_cluster"]["allocatable_types_to_report"].is_array());
        assert_eq!(switched_metrics(&others["host_metrics"]), ["system.memory.limit"]);
        assert!(!document.to_string().contains("fragment"));
    }

    #[test]
    fn a_setting_belongs_to_the_fragment_or_to_what_names_it() {
        let mut document = json!({ "a": [{ "fragment": "kubelet_stats", "metrics": {} }] });
        let error = shipped().put_into(&mut document).unwrap_err();
        assert!(error.to_string().starts_with("deploy/collector/kubelet_stats.yaml sets metrics"), "{error}");
    }

    #[test]
    fn a_fragment_that_there_is_not_is_told_with_those_that_there_are() {
        for name in [json!("kubeletstats"), json!(1)] {
            let error = shipped().put_into(&mut json!({ "fragment": name })).unwrap_err().to_string();
            assert!(error.ends_with("there are kubelet_stats, k8s_cluster, host_metrics"), "{error}");
        }
    }

    #[test]
    fn what_no_collector_would_start_with_is_refused() {
        for (kubelet, told) in [
            ("", "nothing is in it"),
            ("- node\n", "invalid type"),
            ("metrics: {}\nmetrics: {}\n", "duplicate"),
            ("metrics: { k8s.pod.face: { enabled: true } }", "kubelet_stats has no metric \"k8s.pod.face\""),
            (
                "metrics: { k8s.pod.phase: { enabled: true } }",
                "kubelet_stats has no metric \"k8s.pod.phase\"",
            ),
        ] {
            let error = format!("{:#}", Fragments::parse(kubelet, "{}", "{}").unwrap_err());
            assert!(error.contains(told), "{kubelet:?}: {error}");
        }
    }

    #[test]
    fn pods_are_found_by_uid_first_and_get_no_service_attributes() {
        let settings = k8s_attributes(&json!({ "auth_type": "kubeConfig" }));
        assert_eq!(settings["auth_type"], "kubeConfig");
        assert_eq!(settings["pod_association"][0]["sources"][0]["name"], "k8s.pod.uid");
        assert!(!settings["extract"].to_string().contains("service"), "{settings}");
    }
}
