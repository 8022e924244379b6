//! Q08: the matcher of the cluster.

use std::collections::HashMap;

use grafana::model::VariableKind;
use promql::Function;
use promql::ast::{AggregateOp, Binary, BinaryOp, Cardinality, Expr, ExprKind, Span, VectorSelector};

use super::super::catalogue::metrics::is_any_label;
use super::walk::{each, is_vector, room_for_matcher, selectors};
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
            } else if query.tree().is_some_and(|tree| !keeps(tree, span, label)) {
                // The other clusters are not lines of their own: they are in the numbers.
                finding.severity(Severity::Error);
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
        let by_label = is_matched_on(binary, label);
        let holds = |side: &Expr| side.span.start <= span.start && span.end <= side.span.end;
        let other = match (holds(&binary.left), holds(&binary.right)) {
            (true, false) => &binary.right,
            (false, true) => &binary.left,
            _ => return,
        };
        let leaves_out = binary.op != BinaryOp::Or && (binary.op != BinaryOp::Unless || holds(&binary.right));
        let own = if holds(&binary.left) { &binary.left } else { &binary.right };
        found |= by_label
            && leaves_out
            && keeps(own, span, label)
            && selectors(other)
                .iter()
                .any(|(selector, at)| is_narrowed(selector, label) && keeps(other, *at, label));
    });
    found
}

/// Whether two sides find each other by this label, if both have it.
fn is_matched_on(binary: &Binary, label: &str) -> bool {
    binary.matching.labels.iter().any(|matched| matched == label) == binary.matching.on
}

/// Whether the label of what stands at `span` is still there in the result of the expression around it.
fn keeps(expr: &Expr, span: Span, label: &str) -> bool {
    let holds = |part: &Expr| part.span.start <= span.start && span.end <= part.span.end;
    let mut kept = true;
    each(expr, &mut |part, _| {
        if !holds(part) {
            return;
        }
        kept &= match &part.kind {
            ExprKind::Aggregate(aggregate) => {
                let takes_whole = matches!(
                    aggregate.op,
                    AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
                );
                takes_whole || aggregate.grouping.iter().any(|kept| kept == label) != aggregate.without
            }
            ExprKind::Binary(binary) if is_vector(&binary.left) && is_vector(&binary.right) => {
                let included = binary.matching.include.iter().any(|kept| kept == label);
                match binary.matching.cardinality {
                    Cardinality::OneToOne => is_matched_on(binary, label),
                    Cardinality::ManyToOne => holds(&binary.left) || is_matched_on(binary, label) || included,
                    Cardinality::OneToMany => {
                        holds(&binary.right) || is_matched_on(binary, label) || included
                    }
                    Cardinality::ManyToMany => true,
                }
            }
            ExprKind::Call(call) => {
                !matches!(call.function, Function::Absent | Function::AbsentOverTime | Function::Scalar)
            }
            _ => true,
        };
    });
    kept
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    /// With the matcher of the cluster for `…`.
    fn severities(expr: &str) -> Vec<Severity> {
        let expr = expr.replace('…', r#"k8s_cluster_name=~\"$cluster\""#);
        let patch = format!(r#"{{ "targets": {{ "0": {{ "expr": "{expr}" }} }} }}"#);
        let subject = examples::subject(&Example::Panel(Box::leak(patch.into_boxed_str())));
        let report = check(&subject, &Options::only_rules(&[&RULE]));
        report.findings.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn only_a_join_by_the_cluster_leaves_others_out() {
        const BOTH: &str = "by (k8s_cluster_name, k8s_node_name)";
        for (expr, expected) in [
            ("a{…} / b{…}".to_owned(), &[][..]),
            ("a{…} / b".to_owned(), &[Severity::Info]),
            (format!("sum {BOTH} (a{{…}}) / sum {BOTH} (b)"), &[Severity::Info]),
            // Neither side has the label any more: all clusters are in the divisor.
            (format!("sum(max {BOTH} (a{{…}})) / sum(max {BOTH} (b))"), &[Severity::Error]),
            (format!("sum {BOTH} (a{{…}}) / on () group_left () sum(b)"), &[Severity::Error]),
            (format!("sum(a{{…}}) / on () group_right () sum {BOTH} (b)"), &[Severity::Warning]),
            (format!("max {BOTH} (a{{…}}) / ignoring (k8s_cluster_name) max {BOTH} (b)"), &[Severity::Error]),
            ("sum by (k8s_node_name) (b)".to_owned(), &[Severity::Error]),
            ("b".to_owned(), &[Severity::Warning]),
            ("topk(5, b)".to_owned(), &[Severity::Warning]),
        ] {
            // The first query says what the matcher is.
            assert_eq!(severities(&expr), expected, "{expr}");
        }
    }
}
