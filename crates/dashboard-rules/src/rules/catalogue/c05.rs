//! C05: metrics that have got another name.

use promql::analysis::labels::metric_name;

use super::super::queries::walk::{bare_span, name_span, selectors};
use super::renamed;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "C05",
    severity: Severity::Warning,
    title: "no metric is asked for by the name that it had once",
    why: "Collectors of today do not send the old name, so the panel is empty after an upgrade.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("the metric gets its new name"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_cpu_utilization_ratio{k8s_cluster_name=~\"$cluster\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_cpu_usage{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        for (selector, span) in query.tree().map(selectors).unwrap_or_default() {
            let Some(name) = metric_name(selector) else { continue };
            let Some(new) = renamed::new_name(name) else { continue };
            let at = name_span(selector, span, &query.text);
            let place = at.unwrap_or_else(|| bare_span(selector, span, &query.text));
            let message = format!("{name} is called {new} in today's collectors: write that");
            let finding = findings.add(dashboard.place_of_query(query, place), message);
            if let Some(at) = at {
                finding.fix(Fix::replace(format!("write {new}"), query.pointer.clone(), at, new));
            }
        }
    }
}
