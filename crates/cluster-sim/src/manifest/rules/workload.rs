//! Workloads: replicas, selectors, templates.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{Checked, check_quantities, metadata, pod, refuse};
use crate::annotations;
use crate::manifest::names::is_dns_label;
use crate::manifest::path::Path;

pub(super) fn check_pod(pod: &Pod) -> Checked {
    let path = Path::keys("metadata.annotations");
    for (key, value) in pod.metadata.annotations.iter().flatten() {
        match &**key {
            annotations::REPLICAS if value.parse::<u32>().is_err() => {
                return refuse(path.key(key), format!("`{value}` is no whole number"));
            }
            annotations::WEIGHT | annotations::ZONES => return refuse(path.key(key), "is for nodes"),
            annotations::SCALING => {
                return refuse(path.key(key), "is for workloads; a pod without replicas is one pod");
            }
            _ => {}
        }
    }
    let path = Path::keys("spec");
    match &pod.spec {
        Some(spec) => pod::check(spec, &[], &path),
        None => refuse(path, "is missing"),
    }
}

pub(super) fn check_deployment(deployment: &Deployment) -> Checked {
    check_annotations(&deployment.metadata)?;
    let path = Path::keys("spec");
    let Some(spec) = &deployment.spec else { return refuse(path, "is missing") };
    check_replicas(spec.replicas, &path)?;
    check_selector(&spec.selector, &spec.template, &path)?;
    check_template(&spec.template, &[], &path.key("template"))
}

pub(super) fn check_replica_set(replica_set: &ReplicaSet) -> Checked {
    check_annotations(&replica_set.metadata)?;
    let path = Path::keys("spec");
    let Some(spec) = &replica_set.spec else { return refuse(path, "is missing") };
    let Some(template) = &spec.template else { return refuse(path.key("template"), "is missing") };
    check_replicas(spec.replicas, &path)?;
    check_selector(&spec.selector, template, &path)?;
    check_template(template, &[], &path.key("template"))
}

pub(super) fn check_stateful_set(stateful_set: &StatefulSet) -> Checked {
    check_annotations(&stateful_set.metadata)?;
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
        let requests = claim.spec.iter().filter_map(|spec| spec.resources.as_ref()?.requests.as_ref()).next();
        let path = path.then("spec.resources.requests");
        if !requests.is_some_and(|requests| requests.contains_key("storage")) {
            return refuse(path.key("storage"), "is missing");
        }
        check_quantities(requests, &path)?;
        claims.push(name);
    }
    check_template(&spec.template, &claims, &path.key("template"))
}

pub(super) fn check_daemon_set(daemon_set: &DaemonSet) -> Checked {
    check_annotations(&daemon_set.metadata)?;
    if daemon_set.metadata.annotations.iter().flatten().any(|(key, _)| key == annotations::SCALING) {
        let path = Path::keys("metadata.annotations").key(annotations::SCALING);
        return refuse(path, "has no meaning for a DaemonSet: its nodes decide how many pods it has");
    }
    let path = Path::keys("spec");
    let Some(spec) = &daemon_set.spec else { return refuse(path, "is missing") };
    check_selector(&spec.selector, &spec.template, &path)?;
    check_template(&spec.template, &[], &path.key("template"))
}

pub(super) fn check_service(service: &Service) -> Checked {
    let path = Path::keys("spec");
    let Some(spec) = &service.spec else { return refuse(path, "is missing") };
    for (index, port) in spec.ports.iter().flatten().enumerate() {
        if !(1..=65535).contains(&port.port) {
            let path = path.key("ports").index(index).key("port");
            return refuse(path, format!("`{}` is no port, 1 to 65535", port.port));
        }
    }
    let headless = spec.cluster_ip.as_deref() == Some("None");
    if !headless
        && spec.type_.as_deref() != Some("ExternalName")
        && spec.ports.as_ref().is_none_or(Vec::is_empty)
    {
        return refuse(path.key("ports"), "is missing");
    }
    Ok(())
}

fn check_annotations(metadata: &ObjectMeta) -> Checked {
    let path = Path::keys("metadata.annotations");
    for (key, value) in metadata.annotations.iter().flatten() {
        match &**key {
            annotations::SCALING if value != "fixed" => {
                return refuse(path.key(key), format!("`{value}` is unknown; the only value is `fixed`"));
            }
            annotations::WEIGHT | annotations::ZONES => return refuse(path.key(key), "is for nodes"),
            annotations::REPLICAS => {
                return refuse(path.key(key), "is for pods; a workload has spec.replicas");
            }
            _ => {}
        }
    }
    Ok(())
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

fn check_template(template: &PodTemplateSpec, claims: &[&str], path: &Path) -> Checked {
    if let Some(metadata) = &template.metadata {
        let path = path.key("metadata");
        if metadata.name.is_some() {
            return refuse(path.key("name"), "a template's pods get their names from their owner");
        }
        metadata::check_texts(metadata, &path)?;
    }
    let path = path.key("spec");
    let Some(spec) = &template.spec else { return refuse(path, "is missing") };
    pod::check(spec, claims, &path)?;
    match spec.restart_policy.as_deref() {
        None | Some("Always") => Ok(()),
        Some(_) => refuse(path.key("restartPolicy"), "only `Always` is possible here"),
    }
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
