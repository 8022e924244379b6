//! Volumes of every type.

use crate::fixtures::{node, now, pod, resources, seconds};
use crate::invariants::{any_pod, at, build};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::{FsStats, VolumeStats};
use kubelet_stats::{Surroundings, summary, summary_in};
use proptest::prelude::*;
use serde_json::{Value, json};

const GI: u64 = 1 << 30;

/// A volume of each type, named after it.
fn every_type() -> Vec<Value> {
    vec![
        json!({"name": "claim", "persistentVolumeClaim": {"claimName": "data-0"}}),
        json!({"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}}}),
        json!({"name": "directory", "emptyDir": {}}),
        json!({"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}),
        json!({"name": "huge-pages", "emptyDir": {"medium": "HugePages-2Mi"}}),
        json!({"name": "settings", "configMap": {"name": "settings"}}),
        json!({"name": "key", "secret": {"secretName": "key"}}),
        json!({"name": "token", "projected": {"sources": []}}),
        json!({"name": "identity", "downwardAPI": {"items": []}}),
        json!({"name": "inline", "csi": {"driver": "inline.example", "volumeAttributes": {"size": "3Gi"}}}),
        json!({"name": "unsized", "csi": {"driver": "secrets.example"}}),
        json!({"name": "export", "nfs": {"server": "storage.example", "path": "/export"}}),
        json!({"name": "target", "iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2026-01.example:disk", "lun": 0}}),
        json!({"name": "host", "hostPath": {"path": "/var/log"}}),
        json!({"name": "image", "image": {"reference": "registry.example/data:1"}}),
    ]
}

fn with(uid: &str, volumes: &[Value]) -> Pod {
    let start = now() - seconds(3_600);
    let mut pod = pod(uid, start).running("c", resources("10m", "10Mi", "1", "100Mi"), start);
    for volume in volumes {
        pod = pod.volume(volume.clone());
    }
    pod.build()
}

fn volumes_at(node: &Node, pod: Pod, at: Timestamp) -> Vec<VolumeStats> {
    let claim_size =
        |namespace: &str, name: &str| ((namespace, name) == ("shop", "data-0")).then_some(5 * GI);
    let surroundings = Surroundings { claim_size: Some(&claim_size), ..Surroundings::default() };
    summary_in(&surroundings, node, &[pod], at).pods.remove(0).volumes
}

/// Capacity, available, used; inodes, free, used.
fn numbers(fs: &FsStats) -> [u64; 6] {
    [fs.capacity_bytes, fs.available_bytes, fs.used_bytes, fs.inodes, fs.inodes_free, fs.inodes_used]
        .map(Option::unwrap)
}

#[test]
fn each_type_is_measured_as_a_kubelet_does_and_those_on_the_nodes_disk_come_first() {
    let node = node("n1");
    let disk = summary::<Pod>(&node, &[], now()).node.fs.unwrap().capacity_bytes.unwrap();
    let found: Vec<(String, u64, Option<String>)> = volumes_at(&node, with("a", &every_type()), now())
        .into_iter()
        .map(|volume| {
            (volume.name, volume.fs.capacity_bytes.unwrap(), volume.pvc_ref.map(|claim| claim.name))
        })
        .collect();
    let limit_of_the_pod = 100 << 20;
    let expected: Vec<(String, u64, Option<String>)> = [
        ("directory", disk, None),
        ("settings", disk, None),
        ("claim", 5 * GI, Some("data-0")),
        ("scratch", 2 * GI, Some("pod-a-scratch")),
        ("memory", 8 << 20, None),
        ("huge-pages", limit_of_the_pod, None),
        ("key", limit_of_the_pod, None),
        ("token", limit_of_the_pod, None),
        ("identity", limit_of_the_pod, None),
        ("inline", 3 * GI, None),
        ("unsized", GI, None),
        ("export", 1_024 * GI, None),
        ("target", 1_024 * GI, None),
    ]
    .map(|(name, capacity, claim)| (name.to_owned(), capacity, claim.map(str::to_owned)))
    .into();
    assert_eq!(found, expected);
}

#[test]
fn a_claim_names_its_namespace_as_well() {
    let volumes = volumes_at(&node("n1"), with("a", &every_type()), now());
    let namespaces: Vec<&str> =
        volumes.iter().filter_map(|volume| Some(volume.pvc_ref.as_ref()?.namespace.as_str())).collect();
    assert_eq!(namespaces, ["shop", "shop"]);
}

#[test]
fn memory_that_no_pod_limits_is_what_the_node_gives_to_pods() {
    let mut node = node("n1");
    let token = json!({"name": "token", "projected": {"sources": []}});
    let start = now() - seconds(3_600);
    let capacity = |node: &Node| {
        let pod = pod("a", start).running("c", json!({}), start).volume(token.clone()).build();
        volumes_at(node, pod, now())[0].fs.capacity_bytes.unwrap()
    };
    assert_eq!(capacity(&node), 32 * GI);
    let allocatable = json!({"memory": "30Gi"});
    node.status.as_mut().unwrap().allocatable = serde_json::from_value(allocatable).unwrap();
    assert_eq!(capacity(&node), 30 * GI);
}

#[test]
fn a_claim_and_an_export_are_the_same_for_every_pod_that_uses_them_and_the_rest_is_each_pods_own() {
    let shared = ["claim", "export", "target"];
    let [a, b] = ["a", "b"].map(|uid| volumes_at(&node("n1"), with(uid, &every_type()), now()));
    for (a, b) in a.iter().zip(&b) {
        let same = numbers(&a.fs) == numbers(&b.fs);
        if shared.contains(&a.name.as_str()) {
            assert!(same, "{}", a.name);
        } else if ["scratch", "inline", "unsized", "directory"].contains(&a.name.as_str()) {
            assert!(!same, "{}", a.name);
        }
    }
}

/// The share of a claim that is used.
fn fullness(claim: &str, at: Timestamp) -> f64 {
    let volume = json!({"name": "v", "persistentVolumeClaim": {"claimName": claim}});
    let fs = volumes_at(&node("n1"), with("a", &[volume]), at).remove(0).fs;
    fs.used_bytes.unwrap() as f64 / fs.capacity_bytes.unwrap() as f64
}

#[test]
fn one_claim_in_ten_is_nearly_full_at_all_times_and_none_is_full() {
    let days = |n: i64| now() + SignedDuration::from_hours(24 * n);
    let mut nearly = 0;
    for number in 0..500 {
        let claim = format!("data-{number}");
        let shares: Vec<f64> = (0..14).map(|day| fullness(&claim, days(day))).collect();
        assert!(shares.iter().all(|share| (0.1..0.995).contains(share)), "{claim}: {shares:?}");
        let full = shares.iter().filter(|share| **share >= 0.9).count();
        assert!(full == 0 || full == shares.len(), "{claim}: {shares:?}");
        nearly += usize::from(full > 0);
    }
    assert!((30..=70).contains(&nearly), "{nearly}");
}

#[test]
fn a_claim_grows_from_hour_to_hour_until_it_is_cleaned_up() {
    let hours: Vec<f64> =
        (0..24 * 8).map(|hour| fullness("data-0", now() + SignedDuration::from_hours(hour))).collect();
    let grown = hours.windows(2).filter(|pair| pair[1] > pair[0]).count();
    let fallen = hours.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_eq!(grown + fallen, hours.len() - 1);
    assert!((1..=8).contains(&fallen), "{fallen}");
}

fn any_volume() -> impl Strategy<Value = Value> {
    let size = "[0-9]{1,12}|[0-9]{1,4}[KMGT]i|-1Gi|[a-z]{1,3}";
    (0..15_usize, size).prop_map(|(at, size)| {
        let mut volume = every_type().swap_remove(at);
        match volume["name"].as_str().unwrap() {
            "directory" | "memory" => volume["emptyDir"]["sizeLimit"] = size.into(),
            "scratch" => {
                volume["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"] =
                    size.into();
            }
            "inline" => volume["csi"]["volumeAttributes"]["size"] = size.into(),
            _ => {}
        }
        volume
    })
}

/// The filesystems of an answer, wherever they are.
fn filesystems<'a>(value: &'a Value, found: &mut Vec<&'a serde_json::Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            if object.contains_key("capacityBytes") {
                found.push(object);
            }
            object.values().for_each(|value| filesystems(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| filesystems(value, found)),
        _ => {}
    }
}

/// A node with this capacity.
fn sized(memory: &str, disk: &str) -> Node {
    let mut node = node("n1");
    let capacity = node.status.as_mut().unwrap().capacity.as_mut().unwrap();
    memory.clone_into(&mut capacity.get_mut("memory").unwrap().0);
    disk.clone_into(&mut capacity.get_mut("ephemeral-storage").unwrap().0);
    node
}

proptest! {
    #[test]
    fn bytes_and_inodes_fit_into_their_filesystem(
        volumes in prop::collection::vec(any_volume(), 0..12), memory in "[0-9]{1,4}[KMG]i|0", disk in "[0-9]{1,3}[KMGT]i|0",
        later in 0..10_000_000_i64
    ) {
        let node = sized(&memory, &disk);
        let host = summary::<Pod>(&node, &[], now()).node.fs.unwrap().capacity_bytes.unwrap();
        for VolumeStats { name, fs, pvc_ref, volume_health_stats } in volumes_at(&node, with("a", &volumes), now() + seconds(later)) {
            let [capacity, available, used, inodes, inodes_free, inodes_used] = numbers(&fs);
            prop_assert!(used <= capacity && available <= capacity && inodes_used <= inodes && inodes_free <= inodes, "{name}: {fs:?}");
            let on_the_nodes_disk = ["directory", "settings"].contains(&name.as_str());
            if on_the_nodes_disk {
                prop_assert_eq!(capacity, host);
                prop_assert!(available + used <= capacity, "{}: {:?}", name, fs);
            } else {
                prop_assert_eq!(available, capacity - used, "{}: {:?}", name, fs);
                prop_assert_eq!(inodes_free, inodes - inodes_used, "{}: {:?}", name, fs);
            }
            prop_assert_eq!(pvc_ref.is_some(), ["claim", "scratch"].contains(&name.as_str()));
            prop_assert_eq!(volume_health_stats, None);
            prop_assert!(fs.time <= now() + seconds(later));
        }
    }
    #[test]
    fn every_filesystem_of_an_answer_holds_what_is_on_it(
        pods in prop::collection::vec(any_pod(), 0..5), disk in "[0-9]{1,3}[KMGT]i|0", later in 0..10_000_000_i64
    ) {
        let summary = summary(&sized("32Gi", &disk), &build(&pods), at(later));
        let answer = serde_json::to_value(&summary).unwrap();
        let mut found = Vec::new();
        filesystems(&answer, &mut found);
        prop_assert!(found.len() >= 3 + 4 * pods.len());
        for fs in found {
            let number = |key: &str| fs[key].as_u64().unwrap();
            prop_assert!(number("usedBytes") <= number("capacityBytes"), "{fs:?}");
            prop_assert!(number("availableBytes") <= number("capacityBytes"), "{fs:?}");
            prop_assert!(number("inodesUsed") <= number("inodes"), "{fs:?}");
            prop_assert!(number("inodesFree") <= number("inodes"), "{fs:?}");
        }
    }
}
