//! C04: metrics that have to be switched on.

use std::collections::BTreeMap;

use catalogue::{MetricDef, Switch};

use super::super::queries::walk::{bare_span, selectors};
use super::metrics::Metrics;
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "C04",
    severity: Severity::Warning,
    title: "a panel says which settings of the collector it needs",
    why: "Who did not switch the metric on sees an empty panel, and has no way to find out why.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Stat(
        r#"{ "description": "How long the nodes are up.\n\n**Receiver:** kubelet_stats.", "fieldConfig": { "defaults": { "unit": "s" } }, "targets": { "0": { "expr": "min(max by (k8s_cluster_name, k8s_node_name) (k8s_node_uptime_seconds_total{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Stat(
        r#"{ "description": "How long the nodes are up.\n\n**Receiver:** kubelet_stats, with `k8s.node.uptime` switched on.", "fieldConfig": { "defaults": { "unit": "s" } }, "targets": { "0": { "expr": "min(max by (k8s_cluster_name, k8s_node_name) (k8s_node_uptime_seconds_total{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, subject: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    let about_telemetry = (dashboard.style == Style::House).then(|| telemetry(subject)).flatten();
    for (index, panel) in dashboard.panels() {
        let description = format!(
            "{} {}",
            panel.description.as_deref().unwrap_or_default(),
            dashboard.model.description.as_deref().unwrap_or_default()
        );
        let mut told: BTreeMap<&str, ()> = BTreeMap::new();
        for query in dashboard.queries_of(index) {
            for (selector, span) in query.tree().map(selectors).unwrap_or_default() {
                let Some(metric) = metrics.find(selector).filter(|metric| !metric.on_by_default) else {
                    continue;
                };
                let place = || dashboard.place_of_query(query, bare_span(selector, span, &query.text));
                if told.insert(metric.name, ()).is_some() {
                    continue;
                }
                let wanted = settings(metric);
                if !wanted.iter().any(|setting| description.contains(setting.as_str())) {
                    let message = format!(
                        "{} is off by default and the description does not say so: add \"with {} switched on\" to it",
                        metric.name,
                        wanted.first().map_or(metric.name, String::as_str)
                    );
                    findings.add(place(), message);
                }
                if let Some(telemetry) = about_telemetry
                    && !is_listed(telemetry, metric)
                {
                    let message = format!(
                        "{} is off by default and {:?} does not show whether it arrives: add it there",
                        metric.name, telemetry.model.title
                    );
                    findings.add(place(), message);
                }
            }
        }
    }
}

/// What a description may name: the metric, or what switches it on.
fn settings(metric: &MetricDef) -> Vec<String> {
    let mut list = match metric.switch {
        Switch::Allocatable(_) => vec!["allocatable_types_to_report".to_owned()],
        Switch::NodeCondition(_) => vec!["node_conditions_to_report".to_owned()],
        // `metric_groups: [volume]` alone does not switch on what is off in the group.
        Switch::Metric | Switch::Group(_) | Switch::Scraper(_) | Switch::OpenShift => Vec::new(),
    };
    list.push(metric.name.to_owned());
    list
}

/// The dashboard that tells what arrives.
fn telemetry(subject: &Subject) -> Option<&Dashboard> {
    subject
        .dashboards
        .iter()
        .find(|dashboard| dashboard.model.uid.as_deref().is_some_and(|uid| uid.ends_with("telemetry")))
}

/// Whether it asks for the metric, or for one that the same setting switches on.
fn is_listed(telemetry: &Dashboard, metric: &MetricDef) -> bool {
    let metrics = Metrics::of(telemetry);
    telemetry.queries.iter().any(|query| {
        query.tree().map(selectors).unwrap_or_default().iter().any(|(selector, _)| {
            metrics.find(selector).is_some_and(|other| {
                other.name == metric.name
                    || matches!(
                        (other.switch, metric.switch),
                        (Switch::Allocatable(_), Switch::Allocatable(_))
                            | (Switch::NodeCondition(_), Switch::NodeCondition(_))
                    )
            })
        })
    })
}
