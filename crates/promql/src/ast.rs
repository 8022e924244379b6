//! The syntax tree. Every node carries the byte span of the text that it came from, so that messages can point.

use std::fmt;

use labels::Matcher;

use crate::functions::Function;

/// A half-open range of bytes in the query text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The part of `text` that the span covers; empty where it lies outside.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Line and column of the first byte, both counted from 1, columns in characters.
    pub fn line_and_column(self, text: &str) -> (usize, usize) {
        let before = text.get(..self.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// An expression of this kind at this place.
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// The type of its value. Only meaningful for trees that passed the type check, as all trees of
    /// [`parse`](crate::parse) did.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Vector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Matrix(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Unary(unary) => unary.operand.value_type(),
            ExprKind::Paren(inner) => inner.value_type(),
            ExprKind::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            ExprKind::Call(call) => call.function.signature().returns,
        }
    }

    /// The expression inside any parentheses around it.
    pub fn without_parens(&self) -> &Self {
        let mut inner = self;
        while let ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        inner
    }
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number, or a duration used as one (`5m` is 300).
    Number(f64),
    /// A string literal, unescaped.
    String(String),
    /// An instant vector selector: `name{label="value"} offset 5m @ end()`.
    Vector(VectorSelector),
    /// A range vector selector: a selector and a range in brackets.
    Matrix(MatrixSelector),
    /// `expr[range:step]`.
    Subquery(Box<Subquery>),
    /// `-expr` or `+expr`.
    Unary(Unary),
    /// `(expr)`.
    Paren(Box<Expr>),
    /// `left op right`.
    Binary(Box<Binary>),
    /// `sum by (label) (expr)`.
    Aggregate(Box<Aggregate>),
    /// `function(arguments)`.
    Call(Call),
}

/// The types of PromQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// A set of series with one sample each.
    Vector,
    /// A set of series with a range of samples each.
    Matrix,
    /// Text.
    String,
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        })
    }
}

/// An instant vector selector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// The metric name before the braces, if it was written there (or as a lone quoted string inside them).
    pub name: Option<String>,
    /// The matchers inside the braces, in the order written; where there is a `name`, its matcher comes first.
    pub matchers: Vec<LabelMatcher>,
    /// `offset` and `@`.
    pub modifiers: TimeModifiers,
    /// `anchored` or `smoothed` (experimental).
    pub extension: Option<RangeExtension>,
}

/// A matcher and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelMatcher {
    /// The condition.
    pub matcher: Matcher,
    /// Where it stands.
    pub span: Span,
}

/// The experimental extensions of range selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeExtension {
    /// `anchored`
    Anchored,
    /// `smoothed`
    Smoothed,
}

/// A range vector selector.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The selector before the brackets; its modifiers are those written behind the brackets.
    pub selector: VectorSelector,
    /// Where the selector alone stands.
    pub selector_span: Span,
    /// The range.
    pub range: DurationExpr,
}

/// `expr[range:step]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// What is evaluated at each step.
    pub expr: Expr,
    /// How far back.
    pub range: DurationExpr,
    /// The step; the engine's default where it is missing.
    pub step: Option<DurationExpr>,
    /// `offset` and `@`.
    pub modifiers: TimeModifiers,
}

/// `offset` and `@` of a selector or subquery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeModifiers {
    /// `offset d`; may be negative.
    pub offset: Option<DurationExpr>,
    /// `@ t`.
    pub at: Option<At>,
}

/// What stands behind an `@`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// A time in milliseconds since the epoch.
    Timestamp(i64),
    /// `start()`: the first step of the query.
    Start,
    /// `end()`: the last step of the query.
    End,
}

/// A duration and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    /// What it is.
    pub kind: DurationKind,
    /// Where it stands.
    pub span: Span,
}

/// A duration: nearly always a literal, but since Prometheus 3.14 arithmetic is allowed.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    /// A literal, in milliseconds. Negative behind `offset` and in arithmetic only: a range is more than 0.
    Millis(i64),
    /// A plain number used as a duration, in seconds. Finite, and negative where a literal may be.
    Seconds(f64),
    /// `step()`: the step of the query.
    Step,
    /// `range()`: end − start of the query.
    Range,
    /// `-d` where `d` is no literal. A plus is not kept, and the sign of a literal is part of it.
    Unary {
        /// Whether the sign is a minus.
        negative: bool,
        /// The operand.
        operand: Box<DurationExpr>,
    },
    /// `a op b`.
    Binary {
        /// One of `+ - * / % ^`.
        op: BinaryOp,
        /// Left operand.
        left: Box<DurationExpr>,
        /// Right operand.
        right: Box<DurationExpr>,
    },
    /// `min_of(a, b)` or `max_of(a, b)`.
    Extreme {
        /// `max_of` where true, else `min_of`.
        max: bool,
        /// Left operand.
        left: Box<DurationExpr>,
        /// Right operand.
        right: Box<DurationExpr>,
    },
    /// `(d)`.
    Paren(Box<DurationExpr>),
}

/// `-expr` or `+expr`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    /// Whether the sign is a minus.
    pub negative: bool,
    /// The operand.
    pub operand: Box<Expr>,
}

/// `left op right`.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator alone stands.
    pub op_span: Span,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
    /// `bool`: comparisons give 0 and 1 instead of filtering.
    pub return_bool: bool,
    /// How the two sides' series find each other.
    pub matching: VectorMatching,
}

/// The binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the operators' own")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    And,
    Or,
    Unless,
    /// `</`: native histograms only.
    TrimUpper,
    /// `>/`: native histograms only.
    TrimLower,
}

impl BinaryOp {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }

    /// `== != > < >= <=`
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le)
    }

    /// `and or unless`
    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    /// One-to-one unless `group_left` or `group_right` says otherwise; set operators are many-to-many.
    pub cardinality: Cardinality,
    /// Whether `labels` are those that must agree (`on`) or those left out (`ignoring`).
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// The labels that `group_left`/`group_right` copy from the "one" side.
    pub include: Vec<String>,
    /// `fill`, `fill_left`, `fill_right` (experimental): the value for a missing left partner.
    pub fill_left: Option<f64>,
    /// The value for a missing right partner.
    pub fill_right: Option<f64>,
    /// Where the modifiers stand; empty where there are none.
    pub span: Span,
}

impl Default for VectorMatching {
    /// What holds where no modifier is written: one to one, all labels must agree.
    fn default() -> Self {
        Self {
            cardinality: Cardinality::OneToOne,
            on: false,
            labels: Vec::new(),
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
            span: Span::default(),
        }
    }
}

/// The cardinality of a vector match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Cardinality {
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// `sum by (label) (expr)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The aggregation.
    pub op: AggregateOp,
    /// Where its name stands.
    pub op_span: Span,
    /// What is aggregated.
    pub expr: Expr,
    /// The first argument of `topk`, `bottomk`, `quantile`, `count_values`, `limitk`, `limit_ratio`.
    pub parameter: Option<Expr>,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` belongs to `without`.
    pub without: bool,
}

/// The aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are PromQL's own")]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    /// Experimental.
    Limitk,
    /// Experimental.
    LimitRatio,
}

impl AggregateOp {
    /// Every aggregation.
    pub const ALL: &'static [Self] = &[
        Self::Sum,
        Self::Avg,
        Self::Count,
        Self::Min,
        Self::Max,
        Self::Group,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::CountValues,
        Self::Quantile,
        Self::Limitk,
        Self::LimitRatio,
    ];

    /// The name as it is written; any case will do.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }

    /// The type of the parameter that stands before the vector, where the aggregation has one.
    pub fn parameter(self) -> Option<ValueType> {
        match self {
            Self::Topk | Self::Bottomk | Self::Quantile | Self::Limitk | Self::LimitRatio => {
                Some(ValueType::Scalar)
            }
            Self::CountValues => Some(ValueType::String),
            _ => None,
        }
    }

    /// Whether Prometheus hides it behind a feature flag.
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

/// `function(arguments)`. Arity and argument types have been checked by the parser.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// Where its name stands.
    pub name_span: Span,
    /// The arguments.
    pub arguments: Vec<Expr>,
}
