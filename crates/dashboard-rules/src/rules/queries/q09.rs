//! Q09: sums of ratios.

use std::sync::Arc;

use promql::Function;
use promql::analysis::labels::{Labels, NameSet};
use promql::analysis::units::{Unit, Units};
use promql::ast::{Aggregate, AggregateOp, BinaryOp, Cardinality, Expr, ExprKind, Span};

use super::super::catalogue::metrics::{CLUSTER, Metrics, NODE};
use super::walk::{each, is_vector, selector, selectors};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject, variables_in};

pub(super) const RULE: Rule = Rule {
    id: "Q09",
    severity: Severity::Warning,
    title: "ratios are not added up",
    why: "Ten pods at half of their request make 500 % when their ratios are added, and an average counts the smallest pod as \
          much as the largest. The ratio of the sums is what is meant.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Stat(
        r#"{ "fieldConfig": { "defaults": { "unit": "percentunit" } }, "targets": { "0": { "expr": "sum(max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_request_utilization_ratio{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Stat(
        r#"{ "fieldConfig": { "defaults": { "unit": "percentunit" } }, "targets": { "0": { "expr": "sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"})) / sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_allocatable_memory_bytes{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        let (labels, units) = (metrics.labels(tree), metrics.units(tree));
        each(tree, &mut |part, _| {
            let ExprKind::Aggregate(aggregate) = &part.kind else { return };
            if let Some(ratio) = added_ratio(aggregate, &labels, &units) {
                let what = if aggregate.op == AggregateOp::Sum {
                    "adds up ratios, and the sum of several is no ratio of anything"
                } else {
                    "averages ratios, and a small whole counts as much as a large one"
                };
                let message = format!(
                    "{} {what}: divide the sum of the parts by the sum of the wholes",
                    aggregate.op.name()
                );
                let finding = findings.add(dashboard.place_of_query(query, aggregate.op_span), message);
                let text = super::walk::short(ratio.of(&query.text));
                finding.note(format!("the ratio is {text}"));
            }
        });
    }
}

/// The ratio that an aggregation adds up, where there is more than one for each group.
fn added_ratio(aggregate: &Aggregate, labels: &Labels, units: &Units) -> Option<Span> {
    let averages = match aggregate.op {
        AggregateOp::Sum => false,
        AggregateOp::Avg => true,
        _ => return None,
    };
    if !units.of(&aggregate.expr).unit().is_some_and(Unit::is_ratio) {
        return None;
    }
    // One for each group is added to nothing.
    if let Some(series) = labels.get(&aggregate.expr) {
        let by: NameSet = aggregate.grouping.iter().map(|label| Arc::from(label.as_str())).collect();
        let apart = if aggregate.without { None } else { series.undetermined_by(&by) };
        if apart.is_some_and(|apart| apart.is_empty() || are_states_of_one(&apart, &by, &aggregate.expr)) {
            return None;
        }
    }
    ratio(&aggregate.expr, averages)
}

/// Whether what is added up differs in its state only: idle, used and the others are parts of one whole, which is one CPU
/// or one memory. `by` and matchers with a variable choose which.
fn are_states_of_one(apart: &NameSet, by: &NameSet, expr: &Expr) -> bool {
    let of_nodes = [NODE, "host_name"].iter().any(|label| by.contains(*label) || is_chosen(expr, label));
    apart.contains("state")
        && apart.iter().all(|label| match &**label {
            "state" => true,
            CLUSTER => of_nodes,
            label => is_chosen(expr, label),
        })
}

/// Whether every selector is for the value of a variable in this label.
fn is_chosen(expr: &Expr, label: &str) -> bool {
    selectors(expr).iter().all(|(selector, _)| {
        selector.matchers.iter().any(|matcher| {
            matcher.matcher.name() == label && variables_in(matcher.matcher.value()).next().is_some()
        })
    })
}

/// Where the ratio is formed: a quotient, or a metric that is one.
fn ratio(expr: &Expr, averages: bool) -> Option<Span> {
    let expr = expr.without_parens();
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Div => {
            let shared_whole =
                matches!(binary.matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany)
                    || !is_vector(&binary.right);
            (!shared_whole).then_some(expr.span)
        }
        ExprKind::Aggregate(inner)
            if matches!(inner.op, AggregateOp::Max | AggregateOp::Min | AggregateOp::Avg) =>
        {
            ratio(&inner.expr, averages)
        }
        ExprKind::Call(call)
            if matches!(
                call.function,
                Function::LastOverTime
                    | Function::AvgOverTime
                    | Function::MaxOverTime
                    | Function::LabelReplace
            ) =>
        {
            ratio(call.arguments.first()?, averages)
        }
        // The average of equals is right: of CPUs, say.
        ExprKind::Vector(_) | ExprKind::Matrix(_) if !averages => selector(expr).map(|(_, span)| span),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn the_states_of_one_whole_do_add_up() {
        for (expr, found) in [
            (
                r#"sum by (k8s_node_name) (max by (k8s_cluster_name, k8s_node_name, state) (system_cpu_utilization_ratio{state!=\"idle\"}))"#,
                0,
            ),
            (
                r#"sum by (k8s_cluster_name, k8s_node_name) (system_memory_utilization_ratio{state=~\"used|buffered\"})"#,
                0,
            ),
            (
                r#"sum(system_cpu_utilization_ratio{k8s_cluster_name=~\"$cluster\",k8s_node_name=~\"$node\",state!=\"idle\"})"#,
                0,
            ),
            (r#"sum(system_cpu_utilization_ratio{state!=\"idle\"})"#, 1),
            (r#"sum by (state) (system_cpu_utilization_ratio)"#, 1),
            (r#"sum(k8s_pod_memory_request_utilization_ratio{k8s_pod_name=~\"$pod\"})"#, 1),
        ] {
            let patch = format!(r#"{{ "targets": {{ "0": {{ "expr": "{expr}" }} }} }}"#);
            let subject = examples::subject(&Example::Panel(Box::leak(patch.into_boxed_str())));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{expr}");
        }
    }
}
