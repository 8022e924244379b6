//! A node and its pods at an instant: what a summary and the numbers of the host are both made of.

use std::borrow::Borrow;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};

use crate::annotations;
use crate::clock::{Looks, seconds};
use crate::cpu::Faults;
use crate::departed::Departed;
use crate::disk::{Disk, PodDisk, Used};
use crate::hash::Seed;
use crate::memory::Memory;
use crate::network::{self, Traffic};
use crate::node::Surroundings;
use crate::pod::{PodUsage, has_stats};
use crate::resources;
use crate::system::{self, Room, SystemUsage};

/// Memory of a node whose capacity does not say.
const DEFAULT_MEMORY: u64 = 32 << 30;
/// CPU of one whose capacity does not say, in microseconds a second.
const DEFAULT_CPU: u64 = 8_000_000;
/// Processes of a node without pods.
const SYSTEM_PROCESSES: u64 = 180;

/// What a node and its pods use at an instant.
pub(crate) struct NodeUsage<'a> {
    pub(crate) seed: Seed,
    /// The second of the node's start.
    pub(crate) start: i64,
    /// The second that this is about.
    pub(crate) t: i64,
    /// Those with stats.
    pub(crate) pods: Vec<PodUsage<'a>>,
    pub(crate) disk: Disk,
    /// What each of the pods takes of the disk.
    pub(crate) disks: Vec<PodDisk>,
    /// Everything on the disk.
    pub(crate) used: Used,
    /// The writable layers of all containers.
    pub(crate) layers: Used,
    /// The node's own traffic.
    pub(crate) own_traffic: Traffic,
    /// That of all pods, those that are gone included.
    pub(crate) pod_traffic: Traffic,
    pub(crate) memory_capacity: Option<u64>,
    pub(crate) system: Vec<SystemUsage>,
    /// All pods, those that are gone included.
    pub(crate) from_pods: Sum,
    /// Pods and system.
    pub(crate) all: Sum,
    pub(crate) processes: u64,
}

impl<'a> NodeUsage<'a> {
    /// Of `node` with the pods that are bound to it.
    pub(crate) fn of<P: Borrow<Pod>>(
        surroundings: &Surroundings<'_>,
        node: &Node,
        pods: &'a [P],
        at: Timestamp,
    ) -> Self {
        let t = at.as_second();
        let seed = seed_of(node);
        let start = started(node).min(t);
        let pods: Vec<PodUsage<'a>> = pods
            .iter()
            .map(Borrow::borrow)
            .filter(|pod| has_stats(pod))
            .filter_map(|pod| PodUsage::at(pod, t))
            .collect();

        let disk = Disk::of(node, seed, &pods, t);
        let disks: Vec<PodDisk> = pods.iter().map(|pod| disk.of_pod(pod)).collect();
        let (mut on_disk, mut layers) = (Used::default(), Used::default());
        for pod in &disks {
            on_disk.add(pod.total);
            layers.add(pod.layers);
        }
        let used = disk.used(on_disk);

        let capacity = |name| node.status.as_ref().and_then(|status| resources::read(&status.capacity, name));
        let memory_capacity = capacity("memory").map(resources::bytes);
        let from_pods = Sum::of_pods(&pods, surroundings.departed);
        let memory = memory_capacity.unwrap_or(DEFAULT_MEMORY);
        let room = Room {
            spikes: &annotations::spikes(&node.metadata),
            cpu: capacity("cpu").map_or(DEFAULT_CPU, resources::micros),
            memory: memory.saturating_sub(from_pods.memory.usage),
        };
        let mut usage = Self {
            seed,
            start,
            t,
            disk,
            disks,
            used,
            layers,
            own_traffic: network::of_node(seed, start, t),
            pod_traffic: pod_traffic(&pods, surroundings.departed),
            memory_capacity,
            system: system::containers(seed, &room, start, t),
            from_pods,
            all: Sum::default(),
            processes: SYSTEM_PROCESSES + pods.iter().map(|pod| pod.processes).sum::<u64>(),
            pods,
        };
        usage.all = usage.whole();
        usage
    }

    /// Pods, system and the page cache that belongs to nobody.
    fn whole(&self) -> Sum {
        let mut all = self.from_pods;
        for part in &self.system {
            all.add(&part.sum());
        }
        all.memory.usage += system::page_cache(self.seed, self.memory().saturating_sub(all.memory.usage));
        all
    }

    /// The node's memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_capacity.unwrap_or(DEFAULT_MEMORY)
    }

    /// What of it pods may use.
    pub(crate) fn allocatable_memory(&self, node: &Node) -> u64 {
        let status = node.status.as_ref();
        let allocatable = status.and_then(|status| resources::read(&status.allocatable, "memory"));
        allocatable.map_or(self.memory(), resources::bytes).min(self.memory())
    }
}

fn seed_of(node: &Node) -> Seed {
    let metadata = &node.metadata;
    let uid = metadata.uid.as_deref().filter(|uid| !uid.is_empty());
    Seed::of(uid.or(metadata.name.as_deref()).unwrap_or_default())
}

/// The second of a node's start: its boot if it says, else its creation, else the epoch. Nothing that could
/// change while the node counts.
fn started(node: &Node) -> i64 {
    let booted = annotations::booted_at(node).map(Timestamp::as_second);
    booted.or_else(|| node.metadata.creation_timestamp.as_ref().map(seconds)).unwrap_or(0)
}

fn pod_traffic(pods: &[PodUsage<'_>], departed: Option<&Departed>) -> Traffic {
    let mut sum = departed.map(|gone| gone.traffic).unwrap_or_default();
    for traffic in pods.iter().filter_map(|pod| pod.traffic) {
        sum.add(traffic);
    }
    sum
}

/// What a cgroup that holds others has counted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) cpu: Looks,
    pub(crate) stalls: Looks,
    pub(crate) faults: Faults,
    pub(crate) memory: Memory,
}

impl Sum {
    fn of_pods(usages: &[PodUsage<'_>], departed: Option<&Departed>) -> Self {
        let mut sum = departed.map(Departed::sum).unwrap_or_default();
        for pod in usages {
            sum.add(&Self { cpu: pod.cpu, stalls: pod.stalls, faults: pod.faults, memory: pod.memory });
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        self.cpu.add(other.cpu);
        self.stalls.add(other.stalls);
        self.faults.add(other.faults);
        self.memory.add(other.memory);
    }
}
