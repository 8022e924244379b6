//! The numbers that dashboards and the README rely on.

use std::collections::{BTreeMap, BTreeSet};

use cluster_sim::SimulationError;
use embedded::{Environment, EnvironmentError, EnvironmentOptions};
use jiff::SignedDuration;
use prometheus_server::never;
use promql::{RangeQuery, Value};

use crate::support::{
    INTERVAL, at, environment, instant, manifests, options, queries, samples, single, snapshot,
};

#[test]
fn the_default_fleet_has_fifty_nodes_and_two_hundred_pods_by_query() {
    let environment = environment((50, 200), "2026-11-23T11:54:00Z", "2026-11-23T12:00:00Z");
    let count = |query: &str| single(&environment, query, "2026-11-23T12:00:00Z");
    assert_eq!(count("count(max by (k8s_node_name) (k8s_node_cpu_time_seconds_total))"), 50.0);
    // Not those that left within the look-back.
    let now = "count(max by (k8s_namespace_name, k8s_pod_name) (timestamp(k8s_pod_phase) > time() - 15))";
    assert_eq!(count(now), 200.0);
    assert_eq!(count("count(count by (k8s_namespace_name) (k8s_pod_phase))"), 6.0);
    for kind in
        ["deployment_desired", "replicaset_desired", "statefulset_desired_pods", "daemonset_ready_nodes"]
    {
        assert!(count(&format!("count(k8s_{kind})")) > 0.0, "{kind}");
    }
}

#[test]
fn a_range_query_over_the_whole_history_has_no_hole() {
    let environment = environment((5, 20), "2026-11-23T10:55:00Z", "2026-11-23T12:00:00Z");
    let range = RangeQuery {
        start_ms: at("2026-11-23T11:00:00Z").as_millisecond(),
        end_ms: at("2026-11-23T12:00:00Z").as_millisecond(),
        step_ms: 15_000,
    };
    for query in
        ["sum(k8s_pod_cpu_usage)", "sum(rate(k8s_pod_cpu_time_seconds_total[5m]))", "count(k8s_pod_phase)"]
    {
        let Value::Matrix(series) = queries(&environment).range(query, range, &never).unwrap().value else {
            panic!("{query} gave no matrix");
        };
        assert_eq!(series.len(), 1, "{query}");
        assert_eq!(series[0].points.len(), 241, "{query}");
    }
    // Pods come and go; those that stay have every point.
    let Value::Matrix(series) =
        queries(&environment).range("k8s_pod_cpu_usage", range, &never).unwrap().value
    else {
        panic!("no matrix");
    };
    let staying = series.iter().filter(|series| series.points.len() == 241).count();
    assert!(staying >= 12, "{staying}");
}

#[test]
fn every_pod_series_of_kubelet_stats_carries_the_node_of_its_pod() {
    let environment = environment((50, 200), "2026-11-23T11:59:00Z", "2026-11-23T12:00:00Z");
    let time = "2026-11-23T12:00:00Z";
    let snapshot = snapshot(&environment);
    let node_of: BTreeMap<(String, String), String> = snapshot
        .objects()
        .pods
        .iter()
        .filter_map(|pod| {
            let metadata = &pod.metadata;
            let key = (metadata.namespace.clone().unwrap(), metadata.name.clone().unwrap());
            Some((key, pod.spec.as_ref().unwrap().node_name.clone()?))
        })
        .collect();
    let selector = r#"{__name__=~"k8s_pod_(cpu|memory|network|filesystem)_.+|container_.+"}"#;
    let series = instant(&environment, selector, time);
    assert!(series.len() > 180 * 15, "{}", series.len());
    for (labels, _) in &series {
        let label = |name: &str| labels.get(name).unwrap_or_default().to_owned();
        let key = (label("k8s_namespace_name"), label("k8s_pod_name"));
        // Pods that left a moment ago are still visible.
        if let Some(node) = node_of.get(&key) {
            assert_eq!(*node, label("k8s_node_name"), "{labels}");
        }
        assert!(!label("k8s_node_name").is_empty(), "{labels}");
        assert_eq!(labels.get("k8s_cluster_name"), Some("kwok"), "{labels}");
    }
}

#[test]
fn the_cpu_counter_and_the_cpu_gauge_agree() {
    let environment = environment((50, 200), "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z");
    for time in ["2026-11-23T11:20:00Z", "2026-11-23T11:40:07Z", "2026-11-23T12:00:00Z"] {
        // Of pods that were there all the time: an average knows nothing of the time before the first sample.
        let whole =
            "and on (k8s_namespace_name, k8s_pod_name) (count_over_time(k8s_pod_cpu_usage[5m]) == 20)";
        let sum = |rate: &str| single(&environment, &format!("sum({rate} {whole})"), time);
        let counter = sum("rate(k8s_pod_cpu_time_seconds_total[5m])");
        let gauge = sum("avg_over_time(k8s_pod_cpu_usage[5m])");
        assert!((counter / gauge - 1.0).abs() < 0.02, "{time}: {counter} and {gauge}");
    }
}

#[test]
fn two_runs_with_one_seed_agree_sample_for_sample_where_they_overlap() {
    let first = environment((50, 200), "2026-11-23T11:30:00Z", "2026-11-23T12:00:00Z");
    let second = environment((50, 200), "2026-11-23T11:40:03Z", "2026-11-23T12:10:03Z");
    let (start, end) = ("2026-11-23T11:40:15Z", "2026-11-23T12:00:00Z");
    let (first, second) = (samples(&first, start, end), samples(&second, start, end));
    assert!(first.len() > 10_000, "{}", first.len());
    for (labels, samples) in &first {
        assert_eq!(Some(samples), second.get(labels), "{labels}");
    }
    assert_eq!(first.len(), second.len());
}

#[test]
fn another_seed_is_another_fleet() {
    let names = |seed| {
        let mut options = options(5, 20);
        options.fleet.seed = seed;
        let mut environment = Environment::new(&manifests(), &options, at("2026-11-23T12:00:00Z")).unwrap();
        environment.advance(at("2026-11-23T12:00:00Z")).unwrap();
        let snapshot = snapshot(&environment);
        snapshot.objects().pods.iter().map(|pod| pod.metadata.uid.clone()).collect::<Vec<_>>()
    };
    assert_ne!(names(1), names(2));
}

#[test]
fn an_interval_that_kubelets_cannot_stamp_is_refused() {
    for interval in [SignedDuration::ZERO, SignedDuration::from_millis(1_500), SignedDuration::from_secs(-1)]
    {
        let options = EnvironmentOptions { interval, ..options(1, 1) };
        assert!(Environment::new(&manifests(), &options, at("2026-11-23T12:00:00Z")).is_err(), "{interval}");
    }
}

#[test]
fn two_clusters_are_two_fleets_in_one_store() {
    let clusters = vec!["east".to_owned(), "west".to_owned()];
    let options = EnvironmentOptions { clusters, ..options(5, 20) };
    let mut environment = Environment::new(&manifests(), &options, at("2026-11-23T12:00:00Z")).unwrap();
    assert_eq!(environment.advance(at("2026-11-23T12:00:00Z")).unwrap().refused, 0);
    for cluster in environment.clusters() {
        let time = "2026-11-23T12:00:00Z";
        let pods = format!(
            r#"count by (k8s_cluster_name) (k8s_pod_phase{{k8s_cluster_name="{}"}})"#,
            cluster.name()
        );
        assert_eq!(single(&environment, &pods, time), 20.0);
    }
    let uids: BTreeSet<_> = environment
        .clusters()
        .flat_map(|cluster| cluster.latest().objects().nodes.clone())
        .map(|node| node.metadata.uid.clone().unwrap())
        .collect();
    assert_eq!(uids.len(), 10);
}

#[test]
fn a_start_before_the_fleets_epoch_is_refused() {
    let start = at("2025-12-31T23:00:00Z");
    assert!(matches!(
        Environment::new(&manifests(), &options(1, 1), start),
        Err(EnvironmentError::Simulation(SimulationError::BeforeEpoch { .. }))
    ));
}

#[test]
fn history_in_larger_steps_goes_on_at_the_interval_without_a_gap() {
    let mut environment =
        Environment::new(&manifests(), &options(5, 20), at("2026-11-23T11:50:00Z")).unwrap();
    environment.set_interval(SignedDuration::from_secs(60)).unwrap();
    environment.advance(at("2026-11-23T11:59:40Z")).unwrap();
    environment.set_interval(INTERVAL).unwrap();
    assert_eq!(environment.next_scrape(), at("2026-11-23T11:59:15Z"));
    environment.advance(at("2026-11-23T12:00:00Z")).unwrap();
    let scrapes = "count_over_time(k8s_node_condition_ready[10m])";
    // One a minute from 11:50, then one every 15 seconds.
    let counts = instant(&environment, &format!("{scrapes} == 13"), "2026-11-23T12:00:00Z");
    assert_eq!(counts.len(), 5);
}

#[test]
fn clusters_without_a_name_of_their_own_are_refused() {
    for names in [vec![], vec![""], vec!["a", "a"]] {
        let clusters = names.into_iter().map(str::to_owned).collect();
        let options = EnvironmentOptions { clusters, ..options(1, 1) };
        let refused = Environment::new(&manifests(), &options, at("2026-11-23T12:00:00Z"));
        assert!(matches!(refused, Err(EnvironmentError::ClusterNames)));
    }
}
