//! The cluster as a function of time.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};

use crate::calendar::instant;
use crate::cluster::ClusterObjects;
use crate::draw::Draw;
use crate::error::SimulationError;
use crate::fleet::Fleet;
use crate::manifest::Manifests;
use crate::objects::pod::Place;
use crate::objects::pod_status::{self, Restarts};
use crate::objects::workload::{self, Dates, Tally};
use crate::objects::{namespace, node, service};
use crate::span::{FOREVER, Seconds, Span};
use crate::world::{Controller, Owner, Seat, Slot, World};

/// How large, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationOptions {
    /// Nodes, at least one.
    pub nodes: usize,
    /// Pods at every instant; zero is allowed: an empty cluster with its nodes and namespaces.
    pub pods: usize,
    /// Fixes names, uids, times and everything else that looks random.
    pub seed: u64,
}

impl Default for SimulationOptions {
    fn default() -> SimulationOptions {
        SimulationOptions { nodes: 50, pods: 200, seed: 1 }
    }
}

/// A simulated cluster.
#[derive(Debug)]
pub struct Simulation {
    world: World,
    /// The nodes as their manifests are: where pods are bound to.
    nodes: Vec<Node>,
    lives: Vec<Life>,
    /// What was answered last, and as long as that holds.
    snapshot: Span<Arc<ClusterObjects>>,
}

/// The pod of a slot, as it was when last asked.
#[derive(Debug)]
struct Life {
    started: Seconds,
    restarts: Vec<Restarts>,
    since: Seconds,
    until: Seconds,
}

impl Simulation {
    /// The cluster that `manifests` describe, at the size of `options`.
    pub fn new(manifests: &Manifests, options: &SimulationOptions) -> Result<Simulation, SimulationError> {
        let fleet = manifests.scaled(options.nodes, options.pods)?;
        let world = World::new(&fleet, Draw::new(options.seed));
        let epoch = world.calendar.epoch();
        let nodes = fleet.nodes.clone();
        let (lives, pods) = world.slots.iter().map(|slot| be_born(&world, &nodes, slot)).unzip();
        let objects = Arc::new(still_life(&fleet, &world, pods));
        let mut simulation =
            Simulation { world, nodes, lives, snapshot: Span { value: objects, since: epoch, until: epoch } };
        simulation.advance(epoch);
        Ok(simulation)
    }

    /// The first instant that can be asked for. The seed fixes it: within the first day of 2026, UTC. Objects that are
    /// there from the beginning are older, by hours up to weeks.
    pub fn epoch(&self) -> Timestamp {
        instant(self.world.calendar.epoch())
    }

    /// The cluster at `instant`. `&mut` is for a cache: the answer depends on nothing that was asked before. Instants
    /// may be asked in any order; following ones are cheapest.
    pub fn at(&mut self, instant: Timestamp) -> Result<Arc<ClusterObjects>, SimulationError> {
        let epoch = self.epoch();
        if instant < epoch {
            return Err(SimulationError::BeforeEpoch { instant, epoch });
        }
        let at = instant.as_second();
        if !self.snapshot.covers(at) {
            self.advance(at);
        }
        Ok(self.snapshot.value.clone())
    }

    /// Brings the snapshot to `at`: only what does not hold then is made anew.
    fn advance(&mut self, at: Seconds) {
        let mut since = self.world.calendar.epoch();
        let mut until = FOREVER;
        let mut changed: Option<Vec<Arc<Pod>>> = None;
        for (position, life) in self.lives.iter_mut().enumerate() {
            if at < life.since || life.until <= at {
                let pods = changed.get_or_insert_with(|| self.snapshot.value.pods.clone());
                let slot = &self.world.slots[position];
                pods[position] = Arc::new(live_on(&self.world, &self.nodes, slot, life, &pods[position], at));
            }
            since = since.max(life.since);
            until = until.min(life.until);
        }
        if let Some(pods) = changed {
            let objects = ClusterObjects { pods, ..ClusterObjects::clone(&self.snapshot.value) };
            self.snapshot.value = Arc::new(objects);
        }
        (self.snapshot.since, self.snapshot.until) = (since, until);
    }
}

fn place<'a>(nodes: &'a [Node], seat: &Seat) -> Option<Place<'a>> {
    match *seat {
        Seat::Node { index, number, by_manifest } => {
            Some(Place { node: &nodes[index], index, number, by_manifest })
        }
        Seat::None { .. } => None,
    }
}

/// A slot's pod as it is when it starts; its life says when it changes.
fn be_born(world: &World, nodes: &[Node], slot: &Slot) -> (Life, Arc<Pod>) {
    let created = world.created(slot);
    let place = place(nodes, &slot.seat);
    let mut pod = world.pod(slot, created, place.as_ref());
    let started = created + world.start_delay(slot);
    let mut life = Life { started, restarts: restarts(&pod), since: started, until: FOREVER };
    match (&place, &slot.seat) {
        (Some(place), _) => {
            let status = pod_status::running(&pod, place, started, &life.restarts, started);
            life.until = status.until;
            pod.status = Some(status.value);
        }
        (None, Seat::None { refusal }) => {
            life.since = created;
            let status = pod.spec.as_ref().map(|spec| pod_status::unschedulable(spec, created, refusal));
            pod.status = status;
        }
        (None, Seat::Node { .. }) => {}
    }
    pod.metadata.resource_version = Some(world.calendar.resource_version(life.since));
    (life, Arc::new(pod))
}

/// `pod` as it is at `at`.
fn live_on(world: &World, nodes: &[Node], slot: &Slot, life: &mut Life, pod: &Pod, at: Seconds) -> Pod {
    let mut pod = pod.clone();
    if let Some(place) = place(nodes, &slot.seat) {
        let status = pod_status::running(&pod, &place, life.started, &life.restarts, at);
        (life.since, life.until) = (status.since, status.until);
        pod.status = Some(status.value);
        pod.metadata.resource_version = Some(world.calendar.resource_version(life.since));
    }
    pod
}

/// Which containers of `pod` start anew, and how often: those whose memory grows until their limit ends them.
fn restarts(pod: &Pod) -> Vec<Restarts> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).enumerate();
    containers
        .filter_map(|(container, spec)| {
            let period = kubelet_stats::restart_period(pod, &spec.name)?.as_secs();
            Some(Restarts { container, period: Seconds::try_from(period).ok()? })
        })
        .collect()
}

/// Everything but what the pods' lives change.
fn still_life(fleet: &Fleet, world: &World, pods: Vec<Arc<Pod>>) -> ClusterObjects {
    let (draw, calendar) = (world.draw, &world.calendar);
    let mut objects = ClusterObjects {
        namespaces: arcs(namespace::namespaces(&fleet.namespaces, draw, calendar)),
        nodes: arcs(
            fleet
                .nodes
                .iter()
                .enumerate()
                .map(|(index, manifest)| node::node(manifest, index, draw, calendar)),
        ),
        services: arcs(service::services(&fleet.services, draw, calendar)),
        pods,
        ..ClusterObjects::default()
    };
    for owner in &world.owners {
        add_workload(&mut objects, world, owner);
    }
    objects
}

fn arcs<T>(objects: impl IntoIterator<Item = T>) -> Vec<Arc<T>> {
    objects.into_iter().map(Arc::new).collect()
}

fn add_workload(objects: &mut ClusterObjects, world: &World, owner: &Owner) {
    let slots = &world.slots[owner.slots.clone()];
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let seated = slots.iter().filter(|slot| matches!(slot.seat, Seat::Node { .. }));
    let tally = Tally { desired: count(slots.len()), pods: count(slots.len()), ready: count(seated.count()) };
    let last_start = slots.iter().map(|slot| world.created(slot) + world.start_delay(slot)).max();
    let changed = last_start.unwrap_or(owner.created).max(owner.created);
    let dates = Dates { calendar: &world.calendar, created: owner.created, changed };
    match &owner.controller {
        Controller::Deployment { deployment, replica_set, replica_set_uid } => {
            let name = replica_set.metadata.name.as_deref().unwrap_or_default();
            objects
                .deployments
                .push(Arc::new(workload::deployment(deployment, &owner.uid, name, tally, dates)));
            objects.replica_sets.push(Arc::new(workload::replica_set(
                replica_set,
                replica_set_uid,
                tally,
                dates,
            )));
        }
        Controller::ReplicaSet(replica_set) => {
            objects.replica_sets.push(Arc::new(workload::replica_set(replica_set, &owner.uid, tally, dates)));
        }
        Controller::StatefulSet { stateful_set, revision } => {
            let stateful_set = workload::stateful_set(stateful_set, &owner.uid, revision, tally, dates);
            objects.stateful_sets.push(Arc::new(stateful_set));
        }
        Controller::DaemonSet(daemon_set) => {
            objects.daemon_sets.push(Arc::new(workload::daemon_set(daemon_set, &owner.uid, tally, dates)));
        }
        Controller::Nobody(_) => {}
    }
}
