//! The metrics of k8s_cluster: one row each, by kind of object.

use crate::ValueType::{Double, Int};
use crate::entity::k8s_cluster as entity;
use crate::table::{Subject, gauge, metrics, up_down, values};
use crate::{AttributeValues, Entity, Receiver, Switch};

const fn of(entity: &'static Entity) -> Subject {
    Subject { receiver: Receiver::K8sCluster, entity, switch: Switch::Metric }
}

const fn condition(name: &'static str) -> Subject {
    Subject { switch: Switch::NodeCondition(name), ..NODE }
}

const fn allocatable(name: &'static str) -> Subject {
    Subject { switch: Switch::Allocatable(name), ..NODE }
}

const CONTAINER: Subject = of(&entity::CONTAINER);
const POD: Subject = of(&entity::POD);
const NODE: Subject = of(&entity::NODE);
const NAMESPACE: Subject = of(&entity::NAMESPACE);
const DEPLOYMENT: Subject = of(&entity::DEPLOYMENT);
const REPLICA_SET: Subject = of(&entity::REPLICA_SET);
const REPLICATION_CONTROLLER: Subject = of(&entity::REPLICATION_CONTROLLER);
const STATEFUL_SET: Subject = of(&entity::STATEFUL_SET);
const DAEMON_SET: Subject = of(&entity::DAEMON_SET);
const JOB: Subject = of(&entity::JOB);
const CRON_JOB: Subject = of(&entity::CRON_JOB);
const HPA: Subject = of(&entity::HPA);
const QUOTA: Subject = of(&entity::RESOURCE_QUOTA);
const VOLUME: Subject = of(&entity::PERSISTENT_VOLUME);
const CLAIM: Subject = of(&entity::PERSISTENT_VOLUME_CLAIM);
const SERVICE: Subject = of(&entity::SERVICE);
const CLUSTER_QUOTA: Subject =
    Subject { receiver: Receiver::K8sCluster, entity: &entity::CLUSTER_QUOTA, switch: Switch::OpenShift };

/// The reasons that `k8s.container.status.reason` tells apart.
pub const CONTAINER_REASONS: &[&str] = &[
    "ContainerCreating",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "ErrImagePull",
    "ImagePullBackOff",
    "OOMKilled",
    "Completed",
    "Error",
    "ContainerCannotRun",
];
/// The states that `k8s.container.status.state` tells apart.
pub const CONTAINER_STATES: &[&str] = &["terminated", "running", "waiting"];
/// The phases of a PersistentVolume.
pub const VOLUME_PHASES: &[&str] = &["Available", "Bound", "Failed", "Pending", "Released"];
/// The phases of a PersistentVolumeClaim.
pub const CLAIM_PHASES: &[&str] = &["Bound", "Lost", "Pending"];
/// The conditions that `k8s.service.endpoint.count` tells apart.
pub const ENDPOINT_CONDITIONS: &[&str] = &["ready", "serving", "terminating"];

const REASON: &[AttributeValues] = &[values("k8s.container.status.reason", CONTAINER_REASONS)];
const STATE: &[AttributeValues] = &[values("k8s.container.status.state", CONTAINER_STATES)];
const VOLUME_PHASE: &[AttributeValues] = &[values("k8s.persistentvolume.status.phase", VOLUME_PHASES)];
const CLAIM_PHASE: &[AttributeValues] = &[values("k8s.persistentvolumeclaim.status.phase", CLAIM_PHASES)];
const ENDPOINT: &[AttributeValues] = &[
    values("k8s.service.endpoint.condition", ENDPOINT_CONDITIONS),
    values("k8s.service.endpoint.address_type", &["IPv4", "IPv6", "FQDN"]),
];

metrics! {
    /// CPU limit of the container.
    CONTAINER_CPU_LIMIT = gauge("k8s.container.cpu_limit", Double, "{cpu}", CONTAINER);
    /// CPU request of the container.
    CONTAINER_CPU_REQUEST = gauge("k8s.container.cpu_request", Double, "{cpu}", CONTAINER);
    /// Ephemeral storage limit of the container.
    CONTAINER_EPHEMERAL_STORAGE_LIMIT = gauge("k8s.container.ephemeralstorage_limit", Int, "By", CONTAINER);
    /// Ephemeral storage request of the container.
    CONTAINER_EPHEMERAL_STORAGE_REQUEST =
        gauge("k8s.container.ephemeralstorage_request", Int, "By", CONTAINER)
        ;
    /// Memory limit of the container.
    CONTAINER_MEMORY_LIMIT = gauge("k8s.container.memory_limit", Int, "By", CONTAINER);
    /// Memory request of the container.
    CONTAINER_MEMORY_REQUEST = gauge("k8s.container.memory_request", Int, "By", CONTAINER);
    /// Whether the container passed its readiness probe: 1 or 0.
    CONTAINER_READY = gauge("k8s.container.ready", Int, "", CONTAINER);
    /// How often the container has restarted; grows until its pod is replaced.
    CONTAINER_RESTARTS = gauge("k8s.container.restarts", Int, "{restart}", CONTAINER).counter_like();
    /// Why the container waits or ended: 1 for the present reason, 0 for the others.
    CONTAINER_STATUS_REASON = up_down("k8s.container.status.reason", Int, "{container}", CONTAINER)
        .with(&["k8s.container.status.reason"]).of(REASON).opt_in();
    /// Whether the container runs, waits or has ended: 1 for the present state, 0 for the others.
    CONTAINER_STATUS_STATE = up_down("k8s.container.status.state", Int, "{container}", CONTAINER)
        .with(&["k8s.container.status.state"]).of(STATE).opt_in();
    /// Limit on the resource `storage` of the container.
    CONTAINER_STORAGE_LIMIT = gauge("k8s.container.storage_limit", Int, "By", CONTAINER);
    /// Request for the resource `storage` of the container.
    CONTAINER_STORAGE_REQUEST = gauge("k8s.container.storage_request", Int, "By", CONTAINER);

    /// Phase of the pod: 1 Pending, 2 Running, 3 Succeeded, 4 Failed, 5 Unknown.
    POD_PHASE = gauge("k8s.pod.phase", Int, "", POD);
    /// Why the pod is as it is: 1 Evicted, 2 NodeAffinity, 3 NodeLost, 4 Shutdown, 5 UnexpectedAdmissionError, 6 other or none.
    POD_STATUS_REASON = gauge("k8s.pod.status_reason", Int, "", POD).opt_in();

    /// All conditions of the node: 1 true, 0 false, -1 unknown.
    NODE_CONDITION = gauge("k8s.node.condition", Int, "{condition}", NODE).with(&["condition"]).opt_in();
    /// Whether the node is ready: 1 true, 0 false, -1 unknown or missing.
    NODE_CONDITION_READY = gauge("k8s.node.condition_ready", Int, "", condition("Ready"));
    /// Whether the node is short of memory: 1 true, 0 false, -1 unknown or missing.
    NODE_CONDITION_MEMORY_PRESSURE =
        gauge("k8s.node.condition_memory_pressure", Int, "", condition("MemoryPressure"))
        .opt_in();
    /// Whether the node is short of disk: 1 true, 0 false, -1 unknown or missing.
    NODE_CONDITION_DISK_PRESSURE =
        gauge("k8s.node.condition_disk_pressure", Int, "", condition("DiskPressure"))
        .opt_in();
    /// Whether the node is short of process ids: 1 true, 0 false, -1 unknown or missing.
    NODE_CONDITION_PID_PRESSURE = gauge("k8s.node.condition_pid_pressure", Int, "", condition("PIDPressure"))
        .opt_in();
    /// Whether the node's network is not set up: 1 true, 0 false, -1 unknown or missing.
    NODE_CONDITION_NETWORK_UNAVAILABLE =
        gauge("k8s.node.condition_network_unavailable", Int, "", condition("NetworkUnavailable"))
        .opt_in();
    /// CPUs of the node that pods may request.
    NODE_ALLOCATABLE_CPU = gauge("k8s.node.allocatable_cpu", Double, "{cpu}", allocatable("cpu")).opt_in();
    /// Memory of the node that pods may request.
    NODE_ALLOCATABLE_MEMORY = gauge("k8s.node.allocatable_memory", Int, "By", allocatable("memory")).opt_in();
    /// Ephemeral storage of the node that pods may request.
    NODE_ALLOCATABLE_EPHEMERAL_STORAGE =
        gauge("k8s.node.allocatable_ephemeral_storage", Int, "By", allocatable("ephemeral-storage"))
        .opt_in();
    /// Pods that the node can hold.
    NODE_ALLOCATABLE_PODS = gauge("k8s.node.allocatable_pods", Int, "{pod}", allocatable("pods")).opt_in();

    /// Phase of the namespace: 1 Active, 0 Terminating, -1 unknown.
    NAMESPACE_PHASE = gauge("k8s.namespace.phase", Int, "", NAMESPACE);

    /// Pods of the Deployment that are available.
    DEPLOYMENT_AVAILABLE = gauge("k8s.deployment.available", Int, "{pod}", DEPLOYMENT);
    /// Pods that the Deployment asks for.
    DEPLOYMENT_DESIRED = gauge("k8s.deployment.desired", Int, "{pod}", DEPLOYMENT);
    /// Pods of the ReplicaSet that are available.
    REPLICA_SET_AVAILABLE = gauge("k8s.replicaset.available", Int, "{pod}", REPLICA_SET);
    /// Pods that the ReplicaSet asks for.
    REPLICA_SET_DESIRED = gauge("k8s.replicaset.desired", Int, "{pod}", REPLICA_SET);
    /// Pods of the ReplicationController that are available.
    REPLICATION_CONTROLLER_AVAILABLE =
        gauge("k8s.replication_controller.available", Int, "{pod}", REPLICATION_CONTROLLER)
        ;
    /// Pods that the ReplicationController asks for.
    REPLICATION_CONTROLLER_DESIRED =
        gauge("k8s.replication_controller.desired", Int, "{pod}", REPLICATION_CONTROLLER)
        ;
    /// Pods of the StatefulSet at its current revision.
    STATEFUL_SET_CURRENT_PODS = gauge("k8s.statefulset.current_pods", Int, "{pod}", STATEFUL_SET);
    /// Pods that the StatefulSet asks for.
    STATEFUL_SET_DESIRED_PODS = gauge("k8s.statefulset.desired_pods", Int, "{pod}", STATEFUL_SET);
    /// Pods of the StatefulSet that are available.
    STATEFUL_SET_POD_AVAILABLE = up_down("k8s.statefulset.pod.available", Int, "{pod}", STATEFUL_SET)
        .opt_in().since("v0.161.0");
    /// Pods of the StatefulSet that are ready.
    STATEFUL_SET_READY_PODS = gauge("k8s.statefulset.ready_pods", Int, "{pod}", STATEFUL_SET);
    /// Pods of the StatefulSet at its update revision.
    STATEFUL_SET_UPDATED_PODS = gauge("k8s.statefulset.updated_pods", Int, "{pod}", STATEFUL_SET);
    /// Nodes that run a pod of the DaemonSet and should.
    DAEMON_SET_CURRENT_SCHEDULED_NODES =
        gauge("k8s.daemonset.current_scheduled_nodes", Int, "{node}", DAEMON_SET)
        ;
    /// Nodes that should run a pod of the DaemonSet.
    DAEMON_SET_DESIRED_SCHEDULED_NODES =
        gauge("k8s.daemonset.desired_scheduled_nodes", Int, "{node}", DAEMON_SET)
        ;
    /// Nodes that run a pod of the DaemonSet and should not.
    DAEMON_SET_MISSCHEDULED_NODES = gauge("k8s.daemonset.misscheduled_nodes", Int, "{node}", DAEMON_SET);
    /// Nodes whose pod of the DaemonSet is ready.
    DAEMON_SET_READY_NODES = gauge("k8s.daemonset.ready_nodes", Int, "{node}", DAEMON_SET);

    /// Pods of the Job that run or wait to.
    JOB_ACTIVE_PODS = gauge("k8s.job.active_pods", Int, "{pod}", JOB);
    /// Successful pods that the Job asks for; only where it says so.
    JOB_DESIRED_SUCCESSFUL_PODS = gauge("k8s.job.desired_successful_pods", Int, "{pod}", JOB);
    /// Pods of the Job that failed.
    JOB_FAILED_PODS = gauge("k8s.job.failed_pods", Int, "{pod}", JOB);
    /// Pods that the Job may run at once; only where it says so.
    JOB_MAX_PARALLEL_PODS = gauge("k8s.job.max_parallel_pods", Int, "{pod}", JOB);
    /// Pods of the Job that succeeded.
    JOB_SUCCESSFUL_PODS = gauge("k8s.job.successful_pods", Int, "{pod}", JOB);
    /// Jobs of the CronJob that are running.
    CRON_JOB_ACTIVE_JOBS = gauge("k8s.cronjob.active_jobs", Int, "{job}", CRON_JOB);

    /// Replicas that the autoscaler last saw.
    HPA_CURRENT_REPLICAS = gauge("k8s.hpa.current_replicas", Int, "{pod}", HPA);
    /// Replicas that the autoscaler last asked for.
    HPA_DESIRED_REPLICAS = gauge("k8s.hpa.desired_replicas", Int, "{pod}", HPA);
    /// The most replicas that the autoscaler may ask for.
    HPA_MAX_REPLICAS = gauge("k8s.hpa.max_replicas", Int, "{pod}", HPA);
    /// The fewest replicas that the autoscaler may ask for.
    HPA_MIN_REPLICAS = gauge("k8s.hpa.min_replicas", Int, "{pod}", HPA);

    /// Upper limit of the quota per resource; names that end in `.cpu` count millicores.
    QUOTA_HARD_LIMIT = gauge("k8s.resource_quota.hard_limit", Int, "{resource}", QUOTA).with(&["resource"]);
    /// What is used of the quota per resource; names that end in `.cpu` count millicores.
    QUOTA_USED = gauge("k8s.resource_quota.used", Int, "{resource}", QUOTA).with(&["resource"]);

    /// Phase of the PersistentVolume: 1 for the present one, 0 for the others.
    PERSISTENT_VOLUME_PHASE = up_down("k8s.persistentvolume.status.phase", Int, "{persistentvolume}", VOLUME)
        .with(&["k8s.persistentvolume.status.phase"]).of(VOLUME_PHASE).opt_in().since("v0.151.0");
    /// Size of the PersistentVolume.
    PERSISTENT_VOLUME_CAPACITY = up_down("k8s.persistentvolume.storage.capacity", Int, "By", VOLUME)
        .opt_in().since("v0.151.0");
    /// Phase of the PersistentVolumeClaim: 1 for the present one, 0 for the others.
    PERSISTENT_VOLUME_CLAIM_PHASE =
        up_down("k8s.persistentvolumeclaim.status.phase", Int, "{persistentvolumeclaim}", CLAIM)
        .with(&["k8s.persistentvolumeclaim.status.phase"]).of(CLAIM_PHASE).opt_in().since("v0.151.0");
    /// Size of what the PersistentVolumeClaim is bound to.
    PERSISTENT_VOLUME_CLAIM_CAPACITY = up_down("k8s.persistentvolumeclaim.storage.capacity", Int, "By", CLAIM)
        .opt_in().since("v0.151.0");
    /// Size that the PersistentVolumeClaim asks for.
    PERSISTENT_VOLUME_CLAIM_REQUEST = up_down("k8s.persistentvolumeclaim.storage.request", Int, "By", CLAIM)
        .opt_in().since("v0.151.0");

    /// Endpoints of the Service by condition, address type and zone.
    SERVICE_ENDPOINT_COUNT = gauge("k8s.service.endpoint.count", Int, "{endpoint}", SERVICE)
        .with(&["k8s.service.endpoint.condition", "k8s.service.endpoint.address_type", "k8s.service.endpoint.zone"])
        .of(ENDPOINT).opt_in().since("v0.146.0");
    /// Addresses that the load balancer gave the Service.
    SERVICE_LOAD_BALANCER_INGRESS_COUNT =
        gauge("k8s.service.load_balancer.ingress.count", Int, "{ingress}", SERVICE)
        .opt_in().since("v0.146.0");

    /// Upper limit of the cluster quota in one namespace, per resource.
    APPLIED_CLUSTER_QUOTA_LIMIT =
        gauge("openshift.appliedclusterquota.limit", Int, "{resource}", CLUSTER_QUOTA)
        .with(&["k8s.namespace.name", "resource"]);
    /// What one namespace uses of the cluster quota, per resource.
    APPLIED_CLUSTER_QUOTA_USED = gauge("openshift.appliedclusterquota.used", Int, "{resource}", CLUSTER_QUOTA)
        .with(&["k8s.namespace.name", "resource"]);
    /// Upper limit of the cluster quota, per resource.
    CLUSTER_QUOTA_LIMIT = gauge("openshift.clusterquota.limit", Int, "{resource}", CLUSTER_QUOTA)
        .with(&["resource"]);
    /// What all namespaces use of the cluster quota, per resource.
    CLUSTER_QUOTA_USED = gauge("openshift.clusterquota.used", Int, "{resource}", CLUSTER_QUOTA)
        .with(&["resource"]);
}
