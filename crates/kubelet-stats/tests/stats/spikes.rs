//! Annotations that make objects use more for a while.

use crate::fixtures::{node, now, pod, seconds};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::annotations::{FILL, SPIKE};
use kubelet_stats::summary::{CpuStats, Summary};
use kubelet_stats::{node_problems, pod_problems, summary};
use serde_json::json;

/// Two containers, one of them with limits.
fn workload(annotations: &[(&str, String)]) -> Pod {
    let start = now() - seconds(7_200);
    let limited =
        json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}});
    let free = json!({"requests": {"cpu": "100m", "memory": "64Mi"}});
    let pod = pod("spiky", start)
        .annotated("kubernetes-mixin-otel/usage-profile", "steady")
        .volume(json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}}))
        .volume(json!({"name": "logs", "persistentVolumeClaim": {"claimName": "logs-0"}}))
        .running("main", limited, start)
        .running("side", free, start);
    annotations.iter().fold(pod, |pod, (key, value)| pod.annotated(key, value)).build()
}

fn at(pod: &Pod, instant: Timestamp) -> Summary {
    summary(&node("n1"), &[pod], instant)
}

fn counter(cpu: &Option<CpuStats>) -> u64 {
    cpu.as_ref().unwrap().usage_core_nano_seconds.unwrap()
}

fn gauge(cpu: &Option<CpuStats>) -> u64 {
    cpu.as_ref().unwrap().usage_nano_cores.unwrap()
}

#[test]
fn a_spike_that_is_put_on_a_live_pod_does_not_rewrite_its_history() {
    let (calm, since) = (workload(&[]), now() - seconds(600));
    let spiky = workload(&[(SPIKE, format!("cpu=limit memory=limit since={since}"))]);
    for back in [7_000, 3_600, 601, 600] {
        let instant = now() - seconds(back);
        let memory = |pod| at(pod, instant).pods[0].memory.clone().unwrap().usage_bytes;
        assert_eq!(counter(&at(&spiky, instant).pods[0].cpu), counter(&at(&calm, instant).pods[0].cpu));
        assert_eq!(memory(&spiky) == memory(&calm), back > 600, "{back} s ago");
    }
    // Nor does its end.
    let until = now() - seconds(300);
    let ended = workload(&[(SPIKE, format!("cpu=limit memory=limit since={since} until={until}"))]);
    for back in [600, 450, 300] {
        let instant = now() - seconds(back);
        assert_eq!(counter(&at(&spiky, instant).pods[0].cpu), counter(&at(&ended, instant).pods[0].cpu));
    }
}

#[test]
fn during_a_spike_gauges_and_rates_of_counters_are_what_it_says() {
    let since = now() - seconds(600);
    for (text, main, side) in [
        ("cpu=limit", 500_000_000, 400_000_000),
        ("cpu=800m", 400_000_000, 400_000_000),
        // Never above a limit.
        ("cpu=3", 500_000_000, 1_500_000_000),
        ("cpu=limit container=side", 0, 400_000_000),
    ] {
        let pod = workload(&[(SPIKE, format!("{text} since={since}"))]);
        let (before, after) = (at(&pod, now() - seconds(120)), at(&pod, now()));
        for (container, expected) in [(0, main), (1, side)] {
            let cpu = |summary: &Summary| summary.pods[0].containers[container].cpu.clone();
            let rate = (counter(&cpu(&after)) - counter(&cpu(&before))) / 120;
            if expected > 0 {
                assert!(rate.abs_diff(expected) <= expected / 1_000, "{text}: {rate}, not {expected}");
                assert_eq!(gauge(&cpu(&after)), expected, "{text}");
            } else {
                assert!(rate < 150_000_000, "{text}: {rate}");
            }
        }
        // The node and the pod count what their parts do.
        let node = |summary: &Summary| counter(&summary.node.cpu);
        assert!(node(&after) - node(&before) >= 120 * (main + side));
    }
}

#[test]
fn a_node_spikes_beside_its_pods_and_leaves_them_some_of_its_cpu() {
    let since = now() - seconds(600);
    let spiky = |text: &str| {
        let mut node: Node = node("n1");
        let annotations = node.metadata.annotations.get_or_insert_default();
        annotations.insert(SPIKE.to_owned(), format!("{text} since={since}"));
        node
    };
    let none: [Pod; 0] = [];
    let rate = |node: &Node| {
        let of = |back| counter(&summary(node, &none, now() - seconds(back)).node.cpu);
        (of(0) - of(120)) / 120
    };
    let calm = rate(&node("n1"));
    let limit = rate(&spiky("cpu=limit"));
    assert!((6_300_000_000..7_000_000_000).contains(&limit), "eight tenths of 8 cores and the rest: {limit}");
    assert!(rate(&spiky("cpu=x10")) > 2 * calm);
    let memory = |node: &Node| summary(node, &none, now()).node.memory.unwrap().working_set_bytes.unwrap();
    assert!(memory(&spiky("memory=limit")) > 20 << 30 && memory(&node("n1")) < 2 << 30);
    let before = |node: &Node| counter(&summary(node, &none, now() - seconds(600)).node.cpu);
    assert_eq!(before(&spiky("cpu=limit")), before(&node("n1")));
}

#[test]
fn a_filled_volume_is_full_at_once_and_no_other_is() {
    let window = format!("since={} until={}", now() - seconds(90), now() - seconds(30));
    let pod = workload(&[(FILL, format!("volume=data to=97% {window}"))]);
    let share = |name: &str, back: i64| {
        let summary = at(&pod, now() - seconds(back));
        let volume = summary.pods[0].volumes.iter().find(|volume| volume.name == name).unwrap();
        volume.fs.available_bytes.unwrap() as f64 / volume.fs.capacity_bytes.unwrap() as f64
    };
    assert!(share("data", 91) > 0.05 && share("data", 29) > 0.05);
    for back in [90, 60, 31] {
        assert!((0.0299..=0.0301).contains(&share("data", back)), "{}", share("data", back));
        assert!(share("logs", back) > 0.05);
    }
}

#[test]
fn values_that_cannot_be_read_are_named_and_ignored() {
    let pod = workload(&[(SPIKE, "cpu=lots".to_owned()), (FILL, "to=97%".to_owned())]);
    let problems: Vec<String> = pod_problems(&pod).iter().map(ToString::to_string).collect();
    let at_key = |key: &str| {
        format!("pod shop/pod-spiky: metadata.annotations[\"{key}\"]: it has no since=TIME; ignored")
    };
    assert_eq!(problems, [at_key(SPIKE), at_key(FILL)]);
    assert_eq!(at(&pod, now()).pods, at(&workload(&[]), now()).pods);

    let mut node = node("n1");
    node.metadata.annotations = Some([(SPIKE.to_owned(), "everything".to_owned())].into());
    assert_eq!(
        node_problems(&node)[0].to_string(),
        format!("node n1: metadata.annotations[\"{SPIKE}\"]: \"everything\" is no key=value; ignored")
    );
}
