//! OTLP metrics from outside: what they become, what is refused, and that they are the series of the receivers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use catalogue::{MetricDef, MetricKind, Number, Point, Resource, Sink, kubelet_stats, prometheus};
use flate2::Compression;
use flate2::write::GzEncoder;
use labels::{Labels, MatchOp, Matcher};
use prometheus_server::otlp::message::{self, CUMULATIVE, Data, ExportRequest, KeyValue, NumberValue};
use prometheus_server::otlp::{OtlpIngester, OtlpRefusal, OtlpState, otlp_router};
use prometheus_server::{ApiOptions, StoreSink, router};
use promql::{is_stale_nan, stale_nan};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value;
use tsdb::{Options, Store};

use support::{Answer, get, send, state_of};

const JSON: &str = include_str!("data/otlp-request.json");
/// [`JSON`] as the opentelemetry-proto crate encodes it.
const PROTOBUF: &str = include_str!("data/otlp-request.hex");
/// The time of its points.
const TIME_MS: i64 = 1_435_781_415_250;
const NOW_MS: i64 = TIME_MS + 1_000;

fn protobuf() -> Vec<u8> {
    let digits: Vec<u8> = PROTOBUF.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn json(text: &str) -> ExportRequest {
    serde_json::from_str(text).unwrap()
}

fn store() -> Arc<Store> {
    Arc::new(Store::new(Options::default()))
}

fn ingester(store: &Arc<Store>) -> OtlpIngester {
    OtlpIngester::new(Arc::clone(store), ["k8s.pod.name", "service.name"])
}

type Contents = BTreeMap<Labels, Vec<(i64, f64)>>;

fn contents(store: &Store) -> Contents {
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
fn lines(store: &Store) -> Vec<String> {
    let line = |(labels, samples): (Labels, Vec<(i64, f64)>)| {
        let samples: Vec<String> = samples.iter().map(|(time, value)| format!("{value}@{time}")).collect();
        format!("{labels} {}", samples.join(" "))
    };
    contents(store).into_iter().map(line).collect()
}

#[test]
fn protobuf_and_json_are_the_same_message() {
    assert_eq!(ExportRequest::decode(protobuf().as_slice()).unwrap(), json(JSON));
}

#[test]
fn every_kind_of_metric_becomes_the_series_that_prometheus_makes() {
    let store = store();
    let summary = ingester(&store).ingest(&json(JSON), NOW_MS).unwrap();
    assert_eq!(summary.appended, 12);
    let shop = r#"instance="shop-1", job="eu/shop", k8s_pod_name="shop-abc""#;
    let service = r#"service_name="shop""#;
    let mut expected = [
        format!(
            r#"queue_length{{count="7", instance="shop-1", job="eu/shop", k8s_pod_name="shop-abc", list="[\"x\",1]", map="{{\"k\":false}}", service_name="shop", share="0.5", text="a", yes="true"}} -12@{TIME_MS}"#
        ),
        format!(
            r#"orders_total{{instance="shop-1", job="eu/shop", k8s_pod_name="of the point", {service}}} 17.5@{TIME_MS}"#
        ),
        format!(r#"request_duration_seconds_bucket{{{shop}, le="0.005", {service}}} 1@{TIME_MS}"#),
        format!(r#"request_duration_seconds_bucket{{{shop}, le="1", {service}}} 3@{TIME_MS}"#),
        format!(r#"request_duration_seconds_bucket{{{shop}, le="+Inf", {service}}} 6@{TIME_MS}"#),
        format!("request_duration_seconds_count{{{shop}, {service}}} 6@{TIME_MS}"),
        format!("request_duration_seconds_sum{{{shop}, {service}}} 2.5@{TIME_MS}"),
        format!(r#"response_size_bytes{{{shop}, quantile="0.5", {service}}} 20@{TIME_MS}"#),
        format!(r#"response_size_bytes{{{shop}, quantile="0.99", {service}}} 70@{TIME_MS}"#),
        format!("response_size_bytes_count{{{shop}, {service}}} 4@{TIME_MS}"),
        format!("response_size_bytes_sum{{{shop}, {service}}} 100@{TIME_MS}"),
        format!(
            r#"target_info{{{shop}, k8s_pod_uid="1234", service_instance_id="shop-1", service_name="shop", service_namespace="eu"}} 1@{TIME_MS}"#
        ),
    ];
    expected.sort();
    let mut found = lines(&store);
    found.sort();
    assert_eq!(found, expected);
}

/// A request with one metric of a resource with these attributes.
fn request(resource: &[(&str, &str)], metric: message::Metric) -> ExportRequest {
    let resource = Some(message::Resource { attributes: attributes(resource) });
    let scope_metrics = vec![message::ScopeMetrics { metrics: vec![metric] }];
    ExportRequest { resource_metrics: vec![message::ResourceMetrics { resource, scope_metrics }] }
}

fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let text = |value: &str| message::AnyValue { value: Some(message::Value::String(value.to_owned())) };
    pairs.iter().map(|(key, value)| KeyValue { key: (*key).to_owned(), value: Some(text(value)) }).collect()
}

fn point(pairs: &[(&str, &str)], seconds: u64, value: f64) -> message::NumberDataPoint {
    message::NumberDataPoint {
        time_unix_nano: seconds * 1_000_000_000,
        attributes: attributes(pairs),
        flags: 0,
        value: Some(NumberValue::AsDouble(value)),
    }
}

fn gauge(name: &str, data_points: Vec<message::NumberDataPoint>) -> message::Metric {
    let data = Some(Data::Gauge(message::Gauge { data_points }));
    message::Metric { name: name.to_owned(), unit: String::new(), data }
}

fn sum(name: &str, aggregation_temporality: i32) -> message::Metric {
    let data_points = vec![point(&[], 1_000, 1.0)];
    let data = Some(Data::Sum(message::Sum { data_points, aggregation_temporality, is_monotonic: true }));
    message::Metric { name: name.to_owned(), unit: String::new(), data }
}

#[test]
fn target_info_fills_the_time_between_the_first_and_the_last_sample() {
    let store = store();
    let resource = [("service.name", "a"), ("host.name", "h")];
    let metric = gauge("g", vec![point(&[], 1_000, 1.0), point(&[], 1_400, 2.0)]);
    ingester(&store).ingest(&request(&resource, metric), 2_000_000).unwrap();
    let info = contents(&store).into_iter().find(|(labels, _)| labels.metric_name() == Some("target_info"));
    let times: Vec<i64> = info.unwrap().1.into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, [1_000_000, 1_150_000, 1_300_000, 1_400_000]);
}

#[test]
fn target_info_is_made_only_where_it_says_anything() {
    for (resource, expected) in [
        (&[("service.name", "a"), ("host.name", "h")][..], true),
        (&[("service.instance.id", "a"), ("host.name", "h")], true),
        (&[("service.name", "a"), ("service.namespace", "n")], false),
        (&[("host.name", "h"), ("service.namespace", "n")], false),
        (&[], false),
    ] {
        let store = store();
        let metric = gauge("g", vec![point(&[], 1_000, 1.0)]);
        ingester(&store).ingest(&request(resource, metric), 2_000_000).unwrap();
        let made = contents(&store).keys().any(|labels| labels.metric_name() == Some("target_info"));
        assert_eq!(made, expected, "{resource:?}");
    }
}

#[test]
fn attributes_that_become_one_label_are_joined_in_the_order_of_their_keys() {
    let store = store();
    let pairs =
        [("a_b", "2"), ("a.b", "1"), ("__name__", "x"), ("empty", ""), ("0", "digit"), ("k8s.pod.name", "")];
    let metric = gauge("g", vec![point(&pairs, 1_000, 1.0)]);
    ingester(&store)
        .ingest(&request(&[("k8s.pod.name", "p"), ("host.name", "h")], metric), 2_000_000)
        .unwrap();
    assert_eq!(lines(&store), [r#"g{a_b="1;2", k8s_pod_name="p", key_0="digit"} 1@1000000"#]);
}

#[test]
fn a_point_without_a_recorded_value_ends_the_series() {
    let store = store();
    let mut last = point(&[], 1_015, 5.0);
    last.flags = 1;
    ingester(&store)
        .ingest(&request(&[], gauge("g", vec![point(&[], 1_000, 1.0), last])), 2_000_000)
        .unwrap();
    let samples = contents(&store).into_values().next().unwrap();
    assert_eq!(samples[0], (1_000_000, 1.0));
    assert!(is_stale_nan(samples[1].1), "{}", samples[1].1);
}

#[test]
fn what_prometheus_refuses_is_refused_whole_and_in_its_words() {
    let samples = |text: &str| OtlpRefusal::Samples(text.to_owned());
    let metrics = |text: &str| OtlpRefusal::Metrics(text.to_owned());
    let gauge_at = |seconds, value| gauge("g", vec![point(&[], seconds, value)]);
    let nameless = gauge("g", vec![point(&[("", "x")], 10_000, 1.0)]);
    let underscores = gauge("g", vec![point(&[("._", "x")], 10_000, 1.0)]);
    let exponential = message::Metric {
        name: "e".to_owned(),
        unit: String::new(),
        data: Some(Data::ExponentialHistogram(message::ExponentialHistogram {})),
    };
    let cases = [
        (
            gauge_at(10_000, 2.0),
            samples("duplicate sample for timestamp; overrides not allowed: existing 1, new value 2"),
        ),
        (gauge_at(100, 1.0), samples("too old sample")),
        (gauge_at(10_000 + 601, 1.0), samples("out of bounds: timestamp is too far in the future")),
        (sum("s", 1), metrics("invalid temporality and type combination for metric \"s\"")),
        (sum("s", 0), metrics("invalid temporality and type combination for metric \"s\"")),
        (
            exponential,
            samples(
                "metric \"e\" is an exponential histogram, and native histograms are not kept here: send explicit buckets",
            ),
        ),
        (message::Metric::default(), metrics("unsupported metric type")),
        (gauge(".", vec![]), metrics("normalization for metric \".\" resulted in invalid name")),
        (nameless, metrics("label name is empty")),
        (underscores, metrics("normalization for label name \"._\" resulted in invalid name \"__\"")),
    ];
    let store = store();
    let ingester = ingester(&store);
    ingester.ingest(&request(&[], gauge_at(10_000, 1.0)), 10_000_000).unwrap();
    let before = contents(&store);
    for (metric, expected) in cases {
        let mut request = request(&[], metric);
        let good = gauge("good", vec![point(&[], 10_000, 1.0)]);
        request.resource_metrics[0].scope_metrics[0].metrics.insert(0, good);
        assert_eq!(ingester.ingest(&request, 10_000_000), Err(expected));
        assert_eq!(contents(&store), before, "something of a refused request was stored");
    }
}

#[test]
fn all_refused_metrics_of_a_request_are_named() {
    let mut all = request(&[], sum("a", 1));
    all.resource_metrics[0].scope_metrics[0].metrics.push(sum("b", 1));
    let refusal = ingester(&store()).ingest(&all, 1_000_000).unwrap_err();
    let line = |name| format!("invalid temporality and type combination for metric \"{name}\"");
    assert_eq!(refusal.to_string(), format!("{}\n{}", line("a"), line("b")));
}

#[test]
fn the_same_request_again_changes_nothing() {
    let store = store();
    let ingester = ingester(&store);
    ingester.ingest(&json(JSON), NOW_MS).unwrap();
    let before = contents(&store);
    let summary = ingester.ingest(&json(JSON), NOW_MS).unwrap();
    assert_eq!((summary.appended, summary.duplicates), (0, 12));
    assert_eq!(contents(&store), before);
}

#[test]
fn of_two_values_inside_a_request_the_first_counts() {
    let store = store();
    let metric = gauge("g", vec![point(&[], 1_000, 1.0), point(&[], 1_000, 2.0)]);
    ingester(&store).ingest(&request(&[], metric), 1_000_000).unwrap();
    assert_eq!(lines(&store), ["g 1@1000000"]);
}

#[test]
fn a_series_that_retention_dropped_is_made_again() {
    let store = Arc::new(Store::new(Options { retention_ms: 60_000, ..Options::default() }));
    let ingester = ingester(&store);
    let at = |name: &str, seconds| {
        let metric = gauge(name, vec![point(&[], seconds, 1.0)]);
        ingester.ingest(&request(&[], metric), i64::try_from(seconds).unwrap() * 1000).unwrap();
    };
    at("old", 1_000);
    for seconds in (1_015..3_000).step_by(15) {
        at("young", seconds);
    }
    store.truncate(2_940_000);
    at("old", 3_000);
    assert!(lines(&store).contains(&"old 1@3000000".to_owned()), "{:?}", lines(&store));
}

/// What a receiver measures, as its sink gets it and as an exporter would send it.
fn measured()
-> impl Strategy<Value = (BTreeMap<&'static str, String>, usize, BTreeMap<&'static str, String>, i64, i32)> {
    let text = || prop::sample::select(vec!["", "a", "b", "c d"]).prop_map(str::to_owned);
    let keys = |keys: &'static [&'static str]| prop::sample::select(keys);
    let resource = keys(&["k8s.pod.name", "k8s.node.name", "k8s.pod.uid"]);
    let attribute = keys(&["interface", "direction", "k8s.pod.name"]);
    (
        prop::collection::btree_map(resource, text(), 0..4),
        0..kubelet_stats::ALL.len(),
        prop::collection::btree_map(attribute, text(), 0..3),
        0..40_i64,
        any::<i32>(),
    )
}

fn exported(metric: &MetricDef, data_points: Vec<message::NumberDataPoint>) -> message::Metric {
    let data = match metric.kind {
        MetricKind::Gauge => Data::Gauge(message::Gauge { data_points }),
        kind => Data::Sum(message::Sum {
            data_points,
            aggregation_temporality: CUMULATIVE,
            is_monotonic: kind == MetricKind::Counter,
        }),
    };
    message::Metric { name: metric.name.to_owned(), unit: metric.unit.to_owned(), data: Some(data) }
}

proptest! {
    #[test]
    fn measurements_become_the_same_series_by_the_sink_and_by_otlp(
        all in prop::collection::vec(measured(), 0..100)
    ) {
        let (by_sink, by_otlp) = (store(), store());
        let mut sink = StoreSink::new(Arc::clone(&by_sink), prometheus::promoted());
        let ingester = OtlpIngester::new(Arc::clone(&by_otlp), prometheus::promoted());
        for (resource, metric, attributes, seconds, value) in &all {
            let metric = kubelet_stats::ALL[*metric];
            let pairs: Vec<(&'static str, &str)> = attributes.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let time_ns = (1_000 + seconds) * 1_000_000_000 + 1;
            let point = Point { start_ns: None, time_ns, value: Number::Int(i64::from(*value)) };
            sink.record(&Resource::new(resource.clone()), metric, &pairs, point);
            let sent = message::NumberDataPoint {
                time_unix_nano: u64::try_from(time_ns).unwrap(),
                attributes: self::attributes(&pairs),
                flags: 0,
                value: Some(NumberValue::AsInt(i64::from(*value))),
            };
            let resource: Vec<(&str, &str)> = resource.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let message = request(&resource, exported(metric, vec![sent]));
            // Through the wire, so that the encoding is part of it.
            let message = ExportRequest::decode(message.encode_to_vec().as_slice()).unwrap();
            // A second value at one time is refused here and counted there.
            let _ = ingester.ingest(&message, 2_000_000);
        }
        prop_assert_eq!(contents(&by_sink), contents(&by_otlp));
    }
}

// ---- HTTP ----

fn apis() -> (Router, Router) {
    let store = store();
    let ingester = Arc::new(OtlpIngester::new(Arc::clone(&store), prometheus::promoted()));
    let otlp = OtlpState::new(ingester, Arc::new(|| NOW_MS));
    let options = ApiOptions { otlp: Some(otlp.clone()), ..ApiOptions::default() };
    (router(state_of(store, options)), otlp_router(otlp))
}

async fn push(
    api: &Router,
    path: &str,
    headers: &[(header::HeaderName, &str)],
    body: impl Into<Body>,
) -> Answer {
    let request =
        headers.iter().fold(Request::post(path), |request, (name, value)| request.header(name, *value));
    send(api, request.body(body.into()).unwrap()).await
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PROMETHEUS_PATH: &str = "/api/v1/otlp/v1/metrics";
const COLLECTOR_PATH: &str = "/v1/metrics";

#[tokio::test]
async fn a_push_is_readable_by_promql() {
    for gzip in [false, true] {
        for (kind, body) in
            [("application/json", JSON.as_bytes().to_vec()), ("application/x-protobuf", protobuf())]
        {
            for path in [PROMETHEUS_PATH, COLLECTOR_PATH] {
                let (api, otlp) = apis();
                let to = if path == PROMETHEUS_PATH { &api } else { &otlp };
                let mut headers = vec![(header::CONTENT_TYPE, kind)];
                let body = if gzip { gzipped(&body) } else { body.clone() };
                if gzip {
                    headers.push((header::CONTENT_ENCODING, "gzip"));
                }
                let answer = push(to, path, &headers, body).await;
                assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""), "{path} {kind} gzip {gzip}");
                let answer =
                    get(&api, &format!("/api/v1/query?query=orders_total&time={}", NOW_MS / 1000)).await;
                assert!(answer.text().contains(r#","17.5"]"#), "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let (api, otlp) = apis();
    let kind = |kind| vec![(header::CONTENT_TYPE, kind)];
    let gzip = |kind| vec![(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip")];
    let bomb = gzipped(&vec![b' '; (32 << 20) + 1]);
    let cases = [
        (
            vec![],
            vec![],
            "unsupported content type: , supported: [application/json, application/x-protobuf]\n",
        ),
        (
            kind("text/plain"),
            vec![],
            "unsupported content type: text/plain, supported: [application/json, application/x-protobuf]\n",
        ),
        (
            vec![(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "zstd")],
            vec![],
            "unsupported compression: zstd. Only \"gzip\" or no compression supported\n",
        ),
        (
            kind("application/json"),
            b"{\n  \"resourceMetrics\": 5}".to_vec(),
            "invalid type: integer `5`, expected a sequence at line 2 column 22\n",
        ),
        (kind("application/x-protobuf"), vec![0xff; 10], "failed to decode Protobuf message"),
        (gzip("application/json"), b"plain".to_vec(), "gzip: "),
        (gzip("application/json"), bomb, "unexpected EOF: no more than 33554432 unpacked bytes are read\n"),
    ];
    for (headers, body, reason) in cases {
        for (to, path) in [(&api, PROMETHEUS_PATH), (&otlp, COLLECTOR_PATH)] {
            let answer = push(to, path, &headers, body.clone()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{reason}");
            assert!(answer.text().starts_with(reason), "{reason}: {}", answer.text());
            assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn refused_samples_and_refused_metrics_have_prometheus_status_codes() {
    let (api, _) = apis();
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf")];
    let at = |seconds| request(&[], gauge("g", vec![point(&[], seconds, 1.0)])).encode_to_vec();
    let now = u64::try_from(NOW_MS / 1000).unwrap();
    let answer = push(&api, PROMETHEUS_PATH, &headers, at(now + 700)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text(), "out of bounds: timestamp is too far in the future\n");
    let answer = push(&api, PROMETHEUS_PATH, &headers, request(&[], sum("s", 1)).encode_to_vec()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "invalid temporality and type combination for metric \"s\"\n");
}

#[tokio::test]
async fn a_server_without_otlp_says_so() {
    let api = router(state_of(store(), ApiOptions::default()));
    let answer = push(&api, PROMETHEUS_PATH, &[(header::CONTENT_TYPE, "application/json")], "{}").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.text(), "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
}

#[tokio::test]
async fn logs_and_traces_are_told_that_they_are_not_taken() {
    let (_, otlp) = apis();
    for path in ["/v1/logs", "/v1/traces"] {
        let answer = push(&otlp, path, &[(header::CONTENT_TYPE, "application/json")], "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().starts_with("only metrics are taken here"), "{path}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_ingestion(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let ingester = ingester(&store());
        for bytes in [bytes, { let mut valid = protobuf(); let at = at.index(valid.len()); valid[at] = byte; valid }] {
            if let Ok(request) = ExportRequest::decode(bytes.as_slice()) {
                let _ = ingester.ingest(&request, NOW_MS);
            }
        }
    }
}

// ---- what a real collector sent and a real Prometheus made of it ----

fn golden() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    if folder.is_dir() {
        return Some(folder);
    }
    #[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
    {
        println!("skipped: there is no {}", folder.display());
    }
    None
}

/// The exports of a file: one, or a list of them.
fn exports(file: &Path) -> Vec<ExportRequest> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| vec![json(&text)])
}

#[test]
fn golden_exports_become_the_series_that_a_real_prometheus_stored() {
    let Some(folder) = golden() else { return };
    for (mode, least) in [("default", 840), ("all", 1_540)] {
        let store = store();
        let ingester = OtlpIngester::new(Arc::clone(&store), prometheus::promoted());
        for part in ["kubelet", "cluster"] {
            for export in exports(&folder.join(format!("otlp-{mode}-{part}.json"))) {
                // Through protobuf, as the collector sends it.
                let export = ExportRequest::decode(export.encode_to_vec().as_slice()).unwrap();
                ingester.ingest(&export, i64::MAX).unwrap();
            }
        }
        let ours: BTreeMap<Labels, f64> = contents(&store)
            .into_iter()
            .map(|(labels, samples)| (labels, samples.last().unwrap().1))
            .collect();
        let text = std::fs::read_to_string(folder.join(format!("prometheus-{mode}.json"))).unwrap();
        let stored: Vec<Value> = serde_json::from_str(&text).unwrap();
        let theirs: BTreeMap<Labels, f64> = stored
            .iter()
            .map(|series| {
                let labels = series["metric"].as_object().unwrap();
                let labels = labels.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                (Labels::from_pairs(labels), series["value"][1].as_str().unwrap().parse().unwrap())
            })
            .collect();
        let missing: Vec<_> = theirs.keys().filter(|labels| !ours.contains_key(*labels)).collect();
        let extra: Vec<_> = ours.keys().filter(|labels| !theirs.contains_key(*labels)).collect();
        let different: Vec<_> = theirs
            .iter()
            .filter(|(labels, value)| ours.get(*labels).is_some_and(|ours| ours != *value))
            .map(|(labels, value)| format!("{labels}: ours {}, theirs {value}", ours[labels]))
            .collect();
        assert!(
            missing.is_empty() && extra.is_empty() && different.is_empty(),
            "{mode}: missing {missing:#?}, extra {extra:#?}, different {different:#?}"
        );
        assert!(theirs.len() >= least, "{mode}: {} series", theirs.len());
    }
}

#[test]
fn the_stale_marker_is_what_the_engine_takes_for_one() {
    assert!(is_stale_nan(stale_nan()));
}
