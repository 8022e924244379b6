//! Messages, and what is in a store.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use labels::{Labels, MatchOp, Matcher};
use otlp::message::{self, Data, ExportRequest, KeyValue, NumberValue};
use prometheus_server::otlp::OtlpIngester;
use tsdb::{Options, Store};

use crate::support::{Answer, send};

pub(crate) const JSON: &str = include_str!("../data/otlp-request.json");
/// [`JSON`] as the opentelemetry-proto crate encodes it.
pub(crate) const PROTOBUF: &str = include_str!("../data/otlp-request.hex");
/// The time of its points.
pub(crate) const TIME_MS: i64 = 1_435_781_415_250;
pub(crate) const NOW_MS: i64 = TIME_MS + 1_000;

pub(crate) fn protobuf() -> Vec<u8> {
    let digits: Vec<u8> = PROTOBUF.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(crate) fn json(text: &str) -> ExportRequest {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn store() -> Arc<Store> {
    Arc::new(Store::new(Options::default()))
}

pub(crate) fn ingester(store: &Arc<Store>) -> OtlpIngester {
    OtlpIngester::new(Arc::clone(store), ["k8s.pod.name", "service.name"])
}

pub(crate) type Contents = BTreeMap<Labels, Vec<(i64, f64)>>;

pub(crate) fn contents(store: &Store) -> Contents {
    let mut contents = Contents::new();
    let all = [Matcher::new("__name__", MatchOp::NotEqual, "").unwrap()];
    store.select(&all, i64::MIN, i64::MAX, &mut |series| {
        let samples = series.timestamps.iter().copied().zip(series.values.iter().copied()).collect();
        contents.insert(series.labels.clone(), samples);
        ControlFlow::Continue(())
    });
    contents
}

/// The series as `name{labels} value@time`, one a line.
pub(crate) fn lines(store: &Store) -> Vec<String> {
    let line = |(labels, samples): (Labels, Vec<(i64, f64)>)| {
        let samples: Vec<String> = samples.iter().map(|(time, value)| format!("{value}@{time}")).collect();
        format!("{labels} {}", samples.join(" "))
    };
    contents(store).into_iter().map(line).collect()
}

/// A request with one metric of a resource with these attributes.
pub(crate) fn request(resource: &[(&str, &str)], metric: message::Metric) -> ExportRequest {
    let resource = Some(message::Resource { attributes: attributes(resource) });
    let scope_metrics = vec![message::ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    let of_resource = message::ResourceMetrics { resource, scope_metrics, ..Default::default() };
    ExportRequest { resource_metrics: vec![of_resource] }
}

pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let text = |value: &str| message::AnyValue { value: Some(message::Value::String(value.to_owned())) };
    pairs.iter().map(|(key, value)| KeyValue { key: (*key).to_owned(), value: Some(text(value)) }).collect()
}

pub(crate) fn point(pairs: &[(&str, &str)], seconds: u64, value: f64) -> message::NumberDataPoint {
    message::NumberDataPoint {
        time_unix_nano: seconds * 1_000_000_000,
        attributes: attributes(pairs),
        value: Some(NumberValue::AsDouble(value)),
        ..Default::default()
    }
}

pub(crate) fn gauge(name: &str, data_points: Vec<message::NumberDataPoint>) -> message::Metric {
    let data = Some(Data::Gauge(message::Gauge { data_points }));
    message::Metric { name: name.to_owned(), data, ..Default::default() }
}

pub(crate) fn sum(name: &str, aggregation_temporality: i32) -> message::Metric {
    let data_points = vec![point(&[], 1_000, 1.0)];
    let data = Some(Data::Sum(message::Sum { data_points, aggregation_temporality, is_monotonic: true }));
    message::Metric { name: name.to_owned(), data, ..Default::default() }
}

pub(crate) async fn push(
    api: &Router,
    path: &str,
    headers: &[(header::HeaderName, &str)],
    body: impl Into<Body>,
) -> Answer {
    let request =
        headers.iter().fold(Request::post(path), |request, (name, value)| request.header(name, *value));
    send(api, request.body(body.into()).unwrap()).await
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) const PROMETHEUS_PATH: &str = "/api/v1/otlp/v1/metrics";
pub(crate) const COLLECTOR_PATH: &str = "/v1/metrics";
