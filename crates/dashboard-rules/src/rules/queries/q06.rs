//! Q06: a label that is used after an aggregation dropped it.

use grafana::model::PanelKind;
use promql::Function;
use promql::analysis::labels::{Labels, NameSet, names};
use promql::ast::{Aggregate, AggregateOp, Expr, ExprKind, Span};

use super::super::catalogue::metrics::Metrics;
use super::super::tables::t02;
use super::q05;
use super::walk::{each, grouping_span, is_vector, list, word_span};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q06",
    severity: Severity::Error,
    title: "no label is used after it was dropped",
    why: "A label that an inner aggregation dropped is gone: grouping by it gives one series instead of many, and matching on \
          it matches everything or nothing.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in &dashboard.queries {
        let Some(tree) = query.tree() else { continue };
        let labels = metrics.labels(tree);
        for lost in lost_labels(tree, &query.text, &labels) {
            if !lost.existed {
                continue;
            }
            let message = format!(
                "{} is used here, but an aggregation inside has dropped it: add {0} to the inner by (…), or take it out here",
                lost.label
            );
            let finding = findings.add(dashboard.place_of_query(query, lost.span), message);
            if let Some(span) = q05::dropping(lost.inside, lost.label, &labels) {
                let (line, column) = span.line_and_column(&query.text);
                finding.note(format!("{} in line {line}, column {column} drops it", span.of(&query.text)));
            }
        }
        outer_drops_wanted(dashboard, query, tree, &labels, findings);
    }
}

/// A label that is asked for where it cannot be.
pub(crate) struct Lost<'a> {
    /// The label.
    pub(crate) label: &'a str,
    /// Where it is asked for.
    pub(crate) span: Span,
    /// What does not have it.
    pub(crate) inside: &'a Expr,
    /// Whether a metric inside has it, so that it was dropped on the way.
    pub(crate) existed: bool,
}

/// So many are told of one query: a thousand of them are one mistake.
const MOST: usize = 20;

/// The labels in `by (…)`, `on (…)`, `group_left (…)` and `label_replace` that cannot be there.
pub(crate) fn lost_labels<'a>(tree: &'a Expr, text: &str, labels: &Labels) -> Vec<Lost<'a>> {
    let mut found = Vec::new();
    each(tree, &mut |part, _| {
        let mut ask = |label: &'a str, inside: &'a Expr, span: &dyn Fn() -> Span| {
            let lacking = labels.get(inside).is_some_and(|series| !series.can.contains(label));
            if lacking && found.len() < MOST && !is_open(label) && !label.starts_with("__") {
                found.push(Lost { label, span: span(), inside, existed: existed(inside, label, labels) });
            }
        };
        match &part.kind {
            ExprKind::Aggregate(aggregate) if !aggregate.without => {
                for label in &aggregate.grouping {
                    ask(label, &aggregate.expr, &|| grouping_span(aggregate, part.span, label, text));
                }
            }
            ExprKind::Binary(binary) if is_vector(&binary.left) && is_vector(&binary.right) => {
                let matching = &binary.matching;
                if matching.on {
                    for label in &matching.labels {
                        let has = |side| labels.get(side).is_some_and(|series| series.can.contains(label));
                        let span = || word_span(label, matching.span, text);
                        // Where one side has it, what is lacking on the other is what is wrong.
                        match (has(&binary.left), has(&binary.right)) {
                            (true, true) => {}
                            (_, false) => ask(label, &binary.right, &span),
                            (false, true) => ask(label, &binary.left, &span),
                        }
                    }
                }
                let one = match matching.cardinality {
                    promql::ast::Cardinality::OneToMany => &binary.left,
                    _ => &binary.right,
                };
                for label in &matching.include {
                    ask(label, one, &|| word_span(label, matching.span, text));
                }
            }
            ExprKind::Call(call) if call.function == Function::LabelReplace => {
                // One that tries one label after the other has a pattern that may miss.
                if let [inner, _, _, source, pattern] = &call.arguments[..]
                    && let ExprKind::String(label) = &source.without_parens().kind
                    && let ExprKind::String(pattern) = &pattern.without_parens().kind
                    && !label.is_empty()
                    && matches!(pattern.as_str(), "(.*)" | ".*")
                {
                    ask(label, inner, &|| source.span);
                }
            }
            _ => {}
        }
    });
    found
}

/// Whether any selector inside can have the label.
fn existed(inside: &Expr, label: &str, labels: &Labels) -> bool {
    let mut found = false;
    each(inside, &mut |part, _| {
        let made = match &part.kind {
            ExprKind::Vector(_) | ExprKind::Matrix(_) => true,
            ExprKind::Call(call) => matches!(call.function, Function::LabelReplace | Function::LabelJoin),
            _ => false,
        };
        found |= made && labels.get(part).is_some_and(|series| series.can.contains(label));
    });
    found
}

/// `sum(sum by (a) (x))`, where the legend or the table asks for `a`.
fn outer_drops_wanted(
    dashboard: &Dashboard,
    query: &Query,
    tree: &Expr,
    labels: &Labels,
    findings: &mut Findings<'_>,
) {
    let (Some(panel), Some(target)) = (dashboard.panel_of(query), dashboard.target_of(query)) else { return };
    let mut wanted: NameSet =
        names(q05::placeholders(target.legend_format.as_deref().unwrap_or_default()).map(|(label, _)| label));
    wanted.extend(t02::join_field(panel).into_iter().map(|(field, _)| field.into()));
    let shows_several = matches!(panel.kind, PanelKind::TimeSeries | PanelKind::Table);
    each(tree, &mut |part, around| {
        let ExprKind::Aggregate(outer) = &part.kind else { return };
        let ExprKind::Aggregate(inner) = &outer.expr.without_parens().kind else { return };
        let outermost = around.is_empty();
        if !outermost || !is_repeated(outer, inner) {
            return;
        }
        let (Some(inside), Some(outside)) = (labels.get(&outer.expr), labels.get(part)) else { return };
        let lost: Vec<_> = wanted
            .iter()
            .filter(|label| inside.can.contains(label) && !outside.can.contains(label))
            .collect();
        let is_whole =
            outer.grouping.is_empty() && !outer.without && !inner.grouping.is_empty() && !inner.without;
        if lost.is_empty() && shows_several && is_whole {
            let message = format!(
                "the outer {} makes one of all the groups that the inner one forms by {}: take one of them away",
                outer.op.name(),
                list(&inner.grouping)
            );
            findings.add(dashboard.place_of_query(query, outer.op_span), message);
        }
        if !lost.is_empty() {
            let message = format!(
                "the outer {} drops {}, which the panel shows: take it away, or give it by ({})",
                outer.op.name(),
                list(&lost),
                lost.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            );
            findings.add(dashboard.place_of_query(query, outer.op_span), message);
        }
    });
}

/// Whether the same is done twice.
fn is_repeated(outer: &Aggregate, inner: &Aggregate) -> bool {
    outer.op == inner.op && matches!(outer.op, AggregateOp::Sum | AggregateOp::Max | AggregateOp::Min)
}
