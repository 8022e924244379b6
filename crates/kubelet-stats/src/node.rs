//! Objects and an instant in, a [`Summary`] out.

use std::borrow::Borrow;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};

use crate::clock::timestamp;
use crate::cpu;
use crate::departed::Departed;
use crate::disk::{PodDisk, Used};
use crate::host::{self, HostStats};
use crate::network;
use crate::node_usage::{NodeUsage, Sum};
use crate::pod::{PodUsage, Running};
use crate::summary::{
    ContainerStats, NetworkStats, NodeStats, PodReference, PodStats, ProcessStats, RlimitStats, RuntimeStats,
    Summary, SwapStats,
};
use crate::volume::{ClaimSize, Mounts};

/// The kernel's default on 64-bit machines.
const MAX_PID: i64 = 4_194_304;

/// What a summary depends on beside the node and its pods.
#[derive(Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The size in bytes of the PersistentVolumeClaim (namespace, name): a pod's spec has only the claim's
    /// name. Without it, or where it answers `None`, a claim counts as 10 GiB.
    pub claim_size: Option<ClaimSize<'a>>,
    /// What pods that are gone from this node had counted by their end, so that the node's own counters do
    /// not fall when a pod leaves.
    pub departed: Option<&'a Departed>,
}

/// What the kubelet of `node` answers at `at`. `pods` are those bound to the node, in any phase: the ones
/// without stats (Pending, Succeeded, Failed, not started yet at `at`) get no entry, nor do containers that
/// do not run.
///
/// Accepts `&[Pod]`, `&[&Pod]` and `&[Arc<Pod>]`. Pods are answered in the order given. The instant counts to
/// the whole second, as in a kubelet's answer: two answers within one second have the same sample time.
///
/// Values that cannot be read (a malformed quantity, an unknown profile) count as absent;
/// [`crate::pod_problems`] and [`crate::node_problems`] name them.
pub fn summary<P: Borrow<Pod>>(node: &Node, pods: &[P], at: Timestamp) -> Summary {
    summary_in(&Surroundings::default(), node, pods, at)
}

/// [`summary`], knowing what the node's and its pods' objects do not say.
pub fn summary_in<P: Borrow<Pod>>(
    surroundings: &Surroundings<'_>,
    node: &Node,
    pods: &[P],
    at: Timestamp,
) -> Summary {
    let usage = NodeUsage::of(surroundings, node, pods, at);
    answer(surroundings, node, &usage)
}

/// [`summary_in`] and [`host_in`](crate::host_in) of the same instant, for less than both of them.
pub fn summary_and_host_in<P: Borrow<Pod>>(
    surroundings: &Surroundings<'_>,
    node: &Node,
    pods: &[P],
    at: Timestamp,
) -> (Summary, HostStats) {
    let usage = NodeUsage::of(surroundings, node, pods, at);
    (answer(surroundings, node, &usage), host::stats(node, &usage))
}

fn answer(surroundings: &Surroundings<'_>, node: &Node, usage: &NodeUsage<'_>) -> Summary {
    let NodeUsage { start, disk, all, .. } = usage;
    let (start, time) = (*start, timestamp(usage.t));
    let host = Host {
        time,
        network: network::node_stats(time, usage.own_traffic, usage.pod_traffic),
        mounts: Mounts {
            disk,
            filesystem: disk.filesystem(usage.used),
            memory: usage.allocatable_memory(node),
            claim_size: surroundings.claim_size,
        },
    };
    let scanned = disk.time(start);
    let fs = |used| host.mounts.filesystem.stats(scanned, used);
    let node = NodeStats {
        node_name: node.metadata.name.clone().unwrap_or_default(),
        system_containers: usage
            .system
            .iter()
            .map(|part| part.sum().container(part.name, time, start))
            .chain([usage.from_pods.container("pods", time, start)])
            .collect(),
        start_time: timestamp(start),
        cpu: Some(cpu::stats(time, all.cpu, all.stalls)),
        memory: Some(all.memory.stats(time, usage.memory_capacity, all.faults)),
        io: Some(cpu::io(time, all.faults)),
        network: Some(host.network.clone()),
        fs: Some(fs(usage.used)),
        runtime: Some(RuntimeStats {
            image_fs: Some(fs(disk.images())),
            container_fs: Some(fs(usage.layers)),
        }),
        rlimit: Some(RlimitStats {
            time,
            max_pid: Some(MAX_PID),
            running_processes: Some(usage.processes as i64),
        }),
        swap: Some(no_swap(time, Some(0))),
    };
    let pods = usage.pods.iter().zip(&usage.disks).map(|(usage, disk)| host.pod(usage, disk)).collect();
    Summary { node, pods }
}

impl Sum {
    /// As a system container: a cgroup's CPU, memory and swap only.
    fn container(&self, name: &str, time: Timestamp, start: i64) -> ContainerStats {
        ContainerStats {
            name: name.to_owned(),
            start_time: timestamp(start),
            cpu: Some(cpu::stats(time, self.cpu, self.stalls)),
            memory: Some(self.memory.stats(time, None, self.faults)),
            io: None,
            rootfs: None,
            logs: None,
            swap: Some(no_swap(time, None)),
        }
    }
}

/// What all pods of a node share.
struct Host<'a> {
    time: Timestamp,
    network: NetworkStats,
    mounts: Mounts<'a>,
}

impl Host<'_> {
    fn pod(&self, usage: &PodUsage<'_>, disk: &PodDisk) -> PodStats {
        let time = self.time;
        let metadata = &usage.pod.metadata;
        let Mounts { disk: host_disk, filesystem, .. } = &self.mounts;
        let scanned = host_disk.time(usage.start);
        let containers = usage
            .containers
            .iter()
            .zip(&disk.containers)
            .filter_map(|(container, used)| {
                Some(self.container(container.name, container.running.as_ref()?, *used))
            })
            .collect();
        PodStats {
            pod_ref: PodReference {
                name: metadata.name.clone().unwrap_or_default(),
                namespace: metadata.namespace.clone().unwrap_or_default(),
                uid: metadata.uid.clone().unwrap_or_default(),
            },
            start_time: timestamp(usage.start),
            containers,
            cpu: Some(cpu::stats(time, usage.cpu, usage.stalls)),
            memory: Some(usage.memory.stats(time, usage.memory_limit, usage.faults)),
            io: Some(cpu::io(time, usage.faults)),
            network: Some(match usage.traffic {
                Some(traffic) => network::pod_stats(time, traffic),
                // On the host's network a pod's interfaces are the host's.
                None => self.network.clone(),
            }),
            volumes: self.mounts.stats(usage),
            ephemeral_storage: Some(filesystem.stats(scanned, disk.total)),
            process_stats: Some(ProcessStats { process_count: Some(usage.processes) }),
            swap: Some(no_swap(time, None)),
        }
    }

    fn container(&self, name: &str, running: &Running, (layer, logs): (Used, Used)) -> ContainerStats {
        let time = self.time;
        let Mounts { disk, filesystem, .. } = &self.mounts;
        let scanned = disk.time(running.since);
        ContainerStats {
            name: name.to_owned(),
            start_time: timestamp(running.since),
            cpu: Some(cpu::stats(time, running.cpu, running.stalls)),
            memory: Some(running.memory.stats(time, running.memory_limit, running.faults)),
            io: Some(cpu::io(time, running.faults)),
            rootfs: Some(filesystem.stats(scanned, layer)),
            logs: Some(filesystem.stats(scanned, logs)),
            swap: Some(no_swap(time, Some(0))),
        }
    }
}

/// Nodes without swap, as Kubernetes had them for most of its life.
fn no_swap(time: Timestamp, available: Option<u64>) -> SwapStats {
    SwapStats { time, swap_available_bytes: available, swap_usage_bytes: Some(0) }
}
