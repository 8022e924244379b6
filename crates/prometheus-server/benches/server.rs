//! How fast measurements get into the store and answers out of it.
//! `cargo bench -p prometheus-server`; with `--profile dev` as `cargo xtask` runs it.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start has nothing to report")]

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use catalogue::{Number, Point, Resource, Sink, kubelet_stats, prometheus};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use otlp::OtlpSink;
use otlp::message::ExportRequest;
use prometheus_server::otlp::OtlpIngester;
use prometheus_server::{ApiOptions, ApiState, QueryService, StoreSink, router};
use promql::{EngineOptions, ParseOptions};
use prost::Message;
use prost::bytes::Bytes;
use tower::ServiceExt;
use tsdb::{Options, Store};

const PODS: usize = 1_000;
const STEP_MS: i64 = 15_000;

fn main() {
    divan::main();
}

fn pods() -> Vec<Resource> {
    let pod = |at: usize| {
        Resource::new([
            ("k8s.cluster.name", "kwok".to_owned()),
            ("k8s.namespace.name", format!("namespace-{}", at % 6)),
            ("k8s.node.name", format!("node-{}", at % 50)),
            ("k8s.pod.name", format!("pod-{at}")),
            ("k8s.pod.uid", format!("00000000-0000-0000-0000-{at:012}")),
        ])
    };
    (0..PODS).map(pod).collect()
}

/// One scrape of every pod: some metrics without attributes, one with two. Returns the number of samples.
fn scrape(sink: &mut impl Sink, pods: &[Resource], tick: i64) -> usize {
    let point = |value: f64| Point {
        start_ns: Some(1_000_000_000),
        time_ns: (1_000_000_000 + tick * STEP_MS) * 1_000_000,
        value: Number::Double(value),
    };
    let metrics = &kubelet_stats::ALL[..8];
    for (at, pod) in pods.iter().enumerate() {
        for metric in metrics {
            sink.record(pod, metric, &[], point((at as i64 * 7 + tick * 3) as f64 * 0.25));
        }
        for direction in ["receive", "transmit"] {
            let attributes = [("interface", "eth0"), ("direction", direction)];
            sink.record(pod, metrics[0], &attributes, point((tick * 1_000) as f64));
        }
    }
    pods.len() * (metrics.len() + 2)
}

fn sink() -> StoreSink {
    StoreSink::new(Arc::new(Store::new(Options::default())), prometheus::promoted())
}

/// A scrape of identities that are known already.
#[divan::bench(sample_count = 100)]
fn record_known(bencher: Bencher<'_, '_>) {
    let (pods, mut sink) = (pods(), sink());
    let mut tick = 0;
    let samples = scrape(&mut sink, &pods, tick);
    sink.commit();
    bencher.counter(ItemsCount::new(samples)).bench_local(|| {
        tick += 1;
        let samples = scrape(&mut sink, &pods, tick);
        sink.commit();
        samples
    });
}

/// The first scrape: every identity is new.
#[divan::bench(sample_count = 20)]
fn record_new(bencher: Bencher<'_, '_>) {
    let pods = pods();
    let samples = scrape(&mut sink(), &pods, 0);
    bencher.counter(ItemsCount::new(samples)).with_inputs(sink).bench_local_values(|mut sink| {
        scrape(&mut sink, &pods, 0);
        sink.commit();
        sink
    });
}

/// What the first scrape spends on working out labels.
#[divan::bench(sample_count = 20)]
fn labels_of_new(bencher: Bencher<'_, '_>) {
    let pods = pods();
    let metrics = &kubelet_stats::ALL[..8];
    bencher.counter(ItemsCount::new(pods.len() * metrics.len())).bench_local(|| {
        for pod in &pods {
            for metric in metrics {
                divan::black_box(prometheus::series_labels(pod, metric, &[], prometheus::promoted()));
            }
        }
    });
}

/// A range query whose answer is nearly all of the work: 2,000 series of 240 points.
#[divan::bench(sample_count = 20)]
fn range_answer(bencher: Bencher<'_, '_>) {
    ask(bencher, "identity");
}

/// The same, compressed, as Go's HTTP client asks for it.
#[divan::bench(sample_count = 20)]
fn range_answer_gzip(bencher: Bencher<'_, '_>) {
    ask(bencher, "gzip");
}

fn ask(bencher: Bencher<'_, '_>, encoding: &str) {
    let (pods, mut sink) = (pods(), sink());
    for tick in 0..240 {
        scrape(&mut sink, &pods, tick);
        sink.commit();
    }
    let service =
        QueryService::new(Arc::clone(sink.store()), EngineOptions::default(), ParseOptions::default());
    let api = router(ApiState::new(service, Arc::new(|| 0), ApiOptions::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let uri = "/api/v1/query_range?query=%7Binterface=%22eth0%22%7D%2F3&start=1000000&end=1003585&step=15";
    let ask = || {
        runtime.block_on(async {
            let request = Request::get(uri).header(header::ACCEPT_ENCODING, encoding).body(Body::empty());
            let response = api.clone().oneshot(request.unwrap()).await.unwrap();
            to_bytes(response.into_body(), usize::MAX).await.unwrap()
        })
    };
    bencher.counter(BytesCount::new(ask().len())).bench_local(ask);
}

/// The export of a scrape, as a collector sends it: with scopes, descriptions and start times.
fn export(pods: &[Resource], tick: i64) -> ExportRequest {
    let mut sink = OtlpSink::new();
    scrape(&mut sink, pods, tick);
    sink.take().into_requests(usize::MAX).next().unwrap()
}

fn ingester() -> OtlpIngester {
    OtlpIngester::new(Arc::new(Store::new(Options::default())), prometheus::promoted())
}

/// Decoded messages of known series into the store.
#[divan::bench(sample_count = 50)]
fn ingest_decoded(bencher: Bencher<'_, '_>) {
    let (pods, ingester, mut tick) = (pods(), ingester(), 0);
    ingester.ingest(&export(&pods, tick), i64::MAX).unwrap();
    bencher
        .counter(ItemsCount::new(pods.len() * 10))
        .with_inputs(|| {
            tick += 1;
            export(&pods, tick)
        })
        .bench_local_refs(|request| ingester.ingest(request, i64::MAX).unwrap());
}

/// Protobuf of known series into the store.
#[divan::bench(sample_count = 50)]
fn ingest_protobuf(bencher: Bencher<'_, '_>) {
    let (pods, ingester, mut tick) = (pods(), ingester(), 0);
    ingester.ingest(&export(&pods, tick), i64::MAX).unwrap();
    bencher
        .counter(ItemsCount::new(pods.len() * 10))
        .with_inputs(|| {
            tick += 1;
            Bytes::from(export(&pods, tick).encode_to_vec())
        })
        .bench_local_values(|bytes| ingester.ingest_protobuf(bytes, i64::MAX).unwrap());
}
