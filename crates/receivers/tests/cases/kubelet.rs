//! kubelet_stats, rule by rule.

use std::sync::Arc;

use expect_test::expect;
use k8s_openapi::api::core::v1::Pod;
use receivers::{ExtraLabel, KubeletStatsReceiver, KubeletStatsSettings, MetricGroup, PodMetadata};
use serde_json::{Value, json};

use crate::support::{Lines, NOW, STARTED, at, object, summary};

const TEN_SECONDS_LATER: &str = "2026-11-23T09:00:10Z";

fn receiver(settings: &KubeletStatsSettings) -> KubeletStatsReceiver {
    KubeletStatsReceiver::new("n1", "u1", "c", settings, at(STARTED))
}

fn scraped(settings: &KubeletStatsSettings, json: Value, pods: &[Arc<Pod>]) -> String {
    let mut metadata = PodMetadata::new();
    metadata.update(pods);
    let mut lines = Lines::default();
    receiver(settings).scrape(&summary(json), at(NOW), &metadata, &mut lines);
    lines.take()
}

fn pod_stats(further: &Value) -> Value {
    let mut pod = json!({
        "podRef": { "name": "web-6d8-x", "namespace": "shop", "uid": "p1" },
        "startTime": "2026-11-23T08:30:00Z",
        "containers": [],
    });
    pod.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    json!({ "node": { "nodeName": "n1", "startTime": STARTED }, "pods": [pod] })
}

fn web_pod() -> Arc<Pod> {
    object(json!({
        "metadata": {
            "name": "web-6d8-x", "namespace": "shop", "uid": "p1", "labels": { "pod-template-hash": "6d8" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d8", "uid": "r" }],
        },
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "resources": {
                        "requests": { "cpu": "500m", "memory": "100" }, "limits": { "cpu": "1", "memory": "200" },
                    },
                },
                { "name": "sidecar", "resources": { "requests": { "cpu": "500m", "memory": "100" } } },
            ],
            "volumes": [
                { "name": "tmp", "emptyDir": {} },
                { "name": "data", "persistentVolumeClaim": { "claimName": "data-0" } },
                { "name": "token", "projected": {} },
            ],
        },
        "status": {
            "containerStatuses": [{
                "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "containerID": "containerd://abc",
            }],
        },
    }))
}

#[test]
fn every_field_of_a_summary_becomes_a_point() {
    let fs = json!({
        "time": NOW, "availableBytes": 71, "capacityBytes": 72, "usedBytes": 73, "inodesFree": 74, "inodes": 75,
        "inodesUsed": 76,
    });
    let memory = json!({
        "time": NOW, "availableBytes": 61, "usageBytes": 62, "workingSetBytes": 63, "rssBytes": 64,
        "pageFaults": 65, "majorPageFaults": 66,
    });
    let cpu = json!({ "time": NOW, "usageNanoCores": 5, "usageCoreNanoSeconds": 1_500_000_000_u64 });
    let network = json!({
        "time": NOW, "name": "eth0", "rxBytes": 81, "rxErrors": 82, "txBytes": 83, "txErrors": 84,
        "interfaces": [{ "name": "eth0", "rxBytes": 81 }, { "name": "eth1", "rxBytes": 91 }],
    });
    let everything = json!({
        "node": {
            "nodeName": "n1", "startTime": STARTED, "cpu": cpu, "memory": memory, "network": network, "fs": fs,
        },
        "pods": [{
            "podRef": { "name": "web-6d8-x", "namespace": "shop", "uid": "p1" },
            "startTime": "2026-11-23T08:30:00Z",
            "cpu": cpu, "memory": memory, "network": network, "ephemeral-storage": fs,
            "containers": [{
                "name": "main", "startTime": "2026-11-23T08:40:00Z", "cpu": cpu, "memory": memory, "rootfs": fs,
                "logs": fs,
            }],
        }],
    });
    expect![[r#"
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.uid=u1
          k8s.node.cpu.time 1.5 at 09:00:00 since 08:00:00
          k8s.node.memory.available 61 at 09:00:00 since 08:00:00
          k8s.node.memory.usage 62 at 09:00:00 since 08:00:00
          k8s.node.memory.working_set 63 at 09:00:00 since 08:00:00
          k8s.node.memory.rss 64 at 09:00:00 since 08:00:00
          k8s.node.memory.page_faults 65 at 09:00:00 since 08:00:00
          k8s.node.memory.major_page_faults 66 at 09:00:00 since 08:00:00
          k8s.node.filesystem.available 71 at 09:00:00 since 08:00:00
          k8s.node.filesystem.capacity 72 at 09:00:00 since 08:00:00
          k8s.node.filesystem.usage 73 at 09:00:00 since 08:00:00
          k8s.node.network.io{interface=eth0,direction=receive} 81 at 09:00:00 since 08:00:00
          k8s.node.network.io{interface=eth0,direction=transmit} 83 at 09:00:00 since 08:00:00
          k8s.node.network.errors{interface=eth0,direction=receive} 82 at 09:00:00 since 08:00:00
          k8s.node.network.errors{interface=eth0,direction=transmit} 84 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.pod.cpu.time 1.5 at 09:00:00 since 08:30:00
          k8s.pod.memory.available 61 at 09:00:00 since 08:30:00
          k8s.pod.memory.usage 62 at 09:00:00 since 08:30:00
          k8s.pod.memory.working_set 63 at 09:00:00 since 08:30:00
          k8s.pod.memory.rss 64 at 09:00:00 since 08:30:00
          k8s.pod.memory.page_faults 65 at 09:00:00 since 08:30:00
          k8s.pod.memory.major_page_faults 66 at 09:00:00 since 08:30:00
          k8s.pod.filesystem.available 71 at 09:00:00 since 08:30:00
          k8s.pod.filesystem.capacity 72 at 09:00:00 since 08:30:00
          k8s.pod.filesystem.usage 73 at 09:00:00 since 08:30:00
          k8s.pod.network.io{interface=eth0,direction=receive} 81 at 09:00:00 since 08:30:00
          k8s.pod.network.io{interface=eth0,direction=transmit} 83 at 09:00:00 since 08:30:00
          k8s.pod.network.errors{interface=eth0,direction=receive} 82 at 09:00:00 since 08:30:00
          k8s.pod.network.errors{interface=eth0,direction=transmit} 84 at 09:00:00 since 08:30:00
        k8s.cluster.name=c k8s.container.name=main k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          container.cpu.time 1.5 at 09:00:00 since 08:40:00
          container.memory.available 61 at 09:00:00 since 08:40:00
          container.memory.usage 62 at 09:00:00 since 08:40:00
          container.memory.working_set 63 at 09:00:00 since 08:40:00
          container.memory.rss 64 at 09:00:00 since 08:40:00
          container.memory.page_faults 65 at 09:00:00 since 08:40:00
          container.memory.major_page_faults 66 at 09:00:00 since 08:40:00
          container.filesystem.available 71 at 09:00:00 since 08:40:00
          container.filesystem.capacity 72 at 09:00:00 since 08:40:00
          container.filesystem.usage 73 at 09:00:00 since 08:40:00
    "#]].assert_eq(&scraped(&KubeletStatsSettings::default(), everything, &[web_pod()]));
}

#[test]
fn an_absent_field_gives_no_point_and_an_unknown_pod_no_workload() {
    let stats = pod_stats(&json!({
        "memory": { "time": NOW, "workingSetBytes": 1 },
        "network": { "time": NOW, "name": "", "rxBytes": 2 },
        "ephemeral-storage": { "time": NOW, "usedBytes": 3 },
        "containers": [{ "name": "main", "startTime": STARTED, "cpu": { "time": NOW, "usageNanoCores": 4 } }],
    }));
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1
          k8s.pod.memory.working_set 1 at 09:00:00 since 08:30:00
          k8s.pod.filesystem.usage 3 at 09:00:00 since 08:30:00
          k8s.pod.network.io{interface=,direction=receive} 2 at 09:00:00 since 08:30:00
    "#]].assert_eq(&scraped(&KubeletStatsSettings::default(), stats, &[]));
}

#[test]
fn all_interfaces_take_the_place_of_the_default_one() {
    let stats = pod_stats(&json!({
        "network": {
            "time": NOW, "name": "eth0", "rxBytes": 1,
            "interfaces": [{ "name": "eth1", "rxBytes": 2 }, { "name": "eth0", "rxBytes": 1 }],
        },
    }));
    let mut settings = KubeletStatsSettings { all_pod_interfaces: true, ..KubeletStatsSettings::default() };
    settings.metrics.set("k8s.pod.network.errors", false).unwrap();
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1
          k8s.pod.network.io{interface=eth1,direction=receive} 2 at 09:00:00 since 08:30:00
          k8s.pod.network.io{interface=eth0,direction=receive} 1 at 09:00:00 since 08:30:00
    "#]].assert_eq(&scraped(&settings, stats, &[]));
}

#[test]
fn volumes_start_with_the_receiver_and_carry_their_type_when_asked() {
    let mut settings = KubeletStatsSettings::default();
    settings.metric_groups.insert(MetricGroup::Volume);
    settings.metrics.set("k8s.pod.volume.usage", true).unwrap();
    let volume = |name: &str| json!({ "name": name, "time": NOW, "usedBytes": 1, "inodes": 2 });
    let stats =
        pod_stats(&json!({ "volume": [volume("tmp"), volume("data"), volume("token"), volume("gone")] }));
    expect![[r#"
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=tmp
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=data
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=token
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=gone
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&scraped(&settings, stats.clone(), &[web_pod()]));
    // With types, a volume that the pod's spec lacks is left out.
    settings.extra_metadata_labels.insert(ExtraLabel::VolumeType);
    expect![[r#"
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=tmp k8s.volume.type=emptyDir
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.persistentvolumeclaim.name=data-0 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=data k8s.volume.type=persistentVolumeClaim
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8 k8s.volume.name=token
          k8s.volume.inodes 2 at 09:00:00 since 08:00:00
          k8s.pod.volume.usage 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&scraped(&settings, stats, &[web_pod()]));
}

#[test]
fn a_claim_that_is_looked_up_must_be_bound() {
    let mut settings = KubeletStatsSettings { looks_up_claims: true, ..KubeletStatsSettings::default() };
    settings.metric_groups = [MetricGroup::Volume].into();
    settings.extra_metadata_labels.insert(ExtraLabel::VolumeType);
    let stats =
        summary(pod_stats(&json!({ "volume": [{ "name": "data", "time": NOW, "capacityBytes": 1 }] })));
    let claim = |volume: Value| {
        object(
            json!({ "metadata": { "name": "data-0", "namespace": "shop" }, "spec": { "volumeName": volume } }),
        )
    };
    let volume = |source: Value| object(json!({ "metadata": { "name": "pv-0" }, "spec": source }));
    let host_path = volume(json!({ "hostPath": { "path": "/" } }));
    let local = volume(json!({ "local": { "path": "/" } }));

    let mut metadata = PodMetadata::new();
    metadata.update(&[web_pod()]);
    let mut lines = Lines::default();
    let mut receiver = receiver(&settings);
    for (claims, volumes, expected) in [
        (vec![], vec![], ""),
        (vec![claim(Value::Null)], vec![Arc::clone(&host_path)], ""),
        (vec![claim(json!("pv-0"))], vec![], ""),
        (vec![claim(json!("pv-0"))], vec![host_path], "k8s.volume.type=persistentVolumeClaim"),
        (vec![claim(json!("pv-0"))], vec![local], "k8s.volume.type=local"),
    ] {
        metadata.update_claims(&claims, &volumes);
        receiver.scrape(&stats, at(NOW), &metadata, &mut lines);
        let text = lines.take();
        assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{expected}: {text}");
    }
}

#[test]
fn a_container_without_an_id_is_left_out_when_ids_are_asked_for() {
    let mut settings = KubeletStatsSettings::default();
    settings.extra_metadata_labels.insert(ExtraLabel::ContainerId);
    let container = |name: &str| json!({ "name": name, "startTime": STARTED, "memory": { "time": NOW, "usageBytes": 1 } });
    let stats = pod_stats(&json!({ "containers": [container("main"), container("sidecar")] }));
    expect![[r#"
        container.id=abc k8s.cluster.name=c k8s.container.name=main k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          container.memory.usage 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&scraped(&settings, stats, &[web_pod()]));
}

#[test]
fn usage_is_divided_by_requests_limits_and_the_node() {
    let mut settings = KubeletStatsSettings::default();
    for metric in catalogue::all().filter(|metric| metric.receiver == catalogue::Receiver::KubeletStats) {
        settings.metrics.set(metric.name, metric.name.contains("utilization")).unwrap();
    }
    let stats = |time: &str, seconds: u64| {
        let cpu = json!({ "time": time, "usageCoreNanoSeconds": seconds * 1_000_000_000 });
        let memory = json!({ "time": time, "usageBytes": 50 });
        let container =
            |name: &str| json!({ "name": name, "startTime": STARTED, "cpu": cpu, "memory": memory });
        let containers = [container("main"), container("sidecar")];
        summary(pod_stats(&json!({ "cpu": cpu, "memory": memory, "containers": containers })))
    };
    let mut metadata = PodMetadata::new();
    metadata.update(&[web_pod()]);
    let mut receiver = receiver(&settings);
    receiver.observe_node(&object(json!({
        "metadata": {}, "status": { "capacity": { "cpu": "4", "memory": "1000" }, "allocatable": { "cpu": "3" } },
    })));
    let mut lines = Lines::default();
    receiver.scrape(&stats(NOW, 10), at(NOW), &metadata, &mut lines);
    lines.take();
    receiver.scrape(&stats(TEN_SECONDS_LATER, 12), at(TEN_SECONDS_LATER), &metadata, &mut lines);
    // 0.2 CPUs. The sidecar has no limit, so neither it nor the pod has a share of one.
    expect![[r#"
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.pod.cpu.node.utilization 0.05 at 09:00:10 since 08:30:00
          k8s.pod.cpu_request_utilization 0.2 at 09:00:10 since 08:30:00
          k8s.pod.memory.node.utilization 0.05 at 09:00:10 since 08:30:00
          k8s.pod.memory_request_utilization 0.25 at 09:00:10 since 08:30:00
        k8s.cluster.name=c k8s.container.name=main k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.container.cpu.node.utilization 0.05 at 09:00:10 since 08:00:00
          k8s.container.cpu_limit_utilization 0.2 at 09:00:10 since 08:00:00
          k8s.container.cpu_request_utilization 0.4 at 09:00:10 since 08:00:00
          k8s.container.memory.node.utilization 0.05 at 09:00:10 since 08:00:00
          k8s.container.memory_limit_utilization 0.25 at 09:00:10 since 08:00:00
          k8s.container.memory_request_utilization 0.5 at 09:00:10 since 08:00:00
        k8s.cluster.name=c k8s.container.name=sidecar k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.container.cpu.node.utilization 0.05 at 09:00:10 since 08:00:00
          k8s.container.cpu_request_utilization 0.4 at 09:00:10 since 08:00:00
          k8s.container.memory.node.utilization 0.05 at 09:00:10 since 08:00:00
          k8s.container.memory_request_utilization 0.5 at 09:00:10 since 08:00:00
    "#]].assert_eq(&lines.take());
}

#[test]
fn opt_in_metrics_of_nodes_and_containers() {
    let mut settings = KubeletStatsSettings::default();
    for metric in catalogue::all().filter(|metric| metric.receiver == catalogue::Receiver::KubeletStats) {
        settings.metrics.set(metric.name, !metric.on_by_default).unwrap();
    }
    let cpu = json!({ "time": NOW, "usageCoreNanoSeconds": 2_000_000_000_u64 });
    let stats = json!({
        "node": {
            "nodeName": "n1", "startTime": STARTED, "fs": { "time": NOW, "inodes": 10, "inodesFree": 9 },
            "systemContainers": [{
                "name": "kubelet", "startTime": "2026-11-23T08:00:05Z", "cpu": cpu,
                "memory": { "time": NOW, "usageBytes": 3, "workingSetBytes": 2 },
            }],
        },
        "pods": [{
            "podRef": { "name": "p", "namespace": "d", "uid": "p9" }, "startTime": "2026-11-23T08:59:58.5Z",
            "containers": [{
                "name": "c", "startTime": "2026-11-23T08:59:59Z",
                "rootfs": { "time": NOW, "usedBytes": 5 }, "logs": { "time": NOW, "usedBytes": 6 },
            }],
        }],
    });
    expect![[r#"
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.uid=u1
          k8s.node.uptime 3600 at 09:00:00 since 08:00:00
          k8s.node.filesystem.inode.count 10 at 09:00:00 since 08:00:00
          k8s.node.filesystem.inode.free 9 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.system_container.name=kubelet k8s.node.uid=u1
          k8s.node.system_container.cpu.time 2.0 at 09:00:00 since 08:00:05
          k8s.node.system_container.memory.usage 3 at 09:00:00 since 08:00:05
          k8s.node.system_container.memory.working_set 2 at 09:00:00 since 08:00:05
        k8s.cluster.name=c k8s.namespace.name=d k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=p k8s.pod.uid=p9
          k8s.pod.uptime 1 at 09:00:00 since 08:59:58
        k8s.cluster.name=c k8s.container.name=c k8s.namespace.name=d k8s.node.name=n1 k8s.node.uid=u1 k8s.pod.name=p k8s.pod.uid=p9
          container.uptime 1 at 09:00:00 since 08:59:59
          k8s.container.ephemeral_storage.usage{fs.type=rootfs} 5 at 09:00:00 since 08:59:59
          k8s.container.ephemeral_storage.usage{fs.type=logs} 6 at 09:00:00 since 08:59:59
    "#]].assert_eq(&scraped(&settings, stats, &[]));
}

#[test]
fn only_the_groups_that_are_asked_for_are_sent() {
    let stats = pod_stats(&json!({
        "memory": { "time": NOW, "usageBytes": 1 },
        "containers": [{ "name": "main", "startTime": STARTED, "memory": { "time": NOW, "usageBytes": 2 } }],
        "volume": [{ "name": "tmp", "time": NOW, "capacityBytes": 3 }],
    }));
    for (group, metric) in [
        (MetricGroup::Pod, "k8s.pod.memory.usage"),
        (MetricGroup::Container, "container.memory.usage"),
        (MetricGroup::Volume, "k8s.volume.capacity"),
    ] {
        let settings =
            KubeletStatsSettings { metric_groups: [group].into(), ..KubeletStatsSettings::default() };
        let text = scraped(&settings, stats.clone(), &[]);
        assert_eq!(text.lines().filter(|line| line.starts_with("  ")).count(), 1, "{text}");
        assert!(text.contains(metric), "{text}");
    }
}
