//! Hints about expressions in the wrong place, mostly of the wrong type.

use super::example;
use crate::ast::{
    AggregateOp, BinaryOp, Call, Expr, ExprKind, Span, TimeModifiers, ValueType, VectorSelector,
};

pub(in crate::parser) const METRIC_NAME_TWICE: &str = "name the metric once: before the braces or in them";
pub(in crate::parser) const LABEL_IN_ON_AND_GROUP: &str =
    "labels that are matched on are in the result already; remove it from group_left or group_right";
pub(in crate::parser) const GROUPED_SET_OPERATION: &str =
    "and, or and unless match many to many by themselves; remove group_left or group_right";

pub(in crate::parser) fn for_bool_modifier(op: BinaryOp) -> Option<String> {
    Some(format!("bool turns a comparison's result into 0 and 1; {:?} compares nothing", op.as_str()))
}

/// For an aggregation with too few or too many arguments.
pub(in crate::parser) fn for_aggregate_arguments(
    op: AggregateOp,
    given: &[Expr],
    text: &str,
) -> Option<String> {
    let name = op.name();
    let hint = match (op.parameter(), given) {
        (Some(_), []) => format!("write {}", usage(op)),
        (Some(_), [vector]) => {
            let written = vector.span.of(text);
            let rewritten = format!("{name}({}, {written})", parameter_example(op));
            format!("the parameter is missing: {}", example(rewritten, &usage(op)))
        }
        (None, []) => format!("write {}", usage(op)),
        (None, [_, ..]) if op == AggregateOp::Sum || op == AggregateOp::Avg => {
            format!("{name} adds up the series of one vector; to add vectors, write a + b")
        }
        (None, _) => format!("{name} takes one vector"),
        (Some(_), _) => format!("{name} takes a parameter and one vector"),
    };
    Some(hint)
}

fn parameter_example(op: AggregateOp) -> &'static str {
    match op {
        AggregateOp::CountValues => "\"label\"",
        AggregateOp::Quantile | AggregateOp::LimitRatio => "0.9",
        _ => "5",
    }
}

fn usage(op: AggregateOp) -> String {
    match op.parameter() {
        Some(_) => format!("{}({}, vector)", op.name(), parameter_example(op)),
        None => format!("{}(vector)", op.name()),
    }
}

/// For `topk(vector, 5)`.
pub(in crate::parser) fn for_swapped_parameter(
    op: AggregateOp,
    parameter: &Expr,
    expr: &Expr,
    text: &str,
) -> Option<String> {
    let rewritten = format!("{}({}, {})", op.name(), expr.span.of(text), parameter.span.of(text));
    Some(format!("the parameter comes first: {}", example(rewritten, &usage(op))))
}

/// For `expr[range]` where `expr` cannot have a range.
pub(in crate::parser) fn for_misplaced_range(expr: &Expr, brackets: Span, text: &str) -> Option<String> {
    let range = brackets.of(text);
    let hint = match &expr.kind {
        ExprKind::Vector(selector) => {
            let bare = VectorSelector { modifiers: TimeModifiers::default(), ..selector.clone() };
            let rewritten = format!("{bare}{range}{}", selector.modifiers);
            let general = "name[5m] offset 1h";
            format!("the range comes before offset and @: {}", example(rewritten, general))
        }
        ExprKind::Matrix(_) => "a selector has one range".into(),
        ExprKind::Subquery(_) => "a subquery has a range already".into(),
        ExprKind::Number(_) | ExprKind::String(_) => "a range belongs behind a selector: name[5m]".into(),
        ExprKind::Aggregate(aggregate) => {
            let op = aggregate.op.name();
            format!("aggregate what the ranges give, {op}(rate(name[5m])), or write a subquery: {op}(…)[5m:]")
        }
        ExprKind::Unary(_) | ExprKind::Paren(_) | ExprKind::Binary(_) | ExprKind::Call(_) => {
            let rewritten = format!("{}{}:]", expr.span.of(text), range.trim_end_matches(']'));
            format!(
                "a range belongs behind a selector; behind an expression write a subquery: {}",
                example(rewritten, "(…)[5m:]")
            )
        }
    };
    Some(hint)
}

/// For `offset` or `@` behind something that has no time of its own.
pub(in crate::parser) fn for_misplaced_modifier(expr: &Expr, clause: Span, text: &str) -> Option<String> {
    let clause = clause.of(text);
    let end = first_selector_end(expr)?;
    let (before, after) = (Span::new(expr.span.start, end).of(text), Span::new(end, expr.span.end).of(text));
    let rewritten = format!("{before} {clause}{after}");
    Some(format!("it belongs behind the selector: {}", example(rewritten, "rate(name[5m] offset 1h)")))
}

fn first_selector_end(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Vector(_) | ExprKind::Matrix(_) | ExprKind::Subquery(_) => Some(expr.span.end),
        ExprKind::Number(_) | ExprKind::String(_) => None,
        ExprKind::Unary(unary) => first_selector_end(&unary.operand),
        ExprKind::Paren(inner) => first_selector_end(inner),
        ExprKind::Binary(binary) => {
            first_selector_end(&binary.left).or_else(|| first_selector_end(&binary.right))
        }
        ExprKind::Aggregate(aggregate) => first_selector_end(&aggregate.expr),
        ExprKind::Call(call) => call.arguments.iter().find_map(first_selector_end),
    }
}

pub(in crate::parser) fn for_empty_selector(selector: &VectorSelector) -> Option<String> {
    let hint = match selector.matchers.first() {
        None => "name a metric, or a label that must be there: {label!=\"\"}".into(),
        Some(matcher) => {
            let label = matcher.matcher.name();
            format!("series without any of these labels match too; demand one: {{{label}!=\"\"}}")
        }
    };
    Some(hint)
}

/// For an expression of another type than the place wants. `name` is the aggregation or function around it.
pub(in crate::parser) fn for_wrong_type(
    expr: &Expr,
    wanted: ValueType,
    found: ValueType,
    name: Option<&str>,
    text: &str,
) -> Option<String> {
    let written = expr.without_parens().span.of(text);
    let around = |inner: &str| match name {
        Some(name) => format!("{name}({inner})"),
        None => inner.to_owned(),
    };
    let hint = match (wanted, found) {
        (ValueType::Vector, ValueType::Matrix) => {
            let rewritten = around(&format!("rate({written})"));
            let general = around("rate(name[5m])");
            format!("remove the range, or make one value of it, for example {}", example(rewritten, &general))
        }
        (ValueType::Vector, ValueType::Scalar) => {
            format!(
                "vector makes a vector of a number: {}",
                example(format!("vector({written})"), "vector(0)")
            )
        }
        (ValueType::Scalar, ValueType::Vector) if name == Some("vector") => {
            "this is a vector already; vector takes a number".into()
        }
        (ValueType::Scalar, ValueType::Vector) => {
            let rewritten = format!("scalar({written})");
            format!("scalar takes the number out of a single series: {}", example(rewritten, "scalar(name)"))
        }
        (ValueType::Matrix, ValueType::Vector) => return Some(with_range(expr, name, text)),
        (ValueType::String, _) => "text stands in quotes".into(),
        (_, ValueType::String) => match &expr.without_parens().kind {
            ExprKind::String(value) if labels::is_classic_metric_name(value) => {
                format!("text in quotes is not a metric; write {value} without quotes")
            }
            _ => "text in quotes is neither a number nor a metric".into(),
        },
        _ => return None,
    };
    Some(hint)
}

/// How a range is added to the vector that a function takes.
fn with_range(expr: &Expr, name: Option<&str>, text: &str) -> String {
    let around = |inner: &str| match name {
        Some(name) => format!("{name}({inner})"),
        None => inner.to_owned(),
    };
    let written = expr.span.of(text);
    match (&expr.kind, name) {
        (ExprKind::Vector(selector), _) => {
            let bare = VectorSelector { modifiers: TimeModifiers::default(), ..selector.clone() };
            let rewritten = around(&format!("{bare}[5m]{}", selector.modifiers));
            format!("add a range: {}", example(rewritten, &around("name[5m]")))
        }
        // Counters that are added up before the rate is taken lose their resets.
        (ExprKind::Aggregate(aggregate), Some(name @ ("rate" | "irate" | "increase"))) => {
            let op = aggregate.op.name();
            let inner = match &aggregate.expr.kind {
                ExprKind::Vector(_) => aggregate.expr.span.of(text),
                _ => "name",
            };
            let general = format!("{op}({name}(name[5m]))");
            let rewritten = example(format!("{op}({name}({inner}[5m]))"), &general);
            format!("{name} comes before the aggregation: {rewritten}")
        }
        (kind, _) => {
            let needs_parens = matches!(kind, ExprKind::Binary(_) | ExprKind::Unary(_));
            let inner = if needs_parens { format!("({written})") } else { written.to_owned() };
            let rewritten = around(&format!("{inner}[5m:]"));
            format!("make it a subquery: {}", example(rewritten, &around("(…)[5m:]")))
        }
    }
}

/// For `vector and number`.
pub(in crate::parser) fn for_scalar_in_set_operation(
    op: BinaryOp,
    number: &Expr,
    text: &str,
) -> Option<String> {
    let rewritten = format!("vector({})", number.span.of(text));
    Some(format!("{op} works on vectors; of a number write {}", example(rewritten, "vector(0)")))
}

pub(in crate::parser) fn for_argument_count(call: &Call) -> Option<String> {
    let signature = call.function.signature();
    let mut arguments: Vec<String> = signature.arguments.iter().map(ToString::to_string).collect();
    if signature.min_arguments() < arguments.len()
        && let Some(last) = arguments.last_mut()
    {
        let more = if signature.max_arguments() == Some(signature.arguments.len()) { "" } else { ", …" };
        *last = format!("[{last}{more}]");
    }
    Some(match arguments.as_slice() {
        [] => format!("{}() takes no arguments", signature.name),
        _ => format!("it takes {}({})", signature.name, arguments.join(", ")),
    })
}

/// For an argument of the wrong type.
pub(in crate::parser) fn for_wrong_argument(
    call: &Call,
    index: usize,
    wanted: ValueType,
    found: ValueType,
    text: &str,
) -> Option<String> {
    let signature = call.function.signature();
    let argument = call.arguments.get(index)?;
    // Two arguments that would each fit in the other's place.
    let swapped = call
        .arguments
        .iter()
        .enumerate()
        .skip(index + 1)
        .find(|(other, expr)| expr.value_type() == wanted && signature.argument(*other) == Some(found));
    if let Some((other, _)) = swapped {
        let mut written: Vec<&str> = call.arguments.iter().map(|argument| argument.span.of(text)).collect();
        written.swap(index, other);
        let rewritten = format!("{}({})", signature.name, written.join(", "));
        let types: Vec<String> = signature.arguments.iter().map(ToString::to_string).collect();
        let general = format!("{}({})", signature.name, types.join(", "));
        return Some(format!("the arguments are in another order: {}", example(rewritten, &general)));
    }
    // With other arguments beside it, the example cannot show the call.
    let name = (call.arguments.len() == 1).then_some(signature.name);
    for_wrong_type(argument, wanted, found, name, text)
}
