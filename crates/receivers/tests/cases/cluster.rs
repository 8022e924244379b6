//! k8s_cluster, kind by kind.

use expect_test::expect;
use receivers::{ClusterView, K8sClusterSettings};
use serde_json::json;

use crate::shared::for_dashboards;
use crate::support::{collected, object};

#[test]
fn a_pod_and_its_containers() {
    let pod = object(json!({
        "metadata": {
            "name": "web-6d8-x", "namespace": "shop", "uid": "p1", "labels": { "pod-template-hash": "6d8" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d8", "uid": "r" }],
        },
        "spec": {
            "nodeName": "n1",
            "initContainers": [{ "name": "init", "resources": { "requests": { "cpu": "1" } } }],
            "containers": [
                {
                    "name": "main",
                    "resources": {
                        "requests": { "cpu": "100m", "memory": "64Mi", "ephemeral-storage": "1Gi", "gpu": "1" },
                        "limits": { "cpu": "1500m", "memory": "1e9", "storage": "1k" },
                    },
                },
                { "name": "starting" },
            ],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{
                "name": "main", "image": "localhost:5000/web:2@sha256:00", "imageID": "", "ready": true,
                "restartCount": 3, "containerID": "containerd://abc",
            }],
        },
    }));
    // The container without a status has nothing to say, so it does not show.
    expect![[r#"
        k8s.cluster.name=c k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.pod.phase 2 at 09:00:00 since 08:00:00
        container.id=abc container.image.name=localhost:5000/web container.image.tag=2 k8s.cluster.name=c k8s.container.name=main k8s.deployment.name=web k8s.namespace.name=shop k8s.node.name=n1 k8s.pod.name=web-6d8-x k8s.pod.uid=p1 k8s.replicaset.name=web-6d8
          k8s.container.cpu_request 0.1 at 09:00:00 since 08:00:00
          k8s.container.memory_request 67108864 at 09:00:00 since 08:00:00
          k8s.container.ephemeralstorage_request 1073741824 at 09:00:00 since 08:00:00
          k8s.container.cpu_limit 1.5 at 09:00:00 since 08:00:00
          k8s.container.memory_limit 1000000000 at 09:00:00 since 08:00:00
          k8s.container.storage_limit 1000 at 09:00:00 since 08:00:00
          k8s.container.restarts 3 at 09:00:00 since 08:00:00
          k8s.container.ready 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(
        &K8sClusterSettings::default(),
        ClusterView { pods: &[pod], ..ClusterView::default() },
    ));
}

#[test]
fn a_pod_that_waits_for_a_node_has_an_empty_node_name() {
    let pod = object(json!({
        "metadata": { "name": "p", "namespace": "d", "uid": "p1" },
        "spec": { "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }] },
        "status": { "phase": "Pending" },
    }));
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=d k8s.node.name= k8s.pod.name=p k8s.pod.uid=p1
          k8s.pod.phase 1 at 09:00:00 since 08:00:00
        container.id= container.image.name= container.image.tag= k8s.cluster.name=c k8s.container.name=c k8s.namespace.name=d k8s.node.name= k8s.pod.name=p k8s.pod.uid=p1
          k8s.container.cpu_request 1.0 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(
        &K8sClusterSettings::default(),
        ClusterView { pods: &[pod], ..ClusterView::default() },
    ));
}

#[test]
fn a_crash_looping_container_with_all_optional_metrics_and_attributes() {
    let mut settings = K8sClusterSettings::default();
    for name in ["k8s.container.status.state", "k8s.container.status.reason", "k8s.pod.status_reason"] {
        settings.metrics.set(name, true).unwrap();
    }
    for key in ["k8s.container.status.last_terminated_reason", "k8s.pod.qos_class"] {
        settings.resource_attributes.set(key, true).unwrap();
    }
    settings.resource_attributes.set("k8s.pod.uid", false).unwrap();
    let pod = object(json!({
        "metadata": { "name": "p", "namespace": "d", "uid": "p1" },
        "spec": { "nodeName": "n1", "containers": [{ "name": "c" }] },
        "status": {
            "phase": "Running", "qosClass": "BestEffort", "reason": "Evicted",
            "containerStatuses": [{
                "name": "c", "image": "c", "imageID": "", "ready": false, "restartCount": 7,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } },
            }],
        },
    }));
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=d k8s.node.name=n1 k8s.pod.name=p k8s.pod.qos_class=BestEffort
          k8s.pod.phase 2 at 09:00:00 since 08:00:00
          k8s.pod.status_reason 1 at 09:00:00 since 08:00:00
        container.id= container.image.name=c container.image.tag=latest k8s.cluster.name=c k8s.container.name=c k8s.container.status.last_terminated_reason=OOMKilled k8s.namespace.name=d k8s.node.name=n1 k8s.pod.name=p
          k8s.container.restarts 7 at 09:00:00 since 08:00:00
          k8s.container.ready 0 at 09:00:00 since 08:00:00
          k8s.container.status.state{k8s.container.status.state=terminated} 0 at 09:00:00 since 08:00:00
          k8s.container.status.state{k8s.container.status.state=running} 0 at 09:00:00 since 08:00:00
          k8s.container.status.state{k8s.container.status.state=waiting} 1 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=ContainerCreating} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=CrashLoopBackOff} 1 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=CreateContainerConfigError} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=ErrImagePull} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=ImagePullBackOff} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=OOMKilled} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=Completed} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=Error} 0 at 09:00:00 since 08:00:00
          k8s.container.status.reason{k8s.container.status.reason=ContainerCannotRun} 0 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(&settings, ClusterView { pods: &[pod], ..ClusterView::default() }));
}

#[test]
fn a_node_answers_for_the_conditions_and_resources_it_is_asked_for() {
    let node = object(json!({
        "metadata": { "name": "n1", "uid": "u1" },
        "status": {
            "allocatable": { "cpu": "3920m", "memory": "1Gi", "pods": "110" },
            "conditions": [
                { "type": "Ready", "status": "Unknown" },
                { "type": "MemoryPressure", "status": "True" },
                { "type": "DiskPressure", "status": "False" },
            ],
        },
    }));
    // The node has no PIDPressure and no ephemeral-storage: the one is unknown, the other is not there.
    let view = ClusterView { nodes: &[node], ..ClusterView::default() };
    expect![[r#"
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.uid=u1
          k8s.node.condition_ready -1 at 09:00:00
          k8s.node.condition_memory_pressure 1 at 09:00:00
          k8s.node.condition_disk_pressure 0 at 09:00:00
          k8s.node.condition_pid_pressure -1 at 09:00:00
          k8s.node.allocatable_cpu 3.92 at 09:00:00
          k8s.node.allocatable_memory 1073741824 at 09:00:00
          k8s.node.allocatable_pods 110 at 09:00:00
    "#]]
    .assert_eq(&collected(&for_dashboards(), view));
    expect![[r#"
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.uid=u1
          k8s.node.condition_ready -1 at 09:00:00
    "#]]
    .assert_eq(&collected(&K8sClusterSettings::default(), view));

    let mut all = K8sClusterSettings::default();
    all.set_node_conditions::<&str>([]).unwrap();
    all.metrics.set("k8s.node.condition", true).unwrap();
    expect![[r#"
        k8s.cluster.name=c k8s.node.name=n1 k8s.node.uid=u1
          k8s.node.condition{condition=Ready} -1 at 09:00:00 since 08:00:00
          k8s.node.condition{condition=MemoryPressure} 1 at 09:00:00 since 08:00:00
          k8s.node.condition{condition=DiskPressure} 0 at 09:00:00 since 08:00:00
    "#]]
    .assert_eq(&collected(&all, view));
}

#[test]
fn a_namespace_has_a_phase() {
    let namespaces = ["Active", "Terminating"].map(|phase| {
        object(json!({ "metadata": { "name": phase, "uid": "u" }, "status": { "phase": phase } }))
    });
    let view = ClusterView { namespaces: &namespaces, ..ClusterView::default() };
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=Active k8s.namespace.uid=u
          k8s.namespace.phase 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=Terminating k8s.namespace.uid=u
          k8s.namespace.phase 0 at 09:00:00 since 08:00:00
    "#]]
    .assert_eq(&collected(&K8sClusterSettings::default(), view));
}

#[test]
fn workloads_say_what_they_want_and_what_they_have() {
    let meta = json!({ "name": "w", "namespace": "d", "uid": "u" });
    let selector = json!({ "matchLabels": {} });
    let view = ClusterView {
        deployments: &[object(json!({
            "metadata": meta, "spec": { "replicas": 3, "selector": selector, "template": {} },
            "status": { "availableReplicas": 2 },
        }))],
        // Old ReplicaSets are reported too; one without `replicas` is not.
        replica_sets: &[
            object(
                json!({ "metadata": meta, "spec": { "replicas": 0, "selector": selector }, "status": { "replicas": 0 } }),
            ),
            object(json!({ "metadata": meta, "spec": { "selector": selector } })),
        ],
        stateful_sets: &[object(json!({
            "metadata": meta,
            "spec": { "replicas": 3, "selector": selector, "template": {}, "serviceName": "s" },
            "status": {
                "replicas": 3, "readyReplicas": 2, "currentReplicas": 1, "updatedReplicas": 2, "availableReplicas": 2,
            },
        }))],
        daemon_sets: &[object(json!({
            "metadata": meta, "spec": { "selector": selector, "template": {} },
            "status": {
                "currentNumberScheduled": 4, "desiredNumberScheduled": 5, "numberMisscheduled": 1, "numberReady": 3,
            },
        }))],
        replication_controllers: &[object(json!({
            "metadata": meta, "spec": { "replicas": 1 }, "status": { "replicas": 1, "availableReplicas": 1 },
        }))],
        ..ClusterView::default()
    };
    expect![[r#"
        k8s.cluster.name=c k8s.deployment.name=w k8s.deployment.uid=u k8s.namespace.name=d
          k8s.deployment.desired 3 at 09:00:00 since 08:00:00
          k8s.deployment.available 2 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=d k8s.replicaset.name=w k8s.replicaset.uid=u
          k8s.replicaset.desired 0 at 09:00:00 since 08:00:00
          k8s.replicaset.available 0 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=d k8s.statefulset.name=w k8s.statefulset.uid=u
          k8s.statefulset.desired_pods 3 at 09:00:00 since 08:00:00
          k8s.statefulset.ready_pods 2 at 09:00:00 since 08:00:00
          k8s.statefulset.current_pods 1 at 09:00:00 since 08:00:00
          k8s.statefulset.updated_pods 2 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.daemonset.name=w k8s.daemonset.uid=u k8s.namespace.name=d
          k8s.daemonset.current_scheduled_nodes 4 at 09:00:00 since 08:00:00
          k8s.daemonset.desired_scheduled_nodes 5 at 09:00:00 since 08:00:00
          k8s.daemonset.misscheduled_nodes 1 at 09:00:00 since 08:00:00
          k8s.daemonset.ready_nodes 3 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=d k8s.replicationcontroller.name=w k8s.replicationcontroller.uid=u
          k8s.replication_controller.desired 1 at 09:00:00 since 08:00:00
          k8s.replication_controller.available 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(&K8sClusterSettings::default(), view));
}

#[test]
fn a_job_without_completions_has_no_desired_pods() {
    let job =
        |spec| object(json!({ "metadata": { "name": "j", "namespace": "d", "uid": "u" }, "spec": spec }));
    let jobs =
        [job(json!({ "template": {} })), job(json!({ "template": {}, "completions": 5, "parallelism": 2 }))];
    let cron_jobs = [object(json!({
        "metadata": { "name": "c", "namespace": "d", "uid": "u" },
        "spec": { "schedule": "* * * * *", "jobTemplate": {} },
        "status": { "active": [{}, {}] },
    }))];
    let view = ClusterView { jobs: &jobs, cron_jobs: &cron_jobs, ..ClusterView::default() };
    expect![[r#"
        k8s.cluster.name=c k8s.job.name=j k8s.job.uid=u k8s.namespace.name=d
          k8s.job.active_pods 0 at 09:00:00 since 08:00:00
          k8s.job.failed_pods 0 at 09:00:00 since 08:00:00
          k8s.job.successful_pods 0 at 09:00:00 since 08:00:00
          k8s.job.active_pods 0 at 09:00:00 since 08:00:00
          k8s.job.failed_pods 0 at 09:00:00 since 08:00:00
          k8s.job.successful_pods 0 at 09:00:00 since 08:00:00
          k8s.job.desired_successful_pods 5 at 09:00:00 since 08:00:00
          k8s.job.max_parallel_pods 2 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.cronjob.name=c k8s.cronjob.uid=u k8s.namespace.name=d
          k8s.cronjob.active_jobs 2 at 09:00:00 since 08:00:00
    "#]]
    .assert_eq(&collected(&K8sClusterSettings::default(), view));
}

#[test]
fn autoscalers_and_quotas() {
    let view = ClusterView {
        horizontal_pod_autoscalers: &[object(json!({
            "metadata": { "name": "h", "namespace": "d", "uid": "u" },
            "spec": { "maxReplicas": 6, "scaleTargetRef": { "kind": "Deployment", "name": "w" } },
            "status": { "currentReplicas": 3, "desiredReplicas": 4 },
        }))],
        // Only names that end in `.cpu` are in millicores; plain `cpu` is rounded up to whole cores.
        resource_quotas: &[object(json!({
            "metadata": { "name": "q", "namespace": "d", "uid": "u" },
            "status": {
                "hard": { "cpu": "1500m", "requests.cpu": "1500m", "limits.memory": "1Gi", "pods": "10" },
                "used": { "requests.cpu": "0" },
            },
        }))],
        ..ClusterView::default()
    };
    expect![[r#"
        k8s.cluster.name=c k8s.hpa.name=h k8s.hpa.uid=u k8s.namespace.name=d
          k8s.hpa.max_replicas 6 at 09:00:00 since 08:00:00
          k8s.hpa.min_replicas 1 at 09:00:00 since 08:00:00
          k8s.hpa.current_replicas 3 at 09:00:00 since 08:00:00
          k8s.hpa.desired_replicas 4 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=d k8s.resourcequota.name=q k8s.resourcequota.uid=u
          k8s.resource_quota.hard_limit{resource=cpu} 2 at 09:00:00 since 08:00:00
          k8s.resource_quota.hard_limit{resource=limits.memory} 1073741824 at 09:00:00 since 08:00:00
          k8s.resource_quota.hard_limit{resource=pods} 10 at 09:00:00 since 08:00:00
          k8s.resource_quota.hard_limit{resource=requests.cpu} 1500 at 09:00:00 since 08:00:00
          k8s.resource_quota.used{resource=requests.cpu} 0 at 09:00:00 since 08:00:00
    "#]]
    .assert_eq(&collected(&K8sClusterSettings::default(), view));
}

#[test]
fn services_count_their_endpoints_by_condition_and_zone() {
    let mut settings = K8sClusterSettings::default();
    for name in ["k8s.service.endpoint.count", "k8s.service.load_balancer.ingress.count"] {
        settings.metrics.set(name, true).unwrap();
    }
    let service = object(json!({
        "metadata": { "name": "s", "namespace": "d", "uid": "u" },
        "spec": { "type": "LoadBalancer" },
        "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } },
    }));
    let slice = object(json!({
        "addressType": "IPv4",
        "metadata": { "name": "s-1", "namespace": "d", "labels": { "kubernetes.io/service-name": "s" } },
        "endpoints": [
            { "addresses": [], "zone": "a" },
            { "addresses": [], "zone": "a", "conditions": { "ready": false, "serving": true, "terminating": true } },
            { "addresses": [], "conditions": { "ready": false } },
        ],
    }));
    let view = ClusterView { services: &[service], endpoint_slices: &[slice], ..ClusterView::default() };
    expect![[r#"
        k8s.cluster.name=c k8s.namespace.name=d k8s.service.name=s k8s.service.type=LoadBalancer k8s.service.uid=u
          k8s.service.endpoint.count{k8s.service.endpoint.condition=ready,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=} 0 at 09:00:00 since 08:00:00
          k8s.service.endpoint.count{k8s.service.endpoint.condition=serving,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=} 0 at 09:00:00 since 08:00:00
          k8s.service.endpoint.count{k8s.service.endpoint.condition=terminating,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=} 0 at 09:00:00 since 08:00:00
          k8s.service.endpoint.count{k8s.service.endpoint.condition=ready,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=a} 1 at 09:00:00 since 08:00:00
          k8s.service.endpoint.count{k8s.service.endpoint.condition=serving,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=a} 2 at 09:00:00 since 08:00:00
          k8s.service.endpoint.count{k8s.service.endpoint.condition=terminating,k8s.service.endpoint.address_type=IPv4,k8s.service.endpoint.zone=a} 1 at 09:00:00 since 08:00:00
          k8s.service.load_balancer.ingress.count 1 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(&settings, view));
}

#[test]
fn volumes_and_claims_are_a_state_set_of_their_phase() {
    let mut settings = K8sClusterSettings::default();
    for name in ["k8s.persistentvolume.status.phase", "k8s.persistentvolumeclaim.storage.request"] {
        settings.metrics.set(name, true).unwrap();
    }
    let view = ClusterView {
        persistent_volumes: &[object(json!({
            "metadata": { "name": "v", "uid": "u" }, "spec": { "capacity": { "storage": "1Gi" } },
            "status": { "phase": "Released" },
        }))],
        persistent_volume_claims: &[object(json!({
            "metadata": { "name": "c", "namespace": "d", "uid": "u" },
            "spec": { "resources": { "requests": { "storage": "5Gi" } }, "storageClassName": "fast" },
        }))],
        ..ClusterView::default()
    };
    expect![[r#"
        k8s.cluster.name=c k8s.persistentvolume.name=v k8s.persistentvolume.uid=u k8s.storageclass.name=
          k8s.persistentvolume.status.phase{k8s.persistentvolume.status.phase=Available} 0 at 09:00:00 since 08:00:00
          k8s.persistentvolume.status.phase{k8s.persistentvolume.status.phase=Bound} 0 at 09:00:00 since 08:00:00
          k8s.persistentvolume.status.phase{k8s.persistentvolume.status.phase=Failed} 0 at 09:00:00 since 08:00:00
          k8s.persistentvolume.status.phase{k8s.persistentvolume.status.phase=Pending} 0 at 09:00:00 since 08:00:00
          k8s.persistentvolume.status.phase{k8s.persistentvolume.status.phase=Released} 1 at 09:00:00 since 08:00:00
        k8s.cluster.name=c k8s.namespace.name=d k8s.persistentvolumeclaim.name=c k8s.persistentvolumeclaim.uid=u k8s.storageclass.name=fast
          k8s.persistentvolumeclaim.storage.request 5368709120 at 09:00:00 since 08:00:00
    "#]].assert_eq(&collected(&settings, view));
}
