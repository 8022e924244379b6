//! Q10: requests and limits of pods that have ended.

use labels::MatchOp;
use promql::analysis::labels::metric_name;
use promql::ast::{BinaryOp, Expr, ExprKind, VectorSelector};

use super::super::catalogue::metrics::{CLUSTER, Metrics};
use super::walk::{each, selector, selectors};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q10",
    severity: Severity::Warning,
    title: "requests and limits are those of pods that run",
    why: "k8s_cluster sends the requests of a pod for as long as the pod's object is there, also after it has ended: every \
          finished job would count as if it still held its resources.",
    needs: Needs::Catalogue,
    fix: Fixable::Yes("only what belongs to a pod that is Pending or Running is kept, by k8s_pod_phase"),
    bad: Example::Panel(
        r#"{ "title": "CPU requests", "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (k8s_container_cpu_request{k8s_cluster_name=~\"$cluster\"}))" } } }"#,
    ),
    good: Example::Panel(
        r#"{ "title": "CPU requests", "targets": { "0": { "expr": "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name, k8s_container_name) (k8s_container_cpu_request{k8s_cluster_name=~\"$cluster\"}) and on (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (min by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_phase{k8s_cluster_name=~\"$cluster\"}) <= 2))" } } }"#,
    ),
    check: Check::Dashboard(check),
};

const POD: [&str; 3] = [CLUSTER, "k8s_namespace_name", "k8s_pod_name"];

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        each(tree, &mut |part, around| {
            let Some((selector, span)) = selector(part) else { return };
            let declared = metrics.find(selector).is_some_and(|metric| {
                metric.name.starts_with("k8s.container.")
                    && (metric.name.ends_with("_request") || metric.name.ends_with("_limit"))
            });
            if !declared || !is_added(around) || is_filtered(part, around) {
                return;
            }
            let message = "this counts pods that have ended, too: keep those with k8s_pod_phase <= 2, Pending and Running";
            let bare = super::walk::bare_span(selector, span, &query.text);
            let finding = findings.add(dashboard.place_of_query(query, bare), message);
            finding.note(
                "… and on (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_phase <= 2), with the same matchers",
            );
            if let Some(fix) = fix(query, part, around, selector) {
                finding.fix(fix);
            }
        });
    }
}

/// Whether the values are added up; one pod by itself shows what it asked for, whether it runs or not.
fn is_added(around: &[&Expr]) -> bool {
    around.iter().any(
        |outer| matches!(&outer.kind, ExprKind::Aggregate(aggregate) if super::walk::counts_each(aggregate.op)),
    )
}

/// Whether it is joined with the phase of its pod, or with anything that is not known.
fn is_filtered(part: &Expr, around: &[&Expr]) -> bool {
    around.iter().any(|outer| {
        let ExprKind::Binary(binary) = &outer.kind else { return false };
        if !matches!(binary.op, BinaryOp::And | BinaryOp::Unless | BinaryOp::Mul) {
            return false;
        }
        let holds = |side: &Expr| side.span.start <= part.span.start && part.span.end <= side.span.end;
        let other = if holds(&binary.left) { &binary.right } else { &binary.left };
        selectors(other).iter().any(|(selector, _)| {
            metric_name(selector).is_none_or(|name| name == "k8s_pod_phase" || is_open(name))
        })
    })
}

/// Puts the condition behind the innermost aggregation that still has the pod's labels, or behind the metric itself.
fn fix(query: &Query, part: &Expr, around: &[&Expr], selector: &VectorSelector) -> Option<Fix> {
    let whole = around
        .iter()
        .rev()
        .find_map(|outer| match &outer.kind {
            ExprKind::Aggregate(aggregate) => Some((aggregate, *outer)),
            _ => None,
        })
        .filter(|(aggregate, _)| {
            !aggregate.without
                && !super::walk::counts_each(aggregate.op)
                && POD.iter().all(|label| aggregate.grouping.iter().any(|by| by == label))
        })
        .map_or_else(
            || {
                around
                    .iter()
                    .rev()
                    .take_while(|outer| matches!(outer.kind, ExprKind::Call(_)))
                    .last()
                    .map_or(part, |outer| *outer)
            },
            |(_, outer)| outer,
        );
    let matchers: Vec<&str> = selector
        .matchers
        .iter()
        .filter(|matcher| {
            let name = matcher.matcher.name();
            POD.contains(&name)
                || name == "k8s_node_name"
                || is_open(name)
                || matcher.matcher.op() == MatchOp::NotEqual && POD.contains(&name)
        })
        .map(|matcher| matcher.span.of(&query.text))
        .collect();
    let phase = if matchers.is_empty() {
        "k8s_pod_phase".to_owned()
    } else {
        format!("k8s_pod_phase{{{}}}", matchers.join(","))
    };
    let by = POD.join(", ");
    let text = whole.span.of(&query.text);
    let fixed = format!("({text} and on ({by}) (min by ({by}) ({phase}) <= 2))");
    Some(Fix::replace("only pods that are Pending or Running", query.pointer.clone(), whole.span, fixed))
}
