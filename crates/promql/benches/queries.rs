//! What typical dashboard queries cost, over 10,000 and 100,000 series and 60 and 240 steps of an hour.
//!
//! `cargo bench -p promql`

use std::collections::HashMap;
use std::ops::ControlFlow;

use divan::{Bencher, black_box};
use labels::{Labels, METRIC_NAME, MatchOp, Matcher};
use promql::{
    Engine, EngineOptions, ParseOptions, QueryOutput, RangeQuery, SelectRequest, SeriesRef, Storage,
    StorageError, parse,
};

fn main() {
    divan::main();
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// The queries, by what they stress.
const QUERIES: [(&str, &str); 11] = [
    ("sum by rate", "sum by (namespace) (rate(requests_total[5m]))"),
    ("sum by", "sum by (namespace) (usage)"),
    ("join", "sum by (node) (usage * on (pod) group_left (node) pod_info)"),
    ("topk of sums", "topk(10, sum by (pod) (rate(requests_total[5m])))"),
    ("one label", r#"usage{namespace="ns-3"}"#),
    ("regex", r#"sum(rate(requests_total{pod=~"pod-.*7"}[5m]))"#),
    ("histogram_quantile", "histogram_quantile(0.9, sum by (le) (rate(latency_bucket[5m])))"),
    ("subquery", "max_over_time(sum by (namespace) (rate(requests_total[5m]))[10m:1m])"),
    ("ratio", "sum by (pod) (usage) / sum by (pod) (pod_info) * 100"),
    ("plain selector", "usage"),
    ("max_over_time", "max by (node) (max_over_time(usage[10m]))"),
];

/// Series by metric name, so that the benchmarks measure the evaluator and not the search.
struct Store {
    timestamps: Vec<i64>,
    metrics: HashMap<&'static str, Vec<(Labels, Vec<f64>)>>,
}

impl Store {
    /// A sample a minute for an hour and ten minutes.
    fn new(series: usize) -> Self {
        let timestamps: Vec<i64> = (-10..=60).map(|minute| minute * MINUTE + 1_234).collect();
        let mut store = Self { timestamps, metrics: HashMap::new() };
        store.add("requests_total", series, &[], |pod, minute| (minute * (pod % 100 + 1)) as f64);
        store.add("usage", series, &[], |pod, minute| ((pod * 31 + minute * 7) % 1_000) as f64);
        store.add("pod_info", series, &[], |_, _| 1.0);
        let bounds = ["0.1", "0.5", "1", "5", "+Inf"];
        for (index, bound) in bounds.into_iter().enumerate() {
            let per_minute = index + 1;
            store.add("latency_bucket", series / bounds.len(), &[("le", bound)], |pod, minute| {
                (minute * per_minute * (pod % 10 + 1)) as f64
            });
        }
        for series in store.metrics.values_mut() {
            series.sort_by(|left, right| left.0.cmp(&right.0));
        }
        store
    }

    fn add(
        &mut self,
        name: &'static str,
        series: usize,
        more: &[(&str, &str)],
        value: impl Fn(usize, usize) -> f64,
    ) {
        let samples = self.timestamps.len();
        let list = self.metrics.entry(name).or_default();
        for pod in 0..series {
            let own = [
                (METRIC_NAME, name.to_owned()),
                ("cluster", "benchmark".to_owned()),
                ("namespace", format!("ns-{}", pod % 20)),
                ("node", format!("node-{}", pod % 500)),
                ("pod", format!("pod-{pod}")),
            ];
            let more = more.iter().map(|&(name, value)| (name, value.to_owned()));
            let labels = Labels::from_pairs(own.into_iter().chain(more));
            list.push((labels, (0..samples).map(|minute| value(pod, minute)).collect()));
        }
    }
}

impl Storage for Store {
    fn select(
        &self,
        request: &SelectRequest<'_>,
        visit: &mut dyn FnMut(SeriesRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let is_name = |m: &&Matcher| m.name() == METRIC_NAME && m.op() == MatchOp::Equal;
        let name = request.matchers.iter().find(is_name).map_or("", Matcher::value);
        let rest: Vec<&Matcher> =
            request.matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME).collect();
        let from = self.timestamps.partition_point(|&time| time < request.start_ms);
        let to = self.timestamps.partition_point(|&time| time <= request.end_ms);
        for (labels, values) in self.metrics.get(name).into_iter().flatten() {
            if rest.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default())) {
                let series =
                    SeriesRef { labels, timestamps: &self.timestamps[from..to], values: &values[from..to] };
                if visit(series).is_break() {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn run(store: &Store, query: &str, steps: i64) -> QueryOutput {
    let expr = parse(query, ParseOptions::default()).expect("the query is valid");
    let range = RangeQuery { start_ms: HOUR / steps, end_ms: HOUR, step_ms: HOUR / steps };
    // A ratio of 100,000 series at 240 steps holds more than a server would let it.
    let engine = Engine::new(EngineOptions { max_samples: u64::MAX, ..EngineOptions::default() });
    engine.range(store, &expr, range, &|| None).expect("the query has a value")
}

fn bench(bencher: Bencher, series: usize, steps: i64, name: &str) {
    let store = Store::new(series);
    let (_, query) = QUERIES.iter().find(|(known, _)| *known == name).expect("the query is known");
    bencher.bench_local(|| run(black_box(&store), query, steps));
}

fn names() -> impl Iterator<Item = &'static str> {
    QUERIES.iter().map(|(name, _)| *name)
}

#[divan::bench(args = names(), max_time = 2)]
fn series_10k_steps_60(bencher: Bencher, name: &str) {
    bench(bencher, 10_000, 60, name);
}

#[divan::bench(args = names(), max_time = 2)]
fn series_10k_steps_240(bencher: Bencher, name: &str) {
    bench(bencher, 10_000, 240, name);
}

#[divan::bench(args = names(), max_time = 3)]
fn series_100k_steps_60(bencher: Bencher, name: &str) {
    bench(bencher, 100_000, 60, name);
}

#[divan::bench(args = names(), max_time = 3)]
fn series_100k_steps_240(bencher: Bencher, name: &str) {
    bench(bencher, 100_000, 240, name);
}
