//! Deployments and their ReplicaSets.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet, ReplicaSetCondition, ReplicaSetSpec,
    ReplicaSetStatus,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Dates, Tally, controller, labels, unless_zero};
use crate::time::calendar::time;
use crate::time::span::Seconds;
use crate::world::{RESTARTED_AT, TEMPLATE_HASH};

/// How far a Deployment is with its latest revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All pods were there once.
    Complete,
    /// Pods are being replaced.
    Rolling,
    /// It has waited for its pods too long.
    Overdue,
}

/// A Deployment's own state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    pub(crate) uid: &'a str,
    /// From zero.
    pub(crate) revision: i64,
    /// The name of its latest ReplicaSet.
    pub(crate) replica_set: &'a str,
    /// What the latest rollout put into the template.
    pub(crate) restarted_at: Option<&'a str>,
    pub(crate) progress: Progress,
    /// Why a quota refuses its pods.
    pub(crate) refusal: Option<&'a str>,
    pub(crate) tally: Tally,
}

/// A Deployment.
pub(crate) fn deployment(manifest: &Deployment, state: &State<'_>, dates: Dates<'_>) -> Deployment {
    let mut deployment = manifest.clone();
    let (tally, generation) = (state.tally, state.revision + 1);
    dates.admit_generation(&mut deployment.metadata, state.uid, generation);
    let annotations = deployment.metadata.annotations.get_or_insert_default();
    annotations.insert("deployment.kubernetes.io/revision".to_owned(), generation.to_string());
    if let Some(spec) = &mut deployment.spec {
        spec.replicas = Some(tally.desired);
        restart(&mut spec.template, state.restarted_at);
    }
    deployment.status = Some(DeploymentStatus {
        available_replicas: unless_zero(tally.ready),
        ready_replicas: unless_zero(tally.ready),
        replicas: unless_zero(tally.pods),
        updated_replicas: unless_zero(tally.updated),
        unavailable_replicas: unless_zero((tally.desired - tally.ready).max(0)),
        terminating_replicas: Some(0),
        observed_generation: Some(generation),
        conditions: Some(conditions(manifest, state, dates)),
        ..DeploymentStatus::default()
    });
    deployment
}

fn conditions(manifest: &Deployment, state: &State<'_>, dates: Dates<'_>) -> Vec<DeploymentCondition> {
    let tally = state.tally;
    let enough = tally.ready >= tally.desired - max_unavailable(manifest, tally.desired);
    let condition = |type_: &str, holds: bool, reason: &str, message: String| DeploymentCondition {
        type_: type_.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(time(if holds { dates.created } else { dates.changed })),
        last_update_time: Some(time(dates.changed)),
    };
    let available = if enough {
        condition(
            "Available",
            true,
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.".to_owned(),
        )
    } else {
        let message = "Deployment does not have minimum availability.".to_owned();
        condition("Available", false, "MinimumReplicasUnavailable", message)
    };
    let set = state.replica_set;
    let progressing = match state.progress {
        Progress::Complete => {
            let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
            condition("Progressing", true, "NewReplicaSetAvailable", message)
        }
        Progress::Rolling => {
            let message = format!("ReplicaSet \"{set}\" is progressing.");
            condition("Progressing", true, "ReplicaSetUpdated", message)
        }
        Progress::Overdue => {
            let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
            condition("Progressing", false, "ProgressDeadlineExceeded", message)
        }
    };
    let mut conditions = vec![available, progressing];
    if let Some(refusal) = state.refusal {
        conditions.push(condition("ReplicaFailure", true, "FailedCreate", refusal.to_owned()));
    }
    conditions
}

/// How many of `desired` pods a Deployment may lack: rounded down, as Kubernetes does.
fn max_unavailable(manifest: &Deployment, desired: i32) -> i32 {
    let strategy = manifest.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    share(rolling.and_then(|rolling| rolling.max_unavailable.as_ref()), desired, false)
}

/// How many pods a Deployment may have beyond `desired`: rounded up.
fn max_surge(manifest: &Deployment, desired: i32) -> i32 {
    let strategy = manifest.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    share(rolling.and_then(|rolling| rolling.max_surge.as_ref()), desired, true)
}

fn share(part: Option<&IntOrString>, whole: i32, up: bool) -> i32 {
    match part {
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let product = i64::from(whole).saturating_mul(percent);
            i32::try_from(if up { (product + 99) / 100 } else { product / 100 }).unwrap_or(i32::MAX)
        }
        None => 0,
    }
}

/// Puts the time of a restart into a template, as `kubectl rollout restart` does.
pub(crate) fn restart(template: &mut PodTemplateSpec, at: Option<&str>) {
    if let Some(at) = at {
        let annotations = template.metadata.get_or_insert_default().annotations.get_or_insert_default();
        annotations.insert(RESTARTED_AT.to_owned(), at.to_owned());
    }
}

/// A Deployment's ReplicaSet of one revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revision<'a> {
    pub(crate) number: i64,
    pub(crate) hash: &'a str,
    pub(crate) restarted_at: Option<&'a str>,
    /// Pods that it is to have, now.
    pub(crate) desired: i32,
}

/// The manifest of a Deployment's ReplicaSet, as the Deployment's controller writes it.
pub(crate) fn replica_set_of(
    deployment: &Deployment,
    deployment_uid: &str,
    all_desired: i32,
    revision: &Revision<'_>,
) -> ReplicaSet {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let spec = deployment.spec.clone().unwrap_or_default();
    let mut selector = spec.selector;
    selector.match_labels.get_or_insert_default().insert(TEMPLATE_HASH.to_owned(), revision.hash.to_owned());
    let mut template = spec.template;
    restart(&mut template, revision.restarted_at);
    let template_labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    template_labels.insert(TEMPLATE_HASH.to_owned(), revision.hash.to_owned());
    let metadata = ObjectMeta {
        name: Some(format!("{name}-{}", revision.hash)),
        namespace: deployment.metadata.namespace.clone(),
        labels: Some(template_labels.clone()),
        annotations: Some(labels([
            ("deployment.kubernetes.io/desired-replicas", &*all_desired.to_string()),
            (
                "deployment.kubernetes.io/max-replicas",
                &*(all_desired + max_surge(deployment, all_desired)).to_string(),
            ),
            ("deployment.kubernetes.io/revision", &*(revision.number + 1).to_string()),
        ])),
        owner_references: Some(vec![controller("apps/v1", "Deployment", name, deployment_uid)]),
        ..ObjectMeta::default()
    };
    ReplicaSet {
        metadata,
        spec: Some(ReplicaSetSpec {
            replicas: Some(revision.desired),
            min_ready_seconds: spec.min_ready_seconds,
            selector,
            template: Some(template),
        }),
        status: None,
    }
}

/// A ReplicaSet, of a Deployment or of the files.
pub(crate) fn replica_set(
    manifest: &ReplicaSet,
    uid: &str,
    tally: Tally,
    refusal: Option<(&str, Seconds)>,
    dates: Dates<'_>,
) -> ReplicaSet {
    let mut replica_set = manifest.clone();
    dates.admit_generation(&mut replica_set.metadata, uid, 1);
    replica_set.status = Some(ReplicaSetStatus {
        replicas: tally.pods,
        fully_labeled_replicas: unless_zero(tally.pods),
        ready_replicas: unless_zero(tally.ready),
        available_replicas: unless_zero(tally.ready),
        terminating_replicas: Some(0),
        observed_generation: Some(1),
        conditions: refusal.map(|(message, since)| {
            vec![ReplicaSetCondition {
                type_: "ReplicaFailure".to_owned(),
                status: "True".to_owned(),
                reason: Some("FailedCreate".to_owned()),
                message: Some(message.to_owned()),
                last_transition_time: Some(time(since)),
            }]
        }),
    });
    replica_set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_as_kubernetes_does() {
        let percent = |text: &str| IntOrString::String(text.to_owned());
        for (part, whole, down, up) in [
            (percent("25%"), 3, 0, 1),
            (percent("25%"), 8, 2, 2),
            (percent("100%"), 3, 3, 3),
            (IntOrString::Int(2), 9, 2, 2),
        ] {
            let shares = (share(Some(&part), whole, false), share(Some(&part), whole, true));
            assert_eq!(shares, (down, up), "{part:?} of {whole}");
        }
    }
}
