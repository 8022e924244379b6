//! OTLP messages: the collector's against those that an OTLP sink makes of our measurements.
//!
//! Not compared: the words of descriptions, which are our own, and entity references, which are not sent.

use ::otlp::OtlpSink;
use ::otlp::message::{AnyValue, Data, ExportRequest, KeyValue, NumberDataPoint, ResourceMetrics, Value};
use prost::Message;

use crate::compare::Named;
use crate::replay::Golden;

/// What messages say.
#[derive(Default)]
pub(crate) struct Exported {
    /// How many messages about a resource there are.
    pub(crate) resources: usize,
    /// What each metric of each resource says about itself.
    pub(crate) metrics: Named,
    /// What each point says.
    pub(crate) points: Named,
}

/// What the collector sent.
pub(crate) fn real(golden: &Golden) -> Exported {
    let mut exported = Exported::default();
    for export in golden.exports() {
        exported.add(&serde_json::from_value(export.clone()).unwrap());
    }
    exported
}

/// What we would send, in requests small enough to cut resources and metrics in two.
pub(crate) fn ours(golden: &Golden) -> Exported {
    let mut whole = Exported::default();
    for most_points in [usize::MAX, 7] {
        let mut sink = OtlpSink::new();
        golden.scrape_into(&mut sink);
        golden.collect_into(&mut sink);
        let mut exported = Exported::default();
        for request in sink.take().into_requests(most_points) {
            exported.add(&ExportRequest::decode(request.encode_to_vec().as_slice()).unwrap());
        }
        if most_points == usize::MAX {
            whole = exported;
        } else {
            assert_eq!((&exported.metrics, &exported.points), (&whole.metrics, &whole.points));
        }
    }
    whole
}

impl Exported {
    fn add(&mut self, request: &ExportRequest) {
        for message in &request.resource_metrics {
            self.resources += 1;
            self.add_resource(message);
        }
    }

    fn add_resource(&mut self, message: &ResourceMetrics) {
        let resource = attributes(&message.resource.as_ref().unwrap().attributes);
        for scope_metrics in &message.scope_metrics {
            let scope = scope_metrics.scope.as_ref().unwrap();
            for metric in &scope_metrics.metrics {
                let name = format!("{} of {{{resource}}} by {}", metric.name, scope.name);
                let (kind, points) = match metric.data.as_ref().unwrap() {
                    Data::Gauge(gauge) => ("gauge".to_owned(), &gauge.data_points),
                    Data::Sum(sum) => {
                        let (temporality, monotonic) = (sum.aggregation_temporality, sum.is_monotonic);
                        (format!("sum, temporality {temporality}, monotonic {monotonic}"), &sum.data_points)
                    }
                    other => panic!("{name}: {other:?}"),
                };
                points.iter().for_each(|point| self.add_point(&name, point));
                let described = !metric.description.is_empty();
                let of_scope = format!("version {}, schema {}", scope.version, message.schema_url);
                let says = format!("{kind}, unit {}, described {described}, {of_scope}", metric.unit);
                self.metrics.insert(name, says);
            }
        }
    }

    fn add_point(&mut self, metric: &str, point: &NumberDataPoint) {
        let name = format!("{{{}}} of {metric}", attributes(&point.attributes));
        let NumberDataPoint { start_time_unix_nano, time_unix_nano, flags, value, .. } = point;
        let says = format!("{value:?} at {time_unix_nano} since {start_time_unix_nano}, flags {flags}");
        assert!(self.points.insert(name.clone(), says).is_none(), "sent twice: {name}");
    }
}

fn attributes(of: &[KeyValue]) -> String {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::String(text)) => text.clone(),
        // `k8s.service.publish_not_ready_addresses` is one in the collector, and text in ours.
        Some(Value::Bool(yes)) => yes.to_string(),
        other => panic!("{other:?}"),
    };
    let mut pairs: Vec<String> =
        of.iter().map(|pair| format!("{}={}", pair.key, text(&pair.value))).collect();
    pairs.sort();
    pairs.join(" ")
}
