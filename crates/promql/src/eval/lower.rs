//! From the syntax tree to the [`plan`](super::plan) of one query.

use labels::{Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher, RegexBudget, RegexError, anchored_regex};
use regex::Regex;

use super::calls;
use super::durations;
use super::limits::Limits;
use super::operators;
use super::plan::{
    Aggregation, AggregationKind, Fold, Grouping, Inner, Map, Pick, Plan, RangeSource, ScalarKind,
    ScalarNode, Selector, Subquery, VectorBinary, VectorKind, VectorNode,
};
use super::steps::{FARTHEST, TimeShift};
use super::{QueryTimes, failure};
use crate::ast::{
    Aggregate, AggregateOp, At, Binary, Expr, ExprKind, MatrixSelector, Span, TimeModifiers, VectorSelector,
};
use crate::engine::QueryError;

/// Deeper trees are refused. The parser refuses them earlier; this is for trees that do not come from it.
const DEEPEST: usize = 512;

/// Lowers expressions for one query.
pub(super) struct Lowering<'q> {
    times: QueryTimes,
    default_step: i64,
    limits: &'q Limits<'q>,
    regexes: RegexBudget,
    depth: usize,
}

/// Why there is no regular expression.
pub(super) enum RegexFailure {
    /// Because it is none, or too large.
    Bad(RegexError),
    /// Because nobody waits for it any more.
    Stopped(QueryError),
}

impl<'q> Lowering<'q> {
    /// For a query at these times; `default_step` is the step of subqueries that name none.
    pub(super) fn new(times: QueryTimes, default_step: i64, limits: &'q Limits<'q>) -> Self {
        Self { times, default_step, limits, regexes: RegexBudget::default(), depth: 0 }
    }

    /// Compiles an expression. Those in matchers, which the parser compiled, count for the same budget.
    pub(super) fn regex(&self, pattern: &str) -> Result<Regex, RegexFailure> {
        self.limits.ask().map_err(RegexFailure::Stopped)?;
        anchored_regex(pattern, &self.regexes).map_err(RegexFailure::Bad)
    }

    /// The times of the query.
    pub(super) fn times(&self) -> &QueryTimes {
        &self.times
    }

    /// An expression of any type.
    pub(super) fn any(&mut self, expr: &Expr) -> Result<Plan, QueryError> {
        if self.depth >= DEEPEST {
            return Err(failure(
                format!("the expression is nested more than {DEEPEST} levels deep"),
                expr.span,
            ));
        }
        self.depth += 1;
        let plan = self.kind(expr);
        self.depth -= 1;
        plan
    }

    fn kind(&mut self, expr: &Expr) -> Result<Plan, QueryError> {
        let span = expr.span;
        Ok(match &expr.kind {
            ExprKind::Number(value) => Plan::Scalar(number(*value, span)),
            ExprKind::String(text) => Plan::Text(text.clone()),
            ExprKind::Vector(selector) => {
                let selector = self.selector(selector)?;
                let constant = selector.shift.at.is_some();
                Plan::Vector(VectorNode { kind: VectorKind::Selector(selector), span, constant })
            }
            ExprKind::Matrix(matrix) => Plan::Range(self.matrix(matrix, span)?),
            ExprKind::Subquery(subquery) => {
                let inner = match self.any(&subquery.expr)? {
                    Plan::Scalar(inner) => Inner::Scalar(inner),
                    Plan::Vector(inner) => Inner::Vector(inner),
                    other => return Err(wrong_type(&other, "instant vector", subquery.expr.span)),
                };
                let step = match &subquery.step {
                    Some(step) => durations::positive(step, &self.times)?,
                    None => self.default_step,
                };
                Plan::Range(RangeSource::Subquery(Box::new(Subquery {
                    inner,
                    range: durations::positive(&subquery.range, &self.times)?,
                    step: step.max(1),
                    shift: self.shift(&subquery.modifiers)?,
                    span,
                })))
            }
            ExprKind::Paren(inner) => self.any(inner)?,
            ExprKind::Unary(unary) => match (self.any(&unary.operand)?, unary.negative) {
                (plan @ (Plan::Scalar(_) | Plan::Vector(_)), false) => plan,
                (Plan::Scalar(operand), true) => {
                    let constant = operand.constant;
                    Plan::Scalar(ScalarNode { kind: ScalarKind::Negate(Box::new(operand)), span, constant })
                }
                (Plan::Vector(operand), true) => {
                    Plan::Vector(map(operand, Map::Function(|value| -value), span))
                }
                (other, _) => return Err(wrong_type(&other, "scalar or instant vector", span)),
            },
            ExprKind::Binary(binary) => self.binary(binary, span)?,
            ExprKind::Aggregate(aggregate) => Plan::Vector(self.aggregate(aggregate, span)?),
            ExprKind::Call(call) => calls::lower(self, call, span)?,
        })
    }

    /// An expression that gives a number.
    pub(super) fn scalar(&mut self, expr: &Expr) -> Result<ScalarNode, QueryError> {
        match self.any(expr)? {
            Plan::Scalar(node) => Ok(node),
            other => Err(wrong_type(&other, "scalar", expr.span)),
        }
    }

    /// An expression that gives a vector.
    pub(super) fn vector(&mut self, expr: &Expr) -> Result<VectorNode, QueryError> {
        match self.any(expr)? {
            Plan::Vector(node) => Ok(node),
            other => Err(wrong_type(&other, "instant vector", expr.span)),
        }
    }

    /// An expression that gives a range vector.
    pub(super) fn range(&mut self, expr: &Expr) -> Result<RangeSource, QueryError> {
        match self.any(expr)? {
            Plan::Range(source) => Ok(source),
            other => Err(wrong_type(&other, "range vector", expr.span)),
        }
    }

    /// A string literal.
    pub(super) fn text(&mut self, expr: &Expr) -> Result<String, QueryError> {
        match self.any(expr)? {
            Plan::Text(text) => Ok(text),
            other => Err(wrong_type(&other, "string", expr.span)),
        }
    }

    /// A selector.
    pub(super) fn selector(&self, selector: &VectorSelector) -> Result<Selector, QueryError> {
        let matchers = matchers(selector);
        // The parser has refused more than enough, but perhaps not every tree comes from it.
        if !self.regexes.spend(matchers.iter().map(Matcher::regex_cost).sum()) {
            let span = selector.matchers.first().map(|matcher| matcher.span).unwrap_or_default();
            return Err(failure(self.regexes.exceeded(), span));
        }
        Ok(Selector { matchers, shift: self.shift(&selector.modifiers)?, extension: selector.extension })
    }

    fn matrix(&self, matrix: &MatrixSelector, span: Span) -> Result<RangeSource, QueryError> {
        Ok(RangeSource::Selector {
            selector: self.selector(&matrix.selector)?,
            range: durations::positive(&matrix.range, &self.times)?,
            span,
        })
    }

    /// `offset` and `@`.
    pub(super) fn shift(&self, modifiers: &TimeModifiers) -> Result<TimeShift, QueryError> {
        let offset =
            modifiers.offset.as_ref().map(|offset| durations::any(offset, &self.times)).transpose()?;
        let at = modifiers.at.map(|at| match at {
            At::Timestamp(at) => at.clamp(-FARTHEST, FARTHEST),
            At::Start => self.times.start,
            At::End => self.times.end,
        });
        Ok(TimeShift { at, offset: offset.unwrap_or(0).clamp(-FARTHEST, FARTHEST) })
    }

    fn binary(&mut self, binary: &Binary, span: Span) -> Result<Plan, QueryError> {
        let (op, return_bool) = (binary.op, binary.return_bool);
        let (left, right) = (self.any(&binary.left)?, self.any(&binary.right)?);
        let by_scalar = |vector: VectorNode, scalar: ScalarNode, scalar_left: bool| {
            if op.is_set() {
                return Err(failure(
                    format!("set operator {:?} not allowed in binary scalar expression", op.as_str()),
                    span,
                ));
            }
            Ok(Plan::Vector(map(vector, Map::Operator { op, scalar, scalar_left, return_bool }, span)))
        };
        match (left, right) {
            (Plan::Scalar(left), Plan::Scalar(right)) => {
                if op.is_set() || operators::is_trim(op) {
                    return Err(failure(
                        format!("operator {:?} not allowed for Scalar operations", op.as_str()),
                        span,
                    ));
                }
                let constant = left.constant && right.constant;
                Ok(Plan::Scalar(ScalarNode {
                    kind: ScalarKind::Binary(op, Box::new([left, right])),
                    span,
                    constant,
                }))
            }
            (Plan::Vector(left), Plan::Scalar(right)) => by_scalar(left, right, false),
            (Plan::Scalar(left), Plan::Vector(right)) => by_scalar(right, left, true),
            (Plan::Vector(left), Plan::Vector(right)) => {
                let constant = left.constant && right.constant;
                let matching = binary.matching.clone();
                let node = Box::new(VectorBinary { op, left, right, return_bool, matching });
                let kind = if op.is_set() { VectorKind::Set(node) } else { VectorKind::Binary(node) };
                Ok(Plan::Vector(VectorNode { kind, span, constant }))
            }
            (Plan::Scalar(_) | Plan::Vector(_), other) | (other, _) => {
                Err(wrong_type(&other, "scalar or instant vector", span))
            }
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate, span: Span) -> Result<VectorNode, QueryError> {
        let inner = self.vector(&aggregate.expr)?;
        let mut constant = inner.constant;
        let parameter = || {
            let missing = || failure("the aggregation lacks its parameter", span);
            aggregate.parameter.as_ref().ok_or_else(missing)
        };
        let fold = AggregationKind::Fold;
        let kind = match aggregate.op {
            AggregateOp::Sum => fold(Fold::Sum),
            AggregateOp::Avg => fold(Fold::Avg),
            AggregateOp::Count => fold(Fold::Count),
            AggregateOp::Min => fold(Fold::Min),
            AggregateOp::Max => fold(Fold::Max),
            AggregateOp::Group => fold(Fold::Group),
            AggregateOp::Stddev => fold(Fold::Stddev),
            AggregateOp::Stdvar => fold(Fold::Stdvar),
            AggregateOp::Quantile => AggregationKind::Quantile(self.scalar(parameter()?)?),
            AggregateOp::Topk => AggregationKind::Pick(Pick::Top, self.scalar(parameter()?)?),
            AggregateOp::Bottomk => AggregationKind::Pick(Pick::Bottom, self.scalar(parameter()?)?),
            AggregateOp::Limitk => AggregationKind::Pick(Pick::Limit, self.scalar(parameter()?)?),
            AggregateOp::LimitRatio => AggregationKind::Pick(Pick::Ratio, self.scalar(parameter()?)?),
            AggregateOp::CountValues => {
                let label = self.text(parameter()?)?;
                if label.is_empty() {
                    return Err(failure(format!("invalid label name {label:?}"), span));
                }
                AggregationKind::CountValues(label)
            }
        };
        if let AggregationKind::Quantile(parameter) | AggregationKind::Pick(_, parameter) = &kind {
            constant &= parameter.constant;
        }
        let mut grouping = Grouping { labels: aggregate.grouping.clone(), without: aggregate.without };
        grouping.labels.sort_unstable();
        grouping.labels.dedup();
        let aggregation = Box::new(Aggregation { kind, inner, grouping });
        Ok(VectorNode { kind: VectorKind::Aggregate(aggregation), span, constant })
    }
}

/// A number.
pub(super) fn number(value: f64, span: Span) -> ScalarNode {
    ScalarNode { kind: ScalarKind::Number(value), span, constant: true }
}

/// Something done to each value of a vector.
pub(super) fn map(inner: VectorNode, map: Map, span: Span) -> VectorNode {
    let constant = inner.constant
        && match &map {
            Map::Function(_) | Map::Nothing | Map::NeedsNative(_) => true,
            Map::Clamp { min, max } => min.constant && max.constant,
            Map::Round(scalar) | Map::Operator { scalar, .. } => scalar.constant,
            Map::StepTime => false,
        };
    VectorNode { kind: VectorKind::Map(Box::new(inner), map), span, constant }
}

/// The matchers of a selector.
pub(super) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    selector.matchers.iter().map(|matcher| matcher.matcher.clone()).collect()
}

/// The labels that `absent` can tell of what is missing: those that the selector asks for by their exact value, once.
pub(super) fn labels_of_absent(expr: &Expr) -> Labels {
    let selector = match &expr.without_parens().kind {
        ExprKind::Vector(selector) => selector,
        ExprKind::Matrix(matrix) => &matrix.selector,
        _ => return Labels::empty(),
    };
    let mut builder = LabelsBuilder::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in selector.matchers.iter().map(|matcher| &matcher.matcher) {
        let name = matcher.name();
        if name == METRIC_NAME {
            continue;
        }
        if matcher.op() == MatchOp::Equal && !seen.contains(&name) {
            builder.set(name, matcher.value());
            seen.push(name);
        } else {
            builder.remove(name);
        }
    }
    builder.build()
}

/// The error of trees that did not pass the type check.
pub(super) fn wrong_type(plan: &Plan, expected: &str, span: Span) -> QueryError {
    let found = match plan {
        Plan::Scalar(_) => "scalar",
        Plan::Vector(_) => "instant vector",
        Plan::Range(_) => "range vector",
        Plan::Text(_) => "string",
    };
    failure(format!("expected type {expected}, got {found}"), span)
}
