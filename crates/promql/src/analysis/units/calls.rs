//! What functions do to units.

use super::{Analysis, Quantity, Unit, power};
use crate::analysis::labels::{metric_name, walk};
use crate::ast::{Call, Expr, ExprKind, ValueType};
use crate::functions::Function as F;

impl Analysis<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Quantity {
        let arguments: Vec<Quantity> = call.arguments.iter().map(|argument| self.visit(argument)).collect();
        let subject = call
            .arguments
            .iter()
            .position(|argument| matches!(argument.value_type(), ValueType::Vector | ValueType::Matrix))
            .map_or(Quantity::Unknown, |place| arguments[place]);
        match call.function {
            F::Rate | F::Irate | F::Deriv => match subject {
                Quantity::Of(unit) => Quantity::Of(unit.per_second()),
                _ => Quantity::Unknown,
            },
            F::Abs
            | F::AvgOverTime
            | F::Ceil
            | F::Clamp
            | F::ClampMax
            | F::ClampMin
            | F::Delta
            | F::DoubleExponentialSmoothing
            | F::FirstOverTime
            | F::Floor
            | F::Idelta
            | F::Increase
            | F::Info
            | F::LabelJoin
            | F::LabelReplace
            | F::LastOverTime
            | F::MadOverTime
            | F::MaxOverTime
            | F::MinOverTime
            | F::PredictLinear
            | F::QuantileOverTime
            | F::Round
            | F::Sort
            | F::SortByLabel
            | F::SortByLabelDesc
            | F::SortDesc
            | F::StddevOverTime
            | F::SumOverTime => subject,
            F::Scalar => subject,
            F::Vector => arguments.first().copied().unwrap_or(Quantity::Unknown),
            F::StdvarOverTime => power(subject, 2.0),
            F::Sqrt => power(subject, 0.5),
            F::Changes | F::CountOverTime | F::Resets => Quantity::Of(Unit::THING),
            F::Time
            | F::Timestamp
            | F::Start
            | F::End
            | F::Step
            | F::Range
            | F::StartTimestamp
            | F::TsOfFirstOverTime
            | F::TsOfLastOverTime
            | F::TsOfMaxOverTime
            | F::TsOfMinOverTime => Quantity::Of(Unit::SECOND),
            F::HistogramQuantile | F::HistogramQuantiles => self.bucket(call).into(),
            F::HistogramFraction => Quantity::Of(Unit::ONE),
            F::MinOf | F::MaxOf => match (arguments.first(), arguments.get(1)) {
                (Some(a), Some(b)) if a == b => *a,
                _ => Quantity::Unknown,
            },
            F::Pi => Quantity::Number(std::f64::consts::PI),
            // 1, angles, logarithms, calendars, and what native histograms hold.
            F::Absent
            | F::AbsentOverTime
            | F::PresentOverTime
            | F::Sgn
            | F::Acos
            | F::Acosh
            | F::Asin
            | F::Asinh
            | F::Atan
            | F::Atanh
            | F::Cos
            | F::Cosh
            | F::Deg
            | F::Rad
            | F::Sin
            | F::Sinh
            | F::Tan
            | F::Tanh
            | F::Exp
            | F::Ln
            | F::Log10
            | F::Log2
            | F::DayOfMonth
            | F::DayOfWeek
            | F::DayOfYear
            | F::DaysInMonth
            | F::Hour
            | F::Minute
            | F::Month
            | F::Year
            | F::HistogramAvg
            | F::HistogramCount
            | F::HistogramStddev
            | F::HistogramStdvar
            | F::HistogramSum => Quantity::Unknown,
        }
    }

    /// What the buckets of a classic histogram are bounded by.
    fn bucket(&self, call: &Call) -> Option<Unit> {
        let mut found = Vec::new();
        for argument in &call.arguments {
            walk(argument, &mut |part: &Expr| {
                let selector = match &part.kind {
                    ExprKind::Vector(selector) => selector,
                    ExprKind::Matrix(matrix) => &matrix.selector,
                    _ => return,
                };
                if metric_name(selector).is_some_and(|name| name.ends_with("_bucket")) {
                    found.push(self.schema.bucket_unit(selector));
                }
            });
        }
        let first = (*found.first()?)?;
        found.iter().all(|unit| *unit == Some(first)).then_some(first)
    }
}
