//! Operators on two numbers.

use crate::ast::BinaryOp;

/// The value of an arithmetic operator, or 1 and 0 for comparisons. NaN for operators that do not work on numbers.
#[inline]
pub(super) fn apply(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Gt | BinaryOp::Lt | BinaryOp::Ge | BinaryOp::Le => {
            f64::from(u8::from(holds(op, left, right)))
        }
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::TrimUpper | BinaryOp::TrimLower => {
            f64::NAN
        }
    }
}

/// Whether a comparison holds. False for operators that compare nothing.
#[inline]
pub(super) fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::Ne => left != right,
        BinaryOp::Gt => left > right,
        BinaryOp::Lt => left < right,
        BinaryOp::Ge => left >= right,
        BinaryOp::Le => left <= right,
        _ => false,
    }
}

/// `+ - * / % ^ atan2`: what comes out is no longer the metric that went in.
pub(super) fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::Atan2
    )
}

/// `</` and `>/`, which work on native histograms only.
pub(super) fn is_trim(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_follow_ieee_754_and_the_sign_of_the_dividend() {
        for (op, left, right, expected) in [
            (BinaryOp::Div, 1.0, 0.0, f64::INFINITY),
            (BinaryOp::Mod, -7.0, 3.0, -1.0),
            (BinaryOp::Mod, 7.5, -2.0, 1.5),
            (BinaryOp::Pow, 2.0, 0.5, std::f64::consts::SQRT_2),
            (BinaryOp::Pow, f64::NAN, 0.0, 1.0),
            (BinaryOp::Pow, 1.0, f64::NAN, 1.0),
            (BinaryOp::Atan2, 1.0, -1.0, 3.0 * std::f64::consts::FRAC_PI_4),
            (BinaryOp::Ne, f64::NAN, f64::NAN, 1.0),
            (BinaryOp::Eq, f64::NAN, f64::NAN, 0.0),
            (BinaryOp::Le, 1.0, 1.0, 1.0),
        ] {
            assert_eq!(apply(op, left, right), expected, "{left} {} {right}", op.as_str());
        }
        assert!(apply(BinaryOp::Mod, 1.0, 0.0).is_nan());
    }
}
