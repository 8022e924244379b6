//! Whatever is asked, the API answers: no request makes it panic, and every answer of `/api/v1` is JSON.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;

use support::{api, send};

const PATHS: &[&str] = &[
    "query",
    "query_range",
    "query_exemplars",
    "format_query",
    "series",
    "labels",
    "label/job/values",
    "metadata",
    "rules",
    "status/tsdb",
    "status/flags",
    "targets",
    "nothing",
];
const NAMES: &[&str] = &[
    "query",
    "time",
    "start",
    "end",
    "step",
    "timeout",
    "limit",
    "lookback_delta",
    "stats",
    "match[]",
    "metric",
    "type",
];
const VALUES: &[&str] = &[
    "up",
    "rate(requests_total[5m])",
    "up{",
    "sum(",
    "1e400",
    "NaN",
    "-1",
    "0",
    "1435781400",
    "1435782000.5",
    "15s",
    "1y1y",
    "9223372036854775807",
    "-9223372036854775808",
    "2015-07-01T20:10:30Z",
    "-292273086-05-16T16:47:06Z",
    "",
    "{}",
    "true",
    "number",
    "\u{0}",
    "é",
    "0.0001",
    "1ms",
    "up[5m:1s]",
    "99999999999999999999",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(VALUES).prop_map(str::to_owned), 1 => any::<String>(), 1 => "[ -~]{0,20}"]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![9 => prop::sample::select(NAMES).prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec((name, text()), 0..6)
}

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

struct Fixture {
    runtime: Runtime,
    api: Router,
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { runtime, api: api() }
    }

    /// Sends a request and checks what holds for every answer.
    fn check(&self, request: Request<Body>) -> Result<(), TestCaseError> {
        let description = format!("{request:?}");
        let answer = self.runtime.block_on(send(&self.api, request));
        prop_assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", description);
        if answer.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
            let value: Value =
                serde_json::from_slice(&answer.body).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let expected = if answer.status.is_success() { "success" } else { "error" };
            prop_assert_eq!(&value["status"], expected, "{}", description);
        }
        Ok(())
    }
}

#[test]
fn no_parameters_break_the_api() {
    let fixture = Fixture::new();
    let parameters = (prop::sample::select(PATHS), pairs(), pairs(), any::<bool>());
    proptest!(ProptestConfig::with_cases(1500), |((path, in_query, in_form, form) in parameters)| {
        let uri = format!("/api/v1/{path}?{}", encoded(&in_query));
        let request = if form {
            Request::post(uri)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
                .body(Body::from(encoded(&in_form)))
        } else {
            Request::get(uri).body(Body::empty())
        };
        fixture.check(request.unwrap())?;
    });
}

#[test]
fn no_bytes_break_the_api() {
    let fixture = Fixture::new();
    let methods =
        prop::sample::select(vec![Method::GET, Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT]);
    // What hyper lets through of a path and a query.
    let target = "/?(api/v1/|label/|-/)?[!-~&&[^#?]]{0,30}(\\?[!-~&&[^#]]{0,60})?";
    let kind = prop_oneof!["application/x-www-form-urlencoded", "[ -~]{0,20}"];
    proptest!(|(method in methods, target in target, kind in kind, body in any::<Vec<u8>>())| {
        let request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, kind).body(Body::from(body));
        // What http refuses never reaches a server.
        if let Ok(request) = request {
            fixture.check(request)?;
        }
    });
}
