//! The collector's configuration: `deploy/collector/kwok.yaml` with the fragments that it names put in.

use std::path::Path;

use anyhow::{Context as _, bail};
use catalogue::Receiver;
use serde_json::{Map, Value};

use crate::stack::fragments::Fragments;

/// The file beside the fragments.
pub const FILE: &str = "kwok.yaml";

/// Says where a fragment belongs: below it, what a receiver sends in every environment is put in.
const KEY: &str = "fragment";

/// Reads the configuration of a folder and puts the fragments in.
///
/// # Errors
/// When the file cannot be read or is no YAML, names a fragment that is none, or says what the fragment says already.
pub fn configuration(folder: &Path, fragments: &Fragments) -> anyhow::Result<String> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("failed to read the collector's {}", path.display()))?;
    assemble(&text, fragments).with_context(|| format!("{} is wrong", path.display()))
}

fn assemble(text: &str, fragments: &Fragments) -> anyhow::Result<String> {
    let mut configuration: Value = serde_yaml::from_str(text)?;
    put_in(&mut configuration, fragments)?;
    Ok(serde_yaml::to_string(&configuration)?)
}

fn put_in(value: &mut Value, fragments: &Fragments) -> anyhow::Result<()> {
    match value {
        Value::Object(mapping) => {
            if let Some(name) = mapping.remove(KEY) {
                *value = whole(std::mem::take(mapping), &name, fragments)?;
                return Ok(());
            }
            mapping.values_mut().try_for_each(|inner| put_in(inner, fragments))
        }
        Value::Array(sequence) => sequence.iter_mut().try_for_each(|inner| put_in(inner, fragments)),
        _ => Ok(()),
    }
}

fn whole(here: Map<String, Value>, name: &Value, fragments: &Fragments) -> anyhow::Result<Value> {
    let receiver = match name.as_str() {
        Some("kubelet_stats") => Receiver::KubeletStats,
        Some("k8s_cluster") => Receiver::K8sCluster,
        Some("host_metrics") => Receiver::HostMetrics,
        _ => bail!("`{KEY}: {name}`: there are kubelet_stats, k8s_cluster and host_metrics"),
    };
    fragments.receiver(receiver, &Value::Object(here))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::fragments::{batch, k8s_attributes};

    fn fragments() -> Fragments {
        Fragments::parse("metrics: {k8s.pod.uptime: {enabled: true}}", "{}", "{}").unwrap()
    }

    #[test]
    fn fragments_are_put_in_where_they_are_named() {
        let text = "receivers: {a: {fragment: kubelet_stats, endpoint: x}, b: [{fragment: k8s_cluster}]}";
        let made: Value = serde_yaml::from_str(&assemble(text, &fragments()).unwrap()).unwrap();
        let expected = json!({"receivers": {
            "a": {"endpoint": "x", "metrics": {"k8s.pod.uptime": {"enabled": true}}}, "b": [{}],
        }});
        assert_eq!(made, expected);
    }

    #[test]
    fn what_cannot_be_put_together_is_told() {
        for (text, told) in [
            ("a: {fragment: kubelet_stats, metrics: {}}", "kubelet_stats.yaml sets metrics"),
            ("a: {fragment: kubeletstats}", "there are kubelet_stats, k8s_cluster and host_metrics"),
            ("a: [", "while parsing"),
        ] {
            let error = format!("{:#}", assemble(text, &fragments()).unwrap_err());
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn pods_find_their_workloads_and_batches_are_as_large_as_in_the_other_environment() {
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let shipped = Fragments::read(workspace).unwrap();
        let text = configuration(&workspace.join(crate::stack::fragments::FOLDER), &shipped).unwrap();
        let made: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(made["processors"]["k8s_attributes"], k8s_attributes(&json!({"auth_type": "kubeConfig"})));
        assert_eq!(made["processors"]["batch"], batch());
    }
}
