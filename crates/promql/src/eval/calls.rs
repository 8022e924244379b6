//! Lowers function calls: which function is evaluated by which part of the evaluator.

use labels::shortened;

use super::calendar;
use super::failure;
use super::lower::{Lowering, RegexFailure, labels_of_absent, map, matchers, number};
use super::plan::{
    HistogramFunction, InfoCall, Map, Order, OverTime, Plan, Relabel, ScalarKind, ScalarNode, VectorKind,
    VectorNode,
};
use super::range_functions::RangeFunction;
use super::rate::Rate;
use super::steps::TimeShift;
use super::template::Template;
use crate::ast::{Call, Expr, ExprKind, RangeExtension, Span, TimeModifiers};
use crate::engine::QueryError;
use crate::functions::Function;

/// Lowers a call.
pub(super) fn lower(lowering: &mut Lowering<'_>, call: &Call, span: Span) -> Result<Plan, QueryError> {
    Arguments { lowering, call, span }.lower()
}

/// A call in the making.
struct Arguments<'c, 'l, 'q> {
    lowering: &'l mut Lowering<'q>,
    call: &'c Call,
    span: Span,
}

impl<'c> Arguments<'c, '_, '_> {
    fn lower(mut self) -> Result<Plan, QueryError> {
        use Function as F;
        use RangeFunction as R;
        Ok(match self.call.function {
            F::Abs => self.map(f64::abs)?,
            F::Acos => self.map(f64::acos)?,
            F::Acosh => self.map(f64::acosh)?,
            F::Asin => self.map(f64::asin)?,
            F::Asinh => self.map(f64::asinh)?,
            F::Atan => self.map(f64::atan)?,
            F::Atanh => self.map(f64::atanh)?,
            F::Ceil => self.map(f64::ceil)?,
            F::Cos => self.map(f64::cos)?,
            F::Cosh => self.map(f64::cosh)?,
            F::Deg => self.map(|value| value * 180.0 / std::f64::consts::PI)?,
            F::Exp => self.map(f64::exp)?,
            F::Floor => self.map(f64::floor)?,
            F::Ln => self.map(f64::ln)?,
            F::Log10 => self.map(f64::log10)?,
            F::Log2 => self.map(f64::log2)?,
            F::Rad => self.map(|value| value * std::f64::consts::PI / 180.0)?,
            F::Sgn => self.map(sign)?,
            F::Sin => self.map(f64::sin)?,
            F::Sinh => self.map(f64::sinh)?,
            F::Sqrt => self.map(f64::sqrt)?,
            F::Tan => self.map(f64::tan)?,
            F::Tanh => self.map(f64::tanh)?,

            F::DayOfMonth => self.calendar(calendar::day_of_month)?,
            F::DayOfWeek => self.calendar(calendar::day_of_week)?,
            F::DayOfYear => self.calendar(calendar::day_of_year)?,
            F::DaysInMonth => self.calendar(calendar::days_in_month)?,
            F::Hour => self.calendar(calendar::hour)?,
            F::Minute => self.calendar(calendar::minute)?,
            F::Month => self.calendar(calendar::month)?,
            F::Year => self.calendar(calendar::year)?,

            F::Clamp => {
                let (inner, min, max) = (self.vector(0)?, self.scalar(1)?, self.scalar(2)?);
                self.mapped(inner, Map::Clamp { min, max })
            }
            F::ClampMin => {
                let (inner, min) = (self.vector(0)?, self.scalar(1)?);
                let max = number(f64::INFINITY, self.span);
                self.mapped(inner, Map::Clamp { min, max })
            }
            F::ClampMax => {
                let (inner, max) = (self.vector(0)?, self.scalar(1)?);
                let min = number(f64::NEG_INFINITY, self.span);
                self.mapped(inner, Map::Clamp { min, max })
            }
            F::Round => {
                let inner = self.vector(0)?;
                let to = if self.has(1) { self.scalar(1)? } else { number(1.0, self.span) };
                self.mapped(inner, Map::Round(to))
            }

            F::Rate => self.over_time(R::Rate(Rate::RATE))?,
            F::Increase => self.over_time(R::Rate(Rate::INCREASE))?,
            F::Delta => self.over_time(R::Rate(Rate::DELTA))?,
            F::Irate => self.over_time(R::Irate)?,
            F::Idelta => self.over_time(R::Idelta)?,
            F::AvgOverTime => self.over_time(R::Avg)?,
            F::SumOverTime => self.over_time(R::Sum)?,
            F::CountOverTime => self.over_time(R::Count)?,
            F::MinOverTime => self.over_time(R::Min)?,
            F::MaxOverTime => self.over_time(R::Max)?,
            F::FirstOverTime => self.over_time(R::First)?,
            F::LastOverTime => self.over_time(R::Last)?,
            F::PresentOverTime => self.over_time(R::Present)?,
            F::StddevOverTime => self.over_time(R::Stddev)?,
            F::StdvarOverTime => self.over_time(R::Stdvar)?,
            F::MadOverTime => self.over_time(R::Mad)?,
            F::Changes => self.over_time(R::Changes)?,
            F::Resets => self.over_time(R::Resets)?,
            F::Deriv => self.over_time(R::Deriv)?,
            F::TsOfFirstOverTime => self.over_time(R::TsOfFirst)?,
            F::TsOfLastOverTime => self.over_time(R::TsOfLast)?,
            F::TsOfMaxOverTime => self.over_time(R::TsOfMax)?,
            F::TsOfMinOverTime => self.over_time(R::TsOfMin)?,
            F::QuantileOverTime => {
                let quantile = self.scalar(0)?;
                self.over_time_of(R::Quantile, 1, vec![quantile])?
            }
            F::PredictLinear => {
                let ahead = self.scalar(1)?;
                self.over_time_of(R::PredictLinear, 0, vec![ahead])?
            }
            F::DoubleExponentialSmoothing => {
                let (level, trend) = (self.scalar(1)?, self.scalar(2)?);
                self.over_time_of(R::DoubleExponentialSmoothing, 0, vec![level, trend])?
            }

            F::Absent => {
                let labels = labels_of_absent(self.argument(0)?);
                let inner = self.vector(0)?;
                let constant = inner.constant;
                self.node(VectorKind::Absent(Box::new(inner), labels), constant)
            }
            F::AbsentOverTime => {
                let labels = labels_of_absent(self.argument(0)?);
                let expr = self.argument(0)?;
                let source = self.lowering.range(expr)?;
                let constant = source.is_pinned();
                self.node(VectorKind::AbsentOverTime(source, labels), constant)
            }

            F::Time => Plan::Scalar(ScalarNode { kind: ScalarKind::Time, span: self.span, constant: false }),
            F::Pi => self.number(std::f64::consts::PI),
            F::Start => self.number(self.lowering.times().start as f64 / 1000.0),
            F::End => self.number(self.lowering.times().end as f64 / 1000.0),
            F::Range => {
                let times = self.lowering.times();
                self.number((times.end - times.start) as f64 / 1000.0)
            }
            F::Step => {
                let times = self.lowering.times();
                let step = if times.start == times.end { None } else { times.step };
                self.number(step.unwrap_or(0) as f64 / 1000.0)
            }
            F::MaxOf | F::MinOf => {
                let arguments = Box::new([self.scalar(0)?, self.scalar(1)?]);
                let constant = arguments.iter().all(|argument| argument.constant);
                let kind = ScalarKind::Extreme(self.call.function == F::MaxOf, arguments);
                Plan::Scalar(ScalarNode { kind, span: self.span, constant })
            }
            F::Scalar => {
                let inner = self.vector(0)?;
                let constant = inner.constant;
                Plan::Scalar(ScalarNode {
                    kind: ScalarKind::OfVector(Box::new(inner)),
                    span: self.span,
                    constant,
                })
            }
            F::Vector => {
                let inner = self.scalar(0)?;
                let constant = inner.constant;
                self.node(VectorKind::OfScalar(inner), constant)
            }
            F::Timestamp => {
                let inner = self.vector(0)?;
                match inner {
                    VectorNode { kind: VectorKind::Selector(selector), constant, .. } => {
                        self.node(VectorKind::SampleTimes(selector), constant)
                    }
                    inner => self.mapped(inner, Map::StepTime),
                }
            }

            F::LabelReplace => self.label_replace()?,
            F::LabelJoin => self.label_join()?,
            F::Sort => self.sort(Order::Value { descending: false })?,
            F::SortDesc => self.sort(Order::Value { descending: true })?,
            F::SortByLabel | F::SortByLabelDesc => {
                let names =
                    (1..self.call.arguments.len()).map(|index| self.text(index)).collect::<Result<_, _>>()?;
                self.sort(Order::Labels { names, descending: self.call.function == F::SortByLabelDesc })?
            }

            F::HistogramQuantile => {
                let quantile = self.scalar(0)?;
                let constant = quantile.constant;
                self.histogram(1, HistogramFunction::Quantile(quantile), constant)?
            }
            F::HistogramQuantiles => {
                let label = self.text(1)?;
                let quantiles = (2..self.call.arguments.len())
                    .map(|index| self.scalar(index))
                    .collect::<Result<Vec<_>, _>>()?;
                let constant = quantiles.iter().all(|quantile| quantile.constant);
                self.histogram(0, HistogramFunction::Quantiles { label, quantiles }, constant)?
            }
            F::HistogramFraction => {
                let (lower, upper) = (self.scalar(0)?, self.scalar(1)?);
                let constant = lower.constant && upper.constant;
                self.histogram(2, HistogramFunction::Fraction { lower, upper }, constant)?
            }
            F::HistogramAvg
            | F::HistogramCount
            | F::HistogramStddev
            | F::HistogramStdvar
            | F::HistogramSum => {
                let inner = self.vector(0)?;
                self.mapped(inner, Map::NeedsNative(self.call.function.name()))
            }
            // The times when counters began are not stored here.
            F::StartTimestamp => {
                let inner = self.vector(0)?;
                self.mapped(inner, Map::Nothing)
            }
            F::Info => self.info()?,
        })
    }

    fn has(&self, index: usize) -> bool {
        index < self.call.arguments.len()
    }

    fn argument(&self, index: usize) -> Result<&'c Expr, QueryError> {
        let missing = || failure(format!("argument {} is missing", index + 1), self.span);
        self.call.arguments.get(index).ok_or_else(missing)
    }

    fn scalar(&mut self, index: usize) -> Result<ScalarNode, QueryError> {
        let argument = self.argument(index)?;
        self.lowering.scalar(argument)
    }

    fn vector(&mut self, index: usize) -> Result<VectorNode, QueryError> {
        let argument = self.argument(index)?;
        self.lowering.vector(argument)
    }

    fn text(&mut self, index: usize) -> Result<String, QueryError> {
        let argument = self.argument(index)?;
        self.lowering.text(argument)
    }

    fn number(&self, value: f64) -> Plan {
        Plan::Scalar(number(value, self.span))
    }

    fn node(&self, kind: VectorKind, constant: bool) -> Plan {
        Plan::Vector(VectorNode { kind, span: self.span, constant })
    }

    fn mapped(&self, inner: VectorNode, by: Map) -> Plan {
        Plan::Vector(map(inner, by, self.span))
    }

    fn map(&mut self, function: fn(f64) -> f64) -> Result<Plan, QueryError> {
        let inner = self.vector(0)?;
        Ok(self.mapped(inner, Map::Function(function)))
    }

    /// Functions of points in time, which without an argument tell of the step's.
    fn calendar(&mut self, function: fn(f64) -> f64) -> Result<Plan, QueryError> {
        if self.has(0) {
            return self.map(function);
        }
        let time = ScalarNode { kind: ScalarKind::Time, span: self.span, constant: false };
        let inner = VectorNode { kind: VectorKind::OfScalar(time), span: self.span, constant: false };
        Ok(self.mapped(inner, Map::Function(function)))
    }

    fn over_time(&mut self, function: RangeFunction) -> Result<Plan, QueryError> {
        self.over_time_of(function, 0, Vec::new())
    }

    fn over_time_of(
        &mut self,
        function: RangeFunction,
        index: usize,
        parameters: Vec<ScalarNode>,
    ) -> Result<Plan, QueryError> {
        let argument = self.argument(index)?;
        let source = self.lowering.range(argument)?;
        if let Some(extension) = source.extension()
            && let Some(allowed) = function.refuses(extension)
        {
            let name = self.call.function.name();
            let modifier = match extension {
                RangeExtension::Anchored => "anchored",
                RangeExtension::Smoothed => "smoothed",
            };
            let message = format!("{modifier} modifier can only be used with: {allowed} - not with {name}");
            return Err(failure(message, self.span));
        }
        let constant = source.is_pinned()
            && !function.depends_on_time()
            && parameters.iter().all(|parameter| parameter.constant);
        Ok(self.node(VectorKind::OverTime(OverTime { function, source, parameters }), constant))
    }

    fn label_replace(&mut self) -> Result<Plan, QueryError> {
        let inner = self.vector(0)?;
        let (target, template, source) = (self.text(1)?, self.text(2)?, self.text(3)?);
        let pattern = self.text(4)?;
        let pattern = self.lowering.regex(&pattern).map_err(|error| match error {
            RegexFailure::Bad(bad) if bad.too_large => failure(bad.reason, self.span),
            RegexFailure::Bad(_) => {
                let pattern = shortened(&pattern);
                failure(format!("invalid regular expression in label_replace(): {pattern}"), self.span)
            }
            RegexFailure::Stopped(error) => error,
        })?;
        if target.is_empty() {
            let message = format!("invalid destination label name in label_replace(): {target}");
            return Err(failure(message, self.span));
        }
        let constant = inner.constant;
        let template = Template::new(&template);
        let relabel = Relabel::Replace { target, template, source, pattern };
        Ok(self.node(VectorKind::Relabel(Box::new(inner), relabel), constant))
    }

    fn label_join(&mut self) -> Result<Plan, QueryError> {
        let inner = self.vector(0)?;
        let (target, separator) = (self.text(1)?, self.text(2)?);
        let sources =
            (3..self.call.arguments.len()).map(|index| self.text(index)).collect::<Result<Vec<_>, _>>()?;
        if let Some(source) = sources.iter().find(|source| source.is_empty()) {
            return Err(failure(format!("invalid source label name in label_join(): {source}"), self.span));
        }
        if target.is_empty() {
            return Err(failure(
                format!("invalid destination label name in label_join(): {target}"),
                self.span,
            ));
        }
        let constant = inner.constant;
        let relabel = Relabel::Join { target, separator, sources };
        Ok(self.node(VectorKind::Relabel(Box::new(inner), relabel), constant))
    }

    fn sort(&mut self, order: Order) -> Result<Plan, QueryError> {
        let inner = self.vector(0)?;
        let constant = inner.constant;
        Ok(self.node(VectorKind::Sort(Box::new(inner), order), constant))
    }

    fn histogram(
        &mut self,
        index: usize,
        function: HistogramFunction,
        constant: bool,
    ) -> Result<Plan, QueryError> {
        let inner = self.vector(index)?;
        let constant = constant && inner.constant;
        Ok(self.node(VectorKind::Histogram(Box::new(inner), function), constant))
    }

    fn info(&mut self) -> Result<Plan, QueryError> {
        let base_expr = self.argument(0)?;
        let base = self.vector(0)?;
        let matchers = match self.call.arguments.get(1).map(Expr::without_parens) {
            None => None,
            Some(Expr { kind: ExprKind::Vector(selector), .. }) => Some(matchers(selector)),
            Some(other) => {
                return Err(failure("expected label selectors as the second argument to info()", other.span));
            }
        };
        let shift = self.shift_of_first_selector(base_expr)?.unwrap_or_default();
        let constant = base.constant;
        Ok(self.node(VectorKind::Info(Box::new(InfoCall { base, matchers, shift })), constant))
    }

    /// When the first selector inside `expr` looks at its series, seen from the step of `expr`.
    fn shift_of_first_selector(&self, expr: &Expr) -> Result<Option<TimeShift>, QueryError> {
        let resolve = |modifiers: &TimeModifiers| self.lowering.shift(modifiers);
        Ok(match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => None,
            ExprKind::Vector(selector) => Some(resolve(&selector.modifiers)?),
            ExprKind::Matrix(matrix) => Some(resolve(&matrix.selector.modifiers)?),
            ExprKind::Subquery(subquery) => match self.shift_of_first_selector(&subquery.expr)? {
                Some(TimeShift { at: None, offset }) => {
                    let outer = resolve(&subquery.modifiers)?;
                    Some(TimeShift { offset: offset + outer.offset, ..outer })
                }
                pinned_or_none => pinned_or_none,
            },
            ExprKind::Unary(unary) => self.shift_of_first_selector(&unary.operand)?,
            ExprKind::Paren(inner) => self.shift_of_first_selector(inner)?,
            ExprKind::Binary(binary) => match self.shift_of_first_selector(&binary.left)? {
                None => self.shift_of_first_selector(&binary.right)?,
                found => found,
            },
            ExprKind::Aggregate(aggregate) => match self.shift_of_first_selector(&aggregate.expr)? {
                None => aggregate
                    .parameter
                    .as_ref()
                    .map_or(Ok(None), |expr| self.shift_of_first_selector(expr))?,
                found => found,
            },
            ExprKind::Call(call) => {
                for argument in &call.arguments {
                    if let Some(found) = self.shift_of_first_selector(argument)? {
                        return Ok(Some(found));
                    }
                }
                None
            }
        })
    }
}

fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}
