//! The unit of every part of a query, and the places where units do not agree.

mod calls;
mod dimension;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;

use crate::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, Span, Unary, VectorSelector};

pub use dimension::{Unit, is_conversion, same_scale};

/// What is known of the metrics.
pub trait Schema {
    /// The unit of the selected series; `None` where the metric is not known.
    fn unit(&self, selector: &VectorSelector) -> Option<Unit>;

    /// The unit of the upper bounds of the buckets of the selected classic histogram.
    fn bucket_unit(&self, selector: &VectorSelector) -> Option<Unit> {
        let _ = selector;
        None
    }

    /// What a number in the text is. Plain numbers are [`Quantity::Number`]; what stands for a variable is something
    /// else.
    fn number(&self, value: f64, span: Span) -> Quantity {
        let _ = span;
        Quantity::Number(value)
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// Nothing.
    Unknown,
    /// A plain number, which goes with every unit: it is the factor in `8 * x`, and as large as need be in `x > 8`.
    Number(f64),
    /// A number of this unit.
    Of(Unit),
}

impl Quantity {
    /// The unit, where there is one.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Self::Of(unit) => Some(unit),
            Self::Unknown | Self::Number(_) => None,
        }
    }
}

impl From<Option<Unit>> for Quantity {
    fn from(unit: Option<Unit>) -> Self {
        unit.map_or(Self::Unknown, Self::Of)
    }
}

/// An operator between values whose units do not agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mismatch {
    /// The whole operation.
    pub span: Span,
    /// The operator alone.
    pub op_span: Span,
    /// Its operator.
    pub op: BinaryOp,
    /// The unit of the left side.
    pub left: Unit,
    /// The unit of the right side.
    pub right: Unit,
}

/// The units of every part of a query.
#[derive(Clone, Debug, Default)]
pub struct Units {
    nodes: FxHashMap<Span, Quantity>,
    mismatches: Vec<Mismatch>,
}

impl Units {
    /// What is known of the value of a part of the query.
    pub fn of(&self, expr: &Expr) -> Quantity {
        self.nodes.get(&expr.span).copied().unwrap_or(Quantity::Unknown)
    }

    /// Where units do not agree, from the inside outwards.
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }
}

/// Finds the unit of every part of a query.
pub fn analyse(expr: &Expr, schema: &dyn Schema) -> Units {
    let mut analysis = Analysis { schema, units: Units::default() };
    analysis.visit(expr);
    analysis.units
}

struct Analysis<'a> {
    schema: &'a dyn Schema,
    units: Units,
}

impl Analysis<'_> {
    fn visit(&mut self, expr: &Expr) -> Quantity {
        let quantity = match &expr.kind {
            ExprKind::Number(value) => self.schema.number(*value, expr.span),
            ExprKind::String(_) => Quantity::Unknown,
            ExprKind::Vector(selector) => self.schema.unit(selector).into(),
            ExprKind::Matrix(matrix) => self.schema.unit(&matrix.selector).into(),
            ExprKind::Subquery(subquery) => self.visit(&subquery.expr),
            ExprKind::Unary(unary) => self.unary(unary),
            ExprKind::Paren(inner) => self.visit(inner),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Binary(binary) => self.binary(binary, expr.span),
        };
        self.units.nodes.insert(expr.span, quantity);
        quantity
    }

    fn unary(&mut self, unary: &Unary) -> Quantity {
        match self.visit(&unary.operand) {
            Quantity::Number(value) if unary.negative => Quantity::Number(-value),
            quantity => quantity,
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Quantity {
        if let Some(parameter) = &aggregate.parameter {
            self.visit(parameter);
        }
        let inner = self.visit(&aggregate.expr);
        match aggregate.op {
            // As many as are true.
            AggregateOp::Sum if is_truth(&aggregate.expr) => Quantity::Of(Unit::THING),
            AggregateOp::Sum | AggregateOp::Avg if matches!(inner, Quantity::Number(_)) => Quantity::Unknown,
            AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Stddev
            | AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio
            | AggregateOp::Quantile => inner,
            AggregateOp::Stdvar => power(inner, 2.0),
            AggregateOp::Count | AggregateOp::CountValues => Quantity::Of(Unit::THING),
            AggregateOp::Group => Quantity::Unknown,
        }
    }

    fn binary(&mut self, binary: &Binary, span: Span) -> Quantity {
        use Quantity::{Number, Of, Unknown};
        let (left, right) = (self.visit(&binary.left), self.visit(&binary.right));
        match binary.op {
            BinaryOp::Mul => match (left, right) {
                (Number(a), Number(b)) => Number(a * b),
                (Of(unit), Number(factor)) | (Number(factor), Of(unit)) => factored(unit, factor),
                (Of(a), Of(b)) => Of(a.times(b)),
                (Unknown, _) | (_, Unknown) => Unknown,
            },
            BinaryOp::Div => match (left, right) {
                (Number(a), Number(b)) => Number(a / b),
                (Of(unit), Number(divisor)) => factored(unit, 1.0 / divisor),
                (Number(factor), Of(unit)) => factored(Unit::ONE.over(unit), factor),
                (Of(a), Of(b)) => Of(a.over(b)),
                (Unknown, _) | (_, Unknown) => Unknown,
            },
            BinaryOp::Add | BinaryOp::Sub => match (left, right) {
                (Number(a), Number(b)) => Number(if binary.op == BinaryOp::Add { a + b } else { a - b }),
                _ => self.agreed(binary, span, left, right),
            },
            BinaryOp::Mod => match self.agreed(binary, span, left, right) {
                Number(_) => Unknown,
                quantity => quantity,
            },
            BinaryOp::Pow => match (left, right) {
                (Number(a), Number(b)) => Number(a.powf(b)),
                (quantity, Number(exponent)) => power(quantity, exponent),
                _ => Unknown,
            },
            BinaryOp::Atan2 => {
                self.agreed(binary, span, left, right);
                Unknown
            }
            BinaryOp::And | BinaryOp::Unless | BinaryOp::TrimLower | BinaryOp::TrimUpper => left,
            BinaryOp::Or => self.agreed(binary, span, left, right),
            _ => {
                self.agreed(binary, span, left, right);
                if binary.return_bool { Unknown } else { if_vector(binary, left, right) }
            }
        }
    }

    /// The unit that both sides have; notes where they do not have the same.
    fn agreed(&mut self, binary: &Binary, span: Span, left: Quantity, right: Quantity) -> Quantity {
        use Quantity::{Number, Of, Unknown};
        match (left, right) {
            (Of(a), Of(b)) => {
                let factor = a.in_units_of(b);
                if !a.same_dimension(b) && a.loose | b.loose {
                    return Unknown;
                }
                if !a.same_dimension(b) || is_conversion(factor) {
                    self.units.mismatches.push(Mismatch {
                        span,
                        op_span: binary.op_span,
                        op: binary.op,
                        left: a,
                        right: b,
                    });
                    return Unknown;
                }
                let loose = a.loose || b.loose;
                Of(Unit { loose, of: if a.of == b.of { a.of } else { None }, ..a })
            }
            (Of(unit), Number(_)) | (Number(_), Of(unit)) => Of(unit),
            (Number(_), Number(_)) | (Unknown, _) | (_, Unknown) => Unknown,
        }
    }
}

/// A value times a plain number. A factor that changes the sign or the meaning of the value altogether tells nothing.
fn factored(unit: Unit, factor: f64) -> Quantity {
    let factor = factor.abs();
    if factor.is_finite() && factor > 0.0 {
        Quantity::Of(unit.scaled(1.0 / factor))
    } else {
        Quantity::Unknown
    }
}

fn power(quantity: Quantity, exponent: f64) -> Quantity {
    match quantity {
        Quantity::Number(value) => Quantity::Number(value.powf(exponent)),
        Quantity::Of(unit) => unit.power(exponent).into(),
        Quantity::Unknown => Quantity::Unknown,
    }
}

/// What a comparison lets through: the values of the left side, or of the one that is no scalar.
fn if_vector(binary: &Binary, left: Quantity, right: Quantity) -> Quantity {
    if super::labels::is_vector(&binary.left) { left } else { right }
}

/// Whether the values are 0 and 1: the answer to a comparison.
fn is_truth(expr: &Expr) -> bool {
    match &expr.without_parens().kind {
        ExprKind::Binary(binary) if binary.op.is_set() => is_truth(&binary.left),
        ExprKind::Binary(binary) => binary.return_bool,
        ExprKind::Aggregate(aggregate) => {
            matches!(aggregate.op, AggregateOp::Min | AggregateOp::Max | AggregateOp::Group)
                && (aggregate.op == AggregateOp::Group || is_truth(&aggregate.expr))
        }
        _ => false,
    }
}
