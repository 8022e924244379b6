//! What sending the measurements elsewhere costs: the scrape, and whoever sends.
//! `cargo bench -p otlp`; with `--profile dev` as `cargo xtask` runs it.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot start has nothing to report")]

use catalogue::{Number, Point, Resource, Sink, kubelet_stats};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use otlp::{BATCH_POINTS, OtlpSink};
use prost::Message;

const PODS: usize = 1_000;

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

/// One scrape of every pod: some metrics without attributes, one with two. 10 points a pod.
fn scrape(sink: &mut OtlpSink, pods: &[Resource]) {
    let point = |value: usize| Point {
        start_ns: Some(1_000_000_000),
        time_ns: 1_000_000_000_000_000_000,
        value: Number::Double(value as f64 * 0.25),
    };
    for (at, pod) in pods.iter().enumerate() {
        for metric in &kubelet_stats::ALL[..8] {
            sink.record(pod, metric, &[], point(at));
        }
        for direction in ["receive", "transmit"] {
            sink.record(
                pod,
                kubelet_stats::ALL[8],
                &[("interface", "eth0"), ("direction", direction)],
                point(at),
            );
        }
    }
}

/// The part that holds up a scrape.
#[divan::bench(sample_count = 100)]
fn record(bencher: Bencher<'_, '_>) {
    let (pods, mut sink) = (pods(), OtlpSink::new());
    bencher.counter(ItemsCount::new(PODS * 10)).bench_local(|| {
        scrape(&mut sink, &pods);
        sink.take()
    });
}

/// The part on the sender's own time.
#[divan::bench(sample_count = 50)]
fn encode(bencher: Bencher<'_, '_>) {
    let (pods, mut sink) = (pods(), OtlpSink::new());
    scrape(&mut sink, &pods);
    let bytes: usize = sink.take().into_requests(BATCH_POINTS).map(|request| request.encoded_len()).sum();
    bencher
        .counter(ItemsCount::new(PODS * 10))
        .counter(BytesCount::new(bytes))
        .with_inputs(|| {
            scrape(&mut sink, &pods);
            sink.take()
        })
        .bench_local_values(|scrape| {
            scrape.into_requests(BATCH_POINTS).map(|request| request.encode_to_vec().len()).sum::<usize>()
        });
}
