//! Numbers for what measurements are about.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Resource};
use rustc_hash::{FxBuildHasher, FxHashSet, FxHasher};

use crate::numbers::Numbers;

/// Numbers the resources.
#[derive(Debug, Default)]
pub(super) struct Resources {
    numbers: Numbers<Resource>,
    /// Receivers report one object after the other: the next measurement is mostly about the same one.
    latest: u32,
}

impl Resources {
    /// The number of `resource`, which was heard of at `time_ms`.
    pub(super) fn id(&mut self, resource: &Resource, time_ms: i64) -> u32 {
        if self.numbers.get(self.latest) == Some(resource) {
            self.numbers.heard(self.latest, time_ms);
        } else {
            let hash = FxBuildHasher.hash_one(resource);
            self.latest = self.numbers.number(hash, time_ms, |other| other == resource, || resource.clone());
        }
        self.latest
    }

    /// The resource of this number.
    pub(super) fn get(&self, id: u32) -> Option<&Resource> {
        self.numbers.get(id)
    }

    /// How many resources are known.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether it is time to look for departed resources.
    pub(super) fn is_crowded(&self) -> bool {
        self.numbers.is_crowded()
    }

    /// Forgets the resources not heard of since `horizon_ms` and gives their numbers, which will be used again.
    pub(super) fn forget_idle(&mut self, horizon_ms: i64) -> FxHashSet<u32> {
        self.numbers.forget_idle(horizon_ms)
    }
}

/// Numbers the pairs of metric and attributes. There are few of them: a metric of all pods is one.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    numbers: Numbers<Shape>,
}

#[derive(Debug)]
struct Shape {
    metric: &'static MetricDef,
    /// Worked out once: a new object brings a series for each metric.
    prometheus_name: Arc<str>,
    attributes: Box<[(&'static str, Box<str>)]>,
}

impl Shape {
    fn new(metric: &'static MetricDef, attributes: &[Attribute<'_>]) -> Self {
        let attributes = attributes.iter().map(|&(key, value)| (key, value.into())).collect();
        Self { metric, prometheus_name: metric.prometheus_name().into(), attributes }
    }

    fn is(&self, metric: &'static MetricDef, attributes: &[Attribute<'_>]) -> bool {
        std::ptr::eq(self.metric, metric)
            && self.attributes.len() == attributes.len()
            && self.attributes.iter().zip(attributes).all(|((k, v), (key, value))| k == key && **v == **value)
    }
}

impl Shapes {
    /// The number of this metric with these attributes. Another order of the attributes is another number, which costs a
    /// little memory and nothing else: the series is the same.
    pub(super) fn id(&mut self, metric: &'static MetricDef, attributes: &[Attribute<'_>]) -> u32 {
        let mut hasher = FxHasher::default();
        // A metric is known by its address: each has one definition.
        std::ptr::hash(metric, &mut hasher);
        attributes.hash(&mut hasher);
        let make = || Shape::new(metric, attributes);
        self.numbers.number(hasher.finish(), 0, |shape| shape.is(metric, attributes), make)
    }

    /// The metric and the attributes of a numbered shape.
    pub(super) fn get(&self, id: u32) -> Option<(&'static MetricDef, Vec<Attribute<'_>>)> {
        let shape = self.numbers.get(id)?;
        Some((shape.metric, shape.attributes.iter().map(|(key, value)| (*key, &**value)).collect()))
    }

    /// The name in Prometheus of the metric of a numbered shape.
    pub(super) fn prometheus_name(&self, id: u32) -> Option<Arc<str>> {
        self.numbers.get(id).map(|shape| Arc::clone(&shape.prometheus_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_resources_have_one_number() {
        let pod = |name: &str| Resource::new([("k8s.pod.name", name)]);
        let mut resources = Resources::default();
        let a = resources.id(&pod("a"), 1);
        let b = resources.id(&pod("b"), 1);
        assert_ne!(a, b);
        assert_eq!(resources.id(&pod("a"), 2), a);
        assert_eq!(resources.id(&pod("a"), 3), a);
        assert_eq!(resources.forget_idle(3).into_iter().collect::<Vec<_>>(), [b]);
        assert_eq!(resources.id(&pod("a"), 4), a);
    }

    #[test]
    fn a_shape_is_a_metric_and_its_attributes() {
        let [first, second] = [catalogue::kubelet_stats::ALL[0], catalogue::kubelet_stats::ALL[1]];
        let mut shapes = Shapes::default();
        let plain = shapes.id(first, &[]);
        let eth0 = shapes.id(first, &[("interface", "eth0")]);
        let eth1 = shapes.id(first, &[("interface", "eth1")]);
        let other = shapes.id(second, &[("interface", "eth0")]);
        assert_eq!([plain, eth0, eth1, other], [0, 1, 2, 3]);
        assert_eq!(shapes.id(first, &[("interface", &String::from("eth0"))]), eth0);
        assert_eq!(shapes.prometheus_name(other).as_deref(), Some(&*second.prometheus_name()));
    }
}
