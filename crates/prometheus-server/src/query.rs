//! Queries in typed form: what the HTTP API, `cargo xtask query`, check-dashboards and the preview all ask.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use labels::{Labels, Matcher, RegexBudget};
use promql::ast::{Expr, ExprKind, TimeModifiers};
use promql::{
    Engine, EngineOptions, Interrupt, ParseError, ParseFailure, ParseOptions, Parsing, QueryError,
    QueryOutput, RangeQuery, Stop,
};
use tsdb::{Search, Store, TimeRange};

use crate::StoreStorage;

/// Answers queries over one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct QueryService {
    store: Arc<Store>,
    engine: Engine,
    parse: ParseOptions,
    scrape_interval: Option<Duration>,
}

/// A query that was read. Keeps its text, so that remarks can name lines and columns.
#[derive(Clone, Debug)]
pub struct ParsedQuery {
    text: String,
    expr: Expr,
}

impl ParsedQuery {
    /// Its tree.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

/// Why a query has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryFailure {
    /// The text is no query. Prints as Prometheus says it: `1:5: parse error: …`.
    #[error("{}: parse error: {}", position(.query, .error.span.start), .error.message)]
    Parse {
        /// The text, for messages that point into it.
        query: String,
        /// What is wrong with it and where.
        error: ParseError,
    },
    /// The query was understood but has no value.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Which series or labels are asked for.
#[derive(Clone, Debug, Default)]
pub struct Browse {
    /// A series has to satisfy all matchers of one of these sets; without a set every series does.
    pub selectors: Vec<Vec<Matcher>>,
    /// Only series that lived at some time from here on, milliseconds since the epoch.
    pub start_ms: Option<i64>,
    /// Only series that lived at some time up to here.
    pub end_ms: Option<i64>,
    /// No more results than this.
    pub limit: Option<usize>,
}

/// What was found, perhaps cut at the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The results, ascending.
    pub items: Vec<T>,
    /// Whether there were more than the limit allows.
    pub truncated: bool,
}

/// For queries that nobody interrupts.
pub fn never() -> Option<Stop> {
    None
}

impl QueryService {
    /// A service over `store` with the engine's and the parser's settings.
    pub fn new(store: Arc<Store>, engine: EngineOptions, parse: ParseOptions) -> Self {
        Self { store, engine: Engine::new(engine), parse, scrape_interval: None }
    }

    /// The same service, which knows how far apart the samples of a series are: for [hints](crate::hints).
    #[must_use]
    pub fn with_scrape_interval(&self, interval: Duration) -> Self {
        Self { scrape_interval: Some(interval), ..self.clone() }
    }

    /// How far apart the samples of a series are, where that is known.
    pub fn scrape_interval(&self) -> Option<Duration> {
        self.scrape_interval
    }

    /// The store that it reads.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The engine's settings.
    pub fn engine_options(&self) -> &EngineOptions {
        self.engine.options()
    }

    /// The same service with another look-back, as the API's `lookback_delta` asks for it.
    #[must_use]
    pub fn with_lookback(&self, lookback: Duration) -> Self {
        let options = EngineOptions { lookback, ..self.engine.options().clone() };
        Self { engine: Engine::new(options), ..self.clone() }
    }

    /// Reads a query without evaluating it.
    ///
    /// # Errors
    /// When it is no query.
    pub fn parse(&self, query: &str) -> Result<ParsedQuery, QueryFailure> {
        self.parse_until(query, &never)
    }

    /// As [`QueryService::parse`], for queries from outside, which may take their time: large regular expressions do.
    ///
    /// # Errors
    /// When it is no query, or when interrupted.
    pub fn parse_until(&self, query: &str, interrupt: Interrupt<'_>) -> Result<ParsedQuery, QueryFailure> {
        let expr = self.read(query, interrupt, &RegexBudget::default())?;
        Ok(ParsedQuery { text: query.to_owned(), expr })
    }

    fn read(
        &self,
        query: &str,
        interrupt: Interrupt<'_>,
        regexes: &RegexBudget,
    ) -> Result<Expr, QueryFailure> {
        let parsing = Parsing { options: self.parse, interrupt, regexes };
        parsing.parse(query).map_err(|failure| match failure {
            ParseFailure::Error(error) => QueryFailure::Parse { query: query.to_owned(), error },
            ParseFailure::Stopped(stop) => QueryFailure::Query(stopped(stop)),
        })
    }

    /// The query's value at one instant.
    ///
    /// # Errors
    /// When the text is no query, or the query has no value.
    pub fn instant(
        &self,
        query: &str,
        at_ms: i64,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryFailure> {
        self.instant_of(&self.parse_until(query, interrupt)?, at_ms, interrupt)
    }

    /// As [`QueryService::instant`], for a query that has been read.
    ///
    /// # Errors
    /// When the query has no value.
    pub fn instant_of(
        &self,
        query: &ParsedQuery,
        at_ms: i64,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryFailure> {
        let storage = StoreStorage::new(Arc::clone(&self.store));
        Ok(self.engine.with_text(&query.text).instant(&storage, &query.expr, at_ms, interrupt)?)
    }

    /// The query's values at each step of `range`; always a matrix.
    ///
    /// # Errors
    /// When the text is no query, is neither a scalar nor an instant vector, or has no value.
    pub fn range(
        &self,
        query: &str,
        range: RangeQuery,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryFailure> {
        self.range_of(&self.parse_until(query, interrupt)?, range, interrupt)
    }

    /// As [`QueryService::range`], for a query that has been read.
    ///
    /// # Errors
    /// When the query is neither a scalar nor an instant vector, or has no value.
    pub fn range_of(
        &self,
        query: &ParsedQuery,
        range: RangeQuery,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryOutput, QueryFailure> {
        let storage = StoreStorage::new(Arc::clone(&self.store));
        Ok(self.engine.with_text(&query.text).range(&storage, &query.expr, range, interrupt)?)
    }

    /// Reads a series selector such as `up{job="node"}`, as `match[]` takes it. It may select everything (`{}`): whoever
    /// does not want that checks with [`Matcher::matches_empty`].
    ///
    /// # Errors
    /// When it is something else.
    pub fn selector(&self, text: &str) -> Result<Vec<Matcher>, QueryFailure> {
        self.selector_until(text, &never, &RegexBudget::default())
    }

    /// As [`QueryService::selector`], for the selectors of one request, whose regular expressions share a budget.
    ///
    /// # Errors
    /// When it is something else, or when interrupted.
    pub fn selector_until(
        &self,
        text: &str,
        interrupt: Interrupt<'_>,
        regexes: &RegexBudget,
    ) -> Result<Vec<Matcher>, QueryFailure> {
        let expr = self.read(text, interrupt, regexes)?;
        let message = match expr.kind {
            ExprKind::Vector(selector) if selector.modifiers == TimeModifiers::default() => {
                return Ok(selector.matchers.into_iter().map(|matcher| matcher.matcher).collect());
            }
            ExprKind::Vector(_) => "a series selector takes no modifiers",
            _ => "expected a series selector",
        };
        let error = ParseError { message: message.to_owned(), span: expr.span, hint: None };
        Err(QueryFailure::Parse { query: text.to_owned(), error })
    }

    /// The series that `browse` asks for. Gives up when `interrupt` says so.
    ///
    /// # Errors
    /// When interrupted.
    pub fn series(&self, browse: &Browse, interrupt: Interrupt<'_>) -> Result<Found<Labels>, QueryError> {
        let patience = Patience::new(interrupt);
        let give_up = || patience.is_over();
        let mut merged = BTreeSet::new();
        let mut items = Vec::new();
        // One more than the limit is looked for, to know whether the limit cut something off.
        let enough = browse.limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
        let selectors = browse.selectors_or_all();
        for matchers in &selectors {
            let mut found = 0_usize;
            self.store.search(&give_up).series(matchers, browse.range(), &mut |labels| {
                found += 1;
                if selectors.len() == 1 {
                    items.push(labels.clone());
                } else {
                    merged.insert(labels.clone());
                }
                if found >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            patience.check()?;
        }
        items.extend(merged);
        Ok(Found::cut(items, browse.limit))
    }

    /// The names of the labels that the series of `browse` have.
    pub fn label_names(&self, browse: &Browse) -> Found<Arc<str>> {
        uninterrupted(self.label_names_until(browse, &never))
    }

    /// The values of the label `name` on the series of `browse`.
    pub fn label_values(&self, name: &str, browse: &Browse) -> Found<Arc<str>> {
        uninterrupted(self.label_values_until(name, browse, &never))
    }

    /// As [`QueryService::label_names`], for somebody who may lose interest.
    ///
    /// # Errors
    /// When interrupted.
    pub fn label_names_until(
        &self,
        browse: &Browse,
        interrupt: Interrupt<'_>,
    ) -> Result<Found<Arc<str>>, QueryError> {
        self.merge(browse, interrupt, |search, matchers| search.label_names(matchers, browse.range()))
    }

    /// As [`QueryService::label_values`], for somebody who may lose interest.
    ///
    /// # Errors
    /// When interrupted.
    pub fn label_values_until(
        &self,
        name: &str,
        browse: &Browse,
        interrupt: Interrupt<'_>,
    ) -> Result<Found<Arc<str>>, QueryError> {
        self.merge(browse, interrupt, |search, matchers| search.label_values(name, matchers, browse.range()))
    }

    fn merge(
        &self,
        browse: &Browse,
        interrupt: Interrupt<'_>,
        find: impl Fn(Search<'_>, &[Matcher]) -> Vec<Arc<str>>,
    ) -> Result<Found<Arc<str>>, QueryError> {
        let patience = Patience::new(interrupt);
        let give_up = || patience.is_over();
        let search = self.store.search(&give_up);
        let items = match browse.selectors.as_slice() {
            [] => find(search, &[]),
            [only] => find(search, only),
            several => {
                let mut merged = BTreeSet::new();
                for matchers in several {
                    merged.extend(find(search, matchers));
                    patience.check()?;
                }
                merged.into_iter().collect()
            }
        };
        patience.check()?;
        Ok(Found::cut(items, browse.limit))
    }
}

/// Remembers why somebody lost interest, for reads that only know whether.
struct Patience<'a> {
    interrupt: Interrupt<'a>,
    stopped: Cell<Option<Stop>>,
}

impl<'a> Patience<'a> {
    fn new(interrupt: Interrupt<'a>) -> Self {
        Self { interrupt, stopped: Cell::new(None) }
    }

    fn is_over(&self) -> bool {
        if self.stopped.get().is_none() {
            self.stopped.set((self.interrupt)());
        }
        self.stopped.get().is_some()
    }

    /// Fails if it was over before.
    fn check(&self) -> Result<(), QueryError> {
        self.stopped.get().map_or(Ok(()), |stop| Err(stopped(stop)))
    }
}

/// What nobody interrupts is never without a result.
fn uninterrupted<T>(found: Result<Found<T>, QueryError>) -> Found<T> {
    found.unwrap_or(Found { items: Vec::new(), truncated: false })
}

fn stopped(stop: Stop) -> QueryError {
    match stop {
        Stop::Timeout => QueryError::Timeout,
        Stop::Canceled => QueryError::Canceled,
    }
}

impl Browse {
    fn range(&self) -> TimeRange {
        TimeRange { start_ms: self.start_ms.unwrap_or(i64::MIN), end_ms: self.end_ms.unwrap_or(i64::MAX) }
    }

    fn selectors_or_all(&self) -> Vec<&[Matcher]> {
        if self.selectors.is_empty() { vec![&[]] } else { self.selectors.iter().map(Vec::as_slice).collect() }
    }
}

impl<T> Found<T> {
    fn cut(mut items: Vec<T>, limit: Option<usize>) -> Self {
        let truncated = limit.is_some_and(|limit| items.len() > limit);
        if let Some(limit) = limit {
            items.truncate(limit);
        }
        Self { items, truncated }
    }
}

/// `line:column` of a byte of the query, counted from 1 and in bytes, as Prometheus counts.
fn position(query: &str, byte: usize) -> String {
    if query.is_empty() {
        return "unknown position".to_owned();
    }
    let before = &query.as_bytes()[..byte.min(query.len())];
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
    format!("{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_bytes_from_one() {
        for (query, byte, expected) in [
            ("", 0, "unknown position"),
            ("sum(", 0, "1:1"),
            ("sum(", 4, "1:5"),
            ("sum(", 99, "1:5"),
            ("a\n+\n b", 5, "3:2"),
            ("é+", 2, "1:3"),
        ] {
            assert_eq!(position(query, byte), expected, "{query:?} {byte}");
        }
    }
}
