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
            let Some(metric) = metrics.find(selector) else { return };
            let name = metric.prometheus_name();
            let place = || dashboard.place_of_query(query, bare_span(selector, span, &query.text));
            if is_counter(metric)
                && !around.iter().any(|outer| looks_at_change(outer))
                && !is_only_counted(part, around)
            {
                let message = format!(
                    "{name} counts up from a start that nobody knows: write rate({name}{{…}}[$__rate_interval]), or increase \
                     for a total"
                );
                findings.add(place(), message);
            }
            let rated = around.iter().rev().find_map(|outer| match &outer.kind {
                ExprKind::Call(call) => Some(call.function),
                _ => None,
            });
            if let Some(function @ (Function::Rate | Function::Increase | Function::Irate)) = rated
                && matches!(part.kind, ExprKind::Matrix(_))
                && !metric.grows()
            {
                let what = if metric.kind == MetricKind::Gauge { "a gauge" } else { "a sum that also falls" };
                let message = format!(
                    "{name} is {what}, and {} takes every fall for a restart: use its value, or deriv for how fast it changes",
                    function.name()
                );
                findings.add(place(), message);
            }
        });
    }
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
