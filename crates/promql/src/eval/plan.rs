//! What is evaluated: the syntax tree with types, durations, `@`, function names and parentheses resolved for one query.
//! [`super::lower`] makes it.

use labels::{Labels, Matcher};
use regex::Regex;

use super::range_functions::RangeFunction;
use super::steps::TimeShift;
use super::template::Template;
use crate::ast::{BinaryOp, RangeExtension, Span, VectorMatching};

/// An expression of any type.
pub(super) enum Plan {
    /// One number at each step.
    Scalar(ScalarNode),
    /// An instant vector at each step.
    Vector(VectorNode),
    /// A range vector.
    Range(RangeSource),
    /// Text.
    Text(String),
}

/// An expression that gives one number at each step.
pub(super) struct ScalarNode {
    /// What it is.
    pub(super) kind: ScalarKind,
    /// Where it stands.
    pub(super) span: Span,
    /// Whether all steps have the same value, so that one suffices.
    pub(super) constant: bool,
}

/// The kinds of expression that give a number.
pub(super) enum ScalarKind {
    /// A literal.
    Number(f64),
    /// `time()`
    Time,
    /// `scalar(vector)`
    OfVector(Box<VectorNode>),
    /// `-scalar`
    Negate(Box<ScalarNode>),
    /// `scalar op scalar`
    Binary(BinaryOp, Box<[ScalarNode; 2]>),
    /// `max_of` where true, else `min_of`.
    Extreme(bool, Box<[ScalarNode; 2]>),
}

/// An expression that gives a vector at each step.
pub(super) struct VectorNode {
    /// What it is.
    pub(super) kind: VectorKind,
    /// Where it stands.
    pub(super) span: Span,
    /// Whether all steps have the same value, so that one suffices.
    pub(super) constant: bool,
}

/// The kinds of expression that give a vector.
pub(super) enum VectorKind {
    /// An instant selector.
    Selector(Selector),
    /// `timestamp(selector)`: the times of the samples instead of their values.
    SampleTimes(Selector),
    /// `vector(scalar)`
    OfScalar(ScalarNode),
    /// Something done to each value by itself.
    Map(Box<VectorNode>, Map),
    /// A function of a range vector.
    OverTime(OverTime),
    /// `absent(vector)`; the labels are those of the result.
    Absent(Box<VectorNode>, Labels),
    /// `absent_over_time(range)`
    AbsentOverTime(RangeSource, Labels),
    /// An aggregation.
    Aggregate(Box<Aggregation>),
    /// Arithmetic and comparisons of two vectors.
    Binary(Box<VectorBinary>),
    /// `and`, `or`, `unless`
    Set(Box<VectorBinary>),
    /// `label_replace`, `label_join`
    Relabel(Box<VectorNode>, Relabel),
    /// `sort` and its kin.
    Sort(Box<VectorNode>, Order),
    /// `histogram_quantile`, `histogram_quantiles`, `histogram_fraction`
    Histogram(Box<VectorNode>, HistogramFunction),
    /// `info(vector, selector)`
    Info(Box<InfoCall>),
}

/// Something done to each value of a vector by itself.
pub(super) enum Map {
    /// A function of one number.
    Function(fn(f64) -> f64),
    /// `clamp`, `clamp_min`, `clamp_max`
    Clamp {
        /// The least value.
        min: ScalarNode,
        /// The greatest value.
        max: ScalarNode,
    },
    /// `round(vector, to)`
    Round(ScalarNode),
    /// `vector op scalar`, `scalar op vector`
    Operator {
        /// The operator; not a set operator.
        op: BinaryOp,
        /// The scalar.
        scalar: ScalarNode,
        /// Whether the scalar stands on the left.
        scalar_left: bool,
        /// `bool`
        return_bool: bool,
    },
    /// `timestamp` of anything but a selector: the time of the step.
    StepTime,
    /// Functions that know native histograms only, and so give nothing here.
    Nothing,
    /// A function of this name, which looks at native histograms: there are none.
    NeedsNative(&'static str),
}

/// A selector of series.
pub(super) struct Selector {
    /// All must hold.
    pub(super) matchers: Vec<Matcher>,
    /// `offset` and `@`.
    pub(super) shift: TimeShift,
    /// `anchored` or `smoothed`.
    pub(super) extension: Option<RangeExtension>,
}

/// Where a range vector comes from.
pub(super) enum RangeSource {
    /// `selector[range]`
    Selector {
        /// What is selected.
        selector: Selector,
        /// Milliseconds.
        range: i64,
        /// Where it stands.
        span: Span,
    },
    /// `(expression)[range:step]`
    Subquery(Box<Subquery>),
}

/// `expression[range:step]`
pub(super) struct Subquery {
    /// What is evaluated at each step.
    pub(super) inner: Inner,
    /// Milliseconds.
    pub(super) range: i64,
    /// Milliseconds.
    pub(super) step: i64,
    /// `offset` and `@`.
    pub(super) shift: TimeShift,
    /// Where it stands.
    pub(super) span: Span,
}

/// What a subquery evaluates.
pub(super) enum Inner {
    /// A number; its samples have no labels.
    Scalar(ScalarNode),
    /// A vector.
    Vector(VectorNode),
}

/// `function(range, parameters)`
pub(super) struct OverTime {
    /// The function.
    pub(super) function: RangeFunction,
    /// The range vector.
    pub(super) source: RangeSource,
    /// The other arguments, in their order.
    pub(super) parameters: Vec<ScalarNode>,
}

/// An aggregation.
pub(super) struct Aggregation {
    /// What it computes.
    pub(super) kind: AggregationKind,
    /// What is aggregated.
    pub(super) inner: VectorNode,
    /// Which series belong together.
    pub(super) grouping: Grouping,
}

/// What an aggregation computes.
pub(super) enum AggregationKind {
    /// One number from all of a group.
    Fold(Fold),
    /// `quantile(q, …)`
    Quantile(ScalarNode),
    /// `count_values("label", …)`
    CountValues(String),
    /// The aggregations that pick some of the series.
    Pick(Pick, ScalarNode),
}

/// The aggregations that keep a few numbers for a group, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `count`
    Count,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `group`
    Group,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
}

/// The aggregations that pick some of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// `topk`
    Top,
    /// `bottomk`
    Bottom,
    /// `limitk`
    Limit,
    /// `limit_ratio`
    Ratio,
}

/// `by (labels)` or `without (labels)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Grouping {
    /// Sorted, each once.
    pub(super) labels: Vec<String>,
    /// Whether the labels are those left out.
    pub(super) without: bool,
}

/// `vector op vector`
pub(super) struct VectorBinary {
    /// The operator.
    pub(super) op: BinaryOp,
    /// Left operand.
    pub(super) left: VectorNode,
    /// Right operand.
    pub(super) right: VectorNode,
    /// `bool`
    pub(super) return_bool: bool,
    /// How series find each other.
    pub(super) matching: VectorMatching,
}

/// `label_replace` and `label_join`
pub(super) enum Relabel {
    /// `label_replace`
    Replace {
        /// The label to be set.
        target: String,
        /// What its value is made of.
        template: Template,
        /// The label to be looked at.
        source: String,
        /// What its whole value must look like.
        pattern: Regex,
    },
    /// `label_join`
    Join {
        /// The label to be set.
        target: String,
        /// What stands between the values.
        separator: String,
        /// The labels whose values are joined.
        sources: Vec<String>,
    },
}

/// The order of a vector.
pub(super) enum Order {
    /// By value.
    Value {
        /// Whether the greatest comes first.
        descending: bool,
    },
    /// By labels, in natural order.
    Labels {
        /// The labels, the most important first.
        names: Vec<String>,
        /// Whether the greatest comes first.
        descending: bool,
    },
}

/// The functions of classic histograms.
pub(super) enum HistogramFunction {
    /// `histogram_quantile`
    Quantile(ScalarNode),
    /// `histogram_quantiles`
    Quantiles {
        /// The label that says which quantile.
        label: String,
        /// The quantiles.
        quantiles: Vec<ScalarNode>,
    },
    /// `histogram_fraction`
    Fraction {
        /// The lower bound.
        lower: ScalarNode,
        /// The upper bound.
        upper: ScalarNode,
    },
}

/// `info(vector, selector)`
pub(super) struct InfoCall {
    /// The series that get labels.
    pub(super) base: VectorNode,
    /// Which info series are looked at, and which of their labels.
    pub(super) matchers: Option<Vec<Matcher>>,
    /// The modifiers of the first selector inside `base`: info series are looked up at the same time.
    pub(super) shift: TimeShift,
}

impl Selector {
    /// Whether all selected series have the same metric name, so that they differ without it, too.
    pub(super) fn has_one_name(&self) -> bool {
        self.matchers.iter().any(|matcher| {
            matcher.name() == labels::METRIC_NAME
                && matcher.op() == labels::MatchOp::Equal
                && !matcher.value().is_empty()
        })
    }
}

impl RangeSource {
    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Selector { span, .. } => *span,
            Self::Subquery(subquery) => subquery.span,
        }
    }

    /// Whether the window is the same at all steps.
    pub(super) fn is_pinned(&self) -> bool {
        match self {
            Self::Selector { selector, .. } => selector.shift.at.is_some(),
            Self::Subquery(subquery) => subquery.shift.at.is_some(),
        }
    }

    /// See [`VectorNode::differs_without_name`].
    pub(super) fn differs_without_name(&self) -> bool {
        match self {
            Self::Selector { selector, .. } => selector.has_one_name(),
            Self::Subquery(subquery) => match &subquery.inner {
                Inner::Scalar(_) => true,
                Inner::Vector(inner) => inner.differs_without_name(),
            },
        }
    }

    /// `anchored` or `smoothed`.
    pub(super) fn extension(&self) -> Option<RangeExtension> {
        match self {
            Self::Selector { selector, .. } => selector.extension,
            Self::Subquery(_) => None,
        }
    }
}

impl VectorNode {
    /// Whether it is certain that no two of the node's series have the same labels once their names are dropped.
    pub(super) fn differs_without_name(&self) -> bool {
        match &self.kind {
            VectorKind::Selector(selector) | VectorKind::SampleTimes(selector) => selector.has_one_name(),
            VectorKind::OfScalar(_) | VectorKind::Absent(..) | VectorKind::AbsentOverTime(..) => true,
            VectorKind::Map(inner, _) => inner.differs_without_name(),
            VectorKind::OverTime(call) => call.source.differs_without_name(),
            VectorKind::Aggregate(aggregation) => {
                let by_name =
                    aggregation.grouping.labels.iter().any(|label| super::matrix::is_metadata(label));
                match aggregation.kind {
                    AggregationKind::Fold(_) | AggregationKind::Quantile(_) => {
                        !aggregation.grouping.without && !by_name
                    }
                    AggregationKind::Pick(..) => aggregation.inner.differs_without_name(),
                    AggregationKind::CountValues(_) => false,
                }
            }
            _ => false,
        }
    }
}

impl Map {
    /// Whether what comes out is no longer the metric that went in, so that its name goes.
    pub(super) fn drops_name(&self) -> bool {
        match self {
            Self::Operator { op, return_bool, .. } => *return_bool || !op.is_comparison(),
            _ => true,
        }
    }
}
