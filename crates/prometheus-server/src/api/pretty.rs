//! Queries on several lines, as Prometheus' `format_query` lays them out: what fits into a line stays on it.

use promql::ast::{Expr, ExprKind};

/// What is longer is broken.
const MAX_LINE: usize = 100;

/// The query in its canonical form, broken and indented where a part does not fit into a line.
pub(super) fn pretty(expr: &Expr) -> String {
    at_level(expr, 0)
}

fn at_level(expr: &Expr, level: usize) -> String {
    let indent = "  ".repeat(level);
    let line = expr.to_string();
    if line.len() <= MAX_LINE {
        // Prometheus forgets to indent a subquery that fits into the line.
        return if matches!(expr.kind, ExprKind::Subquery(_)) { line } else { indent + &line };
    }
    let inner = |expr: &Expr| at_level(expr, level + 1);
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {
            indent + &line
        }
        ExprKind::Subquery(subquery) => {
            // What stands behind the expression: the range and the modifiers.
            let suffix = line.strip_prefix(&subquery.expr.to_string()).unwrap_or_default();
            at_level(&subquery.expr, level) + suffix
        }
        ExprKind::Unary(unary) => {
            let sign = if unary.negative { '-' } else { '+' };
            format!("{indent}{sign}{}", at_level(&unary.operand, level).trim())
        }
        ExprKind::Paren(expr) => format!("{indent}(\n{}\n{indent})", inner(expr)),
        ExprKind::Binary(binary) => {
            let return_bool = if binary.return_bool { " bool" } else { "" };
            let (left, right) = (inner(&binary.left), inner(&binary.right));
            format!("{left}\n{indent}{}{return_bool}{}\n{right}", binary.op.as_str(), binary.matching)
        }
        ExprKind::Aggregate(aggregate) => {
            let arguments: Vec<&Expr> = aggregate.parameter.iter().chain([&aggregate.expr]).collect();
            call(&line, &arguments, level)
        }
        ExprKind::Call(function) => call(&line, &function.arguments.iter().collect::<Vec<_>>(), level),
    }
}

/// `name by (labels) (arguments)` with the arguments on lines of their own.
fn call(line: &str, arguments: &[&Expr], level: usize) -> String {
    let indent = "  ".repeat(level);
    let on_one_line: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let Some(head) = line.strip_suffix(&format!("({})", on_one_line.join(", "))) else {
        return indent + line;
    };
    let lines: Vec<String> = arguments.iter().map(|argument| at_level(argument, level + 1)).collect();
    format!("{indent}{head}(\n{}\n{indent})", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use promql::{ParseOptions, parse};

    use super::*;

    #[test]
    fn short_queries_stay_on_a_line() {
        let expr = parse("sum  by(a)(rate( up [5m]))", ParseOptions::default()).unwrap();
        assert_eq!(pretty(&expr), "sum by (a) (rate(up[5m]))");
    }

    #[test]
    fn long_queries_are_broken_where_they_are_long() {
        let long = "a".repeat(90);
        let query =
            format!("topk(3, sum by (b) (-{long}{{c=\"d\"}} + on (b) bool_{long})) / (up offset 5m + 1)");
        let expected = format!(
            "  topk(\n    3,\n    sum by (b) (\n        -{long}{{c=\"d\"}}\n      + on (b)\n        bool_{long}\n    )\n  )\n/\n  (up offset 5m + 1)"
        );
        let expr = parse(&query, ParseOptions::default()).unwrap();
        assert_eq!(pretty(&expr), expected);
        assert_eq!(parse(&pretty(&expr), ParseOptions::default()).unwrap().to_string(), expr.to_string());
    }
}
