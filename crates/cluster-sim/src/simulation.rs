//! The cluster as a function of time.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::Departed;

use crate::cluster::ClusterObjects;
use crate::departures::Departures;
use crate::draw::Draw;
use crate::error::SimulationError;
use crate::fleet::{Autoscaler, Fleet};
use crate::manifest::Manifests;
use crate::objects::{Dates, endpoints, mark, namespace, node, pod_status, service, storage};
use crate::provocation::{Affected, Provocation, ProvocationError, Registry, Request};
use crate::time::calendar::instant;
use crate::time::span::{FOREVER, Seconds, Span};
use crate::views::{Cell, Occupant, Picture, Scene, View, views};
use crate::world::{OwnerKind, Seat, Slot, World};

/// How large, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationOptions {
    /// Nodes, at least one.
    pub nodes: usize,
    /// Pods at every instant, unless somebody scales a workload; zero is allowed: an empty cluster with its nodes and
    /// namespaces.
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
    autoscalers: Vec<Autoscaler>,
    views: Vec<View>,
    /// What does not change with time.
    still: ClusterObjects,
    // From here on: the cache, all of it as at one instant.
    nodes: Vec<Span<Arc<Node>>>,
    cells: Vec<Cell>,
    pictures: Vec<Picture>,
    snapshot: Span<Arc<ClusterObjects>>,
    /// The instant that was asked for last.
    now: Seconds,
    departures: Departures,
    provocations: Registry,
}

impl Simulation {
    /// The cluster that `manifests` describe, at the size of `options`.
    pub fn new(manifests: &Manifests, options: &SimulationOptions) -> Result<Simulation, SimulationError> {
        let fleet = manifests.scaled(options.nodes, options.pods)?;
        let world = World::new(&fleet, Draw::new(options.seed));
        let epoch = world.calendar.epoch();
        let still = still_life(&fleet, &world);
        let views = views(&fleet, &world, &still.services);
        let nodes = (0..world.nodes.len()).map(|index| see_node(&world, index, epoch)).collect();
        let cells = world.slots.iter().map(|slot| see_slot(&world, slot, epoch)).collect();
        let pictures = views.iter().map(|_| Picture::blank()).collect();
        let mut simulation = Simulation {
            world,
            autoscalers: fleet.autoscalers,
            views,
            still,
            nodes,
            cells,
            pictures,
            snapshot: Span { value: Arc::default(), since: epoch, until: epoch },
            now: epoch,
            departures: Departures::default(),
            provocations: Registry::default(),
        };
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
        self.now = at;
        if !self.snapshot.covers(at) {
            self.advance(at);
        }
        Ok(self.snapshot.value.clone())
    }

    /// What pods that are gone had counted on a node since its boot, at the instant that was asked for last; `None` when
    /// there is no such node. For [`kubelet_stats::Surroundings`]: a node's own counters go on when a pod leaves.
    ///
    /// A function of (files, options, instant), too. The first call looks up all pods since the boots of their nodes
    /// (about 20 µs each), later ones those that left since.
    pub fn departed(&mut self, node: &str) -> Option<&Departed> {
        self.departures.advance(&self.world, &self.cells, self.now);
        self.departures.of(node)
    }

    /// Makes something happen; see [`Provocation`]. On an error nothing has changed.
    ///
    /// What is before its `since` stays as it was, so a caller who has shown the cluster up to some instant provokes from
    /// a later one on.
    pub fn provoke(&mut self, request: &Request) -> Result<Provocation, ProvocationError> {
        let (provocation, affected) = self.provocations.provoke(&mut self.world, &self.still, request)?;
        self.look_again(&affected, provocation.since);
        Ok(provocation)
    }

    /// Ends a provocation at `at`, and answers with how it is then. One that would only begin later never happens.
    pub fn undo(&mut self, id: u32, at: Timestamp) -> Result<Provocation, ProvocationError> {
        let (provocation, affected) = self.provocations.undo(&mut self.world, id, at)?;
        self.look_again(&affected, provocation.until.unwrap_or(at));
        Ok(provocation)
    }

    /// Everything that was provoked and not taken back before it began, in the order of its numbers; what is over, too.
    pub fn provocations(&self) -> impl Iterator<Item = &Provocation> {
        self.provocations.iter()
    }

    /// Makes the cache forget what may be different from `since` on. Objects that are the same stay the same.
    fn look_again(&mut self, affected: &Affected, since: Timestamp) {
        let Simulation { world, cells, .. } = self;
        let at = self.now;
        self.departures.forget(since.as_second());
        for view in &mut self.views {
            view.find_slots(world);
        }
        for &index in &affected.nodes {
            let seen = see_node(world, index, at);
            self.nodes[index] = Span { value: same(&self.nodes[index].value, seen.value), ..seen };
        }
        for (position, slot) in world.slots.iter().enumerate() {
            let on_node = matches!(slot.seat, Seat::Node { index, .. } if affected.nodes.contains(&index));
            if position < cells.len()
                && !on_node
                && !slot.turns.owners().any(|owner| affected.owners.contains(&owner))
            {
                continue;
            }
            let mut seen = see_slot(world, slot, at);
            match cells.get_mut(position) {
                Some(cell) => {
                    if let (Some(old), Some(new)) = (&cell.occupant, &mut seen.occupant) {
                        new.pod = same(&old.pod, Arc::clone(&new.pod));
                    }
                    *cell = seen;
                }
                None => cells.push(seen),
            }
        }
        for picture in &mut self.pictures {
            picture.expire();
        }
        self.snapshot.until = self.snapshot.since;
        self.advance(at);
    }

    /// Brings the cache to `at`: only what does not hold then is made anew.
    fn advance(&mut self, at: Seconds) {
        let mut held = Span { value: false, since: self.world.calendar.epoch(), until: FOREVER };
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if !node.covers(at) {
                *node = see_node(&self.world, index, at);
                held.value = true;
            }
            held = held.within(node);
        }
        for (cell, slot) in self.cells.iter_mut().zip(&self.world.slots) {
            if at < cell.since || cell.until <= at {
                see_again(&self.world, slot, cell, at);
                held.value = true;
            }
            held.since = held.since.max(cell.since);
            held.until = held.until.min(cell.until);
        }
        let scene = Scene { world: &self.world, cells: &self.cells, autoscalers: &self.autoscalers, at };
        for (view, picture) in self.views.iter().zip(&mut self.pictures) {
            if !picture.covers(at) {
                *picture = view.look(scene, picture);
                held.value = true;
            }
            held.since = held.since.max(picture.since());
            held.until = held.until.min(picture.until());
        }
        if held.value {
            self.snapshot.value = Arc::new(self.assemble());
        }
        (self.snapshot.since, self.snapshot.until) = (held.since, held.until);
    }

    fn assemble(&self) -> ClusterObjects {
        let mut objects = self.still.clone();
        objects.nodes = self.nodes.iter().map(|node| Arc::clone(&node.value)).collect();
        let occupants = self.cells.iter().filter_map(|cell| cell.occupant.as_ref());
        objects.pods = occupants.map(|occupant| Arc::clone(&occupant.pod)).collect();
        for picture in &self.pictures {
            objects.extend(&picture.objects);
        }
        objects
    }
}

/// The old one if nothing has changed.
fn same<T: PartialEq>(old: &Arc<T>, new: Arc<T>) -> Arc<T> {
    if **old == *new { Arc::clone(old) } else { new }
}

fn see_node(world: &World, index: usize, at: Seconds) -> Span<Arc<Node>> {
    let (lost, booted) = (world.node_lost(index, at), world.node_booted(index, at));
    let node = node::node(&world.nodes[index], index, lost, booted.value, world.draw, &world.calendar);
    let marks = world.node_marks(index, at);
    let mut node = node.within(&marks);
    mark(&mut node.value.metadata, marks.value);
    node.value.metadata.resource_version = Some(world.calendar.resource_version(node.since));
    node.map(Arc::new)
}

/// A slot as it is.
fn see_slot(world: &World, slot: &Slot, at: Seconds) -> Cell {
    let tenant = world.tenant(slot, at);
    let Some(value) = tenant.value else {
        return Cell { occupant: None, since: tenant.since, until: tenant.until };
    };
    let tenant = tenant.map(|_| value);
    let (pod, life) = world.pod(slot, &value);
    let standing = life.standing(&|at| world.seat_lost(&slot.seat, at), at).within(&tenant);
    let mut occupant = Occupant { tenant, life, standing, pod: Arc::default() };
    let span = write_status(world, slot, &mut occupant, pod, at);
    Cell { occupant: Some(occupant), since: span.since, until: span.until }
}

/// A slot in which the pod changed, or was replaced by another one.
fn see_again(world: &World, slot: &Slot, cell: &mut Cell, at: Seconds) {
    let Some(occupant) = cell.occupant.as_mut().filter(|occupant| occupant.tenant.covers(at)) else {
        *cell = see_slot(world, slot, at);
        return;
    };
    if !occupant.standing.covers(at) {
        let standing = occupant.life.standing(&|at| world.seat_lost(&slot.seat, at), at);
        occupant.standing = standing.within(&occupant.tenant);
    }
    let pod = Pod::clone(&occupant.pod);
    let span = write_status(world, slot, occupant, pod, at);
    (cell.since, cell.until) = (span.since, span.until);
}

/// Makes `pod` what it is at `at`, and answers how long it stays so.
fn write_status(world: &World, slot: &Slot, occupant: &mut Occupant, mut pod: Pod, at: Seconds) -> Span<()> {
    let marks = world.pod_marks(&occupant.tenant.value, at);
    let mut span = occupant.standing.map(|_| ()).within(&marks);
    if let Some(spec) = &pod.spec {
        let status = match (&slot.seat, world.place(&slot.seat)) {
            (Seat::None { refusal }, _) => {
                occupant.standing.map(|_| pod_status::unschedulable(spec, occupant.life.created, refusal))
            }
            (_, Some(place)) => {
                let Occupant { tenant, life, standing, .. } = &*occupant;
                pod_status::placed(spec, &place, life, standing, at).within(tenant)
            }
            (_, None) => occupant.standing.map(|_| Default::default()),
        };
        span = span.within(&status);
        pod.status = Some(status.value);
    }
    mark(&mut pod.metadata, marks.value);
    // Marks may be older than the pod.
    span.since = span.since.max(occupant.tenant.since);
    pod.metadata.resource_version = Some(world.calendar.resource_version(span.since));
    occupant.pod = Arc::new(pod);
    span
}

/// Everything that does not change with time.
fn still_life(fleet: &Fleet, world: &World) -> ClusterObjects {
    let (draw, calendar) = (world.draw, &world.calendar);
    let services = arcs(service::services(&fleet.services, draw, calendar));
    let api_server = services.first().map(|service| {
        let dates = Dates { calendar, created: calendar.cluster(), changed: calendar.cluster() };
        endpoints::of_api_server(service, draw, dates)
    });
    let of_files = fleet.claims.iter().map(|claim| {
        let of_claim = draw.of("claim").of(claim.metadata.namespace.as_deref().unwrap_or_default());
        (claim.clone(), calendar.workload(of_claim.of(claim.metadata.name.as_deref().unwrap_or_default())))
    });
    let of_sets = world.owners.iter().flat_map(|owner| {
        let claims: Vec<_> = match &owner.kind {
            OwnerKind::StatefulSet(set) => {
                (0..owner.size).flat_map(|ordinal| storage::claims_of(set, ordinal)).collect()
            }
            _ => Vec::new(),
        };
        claims.into_iter().map(|claim| (claim, owner.created))
    });
    let claims = of_files.chain(of_sets).collect();
    let (volumes, claims) = storage::bind(&fleet.volumes, claims, draw, calendar);
    ClusterObjects {
        namespaces: arcs(namespace::namespaces(&fleet.namespaces, draw, calendar)),
        services,
        endpoint_slices: arcs(api_server),
        persistent_volumes: arcs(volumes),
        persistent_volume_claims: arcs(claims),
        ..ClusterObjects::default()
    }
}

fn arcs<T>(objects: impl IntoIterator<Item = T>) -> Vec<Arc<T>> {
    objects.into_iter().map(Arc::new).collect()
}
