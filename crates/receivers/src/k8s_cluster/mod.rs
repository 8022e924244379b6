//! The k8s_cluster receiver: the API server's objects in, their measurements out.

mod cache;
mod container;
mod endpoints;
mod node;
mod pod;
mod scaling;
mod storage;
mod view;
mod workloads;

use catalogue::{Number, Resource, Sink};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use self::cache::{Cache, Measured, Tick};
use self::endpoints::Services;
pub use self::view::ClusterView;
use crate::settings::K8sClusterSettings;
use crate::time::nanoseconds;

/// The k8s_cluster receiver of one cluster, with `k8s_attributes` and the cluster's name behind it.
///
/// It keeps what it made of each object and sends it again while the object stays the same `Arc`.
#[derive(Debug)]
pub struct K8sClusterReceiver {
    context: Context,
    started_ns: i64,
    pods: Cache<Pod>,
    nodes: Cache<Node>,
    namespaces: Cache<Namespace>,
    deployments: Cache<Deployment>,
    replica_sets: Cache<ReplicaSet>,
    stateful_sets: Cache<StatefulSet>,
    daemon_sets: Cache<DaemonSet>,
    replication_controllers: Cache<ReplicationController>,
    jobs: Cache<Job>,
    cron_jobs: Cache<CronJob>,
    autoscalers: Cache<HorizontalPodAutoscaler>,
    quotas: Cache<ResourceQuota>,
    volumes: Cache<PersistentVolume>,
    claims: Cache<PersistentVolumeClaim>,
    services: Services,
}

impl K8sClusterReceiver {
    /// A receiver that started at `started`: the start timestamp of all that it sends, but node conditions and
    /// allocatable resources, which have none.
    pub fn new(cluster_name: &str, settings: &K8sClusterSettings, started: Timestamp) -> Self {
        Self {
            context: Context { cluster_name: cluster_name.into(), settings: settings.clone() },
            started_ns: nanoseconds(started),
            pods: Cache::default(),
            nodes: Cache::default(),
            namespaces: Cache::default(),
            deployments: Cache::default(),
            replica_sets: Cache::default(),
            stateful_sets: Cache::default(),
            daemon_sets: Cache::default(),
            replication_controllers: Cache::default(),
            jobs: Cache::default(),
            cron_jobs: Cache::default(),
            autoscalers: Cache::default(),
            quotas: Cache::default(),
            volumes: Cache::default(),
            claims: Cache::default(),
            services: Services::default(),
        }
    }

    /// Sends the measurements of all objects of `view`, with the time `now`.
    pub fn collect(&mut self, view: ClusterView<'_>, now: Timestamp, sink: &mut dyn Sink) {
        let tick = &mut Tick { started_ns: self.started_ns, time_ns: nanoseconds(now), sink };
        let context = &self.context;
        self.pods.collect(view.pods, context, tick);
        self.nodes.collect(view.nodes, context, tick);
        self.namespaces.collect(view.namespaces, context, tick);
        self.deployments.collect(view.deployments, context, tick);
        self.replica_sets.collect(view.replica_sets, context, tick);
        self.stateful_sets.collect(view.stateful_sets, context, tick);
        self.daemon_sets.collect(view.daemon_sets, context, tick);
        self.replication_controllers.collect(view.replication_controllers, context, tick);
        self.jobs.collect(view.jobs, context, tick);
        self.cron_jobs.collect(view.cron_jobs, context, tick);
        self.autoscalers.collect(view.horizontal_pod_autoscalers, context, tick);
        self.quotas.collect(view.resource_quotas, context, tick);
        self.volumes.collect(view.persistent_volumes, context, tick);
        self.claims.collect(view.persistent_volume_claims, context, tick);
        self.services.collect(view.services, view.endpoint_slices, context, tick);
    }
}

/// What every object is measured with.
#[derive(Debug)]
struct Context {
    cluster_name: Box<str>,
    settings: K8sClusterSettings,
}

impl Context {
    /// Starts the measurements of the resource with those of these attributes that are switched on:
    /// `context.measure(…).point(…).point(…)`.
    fn measure<'a>(&'a self, attributes: impl IntoIterator<Item = (&'static str, &'a str)>) -> Measured {
        self.measure_owned(attributes, [])
    }

    /// As [`Context::measure`], with what k8s_attributes adds behind the receiver.
    fn measure_owned<'a>(
        &'a self,
        attributes: impl IntoIterator<Item = (&'static str, &'a str)>,
        workload: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Measured {
        let switches = &self.settings.resource_attributes;
        let own = attributes.into_iter().filter(|(key, _)| switches.is_on(key));
        Measured::new(Resource::new(own.chain(workload).chain([("k8s.cluster.name", &*self.cluster_name)])))
    }

    fn is_on(&self, metric: &'static catalogue::MetricDef) -> bool {
        self.settings.metrics.is_on(metric)
    }
}

fn uid(metadata: &ObjectMeta) -> &str {
    metadata.uid.as_deref().unwrap_or_default()
}

fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

fn namespace(metadata: &ObjectMeta) -> &str {
    metadata.namespace.as_deref().unwrap_or_default()
}

fn int(value: impl Into<i64>) -> Number {
    Number::Int(value.into())
}
