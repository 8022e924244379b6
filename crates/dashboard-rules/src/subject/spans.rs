//! Moves every span of a tree.

use promql::ast::{DurationExpr, DurationKind, Expr, ExprKind, Span, TimeModifiers, VectorSelector};

/// Replaces every span in the tree by what `to` makes of it. The parser bounds how deep trees are.
pub(super) fn map(expr: &mut Expr, to: &impl Fn(Span) -> Span) {
    expr.span = to(expr.span);
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Vector(selector) => map_selector(selector, to),
        ExprKind::Matrix(matrix) => {
            map_selector(&mut matrix.selector, to);
            matrix.selector_span = to(matrix.selector_span);
            map_duration(&mut matrix.range, to);
        }
        ExprKind::Subquery(subquery) => {
            map(&mut subquery.expr, to);
            map_duration(&mut subquery.range, to);
            if let Some(step) = &mut subquery.step {
                map_duration(step, to);
            }
            map_modifiers(&mut subquery.modifiers, to);
        }
        ExprKind::Unary(unary) => map(&mut unary.operand, to),
        ExprKind::Paren(inner) => map(inner, to),
        ExprKind::Binary(binary) => {
            binary.op_span = to(binary.op_span);
            binary.matching.span = to(binary.matching.span);
            map(&mut binary.left, to);
            map(&mut binary.right, to);
        }
        ExprKind::Aggregate(aggregate) => {
            aggregate.op_span = to(aggregate.op_span);
            map(&mut aggregate.expr, to);
            if let Some(parameter) = &mut aggregate.parameter {
                map(parameter, to);
            }
        }
        ExprKind::Call(call) => {
            call.name_span = to(call.name_span);
            for argument in &mut call.arguments {
                map(argument, to);
            }
        }
    }
}

fn map_selector(selector: &mut VectorSelector, to: &impl Fn(Span) -> Span) {
    for matcher in &mut selector.matchers {
        matcher.span = to(matcher.span);
    }
    map_modifiers(&mut selector.modifiers, to);
}

fn map_modifiers(modifiers: &mut TimeModifiers, to: &impl Fn(Span) -> Span) {
    if let Some(offset) = &mut modifiers.offset {
        map_duration(offset, to);
    }
}

fn map_duration(duration: &mut DurationExpr, to: &impl Fn(Span) -> Span) {
    duration.span = to(duration.span);
    match &mut duration.kind {
        DurationKind::Millis(_) | DurationKind::Seconds(_) | DurationKind::Step | DurationKind::Range => {}
        DurationKind::Unary { operand, .. } => map_duration(operand, to),
        DurationKind::Binary { left, right, .. } | DurationKind::Extreme { left, right, .. } => {
            map_duration(left, to);
            map_duration(right, to);
        }
        DurationKind::Paren(inner) => map_duration(inner, to),
    }
}
