//! Which labels the result of each part of a query can have, which it must have, and which tell its series apart.

mod calls;
mod joins;
mod names;
mod series;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;
use std::sync::Arc;

use ::labels::{METRIC_NAME, MatchOp};

use crate::ast::{Aggregate, AggregateOp, Expr, ExprKind, Span, Unary, ValueType, VectorSelector};

pub use joins::{JoinProblem, Side, matching_labels, problems};
pub use names::{NameSet, Names, names};
pub use series::{Dependency, SeriesLabels};

/// What is known of the metrics.
pub trait Schema {
    /// The labels of the series that this selector can find, its matchers aside; `None` where the metric is not known.
    fn series(&self, selector: &VectorSelector) -> Option<SeriesLabels>;
}

/// A schema that knows no metric.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchema;

impl Schema for NoSchema {
    fn series(&self, _: &VectorSelector) -> Option<SeriesLabels> {
        None
    }
}

/// The labels of every part of a query.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    nodes: FxHashMap<Span, SeriesLabels>,
}

impl Labels {
    /// The labels of a part of the query; nothing known where it is none.
    pub fn of(&self, expr: &Expr) -> SeriesLabels {
        self.get(expr).cloned().unwrap_or_else(SeriesLabels::unknown)
    }

    /// The labels of a part of the query.
    pub fn get(&self, expr: &Expr) -> Option<&SeriesLabels> {
        self.nodes.get(&expr.span)
    }
}

/// Finds the labels of every part of a query.
pub fn analyse(expr: &Expr, schema: &dyn Schema) -> Labels {
    let mut analysis = Analysis { schema, nodes: FxHashMap::default() };
    analysis.visit(expr);
    Labels { nodes: analysis.nodes }
}

struct Analysis<'a> {
    schema: &'a dyn Schema,
    nodes: FxHashMap<Span, SeriesLabels>,
}

impl Analysis<'_> {
    /// The labels of `expr`; also notes them.
    fn visit(&mut self, expr: &Expr) -> SeriesLabels {
        let series = match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => SeriesLabels::empty(),
            ExprKind::Vector(selector) => self.selector(selector),
            ExprKind::Matrix(matrix) => self.selector(&matrix.selector),
            ExprKind::Subquery(subquery) => self.visit(&subquery.expr),
            ExprKind::Unary(unary) => self.unary(unary),
            ExprKind::Paren(inner) => self.visit(inner),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Binary(binary) => {
                let (left, right) = (self.visit(&binary.left), self.visit(&binary.right));
                joins::binary(binary, left, right)
            }
        };
        self.nodes.insert(expr.span, series.clone());
        series
    }

    fn selector(&self, selector: &VectorSelector) -> SeriesLabels {
        let mut series = self.schema.series(selector).unwrap_or_else(SeriesLabels::unknown);
        for LabelFact { name, fact } in selector.matchers.iter().map(|matcher| fact(&matcher.matcher)) {
            match fact {
                Fact::Is(value) => series.fix(&name, value),
                Fact::Present => series.require(&name),
                // Without it series differ as before: none of them had it.
                Fact::Absent => {
                    series.can.remove(&name);
                    series.must.remove(&name);
                    series.fixed.remove(&name);
                    if let Some(key) = &mut series.key {
                        key.remove(&name);
                    }
                }
                Fact::Nothing => {}
            }
        }
        series
    }

    fn unary(&mut self, unary: &Unary) -> SeriesLabels {
        let mut series = self.visit(&unary.operand);
        if unary.negative {
            series.drop_name();
        }
        series
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> SeriesLabels {
        if let Some(parameter) = &aggregate.parameter {
            self.visit(parameter);
        }
        let mut series = self.visit(&aggregate.expr);
        let grouping: NameSet = aggregate.grouping.iter().map(|name| Arc::from(name.as_str())).collect();
        if matches!(
            aggregate.op,
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
        ) {
            // They choose among the series and change none.
            return series;
        }
        if aggregate.without {
            series.drop_name();
            for name in &grouping {
                series.remove(name);
            }
            // The groups differ somewhere in what is left.
            series.key = series.can.listed().cloned();
        } else {
            series.keep(&grouping);
            series.key = series.can.listed().cloned();
        }
        if aggregate.op == AggregateOp::CountValues {
            match aggregate.parameter.as_ref().map(|parameter| &parameter.without_parens().kind) {
                Some(ExprKind::String(label)) => {
                    let label: Arc<str> = Arc::from(label.as_str());
                    series.forget(&label);
                    series.require(&label);
                    series.key = series.can.listed().cloned();
                }
                // The parser lets nothing else through.
                _ => series = SeriesLabels::unknown(),
            }
        }
        series
    }
}

/// What a matcher says about its label.
enum Fact<'a> {
    Is(&'a str),
    Present,
    Absent,
    Nothing,
}

struct LabelFact<'a> {
    name: Arc<str>,
    fact: Fact<'a>,
}

fn fact(matcher: &::labels::Matcher) -> LabelFact<'_> {
    let fact = match (matcher.op(), matcher.value()) {
        (MatchOp::Equal, "") => Fact::Absent,
        (MatchOp::Equal, value) => Fact::Is(value),
        _ if !matcher.matches_empty() => Fact::Present,
        _ => Fact::Nothing,
    };
    LabelFact { name: Arc::from(matcher.name()), fact }
}

/// The metric name that a selector asks for, where it asks for exactly one.
pub fn metric_name(selector: &VectorSelector) -> Option<&str> {
    selector.name.as_deref().or_else(|| {
        selector
            .matchers
            .iter()
            .map(|matcher| &matcher.matcher)
            .find(|matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal)
            .map(::labels::Matcher::value)
    })
}

/// Calls `visit` for each part of an expression, from the outside inwards.
pub fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    for child in children(expr) {
        walk(child, visit);
    }
}

/// The parts of an expression that are expressions themselves.
pub fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => Vec::new(),
        ExprKind::Subquery(subquery) => vec![&subquery.expr],
        ExprKind::Unary(unary) => vec![&unary.operand],
        ExprKind::Paren(inner) => vec![inner],
        ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
        ExprKind::Aggregate(aggregate) => aggregate.parameter.iter().chain([&aggregate.expr]).collect(),
        ExprKind::Call(call) => call.arguments.iter().collect(),
    }
}

/// Whether the value of an expression is a set of series.
pub(super) fn is_vector(expr: &Expr) -> bool {
    matches!(expr.value_type(), ValueType::Vector | ValueType::Matrix)
}
