//! C03: counters and gauges.

use catalogue::MetricKind;
use promql::Function;
use promql::ast::{AggregateOp, Expr, ExprKind};

use super::super::queries::walk::{bare_span, each, selector};
use super::metrics::{Metrics, is_counter};
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "C03",
    severity: Severity::Error,
    title: "a counter is read by its rate, a gauge as it is",
    why: "A counter's value is what has happened since some start that nobody knows. The rate of a gauge takes every fall for \
          a restart, and shows growth where there is none.",
    needs: Needs::Catalogue,
    fix: Fixable::No,
    bad: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}))",
    ),
    good: Example::Query(
        "sum by (k8s_namespace_name) (max by (k8s_cluster_name, k8s_namespace_name, k8s_pod_name) (rate(k8s_pod_cpu_time_seconds_total{k8s_cluster_name=~\"$cluster\"}[$__rate_interval])))",
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in dashboard.queries.iter().filter(|query| query.is_target()) {
        let Some(tree) = query.tree() else { continue };
        each(tree, &mut |part, around| {
            let Some((selector, span)) = selector(part) else { return };
            if let Some(message) = misread(part, around, metrics) {
                let place = dashboard.place_of_query(query, bare_span(selector, span, &query.text));
                findings.add(place, message);
            }
        });
    }
}

/// Whether a query reads some metric as what it is not: what comes of it has another unit than was meant.
pub(in crate::rules) fn is_misread(tree: &Expr, metrics: Metrics) -> bool {
    let mut found = false;
    each(tree, &mut |part, around| found |= misread(part, around, metrics).is_some());
    found
}

/// What is wrong with how a metric is read.
fn misread(part: &Expr, around: &[&Expr], metrics: Metrics) -> Option<String> {
    let metric = metrics.find(selector(part)?.0)?;
    let name = metric.prometheus_name();
    if is_counter(metric)
        && !around.iter().any(|outer| looks_at_change(outer))
        && !is_only_counted(part, around)
    {
        return Some(format!(
            "{name} counts up from a start that nobody knows: write rate({name}{{…}}[$__rate_interval]), or increase for a \
             total"
        ));
    }
    let rated = around.iter().rev().find_map(|outer| match &outer.kind {
        ExprKind::Call(call) => Some(call.function),
        _ => None,
    });
    let Some(function @ (Function::Rate | Function::Increase | Function::Irate)) = rated else { return None };
    let is_wrong = matches!(part.kind, ExprKind::Matrix(_)) && !metric.grows();
    let what = if metric.kind == MetricKind::Gauge { "a gauge" } else { "a sum that also falls" };
    is_wrong.then(|| {
        format!(
            "{name} is {what}, and {} takes every fall for a restart: use its value, or deriv for how fast it changes",
            function.name()
        )
    })
}

fn looks_at_change(outer: &Expr) -> bool {
    use Function as F;
    let ExprKind::Call(call) = &outer.kind else { return false };
    matches!(
        call.function,
        F::Rate
            | F::Irate
            | F::Increase
            | F::Resets
            | F::Changes
            | F::Deriv
            | F::Delta
            | F::Idelta
            | F::Absent
            | F::AbsentOverTime
            | F::PresentOverTime
            | F::CountOverTime
            | F::Timestamp
            | F::StartTimestamp
            | F::TsOfFirstOverTime
            | F::TsOfLastOverTime
    )
}

/// Whether only the series matter and not their values: in a count, and on the right of `and` and `unless`.
fn is_only_counted(part: &Expr, around: &[&Expr]) -> bool {
    around.iter().any(|outer| match &outer.kind {
        ExprKind::Aggregate(aggregate) => matches!(aggregate.op, AggregateOp::Count | AggregateOp::Group),
        ExprKind::Binary(binary) => {
            let is_right =
                binary.right.span.start <= part.span.start && part.span.end <= binary.right.span.end;
            binary.op.is_set() && binary.op != promql::ast::BinaryOp::Or && is_right
        }
        _ => false,
    })
}
