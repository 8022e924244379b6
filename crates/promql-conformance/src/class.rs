//! What part of the language a case is about.

use std::collections::BTreeSet;

use labels::{Labels, METRIC_NAME};
use promql::Function;
use promql::ast::{
    AggregateOp, BinaryOp, DurationExpr, DurationKind, Expr, ExprKind, TimeModifiers, VectorSelector,
};

use crate::script::{Case, Expected, has_histogram};

/// What part of the language a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Stable PromQL on floats.
    Stable,
    /// Durations that are computed: `[5m * 2]`.
    Durations,
    /// What Prometheus hides behind a feature flag.
    Experimental,
    /// Native histograms.
    Native,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Stable, Self::Durations, Self::Experimental, Self::Native];

    /// A word for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Durations => "durations",
            Self::Experimental => "experimental",
            Self::Native => "native",
        }
    }
}

/// Scripts as a whole about something that shows in none of their queries.
const SCRIPTS: [(&str, Class); 6] = [
    ("duration_expression", Class::Durations),
    ("extended_vectors", Class::Experimental),
    ("fill-modifier", Class::Experimental),
    ("type_and_unit", Class::Experimental),
    ("start_timestamps", Class::Experimental),
    ("native_histograms", Class::Native),
];

/// The class of a case. `expr` is its query, where the parser reads it; `native` are the series with native histograms
/// at that point of the script.
pub(crate) fn classify(script: &str, case: &Case, expr: Option<&Expr>, native: &BTreeSet<Labels>) -> Class {
    let by_script = SCRIPTS.iter().find(|(name, _)| *name == script).map(|(_, class)| *class);
    let mut features = Features { native, is_native: case.query.contains("{{"), is_experimental: false };
    if let Expected::Series(series) = &case.value {
        features.is_native |= series.iter().any(has_histogram);
    }
    match expr {
        Some(expr) => features.expression(expr),
        None => {
            features.is_experimental |= Function::ALL.iter().any(|function| {
                function.signature().experimental && case.query.contains(&format!("{}(", function.name()))
            });
        }
    }
    match (features, by_script) {
        (Features { is_native: true, .. }, _) => Class::Native,
        (_, Some(class)) => class,
        (Features { is_experimental: true, .. }, None) => Class::Experimental,
        _ => Class::Stable,
    }
}

struct Features<'n> {
    native: &'n BTreeSet<Labels>,
    is_native: bool,
    is_experimental: bool,
}

impl Features<'_> {
    fn expression(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Vector(selector) => self.selector(selector),
            ExprKind::Matrix(matrix) => {
                self.duration(&matrix.range);
                self.selector(&matrix.selector);
            }
            ExprKind::Subquery(subquery) => {
                self.duration(&subquery.range);
                if let Some(step) = &subquery.step {
                    self.duration(step);
                }
                self.modifiers(&subquery.modifiers);
                self.expression(&subquery.expr);
            }
            ExprKind::Unary(unary) => self.expression(&unary.operand),
            ExprKind::Paren(inner) => self.expression(inner),
            ExprKind::Binary(binary) => {
                self.is_native |= matches!(binary.op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
                self.is_experimental |=
                    binary.matching.fill_left.is_some() || binary.matching.fill_right.is_some();
                self.expression(&binary.left);
                self.expression(&binary.right);
            }
            ExprKind::Aggregate(aggregate) => {
                self.is_experimental |= matches!(aggregate.op, AggregateOp::Limitk | AggregateOp::LimitRatio);
                self.expression(&aggregate.expr);
                if let Some(parameter) = &aggregate.parameter {
                    self.expression(parameter);
                }
            }
            ExprKind::Call(call) => {
                self.is_experimental |= call.function.signature().experimental;
                self.is_native |= matches!(
                    call.function,
                    Function::HistogramAvg
                        | Function::HistogramCount
                        | Function::HistogramStddev
                        | Function::HistogramStdvar
                        | Function::HistogramSum
                );
                for argument in &call.arguments {
                    self.expression(argument);
                }
            }
        }
    }

    fn selector(&mut self, selector: &VectorSelector) {
        self.is_experimental |= selector.extension.is_some();
        self.modifiers(&selector.modifiers);
        // Without a metric's name, histograms are among what is found, and a case that expects none of them in its result is
        // about floats: that these are found, and the histograms ignored.
        let names_metric = selector.matchers.iter().any(|matcher| matcher.matcher.name() == METRIC_NAME);
        self.is_native |= names_metric
            && self.native.iter().any(|labels| {
                selector.matchers.iter().all(|matcher| {
                    let matcher = &matcher.matcher;
                    matcher.matches(labels.get(matcher.name()).unwrap_or_default())
                })
            });
    }

    fn modifiers(&mut self, modifiers: &TimeModifiers) {
        if let Some(offset) = &modifiers.offset {
            self.duration(offset);
        }
    }

    fn duration(&mut self, duration: &DurationExpr) {
        self.is_experimental |= !matches!(duration.kind, DurationKind::Millis(_) | DurationKind::Seconds(_));
    }
}
