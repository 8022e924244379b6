//! What is kept of objects answers as the objects themselves do.

use std::path::Path;
use std::sync::Arc;

use cluster_sim::{ClusterObjects, Manifests, Simulation, SimulationOptions};
use embedded::Snapshot;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kubelet_stats::Departed;
use serde::de::DeserializeOwned;
use stats_proxy::KubeletSource as _;
use stats_proxy::cluster::ClusterKubelets;

/// The kubelets of these objects at an instant.
fn kubelets(
    nodes: &[Arc<Node>],
    pods: &[Arc<Pod>],
    claims: &[Arc<PersistentVolumeClaim>],
    at: Timestamp,
) -> ClusterKubelets {
    let kubelets = ClusterKubelets::new(Arc::new(move || at));
    // Pods first: what comes first must not matter.
    pods.iter().for_each(|pod| kubelets.put(Pod::clone(pod)));
    nodes.iter().for_each(|node| kubelets.put(Node::clone(node)));
    claims.iter().for_each(|claim| kubelets.put(PersistentVolumeClaim::clone(claim)));
    kubelets
}

fn manifests() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kwok");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    Manifests::parse(&files).unwrap()
}

/// The same summaries and host numbers, to the byte, as without an API server in between.
fn assert_same(objects: ClusterObjects, at: Timestamp) -> usize {
    let mut objects = objects;
    objects.pods.sort_by_key(|pod| (pod.metadata.namespace.clone(), pod.metadata.name.clone()));
    let kubelets = kubelets(&objects.nodes, &objects.pods, &objects.persistent_volume_claims, at);
    // What had ended when it was first seen belongs to the node's counters: the embedded cluster is told so, too.
    let ended = |node: &str| {
        let mut departed = Departed::default();
        for pod in &objects.pods {
            let status = pod.status.as_ref().unwrap();
            let bound = pod.spec.as_ref().unwrap().node_name.as_deref() == Some(node);
            if bound && matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
                let statuses = status.container_statuses.iter().flatten();
                let ends = statuses.filter_map(|status| {
                    Some(status.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()?.0)
                });
                departed.add(pod, ends.max().unwrap_or(at));
            }
        }
        departed
    };
    let snapshot = Snapshot::new(Arc::new(objects.clone()), ended);
    let mut same = 0;
    for node in snapshot.node_names() {
        let (expected, found) = (snapshot.summary(node, at), kubelets.summary(node));
        let bytes = |summary| serde_json::to_string_pretty(&summary).unwrap();
        similar_or_panic(node, &bytes(expected), &bytes(found));
        let host = snapshot.summary_and_host(node, at).map(|(_, host)| format!("{host:?}"));
        assert_eq!(kubelets.host(node, at).map(|host| format!("{host:?}")), host, "{node}");
        same += 1;
    }
    assert_eq!(kubelets.node_names(), snapshot.node_names().collect::<Vec<_>>());
    same
}

fn similar_or_panic(node: &str, expected: &str, found: &str) {
    if expected != found {
        let differs = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
        panic!("{node}: {differs:?}");
    }
}

#[test]
fn the_fleet_says_the_same_through_an_api_server() {
    let options = SimulationOptions { nodes: 50, pods: 200, seed: 1 };
    let mut simulation = Simulation::new(&manifests(), &options).unwrap();
    let start = simulation.epoch() + SignedDuration::from_hours(24 * 7);
    for minutes in [0, 7, 61] {
        let at = start + SignedDuration::from_mins(minutes);
        let objects = simulation.at(at).unwrap();
        assert_eq!(assert_same(ClusterObjects::clone(&objects), at), 50);
    }
}

fn golden<K: DeserializeOwned>(file: &str) -> Option<Vec<Arc<K>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden/objects").join(file);
    let text = std::fs::read_to_string(path).ok()?;
    let mut list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items: Vec<K> = serde_json::from_value(list["items"].take()).unwrap();
    Some(items.into_iter().map(Arc::new).collect())
}

#[test]
fn objects_of_a_real_api_server_say_the_same_through_the_watch() {
    let (Some(nodes), Some(pods), Some(persistent_volume_claims)) =
        (golden("nodes.json"), golden("pods.json"), golden("persistentvolumeclaims.json"))
    else {
        println!("skipped: ../shared/golden is not here");
        return;
    };
    let objects = ClusterObjects { nodes, pods, persistent_volume_claims, ..ClusterObjects::default() };
    assert_same(objects, "2026-11-23T12:00:00Z".parse().unwrap());
}
