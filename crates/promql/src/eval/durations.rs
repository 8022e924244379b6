//! The values of durations, which since Prometheus 3.14 may be computed.

use super::QueryTimes;
use crate::ast::{BinaryOp, DurationExpr, DurationKind};
use crate::engine::QueryError;

/// The longest duration that Prometheus can hold: an `i64` of nanoseconds, in seconds.
const LONGEST_SECONDS: f64 = i64::MAX as f64 / 1e9;

/// The same in milliseconds.
const LONGEST_MS: u64 = i64::MAX as u64 / 1_000_000;

/// A range or step in milliseconds: greater than 0.
pub(super) fn positive(duration: &DurationExpr, times: &QueryTimes) -> Result<i64, QueryError> {
    milliseconds(duration, times, false)
}

/// An offset in milliseconds.
pub(super) fn any(duration: &DurationExpr, times: &QueryTimes) -> Result<i64, QueryError> {
    milliseconds(duration, times, true)
}

fn milliseconds(
    duration: &DurationExpr,
    times: &QueryTimes,
    negative_allowed: bool,
) -> Result<i64, QueryError> {
    let seconds = match duration.kind {
        // Past the rounding of the general case.
        DurationKind::Millis(ms) if ms.unsigned_abs() <= LONGEST_MS && (ms > 0 || negative_allowed) => {
            return Ok(ms);
        }
        _ => seconds(duration, times)?,
    };
    if seconds.is_nan() || seconds.is_infinite() {
        return Err(error(duration, "duration is NaN or infinite"));
    }
    if seconds <= 0.0 && !negative_allowed {
        return Err(error(duration, "duration must be greater than 0"));
    }
    if seconds.abs() > LONGEST_SECONDS {
        return Err(error(duration, "duration is out of range"));
    }
    Ok((seconds * 1000.0) as i64)
}

fn seconds(duration: &DurationExpr, times: &QueryTimes) -> Result<f64, QueryError> {
    Ok(match &duration.kind {
        DurationKind::Millis(ms) => *ms as f64 / 1000.0,
        DurationKind::Seconds(seconds) => *seconds,
        DurationKind::Step => times.step.unwrap_or(0) as f64 / 1000.0,
        DurationKind::Range => (times.end - times.start) as f64 / 1000.0,
        DurationKind::Paren(inner) => seconds(inner, times)?,
        DurationKind::Unary { negative, operand } => {
            let value = seconds(operand, times)?;
            if *negative { -value } else { value }
        }
        DurationKind::Extreme { max, left, right } => {
            let (left, right) = (seconds(left, times)?, seconds(right, times)?);
            if *max { left.max(right) } else { left.min(right) }
        }
        DurationKind::Binary { op, left, right } => {
            let (left, right) = (seconds(left, times)?, seconds(right, times)?);
            match op {
                BinaryOp::Div if right == 0.0 => return Err(error(duration, "division by zero")),
                BinaryOp::Mod if right == 0.0 => return Err(error(duration, "modulo by zero")),
                op => super::operators::apply(*op, left, right),
            }
        }
    })
}

/// As Prometheus words it, with the place in front.
fn error(duration: &DurationExpr, message: &str) -> QueryError {
    let span = duration.span;
    QueryError::Execution { message: format!("{}:{}: {message}", span.start, span.end), span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Span;

    const TIMES: QueryTimes = QueryTimes { start: 0, end: 600_000, step: Some(30_000) };

    fn duration(kind: DurationKind) -> DurationExpr {
        DurationExpr { kind, span: Span::new(2, 7) }
    }

    fn binary(op: BinaryOp, left: DurationKind, right: DurationKind) -> DurationExpr {
        let (left, right) = (Box::new(duration(left)), Box::new(duration(right)));
        duration(DurationKind::Binary { op, left, right })
    }

    #[test]
    fn durations_are_computed_in_seconds() {
        use DurationKind::{Millis, Range, Seconds, Step};
        for (expr, expected) in [
            (duration(Millis(1)), 1),
            (duration(Seconds(1.5)), 1500),
            (duration(Step), 30_000),
            (duration(Range), 600_000),
            (binary(BinaryOp::Mul, Step, Seconds(4.0)), 120_000),
            (binary(BinaryOp::Pow, Seconds(2.0), Seconds(3.0)), 8000),
            (binary(BinaryOp::Mod, Seconds(70.0), Seconds(60.0)), 10_000),
        ] {
            assert_eq!(positive(&expr, &TIMES).unwrap(), expected, "{expr:?}");
        }
    }

    #[test]
    fn senseless_durations_are_errors_that_name_the_place() {
        use DurationKind::{Millis, Seconds};
        for (expr, message) in [
            (duration(Millis(0)), "2:7: duration must be greater than 0"),
            (binary(BinaryOp::Sub, Seconds(1.0), Seconds(2.0)), "2:7: duration must be greater than 0"),
            (binary(BinaryOp::Div, Seconds(1.0), Seconds(0.0)), "2:7: division by zero"),
            (binary(BinaryOp::Mod, Seconds(1.0), Seconds(0.0)), "2:7: modulo by zero"),
            (duration(Seconds(f64::NAN)), "2:7: duration is NaN or infinite"),
            (duration(Seconds(1e20)), "2:7: duration is out of range"),
        ] {
            assert_eq!(positive(&expr, &TIMES).unwrap_err().to_string(), message);
        }
        assert_eq!(any(&duration(Millis(-5)), &TIMES).unwrap(), -5);
        let instant = QueryTimes { step: None, ..TIMES };
        assert!(positive(&duration(DurationKind::Step), &instant).is_err(), "an instant query has no step");
    }
}
