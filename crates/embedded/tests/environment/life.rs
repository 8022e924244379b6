//! What happens in an hour of the default fleet, as queries see it.

use jiff::SignedDuration;
use labels::Labels;
use prometheus_server::never;
use promql::{RangeQuery, Value};

use crate::support::{at, environment, instant, manifests, options, queries, single, snapshot};

const HOUR: (&str, &str) = ("2026-11-23T10:55:00Z", "2026-11-23T12:00:00Z");

/// Deployments that had pods of more than one ReplicaSet.
const ROLLOUTS: &str = "count by (k8s_deployment_name) \
     (count by (k8s_deployment_name, k8s_replicaset_name) (last_over_time(k8s_pod_phase{k8s_deployment_name!=\"\"}[1h]))) > 1";

#[test]
fn an_hour_shows_a_rollout_a_scaling_a_run_a_restart_and_a_lost_node() {
    let environment = environment((50, 200), HOUR.0, HOUR.1);
    for (what, query) in [
        ("a rollout", ROLLOUTS),
        ("a change by an autoscaler", "changes(k8s_hpa_desired_replicas[1h]) > 0"),
        ("a run of a Job", "changes(k8s_job_successful_pods[1h]) > 0"),
        (
            "a restart",
            "max_over_time(k8s_container_restarts[1h]) > min_over_time(k8s_container_restarts[1h])",
        ),
        ("a lost node", "min_over_time(k8s_node_condition_ready[1h]) < 1"),
    ] {
        assert!(!instant(&environment, query, HOUR.1).is_empty(), "{what}: {query}");
    }
}

#[test]
fn at_every_scrape_there_are_as_many_pods_as_asked_for() {
    let environment = environment((50, 200), HOUR.0, HOUR.1);
    let range = RangeQuery {
        start_ms: at("2026-11-23T11:00:00Z").as_millisecond(),
        end_ms: at(HOUR.1).as_millisecond(),
        step_ms: 15_000,
    };
    let query = "count(max by (k8s_namespace_name, k8s_pod_name) (timestamp(k8s_pod_phase) > time() - 14))";
    let Value::Matrix(series) = queries(&environment).range(query, range, &never).unwrap().value else {
        panic!("no matrix");
    };
    assert_eq!(series[0].points.len(), 241);
    assert!(series[0].points.iter().all(|point| point.value == 200.0));
}

#[test]
fn a_lost_node_is_silent_and_goes_on_counting_when_it_is_back() {
    let environment = environment((50, 200), HOUR.0, HOUR.1);
    let lost = instant(&environment, "min_over_time(k8s_node_condition_ready[1h]) < 1", HOUR.1);
    for (labels, _) in &lost {
        let node = labels.get("k8s_node_name").unwrap();
        for metric in ["k8s_node_memory_usage_bytes", "system_cpu_time_seconds_total"] {
            let of_node = |name: &str| format!(r#"count_over_time({name}{{k8s_node_name="{node}"}}[1h])"#);
            let scrapes = instant(&environment, &of_node("k8s_node_condition_ready"), HOUR.1)[0].1;
            let answered = instant(&environment, &of_node(metric), HOUR.1)[0].1;
            assert!(
                answered < scrapes && answered > scrapes - 30.0,
                "{node}: {answered} of {scrapes} {metric}"
            );
        }
        let reboots = format!(r#"changes(k8s_node_uptime_seconds_total{{k8s_node_name="{node}"}}[1h]) > 0"#);
        assert!(!instant(&environment, &reboots, HOUR.1).is_empty());
    }
    assert!(!lost.is_empty());
}

#[test]
fn the_counters_of_nodes_go_on_when_pods_leave() {
    let environment = environment((50, 200), HOUR.0, HOUR.1);
    let pods = "count(count by (k8s_namespace_name, k8s_pod_name) (last_over_time(k8s_pod_phase[1h])))";
    assert!(single(&environment, pods, HOUR.1) > 210.0, "no pod left");
    let booted = |labels: &Labels| {
        let query = format!(
            r#"resets(k8s_node_uptime_seconds_total{{k8s_node_name="{}"}}[1h])"#,
            labels.get("k8s_node_name").unwrap()
        );
        single(&environment, &query, HOUR.1) > 0.0
    };
    for counter in [
        "k8s_node_cpu_time_seconds_total",
        "k8s_node_network_io_bytes_total",
        "system_cpu_time_seconds_total",
        "system_network_io_bytes_total",
    ] {
        let fell = instant(&environment, &format!("resets({counter}[1h]) > 0"), HOUR.1);
        let unasked: Vec<_> = fell.iter().filter(|(labels, _)| !booted(labels)).collect();
        assert!(unasked.is_empty(), "{counter}: {:?}", unasked.first());
    }
}

#[test]
fn the_series_of_a_deleted_pod_stop_and_stay_visible_for_the_look_back() {
    let mut environment = environment((50, 200), "2026-11-23T11:59:00Z", "2026-11-23T12:00:00Z");
    let names = |environment: &embedded::Environment| -> Vec<(String, String)> {
        let snapshot = snapshot(environment);
        let pods = snapshot.objects().pods.iter();
        pods.map(|pod| {
            let metadata = &pod.metadata;
            (metadata.namespace.clone().unwrap(), metadata.name.clone().unwrap())
        })
        .collect()
    };
    let mut before = names(&environment);
    // Within an hour a pod leaves.
    let (left, last_seen) = (0..240)
        .find_map(|_| {
            let last = environment.next_scrape() - SignedDuration::from_secs(15);
            environment.advance(environment.next_scrape()).unwrap();
            let now = names(&environment);
            let left = before.iter().find(|pod| !now.contains(pod)).cloned();
            before = now;
            Some((left?, last))
        })
        .unwrap();
    environment.advance(last_seen + SignedDuration::from_mins(6)).unwrap();
    let query = format!(r#"k8s_pod_phase{{k8s_namespace_name="{}",k8s_pod_name="{}"}}"#, left.0, left.1);
    let visible = |seconds: i64| {
        let at = (last_seen + SignedDuration::from_secs(seconds)).to_string();
        !instant(&environment, &query, &at).is_empty()
    };
    // OTLP has no word for the end of a series: five minutes of look-back, as in a real Prometheus.
    assert!(visible(0) && visible(15) && visible(299));
    assert!(!visible(300) && !visible(330));
}

#[test]
fn beginning_while_a_node_is_lost_makes_no_difference() {
    // A moment at which a node is lost.
    let whole = environment((50, 200), HOUR.0, HOUR.1);
    let lost = instant(&whole, "min_over_time(k8s_node_condition_ready[50m]) < 1", HOUR.1);
    let node = lost[0].0.get("k8s_node_name").unwrap();
    let ready = format!(r#"k8s_node_condition_ready{{k8s_node_name="{node}"}}"#);
    let begin = (0..240)
        .map(|scrape| at(HOUR.1) - SignedDuration::from_secs(15 * scrape))
        .find(|instant_| instant(&whole, &ready, &instant_.to_string())[0].1 < 1.0)
        .unwrap();
    let mut late = embedded::Environment::new(&manifests(), &options(50, 200), begin).unwrap();
    late.advance(at(HOUR.1)).unwrap();
    let of_node = format!(r#"{{k8s_node_name="{node}",__name__=~"(k8s_node|system)_.+"}}"#);
    for minutes in 0..6 {
        let time = (begin + SignedDuration::from_mins(minutes)).to_string();
        // Only what this run has itself: the other one has the look-back, too.
        for (labels, value) in instant(&late, &of_node, &time) {
            let other = whole_value(&whole, &labels, &time);
            assert_eq!(other.to_bits(), value.to_bits(), "{labels} at {time}");
        }
    }
}

fn whole_value(environment: &embedded::Environment, labels: &Labels, time: &str) -> f64 {
    let matchers: Vec<String> =
        labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    single(environment, &format!("{{{}}}", matchers.join(",")), time)
}
