//! The HTTP API, request by request: exact bodies and status codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use prometheus_server::{ApiOptions, ApiState, MetricMetadata, QueryService, router};
use promql::{EngineOptions, ParseOptions};
use tokio::net::TcpListener;

use support::{T0, T1, api, get, post, send, state_of, store};

/// `{t}`, `{t0}` and `{t1}` in paths and bodies: one second after the first sample, the first and the last sample's time.
fn fill(text: &str) -> String {
    text.replace("{t0}", &T0.to_string())
        .replace("{t1}", &T1.to_string())
        .replace("{t}", &(T0 + 1).to_string())
}

async fn check(status: u16, cases: &[(&str, &str)]) {
    let api = api();
    for (path, body) in cases {
        let path = fill(path);
        let answer = get(&api, &path).await;
        assert_eq!(answer.text(), fill(body), "{path}");
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn instant_queries_answer_as_prometheus_does() {
    check(
        200,
        &[
            ("/api/v1/query?query=1%2B1", r#"{"status":"success","data":{"resultType":"scalar","result":[{t1},"2"]}}"#),
            (
                "/api/v1/query?query=%22text%22&time=1.5",
                r#"{"status":"success","data":{"resultType":"string","result":[1.500,"text"]}}"#,
            ),
            (
                "/api/v1/query?query=up&time={t}",
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","instance":"a:5432","job":"db"},"value":[{t},"1"]},{"metric":{"__name__":"up","instance":"a:80","job":"api"},"value":[{t},"1"]},{"metric":{"__name__":"up","instance":"b:80","job":"api"},"value":[{t},"1"]}]}}"#,
            ),
            (
                "/api/v1/query?query=up&time={t}&limit=1",
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","instance":"a:5432","job":"db"},"value":[{t},"1"]}]},"warnings":["results truncated due to limit"]}"#,
            ),
            (
                "/api/v1/query?query=absent_thing&time={t}",
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            ),
            (
                "/api/v1/query?query=number%7Bkind%3D~%22t.*%22%7D&time=2015-07-01T20:10:00.250Z",
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"number","kind":"third"},"value":[1435781400.250,"0.3333333333333333"]},{"metric":{"__name__":"number","kind":"tiny"},"value":[1435781400.250,"1.5e-09"]}]}}"#,
            ),
            (
                "/api/v1/query?query=departed%5B40s%5D&time={t0}",
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"departed","job":"api"},"values":[[{t0},"0"]]}]}}"#,
            ),
            // Prometheus counts nanoseconds: farther instants wrap around.
            (
                "/api/v1/query?query=time()&time=9e15",
                r#"{"status":"success","data":{"resultType":"scalar","result":[-412866226.847,"-412866226.847"]}}"#,
            ),
            (
                "/api/v1/query?query=departed&time={t1}&lookback_delta=1s",
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn range_queries_answer_as_prometheus_does() {
    check(
        200,
        &[
            (
                "/api/v1/query_range?query=departed&start={t0}&end={t}&step=500ms",
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"departed","job":"api"},"values":[[{t0},"0"],[{t0}.500,"0"],[{t},"0"]]}]}}"#,
            ),
            (
                "/api/v1/query_range?query=2&start={t0}&end={t0}&step=1",
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[{t0},"2"]]}]}}"#,
            ),
            (
                "/api/v1/query_range?query=2&start=0&end=1e10&step=9e8",
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            ),
            (
                "/api/v1/query_range?query=nothing&start={t0}&end={t1}&step=1m",
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn series_and_labels_are_listed() {
    check(
        200,
        &[
            (
                "/api/v1/series?match[]=up%7Bjob=%22api%22%7D&match[]=departed&match[]=up%7Binstance=%22a:80%22%7D",
                r#"{"status":"success","data":[{"__name__":"departed","job":"api"},{"__name__":"up","instance":"a:80","job":"api"},{"__name__":"up","instance":"b:80","job":"api"}]}"#,
            ),
            (
                "/api/v1/series?match[]=up&limit=1",
                r#"{"status":"success","data":[{"__name__":"up","instance":"a:5432","job":"db"}],"warnings":["results truncated due to limit"]}"#,
            ),
            ("/api/v1/series?match[]=nothing", r#"{"status":"success","data":[]}"#),
            ("/api/v1/series?match[]=departed&start={t1}", r#"{"status":"success","data":[]}"#),
            ("/api/v1/labels", r#"{"status":"success","data":["__name__","instance","job","kind","le"]}"#),
            ("/api/v1/labels?match[]=up&match[]=number", r#"{"status":"success","data":["__name__","instance","job","kind"]}"#),
            (
                "/api/v1/labels?limit=2",
                r#"{"status":"success","data":["__name__","instance"],"warnings":["results truncated due to limit"]}"#,
            ),
            (
                "/api/v1/label/__name__/values",
                r#"{"status":"success","data":["departed","latency_seconds_bucket","number","requests_total","up"]}"#,
            ),
            ("/api/v1/label/job/values?match[]=departed", r#"{"status":"success","data":["api"]}"#),
            ("/api/v1/label/U__job/values", r#"{"status":"success","data":["api","db"]}"#),
            ("/api/v1/label/nothing/values", r#"{"status":"success","data":[]}"#),
            (
                "/api/v1/label/kind/values?match[]=number%7Bkind=~%22%3C.*%22%7D",
                r#"{"status":"success","data":["\u003cquoted \"\\\n \u0026 ü\u003e"]}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_parameters_are_told_in_prometheus_words() {
    let cases = [
        (
            "/api/v1/query",
            r#"invalid parameter "query": unknown position: parse error: no expression found in input"#,
        ),
        (
            "/api/v1/query?query=up&time=soon",
            r#"invalid parameter "time": invalid time value for 'time': cannot parse "soon" to a valid timestamp"#,
        ),
        (
            "/api/v1/query?query=up&timeout=soon",
            r#"invalid parameter "timeout": cannot parse "soon" to a valid duration"#,
        ),
        ("/api/v1/query?query=up&limit=-1", r#"invalid parameter "limit": limit must be non-negative"#),
        (
            "/api/v1/query?query=up&limit=x",
            r#"invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax"#,
        ),
        (
            "/api/v1/query?query=up&lookback_delta=x",
            r#"error parsing lookback delta duration: cannot parse "x" to a valid duration"#,
        ),
        (
            "/api/v1/query_range?query=up",
            r#"invalid parameter "start": cannot parse "" to a valid timestamp"#,
        ),
        (
            "/api/v1/query_range?query=up&start=1",
            r#"invalid parameter "end": cannot parse "" to a valid timestamp"#,
        ),
        (
            "/api/v1/query_range?query=up&start=2&end=1",
            r#"invalid parameter "end": end timestamp must not be before start time"#,
        ),
        (
            "/api/v1/query_range?query=up&start=1&end=2",
            r#"invalid parameter "step": cannot parse "" to a valid duration"#,
        ),
        (
            "/api/v1/query_range?query=up&start=1&end=2&step=0",
            r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            "/api/v1/query_range?query=up&start=0&end=11001&step=1",
            r#"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"#,
        ),
        ("/api/v1/series", r#"no match[] parameter provided"#),
        (
            "/api/v1/series?match[]=%7B%7D",
            r#"invalid parameter "match[]": match[] must contain at least one non-empty matcher"#,
        ),
        ("/api/v1/labels?match[]=%7Ba=%22%22%7D", r#"match[] must contain at least one non-empty matcher"#),
        (
            "/api/v1/labels?start=x",
            r#"invalid parameter "start": invalid time value for 'start': cannot parse "x" to a valid timestamp"#,
        ),
        (
            "/api/v1/label/job/values?end=x",
            r#"invalid parameter "end": invalid time value for 'end': cannot parse "x" to a valid timestamp"#,
        ),
        ("/api/v1/label//values", r#"invalid label name: """#),
        (
            "/api/v1/query_exemplars?query=up&start=2&end=1",
            r#"end timestamp must not be before start timestamp"#,
        ),
        ("/api/v1/metadata?limit=x", r#"limit must be a number"#),
        ("/api/v1/metadata?limit_per_metric=x", r#"limit_per_metric must be a number"#),
        ("/api/v1/status/tsdb?limit=0", r#"limit must be a positive number"#),
        ("/api/v1/status/tsdb?limit=10001", r#"limit must not exceed 10000"#),
        ("/api/v1/rules?type=x", r#"invalid parameter "type": not supported value "x""#),
    ];
    let api = api();
    for (path, error) in cases {
        let answer = get(&api, path).await;
        let error = serde_json::to_string(error).unwrap();
        assert_eq!(
            answer.text(),
            format!(r#"{{"status":"error","errorType":"bad_data","error":{error}}}"#),
            "{path}"
        );
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn queries_that_cannot_be_read_say_where() {
    let api = api();
    for (query, place) in [("sum(", "1:4"), ("up%0A%2B%0A%2A", "3:1"), ("up%20foo", "1:4"), ("%C3%A9", "1:1")]
    {
        for path in [
            format!("/api/v1/query?query={query}"),
            format!("/api/v1/query_range?query={query}&start=0&end=1&step=1"),
        ] {
            let answer = get(&api, &path).await;
            let start = format!(
                r#"{{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": {place}: parse error: "#
            );
            assert!(answer.text().starts_with(&start), "{path}: {}", answer.text());
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
}

#[tokio::test]
async fn queries_without_a_value_are_unprocessable() {
    let answer = get(&api(), &fill("/api/v1/query?query=up*on(job)up&time={t0}")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let start = r#"{"status":"error","errorType":"execution","error":"found duplicate series for the match group {job=\"api\"} on the right hand-side of the operation: "#;
    assert!(answer.text().starts_with(start), "{}", answer.text());
}

#[tokio::test]
async fn queries_beyond_a_limit_are_refused() {
    let engine = EngineOptions { max_samples: 100, max_series: 5, ..EngineOptions::default() };
    let service = QueryService::new(store(), engine, ParseOptions::default());
    let api = router(ApiState::new(service, Arc::new(|| T1 * 1000), ApiOptions::default()));
    let nested = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
    let long = format!("{}1", " ".repeat(5 << 20));
    for (query, status, kind, message) in [
        (
            "max_over_time(up[1h:1s])",
            422,
            "execution",
            "query processing would load too many samples into memory",
        ),
        (
            "sum(number)",
            422,
            "execution",
            "query processing would select more than 5 series with one selector",
        ),
        (&nested, 400, "bad_data", "the expression is nested more than 256 levels deep"),
        (&long, 400, "bad_data", "the query is 5242881 bytes long"),
    ] {
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let answer = post(&api, "/api/v1/query", form).await;
        assert_eq!(answer.status.as_u16(), status, "{message}");
        let start = format!(r#"{{"status":"error","errorType":"{kind}","error":""#);
        let text = answer.text();
        assert!(text.starts_with(&start) && text.contains(message), "{message}: {text}");
    }
    assert_eq!(get(&api, "/api/v1/query?query=sum(up)").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_is_as_good_as_a_query_string_and_comes_first() {
    let api = api();
    let expected = get(&api, "/api/v1/query?query=vector(1)&time=7").await;
    let answer = post(&api, "/api/v1/query?query=up", "query=vector%281%29&time=7").await;
    assert_eq!(answer.text(), expected.text());
    let expected = get(&api, "/api/v1/series?match[]=up").await;
    assert_eq!(post(&api, "/api/v1/series", "match%5B%5D=up").await.text(), expected.text());
    let expected = get(&api, "/api/v1/labels?match[]=up").await;
    assert_eq!(post(&api, "/api/v1/labels", "match[]=up").await.text(), expected.text());
}

#[tokio::test]
async fn a_form_beyond_the_limit_is_refused() {
    let api = router(state_of(store(), ApiOptions { max_body_bytes: 100, ..ApiOptions::default() }));
    let answer = post(&api, "/api/v1/query", format!("query={}", "1".repeat(100))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("error parsing form values"), "{}", answer.text());
}

#[tokio::test]
async fn what_grafana_probes_is_there() {
    check(
        200,
        &[
            ("/-/healthy", "Prometheus Server is Healthy.\n"),
            ("/-/ready", "Prometheus Server is Ready.\n"),
            (
                "/api/v1/status/buildinfo",
                r#"{"status":"success","data":{"version":"3.14.0","revision":"","branch":"","buildUser":"","buildDate":"","goVersion":""}}"#,
            ),
            ("/api/v1/status/config", r#"{"status":"success","data":{"yaml":"otlp: {}\n"}}"#),
            ("/api/v1/status/flags", r#"{"status":"success","data":{"storage.tsdb.retention.time":"6h"}}"#),
            (
                "/api/v1/status/runtimeinfo",
                r#"{"status":"success","data":{"startTime":"2015-07-01T20:10:00Z","CWD":"","hostname":"","serverTime":"2015-07-01T20:20:00Z","reloadConfigSuccess":true,"lastConfigTime":"2015-07-01T20:10:00Z","corruptionCount":0,"goroutineCount":0,"GOMAXPROCS":0,"GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","storageRetention":"6h"}}"#,
            ),
            ("/api/v1/metadata?limit=10", r#"{"status":"success","data":{}}"#),
            ("/api/v1/rules", r#"{"status":"success","data":{"groups":[]}}"#),
            ("/api/v1/rules?type=alert", r#"{"status":"success","data":{"groups":[]}}"#),
            ("/api/v1/alerts", r#"{"status":"success","data":{"alerts":[]}}"#),
            (
                "/api/v1/targets",
                r#"{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}"#,
            ),
            ("/api/v1/query_exemplars?query=up&start=1&end=2", r#"{"status":"success","data":[]}"#),
        ],
    )
    .await;
    check(204, &[("/api/v1/query_exemplars?query=1", "")]).await;
}

#[tokio::test]
async fn the_store_is_described() {
    let answer = get(&api(), "/api/v1/status/tsdb?limit=2").await;
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let data = &value["data"];
    assert_eq!(data["headStats"]["numSeries"], 21);
    assert_eq!(data["headStats"]["maxTime"], T1 * 1000);
    assert_eq!(
        data["seriesCountByMetricName"],
        serde_json::json!([{"name": "number", "value": 11}, {"name": "latency_seconds_bucket", "value": 3}])
    );
    assert_eq!(data["labelValueCountByLabelName"][0], serde_json::json!({"name": "kind", "value": 11}));
}

#[tokio::test]
async fn metadata_is_shown_where_the_caller_gives_it() {
    let metadata =
        |kind, help: &str, unit: &str| MetricMetadata { kind, help: help.into(), unit: unit.into() };
    let options = ApiOptions {
        metadata: [
            ("a_total".to_owned(), metadata("counter", "Seconds.", "s")),
            ("b".to_owned(), metadata("gauge", "", "")),
        ]
        .into(),
        ..ApiOptions::default()
    };
    let api = router(state_of(store(), options));
    let a = r#""a_total":[{"type":"counter","unit":"s","help":"Seconds."}]"#;
    let b = r#""b":[{"type":"gauge","unit":"","help":""}]"#;
    for (path, data) in [
        ("/api/v1/metadata", format!("{{{a},{b}}}")),
        ("/api/v1/metadata?limit=1", format!("{{{a}}}")),
        ("/api/v1/metadata?limit=-1", format!("{{{a},{b}}}")),
        ("/api/v1/metadata?limit=0", "{}".to_owned()),
        ("/api/v1/metadata?metric=b", format!("{{{b}}}")),
        ("/api/v1/metadata?metric=c", "{}".to_owned()),
    ] {
        let answer = get(&api, path).await;
        assert_eq!(answer.text(), format!(r#"{{"status":"success","data":{data}}}"#), "{path}");
    }
}

#[tokio::test]
async fn statistics_come_when_asked_for() {
    let api = api();
    let answer = get(&api, &fill("/api/v1/query?query=up&time={t0}&stats=all")).await;
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(value["data"]["stats"]["samples"]["totalQueryableSamples"], 3);
    assert_eq!(value["data"]["stats"]["timings"]["execTotalTime"], 0);
    assert_eq!(value.get("warnings"), None);
    let answer = get(&api, "/api/v1/query?query=1&stats=yes").await;
    assert!(answer.text().contains(r#""stats":{"timings""#));
    assert!(answer.text().contains(r#""warnings":["value \"yes\" for parameter \"stats\" is deprecated"#));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let api = api();
    for path in ["/", "/api/v1", "/api/v1/nothing", "/api/v2/query", "/api/v1/label/values"] {
        let answer = get(&api, path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, "404 page not found\n"), "{path}");
    }
    let delete = Request::delete("/api/v1/query").body(Body::empty()).unwrap();
    assert_eq!(send(&api, delete).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// Takes much longer than the tests below wait for it.
const SLOW: &str =
    "/api/v1/query_range?query=sum_over_time(number%5B10m:10ms%5D)&start=1435781400&end=1435782000&step=60ms";

#[tokio::test]
async fn a_query_whose_time_is_up_is_stopped() {
    let options = ApiOptions { query_timeout: Duration::from_millis(20), ..ApiOptions::default() };
    let limited = router(state_of(store(), options));
    let error =
        r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#;
    let answer = get(&limited, SLOW).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, error));
    for timeout in ["0", "-1", "1ms"] {
        let answer = get(&api(), &format!("{SLOW}&timeout={timeout}")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, error), "{timeout}");
    }
}

#[tokio::test]
async fn a_query_that_finds_no_room_in_time_says_so() {
    let options = ApiOptions { max_concurrent_queries: 1, ..ApiOptions::default() };
    let api = router(state_of(store(), options));
    let first = tokio::spawn({
        let api = api.clone();
        async move { get(&api, SLOW).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let answer = get(&api, "/api/v1/query?query=1&timeout=10ms").await;
    first.abort();
    let error = r#"{"status":"error","errorType":"timeout","error":"query timed out in query queue"}"#;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, error));
}

#[tokio::test]
async fn a_query_whose_client_hung_up_makes_room_for_the_next() {
    let options = ApiOptions { max_concurrent_queries: 1, ..ApiOptions::default() };
    let api = router(state_of(store(), options));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, api.clone()).into_future());

    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(format!("GET {SLOW} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let refused = "query timed out in query queue";
    while !get(&api, "/api/v1/query?query=1&timeout=1ms").await.text().contains(refused) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(client);
    let answer = tokio::time::timeout(Duration::from_secs(2), get(&api, "/api/v1/query?query=1")).await;
    assert_eq!(answer.expect("the abandoned query still runs").status, StatusCode::OK);
    server.abort();
}

#[tokio::test]
async fn until_it_is_ready_a_server_says_so() {
    let state = state_of(store(), ApiOptions::default());
    let api = router(state.clone());
    state.set_ready(false);
    for path in ["/-/ready", "/api/v1/query?query=1"] {
        let answer = get(&api, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.text(), "Service Unavailable", "{path}");
    }
    assert_eq!(get(&api, "/-/healthy").await.status, StatusCode::OK);
    state.set_ready(true);
    assert_eq!(get(&api, "/-/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn answers_are_compressed_where_the_client_takes_it() {
    let api = api();
    let request = |encoding| {
        Request::get("/api/v1/series?match[]=number")
            .header(header::ACCEPT_ENCODING, encoding)
            .body(Body::empty())
    };
    let plain = send(&api, request("identity").unwrap()).await;
    let packed = send(&api, request("gzip").unwrap()).await;
    assert_eq!(plain.headers.get(header::CONTENT_ENCODING), None);
    assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
    assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() < plain.body.len());
}

#[tokio::test]
async fn pages_of_other_origins_may_read_answers() {
    let api = api();
    let request =
        Request::get("/api/v1/labels").header(header::ORIGIN, "http://grafana:3000").body(Body::empty());
    let answer = send(&api, request.unwrap()).await;
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    let preflight = Request::options("/api/v1/query")
        .header(header::ORIGIN, "http://grafana:3000")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty());
    let answer = send(&api, preflight.unwrap()).await;
    assert!(answer.status.is_success());
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST,OPTIONS");
}

#[tokio::test]
async fn more_queries_than_slots_wait_for_each_other() {
    let options = ApiOptions { max_concurrent_queries: 1, ..ApiOptions::default() };
    let api = Arc::new(router(state_of(store(), options)));
    let queries = (0..20).map(|at| {
        let api = Arc::clone(&api);
        tokio::spawn(async move { get(&api, &format!("/api/v1/query?query={at}")).await })
    });
    for (at, query) in queries.collect::<Vec<_>>().into_iter().enumerate() {
        assert!(query.await.unwrap().text().ends_with(&format!("\"{at}\"]}}}}")));
    }
}
