//! What measurements become on their way out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use catalogue::{Attribute, MetricDef, MetricKind, Number, Point, Resource, Sink, host_metrics, k8s_cluster};
use otlp::message::{Data, ExportRequest, Metric, NumberDataPoint, NumberValue, ResourceMetrics, Value};
use otlp::{BATCH_POINTS, OtlpSink};
use proptest::prelude::*;
use prost::Message;

fn metric(name: &str) -> &'static MetricDef {
    catalogue::find(name).unwrap()
}

fn point(start_ns: Option<i64>, time_ns: i64, value: Number) -> Point {
    Point { start_ns, time_ns, value }
}

fn at(time_ns: i64) -> Point {
    point(None, time_ns, Number::Int(time_ns))
}

/// All measurements in one request.
fn only_request(sink: &mut OtlpSink) -> ExportRequest {
    let mut requests = sink.take().into_requests(BATCH_POINTS);
    let request = requests.next().unwrap();
    assert_eq!(requests.next(), None);
    request
}

fn metrics(of: &ResourceMetrics) -> &[Metric] {
    assert_eq!(of.scope_metrics.len(), 1);
    &of.scope_metrics[0].metrics
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => &gauge.data_points,
        Data::Sum(sum) => &sum.data_points,
        other => panic!("{other:?}"),
    }
}

fn attributes(of: &[otlp::message::KeyValue]) -> Vec<(&str, &str)> {
    of.iter()
        .map(|attribute| match attribute.value.as_ref().and_then(|any| any.value.as_ref()) {
            Some(Value::String(value)) => (attribute.key.as_str(), value.as_str()),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_metric_says_what_the_catalogue_knows_about_it() {
    for name in ["k8s.pod.cpu.time", "k8s.pod.cpu.usage", "k8s.pod.phase", "system.memory.usage"] {
        let definition = metric(name);
        let mut sink = OtlpSink::new();
        sink.record(&Resource::new([("k8s.pod.name", "a")]), definition, &[], at(1));
        let request = only_request(&mut sink);
        let [metric] = metrics(&request.resource_metrics[0]) else { panic!("not one metric") };
        assert_eq!((&*metric.name, &*metric.unit), (definition.name, definition.unit));
        assert_eq!(metric.description, definition.description);
        let (kind, temporality) = match metric.data.as_ref().unwrap() {
            Data::Gauge(_) => (MetricKind::Gauge, 2),
            Data::Sum(sum) if sum.is_monotonic => (MetricKind::Counter, sum.aggregation_temporality),
            Data::Sum(sum) => (MetricKind::UpDownCounter, sum.aggregation_temporality),
            other => panic!("{other:?}"),
        };
        assert_eq!((kind, temporality), (definition.kind, 2), "{name}");
    }
}

#[test]
fn a_point_has_its_times_its_value_and_its_attributes() {
    let mut sink = OtlpSink::new();
    let pod = Resource::new([("k8s.pod.name", "a"), ("k8s.node.name", "")]);
    let io = metric("k8s.pod.network.io");
    let direction = [("interface", "eth0"), ("direction", "receive")];
    sink.record(&pod, io, &direction, point(Some(5), 7, Number::Int(-3)));
    sink.record(&pod, io, &[], point(None, 8, Number::Double(0.5)));
    let request = only_request(&mut sink);
    let resource = &request.resource_metrics[0];
    let of_resource = &resource.resource.as_ref().unwrap().attributes;
    assert_eq!(attributes(of_resource), [("k8s.node.name", ""), ("k8s.pod.name", "a")]);
    let [first, second] = points(&metrics(resource)[0]) else { panic!("not two points") };
    assert_eq!((first.start_time_unix_nano, first.time_unix_nano, first.flags), (5, 7, 0));
    assert_eq!(first.value, Some(NumberValue::AsInt(-3)));
    assert_eq!(attributes(&first.attributes), direction);
    assert_eq!((second.start_time_unix_nano, second.time_unix_nano), (0, 8));
    assert_eq!(second.value, Some(NumberValue::AsDouble(0.5)));
    assert!(second.attributes.is_empty());
}

#[test]
fn what_belongs_to_a_resource_comes_together_whenever_it_was_recorded() {
    let [a, b] = ["a", "b"].map(|name| Resource::new([("k8s.pod.name", name)]));
    let [usage, time] = [metric("k8s.pod.cpu.usage"), metric("k8s.pod.cpu.time")];
    let mut sink = OtlpSink::new();
    for (resource, metric) in [(&a, usage), (&b, usage), (&a, time), (&a, usage)] {
        sink.record(resource, metric, &[], at(1));
    }
    let request = only_request(&mut sink);
    let found: Vec<Vec<(&str, usize)>> = request
        .resource_metrics
        .iter()
        .map(|resource| metrics(resource).iter().map(|m| (m.name.as_str(), points(m).len())).collect())
        .collect();
    let expected = [vec![("k8s.pod.cpu.time", 1), ("k8s.pod.cpu.usage", 2)], vec![("k8s.pod.cpu.usage", 1)]];
    assert_eq!(found, expected);
}

#[test]
fn receivers_and_scrapers_send_messages_of_their_own_about_the_same_resource() {
    let node = Resource::new([("k8s.node.name", "n")]);
    let mut sink = OtlpSink::new();
    for name in ["k8s.node.cpu.time", "k8s.node.condition_ready", "system.cpu.time", "system.memory.usage"] {
        sink.record(&node, metric(name), &[], at(1));
    }
    let request = only_request(&mut sink);
    let found: Vec<(&str, &str)> = request
        .resource_metrics
        .iter()
        .map(|resource| {
            let scope = resource.scope_metrics[0].scope.as_ref().unwrap();
            (scope.name.rsplit('/').next().unwrap(), resource.schema_url.as_str())
        })
        .collect();
    let schema = |version: &str| format!("https://opentelemetry.io/schemas/{version}");
    let (of_cluster, of_host) = (schema("1.18.0"), schema("1.9.0"));
    let expected = [
        ("kubeletstatsreceiver", ""),
        ("k8sclusterreceiver", &*of_cluster),
        ("cpuscraper", &*of_host),
        ("memoryscraper", &*of_host),
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_scrape_is_taken_once() {
    let mut sink = OtlpSink::new();
    assert!(sink.take().is_empty());
    for time in [1, 2] {
        let pod = Resource::new([("k8s.pod.name", "a")]);
        sink.record(&pod, metric("k8s.pod.cpu.time"), &[("interface", "eth0")], at(time));
        let request = only_request(&mut sink);
        let point = &points(&metrics(&request.resource_metrics[0])[0])[0];
        assert_eq!(point.time_unix_nano, u64::try_from(time).unwrap());
    }
    assert_eq!(sink.take().into_requests(1).next(), None);
}

/// A measurement as (resource, metric, attribute).
type Measured = (u8, usize, Option<u8>);

fn measured() -> impl Strategy<Value = Measured> {
    (0..4_u8, 0..3_usize, prop::option::of(0..3_u8))
}

proptest! {
    #[test]
    fn requests_are_full_and_together_have_every_point_once(
        all in prop::collection::vec(measured(), 0..200), most in 1..50_usize
    ) {
        let definitions = [metric("k8s.pod.cpu.time"), k8s_cluster::ALL[0], host_metrics::ALL[0]];
        let mut sink = OtlpSink::new();
        let mut expected = Vec::new();
        for (time, (resource, which, attribute)) in all.iter().enumerate() {
            let (pod, value) = (resource.to_string(), attribute.map(|value| value.to_string()));
            let pairs: Vec<Attribute<'_>> = value.iter().map(|value| ("a", value.as_str())).collect();
            let definition = definitions[*which];
            sink.record(&Resource::new([("k8s.pod.name", pod.as_str())]), definition, &pairs, at(i64::try_from(time).unwrap()));
            expected.push((pod, definition.name.to_owned(), value, time as u64));
        }
        let mut found = Vec::new();
        let requests: Vec<ExportRequest> = sink.take().into_requests(most).collect();
        for (index, request) in requests.iter().enumerate() {
            let before = found.len();
            // Through the wire, so that the encoding is part of it.
            let request = ExportRequest::decode(request.encode_to_vec().as_slice()).unwrap();
            for resource in &request.resource_metrics {
                let of_resource = &resource.resource.as_ref().unwrap().attributes;
                for metric in metrics(resource) {
                    prop_assert!(!points(metric).is_empty());
                    for point in points(metric) {
                        found.push((
                            attributes(of_resource)[0].1.to_owned(),
                            metric.name.clone(),
                            attributes(&point.attributes).first().map(|(_, value)| (*value).to_owned()),
                            point.time_unix_nano,
                        ));
                    }
                }
            }
            let points = found.len() - before;
            prop_assert!(points == most || (index + 1 == requests.len() && points < most), "{points} points");
        }
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
