//! Ways through a query's tree, and back to its text.

use promql::analysis::labels::children;
use promql::ast::{Aggregate, AggregateOp, Expr, ExprKind, Span, ValueType, VectorSelector};

use crate::subject::{Owner, Query, is_open};

/// Calls `visit` for each part of an expression with what it lies in, from the outside inwards.
pub(crate) fn each<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr, &[&'a Expr])) {
    fn go<'a>(expr: &'a Expr, around: &mut Vec<&'a Expr>, visit: &mut dyn FnMut(&'a Expr, &[&'a Expr])) {
        visit(expr, around);
        around.push(expr);
        for child in children(expr) {
            go(child, around, visit);
        }
        around.pop();
    }
    go(expr, &mut Vec::new(), visit);
}

/// Whether a label by which something is grouped or joined is a variable, wholly or in part, so that nobody knows which
/// labels are left.
pub(crate) fn has_open_label(expr: &Expr) -> bool {
    let mut found = false;
    each(expr, &mut |part, _| {
        found |= match &part.kind {
            ExprKind::Aggregate(aggregate) => aggregate.grouping.iter().any(|label| is_open(label)),
            ExprKind::Binary(binary) => {
                let matching = &binary.matching;
                matching.labels.iter().chain(&matching.include).any(|label| is_open(label))
            }
            _ => false,
        };
    });
    found
}

/// A selector and where it stands, without range and modifiers.
pub(crate) fn selector(expr: &Expr) -> Option<(&VectorSelector, Span)> {
    match &expr.kind {
        ExprKind::Vector(selector) => Some((selector, expr.span)),
        ExprKind::Matrix(matrix) => Some((&matrix.selector, matrix.selector_span)),
        _ => None,
    }
}

/// Every selector of an expression.
pub(crate) fn selectors(expr: &Expr) -> Vec<(&VectorSelector, Span)> {
    let mut found = Vec::new();
    each(expr, &mut |part, _| found.extend(selector(part)));
    found
}

/// Where the metric's name stands, if the selector begins with it.
pub(crate) fn name_span(selector: &VectorSelector, span: Span, text: &str) -> Option<Span> {
    let name = selector.name.as_deref()?;
    span.of(text).starts_with(name).then(|| Span::new(span.start, span.start + name.len()))
}

/// Where a selector ends: behind its braces, before `offset` and the like.
pub(crate) fn bare_span(selector: &VectorSelector, span: Span, text: &str) -> Span {
    let from = selector.matchers.iter().map(|matcher| matcher.span.end).max().unwrap_or(span.start);
    let from = name_span(selector, span, text).map_or(from, |name| from.max(name.end));
    let rest = text.get(from..span.end).unwrap_or_default();
    let end = match rest.find('}') {
        Some(brace) if span.of(text).contains('{') => from + brace + 1,
        _ => from,
    };
    Span::new(span.start, end)
}

/// Where another matcher can be written, and what has to stand there for it.
pub(crate) fn room_for_matcher(
    selector: &VectorSelector,
    span: Span,
    text: &str,
    matcher: &str,
) -> Option<(Span, String)> {
    let bare = bare_span(selector, span, text);
    let inside = bare.of(text);
    match inside.find('{') {
        Some(brace) => {
            let at = bare.start + brace + 1;
            let rest = text.get(at..bare.end)?.trim_start();
            let comma = if rest.starts_with('}') { "" } else { "," };
            Some((Span::new(at, at), format!("{matcher}{comma}")))
        }
        None => {
            let name = name_span(selector, span, text)?;
            Some((Span::new(name.end, name.end), format!("{{{matcher}}}")))
        }
    }
}

/// Where a label of `by (…)`, `on (…)` or the like stands, looked for in `within`; all of `within` where it is not found.
pub(crate) fn word_span(word: &str, within: Span, text: &str) -> Span {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let part = within.of(text);
    let found = part.match_indices(word).find(|(at, _)| {
        let before = part[..*at].chars().next_back();
        let after = part[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    });
    found.map_or(within, |(at, _)| Span::new(within.start + at, within.start + at + word.len()))
}

/// Where the label stands in an aggregation's `by (…)` or `without (…)`: in front of what is aggregated or behind it.
pub(crate) fn grouping_span(aggregate: &Aggregate, whole: Span, label: &str, text: &str) -> Span {
    let inner = aggregate.expr.span;
    let first = aggregate.parameter.as_ref().map_or(inner.start, |parameter| parameter.span.start);
    let before = Span::new(aggregate.op_span.end.min(first), first);
    let after = Span::new(inner.end.min(whole.end), whole.end);
    for within in [before, after] {
        let found = word_span(label, within, text);
        if found != within {
            return found;
        }
    }
    aggregate.op_span
}

/// A part of a text on one line, shortened to what a sentence can hold.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Whether an aggregation adds up what it gets, so that what comes twice counts twice.
pub(crate) fn counts_each(op: AggregateOp) -> bool {
    matches!(op, AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Count)
}

/// Whether a value is a set of series.
pub(crate) fn is_vector(expr: &Expr) -> bool {
    matches!(expr.value_type(), ValueType::Vector | ValueType::Matrix)
}

/// The index of the panel and of the target in it.
pub(crate) fn target(query: &Query) -> Option<(usize, usize)> {
    match query.owner {
        Owner::Target { panel, target } => Some((panel, target)),
        _ => None,
    }
}
