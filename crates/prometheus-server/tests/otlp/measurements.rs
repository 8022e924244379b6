//! Measurements make the same series by the store's sink and by OTLP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalogue::{MetricDef, Number, Point, Resource, Sink, prometheus};
use labels::Labels;
use otlp::OtlpSink;
use prometheus_server::StoreSink;
use prometheus_server::otlp::OtlpIngester;
use proptest::prelude::*;
use prost::Message;
use tsdb::Store;

use crate::fixture::{contents, store};

/// What a receiver measures.
#[derive(Clone, Debug)]
struct Measured {
    resource: BTreeMap<&'static str, String>,
    metric: usize,
    attributes: BTreeMap<&'static str, String>,
    time_ns: i64,
    value: Number,
}

impl Measured {
    fn resource(&self) -> Resource {
        Resource::new(self.resource.clone())
    }

    fn metric(&self) -> &'static MetricDef {
        let mut all = catalogue::all();
        all.nth(self.metric).unwrap()
    }

    fn attributes(&self) -> Vec<(&'static str, &str)> {
        self.attributes.iter().map(|(key, value)| (*key, value.as_str())).collect()
    }

    fn record(&self, sink: &mut dyn Sink) {
        let point = Point { start_ns: Some(1), time_ns: self.time_ns, value: self.value };
        sink.record(&self.resource(), self.metric(), &self.attributes(), point);
    }
}

fn measured() -> impl Strategy<Value = Measured> {
    let text = || prop::sample::select(vec!["", "a", "b", "c d"]).prop_map(str::to_owned);
    let keys = |keys: &'static [&'static str]| prop::sample::select(keys);
    let of_resource = keys(&[
        "k8s.pod.name",
        "k8s.node.name",
        "k8s.pod.uid",
        "service.name",
        "service.namespace",
        "service.instance.id",
    ]);
    let of_point = keys(&["interface", "k8s.pod.name", "k8s_pod_name", "a.b", "a_b", "job", "__name__"]);
    let value = prop_oneof![any::<i64>().prop_map(Number::Int), any::<f64>().prop_map(Number::Double)];
    (
        prop::collection::btree_map(of_resource, text(), 0..5),
        0..catalogue::all().count(),
        prop::collection::btree_map(of_point, text(), 0..4),
        (0..40_i64, 0..1_000_000_i64),
        value,
    )
        .prop_map(|(resource, metric, attributes, (seconds, rest), value)| Measured {
            resource,
            metric,
            attributes,
            time_ns: (1_000 + seconds) * 1_000_000_000 + rest,
            value,
        })
}

/// What is in a store, values by their bits.
fn bits(store: &Store) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let bits = |samples: Vec<(i64, f64)>| samples.into_iter().map(|(t, v)| (t, v.to_bits())).collect();
    contents(store).into_iter().map(|(labels, samples)| (labels, bits(samples))).collect()
}

proptest! {
    #[test]
    fn measurements_become_the_same_series_by_the_sink_and_by_otlp(
        all in prop::collection::vec(measured(), 0..100), most_points in 1..60_usize
    ) {
        let (by_sink, by_otlp) = (store(), store());
        let mut sink = StoreSink::new(Arc::clone(&by_sink), prometheus::promoted());
        let mut exported = OtlpSink::new();
        let mut seen = BTreeSet::new();
        for measured in &all {
            let promoted = prometheus::promoted();
            let labels = prometheus::series_labels(
                &measured.resource(), measured.metric(), &measured.attributes(), promoted,
            );
            // Which of two values for one series and time is kept depends on their order, which is free.
            if seen.insert((labels, measured.time_ns / 1_000_000)) {
                measured.record(&mut sink);
                measured.record(&mut exported);
            }
        }
        sink.commit();
        let ingester = OtlpIngester::new(Arc::clone(&by_otlp), prometheus::promoted());
        for request in exported.take().into_requests(most_points) {
            // Through the wire, so that the encoding is part of it.
            ingester.ingest_protobuf(request.encode_to_vec().into(), 2_000_000).unwrap();
        }
        let mut by_otlp = bits(&by_otlp);
        // Made from the resources alone; no receiver of ours sends what it needs.
        by_otlp.retain(|labels, _| labels.metric_name() != Some("target_info"));
        prop_assert_eq!(bits(&by_sink), by_otlp);
    }
}
