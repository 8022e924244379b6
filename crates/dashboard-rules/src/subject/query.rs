//! A query of a dashboard, parsed once.

use std::collections::HashMap;

use grafana::variables::{QueryError, VariableQuery, parse_query, references};
use promql::ast::{Expr, Span};
use promql::{ParseError, ParseOptions, parse};

use super::spans;
use super::substitution::{Guess, substitute, substitute_with};
use crate::pointer::Pointer;

/// Whose query it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Of a panel: the indices of the panel in [`super::Dashboard::panels`] and of the target in the panel.
    Target {
        /// The panel.
        panel: usize,
        /// Its target.
        target: usize,
    },
    /// Of a variable, by its index.
    Variable(usize),
    /// Of an annotation, by its index.
    Annotation(usize),
}

/// A query to Prometheus. Those of other data sources are left out.
#[derive(Clone, Debug)]
pub struct Query {
    /// Whose it is.
    pub owner: Owner,
    /// Where its text stands.
    pub pointer: Pointer,
    /// The text as it stands there, with its variables. All spans are of this text.
    pub text: String,
    /// Which part of the text is PromQL: all of it, except in `label_values(…)` and its kin.
    pub promql: Span,
    /// What a variable asks for; `None` for panels and annotations, and for variables that cannot be read.
    pub asks: Option<VariableQuery>,
    /// Why Grafana cannot read the query of a variable.
    pub unreadable: Option<QueryError>,
    /// The tree, with its spans in `text`; `None` where there is no PromQL in it, or where it takes the values of
    /// variables to make it PromQL, so that it is another tree for each. A stand-in for a variable is told by
    /// [`super::is_open`] in names and strings, and is NaN where a number stands.
    pub expr: Option<Result<Expr, ParseError>>,
}

/// The values that a variable can have, where the dashboard itself says it.
pub(super) type Values<'a> = &'a dyn Fn(&str) -> Vec<String>;

impl Query {
    pub(super) fn new(owner: Owner, pointer: Pointer, text: String, values: Values<'_>) -> Self {
        let promql = Span::new(0, text.len());
        let expr = if text.trim().is_empty() { None } else { read(&text, promql, values) };
        Self { owner, pointer, promql, asks: None, unreadable: None, expr, text }
    }

    /// The query of a variable: `label_values(metric{…}, label)`.
    pub(super) fn of_variable(index: usize, pointer: Pointer, text: String, values: Values<'_>) -> Self {
        // Grafana puts the values in before it reads the query.
        let substituted = substitute(&text, Guess::Metric);
        let asks = parse_query(&substituted.text);
        let inner = match &asks {
            Ok(
                VariableQuery::LabelValues { selector: Some(selector), .. }
                | VariableQuery::Series { selector },
            ) => Some(selector),
            Ok(VariableQuery::QueryResult { query }) => Some(query),
            _ => None,
        };
        // Line ends are taken out before Grafana reads it, so what it read may not stand there like this.
        let promql = inner.and_then(|inner| {
            let start = substituted.text.find(inner.as_str())?;
            Some(substituted.original(Span::new(start, start + inner.len())))
        });
        let expr = promql.and_then(|span| read(&text, span, values));
        let (asks, unreadable) = match asks {
            Ok(asks) => (Some(asks), None),
            Err(error) => (None, Some(error)),
        };
        let owner = Owner::Variable(index);
        Self { owner, pointer, promql: promql.unwrap_or_default(), asks, unreadable, expr, text }
    }

    /// The tree, if the query can be read.
    pub fn tree(&self) -> Option<&Expr> {
        self.expr.as_ref()?.as_ref().ok()
    }

    /// The names of the variables in it, as often as they occur.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        references(&self.text).map(|reference| reference.name)
    }

    /// Whether a panel asks it.
    pub fn is_target(&self) -> bool {
        matches!(self.owner, Owner::Target { .. })
    }
}

/// Parses the part of a text with its variables replaced by what fits; spans are of the whole text. Nothing where only the
/// values of variables could tell what it is.
fn read(text: &str, part: Span, values: Values<'_>) -> Option<Result<Expr, ParseError>> {
    let options = ParseOptions { experimental: true };
    let inner = part.of(text);
    let attempt = |guess| {
        let substituted = substitute(inner, guess);
        let back = |span: Span| {
            let span = substituted.original(span);
            Span::new(span.start + part.start, span.end + part.start)
        };
        match parse(&substituted.text, options) {
            Ok(mut expr) => {
                spans::map(&mut expr, &back);
                Ok(expr)
            }
            Err(error) => Err(ParseError { span: back(error.span), ..error }),
        }
    };
    let first = attempt(Guess::Number);
    if first.is_ok() || !inner.contains(['$', '[']) {
        return Some(first);
    }
    // Perhaps a variable stands for a metric where a number would not do.
    let error = match attempt(Guess::Metric).or(first) {
        Ok(expr) => return Some(Ok(expr)),
        Err(error) => error,
    };
    // Or for something else, which the dashboard itself may tell.
    let error = match with_values(inner, values) {
        WithValues::Query => return None,
        WithValues::Error(error) => {
            let span = Span::new(error.span.start + part.start, error.span.end + part.start);
            ParseError { span, ..error }
        }
        WithValues::Unknown => error,
    };
    let within = Span::new(
        error.span.start.saturating_sub(part.start).min(inner.len()),
        error.span.end.saturating_sub(part.start).min(inner.len()),
    );
    // What only Prometheus knows may be anything.
    let is_open =
        substitute(inner, Guess::Number).guessed_at(inner, within).any(|name| values(name).is_empty());
    (!is_open).then_some(Err(error))
}

/// What comes of a query when variables have values that the dashboard says.
enum WithValues {
    /// None are known.
    Unknown,
    /// A query, for some of them.
    Query,
    /// This error, for the first of them.
    Error(ParseError),
}

/// Whether some values of the dashboard's variables make it a query: `$function(…)`, `by (a $more)`.
fn with_values(text: &str, values: Values<'_>) -> WithValues {
    /// So many choices are tried; the first ones are the usual ones.
    const MOST: usize = 8;
    let substituted = substitute(text, Guess::Number);
    let known: HashMap<&str, Vec<String>> =
        substituted.guessed().map(|name| (name, values(name))).filter(|(_, list)| !list.is_empty()).collect();
    let choices = known.values().map(Vec::len).max().unwrap_or(0).min(MOST);
    let mut first = None;
    for choice in 0..choices {
        let value = |name: &str| {
            let list = known.get(name)?;
            list.get(choice.min(list.len() - 1)).cloned()
        };
        for guess in [Guess::Metric, Guess::Number] {
            let substituted = substitute_with(text, guess, &value);
            match parse(&substituted.text, ParseOptions { experimental: true }) {
                Ok(_) => return WithValues::Query,
                Err(error) => {
                    first.get_or_insert(ParseError { span: substituted.original(error.span), ..error });
                }
            }
        }
    }
    first.map_or(WithValues::Unknown, WithValues::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_variable(text: &str) -> Query {
        Query::of_variable(0, Pointer::root(), text.to_owned(), &|_| Vec::new())
    }

    /// With the values of the variables `f`, `n` and `more`.
    fn of_annotation(text: &str) -> Query {
        let values = |name: &str| {
            let list: &[&str] = match name {
                "f" => &["rate", "increase"],
                "n" => &["1", "2"],
                "more" => &["", ", b", ", \"c.d\""],
                _ => &[],
            };
            list.iter().map(|value| (*value).to_owned()).collect()
        };
        Query::new(Owner::Annotation(0), Pointer::root(), text.to_owned(), &values)
    }

    #[test]
    fn where_only_values_of_variables_make_it_a_query_nothing_is_said() {
        for (text, is_error) in [
            ("sum(${f:value}(x[$__rate_interval])) by (a $more)", false),
            ("${agg}_over_time(x[5m])", false),
            ("sum(${unknown}(x[$__rate_interval])) by (a $too)", false),
            ("sum($f(x[$__rate_interval])", true),
            ("sum(rate(x[$__rate_interval])) by (a $more) +", true),
            ("sum($f(x[5m])) by (a $more) sum(y)", true),
            ("sum(x{a=\"$f\"}", true),
            ("x > $n ) y", true),
        ] {
            let query = of_annotation(text);
            assert!(query.tree().is_none(), "{text}");
            assert_eq!(matches!(query.expr, Some(Err(_))), is_error, "{text}: {:?}", query.expr);
        }
    }

    #[test]
    fn the_promql_in_a_variables_query_is_found() {
        let text = "label_values(up{cluster=~\"$cluster\"}, job)";
        let query = of_variable(text);
        assert_eq!(query.promql.of(text), "up{cluster=~\"$cluster\"}");
        assert_eq!(query.tree().unwrap().span.of(text), "up{cluster=~\"$cluster\"}");
        let text = "query_result( count by (a) (x) )";
        assert_eq!(of_variable(text).tree().unwrap().span.of(text), "count by (a) (x)");
        for text in ["label_values(job)", "label_names()", "metrics(node)", ""] {
            assert!(of_variable(text).expr.is_none(), "{text}");
        }
    }

    #[test]
    fn a_variable_may_stand_for_a_metric_where_no_number_fits() {
        let query = of_annotation("sum by (a) ($metric)");
        assert!(query.tree().is_some());
    }

    #[test]
    fn errors_point_into_the_text_as_it_was_written() {
        let text = "sum(rate(x{a=\"$a_rather_long_name\"}[$__rate_interval])) +";
        let query = of_annotation(text);
        let error = query.expr.unwrap().unwrap_err();
        assert_eq!(error.span.of(text), "+", "{error:?}");
    }
}
