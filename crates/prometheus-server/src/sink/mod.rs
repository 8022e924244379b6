//! Measurements into the store.

mod identity;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use labels::{Labels, METRIC_NAME};
use rustc_hash::FxBuildHasher;
use tsdb::{AppendError, AppendOutcome, InternError, SeriesId, Store, Writer};

pub use report::{Refusal, RefusedSample, SinkReport};

use identity::{Resources, Shapes};

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// Appends measurements to a store, as the series that Prometheus makes of them when they come by OTLP.
///
/// What a measurement is called and which labels it has is worked out once, when it is seen first; from then on it is
/// three look-ups without an allocation. Measurements wait until [`StoreSink::commit`], so that readers see a scrape
/// whole. What the store refuses is counted, never an error: as in Prometheus, the other samples of a scrape are kept.
#[derive(Debug)]
pub struct StoreSink {
    store: Arc<Store>,
    promoted: Vec<String>,
    resources: Resources,
    shapes: Shapes,
    /// The series of a resource and a shape.
    series: HashMap<(u32, u32), SeriesId, FxBuildHasher>,
    /// The resource that a new series was made for last, and the labels of one without attributes.
    latest_new: Option<(u32, Labels)>,
    /// Samples that wait for the commit.
    waiting: Vec<Waiting>,
    report: SinkReport,
}

/// A sample that waits for the commit.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// The numbers of the resource and the shape.
    key: (u32, u32),
    series: SeriesId,
    time_ms: i64,
    value: f64,
}

impl StoreSink {
    /// A sink into `store`. Of the resource's attributes only the `promoted` ones become labels, as Prometheus'
    /// `otlp.promote_resource_attributes` has it.
    pub fn new<P: Into<String>>(store: Arc<Store>, promoted: impl IntoIterator<Item = P>) -> Self {
        Self {
            store,
            promoted: promoted.into_iter().map(Into::into).collect(),
            resources: Resources::default(),
            shapes: Shapes::default(),
            series: HashMap::default(),
            latest_new: None,
            waiting: Vec::new(),
            report: SinkReport::default(),
        }
    }

    /// The store that it fills.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Writes what was recorded since the last time, under one lock: to be called at the end of each scrape.
    pub fn commit(&mut self) {
        let store = Arc::clone(&self.store);
        let waiting = std::mem::take(&mut self.waiting);
        {
            let mut writer = store.writer();
            for sample in &waiting {
                match self.append(&mut writer, sample) {
                    Ok(outcome) => self.report.accept(outcome),
                    Err(refusal) => self.refuse(refusal, sample.key, sample.time_ms),
                }
            }
        }
        // The memory is good for the next scrape.
        self.waiting = waiting;
        self.waiting.clear();
        if self.resources.is_crowded() {
            self.forget_departed();
        }
    }

    /// What became of the measurements that were committed since the last [`StoreSink::take_report`].
    pub fn report(&self) -> &SinkReport {
        &self.report
    }

    /// How many resources it remembers. Those whose samples the store has forgotten are forgotten here too, in time.
    pub fn known_resources(&self) -> usize {
        self.resources.len()
    }

    /// As [`StoreSink::report`]; starts a new one.
    pub fn take_report(&mut self) -> SinkReport {
        std::mem::take(&mut self.report)
    }

    /// The series of a new identity.
    fn intern(&mut self, identity: &Identity<'_>) -> Result<SeriesId, InternError> {
        let labels = self.labels(identity);
        let series = self.store.intern(&labels)?;
        self.series.insert(identity.key, series);
        Ok(series)
    }

    /// The series of a resource differ in little but their name, and a new resource brings many of them at once: those
    /// without attributes are made from one another.
    fn labels(&mut self, identity: &Identity<'_>) -> Labels {
        if !identity.attributes.is_empty() {
            return identity.labels(&self.promoted);
        }
        let (resource, shape) = identity.key;
        match (&self.latest_new, self.shapes.prometheus_name(shape)) {
            (Some((latest, labels)), Some(name)) if *latest == resource => {
                let mut builder = labels.to_builder();
                builder.set_arc(METRIC_NAME.into(), name);
                builder.build()
            }
            _ => {
                let labels = identity.labels(&self.promoted);
                self.latest_new = Some((resource, labels.clone()));
                labels
            }
        }
    }

    fn append(&mut self, writer: &mut Writer<'_>, sample: &Waiting) -> Result<AppendOutcome, Refusal> {
        let &Waiting { key, series, time_ms, value } = sample;
        match writer.append(series, time_ms, value) {
            Err(AppendError::UnknownSeries) => {
                // Retention has dropped it.
                let series = writer.intern(&self.known_labels(key))?;
                self.series.insert(key, series);
                Ok(writer.append(series, time_ms, value)?)
            }
            outcome => Ok(outcome?),
        }
    }

    fn refuse(&mut self, refusal: Refusal, key: (u32, u32), time_ms: i64) {
        let labels = self.report.first_refused.is_none().then(|| self.known_labels(key));
        self.report.refuse(refusal, time_ms, || labels.unwrap_or_default());
    }

    /// The labels of a numbered resource and shape.
    fn known_labels(&self, (resource, shape): (u32, u32)) -> Labels {
        let (resource, shape) = (self.resources.get(resource), self.shapes.get(shape));
        let (Some(resource), Some((metric, attributes))) = (resource, shape) else { return Labels::empty() };
        let promoted = self.promoted.iter().map(String::as_str);
        catalogue::prometheus::series_labels(resource, metric, &attributes, promoted)
    }

    /// Objects come and go; those whose samples are all forgotten need not be remembered here either.
    fn forget_departed(&mut self) {
        let horizon_ms = self.store.horizon_ms().unwrap_or(i64::MIN);
        let departed = self.resources.forget_idle(horizon_ms);
        // The numbers of departed resources are used again.
        self.latest_new = None;
        if !departed.is_empty() {
            self.series.retain(|(resource, _), _| !departed.contains(resource));
        }
    }
}

impl Sink for StoreSink {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        let time_ms = point.time_ns / NANOSECONDS_PER_MILLISECOND;
        let key = (self.resources.id(resource, time_ms), self.shapes.id(metric, attributes));
        let series = match self.series.get(&key) {
            Some(&series) => series,
            None => match self.intern(&Identity { key, resource, metric, attributes }) {
                Ok(series) => series,
                Err(error) => return self.refuse(error.into(), key, time_ms),
            },
        };
        self.waiting.push(Waiting { key, series, time_ms, value: point.value.as_f64() });
    }
}

/// What tells one series of measurements from another.
struct Identity<'a> {
    /// The numbers of the resource and the shape.
    key: (u32, u32),
    resource: &'a Resource,
    metric: &'static MetricDef,
    attributes: &'a [Attribute<'a>],
}

impl Identity<'_> {
    fn labels(&self, promoted: &[String]) -> Labels {
        let promoted = promoted.iter().map(String::as_str);
        catalogue::prometheus::series_labels(self.resource, self.metric, self.attributes, promoted)
    }
}
