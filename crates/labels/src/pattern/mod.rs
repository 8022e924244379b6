//! Regular expressions on label values: Prometheus' syntax, anchored at both ends, `.` matches newlines.

mod re2;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use regex::Regex;
use regex_syntax::hir::Hir;

use self::shape::{Glob, Shape, shape_of};

/// A regular expression that cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
#[error("bad regular expression {pattern:?}: {reason}")]
pub struct RegexError {
    /// The expression as it was given.
    pub pattern: String,
    /// What is wrong with it, in one line.
    pub reason: String,
}

/// More than any dashboard's "All" expands to; what is larger is refused instead of eating memory.
const SIZE_LIMIT: usize = 32 << 20;

/// As deep as Go lets groups be nested.
const DEEPEST_NEST: u32 = 1000;

/// A list of values is looked up rather than matched, if it is no longer than this and the expression's own text:
/// `a|b|c` may be as long as it likes, `[0-9]{9}` may not.
const VALUES_FOR_FREE: usize = 100;

/// An expression ready to be matched against whole values.
#[derive(Clone)]
pub(crate) enum Pattern {
    /// Matches these alone; sorted.
    OneOf(Arc<[Box<str>]>),
    /// Matches what any of these matches.
    Globs(Arc<[Glob]>),
    /// Everything else.
    Regex(Regex),
}

impl Pattern {
    /// Reads an expression.
    pub(crate) fn new(pattern: &str) -> Result<Self, RegexError> {
        if let Some(values) = plain_alternatives(pattern) {
            return Ok(Self::OneOf(values));
        }
        let (text, parsed) = parse(pattern)?;
        Ok(match shape_of(&parsed, VALUES_FOR_FREE + pattern.len()) {
            Some(Shape::OneOf(values)) => Self::OneOf(values.into()),
            Some(Shape::Globs(globs)) => Self::Globs(globs.into()),
            None => Self::Regex(build(pattern, &text)?),
        })
    }

    /// Whether it matches all of `value`.
    pub(crate) fn is_match(&self, value: &str) -> bool {
        match self {
            Self::OneOf(values) => values.binary_search_by(|v| (**v).cmp(value)).is_ok(),
            Self::Globs(globs) => globs.iter().any(|glob| glob.is_match(value)),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// Compiles an expression in Prometheus' syntax, anchored at both ends, for callers who want to know what its groups
/// matched.
///
/// # Errors
/// When it does not compile or is too large.
pub fn anchored_regex(pattern: &str) -> Result<Regex, RegexError> {
    build(pattern, &parse(pattern)?.0)
}

/// The expression in the `regex` crate's syntax, and read. Reading it alone makes sure that `a)(b` is not taken for two
/// groups once something is put around it.
fn parse(pattern: &str) -> Result<(String, Hir), RegexError> {
    let error = |reason| RegexError { pattern: pattern.to_owned(), reason };
    let text = re2::translate(pattern).map_err(error)?;
    let mut parser =
        regex_syntax::ParserBuilder::new().nest_limit(DEEPEST_NEST).dot_matches_new_line(true).build();
    let parsed = parser.parse(&text).map_err(|failure| {
        error(match failure {
            regex_syntax::Error::Parse(failure) => failure.kind().to_string(),
            regex_syntax::Error::Translate(failure) => failure.kind().to_string(),
            other => one_line(&other.to_string()),
        })
    })?;
    Ok((text, parsed))
}

fn build(pattern: &str, text: &str) -> Result<Regex, RegexError> {
    let anchored = format!("^(?s:{text})$");
    let built =
        regex::RegexBuilder::new(&anchored).size_limit(SIZE_LIMIT).nest_limit(DEEPEST_NEST + 1).build();
    built
        .map_err(|failure| RegexError { pattern: pattern.to_owned(), reason: one_line(&failure.to_string()) })
}

/// The last line of a message, which is the one that says what is wrong.
fn one_line(message: &str) -> String {
    let last = message.lines().next_back().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// `a|b|c` without any other special character, as its distinct alternatives: what dashboards expand their variables to,
/// read without a parser.
fn plain_alternatives(pattern: &str) -> Option<Arc<[Box<str>]>> {
    let special = |c: char| "\\.+*?()[]{}^$".contains(c);
    if pattern.contains(special) {
        return None;
    }
    let mut values: Vec<Box<str>> = pattern.split('|').map(Into::into).collect();
    values.sort_unstable();
    values.dedup();
    Some(values.into())
}
