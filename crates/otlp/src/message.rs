//! OTLP's messages for metrics, as far as a Prometheus keeps anything of them or a receiver says anything with them:
//! exemplars, entity references and the like are passed over while reading.
//!
//! Own definitions instead of the opentelemetry-proto crate, because that one refuses entity references without a schema
//! URL in JSON (k8s_cluster sends such), drops metrics whose JSON is wrong without a word, and brings OpenTelemetry's
//! SDK along.

use prost::bytes::Bytes;
use prost::{Message, Oneof};
use serde::Deserialize;

use crate::json;

/// `ExportMetricsServiceRequest`: what an exporter sends.
#[derive(Clone, PartialEq, Message)]
pub struct ExportRequest {
    /// One entry for each resource.
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// An [`ExportRequest`] as it comes in, its resources not yet read. Reading one at a time takes a fraction of the memory,
/// and less than half the time, of having all of them at once.
#[derive(Clone, PartialEq, Message)]
pub struct UnreadRequest {
    /// One [`ResourceMetrics`] each; a part of the request's bytes, not a copy.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub resource_metrics: Vec<Bytes>,
}

/// `ExportMetricsServiceResponse`: what a backend answers when it took a request.
#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    /// There when it did not take all of it, or has a warning.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// What a backend did not take of a request, and must not be sent again.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// How many data points it refused; none when the message is only a warning.
    #[prost(int64, tag = "1")]
    pub rejected_data_points: i64,
    /// Why, for people.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// `google.rpc.Status`: the body of a refusal.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// What is wrong, for people.
    #[prost(string, tag = "2")]
    pub message: String,
}

/// The metrics of a resource.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetrics {
    /// What they are about.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// One entry for each instrumentation scope.
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
    /// Which version of the semantic conventions the resource's attributes follow.
    #[prost(string, tag = "3")]
    pub schema_url: String,
}

/// What metrics are about.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resource {
    /// What is known about it.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// The metrics of an instrumentation scope.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeMetrics {
    /// What made them.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// The metrics.
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

/// An instrumentation scope: what makes metrics, in the collector a receiver.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scope {
    /// Its name, in the collector the receiver's Go package.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// A metric and its data points.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(from = "json::Metric")]
pub struct Metric {
    /// Its name, for example `k8s.pod.cpu.time`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it means.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Its UCUM unit.
    #[prost(string, tag = "3")]
    pub unit: String,
    /// Its data points.
    #[prost(oneof = "Data", tags = "5, 7, 9, 10, 11")]
    pub data: Option<Data>,
}

/// The data points of a metric, by its type.
#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    /// Values at instants.
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    /// Sums.
    #[prost(message, tag = "7")]
    Sum(Sum),
    /// Histograms with bounds of their own.
    #[prost(message, tag = "9")]
    Histogram(Histogram),
    /// Histograms with exponential bounds.
    #[prost(message, tag = "10")]
    ExponentialHistogram(ExponentialHistogram),
    /// Quantiles worked out by the sender.
    #[prost(message, tag = "11")]
    Summary(Summary),
}

/// The data points of a gauge.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gauge {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
}

/// The data points of a sum.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sum {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
    /// [`CUMULATIVE`], or something that Prometheus refuses.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "json::temporality")]
    pub aggregation_temporality: i32,
    /// Whether it never falls.
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

/// The data points of a histogram.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Histogram {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<HistogramDataPoint>,
    /// [`CUMULATIVE`], or something that Prometheus refuses.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "json::temporality")]
    pub aggregation_temporality: i32,
}

/// An exponential histogram, which is refused: its points are not even read.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct ExponentialHistogram {}

/// The data points of a summary.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Summary {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<SummaryDataPoint>,
}

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`: values since a fixed start.
pub const CUMULATIVE: i32 = 2;

/// Set in `flags`: there is no value, the series has ended.
pub const NO_RECORDED_VALUE: u32 = 1;

/// One value.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(from = "json::NumberDataPoint")]
pub struct NumberDataPoint {
    /// Since when a sum counts, nanoseconds since the epoch; 0 where the sender does not say.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// When, nanoseconds since the epoch.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// What tells it from the metric's other points.
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
    /// See [`NO_RECORDED_VALUE`].
    #[prost(uint32, tag = "8")]
    pub flags: u32,
    /// How much.
    #[prost(oneof = "NumberValue", tags = "4, 6")]
    pub value: Option<NumberValue>,
}

/// An integer or a float.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum NumberValue {
    /// A float.
    #[prost(double, tag = "4")]
    AsDouble(f64),
    /// An integer.
    #[prost(sfixed64, tag = "6")]
    AsInt(i64),
}

/// One histogram.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistogramDataPoint {
    /// When, nanoseconds since the epoch.
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    /// How many values.
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "json::unsigned")]
    pub count: u64,
    /// Their sum, where it is known.
    #[prost(double, optional, tag = "5")]
    #[serde(deserialize_with = "json::optional_double")]
    pub sum: Option<f64>,
    /// How many values in each bucket: one more than there are bounds.
    #[prost(fixed64, repeated, tag = "6")]
    #[serde(deserialize_with = "json::unsigned_list")]
    pub bucket_counts: Vec<u64>,
    /// The upper bounds of the buckets but the last.
    #[prost(double, repeated, tag = "7")]
    #[serde(deserialize_with = "json::double_list")]
    pub explicit_bounds: Vec<f64>,
    /// What tells it from the metric's other points.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    /// See [`NO_RECORDED_VALUE`].
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "json::unsigned_32")]
    pub flags: u32,
}

/// One summary.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SummaryDataPoint {
    /// When, nanoseconds since the epoch.
    #[prost(fixed64, tag = "3")]
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    /// How many values.
    #[prost(fixed64, tag = "4")]
    #[serde(deserialize_with = "json::unsigned")]
    pub count: u64,
    /// Their sum.
    #[prost(double, tag = "5")]
    #[serde(deserialize_with = "json::double")]
    pub sum: f64,
    /// The quantiles.
    #[prost(message, repeated, tag = "6")]
    pub quantile_values: Vec<QuantileValue>,
    /// What tells it from the metric's other points.
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
    /// See [`NO_RECORDED_VALUE`].
    #[prost(uint32, tag = "8")]
    #[serde(deserialize_with = "json::unsigned_32")]
    pub flags: u32,
}

/// One quantile of a summary.
#[derive(Clone, Copy, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QuantileValue {
    /// Which, from 0 to 1.
    #[prost(double, tag = "1")]
    #[serde(deserialize_with = "json::double")]
    pub quantile: f64,
    /// Its value.
    #[prost(double, tag = "2")]
    #[serde(deserialize_with = "json::double")]
    pub value: f64,
}

/// An attribute.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeyValue {
    /// Its key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(from = "json::AnyValue")]
pub struct AnyValue {
    /// The value, where there is one.
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub value: Option<Value>,
}

/// The value of an attribute, by its type.
#[derive(Clone, PartialEq, Oneof)]
pub enum Value {
    /// Text.
    #[prost(string, tag = "1")]
    String(String),
    /// Yes or no.
    #[prost(bool, tag = "2")]
    Bool(bool),
    /// An integer.
    #[prost(int64, tag = "3")]
    Int(i64),
    /// A float.
    #[prost(double, tag = "4")]
    Double(f64),
    /// A list.
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    /// A map.
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    /// Bytes.
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

/// A list of values.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct ArrayValue {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

/// A map.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct KeyValueList {
    /// Its entries.
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}
