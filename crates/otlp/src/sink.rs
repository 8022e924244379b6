//! Measurements as OTLP messages.

use std::hash::{Hash, Hasher};
use std::vec;

use catalogue::{Attribute, MetricDef, MetricKind, Number, Point, Resource, Sink};
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHasher};

use crate::message::{
    self, AnyValue, CUMULATIVE, Data, ExportRequest, Gauge, KeyValue, Metric, NumberDataPoint, NumberValue,
    ResourceMetrics, ScopeMetrics, Sum, Value,
};
use crate::scope::Origin;

/// Collects the measurements of a scrape.
///
/// Taking one is two look-ups and no allocation, so that a scrape is not held up: resources and attributes are kept once,
/// and the messages are made later, of a [`Scrape`], by whoever sends them.
#[derive(Debug, Default)]
pub struct OtlpSink {
    scrape: Scrape,
    source_numbers: FxHashMap<Source, u32>,
    /// Numbers of the attributes, by hash.
    attribute_numbers: HashTable<u32>,
}

/// The measurements of a scrape.
#[derive(Debug, Default)]
pub struct Scrape {
    sources: Vec<Source>,
    attributes: Vec<Attributes>,
    points: Vec<Recorded>,
}

/// What sends measurements, and about what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    resource: Resource,
    origin: Origin,
}

/// The attributes of a point.
type Attributes = Box<[(&'static str, Box<str>)]>;

/// A measurement; resource and attributes by number.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    metric: &'static MetricDef,
    source: u32,
    attributes: u32,
    point: Point,
}

impl OtlpSink {
    /// A sink without measurements.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded since the last time. The sink is empty then.
    pub fn take(&mut self) -> Scrape {
        self.source_numbers.clear();
        self.attribute_numbers.clear();
        let next = Scrape {
            // The next scrape will hardly be larger.
            sources: Vec::with_capacity(self.scrape.sources.len()),
            attributes: Vec::with_capacity(self.scrape.attributes.len()),
            points: Vec::with_capacity(self.scrape.points.len()),
        };
        std::mem::replace(&mut self.scrape, next)
    }

    fn source(&mut self, resource: &Resource, metric: &MetricDef) -> u32 {
        let origin = Origin::of(metric);
        // Receivers report one object after the other: the next measurement is mostly about the same one.
        if let Some(latest) = self.scrape.points.last()
            && let Some(source) = self.scrape.sources.get(latest.source as usize)
            && source.origin == origin
            && source.resource == *resource
        {
            return latest.source;
        }
        let source = Source { resource: resource.clone(), origin };
        *self.source_numbers.entry(source).or_insert_with_key(|source| {
            self.scrape.sources.push(source.clone());
            number(self.scrape.sources.len() - 1)
        })
    }

    fn attributes(&mut self, attributes: &[Attribute<'_>]) -> u32 {
        let known = &mut self.scrape.attributes;
        let is = |other: &u32| {
            let other = &known[*other as usize];
            other.len() == attributes.len()
                && other.iter().zip(attributes).all(|((k, v), (key, value))| k == key && **v == **value)
        };
        let hash = hash_of(attributes.iter().copied());
        if let Some(found) = self.attribute_numbers.find(hash, is) {
            return *found;
        }
        known.push(attributes.iter().map(|&(key, value)| (key, value.into())).collect());
        let new = number(known.len() - 1);
        let hash_of_known = |other: &u32| hash_of(known[*other as usize].iter().map(|(k, v)| (*k, &**v)));
        self.attribute_numbers.insert_unique(hash, new, hash_of_known);
        new
    }
}

fn hash_of<'a>(attributes: impl Iterator<Item = Attribute<'a>>) -> u64 {
    let mut hasher = FxHasher::default();
    attributes.for_each(|attribute| attribute.hash(&mut hasher));
    hasher.finish()
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("four billion resources do not fit into memory")
}

impl Sink for OtlpSink {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        let (source, attributes) = (self.source(resource, metric), self.attributes(attributes));
        self.scrape.points.push(Recorded { metric, source, attributes, point });
    }
}

impl Scrape {
    /// How many points it has.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The measurements as requests of at most `most_points` points: by receiver and resource, then by metric, as a
    /// collector sends them. Where a request is full in the middle of a metric, the next one goes on with the same
    /// resource and metric.
    pub fn into_requests(mut self, most_points: usize) -> Requests {
        // Stable: points of one series stay in the order in which they were recorded.
        self.points.sort_by_key(|recorded| (recorded.source, recorded.metric.name));
        let points = std::mem::take(&mut self.points).into_iter();
        Requests { scrape: self, points, most_points: most_points.max(1) }
    }

    fn resource_metrics(&self, points: &[Recorded]) -> Option<ResourceMetrics> {
        let Source { resource, origin } = self.sources.get(points.first()?.source as usize)?;
        let of_one_metric = points.chunk_by(|a, b| std::ptr::eq(a.metric, b.metric));
        Some(ResourceMetrics {
            resource: Some(message::Resource { attributes: resource.attributes().map(attribute).collect() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(origin.scope()),
                metrics: of_one_metric.filter_map(|points| self.metric(points)).collect(),
            }],
            schema_url: origin.schema_url().to_owned(),
        })
    }

    fn metric(&self, points: &[Recorded]) -> Option<Metric> {
        let definition = points.first()?.metric;
        let data_points: Vec<NumberDataPoint> = points.iter().map(|point| self.data_point(point)).collect();
        let data = match definition.kind {
            MetricKind::Gauge => Data::Gauge(Gauge { data_points }),
            MetricKind::Counter | MetricKind::UpDownCounter => Data::Sum(Sum {
                data_points,
                aggregation_temporality: CUMULATIVE,
                is_monotonic: definition.kind == MetricKind::Counter,
            }),
        };
        Some(Metric {
            name: definition.name.to_owned(),
            description: definition.description.to_owned(),
            unit: definition.unit.to_owned(),
            data: Some(data),
        })
    }

    fn data_point(&self, recorded: &Recorded) -> NumberDataPoint {
        let Point { start_ns, time_ns, value } = recorded.point;
        let attributes = self.attributes.get(recorded.attributes as usize);
        NumberDataPoint {
            start_time_unix_nano: start_ns.map_or(0, i64::cast_unsigned),
            time_unix_nano: time_ns.cast_unsigned(),
            attributes: attributes
                .into_iter()
                .flatten()
                .map(|(key, value)| attribute((key, value)))
                .collect(),
            flags: 0,
            value: Some(match value {
                Number::Int(value) => NumberValue::AsInt(value),
                Number::Double(value) => NumberValue::AsDouble(value),
            }),
        }
    }
}

fn attribute((key, value): (&str, &str)) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(Value::String(value.to_owned())) }) }
}

/// The requests of a [`Scrape`], made one by one.
#[derive(Debug)]
pub struct Requests {
    scrape: Scrape,
    points: vec::IntoIter<Recorded>,
    most_points: usize,
}

impl Requests {
    /// How many points the requests have that are still to come.
    pub fn points_left(&self) -> usize {
        self.points.len()
    }
}

impl Iterator for Requests {
    type Item = ExportRequest;

    fn next(&mut self) -> Option<ExportRequest> {
        let points = self.points.as_slice();
        let points = &points[..points.len().min(self.most_points)];
        if points.is_empty() {
            return None;
        }
        let of_one_source = points.chunk_by(|a, b| a.source == b.source);
        let resource_metrics =
            of_one_source.filter_map(|points| self.scrape.resource_metrics(points)).collect();
        let taken = points.len();
        self.points.by_ref().take(taken).for_each(drop);
        Some(ExportRequest { resource_metrics })
    }
}
