//! The environment and its passage of time.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster_sim::{Manifests, Simulation, SimulationError, SimulationOptions};
use jiff::{SignedDuration, Timestamp};
use tsdb::Store;

use crate::cluster::Cluster;
use crate::collector::CollectorSettings;
use crate::simulated_cluster::SimulatedCluster;
use crate::sinks::{ScrapeSink, Sinks};

/// What an environment is made of.
#[derive(Clone, Debug)]
pub struct EnvironmentOptions {
    /// How large the fleet of each cluster is, and which one: the second cluster has the next seed, and so on.
    pub fleet: SimulationOptions,
    /// The clusters: `k8s.cluster.name` on their series.
    pub clusters: Vec<String>,
    /// What the receivers send.
    pub collector: CollectorSettings,
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
    /// Series of two clusters of one name could not be told apart.
    #[error("the clusters need a name each, all of them different")]
    ClusterNames,
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

/// Simulated clusters, their collectors and the store of them all.
pub struct Environment {
    clusters: Vec<SimulatedCluster>,
    sinks: Sinks,
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
        let interval = whole_seconds(options.interval)?;
        let next = first_due(start, interval)?;
        let clusters = clusters(manifests, options)?;
        let store = Arc::new(Store::new(options.store.clone()));
        let sinks = Sinks::new(Arc::clone(&store));
        let mut environment = Self { clusters, sinks, store, interval, next };
        for cluster in &mut environment.clusters {
            cluster.prime(next, interval)?;
        }
        Ok(environment)
    }

    /// Makes every scrape that is due up to and including `to`. Going back in time does nothing.
    ///
    /// # Errors
    /// When the simulation has no such instant.
    pub fn advance(&mut self, to: Timestamp) -> Result<Scrapes, EnvironmentError> {
        let samples_before = self.sinks.samples();
        let mut rounds = 0;
        while self.next <= to {
            let at = self.next;
            for cluster in &mut self.clusters {
                cluster.scrape(at, &mut self.sinks)?;
            }
            self.sinks.scraped();
            self.next = at.checked_add(self.interval).map_err(EnvironmentError::Time)?;
            rounds += 1;
        }
        let refused = self.sinks.take_report().refused();
        Ok(Scrapes { rounds, samples: self.sinks.samples() - samples_before, refused })
    }

    /// From now on, this is the time between two scrapes; the next one is due at the first multiple of it after the latest
    /// scrape.
    ///
    /// # Errors
    /// [`EnvironmentError::Interval`], as in [`Environment::new`].
    pub fn set_interval(&mut self, interval: SignedDuration) -> Result<(), EnvironmentError> {
        let interval = whole_seconds(interval)?;
        let second = SignedDuration::from_secs(1);
        let after_latest = self.next.checked_sub(self.interval).and_then(|latest| latest.checked_add(second));
        self.next = first_due(after_latest.map_err(EnvironmentError::Time)?, interval)?;
        self.interval = interval;
        Ok(())
    }

    /// From the next scrape on, `sink` gets what the store gets.
    pub fn also_send_to(&mut self, sink: Box<dyn ScrapeSink>) {
        self.sinks.add(sink);
    }

    /// When the next scrape is due.
    pub fn next_scrape(&self) -> Timestamp {
        self.next
    }

    /// The store that the scrapes go to.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The first of the [`Environment::clusters`].
    pub fn first_cluster(&self) -> &Cluster {
        // There is at least one: see `clusters()`.
        self.clusters[0].shown()
    }

    /// The clusters as they were at the latest scrape, for other threads; at least one.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.iter().map(SimulatedCluster::shown)
    }

    /// The simulation of the cluster of this name.
    pub fn simulation_mut(&mut self, cluster: &str) -> Option<&mut Simulation> {
        let found = self.clusters.iter_mut().find(|candidate| candidate.shown().name() == cluster);
        found.map(SimulatedCluster::simulation_mut)
    }
}

/// One cluster for each name.
fn clusters(
    manifests: &Manifests,
    options: &EnvironmentOptions,
) -> Result<Vec<SimulatedCluster>, EnvironmentError> {
    let names = &options.clusters;
    let different: BTreeSet<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() || different.len() != names.len() {
        return Err(EnvironmentError::ClusterNames);
    }
    let collector = Arc::new(options.collector.clone());
    let numbered = names.iter().zip(0..);
    let cluster = |(name, number): (&String, u64)| {
        let fleet =
            SimulationOptions { seed: options.fleet.seed.wrapping_add(number), ..options.fleet.clone() };
        SimulatedCluster::new(name, manifests, &fleet, &collector).map_err(EnvironmentError::from)
    };
    numbered.map(cluster).collect()
}

fn whole_seconds(interval: SignedDuration) -> Result<SignedDuration, EnvironmentError> {
    match interval {
        whole if whole >= SignedDuration::from_secs(1) && whole.subsec_nanos() == 0 => Ok(whole),
        _ => Err(EnvironmentError::Interval),
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
