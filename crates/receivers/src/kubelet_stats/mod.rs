//! The kubelet_stats receiver: a kubelet's summary in, its measurements out.

mod amounts;
mod cpu;
mod plan;
mod pods;
mod record;
mod volume;

use catalogue::{Resource, Sink};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kubelet_stats::summary::{ContainerStats, NodeStats, Summary};

use self::amounts::{Amounts, Denominators};
use self::cpu::CpuMeter;
use self::plan::Plan;
use self::pods::{PodContext, Pods};
use self::record::Recorder;
use crate::pod_metadata::PodMetadata;
use crate::settings::KubeletStatsSettings;
use crate::time::nanoseconds;

/// The kubelet_stats receiver of one node, with `k8s_attributes` and the cluster's name behind it.
///
/// It remembers the last scrape, because CPU usage is what happened between two scrapes.
#[derive(Debug)]
pub struct KubeletStatsReceiver {
    plan: Plan,
    cluster_name: Box<str>,
    node_name: Box<str>,
    node_uid: Box<str>,
    /// The start timestamp of volumes, which have no start of their own.
    started_ns: i64,
    /// What the node has; known once [`KubeletStatsReceiver::observe_node`] was called.
    capacity: Amounts,
    node: Option<NodeState>,
    system_containers: Vec<SystemContainerState>,
    pods: Pods,
}

#[derive(Debug)]
struct NodeState {
    name: Box<str>,
    resource: Resource,
    cpu: CpuMeter,
}

#[derive(Debug)]
struct SystemContainerState {
    name: Box<str>,
    resource: Resource,
    cpu: CpuMeter,
}

impl KubeletStatsReceiver {
    /// The receiver that receiver_creator makes at `started` for the node of this name and uid.
    pub fn new(
        node_name: &str,
        node_uid: &str,
        cluster_name: &str,
        settings: &KubeletStatsSettings,
        started: Timestamp,
    ) -> Self {
        Self {
            plan: Plan::new(settings),
            cluster_name: cluster_name.into(),
            node_name: node_name.into(),
            node_uid: node_uid.into(),
            started_ns: nanoseconds(started),
            capacity: Amounts::default(),
            node: None,
            system_containers: Vec::new(),
            pods: Pods::default(),
        }
    }

    /// Tells the receiver what its node has: `*.node.utilization` divides by it, and is not sent without.
    pub fn observe_node(&mut self, node: &Node) {
        self.capacity = Amounts::of_node(node);
    }

    /// Sends the measurements of one summary, with the time `now`.
    pub fn scrape(&mut self, summary: &Summary, now: Timestamp, pods: &PodMetadata, sink: &mut dyn Sink) {
        let time_ns = nanoseconds(now);
        if self.plan.node_group {
            self.scrape_node(&summary.node, time_ns, sink);
            let node = &summary.node;
            self.scrape_system_containers(&node.system_containers, &node.node_name, time_ns, sink);
        }
        let context = PodContext {
            plan: &self.plan,
            cluster_name: &self.cluster_name,
            node_name: &self.node_name,
            node_uid: &self.node_uid,
            started_ns: self.started_ns,
            time_ns,
            capacity: self.capacity,
            metadata: pods,
        };
        self.pods.scrape(&summary.pods, &context, sink);
    }

    fn scrape_node(&mut self, stats: &NodeStats, time_ns: i64, sink: &mut dyn Sink) {
        let plan = &self.plan;
        let known = self.node.take().filter(|node| *node.name == stats.node_name);
        let node = self.node.insert(known.unwrap_or_else(|| NodeState {
            name: stats.node_name.as_str().into(),
            resource: plan.resource(
                [("k8s.node.name", stats.node_name.as_str())],
                [("k8s.node.uid", &*self.node_uid), ("k8s.cluster.name", &*self.cluster_name)],
            ),
            cpu: CpuMeter::default(),
        }));
        let undivided = Denominators::default();
        let mut recorder = Recorder::new(sink, &node.resource, stats.start_time, time_ns);
        recorder.uptime(plan.node.uptime);
        recorder.cpu(&plan.node.cpu, stats.cpu.as_ref(), &mut node.cpu, &undivided);
        recorder.memory(&plan.node.memory, stats.memory.as_ref(), &undivided);
        recorder.filesystem(&plan.node.filesystem, stats.fs.as_ref());
        recorder.network(&plan.node.network, stats.network.as_ref());
    }

    fn scrape_system_containers(
        &mut self,
        containers: &[ContainerStats],
        node_name: &str,
        time_ns: i64,
        sink: &mut dyn Sink,
    ) {
        let metrics = &self.plan.system_container;
        if !metrics.any() {
            return;
        }
        self.system_containers.retain(|state| containers.iter().any(|stats| *state.name == stats.name));
        for stats in containers {
            let known = self.system_containers.iter().position(|state| *state.name == stats.name);
            let index = known.unwrap_or_else(|| {
                let own =
                    [("k8s.node.name", node_name), ("k8s.node.system_container.name", stats.name.as_str())];
                let added = [("k8s.node.uid", &*self.node_uid), ("k8s.cluster.name", &*self.cluster_name)];
                self.system_containers.push(SystemContainerState {
                    name: stats.name.as_str().into(),
                    resource: self.plan.resource(own, added),
                    cpu: CpuMeter::default(),
                });
                self.system_containers.len() - 1
            });
            let state = &mut self.system_containers[index];
            let mut recorder = Recorder::new(sink, &state.resource, stats.start_time, time_ns);
            recorder.cpu(&metrics.cpu, stats.cpu.as_ref(), &mut state.cpu, &Denominators::default());
            if let Some(memory) = &stats.memory {
                recorder.int(metrics.memory_usage, memory.usage_bytes);
                recorder.int(metrics.memory_working_set, memory.working_set_bytes);
            }
        }
    }
}
