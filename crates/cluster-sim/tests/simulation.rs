//! The simulated cluster as others see it: exact numbers, consistent objects, a pure function of time.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use cluster_sim::{ClusterObjects, Simulation, SimulationError, SimulationOptions};
use common::{after, shipped, simulation, snapshot, trees};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::Value;

const SIZES: [(usize, usize); 12] = [
    (50, 200),
    (1, 0),
    (1, 1),
    (1, 110),
    (2, 7),
    (3, 330),
    (50, 0),
    (50, 5),
    (50, 40),
    (50, 5_500),
    (200, 800),
    (1_000, 10_000),
];

#[test]
fn there_are_exactly_as_many_nodes_and_pods_as_asked_for() {
    for (nodes, pods) in SIZES {
        let objects = snapshot(nodes, pods, 1);
        assert_eq!((objects.nodes.len(), objects.pods.len()), (nodes, pods));
        // Everything in the shipped files finds a node at any density.
        let pending = objects.pods.iter().filter(|pod| phase(pod) != "Running").count();
        assert_eq!(pending, 0, "{nodes} nodes, {pods} pods");
    }
}

#[test]
fn at_the_files_own_size_every_number_is_the_files_own() {
    let objects = snapshot(50, 200, 1);
    let mut by_namespace = BTreeMap::new();
    for pod in &objects.pods {
        *by_namespace.entry(pod.metadata.namespace.as_deref().unwrap()).or_insert(0) += 1;
    }
    // As the head of workloads.yaml says.
    let expected = [
        ("kube-system", 24),
        ("logistics", 35),
        ("monitoring", 10),
        ("payments", 26),
        ("sandbox", 53),
        ("shop", 52),
    ];
    assert_eq!(by_namespace, BTreeMap::from(expected));
    let zones: BTreeSet<_> = objects
        .nodes
        .iter()
        .map(|node| label(&node.metadata.labels, "topology.kubernetes.io/zone"))
        .collect();
    assert_eq!(zones.len(), 3);
    for deployment in &objects.deployments {
        let annotations = deployment.metadata.annotations.as_ref().unwrap();
        assert!(annotations.contains_key("deployment.kubernetes.io/revision"));
    }
    let storefront =
        objects.deployments.iter().find(|d| d.metadata.name.as_deref() == Some("storefront")).unwrap();
    assert_eq!(storefront.spec.as_ref().unwrap().replicas, Some(16));
}

#[test]
fn a_larger_fleet_only_adds() {
    let (small, large) = (snapshot(50, 200, 1), snapshot(60, 260, 1));
    let names = |objects: &ClusterObjects| {
        let nodes = objects.nodes.iter().map(|node| node.metadata.uid.clone().unwrap());
        nodes.chain(objects.pods.iter().map(|pod| pod.metadata.uid.clone().unwrap())).collect::<HashSet<_>>()
    };
    assert!(names(&small).is_subset(&names(&large)));
}

#[test]
fn impossible_numbers_are_errors_that_name_the_limit() {
    let manifests = shipped();
    let error =
        |nodes, pods| Simulation::new(&manifests, &SimulationOptions { nodes, pods, seed: 1 }).unwrap_err();
    assert_eq!(error(0, 0), SimulationError::NoNodes);
    let too_many = error(50, 5_501);
    assert_eq!(too_many.to_string(), "5501 pods do not fit on 50 nodes: at most 5500, 110 on each");
    assert!(matches!(error(50, usize::MAX), SimulationError::TooManyPods { limit: 5_500, .. }));
    assert!(matches!(error(usize::MAX, usize::MAX), SimulationError::TooManyNodes { .. }));
}

#[test]
fn no_two_objects_share_a_uid_or_a_name() {
    for (nodes, pods) in [(50, 200), (3, 330), (1_000, 10_000)] {
        let trees = trees(&snapshot(nodes, pods, 1));
        let mut uids = HashSet::new();
        let mut names = HashSet::new();
        for tree in &trees {
            let metadata = &tree["metadata"];
            assert!(uids.insert(metadata["uid"].as_str().unwrap().to_owned()), "{metadata}");
            let name = format!("{} {}/{}", tree["kind"], metadata["namespace"], metadata["name"]);
            assert!(names.insert(name.clone()), "{name}");
            let name = metadata["name"].as_str().unwrap();
            assert!(
                name.len() <= 63
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
    }
}

#[test]
fn every_owner_exists_and_is_older() {
    let trees = trees(&snapshot(50, 200, 1));
    let by_uid: HashMap<&str, &Value> =
        trees.iter().map(|tree| (tree["metadata"]["uid"].as_str().unwrap(), tree)).collect();
    let mut owned = BTreeMap::new();
    for tree in &trees {
        for reference in tree["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let owner = by_uid[reference["uid"].as_str().unwrap()];
            for field in ["kind", "apiVersion"] {
                assert_eq!(reference[field], owner[field]);
            }
            assert_eq!(reference["name"], owner["metadata"]["name"]);
            assert_eq!(tree["metadata"]["namespace"], owner["metadata"]["namespace"]);
            assert_eq!(
                (&reference["controller"], &reference["blockOwnerDeletion"]),
                (&true.into(), &true.into())
            );
            assert!(
                owner["metadata"]["creationTimestamp"].as_str()
                    <= tree["metadata"]["creationTimestamp"].as_str()
            );
            *owned.entry((owner["kind"].as_str().unwrap(), tree["kind"].as_str().unwrap())).or_insert(0) += 1;
        }
    }
    let kinds: Vec<_> = owned.keys().copied().collect();
    assert_eq!(
        kinds,
        [("DaemonSet", "Pod"), ("Deployment", "ReplicaSet"), ("ReplicaSet", "Pod"), ("StatefulSet", "Pod")]
    );
}

#[test]
fn what_controllers_count_is_what_there_is() {
    for (nodes, pods) in SIZES {
        let objects = snapshot(nodes, pods, 3);
        let mut owned = HashMap::<String, i32>::new();
        for pod in &objects.pods {
            if let Some(owner) = pod.metadata.owner_references.iter().flatten().next() {
                *owned.entry(owner.uid.clone()).or_default() += i32::from(is_ready(pod));
            }
        }
        let mut ready = |uid: &Option<String>| owned.remove(uid.as_ref().unwrap()).unwrap_or(0);
        for set in &objects.replica_sets {
            let (spec, status) = (set.spec.as_ref().unwrap(), set.status.as_ref().unwrap());
            let count = ready(&set.metadata.uid);
            assert_eq!(
                (spec.replicas, status.replicas, status.ready_replicas.unwrap_or(0)),
                (Some(count), count, count)
            );
        }
        for set in &objects.stateful_sets {
            let (spec, status) = (set.spec.as_ref().unwrap(), set.status.as_ref().unwrap());
            let count = ready(&set.metadata.uid);
            assert_eq!(
                (spec.replicas, status.replicas, status.ready_replicas.unwrap_or(0)),
                (Some(count), count, count)
            );
        }
        for set in &objects.daemon_sets {
            let status = set.status.as_ref().unwrap();
            let count = ready(&set.metadata.uid);
            assert_eq!(
                (status.desired_number_scheduled, status.current_number_scheduled, status.number_ready),
                (count, count, count)
            );
        }
        for deployment in &objects.deployments {
            let set = objects.replica_sets.iter().find(|set| {
                set.metadata
                    .owner_references
                    .iter()
                    .flatten()
                    .any(|owner| Some(&owner.uid) == deployment.metadata.uid.as_ref())
            });
            let (spec, status) = (deployment.spec.as_ref().unwrap(), deployment.status.as_ref().unwrap());
            assert_eq!(spec.replicas, set.unwrap().spec.as_ref().unwrap().replicas);
            assert_eq!(spec.replicas.unwrap(), status.available_replicas.unwrap_or(0));
        }
        assert!(owned.is_empty(), "pods of unknown owners: {owned:?}");
    }
}

#[test]
fn pods_are_where_they_may_be() {
    for (nodes, pods) in SIZES {
        let objects = snapshot(nodes, pods, 1);
        let mut addresses = HashSet::new();
        let mut on_node = HashMap::<&str, Vec<&Arc<Pod>>>::new();
        for pod in &objects.pods {
            let (spec, status) = (pod.spec.as_ref().unwrap(), pod.status.as_ref().unwrap());
            on_node.entry(spec.node_name.as_deref().unwrap()).or_default().push(pod);
            if spec.host_network == Some(true) {
                assert_eq!(status.pod_ip, status.host_ip);
            } else {
                assert!(
                    addresses.insert(status.pod_ip.clone().unwrap()),
                    "two pods have {:?}",
                    status.pod_ip
                );
            }
        }
        for node in &objects.nodes {
            let pods = on_node.remove(node.metadata.name.as_deref().unwrap()).unwrap_or_default();
            assert!(pods.len() <= 110);
            let allocatable = node.status.as_ref().unwrap().allocatable.as_ref().unwrap();
            let requested: i64 = pods.iter().map(|pod| millicores(pod)).sum();
            assert!(requested <= kubelet_stats::Quantity::try_from(&allocatable["cpu"]).unwrap().millis());
            for pod in pods {
                for (key, value) in pod.spec.as_ref().unwrap().node_selector.iter().flatten() {
                    assert_eq!(label(&node.metadata.labels, key), Some(value));
                }
                let zone = label(&node.metadata.labels, "topology.kubernetes.io/zone");
                assert_eq!(label(&pod.metadata.labels, "topology.kubernetes.io/zone"), zone);
            }
        }
        assert!(on_node.is_empty(), "pods on unknown nodes");
    }
}

#[test]
fn pods_of_a_workload_are_spread_over_zones() {
    let objects = snapshot(50, 200, 1);
    let mut zones = BTreeMap::<String, BTreeMap<&String, i32>>::new();
    for pod in &objects.pods {
        let name = label(&pod.metadata.labels, "app.kubernetes.io/name").unwrap().clone();
        let zone = label(&pod.metadata.labels, "topology.kubernetes.io/zone").unwrap();
        *zones.entry(name).or_default().entry(zone).or_insert(0) += 1;
    }
    for (name, zones) in zones.iter().filter(|(name, _)| !["ingress", "log-agent"].contains(&name.as_str())) {
        let total: i32 = zones.values().sum();
        let (least, most) =
            (if zones.len() < 3 { 0 } else { *zones.values().min().unwrap() }, zones.values().max().unwrap());
        assert!(most - least <= 1, "{name}: {total} pods, {zones:?}");
    }
}

#[test]
fn one_seed_is_one_fleet_and_another_seed_another_one() {
    assert_eq!(snapshot(50, 200, 7), snapshot(50, 200, 7));
    let uids = |seed| {
        let trees = trees(&snapshot(50, 200, seed));
        trees.iter().map(|tree| tree["metadata"]["uid"].as_str().unwrap().to_owned()).collect::<HashSet<_>>()
    };
    assert!(uids(1).is_disjoint(&uids(2)));
    assert_ne!(simulation(1, 1, 1).epoch(), simulation(1, 1, 2).epoch());
}

#[test]
fn an_instant_before_the_epoch_is_an_error_that_names_the_epoch() {
    let mut simulation = simulation(1, 1, 1);
    let epoch = simulation.epoch();
    let too_early = epoch - SignedDuration::from_millis(1);
    let error = simulation.at(too_early).unwrap_err();
    assert!(error.to_string().contains(&epoch.to_string()), "{error}");
    assert!(simulation.at(epoch).is_ok());
}

#[test]
fn an_instant_is_answered_alike_whatever_was_asked_before() {
    let hours = [0, 1, 5, 100, 101, 2_000, 9_000];
    let mut forwards = simulation(50, 200, 1);
    let mut backwards = simulation(50, 200, 1);
    let answers: Vec<_> = hours.map(|hours| forwards.at(after(&forwards, hours)).unwrap()).into();
    for (hours, answer) in hours.iter().zip(&answers).rev() {
        let again = backwards.at(after(&backwards, *hours)).unwrap();
        assert_eq!(&again, answer);
        let mut fresh = simulation(50, 200, 1);
        assert_eq!(&fresh.at(after(&fresh, *hours)).unwrap(), answer);
    }
    assert!(answers.windows(2).any(|pair| pair[0] != pair[1]), "something happens within these hours");
}

#[test]
fn an_object_is_the_same_arc_and_resource_version_exactly_as_long_as_it_does_not_change() {
    let mut simulation = simulation(50, 200, 1);
    let mut before = simulation.at(simulation.epoch()).unwrap();
    let mut changes = 0;
    for minute in 1..24 * 60 {
        let now = simulation.at(simulation.epoch() + SignedDuration::from_mins(minute)).unwrap();
        if Arc::ptr_eq(&before, &now) {
            continue;
        }
        let old: HashMap<_, _> = before.pods.iter().map(|pod| (pod.metadata.uid.clone(), pod)).collect();
        for pod in &now.pods {
            let Some(old) = old.get(&pod.metadata.uid) else { continue };
            if Arc::ptr_eq(old, pod) {
                continue;
            }
            changes += 1;
            assert_ne!(old.metadata.resource_version, pod.metadata.resource_version);
            let mut same_version = Pod::clone(pod);
            same_version.metadata.resource_version.clone_from(&old.metadata.resource_version);
            assert_ne!(***old, same_version, "a new version of an unchanged object");
        }
        assert!(Arc::ptr_eq(&before.nodes[0], &now.nodes[0]));
        before = now;
    }
    assert!(changes > 50, "only {changes} changes of pods in a day");
}

#[test]
fn containers_whose_memory_grows_are_killed_and_started_again() {
    let mut simulation = simulation(50, 200, 1);
    let at = after(&simulation, 30);
    let objects = simulation.at(at).unwrap();
    let mut restarted = 0;
    for pod in &objects.pods {
        let (spec, status) = (pod.spec.as_ref().unwrap(), pod.status.as_ref().unwrap());
        for (container, status) in spec.containers.iter().zip(status.container_statuses.iter().flatten()) {
            let started =
                status.state.as_ref().unwrap().running.as_ref().unwrap().started_at.as_ref().unwrap().0;
            let pod_started = pod.status.as_ref().unwrap().start_time.as_ref().unwrap().0;
            let Some(period) = kubelet_stats::restart_period(pod, &container.name) else {
                assert_eq!((status.restart_count, started), (0, pod_started));
                continue;
            };
            restarted += 1;
            let period = i64::try_from(period.as_secs()).unwrap();
            assert_eq!(
                started.as_second(),
                pod_started.as_second() + i64::from(status.restart_count) * period
            );
            assert!((0..period).contains(&(at.as_second() - started.as_second())));
            let last = status.last_state.as_ref().unwrap().terminated.as_ref().unwrap();
            assert_eq!((last.exit_code, last.reason.as_deref()), (137, Some("OOMKilled")));
        }
    }
    assert!(restarted >= 10, "recommendations and warehouse-sync are ten pods");
}

#[test]
fn following_a_fleet_costs_next_to_nothing() {
    for (nodes, pods, bar) in [(50, 200, 0.2), (1_000, 10_000, 5.0)] {
        let mut simulation = simulation(nodes, pods, 1);
        let start = after(&simulation, 1);
        simulation.at(start).unwrap();
        let began = Instant::now();
        for tick in 0..240 {
            simulation.at(start + SignedDuration::from_secs(15 * tick)).unwrap();
        }
        let each = began.elapsed().as_secs_f64() * 1000.0 / 240.0;
        println!("{nodes} nodes, {pods} pods: {each:.3} ms a tick");
        // Room for a busy machine; the bar itself is printed above.
        assert!(each < 10.0 * bar, "{nodes} nodes, {pods} pods: {each} ms a tick");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_possible_size_is_met_exactly(nodes in 1_usize..120, share in 0_usize..=110, seed: u64) {
        let objects = snapshot(nodes, nodes * share, seed);
        prop_assert_eq!((objects.nodes.len(), objects.pods.len()), (nodes, nodes * share));
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| &status.conditions).flatten();
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn label<'a>(labels: &'a Option<BTreeMap<String, String>>, key: &str) -> Option<&'a String> {
    labels.as_ref()?.get(key)
}

fn millicores(pod: &Pod) -> i64 {
    let requests = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .filter_map(|container| container.resources.as_ref()?.requests.as_ref());
    requests
        .filter_map(|requests| requests.get("cpu"))
        .map(|cpu| kubelet_stats::Quantity::try_from(cpu).unwrap().millis())
        .sum()
}
