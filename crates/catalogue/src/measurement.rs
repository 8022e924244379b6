//! A measurement: which resource, which metric, which attributes, when, how much.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::MetricDef;

/// An attribute of a datapoint: its key and its value.
pub type Attribute<'a> = (&'static str, &'a str);

/// The thing that a measurement is about, as OpenTelemetry resource attributes. Cheap to clone and to look up: the hash
/// is computed once. Receivers keep one per object and pass it again at each scrape.
#[derive(Clone, Debug)]
pub struct Resource {
    inner: Arc<ResourceInner>,
}

#[derive(Debug)]
struct ResourceInner {
    hash: u64,
    attributes: Vec<(&'static str, Box<str>)>,
}

impl Resource {
    /// A resource with these attributes. The order does not matter; the last of equal keys wins; empty values are kept,
    /// as the collector keeps them.
    pub fn new<V: Into<Box<str>>>(attributes: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let mut sorted: Vec<(&'static str, Box<str>)> = Vec::new();
        for (key, value) in attributes {
            match sorted.binary_search_by(|(k, _)| (*k).cmp(key)) {
                Ok(at) => sorted[at].1 = value.into(),
                Err(at) => sorted.insert(at, (key, value.into())),
            }
        }
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&sorted);
        Self { inner: Arc::new(ResourceInner { hash, attributes: sorted }) }
    }

    /// The attributes, sorted by key.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.inner.attributes.iter().map(|(key, value)| (*key, &**value))
    }

    /// The value of one attribute.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes().find(|(k, _)| *k == key).map(|(_, value)| value)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
            || (self.inner.hash == other.inner.hash && self.inner.attributes == other.inner.attributes)
    }
}

impl Eq for Resource {}

impl Hash for Resource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.inner.hash);
    }
}

/// A value as the receivers send it. Prometheus stores both as floats; OTLP keeps them apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
}

impl Number {
    /// The value as Prometheus stores it.
    #[allow(
        clippy::cast_precision_loss,
        reason = "Prometheus stores floats: beyond 2^53 it loses the same bits"
    )]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// When and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Since when a sum counts, nanoseconds since the epoch; `None` where the receiver sends no start.
    pub start_ns: Option<i64>,
    /// When it was measured, nanoseconds since the epoch.
    pub time_ns: i64,
    /// How much.
    pub value: Number,
}

/// Takes measurements. The receivers write to it; the store, an OTLP exporter and the tests read from it.
pub trait Sink {
    /// Takes one measurement. Whether it is a gauge or a sum stands in `metric`.
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_with_equal_attributes_are_equal_whatever_their_order() {
        let a = Resource::new([("k8s.pod.name", "a"), ("k8s.node.name", "n")]);
        let b = Resource::new([("k8s.node.name", "n"), ("k8s.pod.name", "x"), ("k8s.pod.name", "a")]);
        assert_eq!(a, b);
        assert_ne!(a, Resource::new([("k8s.pod.name", "a")]));
        assert_eq!(a.get("k8s.node.name"), Some("n"));
    }
}
