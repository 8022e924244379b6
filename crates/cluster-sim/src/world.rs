//! What of a fleet does not change: who has which pods, and on which nodes.

use std::ops::Range;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{
    Affinity, Node, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    PersistentVolumeClaimVolumeSource, Pod, PodSpec, PodTemplateSpec, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::calendar::Calendar;
use crate::defaults;
use crate::draw::{Draw, generated_name};
use crate::fleet::{BarePods, Fleet};
use crate::manifest::Workload;
use crate::objects::controller;
use crate::objects::pod::{Mold, tolerate_existing};
use crate::objects::workload::{TEMPLATE_HASH, replica_set_of};
use crate::placement::{DAEMON_TOLERATIONS, daemon_runs_on};
use crate::scheduler::Scheduler;
use crate::span::Seconds;

/// Who owns pods, as it decides how its pods look.
#[derive(Debug)]
pub(crate) enum Controller {
    Deployment {
        deployment: Box<Deployment>,
        replica_set: Box<ReplicaSet>,
        replica_set_uid: String,
    },
    ReplicaSet(Box<ReplicaSet>),
    StatefulSet {
        stateful_set: Box<StatefulSet>,
        revision: String,
    },
    DaemonSet(Box<DaemonSet>),
    /// Nobody: pods of the files.
    Nobody(Box<BarePods>),
}

/// Pods of one kind, and who owns them.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) controller: Controller,
    pub(crate) uid: String,
    pub(crate) created: Seconds,
    /// Its slots in [`World::slots`].
    pub(crate) slots: Range<usize>,
    namespace: String,
    draw: Draw,
    mold: Mold,
}

/// A place for one pod.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Position in [`World::owners`].
    pub(crate) owner: usize,
    /// The pod's number among its owner's; for a DaemonSet, the number of its node.
    pub(crate) ordinal: usize,
    pub(crate) seat: Seat,
}

/// Where the scheduler put a slot's pods.
#[derive(Clone, Debug)]
pub(crate) enum Seat {
    /// On a node, as its `number`-th pod.
    Node { index: usize, number: usize, by_manifest: bool },
    /// Nowhere: the scheduler's message says why.
    None { refusal: String },
}

/// A fleet's unchanging part.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) calendar: Calendar,
    pub(crate) draw: Draw,
    pub(crate) owners: Vec<Owner>,
    pub(crate) slots: Vec<Slot>,
}

impl World {
    pub(crate) fn new(fleet: &Fleet, draw: Draw) -> World {
        let calendar = Calendar::new(draw);
        let mut world = World { calendar, draw, owners: Vec::new(), slots: Vec::new() };
        let mut counts = Vec::new();
        for workload in &fleet.workloads {
            let (owner, count) = world.workload(workload);
            world.owners.push(owner);
            counts.push(count);
        }
        for pods in &fleet.pods {
            world.owners.push(world.bare(pods));
            counts.push(pods.number);
        }
        world.seat(&fleet.nodes, &counts);
        world
    }

    /// The pod of a slot, without status.
    pub(crate) fn pod(
        &self,
        slot: &Slot,
        created: Seconds,
        place: Option<&crate::objects::pod::Place<'_>>,
    ) -> Pod {
        let owner = &self.owners[slot.owner];
        let name = owner.pod_name(slot.ordinal);
        let draw = self.draw.of("Pod").of(&owner.namespace).of(&name);
        let mut pod = owner.mold.pod(&name, draw, created, place);
        if let Some(spec) = &mut pod.spec {
            owner.finish(slot.ordinal, &name, spec, &mut pod.metadata);
        }
        pod
    }

    /// When the pod of a slot that was there at the epoch was made.
    pub(crate) fn created(&self, slot: &Slot) -> Seconds {
        let owner = &self.owners[slot.owner];
        self.calendar.pod(owner.draw.of("pod").number(slot.ordinal as u64))
    }

    /// How long the pod of a slot takes from its creation to its start.
    pub(crate) fn start_delay(&self, slot: &Slot) -> Seconds {
        let owner = &self.owners[slot.owner];
        owner.draw.of("start").number(slot.ordinal as u64).between(1..4)
    }

    /// An owner and how many pods it wants; a DaemonSet has as many as there are nodes for it.
    fn workload(&self, workload: &Workload) -> (Owner, usize) {
        let metadata = workload.metadata();
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let name = metadata.name.clone().unwrap_or_default();
        let draw = |kind: &str| self.draw.of(kind).of(&namespace).of(&name);
        let number = |replicas: Option<i32>| usize::try_from(replicas.unwrap_or(1)).unwrap_or_default();
        match workload {
            Workload::Deployment(manifest) => {
                let mut deployment = manifest.clone();
                defaults::deployment(&mut deployment);
                let draw = draw("Deployment");
                let uid = draw.uuid();
                let hash = draw.of("template").template_hash();
                let replica_set = replica_set_of(&deployment, &uid, &hash);
                let set_name = replica_set.metadata.name.clone().unwrap_or_default();
                let set_uid = self.draw.of("ReplicaSet").of(&namespace).of(&set_name).uuid();
                let spec = deployment.spec.clone().unwrap_or_default();
                let mold = self
                    .mold(&spec.template, &namespace, ("apps/v1", "ReplicaSet", &set_name, &set_uid))
                    .label(TEMPLATE_HASH, &hash)
                    .generate_name(&set_name);
                let controller = Controller::Deployment {
                    deployment,
                    replica_set: Box::new(replica_set),
                    replica_set_uid: set_uid,
                };
                (self.owner(controller, uid, namespace, draw, mold), number(spec.replicas))
            }
            Workload::ReplicaSet(manifest) => {
                let mut replica_set = manifest.clone();
                defaults::replica_set(&mut replica_set);
                let draw = draw("ReplicaSet");
                let uid = draw.uuid();
                let spec = replica_set.spec.clone().unwrap_or_default();
                let template = spec.template.unwrap_or_default();
                let mold = self
                    .mold(&template, &namespace, ("apps/v1", "ReplicaSet", &name, &uid))
                    .generate_name(&name);
                (
                    self.owner(Controller::ReplicaSet(replica_set), uid, namespace, draw, mold),
                    number(spec.replicas),
                )
            }
            Workload::StatefulSet(manifest) => {
                let mut stateful_set = manifest.clone();
                defaults::stateful_set(&mut stateful_set);
                let draw = draw("StatefulSet");
                let uid = draw.uuid();
                let revision = format!("{name}-{}", draw.of("template").template_hash());
                let spec = stateful_set.spec.clone().unwrap_or_default();
                let mold = self
                    .mold(&spec.template, &namespace, ("apps/v1", "StatefulSet", &name, &uid))
                    .label("controller-revision-hash", &revision)
                    .generate_name(&name);
                let controller = Controller::StatefulSet { stateful_set, revision };
                (self.owner(controller, uid, namespace, draw, mold), number(spec.replicas))
            }
            Workload::DaemonSet(manifest) => {
                let mut daemon_set = manifest.clone();
                defaults::daemon_set(&mut daemon_set);
                let draw = draw("DaemonSet");
                let uid = draw.uuid();
                let spec = daemon_set.spec.clone().unwrap_or_default();
                let tolerations = DAEMON_TOLERATIONS.into_iter().enumerate().map(|(position, key)| {
                    tolerate_existing(key, if position < 2 { "NoExecute" } else { "NoSchedule" })
                });
                let mold = self
                    .mold(&spec.template, &namespace, ("apps/v1", "DaemonSet", &name, &uid))
                    .label("controller-revision-hash", &draw.of("template").template_hash())
                    .label("pod-template-generation", "1")
                    .tolerate(tolerations)
                    .generate_name(&name);
                (self.owner(Controller::DaemonSet(daemon_set), uid, namespace, draw, mold), 0)
            }
        }
    }

    fn bare(&self, pods: &BarePods) -> Owner {
        let metadata = &pods.template.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let name = metadata.name.clone().unwrap_or_default();
        let spec = pods.template.spec.clone().unwrap_or_default();
        let mold = Mold::new(metadata, &spec, &namespace, None);
        let draw = self.draw.of("pods").of(&namespace).of(&name);
        let controller = Controller::Nobody(Box::new(pods.clone()));
        self.owner(controller, String::new(), namespace, draw, mold)
    }

    fn mold(&self, template: &PodTemplateSpec, namespace: &str, owner: (&str, &str, &str, &str)) -> Mold {
        let (api_version, kind, name, uid) = owner;
        let metadata = template.metadata.clone().unwrap_or_default();
        let spec = template.spec.clone().unwrap_or_default();
        Mold::new(&metadata, &spec, namespace, Some(controller(api_version, kind, name, uid)))
    }

    fn owner(&self, controller: Controller, uid: String, namespace: String, draw: Draw, mold: Mold) -> Owner {
        let created = self.calendar.workload(draw);
        Owner { controller, uid, created, slots: 0..0, namespace, draw, mold }
    }

    /// Makes every owner's slots and has them scheduled: DaemonSets first, as they choose their nodes themselves, then
    /// StatefulSets, then all others in the files' order.
    fn seat(&mut self, nodes: &[Node], counts: &[usize]) {
        let mut scheduler = Scheduler::new(nodes);
        let mut on_node = vec![0_usize; nodes.len()];
        let mut take = |index: usize, by_manifest: bool| {
            let number = on_node[index];
            on_node[index] += 1;
            Seat::Node { index, number, by_manifest }
        };
        let mut seats: Vec<Vec<(usize, Seat)>> = vec![Vec::new(); self.owners.len()];
        let turn = |owner: &Owner| match owner.controller {
            Controller::DaemonSet(_) => 0,
            Controller::StatefulSet { .. } => 1,
            _ => 2,
        };
        let mut order: Vec<usize> = (0..self.owners.len()).collect();
        order.sort_by_key(|&position| turn(&self.owners[position]));
        let none = PodSpec::default();
        for position in order {
            let owner = &self.owners[position];
            let spec = owner.mold.spec().unwrap_or(&none);
            let mut wish = scheduler.wish(spec);
            let seats = &mut seats[position];
            if let Controller::DaemonSet(_) = owner.controller {
                for (index, _) in nodes.iter().enumerate().filter(|(_, node)| daemon_runs_on(spec, node)) {
                    scheduler.bind(&mut wish, index);
                    seats.push((index, take(index, false)));
                }
                continue;
            }
            let mut refusal = None;
            for ordinal in 0..counts[position] {
                // Once a pod of a workload found no node, none of its others will.
                let node = if refusal.is_none() { scheduler.place(&mut wish) } else { None };
                let seat = match node {
                    Some(index) => take(index, spec.node_name.is_some()),
                    None => Seat::None {
                        refusal: refusal.get_or_insert_with(|| scheduler.refusal(&wish)).clone(),
                    },
                };
                seats.push((ordinal, seat));
            }
        }
        for (position, seats) in seats.into_iter().enumerate() {
            let first = self.slots.len();
            self.slots.extend(seats.into_iter().map(|(ordinal, seat)| Slot {
                owner: position,
                ordinal,
                seat,
            }));
            self.owners[position].slots = first..self.slots.len();
        }
    }
}

impl Owner {
    /// The name of its `ordinal`-th pod.
    fn pod_name(&self, ordinal: usize) -> String {
        let suffix = || self.draw.of("names").suffix(ordinal as u64);
        let name = |metadata: &ObjectMeta| metadata.name.clone().unwrap_or_default();
        match &self.controller {
            Controller::Deployment { replica_set, .. } | Controller::ReplicaSet(replica_set) => {
                generated_name(&name(&replica_set.metadata), &suffix())
            }
            Controller::StatefulSet { stateful_set, .. } => {
                format!("{}-{ordinal}", name(&stateful_set.metadata))
            }
            Controller::DaemonSet(daemon_set) => generated_name(&name(&daemon_set.metadata), &suffix()),
            Controller::Nobody(pods) => pods.name(ordinal),
        }
    }

    /// What differs from one of its pods to the next, beside the name.
    fn finish(&self, ordinal: usize, name: &str, spec: &mut PodSpec, metadata: &mut ObjectMeta) {
        match &self.controller {
            Controller::StatefulSet { stateful_set, .. } => {
                let labels = metadata.labels.get_or_insert_default();
                labels.insert("apps.kubernetes.io/pod-index".to_owned(), ordinal.to_string());
                labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), name.to_owned());
                let Some(own) = &stateful_set.spec else { return };
                spec.hostname = Some(name.to_owned());
                spec.subdomain = own.service_name.clone().filter(|name| !name.is_empty());
                let claims = own
                    .volume_claim_templates
                    .iter()
                    .flatten()
                    .filter_map(|claim| claim.metadata.name.as_ref());
                let volumes = spec.volumes.get_or_insert_default();
                for (position, claim) in claims.enumerate() {
                    volumes.retain(|volume| volume.name != *claim);
                    volumes.insert(position, claim_volume(claim, &format!("{claim}-{name}")));
                }
            }
            Controller::DaemonSet(_) => {
                if let Some(node) = spec.node_name.clone() {
                    bind_by_affinity(spec, node);
                }
            }
            Controller::Deployment { .. } | Controller::ReplicaSet(_) | Controller::Nobody(_) => {}
        }
    }
}

fn claim_volume(name: &str, claim: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A DaemonSet's pod requires its node by name.
fn bind_by_affinity(spec: &mut PodSpec, node: String) {
    let by_name = NodeSelectorRequirement {
        key: "metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node]),
    };
    let selector = NodeSelector {
        node_selector_terms: vec![NodeSelectorTerm {
            match_fields: Some(vec![by_name]),
            ..NodeSelectorTerm::default()
        }],
    };
    spec.affinity.get_or_insert_with(Affinity::default).node_affinity = Some(NodeAffinity {
        required_during_scheduling_ignored_during_execution: Some(selector),
        ..NodeAffinity::default()
    });
}
