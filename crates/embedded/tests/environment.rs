//! What the default environment has to show: the numbers that dashboards and the README rely on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use cluster_sim::{Manifests, SimulationOptions};
use embedded::{Environment, EnvironmentOptions};
use jiff::{SignedDuration, Timestamp};
use labels::{Labels, Matcher};
use prometheus_server::{QueryService, never};
use promql::{EngineOptions, ParseOptions, RangeQuery, Value};

const INTERVAL: SignedDuration = SignedDuration::from_secs(15);

fn manifests() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kwok");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    Manifests::parse(&files).unwrap()
}

fn options(nodes: usize, pods: usize) -> EnvironmentOptions {
    EnvironmentOptions {
        fleet: SimulationOptions { nodes, pods, seed: 1 },
        cluster_name: "kwok".to_owned(),
        interval: INTERVAL,
        store: tsdb::Options::default(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An environment with history from `start` to `end`.
fn environment(size: (usize, usize), start: &str, end: &str) -> Environment {
    let mut environment = Environment::new(&manifests(), &options(size.0, size.1), at(start)).unwrap();
    let scrapes = environment.advance(at(end)).unwrap();
    assert_eq!(scrapes.refused, 0, "the store refused samples");
    environment
}

fn queries(environment: &Environment) -> QueryService {
    QueryService::new(Arc::clone(environment.store()), EngineOptions::default(), ParseOptions::default())
}

fn instant(environment: &Environment, query: &str, time: &str) -> Vec<(Labels, f64)> {
    match queries(environment).instant(query, at(time).as_millisecond(), &never).unwrap().value {
        Value::Vector(samples) => samples.into_iter().map(|s| (s.labels, s.point.value)).collect(),
        other => panic!("{query}: {other:?}"),
    }
}

fn single(environment: &Environment, query: &str, time: &str) -> f64 {
    let answer = instant(environment, query, time);
    assert_eq!(answer.len(), 1, "{query}: {answer:?}");
    answer[0].1
}

#[test]
fn the_default_fleet_has_fifty_nodes_and_two_hundred_pods_by_query() {
    let environment = environment((50, 200), "2026-11-23T11:54:00Z", "2026-11-23T12:00:00Z");
    let count = |query: &str| single(&environment, query, "2026-11-23T12:00:00Z");
    assert_eq!(count("count(max by (k8s_node_name) (k8s_node_cpu_time_seconds_total))"), 50.0);
    assert_eq!(count("count(max by (k8s_namespace_name, k8s_pod_name) (k8s_pod_phase))"), 200.0);
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
    let Value::Matrix(series) =
        queries(&environment).range("k8s_pod_cpu_usage", range, &never).unwrap().value
    else {
        panic!("no matrix");
    };
    assert_eq!(series.len(), 20);
    assert!(series.iter().all(|series| series.points.len() == 241), "a pod has a hole");
}

#[test]
fn every_pod_series_of_kubelet_stats_carries_the_node_of_its_pod() {
    let environment = environment((50, 200), "2026-11-23T11:59:00Z", "2026-11-23T12:00:00Z");
    let time = "2026-11-23T12:00:00Z";
    let snapshot = environment.cluster().latest();
    let node_of: BTreeMap<(String, String), String> = snapshot
        .objects()
        .pods
        .iter()
        .map(|pod| {
            let metadata = &pod.metadata;
            let key = (metadata.namespace.clone().unwrap(), metadata.name.clone().unwrap());
            (key, pod.spec.as_ref().unwrap().node_name.clone().unwrap())
        })
        .collect();
    let selector = r#"{__name__=~"k8s_pod_(cpu|memory|network|filesystem)_.+|container_.+"}"#;
    let series = instant(&environment, selector, time);
    assert!(series.len() > 200 * 15, "{}", series.len());
    for (labels, _) in &series {
        let label = |name: &str| labels.get(name).unwrap_or_default().to_owned();
        let key = (label("k8s_namespace_name"), label("k8s_pod_name"));
        assert_eq!(node_of.get(&key), Some(&label("k8s_node_name")), "{labels}");
        assert_eq!(labels.get("k8s_cluster_name"), Some("kwok"), "{labels}");
    }
}

#[test]
fn the_cpu_counter_and_the_cpu_gauge_agree() {
    let environment = environment((50, 200), "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z");
    for time in ["2026-11-23T11:20:00Z", "2026-11-23T11:40:07Z", "2026-11-23T12:00:00Z"] {
        let counter = single(&environment, "sum(rate(k8s_pod_cpu_time_seconds_total[5m]))", time);
        let gauge = single(&environment, "sum(avg_over_time(k8s_pod_cpu_usage[5m]))", time);
        assert!((counter / gauge - 1.0).abs() < 0.02, "{time}: {counter} and {gauge}");
    }
}

/// All samples between two instants, by series.
fn samples(environment: &Environment, start: &str, end: &str) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let mut all = BTreeMap::new();
    let everything = [Matcher::new("__name__", labels::MatchOp::Regex, ".+").unwrap()];
    environment.store().select(
        &everything,
        at(start).as_millisecond(),
        at(end).as_millisecond(),
        &mut |series| {
            let samples = series.timestamps.iter().zip(series.values).map(|(t, v)| (*t, v.to_bits()));
            all.insert(series.labels.clone(), samples.collect());
            ControlFlow::Continue(())
        },
    );
    all
}

#[test]
fn two_runs_with_one_seed_agree_sample_for_sample_where_they_overlap() {
    let first = environment((50, 200), "2026-11-23T11:30:00Z", "2026-11-23T12:00:00Z");
    let second = environment((50, 200), "2026-11-23T11:40:03Z", "2026-11-23T12:10:03Z");
    let (start, end) = ("2026-11-23T11:40:15Z", "2026-11-23T12:00:00Z");
    let (first, second) = (samples(&first, start, end), samples(&second, start, end));
    assert!(first.len() > 5_000, "{}", first.len());
    // A container's usage is unknown at the scrape that follows its restart: its counter fell.
    let may_have_holes = |labels: &Labels| labels.metric_name() == Some("container_cpu_usage");
    let holes: Vec<_> = first.iter().filter(|(labels, s)| s.len() != 80 && !may_have_holes(labels)).collect();
    assert!(holes.is_empty(), "{:?}", holes.first());
    assert!(first == second, "the runs differ");
}

#[test]
fn another_seed_is_another_fleet() {
    let names = |seed| {
        let mut options = options(5, 20);
        options.fleet.seed = seed;
        let mut environment = Environment::new(&manifests(), &options, at("2026-11-23T12:00:00Z")).unwrap();
        environment.advance(at("2026-11-23T12:00:00Z")).unwrap();
        let snapshot = environment.cluster().latest();
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
