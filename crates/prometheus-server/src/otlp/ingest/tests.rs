use otlp::message::{AnyValue, Gauge, Resource, ScopeMetrics, Value};
use tsdb::Options;

use super::*;

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::String(value.to_owned())) });
    KeyValue { key: key.to_owned(), value }
}

fn request(pod: &str, seconds: u64) -> ExportRequest {
    let time_unix_nano = seconds * 1_000_000_000;
    let attributes = vec![attribute("of", pod)];
    let point = NumberDataPoint { time_unix_nano, attributes, ..Default::default() };
    let data = Some(Data::Gauge(Gauge { data_points: vec![point] }));
    let metric = Metric { name: format!("g.{pod}"), data, ..Default::default() };
    let resource = Some(Resource { attributes: vec![attribute("k8s.pod.name", pod)] });
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    ExportRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }],
    }
}

#[test]
fn a_time_that_was_refused_keeps_nothing_remembered() {
    let ingester = OtlpIngester::new(Arc::new(Store::new(Options::default())), ["k8s.pod.name"]);
    let now = 10_000_000;
    ingester.ingest(&request("taken", 10_000), now).unwrap();
    for pod in ["taken", "refused"] {
        ingester.ingest(&request(pod, 1_000_000), now).unwrap_err();
    }
    let mut known = ingester.known.lock().unwrap();
    let idle_since = |horizon_ms, known: &mut Known| {
        let departed = [
            known.resources.forget_idle(horizon_ms),
            known.metrics.forget_idle(horizon_ms),
            known.attributes.forget_idle(horizon_ms),
        ];
        departed.map(|numbers| numbers.len())
    };
    assert_eq!(idle_since(10_000_000, &mut known), [1; 3], "what only the refused request had");
    assert_eq!(idle_since(10_000_001, &mut known), [1; 3], "what was heard of at ten million");
}

#[test]
fn refused_requests_to_an_empty_store_do_not_pile_up() {
    let ingester = OtlpIngester::new(Arc::new(Store::new(Options::default())), ["k8s.pod.name"]);
    for pod in 0..5_000 {
        ingester.ingest(&request(&pod.to_string(), 1_000_000), 0).unwrap_err();
    }
    let known = ingester.known.lock().unwrap();
    assert!(known.resources.len() <= 2_048, "{}", known.resources.len());
    assert!(known.series.is_empty());
}
