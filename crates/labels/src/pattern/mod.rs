//! Regular expressions on label values: Prometheus' syntax, anchored at both ends, `.` matches newlines.

mod budget;
mod re2;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use regex::Regex;
use regex_syntax::hir::Hir;

pub use self::budget::RegexBudget;
use self::budget::{automaton_cost, reading_cost};
use self::shape::{Glob, Shape, shape_of};

/// A regular expression that cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
#[error("bad regular expression {:?}: {reason}", shortened(.pattern))]
pub struct RegexError {
    /// The expression as it was given.
    pub pattern: String,
    /// What is wrong with it, in one line of moderate length.
    pub reason: String,
    /// Whether nothing is wrong with it but its size.
    pub too_large: bool,
}

impl RegexError {
    fn new(pattern: &str, reason: &str) -> Self {
        Self { pattern: pattern.to_owned(), reason: shortened(reason), too_large: false }
    }

    fn too_large(pattern: &str, budget: &RegexBudget) -> Self {
        Self { pattern: pattern.to_owned(), reason: budget.exceeded(), too_large: true }
    }
}

/// The text, or its beginning where nobody would read the rest: an expression may be as long as a list of all pods.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

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
    /// Reads an expression, for as much as the budget allows.
    pub(crate) fn new(pattern: &str, budget: &RegexBudget) -> Result<Self, RegexError> {
        if let Some(values) = plain_alternatives(pattern) {
            return Ok(Self::OneOf(values));
        }
        let (text, parsed) = parse(pattern, budget)?;
        let shape = shape_of(&parsed, VALUES_FOR_FREE + pattern.len());
        if !budget.spend(shape.as_ref().map_or(0, Shape::text_bytes)) {
            return Err(RegexError::too_large(pattern, budget));
        }
        Ok(match shape {
            Some(Shape::OneOf(values)) => Self::OneOf(values.into()),
            Some(Shape::Globs(globs)) => Self::Globs(globs.into()),
            None => Self::Regex(build(pattern, &text, &parsed, budget)?),
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
/// When it does not compile or costs more than the budget has left.
pub fn anchored_regex(pattern: &str, budget: &RegexBudget) -> Result<Regex, RegexError> {
    let (text, parsed) = parse(pattern, budget)?;
    build(pattern, &text, &parsed, budget)
}

/// The expression in the `regex` crate's syntax, and read. Reading it alone makes sure that `a)(b` is not taken for two
/// groups once something is put around it.
fn parse(pattern: &str, budget: &RegexBudget) -> Result<(String, Hir), RegexError> {
    let text = re2::translate(pattern).map_err(|reason| RegexError::new(pattern, &reason))?;
    if !budget.spend(reading_cost(&text)) {
        return Err(RegexError::too_large(pattern, budget));
    }
    let mut parser =
        regex_syntax::ParserBuilder::new().nest_limit(DEEPEST_NEST).dot_matches_new_line(true).build();
    let parsed = parser.parse(&text).map_err(|failure| {
        let reason = match failure {
            regex_syntax::Error::Parse(failure) => failure.kind().to_string(),
            regex_syntax::Error::Translate(failure) => failure.kind().to_string(),
            other => one_line(&other.to_string()),
        };
        RegexError::new(pattern, &reason)
    })?;
    Ok((text, parsed))
}

fn build(pattern: &str, text: &str, parsed: &Hir, budget: &RegexBudget) -> Result<Regex, RegexError> {
    /// The costs are estimates: this is what no automaton exceeds, whatever was estimated.
    const SIZE_LIMIT: usize = 2 * RegexBudget::PER_QUERY;
    if !budget.spend(automaton_cost(parsed)) {
        return Err(RegexError::too_large(pattern, budget));
    }
    let anchored = format!("^(?s:{text})$");
    let built =
        regex::RegexBuilder::new(&anchored).size_limit(SIZE_LIMIT).nest_limit(DEEPEST_NEST + 1).build();
    built.map_err(|failure| match failure {
        regex::Error::CompiledTooBig(_) => RegexError::too_large(pattern, budget),
        other => RegexError::new(pattern, &one_line(&other.to_string())),
    })
}

/// The last line of a message, which is the one that says what is wrong.
fn one_line(message: &str) -> String {
    let last = message.lines().next_back().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// `a|b|c` or `(a|b|c)` without any other special character, as its distinct alternatives: what dashboards expand their
/// variables to, read without a parser.
fn plain_alternatives(pattern: &str) -> Option<Arc<[Box<str>]>> {
    let special = |c: char| "\\.+*?()[]{}^$".contains(c);
    let inside = pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(pattern);
    if inside.contains(special) {
        return None;
    }
    let mut values: Vec<Box<str>> = inside.split('|').map(Into::into).collect();
    values.sort_unstable();
    values.dedup();
    Some(values.into())
}
