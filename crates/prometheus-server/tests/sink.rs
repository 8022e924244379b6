//! What the sink stores is what a straightforward translation of each measurement gives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use catalogue::{MetricDef, Number, Point, Resource, Sink, kubelet_stats, prometheus};
use labels::{Labels, Matcher};
use prometheus_server::{Refusal, StoreSink};
use proptest::prelude::*;
use tsdb::{AppendError, Options, Store};

const PROMOTED: &[&str] = &["k8s.pod.name", "k8s.node.name", "service.name"];

type Contents = BTreeMap<Labels, Vec<(i64, u64)>>;

/// Everything in the store, values by their bits.
fn contents(store: &Store) -> Contents {
    let mut contents = Contents::new();
    let all = [Matcher::new("__name__", labels::MatchOp::NotEqual, "").unwrap()];
    store.select(&all, i64::MIN, i64::MAX, &mut |series| {
        let samples = series.timestamps.iter().zip(series.values);
        let samples = samples.map(|(&time, value)| (time, value.to_bits())).collect();
        contents.insert(series.labels.clone(), samples);
        ControlFlow::Continue(())
    });
    contents
}

fn metric(at: usize) -> &'static MetricDef {
    let all = kubelet_stats::ALL;
    all[at % all.len()]
}

/// A measurement, spelled out.
#[derive(Clone, Debug)]
struct Measured {
    resource: Vec<(&'static str, String)>,
    metric: usize,
    attributes: Vec<(&'static str, String)>,
    time_ms: i64,
    value: Number,
}

impl Measured {
    fn resource(&self) -> Resource {
        Resource::new(self.resource.clone())
    }

    fn attributes(&self) -> Vec<(&'static str, &str)> {
        self.attributes.iter().map(|(key, value)| (*key, value.as_str())).collect()
    }

    fn record(&self, sink: &mut StoreSink) {
        let point = Point { start_ns: None, time_ns: self.time_ms * 1_000_000 + 999_999, value: self.value };
        sink.record(&self.resource(), metric(self.metric), &self.attributes(), point);
    }
}

fn measured() -> impl Strategy<Value = Measured> {
    let text = || prop::sample::select(vec!["", "a", "b", "c"]).prop_map(str::to_owned);
    let keys = |keys: &'static [&'static str]| prop::sample::select(keys);
    let resource_keys =
        keys(&["k8s.pod.name", "k8s.node.name", "k8s.pod.uid", "service.name", "service.namespace"]);
    let attribute_keys = keys(&["interface", "direction", "k8s.pod.name", "k8s_pod_name"]);
    let value = prop_oneof![any::<i64>().prop_map(Number::Int), any::<f64>().prop_map(Number::Double)];
    (
        prop::collection::btree_map(resource_keys, text(), 0..4),
        0..4_usize,
        prop::collection::btree_map(attribute_keys, text(), 0..3),
        0..20_i64,
        value,
    )
        .prop_map(|(resource, metric, attributes, time, value)| Measured {
            resource: resource.into_iter().collect(),
            metric,
            attributes: attributes.into_iter().collect(),
            time_ms: 1_000_000 + time * 1_000,
            value,
        })
}

proptest! {
    #[test]
    fn series_and_values_equal_a_straightforward_translation(
        all in prop::collection::vec(measured(), 0..200), scrape in 1..50_usize
    ) {
        let store = Arc::new(Store::new(Options::default()));
        let mut sink = StoreSink::new(Arc::clone(&store), PROMOTED.iter().copied());
        let plain = Store::new(Options::default());
        let (mut stored, mut repeated, mut conflicting) = (0, 0, 0);
        for (at, measured) in all.iter().enumerate() {
            measured.record(&mut sink);
            if at % scrape == 0 {
                sink.commit();
            }
            let promoted = PROMOTED.iter().copied();
            let labels = prometheus::series_labels(
                &measured.resource(), metric(measured.metric), &measured.attributes(), promoted,
            );
            let series = plain.intern(&labels).unwrap();
            match plain.append(series, measured.time_ms, measured.value.as_f64()) {
                Ok(tsdb::AppendOutcome::Duplicate) => repeated += 1,
                Ok(_) => stored += 1,
                Err(_) => conflicting += 1,
            }
        }
        sink.commit();
        prop_assert_eq!(contents(&store), contents(&plain));
        let report = sink.report();
        prop_assert_eq!((report.stored(), report.repeated, report.refused()), (stored, repeated, conflicting));
        prop_assert_eq!(report.first_refused.is_some(), conflicting > 0);
    }
}

fn point(seconds: i64, value: f64) -> Point {
    Point { start_ns: None, time_ns: seconds * 1_000_000_000, value: Number::Double(value) }
}

#[test]
fn a_scrape_is_seen_when_it_is_whole() {
    let store = Arc::new(Store::new(Options::default()));
    let mut sink = StoreSink::new(Arc::clone(&store), PROMOTED.iter().copied());
    for name in ["a", "b"] {
        assert!(contents(&store).is_empty());
        sink.record(&Resource::new([("k8s.pod.name", name)]), metric(0), &[], point(1_000, 1.0));
    }
    sink.commit();
    assert_eq!(contents(&store).len(), 2);
    sink.commit();
    assert_eq!(sink.report().appended, 2);
}

#[test]
fn a_series_that_retention_dropped_is_made_again() {
    let store = Arc::new(Store::new(Options { retention_ms: 60_000, ..Options::default() }));
    let mut sink = StoreSink::new(Arc::clone(&store), PROMOTED.iter().copied());
    let pod = |name: &str| Resource::new([("k8s.pod.name", name)]);
    sink.record(&pod("a"), metric(0), &[], point(1_000, 1.0));
    for seconds in (1_015..3_000).step_by(15) {
        sink.record(&pod("b"), metric(0), &[], point(seconds, 2.0));
        sink.commit();
    }
    store.truncate(2_940_000);
    sink.record(&pod("a"), metric(0), &[], point(3_000, 3.0));
    sink.commit();
    assert_eq!(sink.report().refused(), 0, "{:?}", sink.report());
    let a = contents(&store).into_iter().find(|(labels, _)| labels.get("k8s_pod_name") == Some("a")).unwrap();
    assert_eq!(a.1, [(3_000_000, 3.0_f64.to_bits())]);
}

#[test]
fn what_the_store_refuses_is_counted_and_the_first_is_kept() {
    let store = Arc::new(Store::new(Options { max_series: 2, ..Options::default() }));
    let mut sink = StoreSink::new(store, PROMOTED.iter().copied());
    // Two volumes of a pod, told apart by an attribute that is not promoted.
    let volume = |name: &str| Resource::new([("k8s.pod.name", "a"), ("k8s.volume.name", name)]);
    sink.record(&volume("x"), metric(0), &[], point(100_000, 1.0));
    sink.record(&volume("y"), metric(0), &[], point(100_000, 2.0));
    sink.record(&volume("x"), metric(0), &[], point(100_000, 1.0));
    sink.record(&volume("x"), metric(0), &[], point(10, 1.0));
    sink.record(&volume("x"), metric(1), &[], point(100_000, 1.0));
    sink.commit();
    sink.record(&volume("x"), metric(2), &[], point(100_000, 1.0));
    sink.commit();
    let report = sink.take_report();
    assert_eq!((report.appended, report.repeated), (2, 1));
    assert_eq!((report.conflicting, report.too_old, report.no_room), (1, 1, 1));
    let first = report.first_refused.unwrap();
    assert_eq!(first.labels.get("k8s_pod_name"), Some("a"));
    assert!(matches!(first.refusal, Refusal::Sample(AppendError::DuplicateSample { refused: 2.0, .. })));
    assert_eq!(sink.report().refused(), 0);
}

#[test]
fn departed_objects_do_not_add_up() {
    let store = Arc::new(Store::new(Options { retention_ms: 60_000, ..Options::default() }));
    let mut sink = StoreSink::new(Arc::clone(&store), PROMOTED.iter().copied());
    for at in 0..20_000_i64 {
        let pod = Resource::new([("k8s.pod.name", format!("pod-{at}"))]);
        sink.record(&pod, metric(0), &[], point(at, 1.0));
        sink.commit();
    }
    assert_eq!(sink.report().appended, 20_000);
    assert!(sink.known_resources() < 5_000, "{} resources are remembered", sink.known_resources());
}
