//! Who gets an entry, and what it says.

use crate::fixtures::{node, now, pod, resources, seconds};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kubelet_stats::summary::Summary;
use kubelet_stats::{Profile, annotations, restart_period, summary};
use serde_json::json;

fn answer(pod: Pod) -> Summary {
    summary(&node("n1"), &[pod], now())
}

#[test]
fn only_pods_that_run_have_an_entry() {
    let hour_ago = now() - seconds(3_600);
    let cases = [
        (pod("a", hour_ago).phase("Running"), 1),
        (pod("a", hour_ago).phase("Unknown"), 1),
        (pod("a", hour_ago).phase("Pending"), 0),
        (pod("a", hour_ago).phase("Succeeded"), 0),
        (pod("a", hour_ago).phase("Failed"), 0),
        (pod("a", now() + seconds(1)), 0),
        (pod("a", now()), 1),
    ];
    for (spec, entries) in cases {
        let pod = spec.clone().build();
        assert_eq!(answer(pod.clone()).pods.len(), entries, "{:?}", pod.status);
    }
    assert_eq!(answer(Pod::default()).pods, []);
}

#[test]
fn only_containers_that_run_have_an_entry() {
    let start = now() - seconds(3_600);
    let pod = pod("a", start)
        .running("runs", json!({}), start + seconds(5))
        .container("crashed", json!({}), 3, json!({"waiting": {"reason": "CrashLoopBackOff"}}))
        .container("done", json!({}), 0, json!({"terminated": {"exitCode": 0}}))
        .running("soon", json!({}), now() + seconds(5))
        .build();
    let entry = &answer(pod).pods[0];
    let names: Vec<&str> = entry.containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["runs"]);
    assert_eq!(entry.start_time, start);
    assert_eq!(entry.containers[0].start_time, start + seconds(5));
}

#[test]
fn a_container_that_ended_for_good_stops_counting_for_its_pod_and_one_in_back_off_does_not() {
    let start = now() - seconds(3_600);
    let ended = |exit_code: i32, policy| {
        let state = json!({"terminated": {"exitCode": exit_code, "finishedAt": start + seconds(60)}});
        let pod = pod("a", start).restart_policy(policy).container("job", json!({}), 0, state).build();
        let cpu = answer(pod).pods[0].cpu.clone().unwrap();
        // The sandbox alone uses less than a millicore.
        cpu.usage_nano_cores.unwrap() < 1_000_000
    };
    let cases =
        [(0, "Never"), (1, "Never"), (0, "OnFailure"), (1, "OnFailure"), (0, "Always"), (1, "Always")];
    let for_good = cases.map(|(exit_code, policy)| ended(exit_code, policy));
    assert_eq!(for_good, [true, true, true, false, false, false]);
}

#[test]
fn a_sidecar_among_the_init_containers_counts_as_a_container() {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p", "namespace": "shop", "uid": "u"},
        "spec": {
            "containers": [{"name": "main"}],
            "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}]
        },
        "status": {
            "phase": "Running", "startTime": "2026-03-14T00:00:00Z",
            "containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "2026-03-14T00:00:02Z"}},
                "image": "", "imageID": "", "ready": true, "restartCount": 0}],
            "initContainerStatuses": [
                {"name": "setup", "state": {"terminated": {"exitCode": 0}}, "image": "", "imageID": "", "ready": true, "restartCount": 0},
                {"name": "proxy", "state": {"running": {"startedAt": "2026-03-14T00:00:01Z"}},
                    "image": "", "imageID": "", "ready": true, "restartCount": 0}
            ]
        }
    }))
    .unwrap();
    let summary = answer(pod);
    let names: Vec<&str> =
        summary.pods[0].containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["main", "proxy"]);
}

#[test]
fn sample_times_are_whole_seconds_and_move_with_each_scrape() {
    let pods = [pod("a", now() - seconds(60)).running("c", json!({}), now() - seconds(60)).build()];
    let time =
        |at: Timestamp| summary(&node("n1"), &pods, at).pods[0].containers[0].cpu.as_ref().unwrap().time;
    assert_eq!(time(now() + jiff::SignedDuration::from_millis(999)), now());
    assert_eq!(time(now() + seconds(1)), now() + seconds(1));
}

#[test]
fn a_node_starts_when_it_says_that_it_booted_else_at_its_creation() {
    let mut node = node("n1");
    assert_eq!(summary::<Pod>(&node, &[], now()).node.start_time, "2026-03-01T00:00:00Z".parse().unwrap());
    node.metadata.annotations =
        Some([(annotations::BOOTED_AT.to_owned(), "2026-03-14T12:00:00Z".to_owned())].into());
    let booted = summary::<Pod>(&node, &[], now()).node;
    assert_eq!(booted.start_time, "2026-03-14T12:00:00Z".parse().unwrap());
}

#[test]
fn available_memory_of_a_pod_needs_a_limit_on_every_container() {
    let start = now() - seconds(3_600);
    let limited = resources("10m", "10Mi", "1", "100Mi");
    let one = pod("a", start).running("a", limited.clone(), start);
    let two = one.clone().running("b", json!({}), start);
    let available = |pod| answer(pod).pods[0].memory.as_ref().unwrap().available_bytes;
    assert!(available(one.build()).is_some_and(|bytes| bytes < 100 << 20));
    assert_eq!(available(two.build()), None);
}

#[test]
fn memory_begins_low_after_each_restart_period_and_ends_near_the_limit() {
    let start = now() - seconds(86_400);
    let leaky = |since| {
        pod("leaky", start)
            .annotated(annotations::PROFILE, Profile::MemoryGrowth.name())
            .running("main", resources("100m", "64Mi", "1", "128Mi"), since)
            .running("other", resources("100m", "64Mi", "1", "128Mi"), start)
            .build()
    };
    let pod = leaky(start);
    let period = restart_period(&pod, "main").unwrap();
    assert_eq!(restart_period(&pod, "other"), None);
    let period = seconds(period.as_secs() as i64);
    let usage = |pod: Pod, at| {
        summary(&node("n1"), &[pod], at).pods[0].containers[0].memory.as_ref().unwrap().usage_bytes.unwrap()
    };
    assert!(usage(pod.clone(), start + period) > (128 << 20) * 94 / 100);
    assert!(usage(leaky(start + period), start + period) < (128 << 20) * 40 / 100);
}

#[test]
fn a_restart_period_needs_the_profile_a_limit_and_no_annotated_memory() {
    let leaky = pod("x", now()).annotated(annotations::PROFILE, "memory-growth");
    let limited = resources("1", "1Mi", "1", "1Mi");
    let period = |pod: crate::fixtures::PodSpec| restart_period(&pod.build(), "main");
    assert!(period(leaky.clone().running("main", limited.clone(), now())).is_some());
    assert_eq!(period(leaky.clone().running("main", json!({}), now())), None);
    let fixed = leaky.annotated(annotations::MEMORY, "1Mi");
    assert_eq!(period(fixed.running("main", limited.clone(), now())), None);
    let steady = pod("x", now()).annotated(annotations::PROFILE, "steady");
    assert_eq!(period(steady.running("main", limited, now())), None);
}

#[test]
fn an_empty_node_answers_too() {
    let summary = summary::<Pod>(&k8s_openapi::api::core::v1::Node::default(), &[], now());
    assert_eq!(summary.pods, []);
    assert_eq!(summary.node.memory.as_ref().unwrap().available_bytes, None);
    let names: Vec<&str> = summary.node.system_containers.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["kubelet", "runtime", "misc", "pods"]);
}

#[test]
fn partial_objects_as_real_kubelets_send_them_are_read() {
    let text = r#"{"node":{"nodeName":"n","startTime":"2026-01-01T00:00:00Z","somethingNew":1},"pods":[
        {"podRef":{"name":"p","namespace":"n","uid":"u"},"startTime":"2026-01-01T00:00:00Z","containers":[
            {"name":"c","startTime":"2026-01-01T00:00:00Z","memory":{"time":"2026-01-01T00:00:00Z","workingSetBytes":1}}],
         "volume":[{"time":"2026-01-01T00:00:00Z","name":"v"}]}]}"#;
    let summary: Summary = serde_json::from_str(text).unwrap();
    assert_eq!(summary.pods[0].containers[0].memory.as_ref().unwrap().working_set_bytes, Some(1));
    assert_eq!(summary.pods[0].volumes[0].name, "v");
    for wrong in ["-1", "1.5"] {
        let text = text.replace("\"workingSetBytes\":1", &format!("\"workingSetBytes\":{wrong}"));
        assert!(serde_json::from_str::<Summary>(&text).is_err(), "{wrong}");
    }
}
