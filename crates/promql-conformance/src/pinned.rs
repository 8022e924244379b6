//! A query with all its selectors pinned by `@` to one time: evaluated at any time, it must give the same.

use promql::Function;
use promql::ast::{At, Expr, ExprKind, TimeModifiers};

/// Functions whose results depend on when they are evaluated, even if what they are given does not.
const TIME_DEPENDENT: [Function; 15] = [
    Function::DayOfMonth,
    Function::DayOfWeek,
    Function::DayOfYear,
    Function::DaysInMonth,
    Function::End,
    Function::Hour,
    Function::Minute,
    Function::Month,
    Function::PredictLinear,
    Function::Range,
    Function::Start,
    Function::Step,
    Function::Time,
    Function::Timestamp,
    Function::Year,
];

/// The query pinned to `at`, and the times at which it can be evaluated. `None` where it depends on time otherwise.
pub(crate) fn pin(expr: &Expr, at: i64) -> Option<(Expr, Vec<i64>)> {
    let mut expr = expr.clone();
    if !pin_all(&mut expr, at) {
        return None;
    }
    let times = if at == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
    Some((expr, times))
}

/// Pins what is not pinned; inside of a subquery everything moves with its steps. Says whether nothing else depends on
/// time.
fn pin_all(expr: &mut Expr, at: i64) -> bool {
    let pin = |modifiers: &mut TimeModifiers| {
        modifiers.at.get_or_insert(At::Timestamp(at));
    };
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::Vector(selector) => {
            pin(&mut selector.modifiers);
            true
        }
        ExprKind::Matrix(matrix) => {
            pin(&mut matrix.selector.modifiers);
            true
        }
        ExprKind::Subquery(subquery) => {
            pin(&mut subquery.modifiers);
            !depends_on_time(&subquery.expr)
        }
        ExprKind::Unary(unary) => pin_all(&mut unary.operand, at),
        ExprKind::Paren(inner) => pin_all(inner, at),
        ExprKind::Binary(binary) => pin_all(&mut binary.left, at) & pin_all(&mut binary.right, at),
        ExprKind::Aggregate(aggregate) => {
            let parameter = aggregate.parameter.as_mut().is_none_or(|parameter| pin_all(parameter, at));
            pin_all(&mut aggregate.expr, at) & parameter
        }
        ExprKind::Call(call) => {
            // The second argument of `info` takes no modifiers.
            let count = if call.function == Function::Info { 1 } else { usize::MAX };
            let arguments = call.arguments.iter_mut().take(count);
            arguments.fold(true, |fixed, argument| pin_all(argument, at) & fixed)
                && !TIME_DEPENDENT.contains(&call.function)
        }
    }
}

fn depends_on_time(expr: &Expr) -> bool {
    let mut copy = expr.clone();
    !pin_all(&mut copy, 0)
}
