//! This project's own annotations, and its label: where each may stand, and with which values.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kubelet_stats::Profile;
use kubelet_stats::annotations::{BOOTED_AT, CPU, MEMORY, PROFILE};

use super::{Checked, check_quantity, refuse};
use crate::annotations::{
    ALL, LOAD, OUTAGE_EVERY, PREFIX, PROVOKED, REPLICAS, ROLLOUT_EVERY, RUNS_FOR, SCALING, STAGE, WEIGHT,
    ZONES,
};
use crate::manifest::names::is_label_value;
use crate::manifest::object::Object;
use crate::manifest::path::Path;
use crate::stage::{PodStage, Pressure};
use crate::time::duration;

/// The shortest time between two rollouts of one workload: each takes its time.
const SHORTEST_ROLLOUT: i64 = 10 * 60;

/// Checks an object's own annotations and stage.
pub(super) fn check(object: &Object) -> Checked {
    let path = Path::keys("metadata");
    let metadata = object.metadata();
    match object {
        Object::Node(_) => {
            check_keys(metadata, &path, &[WEIGHT, ZONES, OUTAGE_EVERY, BOOTED_AT])?;
            check_stage(metadata, &path, &Pressure::NAMES.map(|(name, _)| name))
        }
        Object::Pod(_) => {
            check_keys(metadata, &path, &[REPLICAS, RUNS_FOR, PROFILE])?;
            check_stage(metadata, &path, &PodStage::NAMES.map(|(name, _)| name))
        }
        Object::Deployment(_) | Object::StatefulSet(_) => {
            check_keys(metadata, &path, &[SCALING, ROLLOUT_EVERY])
        }
        Object::ReplicaSet(_) | Object::ReplicationController(_) => check_keys(metadata, &path, &[SCALING]),
        Object::DaemonSet(_) => check_keys(metadata, &path, &[ROLLOUT_EVERY]),
        Object::HorizontalPodAutoscaler(_) => check_keys(metadata, &path, &[LOAD]),
        _ => check_keys(metadata, &path, &[]),
    }?;
    let only_deployment = metadata.annotations.as_ref().and_then(|annotations| annotations.get(SCALING));
    match object {
        Object::Deployment(_) => Ok(()),
        _ if only_deployment.is_some_and(|value| value == "spare") => {
            refuse(path.key("annotations").key(SCALING), "only a Deployment can be `spare`")
        }
        _ => Ok(()),
    }
}

/// Checks those of a template's pods.
pub(super) fn check_pod(metadata: &ObjectMeta, path: &Path) -> Checked {
    check_keys(metadata, path, &[RUNS_FOR, PROFILE])?;
    check_stage(metadata, path, &PodStage::NAMES.map(|(name, _)| name))
}

fn check_stage(metadata: &ObjectMeta, path: &Path, known: &[&str]) -> Checked {
    if metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(PROVOKED)) {
        let message =
            "is put on objects that exist already; for what is always in trouble there is the label";
        return refuse(path.key("labels").key(PROVOKED), format!("{message} {STAGE}"));
    }
    match metadata.labels.as_ref().and_then(|labels| labels.get(STAGE)) {
        Some(stage) if !known.contains(&stage.as_str()) => {
            let path = path.key("labels").key(STAGE);
            refuse(path, format!("there is no stage `{stage}`; there are {}", known.join(", ")))
        }
        _ => Ok(()),
    }
}

/// Only `allowed` ones of ours, all with a value that can be.
fn check_keys(metadata: &ObjectMeta, path: &Path, allowed: &[&str]) -> Checked {
    for (key, value) in metadata.annotations.iter().flatten() {
        let path = path.key("annotations").key(key);
        if !key.starts_with(PREFIX) {
            if [CPU, MEMORY].contains(&key.as_str()) {
                check_quantity(&Quantity(value.clone()), &path)?;
            }
            continue;
        }
        if !ALL.contains(&key.as_str()) {
            return refuse(path, format!("unknown annotation; known are {}", ALL.join(", ")));
        }
        if !allowed.contains(&key.as_str()) {
            return refuse(path, format!("has no meaning here: it is for {}", place_of(key)));
        }
        check_value(key, value, &path)?;
    }
    Ok(())
}

fn place_of(key: &str) -> &'static str {
    match key {
        WEIGHT | ZONES | OUTAGE_EVERY | BOOTED_AT => "Nodes",
        REPLICAS => "Pods; a workload has spec.replicas",
        SCALING => "Deployments, StatefulSets, ReplicaSets and ReplicationControllers",
        ROLLOUT_EVERY => "Deployments, StatefulSets and DaemonSets",
        LOAD => "HorizontalPodAutoscalers",
        _ => "Pods and templates of pods",
    }
}

fn check_value(key: &str, value: &str, path: &Path) -> Checked {
    let wrong = |message: String| refuse(path.clone(), message);
    match key {
        WEIGHT if !value.parse::<u32>().is_ok_and(|weight| weight > 0) => {
            wrong(format!("`{value}` is no whole number above zero"))
        }
        REPLICAS if value.parse::<u32>().is_err() => wrong(format!("`{value}` is no whole number")),
        ZONES => {
            match value.split(',').map(str::trim).find(|zone| zone.is_empty() || !is_label_value(zone)) {
                Some(zone) => wrong(format!("`{zone}` is no name of a zone")),
                None => Ok(()),
            }
        }
        SCALING if !["fixed", "spare"].contains(&value) => {
            wrong(format!("`{value}` is unknown; there are `fixed` and `spare`"))
        }
        LOAD if !["wave", "peak"].contains(&value) => {
            wrong(format!("`{value}` is unknown; there are `wave` and `peak`"))
        }
        PROFILE if Profile::named(value).is_none() => {
            let known: Vec<&str> = Profile::all().map(Profile::name).collect();
            wrong(format!("there is no profile `{value}`; there are {}", known.join(", ")))
        }
        OUTAGE_EVERY | RUNS_FOR | ROLLOUT_EVERY => match duration::parse(value) {
            None => wrong(format!("`{value}` is no duration, such as 90s, 45m or 1h30m")),
            Some(seconds) if key == ROLLOUT_EVERY && seconds < SHORTEST_ROLLOUT => {
                wrong(format!("`{value}` is too short: a rollout takes its time, 10m at least"))
            }
            Some(_) => Ok(()),
        },
        _ => Ok(()),
    }
}
