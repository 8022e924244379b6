//! Requests into the store: what they become, and what is refused.

use std::sync::Arc;

use otlp::message::{self, Data, ExportRequest};
use prometheus_server::otlp::OtlpRefusal;
use promql::is_stale_nan;
use prost::Message;
use tsdb::{Options, Store};

use crate::fixture::{
    JSON, NOW_MS, TIME_MS, contents, gauge, ingester, json, lines, point, protobuf, request, store, sum,
};

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
        data: Some(Data::ExponentialHistogram(message::ExponentialHistogram {})),
        ..Default::default()
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
fn of_a_refused_request_no_series_stay() {
    let store = store();
    let ingester = ingester(&store);
    let now = 10_000_000;
    let good = |name: &str| gauge(name, vec![point(&[("new", name)], 10_000, 1.0)]);
    ingester.ingest(&request(&[], good("first")), now).unwrap();
    let series = || (store.stats().series, store.stats().label_pairs);
    let before = series();
    for (at, wrong) in [
        gauge("old", vec![point(&[], 100, 1.0)]),
        gauge("early", vec![point(&[], 20_000, 1.0)]),
        gauge("first", vec![point(&[("new", "first")], 10_000, 2.0)]),
        sum("delta", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("new{at}");
        let mut mixed = request(&[("service.name", "s"), ("k8s.pod.name", "p"), ("rack", "7")], good(&name));
        mixed.resource_metrics[0].scope_metrics[0].metrics.push(good("again"));
        mixed.resource_metrics.extend(request(&[], wrong).resource_metrics);
        ingester.ingest(&mixed, now).unwrap_err();
        assert_eq!(series(), before, "request {at}");
    }
    // What was refused with the others is taken without them.
    ingester.ingest(&request(&[], good("again")), now).unwrap();
    assert!(lines(&store).contains(&r#"again{new="again"} 1@10000000"#.to_owned()), "{:?}", lines(&store));
}

#[test]
fn the_same_refusal_of_many_resources_is_one_line() {
    let mut many = request(&[("k8s.pod.name", "0")], sum("s", 1));
    for pod in 1..1_000 {
        many.resource_metrics
            .extend(request(&[("k8s.pod.name", &pod.to_string())], sum("s", 1)).resource_metrics);
    }
    let ingester = ingester(&store());
    let refusal = ingester.ingest(&many, 1_000_000).unwrap_err().to_string();
    assert_eq!(refusal, "invalid temporality and type combination for metric \"s\" (1000 times)");
    let refused = ingester.refused_requests();
    assert_eq!((refused.count, refused.latest_reason), (1, Some(refusal)));
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
fn of_a_request_that_is_damaged_further_down_nothing_is_stored() {
    let store = store();
    let ingester = ingester(&store);
    let mut bytes = request(&[], gauge("g", vec![point(&[], 1_000, 1.0)])).encode_to_vec();
    // Another resource, of one byte that is none.
    bytes.extend([0x0a, 1, 0xff]);
    let refusal = ingester.ingest_protobuf(bytes.into(), 2_000_000).unwrap_err();
    assert!(matches!(refusal, OtlpRefusal::Bytes(_)), "{refusal:?}");
    assert!(contents(&store).is_empty());
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

#[test]
fn another_value_refuses_a_request_only_at_the_newest_time_of_its_series() {
    let store = store();
    let ingester = ingester(&store);
    let of = |samples: &[(u64, f64)]| {
        let points = samples.iter().map(|(seconds, value)| point(&[], *seconds, *value)).collect();
        request(&[], gauge("g", points))
    };
    ingester.ingest(&of(&[(1_000, 1.0), (1_015, 2.0)]), 2_000_000).unwrap();
    // In the past Prometheus does not notice: the request is taken, and one of the two values stays.
    ingester.ingest(&of(&[(1_000, 7.0), (1_030, 3.0)]), 2_000_000).unwrap();
    assert_eq!(lines(&store), ["g 1@1000000 2@1015000 3@1030000"]);
    let refused = ingester.ingest(&of(&[(1_030, 7.0)]), 2_000_000).unwrap_err().to_string();
    assert_eq!(refused, "duplicate sample for timestamp; overrides not allowed: existing 3, new value 7");
}

#[test]
fn resources_whose_samples_lie_far_apart_cannot_fill_the_memory() {
    let now = 1_500_000;
    let old_and_new = || gauge("g", vec![point(&[], 10_000, 1.0), point(&[], now, 1.0)]);
    let resource = |number: u32| {
        let id = number.to_string();
        request(&[("service.name", "s"), ("service.instance.id", &id), ("rack", "7")], old_and_new())
            .resource_metrics
            .remove(0)
    };
    let many = ExportRequest { resource_metrics: (0..100).map(resource).collect() };
    let store = store();
    let refused = ingester(&store).ingest(&many, i64::try_from(now).unwrap() * 1_000);
    let message = "out of bounds: the samples lie too far apart";
    assert!(matches!(&refused, Err(OtlpRefusal::Samples(text)) if text.starts_with(message)), "{refused:?}");
    assert!(contents(&store).is_empty());
}
