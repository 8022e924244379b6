//! OTLP messages into the store: all of a request or nothing, as Prometheus does it.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use catalogue::prometheus::{NameKind, metric_name};
use labels::{LabelsBuilder, METRIC_NAME};
use otlp::message::{
    CUMULATIVE, Data, ExportRequest, HistogramDataPoint, KeyValue, Metric, NO_RECORDED_VALUE,
    NumberDataPoint, NumberValue, ResourceMetrics, SummaryDataPoint, UnreadRequest,
};
use promql::stale_nan;
use prost::Message;
use prost::bytes::Bytes;
use rustc_hash::{FxBuildHasher, FxHasher};
use tsdb::{AppendError, Batch, CommitSummary, InternError, SeriesId, Store};

use super::refusals::{OtlpRefusal, RefusalCounter, Refusals, RefusedRequests, said_by_prometheus};
use super::resource::{KnownResource, hash_of};
use crate::json;
use crate::numbers::Numbers;

/// Samples further ahead of the clock than this are refused.
const MAX_AHEAD_MS: i64 = 10 * 60_000;
/// `target_info` gets a sample at least this often: half the look-back of queries.
const TARGET_INFO_INTERVAL_MS: i64 = 150_000;
/// A request whose samples lie further apart than this many of those intervals is nonsense.
const MAX_TARGET_INFO_SAMPLES: i64 = 10_000;
/// All resources of a request together get no more than this many: each takes memory before the request can be refused.
const MAX_TARGET_INFO_OF_REQUEST: i64 = 500_000;

/// Takes OTLP metrics into a store under the names and labels that Prometheus gives them.
#[derive(Debug)]
pub struct OtlpIngester {
    store: Arc<Store>,
    promoted: Vec<String>,
    known: Mutex<Known>,
    refused: RefusalCounter,
}

impl OtlpIngester {
    /// An ingester into `store`. Of the resources' attributes only the `promoted` ones become labels.
    pub fn new<P: Into<String>>(store: Arc<Store>, promoted: impl IntoIterator<Item = P>) -> Self {
        let promoted = promoted.into_iter().map(Into::into).collect();
        Self { store, promoted, known: Mutex::default(), refused: RefusalCounter::default() }
    }

    /// Stores all samples of a request, or none. `now_ms` is the clock's time.
    ///
    /// # Errors
    /// When any metric or sample is refused.
    pub fn ingest(&self, request: &ExportRequest, now_ms: i64) -> Result<CommitSummary, OtlpRefusal> {
        self.counted(self.translate_and_commit(now_ms, |translation| {
            request.resource_metrics.iter().for_each(|resource| translation.resource(resource));
            Ok(())
        }))
    }

    /// As [`OtlpIngester::ingest`], for a request in protobuf. It is read and translated resource by resource.
    ///
    /// # Errors
    /// When the bytes are no request or stand for too much, or any metric or sample is refused.
    pub fn ingest_protobuf(&self, request: Bytes, now_ms: i64) -> Result<CommitSummary, OtlpRefusal> {
        self.counted(self.read_and_commit(request, now_ms))
    }

    /// The requests that were refused so far.
    pub fn refused_requests(&self) -> RefusedRequests {
        self.refused.so_far()
    }

    /// Counts a request that was refused before it came here.
    pub(super) fn note_refused(&self, reason: String) {
        self.refused.note(reason);
    }

    fn counted<T>(&self, outcome: Result<T, OtlpRefusal>) -> Result<T, OtlpRefusal> {
        outcome.inspect_err(|refusal| self.refused.note(refusal.to_string()))
    }

    fn read_and_commit(&self, request: Bytes, now_ms: i64) -> Result<CommitSummary, OtlpRefusal> {
        otlp::check_protobuf_size(&request)?;
        let request = UnreadRequest::decode(request)?;
        self.translate_and_commit(now_ms, |translation| {
            for resource in &request.resource_metrics {
                translation.resource(&ResourceMetrics::decode(&resource[..])?);
            }
            Ok(())
        })
    }

    fn translate_and_commit(
        &self,
        now_ms: i64,
        mut translate: impl FnMut(&mut Translation<'_>) -> Result<(), OtlpRefusal>,
    ) -> Result<CommitSummary, OtlpRefusal> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget_departed(&self.store);
        let mut made = Vec::new();
        // A series may leave the store between the look at it and the commit: then everything is looked at again.
        for _ in 0..2 {
            let mut translation = Translation {
                store: &self.store,
                promoted: &self.promoted,
                known: &mut known,
                latest_ms: now_ms.saturating_add(MAX_AHEAD_MS),
                target_info_samples: 0,
                batch: Batch::new(),
                made: Vec::new(),
                heard: Heard::default(),
                refusals: Refusals::default(),
            };
            let translated = translate(&mut translation);
            let Translation { batch, heard, refusals, made: newly_made, .. } = translation;
            made = newly_made;
            if let Err(refusal) = translated.and_then(|()| refusals.outcome()) {
                self.take_back(&mut known, &made);
                return Err(refusal);
            }
            match self.store.commit(&batch) {
                Ok(summary) => {
                    known.note(&heard);
                    return Ok(summary);
                }
                Err(refused) if refused.error == AppendError::UnknownSeries => known.series.clear(),
                Err(refused) => {
                    self.take_back(&mut known, &made);
                    return Err(OtlpRefusal::Samples(said_by_prometheus(refused.error)));
                }
            }
        }
        self.take_back(&mut known, &made);
        Err(OtlpRefusal::Metrics("the store is dropping series faster than they are written".to_owned()))
    }

    /// Of a refused request no series stay.
    fn take_back(&self, known: &mut Known, made: &[(SeriesKey, SeriesId)]) {
        if made.is_empty() {
            return;
        }
        let ids: Vec<SeriesId> = made.iter().map(|(_, series)| *series).collect();
        for (key, _) in made {
            known.series.remove(key);
        }
        self.store.discard_unused(&ids);
    }
}

/// What has been seen before, so that a known series costs a few look-ups.
#[derive(Debug, Default)]
struct Known {
    resources: Numbers<KnownResource>,
    metrics: Numbers<KnownMetric>,
    attributes: Numbers<Vec<KeyValue>>,
    series: HashMap<SeriesKey, SeriesId, FxBuildHasher>,
}

#[derive(Debug)]
struct KnownMetric {
    name: String,
    unit: String,
    kind: NameKind,
    /// Its name in Prometheus.
    prometheus_name: String,
}

/// What tells a series from others: numbers of the resource, the metric and the attributes, and which of the metric's
/// series it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    resource: u32,
    metric: u32,
    attributes: u32,
    part: Part,
}

/// A series of a metric. Bounds and quantiles count by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Value,
    Sum,
    Count,
    Bucket(u64),
    Quantile(u64),
    TargetInfo,
}

impl Part {
    /// Sets the name, and the label that tells the metric's series apart.
    fn label(self, builder: &mut LabelsBuilder, name: &str) {
        let suffix = match self {
            Self::Value | Self::TargetInfo => "",
            Self::Sum => "_sum",
            Self::Count => "_count",
            Self::Bucket(bound) => {
                builder.set("le", &json::decimal(f64::from_bits(bound)));
                "_bucket"
            }
            Self::Quantile(quantile) => {
                builder.set("quantile", &json::decimal(f64::from_bits(quantile)));
                ""
            }
        };
        builder.set(METRIC_NAME, &format!("{name}{suffix}"));
    }
}

impl Known {
    /// Senders come and go; what the store has forgotten need not be remembered here.
    fn forget_departed(&mut self, store: &Store) {
        let crowded =
            self.resources.is_crowded() || self.metrics.is_crowded() || self.attributes.is_crowded();
        if !crowded {
            return;
        }
        // What was heard of in refused requests alone departs in any case.
        let horizon_ms = store.horizon_ms().unwrap_or(i64::MIN).max(i64::MIN + 1);
        let resources = self.resources.forget_idle(horizon_ms);
        let metrics = self.metrics.forget_idle(horizon_ms);
        let attributes = self.attributes.forget_idle(horizon_ms);
        self.series.retain(|key, _| {
            !resources.contains(&key.resource)
                && !metrics.contains(&key.metric)
                && !attributes.contains(&key.attributes)
        });
    }

    /// Notes when things were heard of, in a request that was taken.
    fn note(&mut self, heard: &Heard) {
        let Heard { resources, metrics, attributes } = heard;
        resources.iter().for_each(|(number, time_ms)| self.resources.heard(*number, *time_ms));
        metrics.iter().for_each(|(number, time_ms)| self.metrics.heard(*number, *time_ms));
        attributes.iter().for_each(|(number, time_ms)| self.attributes.heard(*number, *time_ms));
    }
}

/// What a request has, by number, and when. It counts once the request is taken: a refused one may say any time.
#[derive(Debug, Default)]
struct Heard {
    resources: Vec<(u32, i64)>,
    metrics: Vec<(u32, i64)>,
    attributes: Vec<(u32, i64)>,
}

impl Heard {
    /// One after the other, things tend to be the same.
    fn add(list: &mut Vec<(u32, i64)>, number: u32, time_ms: i64) {
        match list.last_mut() {
            Some((latest, time)) if *latest == number => *time = (*time).max(time_ms),
            _ => list.push((number, time_ms)),
        }
    }
}

/// The translation of one request.
struct Translation<'a> {
    store: &'a Store,
    promoted: &'a [String],
    known: &'a mut Known,
    /// Later samples are refused.
    latest_ms: i64,
    /// How many samples `target_info` got so far beyond one for each resource.
    target_info_samples: i64,
    batch: Batch,
    /// The series that were not known before.
    made: Vec<(SeriesKey, SeriesId)>,
    heard: Heard,
    /// Why metrics were refused. Prometheus looks at all of them before it answers.
    refusals: Refusals,
}

/// A series in the making: all of a [`SeriesKey`] but the part.
#[derive(Clone, Copy)]
struct Place<'a> {
    resource: u32,
    metric: u32,
    attributes: u32,
    /// What `attributes` stands for.
    labels: &'a [KeyValue],
    time_ms: i64,
    /// The series has ended: whatever the value says.
    ended: bool,
}

impl Translation<'_> {
    fn resource(&mut self, message: &ResourceMetrics) {
        let attributes = message.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
        let promoted = self.promoted;
        let mut span = Span::default();
        let resource = self.known.resources.number(
            hash_of(attributes),
            i64::MIN,
            |known| known.is(attributes),
            || KnownResource::new(attributes, promoted),
        );
        for metric in message.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            span.metric(metric);
            if let Err(refusal) = self.metric(resource, metric) {
                self.refusals.add(&refusal);
            }
        }
        if let Some((earliest, latest)) = span.0 {
            Heard::add(&mut self.heard.resources, resource, latest);
            if let Err(refusal) = self.target_info(resource, earliest, latest) {
                self.refusals.add(&refusal);
            }
        }
    }

    fn metric(&mut self, resource: u32, message: &Metric) -> Result<(), OtlpRefusal> {
        let (temporality, kind) = match &message.data {
            Some(Data::Gauge(_)) => (CUMULATIVE, NameKind::Gauge),
            Some(Data::Sum(sum)) if sum.is_monotonic => (sum.aggregation_temporality, NameKind::MonotonicSum),
            Some(Data::Sum(sum)) => (sum.aggregation_temporality, NameKind::Other),
            Some(Data::Histogram(histogram)) => (histogram.aggregation_temporality, NameKind::Other),
            Some(Data::Summary(_)) => (CUMULATIVE, NameKind::Other),
            Some(Data::ExponentialHistogram(_)) => {
                return Err(OtlpRefusal::Samples(format!(
                    "metric \"{}\" is an exponential histogram, and native histograms are not kept here: \
                     send explicit buckets",
                    message.name
                )));
            }
            None => return Err(OtlpRefusal::Metrics("unsupported metric type".to_owned())),
        };
        if temporality != CUMULATIVE {
            return Err(OtlpRefusal::Metrics(format!(
                "invalid temporality and type combination for metric \"{}\"",
                message.name
            )));
        }
        let metric = self.number_of(message, kind)?;
        match &message.data {
            Some(Data::Gauge(gauge)) => self.numbers(resource, metric, &gauge.data_points),
            Some(Data::Sum(sum)) => self.numbers(resource, metric, &sum.data_points),
            Some(Data::Histogram(histogram)) => {
                histogram.data_points.iter().try_for_each(|point| self.histogram(resource, metric, point))
            }
            Some(Data::Summary(summary)) => {
                summary.data_points.iter().try_for_each(|point| self.summary(resource, metric, point))
            }
            Some(Data::ExponentialHistogram(_)) | None => Ok(()),
        }
    }

    /// The number of a metric.
    fn number_of(&mut self, message: &Metric, kind: NameKind) -> Result<u32, OtlpRefusal> {
        let mut hasher = FxHasher::default();
        (&message.name, &message.unit, kind).hash(&mut hasher);
        let is = |known: &KnownMetric| {
            known.name == message.name && known.unit == message.unit && known.kind == kind
        };
        let number = self.known.metrics.number(hasher.finish(), i64::MIN, is, || KnownMetric {
            name: message.name.clone(),
            unit: message.unit.clone(),
            kind,
            prometheus_name: metric_name(&message.name, &message.unit, kind),
        });
        match self.known.metrics.get(number) {
            Some(known) if !known.prometheus_name.bytes().all(|byte| byte == b'_') => Ok(number),
            _ => Err(OtlpRefusal::Metrics(format!(
                "normalization for metric \"{}\" resulted in invalid name",
                message.name
            ))),
        }
    }

    fn place<'m>(
        &mut self,
        resource: u32,
        metric: u32,
        attributes: &'m [KeyValue],
        time_ns: u64,
        flags: u32,
    ) -> Place<'m> {
        let time_ms = milliseconds(time_ns);
        Heard::add(&mut self.heard.metrics, metric, time_ms);
        let number = self.known.attributes.number(
            hash_of(attributes),
            i64::MIN,
            |known| known == attributes,
            || attributes.to_vec(),
        );
        Heard::add(&mut self.heard.attributes, number, time_ms);
        let ended = flags & NO_RECORDED_VALUE != 0;
        Place { resource, metric, attributes: number, labels: attributes, time_ms, ended }
    }

    fn numbers(&mut self, resource: u32, metric: u32, points: &[NumberDataPoint]) -> Result<(), OtlpRefusal> {
        for point in points {
            let place = self.place(resource, metric, &point.attributes, point.time_unix_nano, point.flags);
            let value = match point.value {
                Some(NumberValue::AsDouble(value)) => value,
                Some(NumberValue::AsInt(value)) => value as f64,
                None => 0.0,
            };
            self.push(&place, Part::Value, value)?;
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        resource: u32,
        metric: u32,
        point: &HistogramDataPoint,
    ) -> Result<(), OtlpRefusal> {
        let place = self.place(resource, metric, &point.attributes, point.time_unix_nano, point.flags);
        if let Some(sum) = point.sum {
            self.push(&place, Part::Sum, sum)?;
        }
        self.push(&place, Part::Count, point.count as f64)?;
        let mut cumulative = 0_u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            cumulative = cumulative.wrapping_add(*count);
            self.push(&place, Part::Bucket(bound.to_bits()), cumulative as f64)?;
        }
        self.push(&place, Part::Bucket(f64::INFINITY.to_bits()), point.count as f64)
    }

    fn summary(&mut self, resource: u32, metric: u32, point: &SummaryDataPoint) -> Result<(), OtlpRefusal> {
        let place = self.place(resource, metric, &point.attributes, point.time_unix_nano, point.flags);
        self.push(&place, Part::Sum, point.sum)?;
        self.push(&place, Part::Count, point.count as f64)?;
        for quantile in &point.quantile_values {
            self.push(&place, Part::Quantile(quantile.quantile.to_bits()), quantile.value)?;
        }
        Ok(())
    }

    /// One sample at the request's latest time for the resource, and so many before it that queries always find one.
    fn target_info(&mut self, resource: u32, earliest_ms: i64, latest_ms: i64) -> Result<(), OtlpRefusal> {
        match self.known.resources.get(resource) {
            Some(KnownResource { wrong_name: Some(reason), .. }) => {
                return Err(OtlpRefusal::Metrics(reason.clone()));
            }
            Some(KnownResource { target_info: Some(_), .. }) => {}
            _ => return Ok(()),
        }
        let place =
            |time_ms| Place { resource, metric: 0, attributes: 0, labels: &[], time_ms, ended: false };
        let samples = (latest_ms - earliest_ms) / TARGET_INFO_INTERVAL_MS;
        self.target_info_samples = self.target_info_samples.saturating_add(samples);
        if samples > MAX_TARGET_INFO_SAMPLES || self.target_info_samples > MAX_TARGET_INFO_OF_REQUEST {
            return Err(OtlpRefusal::Samples("out of bounds: the samples lie too far apart".to_owned()));
        }
        let mut time_ms = earliest_ms;
        while time_ms < latest_ms {
            self.push(&place(time_ms), Part::TargetInfo, 1.0)?;
            time_ms += TARGET_INFO_INTERVAL_MS;
        }
        self.push(&place(latest_ms), Part::TargetInfo, 1.0)
    }

    fn push(&mut self, place: &Place<'_>, part: Part, value: f64) -> Result<(), OtlpRefusal> {
        if place.time_ms > self.latest_ms {
            let message = "out of bounds: timestamp is too far in the future";
            return Err(OtlpRefusal::Samples(message.to_owned()));
        }
        let &Place { resource, metric, attributes, .. } = place;
        let key = SeriesKey { resource, metric, attributes, part };
        let series = match self.known.series.get(&key) {
            Some(&series) => series,
            None => self.intern(key, place)?,
        };
        self.batch.push(series, place.time_ms, if place.ended { stale_nan() } else { value });
        Ok(())
    }

    fn intern(&mut self, key: SeriesKey, place: &Place<'_>) -> Result<SeriesId, OtlpRefusal> {
        let refused = |error: InternError| OtlpRefusal::Metrics(error.to_string());
        let resource = self.known.resources.get(key.resource);
        let labels = match (resource, self.known.metrics.get(key.metric)) {
            (Some(resource), _) if key.part == Part::TargetInfo => resource.target_info.clone(),
            (Some(resource), Some(metric)) => {
                let mut builder = resource.series_labels(place.labels).map_err(OtlpRefusal::Metrics)?;
                key.part.label(&mut builder, &metric.prometheus_name);
                Some(builder.build())
            }
            _ => None,
        };
        let labels = labels.ok_or_else(|| refused(InternError::NoLabels))?;
        let series = self.store.intern(&labels).map_err(refused)?;
        self.known.series.insert(key, series);
        self.made.push((key, series));
        Ok(series)
    }
}

fn milliseconds(nanoseconds: u64) -> i64 {
    // Prometheus reads the number as signed.
    nanoseconds.cast_signed() / 1_000_000
}

/// The earliest and the latest time of a resource's data points, in milliseconds.
#[derive(Default)]
struct Span(Option<(i64, i64)>);

impl Span {
    fn metric(&mut self, metric: &Metric) {
        match &metric.data {
            Some(Data::Gauge(gauge)) => self.all(gauge.data_points.iter().map(|p| p.time_unix_nano)),
            Some(Data::Sum(sum)) => self.all(sum.data_points.iter().map(|p| p.time_unix_nano)),
            Some(Data::Histogram(h)) => self.all(h.data_points.iter().map(|p| p.time_unix_nano)),
            Some(Data::Summary(s)) => self.all(s.data_points.iter().map(|p| p.time_unix_nano)),
            Some(Data::ExponentialHistogram(_)) | None => {}
        }
    }

    fn all(&mut self, times: impl Iterator<Item = u64>) {
        for time in times.map(milliseconds) {
            let (earliest, latest) = self.0.unwrap_or((time, time));
            self.0 = Some((earliest.min(time), latest.max(time)));
        }
    }
}

#[cfg(test)]
mod tests;
