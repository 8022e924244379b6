//! Deployments, ReplicaSets, ReplicationControllers, StatefulSets, DaemonSets, Jobs and CronJobs.

use catalogue::k8s_cluster as metrics;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::ReplicationController;

use super::cache::{Measure, Measured};
use super::{Context, int, name, namespace, uid};

/// The API server fills `replicas` in; without one the default is meant.
const DEFAULT_REPLICAS: i32 = 1;

impl Measure for Deployment {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let desired = self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(DEFAULT_REPLICAS);
        let available = self.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
        let attributes = [
            ("k8s.deployment.uid", uid(&self.metadata)),
            ("k8s.deployment.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        vec![context.measure(attributes).point(context, &metrics::DEPLOYMENT_DESIRED, int(desired)).point(
            context,
            &metrics::DEPLOYMENT_AVAILABLE,
            int(available),
        )]
    }
}

impl Measure for ReplicaSet {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let desired = self.spec.as_ref().and_then(|spec| spec.replicas);
        let available = self.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
        let attributes = [
            ("k8s.replicaset.uid", uid(&self.metadata)),
            ("k8s.replicaset.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        // Without `replicas` the receiver says nothing at all.
        desired.map_or_else(Vec::new, |desired| {
            vec![
                context
                    .measure(attributes)
                    .point(context, &metrics::REPLICA_SET_DESIRED, int(desired))
                    .point(context, &metrics::REPLICA_SET_AVAILABLE, int(available)),
            ]
        })
    }
}

impl Measure for ReplicationController {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let desired = self.spec.as_ref().and_then(|spec| spec.replicas);
        let available = self.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
        let attributes = [
            ("k8s.replicationcontroller.uid", uid(&self.metadata)),
            ("k8s.replicationcontroller.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        desired.map_or_else(Vec::new, |desired| {
            vec![
                context
                    .measure(attributes)
                    .point(context, &metrics::REPLICATION_CONTROLLER_DESIRED, int(desired))
                    .point(context, &metrics::REPLICATION_CONTROLLER_AVAILABLE, int(available)),
            ]
        })
    }
}

impl Measure for StatefulSet {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let Some(desired) = self.spec.as_ref().and_then(|spec| spec.replicas) else { return Vec::new() };
        let status = self.status.clone().unwrap_or_default();
        let attributes = [
            ("k8s.statefulset.uid", uid(&self.metadata)),
            ("k8s.statefulset.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        vec![
            context
                .measure(attributes)
                .point(context, &metrics::STATEFUL_SET_DESIRED_PODS, int(desired))
                .point(context, &metrics::STATEFUL_SET_READY_PODS, int(status.ready_replicas.unwrap_or(0)))
                .point(
                    context,
                    &metrics::STATEFUL_SET_CURRENT_PODS,
                    int(status.current_replicas.unwrap_or(0)),
                )
                .point(
                    context,
                    &metrics::STATEFUL_SET_UPDATED_PODS,
                    int(status.updated_replicas.unwrap_or(0)),
                )
                .point(
                    context,
                    &metrics::STATEFUL_SET_POD_AVAILABLE,
                    int(status.available_replicas.unwrap_or(0)),
                ),
        ]
    }
}

impl Measure for DaemonSet {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let status = self.status.clone().unwrap_or_default();
        let attributes = [
            ("k8s.daemonset.uid", uid(&self.metadata)),
            ("k8s.daemonset.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        let current = int(status.current_number_scheduled);
        let desired = int(status.desired_number_scheduled);
        vec![
            context
                .measure(attributes)
                .point(context, &metrics::DAEMON_SET_CURRENT_SCHEDULED_NODES, current)
                .point(context, &metrics::DAEMON_SET_DESIRED_SCHEDULED_NODES, desired)
                .point(context, &metrics::DAEMON_SET_MISSCHEDULED_NODES, int(status.number_misscheduled))
                .point(context, &metrics::DAEMON_SET_READY_NODES, int(status.number_ready)),
        ]
    }
}

impl Measure for Job {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let spec = self.spec.as_ref();
        let status = self.status.as_ref();
        let attributes = [
            ("k8s.job.uid", uid(&self.metadata)),
            ("k8s.job.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        let active = status.and_then(|status| status.active).unwrap_or(0);
        let failed = status.and_then(|status| status.failed).unwrap_or(0);
        let succeeded = status.and_then(|status| status.succeeded).unwrap_or(0);
        let completions = spec.and_then(|spec| spec.completions).map(int);
        let parallelism = spec.and_then(|spec| spec.parallelism).map(int);
        vec![
            context
                .measure(attributes)
                .point(context, &metrics::JOB_ACTIVE_PODS, int(active))
                .point(context, &metrics::JOB_FAILED_PODS, int(failed))
                .point(context, &metrics::JOB_SUCCESSFUL_PODS, int(succeeded))
                .point_if(context, &metrics::JOB_DESIRED_SUCCESSFUL_PODS, completions)
                .point_if(context, &metrics::JOB_MAX_PARALLEL_PODS, parallelism),
        ]
    }
}

impl Measure for CronJob {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let active = self.status.as_ref().and_then(|status| status.active.as_ref()).map_or(0, Vec::len);
        let attributes = [
            ("k8s.cronjob.uid", uid(&self.metadata)),
            ("k8s.cronjob.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ];
        let active = i64::try_from(active).unwrap_or(i64::MAX);
        vec![context.measure(attributes).point(context, &metrics::CRON_JOB_ACTIVE_JOBS, int(active))]
    }
}
