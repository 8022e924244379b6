//! API objects and kubelet summaries in, measurements out: as the OpenTelemetry Collector's receivers make them.
//!
//! - [`KubeletStatsReceiver`]: one per node, as receiver_creator makes them; a [`Summary`] in.
//! - [`K8sClusterReceiver`]: one per cluster; its objects in, as a [`ClusterView`].
//! - [`HostMetricsReceiver`]: one per node; what its machine says of itself in, as [`HostStats`].
//! - [`PodMetadata`]: what k8s_attributes and a kubelet's `/pods` know about pods; the former needs it.
//!
//! They write to a [`catalogue::Sink`]. What they send are the names, attributes, units and values of collector v0.161
//! with `k8s.cluster.name` set behind it. Each keeps the resources it has made, and k8s_cluster the points too, so that
//! a tick over unchanged objects costs no text handling.
//!
//! [`HostStats`]: ::kubelet_stats::host::HostStats
//! [`Summary`]: ::kubelet_stats::summary::Summary

mod host_metrics;
mod image;
mod k8s_cluster;
mod kubelet_stats;
mod pod_metadata;
mod quantity;
mod settings;
mod time;
mod workload;

pub use host_metrics::HostMetricsReceiver;
pub use k8s_cluster::{ClusterView, K8sClusterReceiver};
pub use kubelet_stats::KubeletStatsReceiver;
pub use pod_metadata::PodMetadata;
pub use settings::{
    ExtraLabel, HostMetricsSettings, K8sClusterSettings, KubeletStatsSettings, MetricGroup, MetricSwitches,
    ResourceAttributeSwitches, Scraper, SettingsError,
};
