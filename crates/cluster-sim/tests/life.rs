//! A fleet over time: something happens, and everything agrees at every instant.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cluster_sim::{ClusterObjects, Simulation};
use common::consistency::{check, is_ready, label, phase};
use common::{after, simulation, trees, usage, versions};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use proptest::prelude::*;
use serde_json::Value;

fn seconds(number: i64) -> SignedDuration {
    SignedDuration::from_secs(number)
}

/// Every snapshot of a stretch of time, `step` seconds apart.
fn follow(
    simulation: &mut Simulation,
    from: Timestamp,
    hours: i64,
    step: i64,
) -> Vec<(Timestamp, Arc<ClusterObjects>)> {
    let instants = (0..hours * 3_600 / step).map(|number| from + seconds(number * step));
    instants.map(|at| (at, simulation.at(at).unwrap())).collect()
}

#[test]
fn all_agree_at_every_instant() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 7_000);
    let mut last = None::<Arc<ClusterObjects>>;
    for (_, objects) in follow(&mut simulation, start, 6, 1) {
        if last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &objects)) {
            check(&objects, 50, 200);
        }
        last = Some(objects);
    }
}

#[test]
fn every_hour_brings_a_rollout_a_scaling_a_run_a_restart_and_a_lost_node() {
    for seed in 1..4 {
        let mut simulation = simulation(50, 200, seed);
        for day in [1, 300] {
            for hour in 0..24 {
                let start = after(&simulation, 24 * day + hour);
                let hour_long = follow(&mut simulation, start, 1, 30);
                let seen = |what: &dyn Fn(&ClusterObjects) -> Value| {
                    hour_long
                        .iter()
                        .map(|(_, objects)| what(objects).to_string())
                        .collect::<BTreeSet<_>>()
                        .len()
                };
                let revisions = seen(&|objects| {
                    let cart = objects
                        .deployments
                        .iter()
                        .find(|d| d.metadata.name.as_deref() == Some("cart"))
                        .unwrap();
                    cart.metadata.annotations.as_ref().unwrap()["deployment.kubernetes.io/revision"]
                        .clone()
                        .into()
                });
                let replicas = seen(&|objects| {
                    let scalers = objects.horizontal_pod_autoscalers.iter();
                    scalers.map(|scaler| scaler.status.as_ref().unwrap().current_replicas).collect()
                });
                let jobs = seen(&|objects| {
                    let active =
                        objects.jobs.iter().filter(|job| job.status.as_ref().unwrap().active.is_some());
                    active.map(|job| job.metadata.name.clone()).collect()
                });
                let restarts = seen(&|objects| restarts(objects).into());
                let lost =
                    seen(&|objects| objects.nodes.iter().filter(|node| !node_is_ready(node)).count().into());
                let happened = [revisions, replicas, jobs, restarts, lost];
                assert!(
                    happened.iter().all(|seen| *seen > 1),
                    "seed {seed}, day {day}, hour {hour}: {happened:?}"
                );
            }
        }
    }
}

fn restarts(objects: &ClusterObjects) -> i32 {
    let statuses =
        objects.pods.iter().flat_map(|pod| &pod.status.as_ref().unwrap().container_statuses).flatten();
    statuses.map(|status| status.restart_count).sum()
}

fn node_is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().unwrap().conditions.as_ref().unwrap();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[test]
fn an_object_is_the_same_arc_exactly_as_long_as_its_resource_version_and_content() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 100);
    let changes = versions::check(&mut simulation, start, 4 * 3_600, false);
    println!("changes of objects in four hours: {changes:?}");
    for kind in [
        "Pod",
        "Node",
        "Deployment",
        "ReplicaSet",
        "HorizontalPodAutoscaler",
        "CronJob",
        "Job",
        "EndpointSlice",
    ] {
        assert!(changes.contains_key(kind), "no {kind} changed");
    }
}

#[test]
fn a_rollout_replaces_one_pod_after_the_other_and_keeps_two_old_replica_sets() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 50);
    let mut unavailable = BTreeSet::new();
    let mut shares = BTreeSet::new();
    for (_, objects) in follow(&mut simulation, start, 2, 1) {
        let cart = objects.deployments.iter().find(|d| d.metadata.name.as_deref() == Some("cart")).unwrap();
        let status = cart.status.as_ref().unwrap();
        assert_eq!(status.replicas, Some(6));
        unavailable.insert(status.unavailable_replicas.unwrap_or(0));
        let sets: Vec<i32> = objects
            .replica_sets
            .iter()
            .filter(|set| {
                set.metadata
                    .owner_references
                    .iter()
                    .flatten()
                    .any(|owner| Some(&owner.uid) == cart.metadata.uid.as_ref())
            })
            .map(|set| set.status.as_ref().unwrap().replicas)
            .collect();
        assert_eq!((sets.len(), sets[0], sets.iter().sum::<i32>()), (3, 0, 6));
        shares.insert(sets[2]);
    }
    // A pod may be away because its node is lost, too.
    assert!(unavailable.contains(&0) && unavailable.contains(&1), "{unavailable:?}");
    assert_eq!(shares, (1..=6).collect());
}

#[test]
fn containers_whose_memory_grows_are_killed_and_started_again() {
    let mut simulation = simulation(50, 200, 1);
    let at = after(&simulation, 30);
    let objects = simulation.at(at).unwrap();
    let mut restarted = 0;
    for pod in objects.pods.iter().filter(|pod| phase(pod) == "Running") {
        let (spec, status) = (pod.spec.as_ref().unwrap(), pod.status.as_ref().unwrap());
        let pod_started = status.start_time.as_ref().unwrap().0;
        for (container, status) in spec.containers.iter().zip(status.container_statuses.iter().flatten()) {
            let Some(period) = kubelet_stats::restart_period(pod, &container.name) else { continue };
            restarted += 1;
            let started =
                status.state.as_ref().unwrap().running.as_ref().unwrap().started_at.as_ref().unwrap().0;
            let period = i64::try_from(period.as_secs()).unwrap();
            assert_eq!(
                started.as_second(),
                pod_started.as_second() + i64::from(status.restart_count) * period
            );
            assert!((0..period).contains(&(at.as_second() - started.as_second())));
            if status.restart_count > 0 {
                let last = status.last_state.as_ref().unwrap().terminated.as_ref().unwrap();
                assert_eq!((last.exit_code, last.reason.as_deref()), (137, Some("OOMKilled")));
            }
        }
    }
    assert!(restarted >= 10, "recommendations and warehouse-sync are ten pods");
}

#[test]
fn a_crash_loop_counts_its_restarts() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 30);
    let (mut states, mut counts) = (BTreeSet::new(), BTreeSet::new());
    for (_, objects) in follow(&mut simulation, start, 1, 5) {
        let pod = named(&objects, "address-check");
        let status = &pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0];
        let state = status.state.as_ref().unwrap();
        let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
        assert_eq!((phase(pod), is_ready(pod)), ("Running", waiting.is_none()));
        states.insert(waiting);
        counts.insert(status.restart_count);
    }
    assert_eq!(states, BTreeSet::from([None, Some("CrashLoopBackOff".to_owned())]));
    assert!((10..=11).contains(&counts.len()), "every 350 s: {counts:?}");
}

fn named<'a>(objects: &'a ClusterObjects, app: &str) -> &'a Arc<Pod> {
    let of_app = |pod: &&Arc<Pod>| {
        label(&pod.metadata.labels, "app.kubernetes.io/name").is_some_and(|name| name == app)
    };
    objects.pods.iter().find(of_app).unwrap()
}

#[test]
fn a_lost_node_makes_its_pods_unready_and_comes_back() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 500);
    let snapshots = follow(&mut simulation, start, 3, 10);
    let mut lost_for = HashMap::<String, i64>::new();
    for (_, objects) in &snapshots {
        for node in objects.nodes.iter().filter(|node| !node_is_ready(node)) {
            let name = node.metadata.name.clone().unwrap();
            let taints: Vec<_> = node
                .spec
                .as_ref()
                .unwrap()
                .taints
                .iter()
                .flatten()
                .map(|taint| (&*taint.key, &*taint.effect))
                .collect();
            let unreachable = "node.kubernetes.io/unreachable";
            assert_eq!(taints, [(unreachable, "NoSchedule"), (unreachable, "NoExecute")]);
            for pod in
                objects.pods.iter().filter(|pod| pod.spec.as_ref().unwrap().node_name.as_ref() == Some(&name))
            {
                assert!(phase(pod) == "Succeeded" || !is_ready(pod));
            }
            *lost_for.entry(name).or_default() += 10;
        }
    }
    assert!(!lost_for.is_empty() && lost_for.values().all(|seconds| *seconds <= 250), "{lost_for:?}");
}

#[test]
fn a_nodes_own_counter_never_falls_but_at_its_boot_and_agrees_whenever_one_began_to_follow_it() {
    let (mut first, mut second) = (simulation(50, 200, 1), simulation(50, 200, 1));
    let start = after(&first, 24 * 40);
    let mut before = HashMap::<String, (String, u64)>::new();
    let mut boots = 0;
    for tick in 0..24 * 30 {
        let at = start + seconds(120 * tick);
        let counters = usage::of_nodes(&mut first, at);
        // Follows by other steps.
        if tick % 7 == 0 || tick > 24 * 29 {
            assert_eq!(counters, usage::of_nodes(&mut second, at), "at {at}");
        }
        for (node, (booted, counter)) in &counters {
            if let Some((booted_before, counter_before)) = before.get(node) {
                if booted == booted_before {
                    assert!(counter >= counter_before, "{node} at {at}: {counter_before}, then {counter}");
                } else {
                    boots += 1;
                    assert!(counter < counter_before);
                }
            }
        }
        before = counters;
    }
    assert!((3..=15).contains(&boots), "50 nodes boot about once a week: {boots} boots in a day");
}

#[test]
fn runs_of_a_cron_job_follow_its_schedule_and_the_oldest_goes() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 80);
    for (at, objects) in follow(&mut simulation, start, 2, 30) {
        let names: Vec<i64> = objects
            .jobs
            .iter()
            .filter_map(|job| job.metadata.name.as_deref()?.strip_prefix("order-export-")?.parse().ok())
            .collect();
        let latest = at.as_second().div_euclid(15 * 60) * 15;
        assert_eq!(names, [latest - 30, latest - 15, latest]);
        let cron_job = objects
            .cron_jobs
            .iter()
            .find(|job| job.metadata.name.as_deref() == Some("order-export"))
            .unwrap();
        let status = cron_job.status.as_ref().unwrap();
        assert_eq!(status.last_schedule_time.as_ref().unwrap().0.as_second(), latest * 60);
        let age = at.as_second() - latest * 60;
        let active = status.active.as_ref().map_or(0, Vec::len);
        // It starts within twelve seconds and runs for three minutes.
        assert!(if age < 181 { active == 1 } else { active == 0 || age < 193 }, "{age} s: {active}");
    }
}

#[test]
fn ages_look_natural_long_after_the_epoch() {
    let mut simulation = simulation(50, 200, 1);
    for hours in [0, 24 * 30, 24 * 365 * 3] {
        let at = after(&simulation, hours);
        let objects = simulation.at(at).unwrap();
        let mut ages: Vec<i64> = objects
            .pods
            .iter()
            .filter(|pod| !pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Job"))
            .map(|pod| {
                (at.as_second() - pod.metadata.creation_timestamp.as_ref().unwrap().0.as_second()) / 3_600
            })
            .collect();
        ages.sort_unstable();
        let (youngest, median, oldest) = (ages[0], ages[ages.len() / 2], ages[ages.len() - 1]);
        assert!(
            youngest < 6 && (8..24 * 10).contains(&median) && oldest < 24 * 31,
            "{youngest} {median} {oldest} h"
        );
    }
}

#[test]
fn what_is_used_of_a_quota_is_what_its_pods_request() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 10);
    for (_, objects) in follow(&mut simulation, start, 1, 60) {
        let used = objects.resource_quotas[0].status.as_ref().unwrap().used.as_ref().unwrap().clone();
        let pods = objects.pods.iter().filter(|pod| {
            pod.metadata.namespace.as_deref() == Some("payments")
                && matches!(phase(pod), "Pending" | "Running")
        });
        let (mut count, mut cpu) = (0, 0);
        for pod in pods {
            count += 1;
            let containers = &pod.spec.as_ref().unwrap().containers;
            cpu += containers
                .iter()
                .filter_map(|container| container.resources.as_ref()?.requests.as_ref()?.get("cpu"))
                .map(|cpu| kubelet_stats::Quantity::try_from(cpu).unwrap().millis())
                .sum::<i64>();
        }
        assert_eq!(used["pods"].0, count.to_string());
        assert_eq!(kubelet_stats::Quantity::try_from(&used["requests.cpu"]).unwrap().millis(), cpu);
    }
}

#[test]
fn endpoints_are_the_ready_pods_of_a_service() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 10);
    for (_, objects) in follow(&mut simulation, start, 1, 20) {
        for slice in &objects.endpoint_slices {
            let service = label(&slice.metadata.labels, "kubernetes.io/service-name").unwrap();
            if service == "kubernetes" {
                continue;
            }
            let ready = slice
                .endpoints
                .iter()
                .flatten()
                .filter(|e| e.conditions.as_ref().unwrap().ready == Some(true));
            let of_service = |pod: &&Arc<Pod>| {
                label(&pod.metadata.labels, "app.kubernetes.io/name") == Some(service)
                    && pod.metadata.namespace == slice.metadata.namespace
            };
            let pods = objects.pods.iter().filter(of_service).filter(|pod| is_ready(pod));
            assert_eq!(ready.count(), pods.count(), "{service}");
        }
    }
}

#[test]
fn kinds_are_complete() {
    let mut simulation = simulation(50, 200, 1);
    let at = after(&simulation, 1);
    let kinds: BTreeMap<String, usize> =
        trees(&simulation.at(at).unwrap()).iter().fold(BTreeMap::new(), |mut kinds, tree| {
            *kinds.entry(tree["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            kinds
        });
    println!("{kinds:?}");
    assert_eq!(kinds.len(), 16, "{kinds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]
    #[test]
    fn at_any_instant_of_any_fleet_all_agree(
        nodes in 1_usize..80, share in 0_usize..30, seed in 0_u64..1_000, at in 0_i64..500_000_000,
    ) {
        let mut simulation = simulation(nodes, nodes * share, seed);
        let instant = simulation.epoch() + seconds(at);
        check(&simulation.at(instant).unwrap(), nodes, nodes * share);
    }
}
