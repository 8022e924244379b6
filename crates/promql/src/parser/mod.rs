//! Text to tree.
//!
//! ```text
//! text ──lexer──► tokens ──cursor, expression, selector, duration──► Expr ──check──► Expr with consistent types
//! ```
//!
//! The grammar is that of Prometheus 3.14, with equal trees. Where the two differ on purpose:
//!
//! - Strings are UTF-8 text; escapes that name other bytes are refused here, by Prometheus where the text is used.
//! - The matcher of a name that is quoted in braces comes first, wherever it was written.
//! - `x[step():]` is accepted: Prometheus' lexer wants a literal somewhere before the colon.
//! - `offset NaN` and a second `offset` behind `offset 0` are refused.
//! - Nesting has a limit, and so has the length of a query.

mod check;
mod cursor;
mod duration;
mod expression;
mod hints;
mod lexer;
pub(crate) mod literals;
mod selector;
mod token;

use labels::RegexBudget;

use crate::ast::{Expr, Span};
use crate::engine::{Interrupt, Stop};

/// What the parser accepts beyond stable PromQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Experimental functions, aggregations and modifiers, as Prometheus has them behind a flag.
    pub experimental: bool,
}

/// Longer queries are refused. An "All" of ten thousand pods takes half a megabyte.
const MAX_BYTES: usize = 4 << 20;

/// Why a query cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong and what was expected, in one line.
    pub message: String,
    /// The guilty part of the text.
    pub span: Span,
    /// What to do about it, where a usual slip was recognised.
    pub hint: Option<String>,
}

/// What a rule of the grammar gives. Boxed, because the error is much larger than what is passed around otherwise.
type Parsed<T> = Result<T, Box<ParseError>>;

fn error(message: impl Into<String>, span: Span, hint: Option<String>) -> Box<ParseError> {
    Box::new(ParseError { message: message.into(), span, hint })
}

/// Why reading a query ended without one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ParseFailure {
    /// The text is no query.
    #[error(transparent)]
    Error(#[from] ParseError),
    /// The caller wanted no more of it.
    #[error("reading the query was stopped")]
    Stopped(Stop),
}

/// How a query is read that comes from somebody else: its regular expressions may be costly.
#[derive(Clone, Copy)]
pub struct Parsing<'a> {
    /// What is accepted.
    pub options: ParseOptions,
    /// Asked before each regular expression.
    pub interrupt: Interrupt<'a>,
    /// What the regular expressions may cost; several texts may share it.
    pub regexes: &'a RegexBudget,
}

impl Parsing<'_> {
    /// Parses and type-checks a query.
    ///
    /// # Errors
    /// With the place, for text that Prometheus would refuse; when interrupted.
    pub fn parse(&self, query: &str) -> Result<Expr, ParseFailure> {
        if query.len() > MAX_BYTES {
            let length = query.len();
            let message =
                format!("the query is {length} bytes long; the most that is read is {MAX_BYTES} bytes");
            let span = Span { start: 0, end: length };
            return Err(ParseError { message, span, hint: None }.into());
        }
        let mut cursor = cursor::Cursor::new(query, self);
        let parsed = cursor.query();
        if let Some(stop) = cursor.stopped {
            return Err(ParseFailure::Stopped(stop));
        }
        let expr = parsed.map_err(|error| *error)?;
        check::expression(&expr, query).map_err(|error| *error)?;
        Ok(expr)
    }
}

/// Parses and type-checks a query.
///
/// # Errors
/// With the place, for text that Prometheus would refuse.
pub fn parse(query: &str, options: ParseOptions) -> Result<Expr, ParseError> {
    let parsing = Parsing { options, interrupt: &|| None, regexes: &RegexBudget::default() };
    parsing.parse(query).map_err(|failure| match failure {
        ParseFailure::Error(error) => error,
        // Nobody interrupts it.
        ParseFailure::Stopped(_) => *error("stopped", Span::default(), None),
    })
}

/// Whether a metric of this name can be written without quotes and braces.
pub(crate) fn is_bare_metric_name(name: &str) -> bool {
    labels::is_classic_metric_name(name)
        && !name.eq_ignore_ascii_case("inf")
        && !name.eq_ignore_ascii_case("nan")
        && token::Keyword::from_text(name).is_none_or(token::Keyword::may_name_a_metric)
}

/// Whether a label of this name can be written without quotes in `by (…)` and the like.
pub(crate) fn is_bare_label_name(name: &str) -> bool {
    labels::is_classic_label_name(name)
        && !name.eq_ignore_ascii_case("inf")
        && !name.eq_ignore_ascii_case("nan")
        && token::Keyword::from_text(name).is_none_or(token::Keyword::may_name_a_label)
}
