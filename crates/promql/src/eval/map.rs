//! What is done to each value of a vector by itself: mathematical functions, and operators with a scalar.

use super::matrix::{Row, Scalars, Sink, absent, any_present, is_absent};
use super::plan::{Map, VectorNode};
use super::steps::Steps;
use super::{Evaluator, operators};
use crate::ast::{BinaryOp, Span};
use crate::engine::QueryError;

/// The greater or the lesser of two numbers. NaN if one is, unless infinity decides whatever the other is, as in Go.
pub(super) fn extreme(max: bool, left: f64, right: f64) -> f64 {
    let farthest = if max { f64::INFINITY } else { f64::NEG_INFINITY };
    if left == farthest || right == farthest {
        farthest
    } else if left.is_nan() || right.is_nan() {
        f64::NAN
    } else if max {
        left.max(right)
    } else {
        left.min(right)
    }
}

/// A [`Map`] whose scalars have been evaluated.
enum Ready {
    Function(fn(f64) -> f64),
    Clamp { min: Scalars, max: Scalars },
    Round(Scalars),
    Arithmetic { op: BinaryOp, scalar: Scalars, scalar_left: bool },
    Filter { op: BinaryOp, scalar: Scalars, scalar_left: bool },
    Compare { op: BinaryOp, scalar: Scalars, scalar_left: bool },
    Nothing,
    StepTime(Steps),
}

impl Ready {
    fn apply(&self, row: &mut [f64]) {
        match self {
            Self::Function(function) => each(row, |_, value| function(value)),
            Self::Clamp { min, max } => each(row, |step, value| {
                let (min, max) = (min.get(step), max.get(step));
                if max < min { absent() } else { extreme(true, min, extreme(false, max, value)) }
            }),
            Self::Round(to) => each(row, |step, value| {
                // Dividing by the inverse loses less than multiplying with the number itself.
                let inverse = 1.0 / to.get(step);
                (value * inverse + 0.5).floor() / inverse
            }),
            Self::Arithmetic { op, scalar: Scalars::Same(scalar), scalar_left: false } => {
                arithmetic(*op, row, *scalar);
            }
            Self::Arithmetic { op, scalar, scalar_left } => each(row, |step, value| {
                let (left, right) = ordered(value, scalar.get(step), *scalar_left);
                operators::apply(*op, left, right)
            }),
            Self::Filter { op, scalar, scalar_left } => each(row, |step, value| {
                let (left, right) = ordered(value, scalar.get(step), *scalar_left);
                if operators::holds(*op, left, right) { value } else { absent() }
            }),
            Self::Compare { op, scalar, scalar_left } => each(row, |step, value| {
                let (left, right) = ordered(value, scalar.get(step), *scalar_left);
                f64::from(u8::from(operators::holds(*op, left, right)))
            }),
            Self::Nothing => row.fill(absent()),
            Self::StepTime(steps) => each(row, |step, _| steps.at(step) as f64 / 1000.0),
        }
    }
}

fn ordered(value: f64, scalar: f64, scalar_left: bool) -> (f64, f64) {
    if scalar_left { (scalar, value) } else { (value, scalar) }
}

/// Replaces each value that is present.
#[inline]
fn each(row: &mut [f64], function: impl Fn(usize, f64) -> f64) {
    for (step, value) in row.iter_mut().enumerate() {
        if !is_absent(*value) {
            *value = function(step, *value);
        }
    }
}

/// The usual case, with the choice of the operator outside of the loop.
fn arithmetic(op: BinaryOp, row: &mut [f64], scalar: f64) {
    match op {
        BinaryOp::Add => each(row, |_, value| value + scalar),
        BinaryOp::Sub => each(row, |_, value| value - scalar),
        BinaryOp::Mul => each(row, |_, value| value * scalar),
        BinaryOp::Div => each(row, |_, value| value / scalar),
        op => each(row, |_, value| operators::apply(op, value, scalar)),
    }
}

impl Evaluator<'_> {
    /// Maps the rows of `inner`.
    pub(super) fn map(
        &self,
        inner: &VectorNode,
        map: &Map,
        steps: Steps,
        span: Span,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let ready = match map {
            Map::Function(function) => Ready::Function(*function),
            Map::Clamp { min, max } => {
                Ready::Clamp { min: self.scalars(min, steps)?, max: self.scalars(max, steps)? }
            }
            Map::Round(to) => Ready::Round(self.scalars(to, steps)?),
            Map::Operator { op, .. } if operators::is_trim(*op) => Ready::Nothing,
            Map::Operator { op, scalar, scalar_left, return_bool } => {
                let (op, scalar, scalar_left) = (*op, self.scalars(scalar, steps)?, *scalar_left);
                match (op.is_comparison(), return_bool) {
                    (false, _) => Ready::Arithmetic { op, scalar, scalar_left },
                    (true, false) => Ready::Filter { op, scalar, scalar_left },
                    (true, true) => Ready::Compare { op, scalar, scalar_left },
                }
            }
            Map::StepTime => Ready::StepTime(steps),
            Map::Nothing => Ready::Nothing,
            Map::NeedsNative(function) => {
                let message = format!("{function}() looks at native histograms, which are not stored here");
                self.notes.info(message, span);
                Ready::Nothing
            }
        };
        let drops_name = map.drops_name();
        self.stream(inner, steps, &mut |row| {
            ready.apply(row.values);
            if any_present(row.values) {
                return sink(Row { drop_name: row.drop_name || drops_name, ..row });
            }
            if let Map::Operator { op, .. } = map
                && operators::is_trim(*op)
            {
                self.note_incompatible(*op, span);
            }
            Ok(())
        })
    }

    /// Notes that an operator has no meaning for floats.
    pub(super) fn note_incompatible(&self, op: BinaryOp, span: Span) {
        let op = op.as_str();
        let message =
            format!("incompatible sample types encountered for binary operator {op:?}: float {op} float");
        self.notes.info(message, span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(ready: &Ready, values: [f64; 3]) -> [f64; 3] {
        let mut row = values;
        ready.apply(&mut row);
        row
    }

    #[test]
    fn absent_values_stay_absent() {
        let row = applied(&Ready::Function(|_| 1.0), [absent(), 0.0, f64::NAN]);
        assert!(is_absent(row[0]));
        assert_eq!(row[1..], [1.0, 1.0]);
    }

    #[test]
    fn ties_are_rounded_up() {
        let to = |to| Ready::Round(Scalars::Same(to));
        assert_eq!(applied(&to(1.0), [0.5, -0.5, 2.4]), [1.0, 0.0, 2.0]);
        assert_eq!(applied(&to(0.1), [0.15, 0.25, -0.26]), [0.2, 0.3, -0.3]);
    }

    #[test]
    fn a_comparison_keeps_the_value_of_the_vector_on_either_side() {
        let scalar = || Scalars::Same(2.0);
        let left = Ready::Filter { op: BinaryOp::Lt, scalar: scalar(), scalar_left: true };
        let row = applied(&left, [1.0, 2.0, 3.0]);
        assert!(is_absent(row[0]) && is_absent(row[1]) && row[2] == 3.0);
        let bool = Ready::Compare { op: BinaryOp::Ge, scalar: scalar(), scalar_left: false };
        assert_eq!(applied(&bool, [1.0, 2.0, 3.0]), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn clamping_to_an_empty_interval_gives_nothing() {
        let clamp = |min, max| Ready::Clamp { min: Scalars::Same(min), max: Scalars::Same(max) };
        assert_eq!(applied(&clamp(0.0, 2.0), [-1.0, 1.0, 3.0]), [0.0, 1.0, 2.0]);
        assert!(applied(&clamp(2.0, 0.0), [-1.0, 1.0, 3.0]).iter().all(|&value| is_absent(value)));
    }
}
