//! Whether an object is what Kubernetes takes: all of it, with no field that means nothing.
//!
//! The types ignore fields that they do not know. A misspelt field would be a setting without effect, so what a type kept is compared
//! with what was written.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, ResourceQuota, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Checks an object by its kind.
pub(super) fn check(object: &Value) -> Result<(), String> {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    match (version, kind) {
        ("v1", "ConfigMap") => as_a::<ConfigMap>(object),
        ("v1", "Namespace") => as_a::<Namespace>(object),
        ("v1", "PersistentVolumeClaim") => as_a::<PersistentVolumeClaim>(object),
        ("v1", "ResourceQuota") => as_a::<ResourceQuota>(object),
        ("v1", "Service") => as_a::<Service>(object),
        ("apps/v1", "DaemonSet") => as_a::<DaemonSet>(object),
        ("apps/v1", "Deployment") => as_a::<Deployment>(object),
        ("apps/v1", "StatefulSet") => as_a::<StatefulSet>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => as_a::<HorizontalPodAutoscaler>(object),
        ("batch/v1", "CronJob") => as_a::<CronJob>(object),
        ("batch/v1", "Job") => as_a::<Job>(object),
        _ => Err(format!("{version} {kind} is no kind that is applied here")),
    }
}

fn as_a<K: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let typed = K::deserialize(object).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    match first_lost(object, &kept) {
        Some(place) => Err(format!("{}: unknown field", place.trim_start_matches('.'))),
        None => Ok(()),
    }
}

/// The place of the first thing in `written` that is not in `kept`.
fn first_lost(written: &Value, kept: &Value) -> Option<String> {
    match (written, kept) {
        (Value::Object(written), Value::Object(kept)) => written.iter().find_map(|(key, value)| {
            let lost = match kept.get(key) {
                None => Some(String::new()),
                Some(kept) => first_lost(value, kept),
            };
            lost.map(|place| format!(".{key}{place}"))
        }),
        (Value::Array(written), Value::Array(kept)) => written
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(index, (item, kept))| Some(format!("[{index}]{}", first_lost(item, kept)?))),
        // An empty mapping is left out by some types and kept by others: it says nothing.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_means_nothing_is_told_with_its_place() {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a" },
            "spec": { "ports": [{ "port": 80 }, { "port": 81, "nodeport": 1 }] },
        });
        assert_eq!(check(&service), Err("spec.ports[1].nodeport: unknown field".to_owned()));
    }

    #[test]
    fn amounts_may_be_written_as_numbers_and_texts() {
        for pods in [json!("20"), json!(20)] {
            let metadata = json!({ "name": "a" });
            let quota = json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": { "hard": { "pods": pods } },
            });
            assert_eq!(check(&quota), Ok(()));
        }
    }
}
