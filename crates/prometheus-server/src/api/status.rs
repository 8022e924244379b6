//! What the server says about itself, and what it does not have.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use promql::Annotations;
use tsdb::Count;

use super::error::ApiError;
use super::params::{Params, parse_integer};
use super::respond::{self, array, object};
use super::run::run;
use super::state::ApiState;
use crate::json::{self, Escape};
use crate::time::rfc3339;

/// Answers that never change: nothing is scraped here, there are no rules, no alerts, no write-ahead log. Grafana asks
/// for most of them to find out what it talks to.
const EMPTY: [(&str, &str); 9] = [
    ("/alerts", r#"{"alerts":[]}"#),
    ("/alertmanagers", r#"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#),
    ("/targets", r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}"#),
    ("/targets/metadata", "[]"),
    ("/scrape_pools", r#"{"scrapePools":[]}"#),
    ("/status/tsdb/blocks", r#"{"blocks":[]}"#),
    ("/status/walreplay", r#"{"min":0,"max":0,"current":0}"#),
    ("/notifications", "[]"),
    ("/features", "{}"),
];

pub(super) fn routes() -> Router<ApiState> {
    let routes = Router::new()
        .route("/rules", get(rules))
        .route("/status/buildinfo", get(build_info))
        .route("/status/config", get(config))
        .route("/status/flags", get(flags))
        .route("/status/runtimeinfo", get(runtime_info))
        .route("/status/tsdb", get(tsdb));
    EMPTY.into_iter().fold(routes, |routes, (path, data)| {
        routes.route(path, get(move || async move { answer(|out| out.extend_from_slice(data.as_bytes())) }))
    })
}

fn answer(data: impl FnOnce(&mut Vec<u8>)) -> Response {
    respond::json_response(StatusCode::OK, respond::success(&Annotations::default(), data))
}

/// There are none, but a wrong request is still told.
async fn rules(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let (service, selectors) = (state.query().clone(), params.selectors());
    run(&state, None, move |interrupt| selectors.read(&service, interrupt, ApiError::bad_data).map(|_| ()))
        .await?;
    let kind = params.get("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(ApiError::parameter("type", format_args!("not supported value \"{kind}\"")));
    }
    Ok(answer(|out| out.extend_from_slice(br#"{"groups":[]}"#)))
}

async fn build_info(State(state): State<ApiState>) -> Response {
    let build = &state.options().build;
    answer(|out| {
        let fields = [
            ("version", &build.version),
            ("revision", &build.revision),
            ("branch", &build.branch),
            ("buildUser", &build.build_user),
            ("buildDate", &build.build_date),
            ("goVersion", &build.compiler),
        ];
        object(out, fields.map(|(name, value)| (name, value.as_str())));
    })
}

async fn config(State(state): State<ApiState>) -> Response {
    answer(|out| object(out, [("yaml", state.options().config_yaml.as_str())]))
}

async fn flags(State(state): State<ApiState>) -> Response {
    let flags = state.options().flags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    answer(|out| object(out, flags))
}

/// In Prometheus' fields; those about its process and Go's runtime have no meaning here and are empty.
async fn runtime_info(State(state): State<ApiState>) -> Response {
    let options = state.options();
    let started = rfc3339(options.started_ms);
    let now = rfc3339(state.now_ms());
    answer(|out| {
        out.push(b'{');
        for (name, value) in [("startTime", &*started), ("CWD", ""), ("hostname", ""), ("serverTime", &now)] {
            field(out, name);
            json::string(out, value, Escape::Html);
            out.push(b',');
        }
        out.extend_from_slice(br#""reloadConfigSuccess":true,"lastConfigTime":"#);
        json::string(out, &started, Escape::Html);
        out.extend_from_slice(
            br#","corruptionCount":0,"goroutineCount":0,"GOMAXPROCS":0,"GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","#,
        );
        field(out, "storageRetention");
        json::string(out, &options.storage_retention, Escape::Html);
        out.push(b'}');
    })
}

fn field(out: &mut Vec<u8>, name: &str) {
    json::string(out, name, Escape::Html);
    out.push(b':');
}

async fn tsdb(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    const MAX_LIMIT: i64 = 10_000;
    let limit = match params.get("limit") {
        "" => 10,
        text => match parse_integer(text) {
            Ok(limit) if limit > MAX_LIMIT => {
                return Err(ApiError::bad_data(format!("limit must not exceed {MAX_LIMIT}")));
            }
            Ok(limit @ 1..) => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => return Err(ApiError::bad_data("limit must be a positive number")),
        },
    };
    let service = state.query().clone();
    let body = run(&state, None, move |_| {
        let stats = service.store().stats();
        let cardinality = service.store().cardinality(limit);
        Ok(respond::success(&Annotations::default(), |out| {
            out.extend_from_slice(br#"{"headStats":{"#);
            for (name, value) in [
                ("numSeries", stats.series as i64),
                ("numLabelPairs", stats.label_pairs as i64),
                ("chunkCount", stats.chunks as i64),
                // What an empty head of Prometheus says.
                ("minTime", stats.horizon_ms.unwrap_or(i64::MAX)),
            ] {
                field(out, name);
                signed(out, value);
                out.push(b',');
            }
            field(out, "maxTime");
            signed(out, stats.newest_ms.unwrap_or(i64::MIN));
            out.push(b'}');
            for (name, counts) in [
                ("seriesCountByMetricName", &cardinality.series_by_metric_name),
                ("labelValueCountByLabelName", &cardinality.values_by_label_name),
                ("memoryInBytesByLabelName", &cardinality.bytes_by_label_name),
                ("seriesCountByLabelValuePair", &cardinality.series_by_label_pair),
            ] {
                out.push(b',');
                field(out, name);
                array(out, counts, named_count);
            }
            out.push(b'}');
        }))
    })
    .await?;
    Ok(respond::json_response(StatusCode::OK, body))
}

fn named_count(out: &mut Vec<u8>, count: &Count) {
    out.extend_from_slice(br#"{"name":"#);
    json::string(out, &count.name, Escape::Html);
    out.extend_from_slice(br#","value":"#);
    json::integer(out, count.value as u64);
    out.push(b'}');
}

fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    json::integer(out, value.unsigned_abs());
}
