//! What several tests need.
#![allow(dead_code, reason = "each test file is a crate of its own and uses a part")]

pub(crate) mod consistency;
pub(crate) mod usage;
pub(crate) mod versions;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use cluster_sim::{ClusterObjects, Manifests, Simulation, SimulationOptions};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of `deploy/kwok`: (name, text).
pub(crate) fn shipped_files() -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(root().join("deploy/kwok"))
        .expect("deploy/kwok is part of the repository")
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .filter(|(name, _)| name.ends_with(".yaml"))
        .collect();
    files.sort();
    files
}

pub(crate) fn shipped() -> Manifests {
    Manifests::parse(&shipped_files()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn simulation(nodes: usize, pods: usize, seed: u64) -> Simulation {
    // Reading the files takes longer than most of what is done with them.
    static MANIFESTS: LazyLock<Manifests> = LazyLock::new(shipped);
    let options = SimulationOptions { nodes, pods, seed };
    Simulation::new(&MANIFESTS, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// `hours` after the simulation's epoch.
pub(crate) fn after(simulation: &Simulation, hours: i64) -> Timestamp {
    simulation.epoch() + SignedDuration::from_hours(hours)
}

/// The shipped fleet, a day after its epoch.
pub(crate) fn snapshot(nodes: usize, pods: usize, seed: u64) -> Arc<ClusterObjects> {
    let mut simulation = simulation(nodes, pods, seed);
    let at = after(&simulation, 24);
    simulation.at(at).unwrap()
}

/// Every object of a snapshot as JSON.
pub(crate) fn trees(objects: &ClusterObjects) -> Vec<serde_json::Value> {
    fn of<T: Serialize>(objects: &[Arc<T>]) -> impl Iterator<Item = serde_json::Value> + '_ {
        objects.iter().map(|object| serde_json::to_value(&**object).unwrap())
    }
    of(&objects.namespaces)
        .chain(of(&objects.nodes))
        .chain(of(&objects.pods))
        .chain(of(&objects.deployments))
        .chain(of(&objects.replica_sets))
        .chain(of(&objects.stateful_sets))
        .chain(of(&objects.daemon_sets))
        .chain(of(&objects.jobs))
        .chain(of(&objects.cron_jobs))
        .chain(of(&objects.horizontal_pod_autoscalers))
        .chain(of(&objects.resource_quotas))
        .chain(of(&objects.replication_controllers))
        .chain(of(&objects.services))
        .chain(of(&objects.endpoint_slices))
        .chain(of(&objects.persistent_volumes))
        .chain(of(&objects.persistent_volume_claims))
        .collect()
}
