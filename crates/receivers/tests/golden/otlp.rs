//! A reader for OTLP exports in JSON, as far as the record needs it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::compare::Named;
use crate::record::describe;

/// The points of an export, as [`describe`] writes them.
pub(crate) fn points(export: &Value) -> Named {
    let mut named = Named::new();
    for resource_metrics in array(export, "resourceMetrics") {
        let resource = attributes(&resource_metrics["resource"]);
        for scope_metrics in array(resource_metrics, "scopeMetrics") {
            for metric in array(scope_metrics, "metrics") {
                add_metric(&mut named, &resource, metric);
            }
        }
    }
    named
}

fn add_metric(named: &mut Named, resource: &BTreeMap<String, String>, metric: &Value) {
    let (kind, data) = match (metric.get("gauge"), metric.get("sum")) {
        (Some(gauge), _) => ("gauge", gauge),
        (None, Some(sum)) if sum["isMonotonic"].as_bool() == Some(true) => ("counter", sum),
        (None, Some(sum)) => ("sum", sum),
        (None, None) => panic!("neither gauge nor sum: {metric}"),
    };
    for point in array(data, "dataPoints") {
        let value = match point["asInt"].as_str() {
            Some(int) => format!("int {int}"),
            None => format!("double {:?}", point["asDouble"].as_f64().unwrap()),
        };
        let unit = metric["unit"].as_str().unwrap_or_default();
        let name = metric["name"].as_str().unwrap();
        let times = (nanoseconds(point, "startTimeUnixNano"), nanoseconds(point, "timeUnixNano").unwrap());
        let (name, value) = describe(name, &attributes(point), resource, &[kind, &value, unit], times);
        assert!(named.insert(name.clone(), value).is_none(), "twice in the export: {name}");
    }
}

/// The time of the first point of this metric.
pub(crate) fn time_of(export: &Value) -> i64 {
    nanoseconds(first_point(export, |_| true).unwrap(), "timeUnixNano").unwrap()
}

/// The start timestamp of the first point of this metric.
pub(crate) fn start_of(export: &Value, metric: &str) -> i64 {
    let point = first_point(export, |name| name == metric).unwrap();
    nanoseconds(point, "startTimeUnixNano").unwrap()
}

fn first_point(export: &Value, wanted: impl Fn(&str) -> bool) -> Option<&Value> {
    array(export, "resourceMetrics")
        .iter()
        .flat_map(|resource| array(resource, "scopeMetrics"))
        .flat_map(|scope| array(scope, "metrics"))
        .filter(|metric| metric["name"].as_str().is_some_and(&wanted))
        .filter_map(|metric| metric.get("gauge").or(metric.get("sum")))
        .flat_map(|data| array(data, "dataPoints"))
        .next()
}

fn nanoseconds(point: &Value, key: &str) -> Option<i64> {
    point[key].as_str().map(|text| text.parse().unwrap())
}

fn attributes(of: &Value) -> BTreeMap<String, String> {
    array(of, "attributes")
        .iter()
        .map(|attribute| {
            let value = match &attribute["value"] {
                Value::Object(variants) => variants.values().next().unwrap(),
                other => panic!("an attribute without a value: {other}"),
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (attribute["key"].as_str().unwrap().to_owned(), text)
        })
        .collect()
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}
