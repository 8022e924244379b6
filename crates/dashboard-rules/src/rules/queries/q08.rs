//! Q08: the matcher of the cluster.

use std::collections::HashMap;

use grafana::model::VariableKind;
use promql::ast::{BinaryOp, Expr, ExprKind, Span, VectorSelector};

use super::super::catalogue::metrics::is_any_label;
use super::walk::{each, room_for_matcher, selectors};
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, variables_in};

pub(super) const RULE: Rule = Rule {
    id: "Q08",
    severity: Severity::Warning,
    title: "every metric is that of the chosen cluster",
    why: "Where the dashboard has a variable for the cluster and a query does not use it, the panel shows all clusters under \
          the name of one.",
    needs: Needs::Static,
    fix: Fixable::Yes("the matcher that the other queries have is added"),
    bad: Example::Query("sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_condition_ready))"),
    good: Example::Query(
        "sum(max by (k8s_cluster_name, k8s_node_name) (k8s_node_condition_ready{k8s_cluster_name=~\"$cluster\"}))",
    ),
    check: Check::Dashboard(check),
};

/// The variable's name.
const CLUSTER: &str = "cluster";

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let is_list = dashboard
        .variable(CLUSTER)
        .is_some_and(|variable| !matches!(variable.kind, VariableKind::DataSource { .. }));
    if !is_list {
        return;
    }
    // The matcher as most selectors have it, and the label that it is for.
    let mut usual: HashMap<&str, usize> = HashMap::new();
    let targets = || dashboard.queries.iter().filter(|query| query.is_target());
    for query in targets() {
        for (selector, _) in query.tree().map(selectors).unwrap_or_default() {
            for matcher in &selector.matchers {
                if variables_in(matcher.matcher.value()).any(|name| name == CLUSTER) {
                    *usual.entry(matcher.span.of(&query.text)).or_default() += 1;
                }
            }
        }
    }
    let Some((matcher, _)) = usual.into_iter().max_by_key(|(text, count)| (*count, std::cmp::Reverse(*text)))
    else {
        return;
    };
    let label = matcher.split(['=', '!', '~']).next().unwrap_or_default().trim();
    for query in targets() {
        for (selector, span) in query.tree().map(selectors).unwrap_or_default() {
            if is_narrowed(selector, label) {
                continue;
            }
            let bare = super::walk::bare_span(selector, span, &query.text);
            let joined = is_joined_with_narrowed(query, span, label);
            let message = if joined {
                format!(
                    "this reads every cluster, only for the join to leave out those that are not chosen: add {matcher}"
                )
            } else {
                format!("this takes in every cluster, whatever is chosen above: add {matcher}")
            };
            let finding = findings.add(dashboard.place_of_query(query, bare), message);
            if joined {
                finding.severity(Severity::Info);
            }
            if let Some((place, text)) = room_for_matcher(selector, span, &query.text, matcher) {
                finding.fix(Fix::replace(format!("add {matcher}"), query.pointer.clone(), place, text));
            }
        }
    }
}

/// Whether it is matched by the cluster with something of the chosen one.
fn is_joined_with_narrowed(query: &Query, span: Span, label: &str) -> bool {
    let mut found = false;
    let Some(tree) = query.tree() else { return false };
    each(tree, &mut |part, _| {
        let ExprKind::Binary(binary) = &part.kind else { return };
        let by_label = binary.matching.labels.iter().any(|matched| matched == label) == binary.matching.on;
        let holds = |side: &Expr| side.span.start <= span.start && span.end <= side.span.end;
        let other = match (holds(&binary.left), holds(&binary.right)) {
            (true, false) => &binary.right,
            (false, true) => &binary.left,
            _ => return,
        };
        let leaves_out = binary.op != BinaryOp::Or && (binary.op != BinaryOp::Unless || holds(&binary.right));
        found |= by_label
            && leaves_out
            && selectors(other).iter().any(|(selector, _)| is_narrowed(selector, label));
    });
    found
}

/// Whether a selector says something of the cluster, or may do so through a variable.
fn is_narrowed(selector: &VectorSelector, label: &str) -> bool {
    selector.matchers.iter().any(|matcher| {
        let matcher = &matcher.matcher;
        matcher.name() == label
            || is_any_label(matcher.name())
            || variables_in(matcher.value()).any(|name| name == CLUSTER)
    })
}
