//! The environment and its passage of time.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use cluster_sim::{ClusterObjects, Manifests, Simulation, SimulationError, SimulationOptions};
use jiff::{SignedDuration, Timestamp};
use prometheus_server::StoreSink;
use receivers::{
    ClusterView, K8sClusterReceiver, K8sClusterSettings, KubeletStatsReceiver, KubeletStatsSettings,
    PodMetadata,
};
use tsdb::Store;

use crate::cluster::{Cluster, Snapshot};

/// What an environment is made of.
#[derive(Clone, Debug)]
pub struct EnvironmentOptions {
    /// How large the fleet is, and which one.
    pub fleet: SimulationOptions,
    /// `k8s.cluster.name` on every series.
    pub cluster_name: String,
    /// The time between two scrapes: whole seconds, at least one.
    pub interval: SignedDuration,
    /// What the store keeps and accepts.
    pub store: tsdb::Options,
}

/// Why there is no such environment, or why it cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The fleet cannot be.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// Kubelets stamp their samples to the whole second.
    #[error("the interval must be a whole number of seconds, at least 1")]
    Interval,
    /// The instant is outside of the calendar.
    #[error("the time is out of range: {0}")]
    Time(jiff::Error),
}

/// What happened during an [`Environment::advance`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrapes {
    /// How often all receivers were asked.
    pub rounds: u64,
    /// Samples that the receivers sent.
    pub samples: u64,
    /// How many of them the store refused. Always 0 unless somebody else writes to the same series.
    pub refused: u64,
}

/// A simulated cluster, its collector and its store.
pub struct Environment {
    simulation: Simulation,
    snapshot: Arc<Snapshot>,
    cluster: Cluster,
    kubelets: BTreeMap<String, KubeletStatsReceiver>,
    pods: PodMetadata,
    k8s_cluster: K8sClusterReceiver,
    cluster_name: String,
    started: Timestamp,
    sink: CountingSink,
    store: Arc<Store>,
    interval: SignedDuration,
    next: Timestamp,
}

impl Environment {
    /// An environment whose first scrape is the first due one at or after `start`. Nothing is stored before
    /// [`Environment::advance`].
    ///
    /// # Errors
    /// See [`EnvironmentError`]; for example when `start` is before the fleet's epoch.
    pub fn new(
        manifests: &Manifests,
        options: &EnvironmentOptions,
        start: Timestamp,
    ) -> Result<Self, EnvironmentError> {
        let interval = options.interval;
        if interval < SignedDuration::from_secs(1) || interval.subsec_nanos() != 0 {
            return Err(EnvironmentError::Interval);
        }
        let next = first_due(start, interval)?;
        let store = Arc::new(Store::new(options.store.clone()));
        let simulation = Simulation::new(manifests, &options.fleet)?;
        // The collector is as old as the fleet, so that its start timestamps do not depend on when we begin.
        let started = simulation.epoch();
        let mut environment = Self {
            simulation,
            snapshot: Arc::default(),
            cluster: Cluster::default(),
            kubelets: BTreeMap::new(),
            pods: PodMetadata::new(),
            k8s_cluster: K8sClusterReceiver::new(
                &options.cluster_name,
                &K8sClusterSettings::for_dashboards(),
                started,
            ),
            cluster_name: options.cluster_name.clone(),
            started,
            sink: CountingSink {
                inner: StoreSink::new(
                    Arc::clone(&store),
                    catalogue::prometheus::promoted().map(str::to_owned),
                ),
                samples: 0,
            },
            store,
            interval,
            next,
        };
        environment.prime(next)?;
        Ok(environment)
    }

    /// Makes every scrape that is due up to and including `to`. Going back in time does nothing.
    ///
    /// # Errors
    /// When the simulation has no such instant.
    pub fn advance(&mut self, to: Timestamp) -> Result<Scrapes, EnvironmentError> {
        let samples_before = self.sink.samples;
        let mut rounds = 0;
        while self.next <= to {
            let at = self.next;
            self.look(at)?;
            self.scrape(at);
            self.next = at.checked_add(self.interval).map_err(EnvironmentError::Time)?;
            rounds += 1;
        }
        let refused = self.sink.inner.take_report().refused();
        Ok(Scrapes { rounds, samples: self.sink.samples - samples_before, refused })
    }

    /// When the next scrape is due.
    pub fn next_scrape(&self) -> Timestamp {
        self.next
    }

    /// The store that the scrapes go to.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The cluster as it was at the latest scrape, for other threads.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Shows the receivers the scrape before the first one and keeps nothing of it: those that compute differences then
    /// send from the first scrape on what they would have sent had they always run.
    fn prime(&mut self, first: Timestamp) -> Result<(), EnvironmentError> {
        let before = first.checked_sub(self.interval).map_err(EnvironmentError::Time)?;
        self.look(before)?;
        scrape_kubelets(&mut self.kubelets, &self.snapshot, &self.pods, before, &mut Nowhere);
        Ok(())
    }

    /// Brings the snapshot to `at`.
    fn look(&mut self, at: Timestamp) -> Result<(), EnvironmentError> {
        let objects = self.simulation.at(at)?;
        if !Arc::ptr_eq(&objects, self.snapshot.objects()) {
            self.snapshot = Arc::new(Snapshot::new(objects));
            self.cluster.replace(Arc::clone(&self.snapshot));
            self.pods.update(&self.snapshot.objects().pods);
            self.match_kubelets();
        }
        Ok(())
    }

    /// One receiver for each node there is, as receiver_creator keeps them.
    fn match_kubelets(&mut self) {
        let Self { kubelets, snapshot, cluster_name, started, .. } = self;
        kubelets.retain(|name, _| snapshot.node(name).is_some());
        for name in snapshot.node_names() {
            if !kubelets.contains_key(name)
                && let Some(node) = snapshot.node(name)
            {
                let uid = node.metadata.uid.as_deref().unwrap_or_default();
                let settings = KubeletStatsSettings::default();
                let receiver = KubeletStatsReceiver::new(name, uid, cluster_name, &settings, *started);
                kubelets.insert(name.to_owned(), receiver);
            }
        }
    }

    fn scrape(&mut self, at: Timestamp) {
        let Self { kubelets, snapshot, pods, k8s_cluster, sink, .. } = self;
        scrape_kubelets(kubelets, snapshot, pods, at, sink);
        k8s_cluster.collect(view(snapshot.objects()), at, sink);
    }
}

fn scrape_kubelets(
    kubelets: &mut BTreeMap<String, KubeletStatsReceiver>,
    snapshot: &Snapshot,
    pods: &PodMetadata,
    at: Timestamp,
    sink: &mut dyn Sink,
) {
    for (name, receiver) in kubelets {
        if let Some(summary) = snapshot.summary(name, at) {
            receiver.scrape(&summary, at, pods, sink);
        }
    }
}

/// The first multiple of `interval` since the Unix epoch at or after `start`.
fn first_due(start: Timestamp, interval: SignedDuration) -> Result<Timestamp, EnvironmentError> {
    let step = interval.as_secs();
    let since_epoch = start.as_duration();
    let whole = since_epoch.as_secs() + i64::from(since_epoch.subsec_nanos() > 0);
    let due = whole.div_euclid(step) + i64::from(whole.rem_euclid(step) > 0);
    Timestamp::from_second(due * step).map_err(EnvironmentError::Time)
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
        endpoint_slices: &[],
    }
}

/// Counts what passes through.
struct CountingSink {
    inner: StoreSink,
    samples: u64,
}

impl Sink for CountingSink {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        self.samples += 1;
        self.inner.record(resource, metric, attributes, point);
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &Resource, _: &'static MetricDef, _: &[Attribute<'_>], _: Point) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapes_are_due_at_multiples_of_the_interval_whenever_the_start_is() {
        for (start, seconds, due) in [
            ("2026-11-23T12:00:00Z", 15, "2026-11-23T12:00:00Z"),
            ("2026-11-23T12:00:00.001Z", 15, "2026-11-23T12:00:15Z"),
            ("2026-11-23T12:00:14.999Z", 15, "2026-11-23T12:00:15Z"),
            ("1969-12-31T23:59:59Z", 60, "1970-01-01T00:00:00Z"),
        ] {
            let interval = SignedDuration::from_secs(seconds);
            let first = first_due(start.parse().unwrap(), interval).unwrap();
            assert_eq!(first, due.parse::<Timestamp>().unwrap(), "{start}");
        }
    }
}
