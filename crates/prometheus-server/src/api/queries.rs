//! `query`, `query_range`, `query_exemplars` and `format_query`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use labels::Quoted;
use promql::ast::{Expr, ExprKind, ValueType};
use promql::{Annotations, QueryOutput, RangeQuery, Value};

use super::error::ApiError;
use super::params::Params;
use super::pretty::pretty;
use super::respond::{self, Stats};
use super::run::run;
use super::state::ApiState;
use crate::json::{self, Escape};
use crate::time::{RequestTime, parse_duration};
use crate::{QueryFailure, QueryService};

/// What `query` and `query_range` have in common.
struct Request {
    query: String,
    limit: Option<usize>,
    timeout: Option<Duration>,
    service: QueryService,
    stats: String,
    received_ms: i64,
}

/// When a query is evaluated.
#[derive(Clone, Copy)]
enum When {
    Instant(i64),
    Range(RangeQuery),
}

pub(super) async fn instant(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let now = state.now_ms();
    let at = params.optional_time("time")?.map_or(now, RequestTime::instant_ms);
    let request = Request::new(&state, &params, limit, now)?;
    request.answer(&state, When::Instant(at)).await
}

pub(super) async fn range(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let range = range_of(&params)?;
    let request = Request::new(&state, &params, limit, state.now_ms())?;
    request.answer(&state, When::Range(range)).await
}

fn range_of(params: &Params) -> Result<RangeQuery, ApiError> {
    /// Enough for 60 s over a week or 1 h over a year.
    const MAX_POINTS: i64 = 11_000;
    let start = params.time("start")?;
    let end = params.time("end")?;
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = params.duration("step")?;
    if step_ms <= 0 {
        let reason = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(ApiError::parameter("step", reason));
    }
    if end.milliseconds_since(start) / step_ms > MAX_POINTS {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. \
             Try decreasing the query resolution (?step=XX)",
        ));
    }
    // The end may lie before the start now, where it is too far away: then there are no steps.
    Ok(RangeQuery { start_ms: start.instant_ms(), end_ms: end.instant_ms(), step_ms })
}

impl Request {
    fn new(
        state: &ApiState,
        params: &Params,
        limit: Option<usize>,
        received_ms: i64,
    ) -> Result<Self, ApiError> {
        let timeout = params.timeout()?;
        let service = match params.get("lookback_delta") {
            "" => state.query().clone(),
            text => {
                let milliseconds = parse_duration(text).map_err(|reason| {
                    ApiError::bad_data(format!("error parsing lookback delta duration: {reason}"))
                })?;
                // Prometheus takes zero and less for "not given".
                match u64::try_from(milliseconds) {
                    Ok(milliseconds @ 1..) => {
                        state.query().with_lookback(Duration::from_millis(milliseconds))
                    }
                    _ => state.query().clone(),
                }
            }
        };
        Ok(Self {
            query: params.get("query").to_owned(),
            limit,
            timeout,
            service,
            stats: params.get("stats").to_owned(),
            received_ms,
        })
    }

    async fn answer(self, state: &ApiState, when: When) -> Result<Response, ApiError> {
        let timeout = self.timeout;
        let clock = state.clone();
        let body = run(state, timeout, move |interrupt| {
            let began_ms = clock.now_ms();
            let query = self.service.parse_until(&self.query, interrupt)?;
            let kind = query.expr().value_type();
            if matches!(when, When::Range(_)) && !matches!(kind, ValueType::Scalar | ValueType::Vector) {
                let reason = format!(
                    "invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
                );
                return Err(ApiError::parameter("query", reason));
            }
            let (mut output, at_ms) = match when {
                When::Instant(at) => (self.service.instant_of(&query, at, interrupt)?, at),
                When::Range(range) => (self.service.range_of(&query, range, interrupt)?, range.start_ms),
            };
            let stats = Stats {
                queued_ms: began_ms - self.received_ms,
                evaluated_ms: clock.now_ms() - began_ms,
                samples_read: output.samples_read,
            };
            let mut annotations = std::mem::take(&mut output.annotations);
            if truncate(&mut output, self.limit) {
                annotations.warnings.push(TRUNCATED.to_owned());
            }
            annotations.warnings.extend(stats_warning(&self.stats));
            let stats = (!self.stats.is_empty()).then_some(&stats);
            Ok(respond::success(&annotations, |out| respond::query_value(out, &output, at_ms, stats)))
        })
        .await?;
        Ok(respond::json_response(StatusCode::OK, body))
    }
}

/// What Prometheus says when `limit` cut something off.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

fn truncate(output: &mut QueryOutput, limit: Option<usize>) -> bool {
    let Some(limit) = limit else { return false };
    let before = match &mut output.value {
        Value::Scalar(_) | Value::String(_) => return false,
        Value::Vector(samples) => {
            let before = samples.len();
            samples.truncate(limit);
            before
        }
        Value::Matrix(series) => {
            let before = series.len();
            series.truncate(limit);
            before
        }
    };
    before > limit
}

/// Any text switches statistics on, but only two are meant to.
fn stats_warning(value: &str) -> Option<String> {
    (!matches!(value, "" | "true" | "all")).then(|| {
        format!(
            "value {} for parameter \"stats\" is deprecated and will be rejected in the next major release, \
             use \"true\" or \"all\"",
            Quoted(value)
        )
    })
}

pub(super) async fn format(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let (service, query) = (state.query().clone(), params.get("query").to_owned());
    let body = run(&state, None, move |interrupt| {
        let text = pretty(service.parse_until(&query, interrupt)?.expr());
        Ok(respond::success(&Annotations::default(), |out| json::string(out, &text, Escape::Html)))
    })
    .await?;
    Ok(respond::json_response(StatusCode::OK, body))
}

/// There are no exemplars; the request is still checked as Prometheus checks it.
pub(super) async fn exemplars(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let start = params.optional_time("start")?.unwrap_or(RequestTime::MIN);
    let end = params.optional_time("end")?.unwrap_or(RequestTime::MAX);
    if end < start {
        return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
    }
    let (service, query) = (state.query().clone(), params.get("query").to_owned());
    let selects = run(&state, None, move |interrupt| match service.parse_until(&query, interrupt) {
        Ok(query) => Ok(selects(query.expr())),
        Err(QueryFailure::Query(error)) => Err(error.into()),
        Err(failure) => Err(ApiError::bad_data(failure.to_string())),
    })
    .await?;
    if !selects {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let body = respond::success(&Annotations::default(), |out| out.extend_from_slice(b"[]"));
    Ok(respond::json_response(StatusCode::OK, body))
}

/// Whether the query reads any series.
fn selects(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => false,
        ExprKind::Vector(_) | ExprKind::Matrix(_) => true,
        ExprKind::Subquery(subquery) => selects(&subquery.expr),
        ExprKind::Unary(unary) => selects(&unary.operand),
        ExprKind::Paren(inner) => selects(inner),
        ExprKind::Binary(binary) => selects(&binary.left) || selects(&binary.right),
        ExprKind::Aggregate(aggregate) => {
            selects(&aggregate.expr) || aggregate.parameter.as_ref().is_some_and(selects)
        }
        ExprKind::Call(call) => call.arguments.iter().any(selects),
    }
}
