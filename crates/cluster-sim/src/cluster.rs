//! What an API server would answer at one instant.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota,
    Service,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// Every object of the cluster at one instant, by kind.
///
/// The order within a kind is fixed by the files, not by names. Objects are complete: metadata with uid and
/// resourceVersion, the spec with the API server's defaults, the status that controllers and KWOK give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterObjects {
    /// Namespaces: those of the files and the four that every API server makes.
    pub namespaces: Vec<Arc<Namespace>>,
    /// Nodes.
    pub nodes: Vec<Arc<Node>>,
    /// Pods of every phase.
    pub pods: Vec<Arc<Pod>>,
    /// Deployments.
    pub deployments: Vec<Arc<Deployment>>,
    /// ReplicaSets: those of the Deployments and those of the files.
    pub replica_sets: Vec<Arc<ReplicaSet>>,
    /// StatefulSets.
    pub stateful_sets: Vec<Arc<StatefulSet>>,
    /// DaemonSets.
    pub daemon_sets: Vec<Arc<DaemonSet>>,
    /// Jobs: those of the CronJobs and those of the files.
    pub jobs: Vec<Arc<Job>>,
    /// CronJobs.
    pub cron_jobs: Vec<Arc<CronJob>>,
    /// HorizontalPodAutoscalers.
    pub horizontal_pod_autoscalers: Vec<Arc<HorizontalPodAutoscaler>>,
    /// ResourceQuotas.
    pub resource_quotas: Vec<Arc<ResourceQuota>>,
    /// ReplicationControllers.
    pub replication_controllers: Vec<Arc<ReplicationController>>,
    /// Services.
    pub services: Vec<Arc<Service>>,
    /// EndpointSlices: one for each Service with a selector, and the API server's own.
    pub endpoint_slices: Vec<Arc<EndpointSlice>>,
    /// PersistentVolumes.
    pub persistent_volumes: Vec<Arc<PersistentVolume>>,
    /// PersistentVolumeClaims: those of the StatefulSets and those of the files.
    pub persistent_volume_claims: Vec<Arc<PersistentVolumeClaim>>,
}

impl ClusterObjects {
    /// Adds what `other` has, behind its own.
    pub(crate) fn extend(&mut self, other: &ClusterObjects) {
        fn add<T>(to: &mut Vec<Arc<T>>, from: &[Arc<T>]) {
            to.extend(from.iter().cloned());
        }
        add(&mut self.namespaces, &other.namespaces);
        add(&mut self.nodes, &other.nodes);
        add(&mut self.pods, &other.pods);
        add(&mut self.deployments, &other.deployments);
        add(&mut self.replica_sets, &other.replica_sets);
        add(&mut self.stateful_sets, &other.stateful_sets);
        add(&mut self.daemon_sets, &other.daemon_sets);
        add(&mut self.jobs, &other.jobs);
        add(&mut self.cron_jobs, &other.cron_jobs);
        add(&mut self.horizontal_pod_autoscalers, &other.horizontal_pod_autoscalers);
        add(&mut self.resource_quotas, &other.resource_quotas);
        add(&mut self.replication_controllers, &other.replication_controllers);
        add(&mut self.services, &other.services);
        add(&mut self.endpoint_slices, &other.endpoint_slices);
        add(&mut self.persistent_volumes, &other.persistent_volumes);
        add(&mut self.persistent_volume_claims, &other.persistent_volume_claims);
    }
}
