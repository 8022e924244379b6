//! The metrics of kubelet_stats: one row each, in the order node, system container, pod, container, volume.
//!
//! Page faults and inodes have unit `1`, so that Prometheus calls them `…_ratio`. Page faults are cumulative, though
//! sent as gauges.

use crate::ValueType::{Double, Int};
use crate::entity::kubelet_stats as entity;
use crate::table::{Subject, counter, gauge, metrics, up_down, values};
use crate::{AttributeValues, Entity, Receiver, Switch};

const fn group(entity: &'static Entity, group: &'static str) -> Subject {
    Subject { receiver: Receiver::KubeletStats, entity, switch: Switch::Group(group) }
}

const NODE: Subject = group(&entity::NODE, "node");
const SYSTEM_CONTAINER: Subject = group(&entity::SYSTEM_CONTAINER, "node");
const POD: Subject = group(&entity::POD, "pod");
const CONTAINER: Subject = group(&entity::CONTAINER, "container");
const VOLUME: Subject = group(&entity::VOLUME, "volume");

const INTERFACE: &[&str] = &["interface", "direction"];
const DIRECTION: &[AttributeValues] = &[values("direction", &["receive", "transmit"])];
const FS_TYPE: &[AttributeValues] = &[values("fs.type", &["rootfs", "logs"])];

metrics! {
    /// CPU time that everything on the node has used.
    NODE_CPU_TIME = counter("k8s.node.cpu.time", Double, "s", NODE);
    /// CPUs in use on the node, averaged between two scrapes.
    NODE_CPU_USAGE = gauge("k8s.node.cpu.usage", Double, "{cpu}", NODE).changed(CPU_USAGE_CHANGED);
    /// Bytes free on the node's filesystem.
    NODE_FILESYSTEM_AVAILABLE = gauge("k8s.node.filesystem.available", Int, "By", NODE);
    /// Size of the node's filesystem.
    NODE_FILESYSTEM_CAPACITY = gauge("k8s.node.filesystem.capacity", Int, "By", NODE);
    /// Bytes used on the node's filesystem.
    NODE_FILESYSTEM_USAGE = gauge("k8s.node.filesystem.usage", Int, "By", NODE);
    /// Inodes of the node's filesystem.
    NODE_FILESYSTEM_INODE_COUNT = up_down("k8s.node.filesystem.inode.count", Int, "{inode}", NODE)
        .opt_in().since("v0.161.0");
    /// Inodes free on the node's filesystem.
    NODE_FILESYSTEM_INODE_FREE = up_down("k8s.node.filesystem.inode.free", Int, "{inode}", NODE)
        .opt_in().since("v0.161.0");
    /// Memory that the node could still hand out: capacity minus working set.
    NODE_MEMORY_AVAILABLE = gauge("k8s.node.memory.available", Int, "By", NODE);
    /// Page faults on the node that needed the disk, cumulative.
    NODE_MEMORY_MAJOR_PAGE_FAULTS = gauge("k8s.node.memory.major_page_faults", Int, "1", NODE).counter_like();
    /// Page faults on the node, cumulative.
    NODE_MEMORY_PAGE_FAULTS = gauge("k8s.node.memory.page_faults", Int, "1", NODE).counter_like();
    /// Anonymous memory in use on the node.
    NODE_MEMORY_RSS = gauge("k8s.node.memory.rss", Int, "By", NODE);
    /// Memory in use on the node, page cache included.
    NODE_MEMORY_USAGE = gauge("k8s.node.memory.usage", Int, "By", NODE);
    /// Memory in use on the node that cannot be reclaimed easily: what eviction looks at.
    NODE_MEMORY_WORKING_SET = gauge("k8s.node.memory.working_set", Int, "By", NODE);
    /// Receive and transmit errors of the node's network.
    NODE_NETWORK_ERRORS = counter("k8s.node.network.errors", Int, "1", NODE).with(INTERFACE).of(DIRECTION);
    /// Bytes received and transmitted by the node.
    NODE_NETWORK_IO = counter("k8s.node.network.io", Int, "By", NODE).with(INTERFACE).of(DIRECTION);
    /// Seconds since the node started.
    NODE_UPTIME = counter("k8s.node.uptime", Int, "s", NODE).opt_in();

    /// CPU time that a system container (kubelet, runtime, misc, pods) has used.
    SYSTEM_CONTAINER_CPU_TIME = counter("k8s.node.system_container.cpu.time", Double, "s", SYSTEM_CONTAINER)
        .opt_in().since("v0.152.0");
    /// CPUs in use by a system container, averaged between two scrapes.
    SYSTEM_CONTAINER_CPU_USAGE =
        gauge("k8s.node.system_container.cpu.usage", Double, "{cpu}", SYSTEM_CONTAINER)
        .opt_in().since("v0.152.0").changed(CPU_USAGE_CHANGED);
    /// Memory in use by a system container, page cache included.
    SYSTEM_CONTAINER_MEMORY_USAGE =
        gauge("k8s.node.system_container.memory.usage", Int, "By", SYSTEM_CONTAINER)
        .opt_in().since("v0.152.0");
    /// Memory in use by a system container that cannot be reclaimed easily.
    SYSTEM_CONTAINER_MEMORY_WORKING_SET =
        gauge("k8s.node.system_container.memory.working_set", Int, "By", SYSTEM_CONTAINER)
        .opt_in().since("v0.152.0");

    /// The pod's CPU usage over the node's capacity.
    POD_CPU_NODE_UTILIZATION = gauge("k8s.pod.cpu.node.utilization", Double, "1", POD).opt_in();
    /// CPU time that the pod has used.
    POD_CPU_TIME = counter("k8s.pod.cpu.time", Double, "s", POD);
    /// CPUs in use by the pod, averaged between two scrapes.
    POD_CPU_USAGE = gauge("k8s.pod.cpu.usage", Double, "{cpu}", POD).changed(CPU_USAGE_CHANGED);
    /// The pod's CPU usage over the sum of its containers' limits; only where all have one.
    POD_CPU_LIMIT_UTILIZATION = gauge("k8s.pod.cpu_limit_utilization", Double, "1", POD).opt_in();
    /// The pod's CPU usage over the sum of its containers' requests; only where all have one.
    POD_CPU_REQUEST_UTILIZATION = gauge("k8s.pod.cpu_request_utilization", Double, "1", POD).opt_in();
    /// Bytes free on the filesystem that holds the pod's ephemeral storage.
    POD_FILESYSTEM_AVAILABLE = gauge("k8s.pod.filesystem.available", Int, "By", POD);
    /// Size of the filesystem that holds the pod's ephemeral storage.
    POD_FILESYSTEM_CAPACITY = gauge("k8s.pod.filesystem.capacity", Int, "By", POD);
    /// The pod's ephemeral storage: writable layers, logs, emptyDirs.
    POD_FILESYSTEM_USAGE = gauge("k8s.pod.filesystem.usage", Int, "By", POD);
    /// Memory that the pod could still use: limit minus working set; only with a limit.
    POD_MEMORY_AVAILABLE = gauge("k8s.pod.memory.available", Int, "By", POD);
    /// Page faults of the pod that needed the disk, cumulative.
    POD_MEMORY_MAJOR_PAGE_FAULTS = gauge("k8s.pod.memory.major_page_faults", Int, "1", POD).counter_like();
    /// The pod's memory usage over the node's capacity.
    POD_MEMORY_NODE_UTILIZATION = gauge("k8s.pod.memory.node.utilization", Double, "1", POD).opt_in();
    /// Page faults of the pod, cumulative.
    POD_MEMORY_PAGE_FAULTS = gauge("k8s.pod.memory.page_faults", Int, "1", POD).counter_like();
    /// Anonymous memory in use by the pod.
    POD_MEMORY_RSS = gauge("k8s.pod.memory.rss", Int, "By", POD);
    /// Memory in use by the pod, page cache included.
    POD_MEMORY_USAGE = gauge("k8s.pod.memory.usage", Int, "By", POD);
    /// Memory in use by the pod that cannot be reclaimed easily: what eviction and the OOM killer look at.
    POD_MEMORY_WORKING_SET = gauge("k8s.pod.memory.working_set", Int, "By", POD);
    /// The pod's memory usage over the sum of its containers' limits; only where all have one.
    POD_MEMORY_LIMIT_UTILIZATION = gauge("k8s.pod.memory_limit_utilization", Double, "1", POD).opt_in();
    /// The pod's memory usage over the sum of its containers' requests; only where all have one.
    POD_MEMORY_REQUEST_UTILIZATION = gauge("k8s.pod.memory_request_utilization", Double, "1", POD).opt_in();
    /// Receive and transmit errors of the pod's network.
    POD_NETWORK_ERRORS = counter("k8s.pod.network.errors", Int, "1", POD).with(INTERFACE).of(DIRECTION);
    /// Bytes received and transmitted by the pod; pods on the host's network repeat the node's.
    POD_NETWORK_IO = counter("k8s.pod.network.io", Int, "By", POD).with(INTERFACE).of(DIRECTION);
    /// Seconds since the pod started.
    POD_UPTIME = counter("k8s.pod.uptime", Int, "s", POD).opt_in();

    /// CPU time that the container has used since its last start.
    CONTAINER_CPU_TIME = counter("container.cpu.time", Double, "s", CONTAINER);
    /// CPUs in use by the container, averaged between two scrapes.
    CONTAINER_CPU_USAGE = gauge("container.cpu.usage", Double, "{cpu}", CONTAINER).changed(CPU_USAGE_CHANGED);
    /// Bytes free on the filesystem that holds the container's writable layer.
    CONTAINER_FILESYSTEM_AVAILABLE = gauge("container.filesystem.available", Int, "By", CONTAINER);
    /// Size of the filesystem that holds the container's writable layer.
    CONTAINER_FILESYSTEM_CAPACITY = gauge("container.filesystem.capacity", Int, "By", CONTAINER);
    /// Size of the container's writable layer.
    CONTAINER_FILESYSTEM_USAGE = gauge("container.filesystem.usage", Int, "By", CONTAINER);
    /// Memory that the container could still use: limit minus working set; only with a limit.
    CONTAINER_MEMORY_AVAILABLE = gauge("container.memory.available", Int, "By", CONTAINER);
    /// Page faults of the container that needed the disk, cumulative.
    CONTAINER_MEMORY_MAJOR_PAGE_FAULTS = gauge("container.memory.major_page_faults", Int, "1", CONTAINER)
        .counter_like();
    /// Page faults of the container, cumulative.
    CONTAINER_MEMORY_PAGE_FAULTS = gauge("container.memory.page_faults", Int, "1", CONTAINER).counter_like();
    /// Anonymous memory in use by the container.
    CONTAINER_MEMORY_RSS = gauge("container.memory.rss", Int, "By", CONTAINER);
    /// Memory in use by the container, page cache included.
    CONTAINER_MEMORY_USAGE = gauge("container.memory.usage", Int, "By", CONTAINER);
    /// Memory in use by the container that cannot be reclaimed easily: what the OOM killer looks at.
    CONTAINER_MEMORY_WORKING_SET = gauge("container.memory.working_set", Int, "By", CONTAINER);
    /// Seconds since the container last started.
    CONTAINER_UPTIME = counter("container.uptime", Int, "s", CONTAINER).opt_in();
    /// The container's CPU usage over the node's capacity.
    CONTAINER_CPU_NODE_UTILIZATION = gauge("k8s.container.cpu.node.utilization", Double, "1", CONTAINER)
        .opt_in();
    /// The container's CPU usage over its limit.
    CONTAINER_CPU_LIMIT_UTILIZATION = gauge("k8s.container.cpu_limit_utilization", Double, "1", CONTAINER)
        .opt_in();
    /// The container's CPU usage over its request.
    CONTAINER_CPU_REQUEST_UTILIZATION = gauge("k8s.container.cpu_request_utilization", Double, "1", CONTAINER)
        .opt_in();
    /// The container's own part of the node's filesystem: its writable layer and its logs.
    CONTAINER_EPHEMERAL_STORAGE_USAGE = up_down("k8s.container.ephemeral_storage.usage", Int, "By", CONTAINER)
        .with(&["fs.type"]).of(FS_TYPE).opt_in().since("v0.153.0");
    /// The container's memory usage over the node's capacity.
    CONTAINER_MEMORY_NODE_UTILIZATION = gauge("k8s.container.memory.node.utilization", Double, "1", CONTAINER)
        .opt_in();
    /// The container's memory usage over its limit.
    CONTAINER_MEMORY_LIMIT_UTILIZATION =
        gauge("k8s.container.memory_limit_utilization", Double, "1", CONTAINER)
        .opt_in();
    /// The container's memory usage over its request.
    CONTAINER_MEMORY_REQUEST_UTILIZATION =
        gauge("k8s.container.memory_request_utilization", Double, "1", CONTAINER)
        .opt_in();

    /// Bytes used on the volume.
    POD_VOLUME_USAGE = up_down("k8s.pod.volume.usage", Int, "By", VOLUME).opt_in();
    /// Bytes free on the volume.
    VOLUME_AVAILABLE = gauge("k8s.volume.available", Int, "By", VOLUME);
    /// Size of the volume.
    VOLUME_CAPACITY = gauge("k8s.volume.capacity", Int, "By", VOLUME);
    /// Inodes of the volume.
    VOLUME_INODES = gauge("k8s.volume.inodes", Int, "1", VOLUME);
    /// Inodes free on the volume.
    VOLUME_INODES_FREE = gauge("k8s.volume.inodes.free", Int, "1", VOLUME);
    /// Inodes used on the volume.
    VOLUME_INODES_USED = gauge("k8s.volume.inodes.used", Int, "1", VOLUME);
}

const CPU_USAGE_CHANGED: &str =
    "v0.161.0: the change of the CPU time between two scrapes; before, the kubelet's own average";
