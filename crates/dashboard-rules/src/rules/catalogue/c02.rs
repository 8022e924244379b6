//! C02: a label that a metric does not have, or a value that it never takes.

use catalogue::{MetricDef, prometheus};
use labels::{METRIC_NAME, MatchOp};
use promql::analysis::labels::{Schema, SeriesLabels};
use promql::ast::LabelMatcher;

use super::super::queries::q06;
use super::super::queries::walk::{list, selectors};
use super::metrics::{Metrics, unpromoted};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "C02",
    severity: Severity::Error,
    title: "every label is one that the metric has, with a value that it takes",
    why: "A matcher for a label that is not there finds nothing, and grouping by it gives one series instead of many.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\",k8s_container_name!=\"\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (container_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\",k8s_container_name!=\"\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in &dashboard.queries {
        let Some(tree) = query.tree() else { continue };
        for (selector, _) in selectors(tree) {
            let Some(metric) = metrics.find(selector) else { continue };
            let Some(series) = metrics.series(selector) else { continue };
            for matcher in &selector.matchers {
                at_matcher(dashboard, query, metric, &series, matcher, findings);
            }
        }
        let labels = metrics.labels(tree);
        for lost in q06::lost_labels(tree, &query.text, &labels).iter().filter(|lost| !lost.existed) {
            let inside = selectors(lost.inside);
            let [(selector, _)] = inside[..] else {
                if !inside.is_empty() {
                    let message =
                        format!("none of the metrics inside has a label {}: take it out", lost.label);
                    findings.add(dashboard.place_of_query(query, lost.span), message);
                }
                continue;
            };
            if let Some(metric) = metrics.find(selector) {
                let message = format!(
                    "{} {} label {}: {}",
                    metric.prometheus_name(),
                    has_no(metric, lost.label),
                    lost.label,
                    advice(metric, lost.label)
                );
                findings.add(dashboard.place_of_query(query, lost.span), message);
            }
        }
    }
}

fn at_matcher(
    dashboard: &Dashboard,
    query: &Query,
    metric: &'static MetricDef,
    series: &SeriesLabels,
    matcher: &LabelMatcher,
    findings: &mut Findings<'_>,
) {
    let condition = &matcher.matcher;
    let label = condition.name();
    if label == METRIC_NAME || is_open(label) {
        return;
    }
    let place = dashboard.place_of_query(query, matcher.span);
    if !series.can.contains(label) {
        // What asks for the label to be missing finds everything, all others nothing.
        let says_nothing = condition.matches_empty();
        let message = format!(
            "{} {} label {label}{}: {}",
            metric.prometheus_name(),
            has_no(metric, label),
            if says_nothing { ", so that this says nothing" } else { "" },
            advice(metric, label)
        );
        findings.add(place, message);
        return;
    }
    let Some(values) = metric
        .attribute_values
        .iter()
        .find(|values| prometheus::label_name(values.attribute) == label)
        .map(|values| values.values)
    else {
        return;
    };
    if is_open(condition.value()) || condition.matches_empty() && condition.value().is_empty() {
        return;
    }
    let known = |value: &str| values.contains(&value);
    let wrong = match condition.op() {
        MatchOp::Equal => (!known(condition.value())).then(|| condition.value().to_owned()),
        MatchOp::NotEqual => {
            (!condition.value().is_empty() && !known(condition.value())).then(|| condition.value().to_owned())
        }
        // One alternative that is never there is a slip as well.
        MatchOp::Regex | MatchOp::NotRegex => {
            let alternatives: Option<Vec<String>> = if condition.op() == MatchOp::Regex {
                condition.only_values().map(|values| values.map(str::to_owned).collect())
            } else {
                condition.excluded_values().map(|values| values.map(str::to_owned).collect())
            };
            match alternatives {
                Some(list) => list.into_iter().find(|value| !value.is_empty() && !known(value)),
                None if condition.op() == MatchOp::Regex
                    && !values.iter().any(|value| condition.matches(value)) =>
                {
                    Some(condition.value().to_owned())
                }
                None => None,
            }
        }
    };
    if let Some(wrong) = wrong {
        let nearest = values.iter().min_by_key(|value| strsim::damerau_levenshtein(value, &wrong));
        let near = nearest.filter(|value| strsim::damerau_levenshtein(value, &wrong) <= 3);
        let advice =
            near.map_or_else(|| format!("it is one of {}", list(values)), |value| format!("write {value:?}"));
        findings.add(place, format!("{label} of {} is never {wrong:?}: {advice}", metric.prometheus_name()));
    }
}

/// Whether a label is missing depends on the settings of Prometheus where there is an attribute for it.
fn has_no(metric: &MetricDef, label: &str) -> &'static str {
    if unpromoted(metric, label).is_some() { "may have no" } else { "has no" }
}

/// What to write instead.
fn advice(metric: &'static MetricDef, label: &str) -> String {
    if let Some(key) = unpromoted(metric, label) {
        return format!(
            "{key} is an attribute of its resource that is not promoted by default: Prometheus makes a label of it only \
             where promote_resource_attributes says so; add it there, or use another label"
        );
    }
    let has = metric_labels(metric);
    let nearest = has
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, label), known))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    // `namespace` is what Prometheus' own exporters call it.
    let ours = has.iter().find(|known| {
        known
            .strip_prefix("k8s_")
            .and_then(|rest| rest.strip_suffix("_name"))
            .is_some_and(|middle| middle == label.strip_prefix("k8s_").unwrap_or(label))
    });
    match (ours, nearest) {
        (Some(known), _) | (None, Some((_, known))) => format!("write {known}"),
        (None, None) => format!("it has {}", list(&has)),
    }
}

/// The labels that a reader may want: attributes, and what the object is called.
fn metric_labels(metric: &MetricDef) -> Vec<String> {
    let mut labels: Vec<String> = ["k8s.cluster.name"]
        .iter()
        .chain(metric.entity.identity)
        .chain(if metric.entity.identity.is_empty() { &["k8s.node.name"][..] } else { &[] })
        .chain(metric.attributes)
        .map(|key| prometheus::label_name(key))
        .collect();
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn it_is_said_what_to_write_instead_or_on_what_it_depends() {
        for (expr, expected) in [
            ("k8s_pod_phase{k8s_namespace=\"a\"}", "has no label k8s_namespace: write k8s_namespace_name"),
            ("k8s_pod_phase{namespace=\"a\"}", "has no label namespace: write k8s_namespace_name"),
            (
                "k8s_pod_phase{k8s_pod_uid=\"a\"}",
                "may have no label k8s_pod_uid: k8s.pod.uid is an attribute of its resource that is not promoted by default",
            ),
        ] {
            let patch = serde_json::json!({ "targets": { "0": { "expr": expr } } });
            let patch: &'static str = Box::leak(patch.to_string().into_boxed_str());
            let report = check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE]));
            let messages: Vec<String> = report.findings.into_iter().map(|finding| finding.message).collect();
            assert!(matches!(&messages[..], [one] if one.contains(expected)), "{expr}: {messages:?}");
        }
    }
}
