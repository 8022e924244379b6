//! P09: units beside each other, and percents.

use std::collections::BTreeSet;

use grafana::model::{Panel, PanelKind};
use promql::ast::{Binary, BinaryOp, Expr, ExprKind, Span, ValueType};

use crate::finding::Findings;
use crate::fix::Fix;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P09",
    severity: Severity::Warning,
    title: "a graph has at most two units, and percents are not multiplied twice",
    why: "Every unit has an axis of its own, and nobody reads a graph with three; percentunit multiplies by 100 itself, so a \
          query that does so too shows 5000 % where 50 % are meant.",
    needs: Needs::Static,
    fix: Fixable::Yes("the 100 goes, since thresholds and limits are those of the unit"),
    bad: Example::Panel(
        r#"{ "fieldConfig": { "defaults": { "unit": "percentunit" } }, "targets": { "0": { "expr": "100 * sum(a) / sum(b)" } } }"#,
    ),
    good: Example::Panel(
        r#"{ "fieldConfig": { "defaults": { "unit": "percentunit" } }, "targets": { "0": { "expr": "sum(a) / sum(b)" } } }"#,
    ),
    check: Check::Dashboard(check),
};

/// One on either side.
const AXES: usize = 2;

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for (index, panel) in dashboard.panels() {
        let overridden: BTreeSet<&str> = units_of_overrides(panel).collect();
        let default = panel.field_config.defaults.unit.as_deref().unwrap_or("short");
        if panel.kind == PanelKind::TimeSeries {
            let units: BTreeSet<&str> = overridden.iter().copied().chain([default]).collect();
            // With exceptions for all series the default is shown nowhere; who has that many does not.
            if overridden.len() > AXES {
                let list: Vec<&str> = units.into_iter().collect();
                let message =
                    format!("the graph has more than two units ({}): split it into several", list.join(", "));
                findings.add(dashboard.place_of_panel(panel).key("fieldConfig"), message);
            }
        }
        // In a table each column has a unit of its own.
        if panel.kind == PanelKind::Table || !overridden.is_empty() {
            continue;
        }
        for query in dashboard.queries_of(index) {
            let Some(tree) = query.tree() else { continue };
            if default == "percentunit"
                && let Some(factor) = hundred(tree)
            {
                let message = "the unit percentunit multiplies by 100 already: take out the 100, or make the unit percent";
                let finding = findings.add(dashboard.place_of_query(query, factor.number.span), message);
                if factor.is_all {
                    let gone = factor.gone();
                    finding.fix(Fix::replace("take out the 100", query.pointer.clone(), gone, ""));
                }
            }
            if default == "percent" && is_ratio(tree) && !has_hundred(tree) {
                let message = "the unit percent shows 0.5 as 0.5 %: multiply by 100, or better make the unit percentunit";
                findings.add(dashboard.place_of_query(query, tree.span), message);
            }
        }
    }
}

fn units_of_overrides(panel: &Panel) -> impl Iterator<Item = &str> {
    let properties = panel.field_config.overrides.iter().flat_map(|exception| &exception.properties);
    properties.filter(|(id, _)| id == "unit").filter_map(|(_, unit)| unit.as_str())
}

/// The factor 100 that stands outermost: in front of or behind everything else.
/// The 100 that a share is multiplied by.
pub(in crate::rules) struct Hundred<'a> {
    number: &'a Expr,
    binary: &'a Binary,
    /// Whether nothing else in the query has to do with it: no term, no threshold.
    is_all: bool,
}

impl Hundred<'_> {
    /// It and its operator.
    fn gone(&self) -> Span {
        let Binary { left, right, .. } = self.binary;
        if std::ptr::eq(self.number, left) {
            Span::new(left.span.start, right.span.start)
        } else {
            Span::new(left.span.end, right.span.end)
        }
    }
}

/// The 100 that a query is multiplied by, if its values are.
pub(in crate::rules) fn hundred(expr: &Expr) -> Option<Hundred<'_>> {
    match &expr.without_parens().kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Mul => {
            let sides = [&binary.left, &binary.right];
            // `100 * (x - 0.99)` is the share of what is left below 1 %: no percents.
            if sides.into_iter().any(is_difference) {
                return None;
            }
            let factor = sides.into_iter().find(|side| is_hundred(side));
            factor
                .map(|number| Hundred { number, binary, is_all: true })
                .or_else(|| sides.into_iter().find_map(hundred))
        }
        ExprKind::Binary(binary) if binary.op == BinaryOp::Div => hundred(&binary.left),
        ExprKind::Binary(binary) if binary.op.is_comparison() => {
            hundred(&binary.left).map(|hundred| Hundred { is_all: false, ..hundred })
        }
        // `100 - x * 100`, `1 - x`: the terms say it.
        ExprKind::Binary(binary) if matches!(binary.op, BinaryOp::Add | BinaryOp::Sub) => {
            let found = hundred(&binary.left).or_else(|| hundred(&binary.right));
            found.map(|hundred| Hundred { is_all: false, ..hundred })
        }
        ExprKind::Aggregate(aggregate) => hundred(&aggregate.expr),
        _ => None,
    }
}

fn is_difference(expr: &Expr) -> bool {
    match &expr.without_parens().kind {
        ExprKind::Binary(binary) => binary.op == BinaryOp::Sub,
        _ => false,
    }
}

fn is_hundred(expr: &Expr) -> bool {
    matches!(expr.without_parens().kind, ExprKind::Number(100.0))
}

/// A division of vectors outermost.
fn is_ratio(expr: &Expr) -> bool {
    match &expr.without_parens().kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Div => {
            binary.left.value_type() == ValueType::Vector && binary.right.value_type() == ValueType::Vector
        }
        ExprKind::Aggregate(aggregate) => is_ratio(&aggregate.expr),
        _ => false,
    }
}

fn has_hundred(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(number) => *number >= 100.0 || *number == 0.01,
        ExprKind::Paren(inner) => has_hundred(inner),
        ExprKind::Unary(unary) => has_hundred(&unary.operand),
        ExprKind::Binary(binary) => has_hundred(&binary.left) || has_hundred(&binary.right),
        ExprKind::Aggregate(aggregate) => has_hundred(&aggregate.expr),
        ExprKind::Call(call) => call.arguments.iter().any(has_hundred),
        ExprKind::Subquery(subquery) => has_hundred(&subquery.expr),
        ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn a_hundred_is_found_outermost_and_nowhere_else() {
        for (unit, query, found) in [
            ("percentunit", "100 * a / b", 1),
            ("percentunit", "(a / b) * 100", 1),
            ("percentunit", "sum by (x) (a / b * 100)", 1),
            ("percentunit", "a / b", 0),
            ("percentunit", "a / (b * 100)", 0),
            ("percentunit", "topk(100, a / b)", 0),
            ("percentunit", "100 * (a - 0.99)", 0),
            ("percent", "sum(a) / sum(b)", 1),
            ("percent", "sum(a) / sum(b) * 100", 0),
            ("percent", "a", 0),
            ("bytes", "100 * a", 0),
        ] {
            let patch = serde_json::json!({
                "fieldConfig": { "defaults": { "unit": unit } },
                "targets": { "0": { "expr": query } },
            });
            let patch: &'static str = Box::leak(patch.to_string().into_boxed_str());
            let report = check(&examples::subject(&Example::Panel(patch)), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{unit} {query}");
        }
    }

    #[test]
    fn the_hundred_is_taken_out_with_its_operator() {
        for (query, expected) in [
            ("100 * (a / b)", Some("(a / b)")),
            ("a / b * 100", Some("a / b")),
            ("sum by (x) ((100 * a) / b)", Some("sum by (x) ((a) / b)")),
            // Other numbers would have to change as well.
            ("100 - a / b * 100", None),
            ("a / b * 100 > 80", None),
        ] {
            let tree = promql::parse(query, promql::ParseOptions::default()).unwrap();
            let found = hundred(&tree).unwrap();
            let gone = found.gone();
            let left = format!("{}{}", &query[..gone.start], &query[gone.end..]);
            assert_eq!(found.is_all.then_some(left.as_str()), expected, "{query}");
        }
    }
}
