//! The simulated cluster as others see it: exact numbers, consistent objects, a pure function of time.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Instant;

use cluster_sim::{ClusterObjects, Simulation, SimulationError, SimulationOptions};
use common::consistency::{check, label, phase};
use common::{after, shipped, simulation, snapshot, trees};
use jiff::SignedDuration;
use proptest::prelude::*;

const SIZES: [(usize, usize); 12] = [
    (50, 200),
    (1, 0),
    (1, 1),
    (1, 60),
    (1, 110),
    (2, 7),
    (3, 330),
    (50, 0),
    (50, 5),
    (50, 40),
    (50, 5_500),
    (1_000, 10_000),
];

#[test]
fn at_any_size_there_are_exactly_as_many_nodes_and_pods_as_asked_for_and_all_agree() {
    for (nodes, pods) in SIZES {
        println!("{nodes} nodes, {pods} pods");
        check(&snapshot(nodes, pods, 1), nodes, pods);
    }
}

#[test]
fn pods_wait_only_where_they_are_meant_to() {
    for (nodes, pods) in [(50, 200), (200, 800), (1_000, 10_000)] {
        let mut waiting = BTreeMap::new();
        for pod in
            snapshot(nodes, pods, 1).pods.iter().filter(|pod| pod.status.as_ref().unwrap().pod_ip.is_none())
        {
            let name = label(&pod.metadata.labels, "app.kubernetes.io/name").unwrap().clone();
            let conditions = pod.status.as_ref().unwrap().conditions.clone().unwrap();
            if conditions[0].reason.as_deref() == Some("Unschedulable") {
                *waiting.entry(name).or_insert(0) += 1;
            }
        }
        // It wants a third graphics card of a node's two; there are more nodes with cards in a larger fleet.
        let expected =
            if nodes == 50 { BTreeMap::from([("image-search".to_owned(), 1)]) } else { BTreeMap::new() };
        assert_eq!(waiting, expected, "{nodes} nodes");
    }
    // Of a full cluster only what a taint or a cordon keeps free stays free.
    let full = snapshot(50, 5_500, 1);
    let bound = full.pods.iter().filter(|pod| pod.spec.as_ref().unwrap().node_name.is_some()).count();
    assert_eq!(bound, 48 * 110);
}

#[test]
fn at_the_files_own_size_every_number_is_the_files_own() {
    let objects = snapshot(50, 200, 1);
    let (mut by_namespace, mut moving) = (BTreeMap::new(), 0);
    for pod in &objects.pods {
        let name = label(&pod.metadata.labels, "app.kubernetes.io/name").unwrap();
        if ["storefront", "tracking", "payments-api", "overprovisioning"].contains(&name.as_str()) {
            moving += 1;
        } else {
            *by_namespace.entry(pod.metadata.namespace.as_deref().unwrap()).or_insert(0) += 1;
        }
    }
    // As the head of workloads.yaml says, without those that move.
    let expected = [
        ("kube-system", 33 - 10),
        ("logistics", 38 - 6),
        ("monitoring", 12),
        ("payments", 28 - 10),
        ("sandbox", 35),
        ("shop", 54 - 14),
    ];
    assert_eq!((by_namespace, moving), (BTreeMap::from(expected), 10 + 6 + 10 + 14));
    let zones: BTreeSet<_> = objects
        .nodes
        .iter()
        .map(|node| label(&node.metadata.labels, "topology.kubernetes.io/zone"))
        .collect();
    assert_eq!(zones.len(), 3);
}

#[test]
fn a_larger_fleet_only_adds() {
    // Pods are replaced now and then, in a larger fleet at other instants: not them, but what they belong to.
    let uids = |objects: &ClusterObjects| {
        let trees = trees(objects);
        let lasting = trees
            .iter()
            .filter(|tree| !["Pod", "Job", "ReplicaSet"].contains(&tree["kind"].as_str().unwrap()));
        lasting.map(|tree| tree["metadata"]["uid"].as_str().unwrap().to_owned()).collect::<HashSet<_>>()
    };
    let (small, large) = (snapshot(50, 200, 1), snapshot(60, 260, 1));
    assert!(uids(&small).is_subset(&uids(&large)));
    let seats = |objects: &ClusterObjects| {
        let named = objects.pods.iter().filter(|pod| pod.metadata.owner_references.is_none());
        named.map(|pod| pod.metadata.name.clone()).collect::<HashSet<_>>()
    };
    assert!(seats(&small).is_subset(&seats(&large)));
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
fn pods_of_a_workload_are_spread_over_zones() {
    let objects = snapshot(50, 200, 1);
    let mut zones = BTreeMap::<&String, BTreeMap<&String, i32>>::new();
    for pod in &objects.pods {
        let name = label(&pod.metadata.labels, "app.kubernetes.io/name").unwrap();
        if let Some(zone) = label(&pod.metadata.labels, "topology.kubernetes.io/zone") {
            *zones.entry(name).or_default().entry(zone).or_insert(0) += 1;
        }
    }
    let elsewhere = [
        "ingress",
        "log-agent",
        "image-search",
        "overprovisioning",
        "storefront",
        "tracking",
        "payments-api",
    ];
    for (name, zones) in zones.iter().filter(|(name, _)| !elsewhere.contains(&name.as_str())) {
        let least = if zones.len() < 3 { 0 } else { *zones.values().min().unwrap() };
        assert!(zones.values().max().unwrap() - least <= 1, "{name}: {zones:?}");
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
}

#[test]
fn parts_of_a_second_make_no_difference() {
    let mut simulation = simulation(50, 200, 1);
    let at = after(&simulation, 1);
    let whole = simulation.at(at).unwrap();
    assert!(Arc::ptr_eq(&whole, &simulation.at(at + SignedDuration::from_millis(999)).unwrap()));
}

#[test]
fn the_far_future_is_answered_too() {
    let mut simulation = simulation(50, 200, 1);
    for at in ["2126-01-01T00:00:00Z", "2526-12-31T00:00:00Z"] {
        check(&simulation.at(at.parse().unwrap()).unwrap(), 50, 200);
    }
}

#[test]
fn following_a_fleet_costs_little() {
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

#[test]
fn phases_of_every_kind_are_there() {
    let objects = snapshot(50, 200, 1);
    let phases: BTreeSet<_> = objects.pods.iter().map(|pod| phase(pod)).collect();
    assert_eq!(phases, BTreeSet::from(["Failed", "Pending", "Running", "Succeeded"]));
    let evicted =
        objects.pods.iter().filter(|pod| pod.status.as_ref().unwrap().reason.as_deref() == Some("Evicted"));
    assert_eq!(evicted.count(), 1);
    let waiting: BTreeSet<_> = objects
        .pods
        .iter()
        .flat_map(|pod| pod.status.as_ref().unwrap().container_statuses.iter().flatten())
        .filter_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone())
        .collect();
    assert!(waiting.contains("ImagePullBackOff"), "{waiting:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]
    #[test]
    fn any_possible_size_is_met_exactly(nodes in 1_usize..60, share in 0_usize..=110, rest in 0_usize..110, seed: u64) {
        let pods = (nodes * share).saturating_sub(rest);
        check(&snapshot(nodes, pods, seed), nodes, pods);
    }
}
