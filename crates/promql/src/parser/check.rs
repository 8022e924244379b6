//! The type check: what a grammar cannot say. The first complaint in reading order wins.

use crate::ast::{
    Aggregate, Binary, Call, Cardinality, Expr, ExprKind, Subquery, Unary, ValueType, VectorSelector,
};
use crate::functions::Function;
use crate::parser::{Parsed, error, hints};

/// Checks an expression of the query `text` and gives its type.
pub(super) fn expression(expr: &Expr, text: &str) -> Parsed<ValueType> {
    match &expr.kind {
        ExprKind::Number(_) => Ok(ValueType::Scalar),
        ExprKind::String(_) => Ok(ValueType::String),
        ExprKind::Vector(selector) => {
            selects_something(expr, selector)?;
            Ok(ValueType::Vector)
        }
        ExprKind::Matrix(matrix) => {
            selects_something(expr, &matrix.selector)?;
            Ok(ValueType::Matrix)
        }
        ExprKind::Subquery(inner) => subquery(expr, inner, text),
        ExprKind::Unary(inner) => unary(expr, inner, text),
        ExprKind::Paren(inner) => expression(inner, text),
        ExprKind::Binary(inner) => binary(inner, text),
        ExprKind::Aggregate(inner) => aggregate(inner, text),
        ExprKind::Call(inner) => call(expr, inner, text),
    }
}

/// A slip must not select every series there is.
fn selects_something(expr: &Expr, selector: &VectorSelector) -> Parsed<()> {
    if selector.matchers.iter().any(|matcher| !matcher.matcher.matches_empty()) {
        return Ok(());
    }
    Err(error(
        "vector selector must contain at least one non-empty matcher",
        expr.span,
        hints::for_empty_selector(selector),
    ))
}

fn subquery(expr: &Expr, subquery: &Subquery, text: &str) -> Parsed<ValueType> {
    let inner = expression(&subquery.expr, text)?;
    if inner == ValueType::Vector {
        return Ok(ValueType::Matrix);
    }
    let message = format!("subquery is only allowed on instant vector, got {inner} instead");
    Err(error(
        message,
        expr.span,
        hints::for_wrong_type(&subquery.expr, ValueType::Vector, inner, None, text),
    ))
}

fn unary(expr: &Expr, unary: &Unary, text: &str) -> Parsed<ValueType> {
    match expression(&unary.operand, text)? {
        found @ (ValueType::Scalar | ValueType::Vector) => Ok(found),
        found => Err(error(
            format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                found.to_string()
            ),
            expr.span,
            hints::for_wrong_type(&unary.operand, ValueType::Vector, found, None, text),
        )),
    }
}

fn aggregate(aggregate: &Aggregate, text: &str) -> Parsed<ValueType> {
    let op = aggregate.op;
    let vector = expression(&aggregate.expr, text)?;
    let parameter = match &aggregate.parameter {
        Some(parameter) => Some(expression(parameter, text)?),
        None => None,
    };
    let swapped = parameter == Some(ValueType::Vector) && op.parameter() == Some(vector);
    let hint = |expr: &Expr, wanted: ValueType, found: ValueType| match &aggregate.parameter {
        Some(parameter) if swapped => hints::for_swapped_parameter(op, parameter, &aggregate.expr, text),
        _ => hints::for_wrong_type(expr, wanted, found, Some(op.name()), text),
    };
    if let (Some(wanted), Some(expr), Some(found)) = (op.parameter(), &aggregate.parameter, parameter)
        && wanted != found
    {
        let message = format!("expected type {wanted} in aggregation parameter, got {found}");
        return Err(error(message, expr.span, hint(expr, wanted, found)));
    }
    if vector != ValueType::Vector {
        let message = format!("expected type {} in aggregation expression, got {vector}", ValueType::Vector);
        return Err(error(message, aggregate.expr.span, hint(&aggregate.expr, ValueType::Vector, vector)));
    }
    Ok(ValueType::Vector)
}

fn binary(binary: &Binary, text: &str) -> Parsed<ValueType> {
    let (op, matching) = (binary.op, &binary.matching);
    let left = expression(&binary.left, text)?;
    let right = expression(&binary.right, text)?;

    let both_scalar = left == ValueType::Scalar && right == ValueType::Scalar;
    if op.is_comparison() && !binary.return_bool && both_scalar {
        let hint = format!("write {} bool", op.as_str());
        let message = "comparisons between scalars must use BOOL modifier";
        return Err(error(message, binary.op_span, Some(hint)));
    }
    if matching.on
        && let Some(label) = matching.labels.iter().find(|label| matching.include.contains(label))
    {
        let message = format!("label {label:?} must not occur in ON and GROUP clause at once");
        return Err(error(message, matching.span, Some(hints::LABEL_IN_ON_AND_GROUP.into())));
    }
    for (side, found) in [(&binary.left, left), (&binary.right, right)] {
        if !matches!(found, ValueType::Scalar | ValueType::Vector) {
            let message = "binary expression must contain only scalar and instant vector types";
            let hint = hints::for_wrong_type(side, ValueType::Vector, found, None, text);
            return Err(error(message, side.span, hint));
        }
    }

    let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
    if left == ValueType::Vector && right == ValueType::Vector {
        if op.is_set() && matching.cardinality != Cardinality::ManyToMany {
            let message = format!("no grouping allowed for {:?} operation", op.as_str());
            return Err(error(message, matching.span, Some(hints::GROUPED_SET_OPERATION.into())));
        }
        if op.is_set() && fills {
            return Err(error(
                "filling in missing series not allowed for set operators",
                matching.span,
                None,
            ));
        }
        return Ok(ValueType::Vector);
    }

    if op.is_set() {
        let message = format!("set operator {:?} not allowed in binary scalar expression", op.as_str());
        let number = if left == ValueType::Scalar { &binary.left } else { &binary.right };
        return Err(error(message, number.span, hints::for_scalar_in_set_operation(op, number, text)));
    }
    if !matching.labels.is_empty() {
        let hint = Some("a number has no labels to match; remove the modifier".into());
        return Err(error("vector matching only allowed between instant vectors", matching.span, hint));
    }
    if fills {
        let message = "filling in missing series only allowed between instant vectors";
        return Err(error(message, matching.span, None));
    }
    Ok(if both_scalar { ValueType::Scalar } else { ValueType::Vector })
}

fn call(expr: &Expr, call: &Call, text: &str) -> Parsed<ValueType> {
    let signature = call.function.signature();
    let given = call.arguments.len();
    let (min, max) = (signature.min_arguments(), signature.max_arguments());
    let expected = if max == Some(min) && given != min {
        Some(format!("expected {min} argument(s)"))
    } else if given < min {
        Some(format!("expected at least {min} argument(s)"))
    } else {
        max.filter(|&max| given > max).map(|max| format!("expected at most {max} argument(s)"))
    };
    if let Some(expected) = expected {
        let message = format!("{expected} in call to {:?}, got {given}", signature.name);
        return Err(error(message, expr.span, hints::for_argument_count(call)));
    }
    for (index, argument) in call.arguments.iter().enumerate() {
        if call.function == Function::Info && index == 1 {
            info_selector(argument)?;
            continue;
        }
        let found = expression(argument, text)?;
        let Some(wanted) = signature.argument(index).filter(|&wanted| wanted != found) else { continue };
        let message = format!("expected type {wanted} in call to function {:?}, got {found}", signature.name);
        return Err(error(
            message,
            argument.span,
            hints::for_wrong_argument(call, index, wanted, found, text),
        ));
    }
    Ok(signature.returns)
}

/// The second argument of `info` only lists conditions on labels: no metric name, and it may match the empty text.
fn info_selector(argument: &Expr) -> Parsed<()> {
    match &argument.kind {
        // A name in quotes is a condition like any other; one before the braces is not.
        ExprKind::Vector(selector) if !is_named_before_braces(argument, selector) => Ok(()),
        ExprKind::Vector(_) => {
            Err(error("expected label selectors only, got vector selector instead", argument.span, None))
        }
        _ => Err(error("expected label selectors only", argument.span, None)),
    }
}

fn is_named_before_braces(expr: &Expr, selector: &VectorSelector) -> bool {
    selector.name.is_some()
        && selector.matchers.first().is_some_and(|name| name.span.start == expr.span.start)
}
