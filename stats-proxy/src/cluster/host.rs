//! What an agent on each node would send: simulated host metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otlp::{OtlpSink, Scrape};
use receivers::{HostMetricsReceiver, HostMetricsSettings};

use super::source::ClusterKubelets;
use crate::source::KubeletSource as _;

/// The fragment that the collectors of all environments read.
const SETTINGS: &str = include_str!("../../../deploy/collector/host_metrics.yaml");

/// Nodes whose measurements are handed over together: those of thousands would need much memory at once.
const TOGETHER: usize = 200;

/// The agents of a cluster's nodes.
pub struct HostAgents {
    kubelets: Arc<ClusterKubelets>,
    cluster_name: String,
    settings: HostMetricsSettings,
    agents: BTreeMap<String, HostMetricsReceiver>,
    sink: OtlpSink,
}

impl HostAgents {
    /// The agents on the nodes that `kubelets` know, whose measurements carry this name of the cluster.
    pub fn new(kubelets: Arc<ClusterKubelets>, cluster_name: &str, settings: HostMetricsSettings) -> Self {
        let (agents, sink) = (BTreeMap::new(), OtlpSink::new());
        Self { kubelets, cluster_name: cluster_name.to_owned(), settings, agents, sink }
    }

    /// Which metrics there are, unless somebody wants others: as in all environments.
    pub fn usual_settings() -> HostMetricsSettings {
        serde_yaml::from_str(SETTINGS).expect("a test reads the fragment")
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.kubelets.now()
    }

    /// What all agents measure at `at`, in parts. A node that is lost has none that could.
    pub fn measure(&mut self, at: Timestamp, mut part: impl FnMut(Scrape)) {
        let Self { kubelets, cluster_name, settings, agents, sink } = self;
        let names = kubelets.node_names();
        agents.retain(|name, _| names.binary_search(name).is_ok());
        for names in names.chunks(TOGETHER) {
            for name in names {
                let Some(host) = kubelets.host(name, at) else { continue };
                let agent = agents
                    .entry(name.clone())
                    .or_insert_with(|| HostMetricsReceiver::new(name, cluster_name, settings));
                agent.scrape(&host, at, sink);
            }
            part(sink.take());
        }
    }
}

/// The first multiple of `interval` since the epoch that is after `now`: where all environments measure.
pub fn next_round(now: Timestamp, interval: SignedDuration) -> Timestamp {
    let step = interval.as_secs().max(1);
    let next = (now.as_second().div_euclid(step) + 1) * step;
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_fragment_can_be_read() {
        let kubelets = Arc::new(ClusterKubelets::new(Arc::new(|| Timestamp::UNIX_EPOCH)));
        let mut agents = HostAgents::new(kubelets, "kwok", HostAgents::usual_settings());
        agents.measure(Timestamp::UNIX_EPOCH, |_| panic!("a cluster without nodes has no agents"));
    }

    #[test]
    fn rounds_are_at_multiples_of_the_interval() {
        for (now, interval, next) in
            [("12:00:01", 15, "12:00:15"), ("12:00:15", 15, "12:00:30"), ("12:00:14.9", 60, "12:01:00")]
        {
            let time = |time: &str| format!("2026-03-14T{time}Z").parse::<Timestamp>().unwrap();
            assert_eq!(next_round(time(now), SignedDuration::from_secs(interval)), time(next), "{now}");
        }
    }
}
