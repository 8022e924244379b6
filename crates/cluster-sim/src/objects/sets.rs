//! StatefulSets, DaemonSets and ReplicationControllers.

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{ReplicationController, ReplicationControllerStatus};

use super::deployment::restart;
use super::{Dates, Tally, unless_zero};

/// The revisions of a StatefulSet: what its pods were, and what they are becoming.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revisions<'a> {
    /// From zero.
    pub(crate) number: i64,
    pub(crate) current: &'a str,
    pub(crate) update: &'a str,
    pub(crate) restarted_at: Option<&'a str>,
}

/// A StatefulSet.
pub(crate) fn stateful_set(
    manifest: &StatefulSet,
    uid: &str,
    revisions: Revisions<'_>,
    tally: Tally,
    dates: Dates<'_>,
) -> StatefulSet {
    let mut stateful_set = manifest.clone();
    let generation = revisions.number + 1;
    dates.admit_generation(&mut stateful_set.metadata, uid, generation);
    if let Some(spec) = &mut stateful_set.spec {
        restart(&mut spec.template, revisions.restarted_at);
    }
    // Once every pod is updated, the update is what is current.
    let current = if revisions.current == revisions.update { tally.pods } else { tally.pods - tally.updated };
    stateful_set.status = Some(StatefulSetStatus {
        replicas: tally.pods,
        ready_replicas: unless_zero(tally.ready),
        available_replicas: Some(tally.ready),
        current_replicas: unless_zero(current),
        updated_replicas: unless_zero(tally.updated),
        current_revision: Some(revisions.current.to_owned()),
        update_revision: Some(revisions.update.to_owned()),
        collision_count: Some(0),
        observed_generation: Some(generation),
        conditions: None,
    });
    stateful_set
}

/// A DaemonSet, `revision` counted from zero.
pub(crate) fn daemon_set(
    manifest: &DaemonSet,
    uid: &str,
    revision: i64,
    restarted_at: Option<&str>,
    tally: Tally,
    dates: Dates<'_>,
) -> DaemonSet {
    let mut daemon_set = manifest.clone();
    let generation = revision + 1;
    dates.admit_generation(&mut daemon_set.metadata, uid, generation);
    let annotations = daemon_set.metadata.annotations.get_or_insert_default();
    annotations.insert("deprecated.daemonset.template.generation".to_owned(), generation.to_string());
    if let Some(spec) = &mut daemon_set.spec {
        restart(&mut spec.template, restarted_at);
    }
    daemon_set.status = Some(DaemonSetStatus {
        desired_number_scheduled: tally.desired,
        current_number_scheduled: tally.pods,
        number_ready: tally.ready,
        number_available: unless_zero(tally.ready),
        number_unavailable: unless_zero(tally.desired - tally.ready),
        updated_number_scheduled: unless_zero(tally.updated),
        number_misscheduled: 0,
        observed_generation: Some(generation),
        ..DaemonSetStatus::default()
    });
    daemon_set
}

/// A ReplicationController.
pub(crate) fn replication_controller(
    manifest: &ReplicationController,
    uid: &str,
    tally: Tally,
    dates: Dates<'_>,
) -> ReplicationController {
    let mut controller = manifest.clone();
    dates.admit_generation(&mut controller.metadata, uid, 1);
    controller.status = Some(ReplicationControllerStatus {
        replicas: tally.pods,
        fully_labeled_replicas: unless_zero(tally.pods),
        ready_replicas: unless_zero(tally.ready),
        available_replicas: unless_zero(tally.ready),
        observed_generation: Some(1),
        conditions: None,
    });
    controller
}
