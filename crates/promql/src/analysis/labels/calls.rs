//! What functions do to labels.

use std::sync::Arc;

use ::labels::{METRIC_NAME, MatchOp};
use rustc_hash::FxHashMap;

use super::{Analysis, NameSet, Names, SeriesLabels};
use crate::ast::{Call, Expr, ExprKind, ValueType, VectorSelector};
use crate::functions::Function as F;

impl Analysis<'_> {
    pub(super) fn call(&mut self, call: &Call) -> SeriesLabels {
        let arguments: Vec<SeriesLabels> =
            call.arguments.iter().map(|argument| self.visit(argument)).collect();
        let subject = || {
            let place = call
                .arguments
                .iter()
                .position(|argument| matches!(argument.value_type(), ValueType::Vector | ValueType::Matrix));
            place.map_or_else(SeriesLabels::empty, |place| arguments[place].clone())
        };
        match call.function {
            F::Absent | F::AbsentOverTime => absence(call.arguments.first()),
            F::Scalar | F::Vector => SeriesLabels::empty(),
            function if function.signature().returns == ValueType::Scalar => SeriesLabels::empty(),
            F::Sort
            | F::SortDesc
            | F::SortByLabel
            | F::SortByLabelDesc
            | F::LastOverTime
            | F::FirstOverTime => subject(),
            F::LabelReplace => label_replace(call, subject()),
            F::LabelJoin => label_join(call, subject()),
            F::HistogramQuantile | F::HistogramFraction => {
                let mut series = subject();
                series.drop_name();
                // What was told apart by its bucket alone has become one.
                without_bucket(&mut series);
                series
            }
            F::HistogramQuantiles => {
                let mut series = subject();
                series.drop_name();
                without_bucket(&mut series);
                if let Some(label) = text(call, 1) {
                    let label: Arc<str> = Arc::from(label);
                    series.forget(&label);
                    series.require(&label);
                }
                series.key = None;
                series
            }
            // Adds labels of another metric, whose names are not known here.
            F::Info => {
                let mut series = subject();
                series.can = Names::any();
                series.fixed.clear();
                series.key = None;
                series
            }
            _ => {
                let mut series = subject();
                series.drop_name();
                series
            }
        }
    }
}

fn without_bucket(series: &mut SeriesLabels) {
    series.can.remove("le");
    series.must.remove("le");
    series.fixed.remove("le");
    if series.key.as_ref().is_some_and(|key| key.contains("le")) {
        series.key = series.can.listed().cloned();
    }
}

/// The string literal at a place among the arguments.
fn text(call: &Call, index: usize) -> Option<&str> {
    match &call.arguments.get(index)?.without_parens().kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

/// `absent` has the labels that its selector asks for by value.
fn absence(argument: Option<&Expr>) -> SeriesLabels {
    let mut series = SeriesLabels::empty();
    let selector = match argument.map(|argument| &argument.without_parens().kind) {
        Some(ExprKind::Vector(selector)) => selector,
        Some(ExprKind::Matrix(matrix)) => &matrix.selector,
        _ => return series,
    };
    for (name, value) in asked_values(selector) {
        series.fix(&Arc::from(name), value);
    }
    series
}

/// The labels that a selector asks for by one value, and no other matcher names.
fn asked_values(selector: &VectorSelector) -> impl Iterator<Item = (&str, &str)> {
    let matchers = || selector.matchers.iter().map(|matcher| &matcher.matcher);
    let mut times: FxHashMap<&str, usize> = FxHashMap::default();
    for matcher in matchers() {
        *times.entry(matcher.name()).or_default() += 1;
    }
    matchers()
        .filter(move |matcher| {
            let alone = times.get(matcher.name()) == Some(&1);
            alone && matcher.name() != METRIC_NAME && matcher.op() == MatchOp::Equal
        })
        .filter(|matcher| !matcher.value().is_empty())
        .map(|matcher| (matcher.name(), matcher.value()))
}

/// `label_replace(vector, target, template, source, pattern)`
fn label_replace(call: &Call, mut series: SeriesLabels) -> SeriesLabels {
    let (Some(target), Some(template), Some(source), Some(pattern)) =
        (text(call, 1), text(call, 2), text(call, 3), text(call, 4))
    else {
        return SeriesLabels::unknown();
    };
    let was = Target { could: series.can.contains(target), must: series.must.contains(target) };
    let matches_always = matches!(pattern, ".*" | "(.*)")
        || (source_is_there(&series, source) && matches!(pattern, ".+" | "(.+)"));
    let gives_something =
        (!template.is_empty() && !template.contains('$')) || (template == "$1" && pattern == "(.+)");
    let target: Arc<str> = Arc::from(target);
    let sources = if matches_always || !was.could { vec![source] } else { vec![] };
    series.reset(&target, &sources);
    // Where the pattern does not match, the label stays as it was.
    let can = (was.could && !matches_always) || !template.is_empty();
    let must = gives_something && (was.must || matches_always);
    series.set_presence(&target, can, must);
    series
}

struct Target {
    could: bool,
    must: bool,
}

fn source_is_there(series: &SeriesLabels, source: &str) -> bool {
    series.must.contains(source)
}

/// `label_join(vector, target, separator, source, …)`
fn label_join(call: &Call, mut series: SeriesLabels) -> SeriesLabels {
    let (Some(target), Some(separator)) = (text(call, 1), text(call, 2)) else {
        return SeriesLabels::unknown();
    };
    let sources: Vec<&str> = (3..call.arguments.len()).filter_map(|index| text(call, index)).collect();
    if sources.len() + 3 != call.arguments.len() {
        return SeriesLabels::unknown();
    }
    let separated = !separator.is_empty() && sources.len() > 1;
    let must = separated || sources.iter().any(|source| series.must.contains(*source));
    let can = separated || sources.iter().any(|source| series.can.contains(source));
    let target: Arc<str> = Arc::from(target);
    series.reset(&target, &sources);
    series.set_presence(&target, can, must);
    series
}

impl SeriesLabels {
    /// Gives a label new values, which follow from those of `sources` where that is known.
    fn reset(&mut self, target: &Arc<str>, sources: &[&str]) {
        self.forget(target);
        if !sources.is_empty() && !sources.contains(&&**target) {
            let from: NameSet = sources.iter().map(|source| Arc::from(*source)).collect();
            let to = std::iter::once(Arc::clone(target)).collect();
            self.dependencies.push(Arc::new(super::Dependency { from, to }));
        }
    }

    fn set_presence(&mut self, name: &Arc<str>, can: bool, must: bool) {
        if can {
            self.can.insert(name);
        } else {
            self.can.remove(name);
        }
        if must {
            self.must.insert(Arc::clone(name));
        } else {
            self.must.remove(name);
        }
    }
}
