//! Durations: literals, and since Prometheus 3.14 arithmetic on them.

use crate::ast::{BinaryOp, DurationExpr, DurationKind, Span};
use crate::parser::cursor::Cursor;
use crate::parser::literals::LONGEST_DURATION_MS;
use crate::parser::token::{Keyword, TokenKind};
use crate::parser::{Parsed, error};

const OPERAND: &str = "a duration";

/// How tightly an arithmetic operator binds.
fn precedence(kind: &TokenKind) -> Option<(BinaryOp, u8)> {
    let TokenKind::Operator(op) = kind else { return None };
    let precedence = match op {
        BinaryOp::Add | BinaryOp::Sub => 1,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 2,
        BinaryOp::Pow => POWER,
        _ => return None,
    };
    Some((*op, precedence))
}

const POWER: u8 = 3;

/// A duration and the height of its tree.
type Tall = (DurationExpr, usize);

impl Cursor<'_> {
    /// The range or step in brackets.
    pub(super) fn positive_duration(&mut self, context: &str) -> Parsed<DurationExpr> {
        let (duration, _) = self.duration(0, context)?;
        let positive = match duration.kind {
            DurationKind::Millis(milliseconds) => milliseconds > 0,
            DurationKind::Seconds(seconds) => seconds > 0.0,
            _ => true,
        };
        if positive {
            Ok(duration)
        } else {
            let hint = matches!(duration.kind, DurationKind::Millis(ms) if ms < 0)
                .then(|| "a range looks back; to look ahead, add a negative offset: x[5m] offset -5m".into());
            Err(error("duration must be greater than 0", duration.span, hint))
        }
    }

    /// What stands behind `offset`. An operator behind it belongs to the whole expression, `x offset 5m + 1`, unless the
    /// offset itself begins with a parenthesis.
    pub(super) fn offset_duration(&mut self) -> Parsed<DurationExpr> {
        let sign = self.sign();
        let first = self.peek_at(usize::from(sign.is_some()));
        let stands_alone = match first {
            TokenKind::LeftParen => sign.is_some(),
            TokenKind::Operator(_) => false,
            _ => true,
        };
        if !stands_alone {
            return Ok(self.duration(0, "offset")?.0);
        }
        let sign = sign.map(|negative| (negative, self.advance()));
        let (operand, _) = self.duration_operand("offset")?;
        Ok(match sign {
            Some((negative, span)) => with_sign(negative, span, operand),
            None => operand,
        })
    }

    fn sign(&self) -> Option<bool> {
        match self.peek() {
            TokenKind::Operator(BinaryOp::Sub) => Some(true),
            TokenKind::Operator(BinaryOp::Add) => Some(false),
            _ => None,
        }
    }

    /// Operands and those operators that bind more tightly than `floor`.
    fn duration(&mut self, floor: u8, context: &str) -> Parsed<Tall> {
        self.nested(|cursor| {
            let (mut left, mut height) = cursor.duration_operand(context)?;
            while let Some((op, precedence)) = precedence(cursor.peek()).filter(|(_, p)| *p > floor) {
                let op_span = cursor.advance();
                // The power is the only one that groups to the right.
                let (right, right_height) =
                    cursor.duration(if precedence == POWER { POWER - 1 } else { precedence }, context)?;
                if is_zero(&right) && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
                    let message = if op == BinaryOp::Div { "division by zero" } else { "modulo by zero" };
                    return Err(error(message, op_span.to(right.span), None));
                }
                height = height.max(right_height) + 1;
                if height + cursor.depth > super::cursor::MAX_DEPTH {
                    return Err(cursor.too_deep(op_span));
                }
                let span = left.span.to(right.span);
                let kind = DurationKind::Binary { op, left: Box::new(left), right: Box::new(right) };
                left = DurationExpr { kind, span };
            }
            Ok((left, height))
        })
    }

    fn duration_operand(&mut self, context: &str) -> Parsed<Tall> {
        if let Some(negative) = self.sign() {
            let sign = self.advance();
            // A power binds more tightly than a sign: −2^2 is −(2^2).
            let (operand, height) = self.duration(POWER - 1, context)?;
            return Ok((with_sign(negative, sign, operand), height + 1));
        }
        let span = self.span();
        let kind = match self.peek() {
            TokenKind::Number(seconds) => {
                let seconds = *seconds;
                self.advance();
                DurationKind::Seconds(seconds)
            }
            TokenKind::Duration(milliseconds) => {
                let milliseconds = *milliseconds;
                self.advance();
                DurationKind::Millis(milliseconds)
            }
            TokenKind::LeftParen => {
                self.open();
                let (inner, height) = self.duration(0, "duration expression")?;
                let end = self.close("duration expression", "an operator or \")\"")?;
                let kind = DurationKind::Paren(Box::new(inner));
                return Ok((DurationExpr { kind, span: span.to(end) }, height + 1));
            }
            TokenKind::Name(Some(Keyword::Step)) => return self.query_property(DurationKind::Step),
            TokenKind::Name(Some(Keyword::Range)) => return self.query_property(DurationKind::Range),
            TokenKind::Name(Some(Keyword::MinOf)) => return self.extreme(false),
            TokenKind::Name(Some(Keyword::MaxOf)) => return self.extreme(true),
            _ => return Err(self.unexpected(context, OPERAND)),
        };
        let in_range = match kind {
            // False for NaN too.
            DurationKind::Seconds(seconds) => seconds.abs() <= LONGEST_DURATION_MS as f64 / 1000.0,
            _ => true,
        };
        if !in_range {
            return Err(error("duration out of range", span, None));
        }
        Ok((DurationExpr { kind, span }, 1))
    }

    /// `step()` and `range()`.
    fn query_property(&mut self, kind: DurationKind) -> Parsed<Tall> {
        let start = self.advance();
        if *self.peek() != TokenKind::LeftParen {
            return Err(self.unexpected("duration expression", "\"(\""));
        }
        self.open();
        let end = self.close("duration expression", "\")\"")?;
        Ok((DurationExpr { kind, span: start.to(end) }, 1))
    }

    /// `min_of(a, b)` and `max_of(a, b)`.
    fn extreme(&mut self, max: bool) -> Parsed<Tall> {
        let start = self.advance();
        if *self.peek() != TokenKind::LeftParen {
            return Err(self.unexpected("duration expression", "\"(\""));
        }
        self.open();
        let (left, left_height) = self.duration(0, "duration expression")?;
        if self.accept(&TokenKind::Comma).is_none() {
            return Err(self.unexpected("duration expression", "an operator or \",\""));
        }
        let (right, right_height) = self.duration(0, "duration expression")?;
        let end = self.close("duration expression", "an operator or \")\"")?;
        let kind = DurationKind::Extreme { max, left: Box::new(left), right: Box::new(right) };
        Ok((DurationExpr { kind, span: start.to(end) }, left_height.max(right_height) + 1))
    }
}

fn is_zero(duration: &DurationExpr) -> bool {
    match duration.kind {
        DurationKind::Millis(milliseconds) => milliseconds == 0,
        DurationKind::Seconds(seconds) => seconds == 0.0,
        _ => false,
    }
}

/// A sign becomes part of a literal; a plus before anything else changes nothing and is forgotten.
fn with_sign(negative: bool, sign: Span, operand: DurationExpr) -> DurationExpr {
    let span = sign.to(operand.span);
    let kind = match operand.kind {
        DurationKind::Millis(milliseconds) if negative => DurationKind::Millis(-milliseconds),
        DurationKind::Seconds(seconds) if negative => DurationKind::Seconds(-seconds),
        kind if !negative => kind,
        kind => {
            let operand = Box::new(DurationExpr { kind, span: operand.span });
            DurationKind::Unary { negative, operand }
        }
    };
    DurationExpr { kind, span }
}
