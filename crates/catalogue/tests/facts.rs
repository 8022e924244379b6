//! The catalogue against the metrics that were observed on collector v0.161, where that record is at hand.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it compared and stops at what it cannot read"
)]

use std::collections::BTreeSet;
use std::path::Path;

use catalogue::prometheus::LGTM_PROMOTED;
use catalogue::{MetricDef, MetricKind, Switch, ValueType};
use serde_json::Value;

const FACTS: &str = "../../../shared/facts/otel-metrics.json";

fn observed() -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FACTS);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// As the record writes it, so that a difference is shown whole.
fn summary_of(metric: &MetricDef) -> String {
    let receiver = match metric.switch {
        Switch::Scraper(scraper) => format!("{}/{scraper}", metric.receiver.name()),
        _ => metric.receiver.name().to_owned(),
    };
    let attributes: BTreeSet<_> = metric.attributes.iter().copied().collect();
    format!(
        "{receiver} {} {:?} {:?} unit {:?} default {} {attributes:?} as {}",
        metric.name,
        metric.kind,
        metric.value_type,
        metric.unit,
        metric.on_by_default,
        metric.prometheus_name()
    )
}

fn summary_of_observed(fact: &Value) -> String {
    let seen = &fact["observed"];
    let kind = match (text(fact, "type"), fact["monotonic"].as_bool()) {
        ("sum", Some(true)) => MetricKind::Counter,
        ("sum", _) => MetricKind::UpDownCounter,
        _ => MetricKind::Gauge,
    };
    let value_type = match fact["value_type"].as_str().or(seen["value_type"][0].as_str()) {
        Some("int") => ValueType::Int,
        _ => ValueType::Double,
    };
    let attributes: BTreeSet<_> = match seen["attributes"].as_object() {
        Some(seen) => seen.keys().map(String::as_str).collect(),
        // Never sent on the recorded cluster: what the documentation says.
        None => fact["attributes"].as_array().into_iter().flatten().map(|a| text(a, "name")).collect(),
    };
    format!(
        "{} {} {kind:?} {value_type:?} unit {:?} default {} {attributes:?} as {}",
        text(fact, "receiver"),
        text(fact, "otel_name"),
        text(fact, "unit"),
        fact["enabled_by_default"],
        text(fact, "prometheus_name")
    )
}

#[test]
fn the_catalogue_has_exactly_the_observed_metrics() {
    let Some(facts) = observed() else { return };
    let expected: BTreeSet<_> = facts.iter().map(summary_of_observed).collect();
    let found: BTreeSet<_> = catalogue::all().map(summary_of).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    println!("{} metrics compared", facts.len());
}

#[test]
fn enumerated_attributes_have_all_observed_values() {
    let Some(facts) = observed() else { return };
    let mut compared = 0;
    for fact in &facts {
        let metric = catalogue::find(text(fact, "otel_name")).unwrap();
        for (attribute, values) in fact["observed"]["attributes"].as_object().into_iter().flatten() {
            let Some(known) = metric.values_of(attribute) else { continue };
            for value in values.as_array().into_iter().flatten() {
                let value = value.as_str().unwrap();
                assert!(known.contains(&value), "{} {attribute} lacks {value}", metric.name);
                compared += 1;
            }
        }
    }
    println!("{compared} values compared");
}

#[test]
fn resource_attributes_are_those_observed() {
    let Some(facts) = observed() else { return };
    // What receiver_creator, k8s_attributes and the resource processor add behind the receivers.
    let added = [
        "k8s.cluster.name",
        "k8s.node.name",
        "k8s.node.uid",
        "k8s.deployment.name",
        "k8s.replicaset.name",
        "k8s.statefulset.name",
        "k8s.daemonset.name",
        "k8s.job.name",
        "host.name",
    ];
    let mut compared = 0;
    for fact in &facts {
        let metric = catalogue::find(text(fact, "otel_name")).unwrap();
        for attribute in fact["observed"]["resource_attributes"].as_array().into_iter().flatten() {
            let key = attribute.as_str().unwrap();
            let known = metric.entity.attributes.iter().any(|known| known.key == key);
            assert!(known || added.contains(&key), "{} lacks {key}", metric.name);
            compared += 1;
        }
    }
    println!("{compared} resource attributes compared");
}

#[test]
fn metrics_that_lose_their_identity_in_lgtm_are_known() {
    let Some(facts) = observed() else { return };
    let mut losers = 0;
    for fact in &facts {
        let Some(expected) = fact["identity_lost_with_lgtm_promotion"].as_array() else { continue };
        let metric = catalogue::find(text(fact, "otel_name")).unwrap();
        let lost: Vec<_> = metric.identity_lost(LGTM_PROMOTED).collect();
        assert_eq!(
            lost,
            expected.iter().map(|key| key.as_str().unwrap()).collect::<Vec<_>>(),
            "{}",
            metric.name
        );
        losers += usize::from(!lost.is_empty());
    }
    println!("{losers} metrics lose their identity");
}
