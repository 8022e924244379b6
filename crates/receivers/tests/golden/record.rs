//! A sink that writes down what it takes.

use std::collections::BTreeMap;

use catalogue::prometheus::{promoted, series_labels};
use catalogue::{Attribute, MetricDef, MetricKind, Number, Point, Resource, Sink, ValueType};

use crate::compare::Named;

/// Everything that was recorded, as OTLP points and as Prometheus series.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) points: Named,
    pub(crate) series: Named,
}

impl Sink for Recording {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        let kind = match metric.kind {
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
            MetricKind::UpDownCounter => "sum",
        };
        let value = match (point.value, metric.value_type) {
            (Number::Int(value), ValueType::Int) => format!("int {value}"),
            (Number::Double(value), ValueType::Double) => format!("double {value:?}"),
            (value, _) => panic!("{}: {value:?} is not of the catalogue's type", metric.name),
        };
        for (key, _) in attributes {
            assert!(metric.attributes.contains(key), "{}: {key} is not in the catalogue", metric.name);
        }
        let of_point =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let of_resource =
            resource.attributes().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let says = [kind, &value, metric.unit];
        let (name, text) =
            describe(metric.name, &of_point, &of_resource, &says, (point.start_ns, point.time_ns));
        assert!(self.points.insert(name.clone(), text).is_none(), "recorded twice: {name}");

        let labels = series_labels(resource, metric, attributes, promoted());
        self.series.insert(labels.to_string(), format!("{:?}", point.value.as_f64()));
    }
}

/// A point as a name and a value: what it is about, and what it says.
pub(crate) fn describe(
    metric: &str,
    attributes: &BTreeMap<String, String>,
    resource: &BTreeMap<String, String>,
    says: &[&str],
    (start_ns, time_ns): (Option<i64>, i64),
) -> (String, String) {
    let list = |pairs: &BTreeMap<String, String>| {
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    let start = start_ns.map_or_else(String::new, |start| format!(" since {start}"));
    let name = format!("{metric}{{{}}} of {{{}}}", list(attributes), list(resource));
    (name, format!("{} at {time_ns}{start}", says.join(" ")))
}
