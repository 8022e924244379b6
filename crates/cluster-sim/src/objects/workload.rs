//! Controllers' own objects, with the status that their pods give them.

use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetStatus, Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet,
    ReplicaSetSpec, ReplicaSetStatus, StatefulSet, StatefulSetStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{admit, controller};
use crate::calendar::{Calendar, time};
use crate::span::Seconds;

/// The label by which pods of different ReplicaSets of one Deployment differ.
pub(crate) const TEMPLATE_HASH: &str = "pod-template-hash";

/// What a controller counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Pods that it wants.
    pub(crate) desired: i32,
    /// Pods that exist.
    pub(crate) pods: i32,
    /// Those of them that are ready; nothing here takes longer to become available.
    pub(crate) ready: i32,
}

/// When an object was made and when it last changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) created: Seconds,
    pub(crate) changed: Seconds,
}

impl Dates<'_> {
    fn admit(&self, metadata: &mut ObjectMeta, uid: &str) {
        admit(metadata, uid, self.created, self.changed, self.calendar);
        metadata.generation = Some(1);
    }
}

/// Go leaves zeros out of many of these fields.
fn unless_zero(number: i32) -> Option<i32> {
    (number != 0).then_some(number)
}

/// A Deployment whose only ReplicaSet is called `replica_set`.
pub(crate) fn deployment(
    manifest: &Deployment,
    uid: &str,
    replica_set: &str,
    tally: Tally,
    dates: Dates<'_>,
) -> Deployment {
    let mut deployment = manifest.clone();
    dates.admit(&mut deployment.metadata, uid);
    let annotations = deployment.metadata.annotations.get_or_insert_default();
    annotations.insert("deployment.kubernetes.io/revision".to_owned(), "1".to_owned());
    let unavailable = tally.desired - tally.ready;
    deployment.status = Some(DeploymentStatus {
        available_replicas: unless_zero(tally.ready),
        ready_replicas: unless_zero(tally.ready),
        replicas: unless_zero(tally.pods),
        updated_replicas: unless_zero(tally.pods),
        unavailable_replicas: unless_zero(unavailable.max(0)),
        terminating_replicas: Some(0),
        observed_generation: Some(1),
        conditions: Some(deployment_conditions(manifest, replica_set, tally, dates)),
        ..DeploymentStatus::default()
    });
    deployment
}

fn deployment_conditions(
    manifest: &Deployment,
    replica_set: &str,
    tally: Tally,
    dates: Dates<'_>,
) -> Vec<DeploymentCondition> {
    let enough = tally.ready >= tally.desired - max_unavailable(manifest, tally.desired);
    let complete = tally.ready >= tally.desired;
    let condition = |type_: &str, holds: bool, reason: &str, message: String| DeploymentCondition {
        type_: type_.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(time(dates.created)),
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
    let progressing = if complete {
        let message = format!("ReplicaSet \"{replica_set}\" has successfully progressed.");
        condition("Progressing", true, "NewReplicaSetAvailable", message)
    } else {
        let message = format!("ReplicaSet \"{replica_set}\" has timed out progressing.");
        condition("Progressing", false, "ProgressDeadlineExceeded", message)
    };
    vec![available, progressing]
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
            let product = i64::from(whole) * percent;
            i32::try_from(if up { (product + 99) / 100 } else { product / 100 }).unwrap_or(i32::MAX)
        }
        None => 0,
    }
}

/// The ReplicaSet that a Deployment's template makes, without metadata of its own.
pub(crate) fn replica_set_of(deployment: &Deployment, uid: &str, hash: &str) -> ReplicaSet {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let spec = deployment.spec.clone().unwrap_or_default();
    let desired = spec.replicas.unwrap_or(1);
    let hashed = |selector: LabelSelector| {
        let mut selector = selector;
        selector.match_labels.get_or_insert_default().insert(TEMPLATE_HASH.to_owned(), hash.to_owned());
        selector
    };
    let mut template = spec.template;
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(TEMPLATE_HASH.to_owned(), hash.to_owned());
    let metadata = ObjectMeta {
        name: Some(format!("{name}-{hash}")),
        namespace: deployment.metadata.namespace.clone(),
        labels: Some(labels.clone()),
        annotations: Some(super::labels([
            ("deployment.kubernetes.io/desired-replicas", &*desired.to_string()),
            (
                "deployment.kubernetes.io/max-replicas",
                &*(desired + max_surge(deployment, desired)).to_string(),
            ),
            ("deployment.kubernetes.io/revision", "1"),
        ])),
        owner_references: Some(vec![controller("apps/v1", "Deployment", name, uid)]),
        ..ObjectMeta::default()
    };
    ReplicaSet {
        metadata,
        spec: Some(ReplicaSetSpec {
            replicas: Some(desired),
            min_ready_seconds: spec.min_ready_seconds,
            selector: hashed(spec.selector),
            template: Some(template),
        }),
        status: None,
    }
}

/// A ReplicaSet, of a Deployment or of the files.
pub(crate) fn replica_set(manifest: &ReplicaSet, uid: &str, tally: Tally, dates: Dates<'_>) -> ReplicaSet {
    let mut replica_set = manifest.clone();
    dates.admit(&mut replica_set.metadata, uid);
    replica_set.status = Some(ReplicaSetStatus {
        replicas: tally.pods,
        fully_labeled_replicas: unless_zero(tally.pods),
        ready_replicas: unless_zero(tally.ready),
        available_replicas: unless_zero(tally.ready),
        terminating_replicas: Some(0),
        observed_generation: Some(1),
        conditions: None,
    });
    replica_set
}

/// A StatefulSet whose pods are all of `revision`.
pub(crate) fn stateful_set(
    manifest: &StatefulSet,
    uid: &str,
    revision: &str,
    tally: Tally,
    dates: Dates<'_>,
) -> StatefulSet {
    let mut stateful_set = manifest.clone();
    dates.admit(&mut stateful_set.metadata, uid);
    stateful_set.status = Some(StatefulSetStatus {
        replicas: tally.pods,
        ready_replicas: unless_zero(tally.ready),
        available_replicas: Some(tally.ready),
        current_replicas: unless_zero(tally.pods),
        updated_replicas: unless_zero(tally.pods),
        current_revision: Some(revision.to_owned()),
        update_revision: Some(revision.to_owned()),
        collision_count: Some(0),
        observed_generation: Some(1),
        conditions: None,
    });
    stateful_set
}

/// A DaemonSet.
pub(crate) fn daemon_set(manifest: &DaemonSet, uid: &str, tally: Tally, dates: Dates<'_>) -> DaemonSet {
    let mut daemon_set = manifest.clone();
    dates.admit(&mut daemon_set.metadata, uid);
    let annotations = daemon_set.metadata.annotations.get_or_insert_default();
    annotations.insert("deprecated.daemonset.template.generation".to_owned(), "1".to_owned());
    daemon_set.status = Some(DaemonSetStatus {
        desired_number_scheduled: tally.desired,
        current_number_scheduled: tally.pods,
        number_ready: tally.ready,
        number_available: unless_zero(tally.ready),
        number_unavailable: unless_zero(tally.desired - tally.ready),
        updated_number_scheduled: unless_zero(tally.pods),
        number_misscheduled: 0,
        observed_generation: Some(1),
        ..DaemonSetStatus::default()
    });
    daemon_set
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
            assert_eq!(
                (share(Some(&part), whole, false), share(Some(&part), whole, true)),
                (down, up),
                "{part:?} of {whole}"
            );
        }
    }
}
