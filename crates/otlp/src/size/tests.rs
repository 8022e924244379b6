use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::message::{Data, ExportRequest, Gauge, NumberValue, Resource, ResourceMetrics, Value};

const MOST_BODY: usize = 32 << 20;

/// A field with a length, around these bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![tag << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend(bytes);
    field
}

/// A body of 32 MiB: `inner` again and again inside of the fields `path`, the outermost first.
fn bomb(path: &[u8], inner: &[u8]) -> Vec<u8> {
    let body = inner.repeat((MOST_BODY - 64) / inner.len());
    path.iter().rev().fold(body, |body, tag| field(*tag, &body))
}

#[test]
fn small_bodies_that_stand_for_gigabytes_are_refused() {
    let empty = |tag| field(tag, &[]);
    for (what, body) in [
        ("empty scopes", bomb(&[1], &empty(2))),
        ("empty metrics", bomb(&[1, 2], &empty(2))),
        ("scopes of an empty metric", bomb(&[1], &field(2, &empty(2)))),
        ("empty gauge points", bomb(&[1, 2, 2, 5], &empty(1))),
        ("empty sum points", bomb(&[1, 2, 2, 7], &empty(1))),
        ("points with an empty attribute", bomb(&[1, 2, 2, 5], &field(1, &empty(7)))),
        ("empty histogram points", bomb(&[1, 2, 2, 9], &empty(1))),
        ("empty summary points", bomb(&[1, 2, 2, 11], &empty(1))),
        ("empty quantiles", bomb(&[1, 2, 2, 11, 1], &empty(6))),
        ("empty attributes", bomb(&[1, 1], &empty(1))),
        ("empty entries of a map", bomb(&[1, 1, 1, 2, 6], &empty(1))),
        ("resources of one byte", bomb(&[], &field(1, &empty(3)))),
    ] {
        assert!(body.len() <= MOST_BODY, "{what}");
        let refused = check_protobuf_size(&body).expect_err(what);
        assert!(refused.estimated_bytes > MOST_REQUEST_MEMORY, "{what}");
    }
    // A byte too many at the end makes it no message; the decoder would notice when all is in memory.
    let mut damaged = bomb(&[1, 2], &empty(2));
    damaged.push(0xff);
    assert!(check_protobuf_size(&damaged).is_err());
    let list =
        |item: &str| format!(r#"{{"resourceMetrics":[{}{{}}]}}"#, item.repeat((MOST_BODY - 64) / item.len()));
    for body in [list("{},"), list(r#"{"scopeMetrics":[{}]},"#), list("1,")] {
        assert!(body.len() <= MOST_BODY);
        assert!(check_json_size(body.as_bytes()).is_err(), "{}", &body[..50]);
    }
}

#[test]
fn what_is_wrong_is_told_with_both_sizes() {
    let message = check_protobuf_size(&bomb(&[1, 2], &field(2, &[]))).unwrap_err().to_string();
    assert!(message.starts_with("the request is too large: unpacked it would take some "), "{message}");
    assert!(message.ends_with("and 512 MiB are allowed; send fewer data points at a time"), "{message}");
}

/// A point as applications send them: two attributes, both times.
fn point(at: u64) -> NumberDataPoint {
    let attribute = |key: &str, value: String| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::String(value)) }),
    };
    NumberDataPoint {
        start_time_unix_nano: 1_700_000_000_000_000_000,
        time_unix_nano: 1_700_000_000_000_000_000 + at,
        attributes: vec![
            attribute("interface", "eth0".to_owned()),
            attribute("k8s.pod.name", format!("pod-{at}")),
        ],
        value: Some(NumberValue::AsDouble(at as f64 * 0.1)),
        ..Default::default()
    }
}

fn request(points: u64) -> ExportRequest {
    let data = Some(Data::Gauge(Gauge { data_points: (0..points).map(point).collect() }));
    let metric = Metric { name: "k8s.pod.network.io".to_owned(), data, ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    let resource = Some(Resource { attributes: point(0).attributes });
    ExportRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }],
    }
}

#[test]
fn the_largest_bodies_of_real_points_are_taken() {
    let one = request(2).encoded_len() - request(1).encoded_len();
    let body = request((MOST_BODY / one) as u64 - 20_000).encode_to_vec();
    assert!(body.len() > MOST_BODY * 9 / 10 && body.len() <= MOST_BODY, "{}", body.len());
    assert_eq!(check_protobuf_size(&body), Ok(()));
    let point = r#"{"attributes":[{"key":"interface","value":{"stringValue":"eth0"}}],"timeUnixNano":"1700000000000000000","asDouble":0.1},"#;
    assert_eq!(check_json_size(point.repeat(MOST_BODY / point.len()).as_bytes()), Ok(()));
}

#[test]
fn bodies_below_the_closer_look_cannot_be_too_large() {
    let small = MOST_REQUEST_MEMORY / MOST_MEMORY_PER_BYTE;
    for inner in [field(2, &field(2, &[])), field(2, &field(2, &field(9, &field(1, &[]))))] {
        let body = field(1, &inner.repeat(small / inner.len()));
        assert!(estimate_protobuf(&body) <= MOST_REQUEST_MEMORY, "{}", estimate_protobuf(&body));
    }
    assert!(estimate_json("{},".repeat(small / 3).as_bytes()) <= MOST_REQUEST_MEMORY);
}

/// What a list of these really holds in memory.
fn held<T>(list: &Vec<T>, of: impl Fn(&T) -> usize) -> usize {
    list.capacity() * size_of::<T>() + list.iter().map(of).sum::<usize>()
}

fn held_by_any(any: &AnyValue) -> usize {
    match &any.value {
        Some(Value::String(text)) => text.capacity(),
        Some(Value::Bytes(bytes)) => bytes.capacity(),
        Some(Value::Array(array)) => held(&array.values, held_by_any),
        Some(Value::Map(map)) => held(&map.values, held_by_attribute),
        _ => 0,
    }
}

fn held_by_attribute(attribute: &KeyValue) -> usize {
    attribute.key.capacity() + attribute.value.as_ref().map_or(0, held_by_any)
}

fn held_by_metric(metric: &Metric) -> usize {
    let texts = metric.name.capacity() + metric.description.capacity() + metric.unit.capacity();
    let numbers = |points: &Vec<NumberDataPoint>| held(points, |p| held(&p.attributes, held_by_attribute));
    texts
        + match &metric.data {
            Some(Data::Gauge(gauge)) => numbers(&gauge.data_points),
            Some(Data::Sum(sum)) => numbers(&sum.data_points),
            Some(Data::Histogram(histogram)) => held(&histogram.data_points, |p| {
                held(&p.attributes, held_by_attribute)
                    + held(&p.bucket_counts, |_| 0)
                    + held(&p.explicit_bounds, |_| 0)
            }),
            Some(Data::Summary(summary)) => held(&summary.data_points, |p| {
                held(&p.attributes, held_by_attribute) + held(&p.quantile_values, |_| 0)
            }),
            _ => 0,
        }
}

fn held_by_resource(resource: &ResourceMetrics) -> usize {
    let attributes = resource.resource.as_ref().map_or(0, |r| held(&r.attributes, held_by_attribute));
    let scopes = held(&resource.scope_metrics, |scope| held(&scope.metrics, held_by_metric));
    attributes + scopes + resource.schema_url.capacity()
}

proptest! {
    /// Whatever the decoder makes of some bytes, the estimate was not below it.
    #[test]
    fn nothing_takes_more_than_was_estimated(
        items in prop::collection::vec((1_u8..12, 0_usize..6, 0_usize..5), 1..60)
    ) {
        // Random nesting of fields that messages have: most of it decodes.
        let mut stack = vec![Vec::new()];
        for (tag, up, repeat) in items {
            let inner = stack.pop().unwrap_or_default();
            let wrapped = field(tag, &inner).repeat(repeat.max(1));
            let next = if up == 0 { wrapped } else { [inner, field(tag, &[])].concat() };
            stack.push(next);
        }
        let body = stack.pop().unwrap_or_default();
        if let Ok(resource) = ResourceMetrics::decode(&body[..]) {
            let request = field(1, &body);
            prop_assert!(estimate_protobuf(&request) >= held_by_resource(&resource));
        }
    }

    #[test]
    fn no_bytes_break_the_estimate(bytes in any::<Vec<u8>>()) {
        estimate_protobuf(&bytes);
        let mut cost = Cost::default();
        cost.message(&RESOURCE_METRICS, &bytes, 1);
    }
}
