//! Q12: regular expressions that need not be one, or do not say what is meant.

use grafana::variables::references;
use labels::MatchOp;
use promql::ast::{LabelMatcher, Span};

use super::walk::selectors;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Query, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q12",
    severity: Severity::Info,
    title: "a regular expression is one, and needs no anchors",
    why: "=~ without a pattern in it costs time and makes the reader look for one; Prometheus anchors patterns at both ends; \
          and :pipe puts values in unescaped, so that a dot in a name matches anything.",
    needs: Needs::Static,
    fix: Fixable::Yes("= instead of =~, without anchors, :regex instead of :pipe"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\",k8s_namespace_name=~\"monitoring\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_memory_working_set_bytes{k8s_cluster_name=~\"$cluster\",k8s_namespace_name=\"monitoring\"}))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in &dashboard.queries {
        for (selector, _) in query.tree().map(selectors).unwrap_or_default() {
            for matcher in &selector.matchers {
                if matches!(matcher.matcher.op(), MatchOp::Regex | MatchOp::NotRegex) {
                    look(dashboard, query, matcher, findings);
                }
            }
        }
    }
}

fn look(dashboard: &Dashboard, query: &Query, matcher: &LabelMatcher, findings: &mut Findings<'_>) {
    let text = matcher.span.of(&query.text);
    let value = matcher.matcher.value();
    let place = |span| dashboard.place_of_query(query, span);
    // Where in the query the part of the matcher's text stands.
    let at = |start: usize, length: usize| {
        Span::new(matcher.span.start + start, matcher.span.start + start + length)
    };
    let is_plain = |value: &str| {
        !value.is_empty() && !value.contains(|c: char| r"\.+*?()|[]{}^$".contains(c)) && !is_open(value)
    };
    let op = matcher.matcher.op().as_str();
    let Some(op_at) = text.find(op) else { return };
    if is_plain(value) {
        let plain = if op == "=~" { "=" } else { "!=" };
        let message = format!("{:?} is no pattern: write {plain} instead of {op}", super::walk::short(value));
        let span = at(op_at, op.len());
        findings.add(place(span), message).fix(Fix::replace(
            format!("{plain} instead of {op}"),
            query.pointer.clone(),
            span,
            plain,
        ));
        return;
    }
    for reference in references(text).filter(|reference| reference.format == Some("pipe")) {
        let range = reference.range.clone();
        let span = at(range.start, range.len());
        let message = format!(
            "${{{0}:pipe}} puts the values in as they are, so that a dot matches anything: write ${{{0}:regex}}",
            reference.name
        );
        let fixed = format!("${{{}:regex}}", reference.name);
        findings.add(place(span), message).fix(Fix::replace(
            "escape the values",
            query.pointer.clone(),
            span,
            fixed,
        ));
    }
    // Anchors: the quote that the value begins with stands behind the operator.
    let Some(quote) = text[op_at + op.len()..].find(['"', '\'', '`']).map(|at| op_at + op.len() + at) else {
        return;
    };
    let inside = &text[quote + 1..];
    if value.starts_with('^') && inside.starts_with('^') && !has_alternatives(value) {
        anchor(&place, query, at(quote + 1, 1), findings);
    }
    let end = text.len().saturating_sub(2);
    if value.ends_with('$')
        && !value.ends_with("\\$")
        && text.get(end..end + 1) == Some("$")
        && !has_alternatives(value)
    {
        anchor(&place, query, at(end, 1), findings);
    }
}

/// `^a|b$` has anchors that belong to one of the alternatives each.
fn has_alternatives(pattern: &str) -> bool {
    pattern.contains('|') && !pattern.contains('(')
}

fn anchor(place: &dyn Fn(Span) -> crate::Place, query: &Query, span: Span, findings: &mut Findings<'_>) {
    let message = "Prometheus anchors patterns at both ends by itself: leave this out";
    findings.add(place(span), message).fix(Fix::replace("no anchor", query.pointer.clone(), span, ""));
}
