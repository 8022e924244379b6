//! The queries of variables for Prometheus, and how answers become options.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::{Pattern, VariableOption};

/// What a variable asks Prometheus for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableQuery {
    /// All label names, or those of the metrics whose name contains something.
    LabelNames {
        /// A part of the metrics' names, as a regular expression.
        metric: Option<String>,
    },
    /// The values of a label, perhaps only of certain series.
    LabelValues {
        /// A series selector.
        selector: Option<String>,
        /// The label.
        label: String,
    },
    /// The metrics whose name matches.
    Metrics {
        /// A regular expression that may match anywhere.
        pattern: String,
    },
    /// The result of a query; each element becomes a line, see [`query_result_line`].
    QueryResult {
        /// PromQL.
        query: String,
    },
    /// The series that match; each becomes `name{label="value",…}`.
    Series {
        /// A series selector.
        selector: String,
    },
}

/// A variable that cannot get values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No query.
    #[error("the variable has no query")]
    Empty,
    /// One of Grafana's functions with something inside that it does not take.
    #[error("{function} is written {form}; this is {text:?}")]
    Malformed {
        /// Its name.
        function: &'static str,
        /// How it is to be written.
        form: &'static str,
        /// What stands there.
        text: String,
    },
    /// The pattern that filters the values.
    #[error("the regular expression {pattern:?} cannot be used: {message}")]
    Regex {
        /// The pattern.
        pattern: String,
        /// Why not.
        message: String,
    },
}

struct Patterns {
    label_names: Regex,
    label_values: Regex,
    metrics: Regex,
    query_result: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let compile = |pattern| Regex::new(pattern).expect("the pattern is a constant");
    Patterns {
        label_names: compile(r"(?s)^label_names\((.*)\)\s*$"),
        label_values: compile(r"(?s)^label_values\((?:(.+),\s*)?([a-zA-Z_][a-zA-Z0-9_]*)\)\s*$"),
        metrics: compile(r"(?s)^metrics\((.+)\)\s*$"),
        query_result: compile(r"(?s)^query_result\((.+)\)\s*$"),
    }
});

/// Reads the query of a variable after its own variables have been replaced.
pub fn parse_query(text: &str) -> Result<VariableQuery, QueryError> {
    // Queries may be wrapped over several lines in the editor.
    let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let text = joined.trim();
    let malformed = |function, form| QueryError::Malformed { function, form, text: text.to_owned() };
    if text.is_empty() {
        return Err(QueryError::Empty);
    }
    if let Some(found) = PATTERNS.label_names.captures(text) {
        let metric = found[1].trim();
        return Ok(VariableQuery::LabelNames { metric: (!metric.is_empty()).then(|| metric.to_owned()) });
    }
    if text.starts_with("label_values(") {
        let found = PATTERNS.label_values.captures(text).ok_or_else(|| {
            malformed("label_values", "label_values(metric{…}, label) or label_values(label)")
        })?;
        let selector = found.get(1).map(|selector| selector.as_str().trim());
        // An empty selector asks for the label everywhere.
        let selector = selector.filter(|selector| selector.split_whitespace().collect::<String>() != "{}");
        return Ok(VariableQuery::LabelValues {
            selector: selector.map(str::to_owned),
            label: found[2].to_owned(),
        });
    }
    if text.starts_with("metrics(") {
        let found =
            PATTERNS.metrics.captures(text).ok_or_else(|| malformed("metrics", "metrics(pattern)"))?;
        return Ok(VariableQuery::Metrics { pattern: found[1].to_owned() });
    }
    if text.starts_with("query_result(") {
        let found = PATTERNS
            .query_result
            .captures(text)
            .ok_or_else(|| malformed("query_result", "query_result(query)"))?;
        return Ok(VariableQuery::QueryResult { query: found[1].trim().to_owned() });
    }
    Ok(VariableQuery::Series { selector: text.to_owned() })
}

/// One element of an instant vector as a line of text, the way Grafana hands it to the regular expression.
pub fn query_result_line<'a>(
    metric: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    value: &str,
    time_ms: i64,
) -> String {
    let labels: Vec<String> = labels.into_iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{metric}{{{}}} {value} {time_ms}", labels.join(","))
}

/// Makes options of an answer: filtered and cut by the regular expression, each value once, sorted.
pub fn options_from(
    texts: impl IntoIterator<Item = String>,
    regex: &str,
    sort: i64,
) -> Result<Vec<VariableOption>, QueryError> {
    let pattern = if regex.trim().is_empty() { None } else { Some(compile(regex.trim())?) };
    // With the flag `g` every match counts, not only the first one.
    let global =
        regex.rsplit_once('/').is_some_and(|(_, flags)| regex.starts_with('/') && flags.contains('g'));
    let mut options = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut push = |text: &str, value: &str| {
        if seen.insert(value.to_owned()) {
            options.push(VariableOption { text: text.to_owned(), value: value.to_owned() });
        }
    };
    for item in texts {
        let Some(pattern) = &pattern else {
            push(&item, &item);
            continue;
        };
        let matches: Vec<regex::Captures<'_>> =
            pattern.captures_iter(&item).take(if global { usize::MAX } else { 1 }).collect();
        let named = |name: &str| {
            matches
                .iter()
                .find_map(|found| found.name(name))
                .map(|group| group.as_str())
                .filter(|text| !text.is_empty())
        };
        let has_group = pattern.captures_len() > 1;
        match (named("value"), named("text")) {
            _ if matches.is_empty() => {}
            (Some(value), text) => push(text.unwrap_or(value), value),
            (None, Some(text)) => push(text, text),
            (None, None) if has_group => {
                for group in matches.iter().map(|found| found.get(1).map_or("", |group| group.as_str())) {
                    push(group, group);
                }
            }
            (None, None) => push(&item, &item),
        }
    }
    sort_options(&mut options, sort);
    Ok(options)
}

fn compile(pattern: &str) -> Result<Regex, QueryError> {
    Pattern::new(pattern).regex().cloned().ok_or_else(|| QueryError::Regex {
        pattern: pattern.to_owned(),
        message: "it is not valid, or uses look-around or back-references".to_owned(),
    })
}

/// Sorts as the setting of the variable says: 0 not at all; 1, 2 by letters; 3, 4 by the first number; 5, 6 by letters
/// without case; 7, 8 naturally. Even ones run downwards.
pub fn sort_options(options: &mut [VariableOption], sort: i64) {
    match sort {
        1 | 2 => options.sort_by(|a, b| a.text.cmp(&b.text)),
        3 | 4 => options.sort_by_key(|option| first_number(&option.text)),
        5 | 6 => options.sort_by_key(|option| option.text.to_lowercase()),
        7 | 8 => options.sort_by(|a, b| natural(&a.text, &b.text)),
        _ => return,
    }
    if sort % 2 == 0 {
        options.reverse();
    }
}

/// The first number in a text; -1 without one.
fn first_number(text: &str) -> i64 {
    let digits: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { -1 } else { digits.parse().unwrap_or(i64::MAX) }
}

/// `pod-2` before `pod-10`, without regard to case.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.chars().next(), b.chars().next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (number_a, rest_a) = split_number(a);
                let (number_b, rest_b) = split_number(b);
                let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) => {
                let order = x.to_lowercase().cmp(y.to_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            }
        }
    }
}

/// The digits at the start without leading zeros, and what follows them.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

/// `a, b, text : value`; a comma after a backslash belongs to the value.
pub(super) fn custom_options(query: &str) -> Vec<VariableOption> {
    let mut items = vec![String::new()];
    let mut characters = query.chars().peekable();
    while let Some(character) = characters.next() {
        let last = items.len() - 1;
        match character {
            '\\' if characters.peek() == Some(&',') => {
                items[last].push(',');
                characters.next();
            }
            ',' => items.push(String::new()),
            other => items[last].push(other),
        }
    }
    items
        .iter()
        .filter(|item| !item.trim().is_empty())
        .map(|item| match item.rsplit_once(" : ") {
            // The value may be nothing, the text not.
            Some((text, value)) if !text.trim().is_empty() => {
                VariableOption { text: text.trim().to_owned(), value: value.trim().to_owned() }
            }
            _ => VariableOption { text: item.trim().to_owned(), value: item.trim().to_owned() },
        })
        .collect()
}
