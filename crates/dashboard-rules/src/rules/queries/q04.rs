//! Q04: a query that asks for nothing.

use grafana::variables::references;

use super::walk::{selectors, short};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q04",
    severity: Severity::Error,
    title: "a query asks for a metric",
    why: "A zero that stands for \"not yet built\" looks like a measurement: nobody can tell it from a quiet cluster.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Query("vector(0)"),
    good: Example::Query(
        "sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_condition_ready{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        // A variable may hold a query.
        let is_open = references(&query.text).any(|reference| !reference.name.starts_with("__"));
        let hidden = dashboard.target_of(query).is_some_and(|target| target.hide);
        if is_open || hidden || !selectors(tree).is_empty() {
            continue;
        }
        let message = format!(
            "{} asks for no metric, so it shows the same on every cluster: write the query, or remove it (and the panel, if \
             nothing measures what it is about)",
            short(&query.text)
        );
        findings.add(dashboard.place_of_query(query, tree.span), message);
    }
}
