//! The measurements of objects, kept until the objects change.

use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Number, Point, Resource, Sink};
use rustc_hash::FxHashMap;

use super::Context;

/// A kind of object that the receiver measures.
pub(super) trait Measure {
    /// All that the receiver says about the object.
    fn measure(&self, context: &Context) -> Vec<Measured>;
}

/// What is said about one resource. The values of an object hold until the object changes; the time is the tick's.
#[derive(Debug)]
pub(super) struct Measured {
    resource: Resource,
    points: Vec<KeptPoint>,
}

#[derive(Debug)]
struct KeptPoint {
    metric: &'static MetricDef,
    attributes: Box<[(&'static str, Box<str>)]>,
    value: Number,
    /// Whether it carries the receiver's start as its start timestamp.
    started: bool,
}

impl Measured {
    pub(super) fn new(resource: Resource) -> Self {
        Self { resource, points: Vec::new() }
    }

    /// Adds a point, if its metric is on.
    pub(super) fn point(mut self, context: &Context, metric: &'static MetricDef, value: Number) -> Self {
        self.add(context, metric, &[], value);
        self
    }

    /// As [`Measured::point`], if there is a value.
    pub(super) fn point_if(
        self,
        context: &Context,
        metric: &'static MetricDef,
        value: Option<Number>,
    ) -> Self {
        match value {
            Some(value) => self.point(context, metric, value),
            None => self,
        }
    }

    /// Adds a point with attributes, if its metric is on.
    pub(super) fn add(
        &mut self,
        context: &Context,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        value: Number,
    ) {
        if context.is_on(metric) {
            let attributes = attributes.iter().map(|(key, value)| (*key, (*value).into())).collect();
            self.points.push(KeptPoint { metric, attributes, value, started: true });
        }
    }

    /// Adds a point that another setting than its own switch asked for; such points have no start timestamp.
    pub(super) fn add_requested(&mut self, metric: &'static MetricDef, value: Number) {
        self.points.push(KeptPoint { metric, attributes: [].into(), value, started: false });
    }

    /// One point per known value of the metric's only attribute: 1 for the present one, 0 for the others.
    pub(super) fn add_state_set(
        &mut self,
        context: &Context,
        metric: &'static MetricDef,
        states: &[&'static str],
        present: &str,
    ) {
        for state in states {
            let attributes: &[Attribute<'_>] = &[(metric.attributes[0], state)];
            self.add(context, metric, attributes, Number::Int(i64::from(*state == present)));
        }
    }

    pub(super) fn send(&self, tick: &mut Tick<'_>) {
        for point in &self.points {
            let start_ns = point.started.then_some(tick.started_ns);
            let value = Point { start_ns, time_ns: tick.time_ns, value: point.value };
            if point.attributes.is_empty() {
                tick.sink.record(&self.resource, point.metric, &[], value);
            } else {
                let mut attributes: [Attribute<'_>; MAX_ATTRIBUTES] = [("", ""); MAX_ATTRIBUTES];
                let count = point.attributes.len().min(MAX_ATTRIBUTES);
                for (slot, (key, value)) in attributes.iter_mut().zip(&point.attributes) {
                    *slot = (key, value);
                }
                tick.sink.record(&self.resource, point.metric, &attributes[..count], value);
            }
        }
    }
}

/// The most attributes that a metric of k8s_cluster has (`k8s.service.endpoint.count`).
const MAX_ATTRIBUTES: usize = 3;

/// One collection: when, and where to.
pub(super) struct Tick<'a> {
    pub(super) started_ns: i64,
    pub(super) time_ns: i64,
    pub(super) sink: &'a mut dyn Sink,
}

/// The measurements of all objects of a kind.
///
/// Keyed by address: as long as an entry holds its object, no other object can have that address.
#[derive(Debug)]
pub(super) struct Cache<K> {
    entries: FxHashMap<usize, Entry<K>>,
    generation: u64,
}

#[derive(Debug)]
struct Entry<K> {
    /// Keeps the address taken.
    _object: Arc<K>,
    measured: Vec<Measured>,
    seen: u64,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { entries: FxHashMap::default(), generation: 0 }
    }
}

impl<K: Measure> Cache<K> {
    /// Sends the measurements of all these objects, and forgets all others.
    pub(super) fn collect(&mut self, objects: &[Arc<K>], context: &Context, tick: &mut Tick<'_>) {
        self.generation += 1;
        let seen = self.generation;
        for object in objects {
            let entry = self.entries.entry(Arc::as_ptr(object).addr()).or_insert_with(|| Entry {
                _object: Arc::clone(object),
                measured: object.measure(context),
                seen,
            });
            entry.seen = seen;
            for measured in &entry.measured {
                measured.send(tick);
            }
        }
        if self.entries.len() > objects.len() {
            self.entries.retain(|_, entry| entry.seen == seen);
        }
    }
}
