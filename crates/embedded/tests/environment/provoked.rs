//! What is provoked shows at the next scrape, and is over at the next one after it was undone.

use cluster_sim::{Action, Request};
use embedded::Environment;
use jiff::SignedDuration;

use crate::support::{at, environment, instant, single};

const START: &str = "2026-03-03T10:00:00Z";
/// The last scrape before anything is provoked, and those after it.
const CALM: &str = "2026-03-03T10:10:00Z";
const NEXT: &str = "2026-03-03T10:10:15Z";
const LATER: &str = "2026-03-03T10:12:00Z";
/// The first scrape after all was undone, and one some minutes later.
const UNDONE: &str = "2026-03-03T10:12:15Z";
const WELL: &str = "2026-03-03T10:15:00Z";

/// Between two scrapes.
fn now(environment: &Environment) -> jiff::Timestamp {
    environment.next_scrape() - SignedDuration::from_secs(7)
}

fn provoke(environment: &mut Environment, action: Action, target: &str) -> u32 {
    let request = Request { action, target: target.to_owned(), since: now(environment), until: None };
    let simulation = environment.simulation_mut("kwok").unwrap();
    simulation.provoke(&request).unwrap_or_else(|error| panic!("{error}")).id
}

#[test]
fn each_action_shows_at_the_next_scrape_and_is_over_after_it_was_undone() {
    let mut environment = environment((50, 200), START, CALM);
    let ids: Vec<u32> = [
        (Action::NodeDown, "general-0003"),
        (Action::Crash, "deployment/shop/catalogue"),
        (Action::Oom, "deployment/logistics/orders"),
        (Action::Spike { cpu: None, memory: None }, "payments-api"),
        (Action::Spike { cpu: None, memory: None }, "node/general-0005"),
        (Action::FillVolume { to: None }, "pvc/shop/data-search-0"),
        (Action::Scale { replicas: 9 }, "images"),
        (Action::Rollout, "notifier"),
    ]
    .map(|(action, target)| provoke(&mut environment, action, target))
    .to_vec();
    assert_eq!(environment.advance(at(LATER)).unwrap().refused, 0);
    for id in ids {
        let now = now(&environment);
        environment.simulation_mut("kwok").unwrap().undo(id, now).unwrap();
    }
    assert_eq!(environment.advance(at(WELL)).unwrap().refused, 0);

    let value = |query: &str, time: &str| single(&environment, query, time);
    let count = |query: &str, time: &str| instant(&environment, query, time).len();

    let ready = "k8s_node_condition_ready{k8s_node_name=\"general-0003\"}";
    assert_eq!([CALM, NEXT, LATER, UNDONE].map(|time| value(ready, time)), [1.0, -1.0, -1.0, 1.0]);
    for silent in ["k8s_node_cpu_usage", "system_cpu_load_average_1m", "k8s_pod_cpu_usage"] {
        let answered = format!("count_over_time({silent}{{k8s_node_name=\"general-0003\"}}[15s])");
        let seen = [CALM, NEXT, LATER, UNDONE].map(|time| count(&answered, time) > 0);
        assert_eq!(seen, [true, false, false, true], "{silent}");
    }

    let ready = "sum(k8s_container_ready{k8s_pod_name=~\"catalogue-.*\"})";
    let desired = value("k8s_deployment_desired{k8s_deployment_name=\"catalogue\"}", CALM);
    assert_eq!((value(ready, NEXT), value(ready, LATER), value(ready, UNDONE)), (0.0, 0.0, desired));
    let restarts = "sum(k8s_container_restarts{k8s_pod_name=~\"catalogue-.*\"})";
    assert!(value(restarts, NEXT) >= value(restarts, CALM));
    assert!(value(restarts, LATER) >= value(restarts, CALM) + 2.0 * desired);
    assert!(value(restarts, WELL) >= value(restarts, LATER));

    let memory = "sum(container_memory_usage_bytes{k8s_pod_name=~\"orders-.*\"})";
    assert!(value(memory, NEXT) > 1.1 * value(memory, CALM));
    let restarts = "sum(k8s_container_restarts{k8s_pod_name=~\"orders-.*\"})";
    assert!(value(restarts, LATER) > value(restarts, CALM));

    for (usage, time, labels) in [
        ("k8s_pod_cpu_usage", "k8s_pod_cpu_time_seconds_total", "{k8s_pod_name=~\"payments-api-.*\"}"),
        ("container_cpu_usage", "container_cpu_time_seconds_total", "{k8s_pod_name=~\"payments-api-.*\"}"),
        ("k8s_node_cpu_usage", "k8s_node_cpu_time_seconds_total", "{k8s_node_name=\"general-0005\"}"),
    ] {
        let gauge = format!("sum({usage}{labels})");
        assert!(value(&gauge, NEXT) > 1.4 * value(&gauge, CALM), "{gauge} at the next scrape");
        let rate = format!("sum(rate({time}{labels}[1m]))");
        // Both look at the spike alone, or at none of it.
        for instant in [CALM, LATER] {
            let average = format!("sum(avg_over_time({usage}{labels}[1m]))");
            let ratio = value(&rate, instant) / value(&average, instant);
            assert!((0.9..1.1).contains(&ratio), "{rate} at {instant}: {ratio}");
        }
        let ratio = value(&rate, LATER) / value(&gauge, LATER);
        assert!((0.98..1.02).contains(&ratio), "{rate} while it is at the limit: {ratio}");
        assert!(value(&gauge, WELL) < 0.8 * value(&gauge, LATER), "{gauge} afterwards");
    }

    let free = "sum(k8s_volume_available_bytes{k8s_persistentvolumeclaim_name=\"data-search-0\"}) / \
                sum(k8s_volume_capacity_bytes{k8s_persistentvolumeclaim_name=\"data-search-0\"})";
    assert!(value(free, CALM) > 0.05 && value(free, NEXT) <= 0.05 && value(free, UNDONE) > 0.05);

    let desired = "k8s_deployment_desired{k8s_deployment_name=\"images\"}";
    let available = "k8s_deployment_available{k8s_deployment_name=\"images\"}";
    assert_eq!([CALM, NEXT, UNDONE].map(|time| value(desired, time)), [4.0, 9.0, 4.0]);
    assert_eq!([CALM, LATER, UNDONE].map(|time| value(available, time)), [4.0, 9.0, 4.0]);

    let sets = "k8s_replicaset_desired{k8s_replicaset_name=~\"notifier-.*\"} > 0";
    assert_eq!((count(sets, CALM), count(sets, NEXT)), (1, 2));
}
