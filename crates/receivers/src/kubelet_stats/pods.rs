//! Pods, containers and volumes: what is kept of each between two scrapes.

use std::sync::Arc;

use catalogue::{Resource, Sink};
use k8s_openapi::api::core::v1::Pod;
use kubelet_stats::summary::{ContainerStats, PodReference, PodStats, VolumeStats};
use rustc_hash::FxHashMap;

use super::amounts::{Amounts, Denominators, Reserved};
use super::cpu::CpuMeter;
use super::plan::Plan;
use super::record::Recorder;
use super::volume;
use crate::image;
use crate::pod_metadata::{KnownPod, PodMetadata};
use crate::workload::Workload;

/// One scrape, as the pods of it see it.
pub(super) struct PodContext<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cluster_name: &'a str,
    pub(super) node_name: &'a str,
    pub(super) node_uid: &'a str,
    pub(super) started_ns: i64,
    pub(super) time_ns: i64,
    pub(super) capacity: Amounts,
    pub(super) metadata: &'a PodMetadata,
}

impl PodContext<'_> {
    /// A resource of a pod: its own attributes, what receiver_creator knows of the node, the workload, the cluster.
    fn resource<'b>(
        &'b self,
        pod: &'b PodReference,
        further: impl IntoIterator<Item = (&'static str, &'b str)>,
        workload: Option<&'b Workload>,
    ) -> Resource {
        let own = [
            ("k8s.pod.uid", pod.uid.as_str()),
            ("k8s.pod.name", pod.name.as_str()),
            ("k8s.namespace.name", pod.namespace.as_str()),
        ];
        let added = [
            ("k8s.node.name", self.node_name),
            ("k8s.node.uid", self.node_uid),
            ("k8s.cluster.name", self.cluster_name),
        ];
        let workload = workload.into_iter().flat_map(Workload::attributes);
        self.plan.resource(own.into_iter().chain(further), added.into_iter().chain(workload))
    }

    /// Whether anything is taken from the pod's spec or status, so that a changed pod means changed resources.
    fn reads_pods(&self) -> bool {
        self.plan.container_ids || self.plan.volume_types || self.plan.reserved
    }
}

/// The pods of the last scrape by uid.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pods: FxHashMap<Box<str>, PodState>,
    generation: u64,
    claims_generation: u64,
}

#[derive(Debug)]
struct PodState {
    /// What was known about the pod when the resources below were made.
    known: Option<Known>,
    resource: Resource,
    reserved: Reserved,
    cpu: CpuMeter,
    containers: Vec<ContainerState>,
    volumes: Vec<VolumeState>,
    seen: u64,
}

#[derive(Debug)]
struct Known {
    /// Only where something is taken from the pod, so that no outdated one is kept.
    pod: Option<Arc<Pod>>,
    workload: Workload,
}

#[derive(Debug)]
struct ContainerState {
    name: Box<str>,
    /// `None` where an attribute was asked for that is not there: such a container is left out.
    resource: Option<Resource>,
    reserved: Reserved,
    cpu: CpuMeter,
    seen: u64,
}

#[derive(Debug)]
struct VolumeState {
    name: Box<str>,
    /// As for containers.
    resource: Option<Resource>,
    seen: u64,
}

impl Pods {
    pub(super) fn scrape(&mut self, pods: &[PodStats], context: &PodContext<'_>, sink: &mut dyn Sink) {
        self.generation += 1;
        self.forget_volumes_if_claims_changed(context);
        for stats in pods {
            let known = context.metadata.get(&stats.pod_ref.uid);
            let state = match self.pods.get_mut(stats.pod_ref.uid.as_str()) {
                Some(state) => {
                    state.refresh(&stats.pod_ref, known, context);
                    state
                }
                None => self.pods.entry(stats.pod_ref.uid.as_str().into()).or_insert(PodState::new(
                    &stats.pod_ref,
                    known,
                    context,
                )),
            };
            state.seen = self.generation;
            state.scrape(stats, context, self.generation, sink);
        }
        if self.pods.len() > pods.len() {
            let seen = self.generation;
            self.pods.retain(|_, state| state.seen == seen);
        }
    }

    fn forget_volumes_if_claims_changed(&mut self, context: &PodContext<'_>) {
        let now = context.metadata.claims_generation();
        if context.plan.looks_up_claims && self.claims_generation != now {
            self.claims_generation = now;
            for state in self.pods.values_mut() {
                state.volumes.clear();
            }
        }
    }
}

impl PodState {
    fn new(pod: &PodReference, known: Option<&KnownPod>, context: &PodContext<'_>) -> Self {
        let workload = known.map(|known| &known.workload);
        Self {
            resource: context.resource(pod, [], workload),
            reserved: known.map(|known| Reserved::of_pod(&known.pod)).unwrap_or_default(),
            known: known.map(|known| Known {
                pod: context.reads_pods().then(|| Arc::clone(&known.pod)),
                workload: known.workload.clone(),
            }),
            cpu: CpuMeter::default(),
            containers: Vec::new(),
            volumes: Vec::new(),
            seen: 0,
        }
    }

    /// Makes the resources anew if something else is known about the pod now. CPU times stay.
    fn refresh(&mut self, pod: &PodReference, known: Option<&KnownPod>, context: &PodContext<'_>) {
        let same = match (&self.known, known) {
            (None, None) => true,
            (Some(before), Some(now)) => {
                before.workload.is(&now.workload)
                    && before.pod.as_ref().is_none_or(|before| Arc::ptr_eq(before, &now.pod))
            }
            _ => false,
        };
        if same {
            return;
        }
        let Self { cpu, containers, .. } = std::mem::replace(self, Self::new(pod, known, context));
        self.cpu = cpu;
        self.containers = containers;
        for container in &mut self.containers {
            container.describe(pod, known, context);
        }
    }

    fn scrape(&mut self, stats: &PodStats, context: &PodContext<'_>, seen: u64, sink: &mut dyn Sink) {
        let plan = context.plan;
        if plan.pod_group {
            let denominators = Denominators { reserved: self.reserved, node: context.capacity };
            let mut recorder = Recorder::new(sink, &self.resource, stats.start_time, context.time_ns);
            recorder.uptime(plan.pod.uptime);
            recorder.cpu(&plan.pod.cpu, stats.cpu.as_ref(), &mut self.cpu, &denominators);
            recorder.memory(&plan.pod.memory, stats.memory.as_ref(), &denominators);
            recorder.filesystem(&plan.pod.filesystem, stats.ephemeral_storage.as_ref());
            recorder.network(&plan.pod.network, stats.network.as_ref());
        }
        let known = context.metadata.get(&stats.pod_ref.uid);
        if plan.container_group {
            for (position, container) in stats.containers.iter().enumerate() {
                let state = self.container(position, &stats.pod_ref, &container.name, known, context);
                state.seen = seen;
                state.scrape(container, context, sink);
            }
            if self.containers.len() > stats.containers.len() {
                self.containers.retain(|state| state.seen == seen);
            }
        }
        if plan.volume_group {
            for (position, volume) in stats.volumes.iter().enumerate() {
                let state = self.volume(position, &stats.pod_ref, &volume.name, known, context);
                state.seen = seen;
                state.scrape(volume, context, sink);
            }
            if self.volumes.len() > stats.volumes.len() {
                self.volumes.retain(|state| state.seen == seen);
            }
        }
    }

    fn container(
        &mut self,
        position: usize,
        pod: &PodReference,
        name: &str,
        known: Option<&KnownPod>,
        context: &PodContext<'_>,
    ) -> &mut ContainerState {
        let index = find(&self.containers, position, |state| &state.name, name).unwrap_or_else(|| {
            let mut state = ContainerState {
                name: name.into(),
                resource: None,
                reserved: Reserved::default(),
                cpu: CpuMeter::default(),
                seen: 0,
            };
            state.describe(pod, known, context);
            self.containers.push(state);
            self.containers.len() - 1
        });
        &mut self.containers[index]
    }

    fn volume(
        &mut self,
        position: usize,
        pod: &PodReference,
        name: &str,
        known: Option<&KnownPod>,
        context: &PodContext<'_>,
    ) -> &mut VolumeState {
        let index = find(&self.volumes, position, |state| &state.name, name).unwrap_or_else(|| {
            self.volumes.push(VolumeState::new(pod, name, known, context));
            self.volumes.len() - 1
        });
        &mut self.volumes[index]
    }
}

/// Where the state of this name is: mostly where it was at the last scrape.
fn find<S>(states: &[S], position: usize, name_of: impl Fn(&S) -> &str, name: &str) -> Option<usize> {
    if states.get(position).is_some_and(|state| name_of(state) == name) {
        return Some(position);
    }
    states.iter().position(|state| name_of(state) == name)
}

impl ContainerState {
    /// Finds out what there is to know about the container besides its stats.
    fn describe(&mut self, pod: &PodReference, known: Option<&KnownPod>, context: &PodContext<'_>) {
        let workload = known.map(|known| &known.workload);
        let name = [("k8s.container.name", &*self.name)];
        self.resource = if context.plan.container_ids {
            known
                .and_then(|known| container_id(&known.pod, &self.name))
                .map(|id| context.resource(pod, name.into_iter().chain([("container.id", id)]), workload))
        } else {
            Some(context.resource(pod, name, workload))
        };
        self.reserved = known.map(|known| Reserved::of_container(&known.pod, &self.name)).unwrap_or_default();
    }

    fn scrape(&mut self, stats: &ContainerStats, context: &PodContext<'_>, sink: &mut dyn Sink) {
        let Some(resource) = &self.resource else { return };
        let plan = context.plan;
        let denominators = Denominators { reserved: self.reserved, node: context.capacity };
        let mut recorder = Recorder::new(sink, resource, stats.start_time, context.time_ns);
        recorder.uptime(plan.container.uptime);
        recorder.cpu(&plan.container.cpu, stats.cpu.as_ref(), &mut self.cpu, &denominators);
        recorder.memory(&plan.container.memory, stats.memory.as_ref(), &denominators);
        recorder.filesystem(&plan.container.filesystem, stats.rootfs.as_ref());
        recorder.ephemeral_storage(plan.ephemeral_storage, stats.rootfs.as_ref(), stats.logs.as_ref());
    }
}

/// The id of a container or init container, where it has one.
fn container_id<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    let status = pod.status.as_ref()?;
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let id = statuses.into_iter().find(|status| status.name == name)?.container_id.as_deref()?;
    (!id.trim().is_empty()).then(|| image::without_runtime(id))
}

impl VolumeState {
    fn new(pod: &PodReference, name: &str, known: Option<&KnownPod>, context: &PodContext<'_>) -> Self {
        let workload = known.map(|known| &known.workload);
        let own = [("k8s.volume.name", name)];
        let claims = context.plan.looks_up_claims.then_some(context.metadata);
        let resource = if context.plan.volume_types {
            known
                .and_then(|known| volume::attributes(&known.pod, name, claims))
                .map(|kind| context.resource(pod, own.into_iter().chain(kind), workload))
        } else {
            Some(context.resource(pod, own, workload))
        };
        Self { name: name.into(), resource, seen: 0 }
    }

    fn scrape(&self, stats: &VolumeStats, context: &PodContext<'_>, sink: &mut dyn Sink) {
        let Some(resource) = &self.resource else { return };
        Recorder::started_at(sink, resource, context.started_ns, context.time_ns)
            .volume(&context.plan.volume, stats);
    }
}
