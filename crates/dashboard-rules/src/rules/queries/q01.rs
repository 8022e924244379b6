//! Q01: a query that cannot be read.

use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q01",
    severity: Severity::Error,
    title: "every query is PromQL",
    why: "Prometheus answers a query that it cannot read with an error, and the panel shows a red corner and no data.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Query("sum by (k8s_namespace_name) (k8s_pod_phase{k8s_cluster_name=~\"$cluster\"}"),
    good: Example::Query("sum by (k8s_namespace_name) (k8s_pod_phase{k8s_cluster_name=~\"$cluster\"})"),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        let Some(Err(error)) = &query.expr else { continue };
        let place = dashboard.place_of_query(query, error.span);
        let finding = findings
            .add(place, format!("Prometheus cannot read this: {}", error.message.trim_end_matches('.')));
        if let Some(hint) = &error.hint {
            finding.note(hint.clone());
        }
    }
}
