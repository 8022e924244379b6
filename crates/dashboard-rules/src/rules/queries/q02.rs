//! Q02: the window of a rate.

use grafana::interval::parse_interval;
use grafana::variables::references;
use promql::Function;
use promql::ast::{Expr, ExprKind};

use super::walk::each;
use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "Q02",
    severity: Severity::Error,
    title: "a rate looks back over $__rate_interval, a total over $__range",
    why: "A fixed window is too short where metrics arrive rarely, and then the panel is empty; and where the panel shows a \
          week it is shorter than a step, so that most of the data is never looked at.",
    needs: Needs::Static,
    fix: Fixable::Yes("the window becomes $__rate_interval"),
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}[5m])))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}[$__rate_interval])))",
    ),
    check: Check::Dashboard(check),
};

/// From here on a window is a period that somebody means: the restarts of a day.
const PERIOD_MS: i64 = 3_600_000;

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        each(tree, &mut |part, around| {
            let Some((function, window)) = window(part) else { return };
            // A subquery has steps of its own.
            if around.iter().any(|outer| matches!(outer.kind, ExprKind::Subquery(_))) {
                return;
            }
            let text = window.of(&query.text);
            // Who writes "over 5m" above it means it.
            let said = dashboard.panel_of(query).is_some_and(|panel| panel.title.contains(text));
            let problem = match judge(text) {
                Window::Right => return,
                Window::Fixed if said => return,
                Window::Step => format!(
                    "{}(…[{text}]) looks back over one step only, and finds less than the two samples that it needs where \
                     metrics arrive more rarely: write [$__rate_interval]",
                    function.name()
                ),
                Window::Fixed => format!(
                    "{}(…[{text}]) looks back over {text} whatever the panel shows: write [$__rate_interval], which is never \
                     shorter than four samples nor than a step",
                    function.name()
                ),
            };
            let place = dashboard.place_of_query(query, window);
            let label = format!("look back over $__rate_interval instead of {text}");
            findings.add(place, problem).fix(Fix::replace(
                label,
                query.pointer.clone(),
                window,
                "$__rate_interval",
            ));
        });
    }
}

enum Window {
    Right,
    /// `$__interval`
    Step,
    /// Some minutes.
    Fixed,
}

fn judge(text: &str) -> Window {
    let mut names = references(text).map(|reference| reference.name).peekable();
    if names.peek().is_none() {
        return match parse_interval(text) {
            Ok(milliseconds) if milliseconds < PERIOD_MS => Window::Fixed,
            _ => Window::Right,
        };
    }
    if names.all(|name| matches!(name, "__interval" | "__interval_ms")) {
        Window::Step
    } else {
        Window::Right
    }
}

/// The window of a function that compares the first sample in it with the last.
fn window(expr: &Expr) -> Option<(Function, promql::ast::Span)> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    if !matches!(call.function, Function::Rate | Function::Increase | Function::Irate) {
        return None;
    }
    match &call.arguments.first()?.without_parens().kind {
        ExprKind::Matrix(matrix) => Some((call.function, matrix.range.span)),
        _ => None,
    }
}
