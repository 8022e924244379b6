//! Workloads: replicas, selectors, templates.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, DeploymentStrategy, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodTemplateSpec, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Checked, annotation, metadata, other, pod, refuse};
use crate::annotations;
use crate::manifest::names::is_dns_label;
use crate::manifest::path::Path;
use crate::manifest::strict::Finding;
use crate::stage::PodStage;

pub(super) fn check_pod(pod: &Pod) -> Checked {
    let path = Path::keys("spec");
    match &pod.spec {
        Some(spec) => pod::check(spec, &[], &path),
        None => refuse(path, "is missing"),
    }
}

pub(super) fn check_deployment(deployment: &Deployment) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &deployment.spec else { return refuse(path, "is missing") };
    check_replicas(spec.replicas, &path)?;
    check_selector(&spec.selector, &spec.template, &path)?;
    if deployment.metadata.annotations.iter().flatten().any(|(key, _)| key == annotations::ROLLOUT_EVERY) {
        check_surge(spec.strategy.as_ref(), &path)?;
    }
    check_template(&spec.template, &[], &path.key("template"))
}

/// A rollout here never makes a pod more than there were: the number of all pods stays.
fn check_surge(strategy: Option<&DeploymentStrategy>, path: &Path) -> Checked {
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    match rolling.and_then(|rolling| rolling.max_surge.as_ref()) {
        Some(IntOrString::Int(0)) => Ok(()),
        Some(IntOrString::String(text)) if text == "0%" => Ok(()),
        _ => refuse(
            path.then("strategy.rollingUpdate.maxSurge"),
            format!("must be 0 for a Deployment with the annotation {}", annotations::ROLLOUT_EVERY),
        ),
    }
}

pub(super) fn check_replica_set(replica_set: &ReplicaSet) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &replica_set.spec else { return refuse(path, "is missing") };
    let Some(template) = &spec.template else { return refuse(path.key("template"), "is missing") };
    check_replicas(spec.replicas, &path)?;
    check_selector(&spec.selector, template, &path)?;
    check_template(template, &[], &path.key("template"))
}

pub(super) fn check_replication_controller(controller: &ReplicationController) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &controller.spec else { return refuse(path, "is missing") };
    let Some(template) = &spec.template else { return refuse(path.key("template"), "is missing") };
    check_replicas(spec.replicas, &path)?;
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    let selector = LabelSelector { match_labels: spec.selector.clone().or(labels), match_expressions: None };
    check_selector(&selector, template, &path)?;
    check_template(template, &[], &path.key("template"))
}

pub(super) fn check_stateful_set(stateful_set: &StatefulSet) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &stateful_set.spec else { return refuse(path, "is missing") };
    check_replicas(spec.replicas, &path)?;
    check_selector(&spec.selector, &spec.template, &path)?;
    let mut claims = Vec::new();
    for (index, claim) in spec.volume_claim_templates.iter().flatten().enumerate() {
        let path = path.key("volumeClaimTemplates").index(index);
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        if !is_dns_label(name) {
            return refuse(
                path.then("metadata.name"),
                format!("`{name}` is no DNS label: a-z, 0-9 and -, at most 63"),
            );
        }
        other::check_claim(claim.spec.as_ref(), &path.key("spec"))?;
        claims.push(name);
    }
    check_template(&spec.template, &claims, &path.key("template"))
}

pub(super) fn check_daemon_set(daemon_set: &DaemonSet) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &daemon_set.spec else { return refuse(path, "is missing") };
    check_selector(&spec.selector, &spec.template, &path)?;
    check_template(&spec.template, &[], &path.key("template"))
}

fn check_replicas(replicas: Option<i32>, path: &Path) -> Checked {
    match replicas {
        Some(replicas) if replicas < 0 => refuse(path.key("replicas"), format!("`{replicas}` is negative")),
        _ => Ok(()),
    }
}

fn check_selector(selector: &LabelSelector, template: &PodTemplateSpec, path: &Path) -> Checked {
    let path = path.key("selector");
    let no_labels = selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty);
    if no_labels && selector.match_expressions.as_ref().is_none_or(Vec::is_empty) {
        return refuse(path, "is empty: it would select every pod");
    }
    for (index, expression) in selector.match_expressions.iter().flatten().enumerate() {
        let path = path.key("matchExpressions").index(index);
        let values = expression.values.as_ref().map_or(0, Vec::len);
        match &*expression.operator {
            "In" | "NotIn" if values == 0 => return refuse(path.key("values"), "is missing"),
            "Exists" | "DoesNotExist" if values > 0 => {
                return refuse(path.key("values"), "must not be there");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                return refuse(
                    path.key("operator"),
                    format!("`{other}` is none of In, NotIn, Exists, DoesNotExist"),
                );
            }
        }
    }
    let none = BTreeMap::new();
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref()).unwrap_or(&none);
    if !selects(selector, labels) {
        return refuse(path, "does not select the pods of its own template");
    }
    Ok(())
}

/// A template whose pods run for ever.
fn check_template(template: &PodTemplateSpec, claims: &[&str], path: &Path) -> Checked {
    let spec = check_any_template(template, claims, path)?;
    match spec.restart_policy.as_deref() {
        None | Some("Always") => {}
        Some(_) => return refuse(path.then("spec.restartPolicy"), "only `Always` is possible here"),
    }
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
    match PodStage::of(labels) {
        Some(PodStage::Failed | PodStage::Evicted) => {
            let path = path.then("metadata.labels").key(annotations::STAGE);
            refuse(path, "is not for pods that their owner would replace")
        }
        _ => Ok(()),
    }
}

/// Any template.
pub(super) fn check_any_template<'a>(
    template: &'a PodTemplateSpec,
    claims: &[&str],
    path: &Path,
) -> Result<&'a PodSpec, Finding> {
    if let Some(metadata) = &template.metadata {
        let path = path.key("metadata");
        if metadata.name.is_some() {
            return Err(Finding::new(path.key("name"), "a template's pods get their names from their owner"));
        }
        metadata::check_texts(metadata, &path)?;
        annotation::check_pod(metadata, &path)?;
    }
    let path = path.key("spec");
    let Some(spec) = &template.spec else { return Err(Finding::new(path, "is missing")) };
    pod::check(spec, claims, &path)?;
    Ok(spec)
}

/// Whether `selector` selects `labels`.
pub(crate) fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector.match_expressions.iter().flatten().all(|expression| {
            let value = labels.get(&expression.key);
            let listed = || {
                value.is_some_and(|value| expression.values.iter().flatten().any(|listed| listed == value))
            };
            match &*expression.operator {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
