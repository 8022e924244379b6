//! Q11: joins that cannot work.

use std::sync::Arc;

use promql::analysis::labels::{JoinProblem, Labels, NameSet, Side, problems};
use promql::ast::{Binary, BinaryOp, Expr, ExprKind, VectorMatching};

use super::super::catalogue::metrics::{CLUSTER, Metrics, has_clusters};
use super::q06;
use super::walk::{each, is_vector, list};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q11",
    severity: Severity::Error,
    title: "what is joined finds each other, one to one or one to many",
    why: "Prometheus refuses to match several series with several, and finds no match where one side lacks a label that the \
          other has. Both show as an empty panel, often only once a second pod of a kind is there.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Query(
        "max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}) / on (k8s_cluster_name, k8s_namespace_name) max by (k8s_cluster_name, k8s_namespace_name) (k8s_pod_memory_usage_bytes{k8s_cluster_name=~\"$cluster\"})",
    ),
    good: Example::Query(
        "max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}) / on (k8s_cluster_name, k8s_namespace_name) group_left () max by (k8s_cluster_name, k8s_namespace_name) (k8s_pod_memory_usage_bytes{k8s_cluster_name=~\"$cluster\"})",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    let clusters = has_clusters(dashboard);
    for query in &dashboard.queries {
        let Some(tree) = query.tree() else { continue };
        let labels = metrics.labels(tree);
        each(tree, &mut |part, _| {
            let ExprKind::Binary(binary) = &part.kind else { return };
            if binary.matching.labels.iter().any(|label| is_open(label)) {
                return;
            }
            let look = Look { dashboard, query, labels: &labels, clusters };
            look.at(binary, part, findings);
        });
    }
}

struct Look<'a> {
    dashboard: &'a Dashboard,
    query: &'a Query,
    labels: &'a Labels,
    clusters: bool,
}

impl Look<'_> {
    fn at(&self, binary: &Binary, part: &Expr, findings: &mut Findings<'_>) {
        let (Some(left), Some(right)) = (self.labels.get(&binary.left), self.labels.get(&binary.right))
        else {
            return;
        };
        // A label that was dropped on the way to a matcher is told by another rule.
        let is_told = |label: &str| {
            q06::lost_labels(part, &self.query.text, self.labels).iter().any(|lost| lost.label == label)
        };
        let matching = &binary.matching;
        let span = if matching.span.start < matching.span.end {
            binary.op_span.to(matching.span)
        } else {
            binary.op_span
        };
        for problem in problems(binary, left, right) {
            let message = match problem {
                JoinProblem::NeverMatches { label, lacking } => {
                    if matching.on && is_told(&label) {
                        continue;
                    }
                    format!(
                        "nothing ever matches: every series on the {} has {label}, and none on the {} does: aggregate both \
                         sides by the same labels, or write on (…) with those that both have",
                        side(other(lacking)),
                        side(lacking),
                    )
                }
                JoinProblem::Ambiguous { side: at, labels } => {
                    let Some(labels) = self.relevant(labels, matching) else { continue };
                    format!(
                        "several series on the {} match, which Prometheus refuses: they differ in {}; add {} to on (…), or \
                         aggregate that side first",
                        side(at),
                        list(&labels),
                        if labels.len() == 1 { "it" } else { "them" },
                    )
                }
                JoinProblem::LacksGroup { many, labels } => {
                    let Some(labels) = self.relevant(labels, matching) else { continue };
                    format!(
                        "several series on the {} match one on the other side, which Prometheus refuses without {} (): they \
                         differ in {}",
                        side(many),
                        if many == Side::Left { "group_left" } else { "group_right" },
                        list(&labels),
                    )
                }
            };
            findings.add(self.dashboard.place_of_query(self.query, span), message);
            return;
        }
        self.condition(binary, span, findings);
    }

    /// The labels in which series really differ.
    fn relevant(&self, mut labels: NameSet, matching: &VectorMatching) -> Option<NameSet> {
        if !self.clusters {
            labels.remove(CLUSTER);
        }
        // Where there is a uid, it is that of one object alone, whatever else it is called.
        for object in matching.labels.iter().filter_map(|label| label.strip_suffix("_uid")) {
            if matching.on {
                labels.remove(CLUSTER);
                labels.remove("k8s_namespace_name");
                labels.remove(format!("{object}_name").as_str());
            }
        }
        (!labels.is_empty()).then_some(labels)
    }

    /// `a and on (namespace) (max by (namespace, pod) (b))`: the condition is about pods, and asked for namespaces.
    fn condition(&self, binary: &Binary, span: promql::ast::Span, findings: &mut Findings<'_>) {
        let matching = &binary.matching;
        let is_condition = matches!(binary.op, BinaryOp::And | BinaryOp::Unless) && matching.on;
        if !is_condition || matching.labels.is_empty() || !is_vector(&binary.right) {
            return;
        }
        let (Some(left), Some(right)) = (self.labels.get(&binary.left), self.labels.get(&binary.right))
        else {
            return;
        };
        let Some(by) = grouping(&binary.right) else { return };
        let on: NameSet = matching.labels.iter().map(|label| Arc::from(label.as_str())).collect();
        let Some(open) = right.undetermined_by(&on) else { return };
        let forgotten: NameSet = open
            .into_iter()
            .filter(|label| by.iter().any(|name| *name == &**label) && left.can.contains(label))
            .filter(|label| self.clusters || &**label != CLUSTER)
            .collect();
        if !forgotten.is_empty() && !left.is_known() {
            return;
        }
        if !forgotten.is_empty() {
            let message = format!(
                "the condition on the right is about each {}, but on (…) does not name {}: one that holds keeps all the \
                 others; add {} to on (…), or leave {0} out of the by (…) on the right",
                list(&forgotten),
                if forgotten.len() == 1 { "it" } else { "them" },
                if forgotten.len() == 1 { "it" } else { "them" },
            );
            findings.add(self.dashboard.place_of_query(self.query, span), message);
        }
    }
}

/// The labels by which a condition was aggregated on purpose.
fn grouping(expr: &Expr) -> Option<Vec<&str>> {
    match &expr.without_parens().kind {
        ExprKind::Aggregate(aggregate) if !aggregate.without => {
            Some(aggregate.grouping.iter().map(String::as_str).collect())
        }
        ExprKind::Binary(binary) if binary.op.is_comparison() => grouping(&binary.left),
        _ => None,
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}
