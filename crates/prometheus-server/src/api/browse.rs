//! `series`, `labels`, `label/…/values` and `metadata`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use promql::{Annotations, Interrupt, QueryError};

use super::error::ApiError;
use super::params::{Params, parse_integer};
use super::queries::TRUNCATED;
use super::respond;
use super::run::run;
use super::state::ApiState;
use crate::json::{self, Escape};
use crate::time::RequestTime;
use crate::{Browse, Found, QueryService};

pub(super) async fn series(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    if params.selectors().is_empty() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let (browse, selectors) = (browse_of(&params)?, params.selectors());
    let service = state.query().clone();
    let body = run(&state, None, move |interrupt| {
        let wrap = |reason| ApiError::parameter("match[]", reason);
        let selectors = selectors.read(&service, interrupt, wrap)?;
        let browse = Browse { selectors, ..browse };
        let found = service.series(&browse, interrupt)?;
        Ok(list(&found, respond::label_set))
    })
    .await?;
    Ok(respond::json_response(StatusCode::OK, body))
}

pub(super) async fn label_names(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    texts(&state, &params, |service, browse, interrupt| service.label_names_until(browse, interrupt)).await
}

pub(super) async fn label_values(
    State(state): State<ApiState>,
    name: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Response, ApiError> {
    // What is no UTF-8 after decoding is no label name.
    let Path(name) = name.map_err(|_| ApiError::bad_data("invalid label name: it is not UTF-8"))?;
    let name = unescape_name(name);
    if name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: \"\""));
    }
    let find = move |service: &QueryService, browse: &Browse, interrupt: Interrupt<'_>| {
        service.label_values_until(&name, browse, interrupt)
    };
    texts(&state, &params, find).await
}

async fn texts<F>(state: &ApiState, params: &Params, find: F) -> Result<Response, ApiError>
where
    F: FnOnce(&QueryService, &Browse, Interrupt<'_>) -> Result<Found<Arc<str>>, QueryError> + Send + 'static,
{
    let (browse, selectors) = (browse_of(params)?, params.selectors());
    let service = state.query().clone();
    let body = run(state, None, move |interrupt| {
        let selectors = selectors.read(&service, interrupt, ApiError::bad_data)?;
        let found = find(&service, &Browse { selectors, ..browse }, interrupt)?;
        Ok(list(&found, |out, text: &Arc<str>| json::string(out, text, Escape::Html)))
    })
    .await?;
    Ok(respond::json_response(StatusCode::OK, body))
}

fn browse_of(params: &Params) -> Result<Browse, ApiError> {
    Ok(Browse {
        limit: params.limit()?,
        start_ms: params.optional_time("start")?.map(RequestTime::milliseconds),
        end_ms: params.optional_time("end")?.map(RequestTime::milliseconds),
        selectors: Vec::new(),
    })
}

fn list<T>(found: &Found<T>, write: impl FnMut(&mut Vec<u8>, &T)) -> Vec<u8> {
    let warnings = found.truncated.then(|| TRUNCATED.to_owned()).into_iter().collect();
    let annotations = Annotations { warnings, infos: Vec::new() };
    respond::success(&annotations, |out| respond::array(out, &found.items, write))
}

/// Label names outside the classic alphabet may come escaped in a path: `U__my_2e_label` is `my.label`. What is not
/// escaped in this way stays as it is.
fn unescape_name(name: String) -> String {
    fn unescaped(escaped: &str) -> Option<String> {
        let mut name = String::with_capacity(escaped.len());
        let mut rest = escaped;
        while let Some((plain, after)) = rest.split_once('_') {
            name.push_str(plain);
            if let Some(after) = after.strip_prefix('_') {
                name.push('_');
                rest = after;
            } else {
                let (code, after) = after.split_once('_')?;
                if code.is_empty() || code.len() > 6 {
                    return None;
                }
                name.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                rest = after;
            }
        }
        name.push_str(rest);
        Some(name)
    }
    name.strip_prefix("U__").and_then(unescaped).unwrap_or(name)
}

pub(super) async fn metadata(State(state): State<ApiState>, params: Params) -> Result<Response, ApiError> {
    let limit = count(&params, "limit")?;
    // Checked as Prometheus checks it; a metric has one description here, so that it never cuts.
    count(&params, "limit_per_metric")?;
    let wanted = params.get("metric");
    let metadata = state.options().metadata.iter().filter(|(name, _)| wanted.is_empty() || wanted == *name);
    let shown = match limit {
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let body = respond::success(&Annotations::default(), |out| {
        out.push(b'{');
        for (at, (name, metric)) in metadata.take(shown).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json::string(out, name, Escape::Html);
            out.extend_from_slice(b":[");
            let fields = [("type", metric.kind), ("unit", &metric.unit), ("help", &metric.help)];
            respond::object(out, fields);
            out.push(b']');
        }
        out.push(b'}');
    });
    Ok(respond::json_response(StatusCode::OK, body))
}

/// A limit of `metadata`: negative means none.
fn count(params: &Params, name: &str) -> Result<Option<i64>, ApiError> {
    match params.get(name) {
        "" => Ok(None),
        text => match parse_integer(text) {
            Ok(limit) => Ok((limit >= 0).then_some(limit)),
            Err(_) => Err(ApiError::bad_data(format!("{name} must be a number"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_are_unescaped_where_they_are_escaped() {
        for (name, expected) in [
            ("job", "job"),
            ("k8s_pod_name", "k8s_pod_name"),
            ("U__my_2e_label", "my.label"),
            ("U__a__b", "a_b"),
            ("U__caf_e9_", "café"),
            ("U__broken_2e", "U__broken_2e"),
            ("U__broken_zz_", "U__broken_zz_"),
            ("U__", ""),
        ] {
            assert_eq!(unescape_name(name.to_owned()), expected);
        }
    }
}
