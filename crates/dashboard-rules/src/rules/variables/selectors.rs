//! The selectors of a query.

use promql::ast::{Expr, ExprKind, Span, VectorSelector};

/// Every selector in a tree with its span (without range and modifiers for ranges).
pub(crate) fn of(expr: &Expr) -> Vec<(&VectorSelector, Span)> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<(&'a VectorSelector, Span)>) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Vector(selector) => found.push((selector, expr.span)),
        ExprKind::Matrix(matrix) => found.push((&matrix.selector, matrix.selector_span)),
        ExprKind::Subquery(subquery) => collect(&subquery.expr, found),
        ExprKind::Unary(unary) => collect(&unary.operand, found),
        ExprKind::Paren(inner) => collect(inner, found),
        ExprKind::Binary(binary) => {
            collect(&binary.left, found);
            collect(&binary.right, found);
        }
        ExprKind::Aggregate(aggregate) => {
            collect(&aggregate.expr, found);
            if let Some(parameter) = &aggregate.parameter {
                collect(parameter, found);
            }
        }
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| collect(argument, found)),
    }
}

/// The edit that puts another matcher into a selector: where in the text, and what.
pub(super) fn insertion(text: &str, selector: &VectorSelector, span: Span, matcher: &str) -> (Span, String) {
    // Before the first matcher that stands in the braces.
    let written = selector.matchers.iter().find(|matcher| {
        let part = matcher.span.of(text);
        part.contains(['=', '!', '~'])
    });
    if let Some(first) = written {
        return (Span::new(first.span.start, first.span.start), format!("{matcher},"));
    }
    match span.of(text).find('{') {
        Some(brace) => (Span::new(span.start + brace + 1, span.start + brace + 1), matcher.to_owned()),
        None => {
            let name = selector.name.as_ref().map_or(0, String::len);
            let name = if span.of(text).starts_with('$') { span.of(text).len() } else { name };
            let at = (span.start + name).min(span.end);
            (Span::new(at, at), format!("{{{matcher}}}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use promql::{ParseOptions, parse};

    use super::*;

    #[test]
    fn a_matcher_is_put_where_it_belongs() {
        for (text, expected) in [
            ("x", "x{a=\"b\"}"),
            ("x{}", "x{a=\"b\"}"),
            ("x{c=\"d\"}", "x{a=\"b\",c=\"d\"}"),
            ("{__name__=~\"x.*\"}", "{a=\"b\",__name__=~\"x.*\"}"),
            ("rate(x[5m])", "rate(x{a=\"b\"}[5m])"),
            ("sum(x offset 5m)", "sum(x{a=\"b\"} offset 5m)"),
        ] {
            let tree = parse(text, ParseOptions::default()).unwrap();
            let (selector, span) = of(&tree)[0];
            let (at, insert) = insertion(text, selector, span, "a=\"b\"");
            let mut now = text.to_owned();
            now.insert_str(at.start, &insert);
            assert_eq!(now, expected);
        }
    }
}
