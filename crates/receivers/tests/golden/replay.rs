//! The recorded input, and what our receivers make of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalogue::{Receiver, Sink};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;
use labels::Labels;
use receivers::{
    ClusterView, ExtraLabel, K8sClusterReceiver, K8sClusterSettings, KubeletStatsReceiver,
    KubeletStatsSettings, MetricGroup, MetricSwitches, PodMetadata, ResourceAttributeSwitches,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::compare::Named;
use crate::record::Recording;
use crate::shared::for_dashboards;
use crate::{host, otlp};

const CLUSTER: &str = "golden";

/// The two configurations that were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What is on by default.
    Default,
    /// Everything that can be switched on.
    All,
}

/// The record of one configuration.
pub(crate) struct Golden {
    folder: PathBuf,
    mode: Mode,
    kubelet: Vec<Value>,
    cluster: Value,
}

impl Golden {
    /// `None`, said aloud, where there is no record.
    pub(crate) fn read(mode: Mode) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
        if !folder.is_dir() {
            println!("skipped: {} is not there", folder.display());
            return None;
        }
        let name = if mode == Mode::Default { "default" } else { "all" };
        let kubelet = read(&folder.join(format!("otlp-{name}-kubelet.json")));
        let cluster = read(&folder.join(format!("otlp-{name}-cluster.json")));
        Some(Self { folder, mode, kubelet, cluster })
    }

    /// What the real kubelet_stats sent.
    pub(crate) fn kubelet_points(&self) -> Named {
        self.kubelet.iter().flat_map(otlp::points).collect()
    }

    /// What the real k8s_cluster sent.
    pub(crate) fn cluster_points(&self) -> Named {
        otlp::points(&self.cluster)
    }

    /// The exports of both.
    pub(crate) fn exports(&self) -> impl Iterator<Item = &Value> {
        self.kubelet.iter().chain([&self.cluster])
    }

    /// What the real host_metrics sent, but for its numbers.
    pub(crate) fn host_shapes(&self) -> Named {
        let name = if self.mode == Mode::Default { "default" } else { "all" };
        host::recorded(&read(&self.folder.join(format!("host-{name}-shape.json"))))
    }

    /// What the real Prometheus stored.
    pub(crate) fn series(&self) -> Named {
        let name = if self.mode == Mode::Default { "default" } else { "all" };
        let vector: Vec<Value> = read(&self.folder.join(format!("prometheus-{name}.json")));
        vector
            .iter()
            .map(|series| {
                let labels = series["metric"].as_object().unwrap();
                let labels = Labels::from_pairs(labels.iter().map(|(k, v)| (k, v.as_str().unwrap())));
                let value: f64 = series["value"][1].as_str().unwrap().parse().unwrap();
                (labels.to_string(), format!("{value:?}"))
            })
            .collect()
    }

    /// Both recorded summaries of each node, through our kubelet_stats; what came of the second one.
    pub(crate) fn scrape(&self) -> Recording {
        let mut recording = Recording::default();
        self.scrape_into(&mut recording);
        recording
    }

    /// As [`Golden::scrape`], into any sink.
    pub(crate) fn scrape_into(&self, sink: &mut dyn Sink) {
        let pods: Vec<Arc<Pod>> = self.objects("pods");
        let nodes: Vec<Arc<Node>> = self.objects("nodes");
        let mut metadata = PodMetadata::new();
        metadata.update(&pods);
        metadata.update_claims(&self.objects("persistentvolumeclaims"), &self.objects("persistentvolumes"));
        for node in &nodes {
            let name = node.metadata.name.as_deref().unwrap();
            let uid = node.metadata.uid.as_deref().unwrap();
            let export = self.export_of(uid);
            let started = at(otlp::start_of(export, "k8s.volume.capacity"));
            let mut receiver =
                KubeletStatsReceiver::new(name, uid, CLUSTER, &self.kubelet_settings(), started);
            receiver.observe_node(node);
            let now = at(otlp::time_of(export));
            receiver.scrape(&self.summary(name, 2), now, &metadata, &mut Recording::default());
            receiver.scrape(&self.summary(name, 3), now, &metadata, sink);
        }
    }

    /// The recorded objects, through our k8s_cluster.
    pub(crate) fn collect(&self) -> Recording {
        let mut recording = Recording::default();
        self.collect_into(&mut recording);
        recording
    }

    /// As [`Golden::collect`], into any sink.
    pub(crate) fn collect_into(&self, sink: &mut dyn Sink) {
        let (pods, nodes, namespaces) =
            (self.objects("pods"), self.objects("nodes"), self.objects("namespaces"));
        let (deployments, replica_sets) = (self.objects("deployments"), self.objects("replicasets"));
        let (stateful_sets, daemon_sets) = (self.objects("statefulsets"), self.objects("daemonsets"));
        let (jobs, cron_jobs) = (self.objects("jobs"), self.objects("cronjobs"));
        let view = ClusterView {
            pods: &pods,
            nodes: &nodes,
            namespaces: &namespaces,
            deployments: &deployments,
            replica_sets: &replica_sets,
            stateful_sets: &stateful_sets,
            daemon_sets: &daemon_sets,
            replication_controllers: &self.objects("replicationcontrollers"),
            jobs: &jobs,
            cron_jobs: &cron_jobs,
            horizontal_pod_autoscalers: &self.objects("horizontalpodautoscalers"),
            resource_quotas: &self.objects("resourcequotas"),
            persistent_volumes: &self.objects("persistentvolumes"),
            persistent_volume_claims: &self.objects("persistentvolumeclaims"),
            services: &self.objects("services"),
            endpoint_slices: &self.objects("endpointslices"),
        };
        let started = at(otlp::start_of(&self.cluster, "k8s.pod.phase"));
        let mut receiver = K8sClusterReceiver::new(CLUSTER, &self.cluster_settings(), started);
        receiver.collect(view, at(otlp::time_of(&self.cluster)), sink);
    }

    fn kubelet_settings(&self) -> KubeletStatsSettings {
        let mut settings = KubeletStatsSettings::default();
        settings.metric_groups.insert(MetricGroup::Volume);
        settings.extra_metadata_labels.insert(ExtraLabel::VolumeType);
        if self.mode == Mode::All {
            settings.metrics = MetricSwitches::all_on(Receiver::KubeletStats);
            settings.all_node_interfaces = true;
            settings.all_pod_interfaces = true;
            settings.looks_up_claims = true;
        }
        settings
    }

    fn cluster_settings(&self) -> K8sClusterSettings {
        let mut settings = for_dashboards();
        if self.mode == Mode::All {
            settings.metrics = MetricSwitches::all_on(Receiver::K8sCluster);
            settings.resource_attributes = ResourceAttributeSwitches::all_on(Receiver::K8sCluster);
        }
        settings
    }

    fn objects<K: DeserializeOwned>(&self, kind: &str) -> Vec<Arc<K>> {
        let list: Value = read(&self.folder.join(format!("objects/{kind}.json")));
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| Arc::new(serde_json::from_value(item.clone()).unwrap())).collect()
    }

    fn summary(&self, node: &str, number: u32) -> Summary {
        read(&self.folder.join(format!("summaries/{node}-{number}.json")))
    }

    fn export_of(&self, node_uid: &str) -> &Value {
        self.kubelet.iter().find(|export| export.to_string().contains(node_uid)).unwrap()
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap()
}
