//! One simulated cluster and the receivers that look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use cluster_sim::{ClusterObjects, Manifests, Simulation, SimulationError, SimulationOptions};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Node;
use receivers::{ClusterView, HostMetricsReceiver, K8sClusterReceiver, KubeletStatsReceiver, PodMetadata};

use crate::cluster::{Cluster, Snapshot, answers};
use crate::collector::CollectorSettings;

/// A node is lost for minutes. Whoever begins while one is looks back so many scrapes for the last one that it answered.
const LOOK_BACK: usize = 60;

/// A simulated cluster with its collector.
pub(crate) struct SimulatedCluster {
    name: String,
    simulation: Simulation,
    snapshot: Arc<Snapshot>,
    shown: Cluster,
    collector: Arc<CollectorSettings>,
    /// Since when the collector runs.
    started: Timestamp,
    nodes: BTreeMap<String, NodeReceivers>,
    pods: PodMetadata,
    k8s_cluster: K8sClusterReceiver,
}

/// What receiver_creator makes for each node, and the agent on it.
struct NodeReceivers {
    kubelet: KubeletStatsReceiver,
    host: HostMetricsReceiver,
}

impl SimulatedCluster {
    pub(crate) fn new(
        name: &str,
        manifests: &Manifests,
        fleet: &SimulationOptions,
        collector: &Arc<CollectorSettings>,
    ) -> Result<Self, SimulationError> {
        let simulation = Simulation::new(manifests, fleet)?;
        // The collector is as old as the fleet, so that its start timestamps do not depend on when we begin.
        let started = simulation.epoch();
        Ok(Self {
            name: name.to_owned(),
            simulation,
            snapshot: Arc::default(),
            shown: Cluster::new(name),
            collector: Arc::clone(collector),
            started,
            nodes: BTreeMap::new(),
            pods: PodMetadata::new(),
            k8s_cluster: K8sClusterReceiver::new(name, &collector.k8s_cluster, started),
        })
    }

    /// The cluster as it was at the latest scrape, for other threads.
    pub(crate) fn shown(&self) -> &Cluster {
        &self.shown
    }

    /// The simulation behind it.
    pub(crate) fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }

    /// Shows the receivers the scrape before the `first` one and keeps nothing of it: those that send differences then
    /// send from the first scrape on what they would have sent had they always run. A node that is lost just then is
    /// shown as it last answered.
    pub(crate) fn prime(
        &mut self,
        first: Timestamp,
        interval: SignedDuration,
    ) -> Result<(), SimulationError> {
        // Forwards: the simulation keeps what it found out about what came before.
        for (at, nodes) in self.last_answers(first, interval)? {
            self.look(at)?;
            for name in nodes {
                if let Some(node) = self.nodes.get_mut(&name) {
                    node.scrape(&name, &self.snapshot, &self.pods, at, &mut Nowhere);
                }
            }
        }
        Ok(())
    }

    /// The latest scrape before the `first` one that each node answered, in order.
    fn last_answers(
        &mut self,
        first: Timestamp,
        interval: SignedDuration,
    ) -> Result<BTreeMap<Timestamp, Vec<String>>, SimulationError> {
        // The first scrape itself must be possible.
        self.simulation.at(first)?;
        let mut found = BTreeMap::new();
        let mut silent: Option<BTreeSet<String>> = None;
        let mut at = first;
        for _ in 0..LOOK_BACK {
            at = match at.checked_sub(interval) {
                Ok(earlier) if earlier >= self.started => earlier,
                // Nobody can have looked before the beginning.
                _ => break,
            };
            let objects = self.simulation.at(at)?;
            let names = objects.nodes.iter().filter_map(|node| Some((node, node.metadata.name.as_ref()?)));
            let asked = names.filter(|(_, name)| silent.as_ref().is_none_or(|silent| silent.contains(*name)));
            let (answering, lost): (Vec<_>, Vec<_>) = asked.partition(|(node, _)| answers(node));
            found.insert(at, answering.into_iter().map(|(_, name)| name.clone()).collect());
            if lost.is_empty() {
                break;
            }
            silent = Some(lost.into_iter().map(|(_, name)| name.clone()).collect());
        }
        Ok(found)
    }

    /// Makes one scrape with all receivers.
    pub(crate) fn scrape(&mut self, at: Timestamp, sink: &mut dyn Sink) -> Result<(), SimulationError> {
        self.look(at)?;
        for (name, node) in &mut self.nodes {
            node.scrape(name, &self.snapshot, &self.pods, at, sink);
        }
        self.k8s_cluster.collect(view(self.snapshot.objects()), at, sink);
        Ok(())
    }

    /// Brings the snapshot to `at`.
    fn look(&mut self, at: Timestamp) -> Result<(), SimulationError> {
        let objects = self.simulation.at(at)?;
        if !Arc::ptr_eq(&objects, self.snapshot.objects()) {
            let simulation = &mut self.simulation;
            let departed = |node: &str| simulation.departed(node).cloned().unwrap_or_default();
            self.snapshot = Arc::new(Snapshot::new(objects, departed));
            self.shown.replace(Arc::clone(&self.snapshot));
            let objects = self.snapshot.objects();
            self.pods.update(&objects.pods);
            self.pods.update_claims(&objects.persistent_volume_claims, &objects.persistent_volumes);
            self.match_nodes();
        }
        Ok(())
    }

    /// Receivers for each node there is, as receiver_creator keeps them.
    fn match_nodes(&mut self) {
        let Self { nodes, snapshot, .. } = self;
        nodes.retain(|name, _| snapshot.node(name).is_some());
        for node in &snapshot.objects().nodes {
            let Some(name) = &node.metadata.name else { continue };
            if !self.nodes.contains_key(name) {
                let receivers = NodeReceivers::new(name, node, &self.name, &self.collector, self.started);
                self.nodes.insert(name.clone(), receivers);
            }
        }
    }
}

impl NodeReceivers {
    fn new(
        name: &str,
        node: &Node,
        cluster: &str,
        collector: &CollectorSettings,
        started: Timestamp,
    ) -> Self {
        let uid = node.metadata.uid.as_deref().unwrap_or_default();
        let mut kubelet = KubeletStatsReceiver::new(name, uid, cluster, &collector.kubelet_stats, started);
        kubelet.observe_node(node);
        Self { kubelet, host: HostMetricsReceiver::new(name, cluster, &collector.host_metrics) }
    }

    /// Scrapes a node that answers.
    fn scrape(
        &mut self,
        name: &str,
        snapshot: &Snapshot,
        pods: &PodMetadata,
        at: Timestamp,
        sink: &mut dyn Sink,
    ) {
        if let Some((summary, host)) = snapshot.summary_and_host(name, at) {
            self.kubelet.scrape(&summary, at, pods, sink);
            self.host.scrape(&host, at, sink);
        }
    }
}

/// The kinds that k8s_cluster watches.
fn view(objects: &ClusterObjects) -> ClusterView<'_> {
    ClusterView {
        pods: &objects.pods,
        nodes: &objects.nodes,
        namespaces: &objects.namespaces,
        deployments: &objects.deployments,
        replica_sets: &objects.replica_sets,
        stateful_sets: &objects.stateful_sets,
        daemon_sets: &objects.daemon_sets,
        replication_controllers: &objects.replication_controllers,
        jobs: &objects.jobs,
        cron_jobs: &objects.cron_jobs,
        horizontal_pod_autoscalers: &objects.horizontal_pod_autoscalers,
        resource_quotas: &objects.resource_quotas,
        persistent_volumes: &objects.persistent_volumes,
        persistent_volume_claims: &objects.persistent_volume_claims,
        services: &objects.services,
        endpoint_slices: &objects.endpoint_slices,
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &Resource, _: &'static MetricDef, _: &[Attribute<'_>], _: Point) {}
}
