//! What the receiver looks at.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota,
    Service,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// All objects of a cluster that the receiver looks at, at one instant. Kinds that are not there stay empty:
/// `ClusterView { pods: &pods, nodes: &nodes, ..ClusterView::default() }`.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are named after the kinds they hold")]
pub struct ClusterView<'a> {
    pub pods: &'a [Arc<Pod>],
    pub nodes: &'a [Arc<Node>],
    pub namespaces: &'a [Arc<Namespace>],
    pub deployments: &'a [Arc<Deployment>],
    pub replica_sets: &'a [Arc<ReplicaSet>],
    pub stateful_sets: &'a [Arc<StatefulSet>],
    pub daemon_sets: &'a [Arc<DaemonSet>],
    pub replication_controllers: &'a [Arc<ReplicationController>],
    pub jobs: &'a [Arc<Job>],
    pub cron_jobs: &'a [Arc<CronJob>],
    pub horizontal_pod_autoscalers: &'a [Arc<HorizontalPodAutoscaler>],
    pub resource_quotas: &'a [Arc<ResourceQuota>],
    pub persistent_volumes: &'a [Arc<PersistentVolume>],
    pub persistent_volume_claims: &'a [Arc<PersistentVolumeClaim>],
    pub services: &'a [Arc<Service>],
    pub endpoint_slices: &'a [Arc<EndpointSlice>],
}
