//! `cargo bench -p tsdb`: appending, selecting, finding series.

use std::ops::ControlFlow;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use labels::{MatchOp, Matcher};
use tsdb::{Batch, Options, SeriesId, Store, TimeRange};

#[path = "../fixtures/fleet.rs"]
mod fleet;

use fleet::{Kind, START_MS, STEP_MS};

fn main() {
    divan::main();
}

const NODES: usize = 100;
const PODS: usize = 10_000;
const TICKS: u64 = 240;

/// The fleet's series that a test wants, with `ticks` scrapes in the store.
fn filled(ticks: u64, wanted: impl Fn(&fleet::FleetSeries) -> bool) -> (Store, Vec<SeriesId>) {
    let mut series = fleet::fleet(NODES, PODS);
    series.retain(wanted);
    let (store, ids) = interned(&series);
    for tick in 0..ticks {
        let mut writer = store.writer();
        for (id, series) in ids.iter().zip(&series) {
            writer.append(*id, time(tick), series.value(tick)).expect("in order");
        }
    }
    (store, ids)
}

/// A store that knows the series and has no samples.
fn interned(series: &[fleet::FleetSeries]) -> (Store, Vec<SeriesId>) {
    let store = Store::new(Options::default());
    let ids = series.iter().map(|series| store.intern(&series.labels).expect("room for all")).collect();
    (store, ids)
}

fn time(tick: u64) -> i64 {
    START_MS + tick as i64 * STEP_MS
}

/// 10,000 series of one kind.
fn of_kind(kind: Kind) -> impl Fn(&fleet::FleetSeries) -> bool {
    let name = match kind {
        Kind::Constant => "k8s_container_cpu_limit",
        Kind::Rare => "k8s_container_ready",
        Kind::Pages => "k8s_pod_memory_working_set_bytes",
        Kind::Counter => "k8s_pod_memory_page_faults_ratio",
        Kind::CpuTime => "k8s_pod_cpu_time_seconds_total",
        Kind::CpuUsage => "k8s_pod_cpu_usage",
    };
    move |series| series.labels.metric_name() == Some(name)
}

const KINDS: [Kind; 5] = [Kind::Constant, Kind::Pages, Kind::Counter, Kind::CpuTime, Kind::CpuUsage];

/// An hour of scrapes, one by one.
#[divan::bench(args = KINDS, sample_count = 5)]
fn append(bencher: Bencher, kind: Kind) {
    let mut series = fleet::fleet(NODES, PODS);
    series.retain(of_kind(kind));
    let values: Vec<Vec<f64>> =
        (0..TICKS).map(|tick| series.iter().map(|series| series.value(tick)).collect()).collect();
    bencher
        .counter(ItemsCount::new(series.len() as u64 * TICKS))
        .with_inputs(|| interned(&series))
        .bench_local_values(|(store, ids)| {
            for (tick, values) in (0..).zip(&values) {
                let mut writer = store.writer();
                for (id, value) in ids.iter().zip(values) {
                    writer.append(*id, time(tick), *value).expect("in order");
                }
            }
            store
        });
}

/// An hour of scrapes as batches of 8,192.
#[divan::bench(sample_count = 5)]
fn commit(bencher: Bencher) {
    let mut series = fleet::fleet(NODES, PODS);
    series.retain(of_kind(Kind::CpuTime));
    let values: Vec<Vec<f64>> =
        (0..TICKS).map(|tick| series.iter().map(|series| series.value(tick)).collect()).collect();
    bencher
        .counter(ItemsCount::new(series.len() as u64 * TICKS))
        .with_inputs(|| interned(&series))
        .bench_local_values(|(store, ids)| {
            let mut batch = Batch::new();
            for (tick, values) in (0..).zip(&values) {
                for (id, value) in ids.iter().zip(values) {
                    batch.push(*id, time(tick), *value);
                    if batch.len() == 8192 {
                        store.commit(&batch).expect("in order");
                        batch.clear();
                    }
                }
            }
            store.commit(&batch).expect("in order");
            store
        });
}

/// 10,000 series with 240 samples each.
#[divan::bench(args = KINDS)]
fn select(bencher: Bencher, kind: Kind) {
    let (store, ids) = filled(TICKS, of_kind(kind));
    bencher.counter(ItemsCount::new(ids.len() as u64 * TICKS)).bench_local(|| {
        let mut sum = 0.0;
        store.select(&[], time(0), time(TICKS), &mut |series| {
            sum += series.values.iter().sum::<f64>();
            ControlFlow::Continue(())
        });
        sum
    });
}

/// The newest sample of 10,000 series.
#[divan::bench]
fn select_instant(bencher: Bencher) {
    let (store, ids) = filled(TICKS, of_kind(Kind::CpuTime));
    bencher.counter(ItemsCount::new(ids.len())).bench_local(|| {
        let mut sum = 0.0;
        store.select(&[], time(TICKS) - 300_000, time(TICKS), &mut |series| {
            sum += series.values.last().copied().unwrap_or_default();
            ControlFlow::Continue(())
        });
        sum
    });
}

/// Which of 320,000 series have these labels.
#[divan::bench(args = [
    ("__name__", MatchOp::Equal, "k8s_pod_cpu_usage"),
    ("k8s_namespace_name", MatchOp::NotEqual, "namespace-3"),
    ("k8s_pod_name", MatchOp::Regex, "workload-1.*"),
    ("k8s_pod_name", MatchOp::NotRegex, "workload-1.*"),
    ("k8s_node_name", MatchOp::Regex, "kwok-node-1|kwok-node-17|kwok-node-99"),
    ("k8s_pod_name", MatchOp::Regex, ".+"),
    // Needs an automaton, which runs outside of the lock.
    ("k8s_pod_name", MatchOp::Regex, "workload-[0-9]*1(-.*)?"),
])]
fn find(bencher: Bencher, (name, op, value): (&str, MatchOp, &str)) {
    let (store, _) = filled(1, |_| true);
    let matchers = [
        Matcher::equal("__name__", "k8s_pod_cpu_usage"),
        Matcher::new(name, op, value).expect("a good expression"),
    ];
    bencher.bench_local(|| black_box(store.label_values("k8s_node_name", &matchers, TimeRange::ALL)));
}
