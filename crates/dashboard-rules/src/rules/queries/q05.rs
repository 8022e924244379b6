//! Q05: labels in legends.

use grafana::model::PanelKind;
use promql::analysis::labels::{Labels, Names};
use promql::ast::{AggregateOp, Expr, ExprKind, Span};

use super::super::catalogue::metrics::Metrics;
use super::walk::{each, has_open_label, list};
use crate::finding::Findings;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject, is_open};

pub(super) const RULE: Rule = Rule {
    id: "Q05",
    severity: Severity::Error,
    title: "labels in a legend are labels of the result",
    why: "Grafana writes nothing for a label that the result does not have: lines without names, or all of one name.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Panel(r#"{ "targets": { "0": { "legendFormat": "{{k8s_pod_name}}" } } }"#),
    good: Example::Panel(r#"{ "targets": { "0": { "legendFormat": "{{k8s_namespace_name}}" } } }"#),
    check: Check::Dashboard(check),
};

/// From this many labels on nobody can read Grafana's own names.
const MANY: usize = 3;

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let metrics = Metrics::of(dashboard);
    for query in &dashboard.queries {
        let (Some(tree), Some((panel_index, target_index))) = (query.tree(), super::walk::target(query))
        else {
            continue;
        };
        let (Some(panel), Some(target)) = (dashboard.panel(panel_index), dashboard.target_of(query)) else {
            continue;
        };
        if target.hide || panel.kind == PanelKind::Table {
            continue;
        }
        if has_open_label(tree) {
            continue;
        }
        let labels = metrics.labels(tree);
        let Some(series) = labels.get(tree) else { continue };
        let legend = target.legend_format.as_deref().unwrap_or_default();
        let place = || dashboard.place_of_target(panel, target_index);
        for (label, span) in placeholders(legend) {
            if series.can.contains(label) {
                continue;
            }
            let mut message = format!("the result has no label {label}, so the legend stays empty there: ");
            match (dropping(tree, label, &labels), series.can.listed()) {
                (Some(_), _) => {
                    message += &format!(
                        "add {label} to the aggregation that drops it, or take it out of the legend"
                    );
                }
                (None, Some(names)) if names.is_empty() => {
                    message += "it has no labels at all; write what it is instead";
                }
                (None, Some(names)) => message += &format!("it has {}", list(names)),
                (None, None) => message += "take it out of the legend",
            }
            let finding = findings.add(place().key("legendFormat").span(span), message);
            if let Some(span) = dropping(tree, label, &labels) {
                let (line, column) = span.line_and_column(&query.text);
                finding.note(format!(
                    "{} in line {line}, column {column} of the query drops it",
                    span.of(&query.text)
                ));
            }
        }
        // Grafana's own names are all labels that differ.
        let unnamed = matches!(legend, "" | "__auto") && panel.kind == PanelKind::TimeSeries;
        if unnamed && let Names::Only(names) = &series.can {
            let many =
                names.iter().filter(|name| series.must.contains(*name) && !name.starts_with("__")).count();
            if many >= MANY && !is_aggregated(tree) {
                let message = format!(
                    "every line is named by all labels that differ ({} and more): write a legend such as {{{{{}}}}}",
                    many,
                    names
                        .iter()
                        .find(|name| series.must.contains(*name) && !name.starts_with("__"))
                        .map_or("", |name| name)
                );
                let at = place();
                let at = if Pointer::of(&at.pointer.key("legendFormat"), &dashboard.value).is_some() {
                    at.key("legendFormat")
                } else {
                    at
                };
                findings.add(at, message);
            }
        }
    }
}

fn is_aggregated(tree: &Expr) -> bool {
    let mut found = false;
    each(tree, &mut |part, _| found |= matches!(part.kind, ExprKind::Aggregate(_)));
    found
}

/// `{{label}}` in a legend, with where the braces stand.
pub(crate) fn placeholders(legend: &str) -> impl Iterator<Item = (&str, Span)> {
    legend.match_indices("{{").filter_map(move |(start, _)| {
        let rest = &legend[start + 2..];
        let end = rest.find("}}")?;
        let label = rest[..end].trim();
        let valid = labels::is_classic_label_name(label) && !is_open(label);
        valid.then(|| (label, Span::new(start, start + 2 + end + 2)))
    })
}

/// The outermost aggregation that has a label inside and not outside.
pub(crate) fn dropping(tree: &Expr, label: &str, labels: &Labels) -> Option<Span> {
    let mut found = None;
    each(tree, &mut |part, _| {
        let ExprKind::Aggregate(aggregate) = &part.kind else { return };
        let keeps = matches!(
            aggregate.op,
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
        );
        let has = |expr: &Expr| labels.get(expr).is_some_and(|series| series.can.contains(label));
        if found.is_none() && !keeps && has(&aggregate.expr) && !has(part) {
            found = Some(aggregate.op_span);
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn where_a_variable_is_part_of_a_label_nobody_knows_the_labels() {
        for (expr, found) in [
            ("sum by (a) (x)", 1),
            ("sum by ($label) (x)", 0),
            ("sum by (\\\"service${divider:raw}id\\\") (x)", 0),
            ("x * on (a) group_left (${labels:csv}) sum by (a) (y)", 0),
        ] {
            let patch = format!(
                r#"{{ "targets": {{ "0": {{ "expr": "{expr}", "legendFormat": "{{{{service_id}}}}" }} }} }}"#
            );
            let subject = examples::subject(&Example::Panel(Box::leak(patch.into_boxed_str())));
            let report = check(&subject, &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{expr}: {:#?}", report.findings);
        }
    }
}
