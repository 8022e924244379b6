//! Measurements into the store.

mod identity;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use labels::{Labels, METRIC_NAME};
use rustc_hash::FxBuildHasher;
use tsdb::{AppendError, AppendOutcome, InternError, SeriesId, Store};

pub use report::{Refusal, RefusedSample, SinkReport};

use identity::{Resources, Shapes};

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// Appends measurements to a store, as the series that Prometheus makes of them when they come by OTLP.
///
/// What a measurement is called and which labels it has is worked out once, when it is seen first; from then on it is
/// three look-ups without an allocation. What the store refuses is counted, never an error: as in Prometheus, the other
/// samples of a scrape are kept.
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
    report: SinkReport,
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
            report: SinkReport::default(),
        }
    }

    /// The store that it fills.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What became of the measurements since the last [`StoreSink::take_report`].
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

    /// The series of a new identity, or of one whose series retention has dropped.
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

    fn append(
        &mut self,
        identity: &Identity<'_>,
        time_ms: i64,
        value: f64,
    ) -> Result<AppendOutcome, Refusal> {
        let series = match self.series.get(&identity.key) {
            Some(&series) => series,
            None => self.intern(identity)?,
        };
        let outcome = match self.store.append(series, time_ms, value) {
            Err(AppendError::UnknownSeries) => {
                let series = self.intern(identity)?;
                self.store.append(series, time_ms, value)
            }
            outcome => outcome,
        };
        Ok(outcome?)
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
        if self.resources.is_crowded() {
            self.forget_departed();
        }
        let key = (self.resources.id(resource, time_ms), self.shapes.id(metric, attributes));
        let identity = Identity { key, resource, metric, attributes };
        match self.append(&identity, time_ms, point.value.as_f64()) {
            Ok(outcome) => self.report.accept(outcome),
            Err(refusal) => self.report.refuse(refusal, time_ms, || identity.labels(&self.promoted)),
        }
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
