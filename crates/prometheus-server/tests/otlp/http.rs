//! The end points: formats, status codes, answers, and bytes that are no message.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use catalogue::prometheus;
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prometheus_server::{ApiOptions, router};
use proptest::prelude::*;
use prost::Message;

use crate::fixture::{
    COLLECTOR_PATH, JSON, NOW_MS, PROMETHEUS_PATH, gauge, gzipped, point, protobuf, push, request, store, sum,
};
use crate::support::{get, state_of};

fn apis() -> (Router, Router) {
    let store = store();
    let ingester = Arc::new(OtlpIngester::new(Arc::clone(&store), prometheus::promoted()));
    let otlp = OtlpState::new(ingester, Arc::new(|| NOW_MS));
    let options = ApiOptions { otlp: Some(otlp.clone()), ..ApiOptions::default() };
    (router(state_of(store, options)), otlp_router(otlp))
}

#[tokio::test]
async fn a_push_is_readable_by_promql() {
    for gzip in [false, true] {
        for (kind, body) in
            [("application/json", JSON.as_bytes().to_vec()), ("application/x-protobuf", protobuf())]
        {
            for path in [PROMETHEUS_PATH, COLLECTOR_PATH] {
                let (api, otlp) = apis();
                let to = if path == PROMETHEUS_PATH { &api } else { &otlp };
                let mut headers = vec![(header::CONTENT_TYPE, kind)];
                let body = if gzip { gzipped(&body) } else { body.clone() };
                if gzip {
                    headers.push((header::CONTENT_ENCODING, "gzip"));
                }
                let answer = push(to, path, &headers, body).await;
                assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""), "{path} {kind} gzip {gzip}");
                let answer =
                    get(&api, &format!("/api/v1/query?query=orders_total&time={}", NOW_MS / 1000)).await;
                assert!(answer.text().contains(r#","17.5"]"#), "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let (api, otlp) = apis();
    let kind = |kind| vec![(header::CONTENT_TYPE, kind)];
    let gzip = |kind| vec![(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip")];
    let bomb = gzipped(&vec![b' '; (32 << 20) + 1]);
    let cases = [
        (
            vec![],
            vec![],
            "unsupported content type: , supported: [application/json, application/x-protobuf]\n",
        ),
        (
            kind("text/plain"),
            vec![],
            "unsupported content type: text/plain, supported: [application/json, application/x-protobuf]\n",
        ),
        (
            vec![(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "zstd")],
            vec![],
            "unsupported compression: zstd. Only \"gzip\" or no compression supported\n",
        ),
        (
            kind("application/json"),
            b"{\n  \"resourceMetrics\": 5}".to_vec(),
            "invalid type: integer `5`, expected a sequence at line 2 column 22\n",
        ),
        (kind("application/x-protobuf"), vec![0xff; 10], "failed to decode Protobuf message"),
        (
            kind("application/json"),
            b"null".to_vec(),
            "invalid type: null, expected an object with `resourceMetrics` at line 1 column 4\n",
        ),
        (
            kind("application/json"),
            b"[]".to_vec(),
            "invalid type: sequence, expected an object with `resourceMetrics` at line 1 column 0\n",
        ),
        (gzip("application/json"), b"plain".to_vec(), "gzip: "),
        (gzip("application/json"), bomb, "unexpected EOF: no more than 33554432 unpacked bytes are read\n"),
    ];
    for (headers, body, reason) in cases {
        for (to, path) in [(&api, PROMETHEUS_PATH), (&otlp, COLLECTOR_PATH)] {
            let answer = push(to, path, &headers, body.clone()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{reason}");
            assert!(answer.text().starts_with(reason), "{reason}: {}", answer.text());
            assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn refused_samples_and_refused_metrics_have_prometheus_status_codes() {
    let (api, _) = apis();
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf")];
    let at = |seconds| request(&[], gauge("g", vec![point(&[], seconds, 1.0)])).encode_to_vec();
    let now = u64::try_from(NOW_MS / 1000).unwrap();
    let answer = push(&api, PROMETHEUS_PATH, &headers, at(now + 700)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text(), "out of bounds: timestamp is too far in the future\n");
    let answer = push(&api, PROMETHEUS_PATH, &headers, request(&[], sum("s", 1)).encode_to_vec()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "invalid temporality and type combination for metric \"s\"\n");
}

#[tokio::test]
async fn a_server_without_otlp_says_so() {
    let api = router(state_of(store(), ApiOptions::default()));
    let answer = push(&api, PROMETHEUS_PATH, &[(header::CONTENT_TYPE, "application/json")], "{}").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.text(), "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
}

#[tokio::test]
async fn logs_and_traces_are_told_that_they_are_not_taken() {
    let (api, otlp) = apis();
    for (to, path) in [
        (&otlp, "/v1/logs"),
        (&otlp, "/v1/traces"),
        (&api, "/api/v1/otlp/v1/logs"),
        (&api, "/api/v1/otlp/v1/traces"),
    ] {
        let answer = push(to, path, &[(header::CONTENT_TYPE, "application/json")], "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().starts_with("only metrics are taken here"), "{path}");
    }
}

#[tokio::test]
async fn whoever_is_wrong_on_the_port_of_collectors_is_told_where_to_go() {
    let (_, otlp) = apis();
    for (path, part) in [
        ("/", "metrics are taken by POST at /v1/metrics"),
        ("/v1/metric", "metrics are taken by POST at /v1/metrics"),
        ("/v1/profiles", "metrics are taken by POST at /v1/metrics"),
        ("/api/v1/query?query=up", "the Prometheus API is on another port"),
        ("/api/v1/otlp/v1/metrics", "the Prometheus API is on another port"),
    ] {
        let answer = push(&otlp, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            answer.text().starts_with("nothing here") && answer.text().contains(part),
            "{}",
            answer.text()
        );
    }
    let answer = get(&otlp, COLLECTOR_PATH).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.text(), "GET is not for here: OTLP sends by POST\n");
}

#[tokio::test]
async fn refused_requests_are_counted_whatever_they_are_refused_for() {
    let ingester = Arc::new(OtlpIngester::new(store(), prometheus::promoted()));
    let otlp = otlp_router(OtlpState::new(Arc::clone(&ingester), Arc::new(|| NOW_MS)));
    let json = [(header::CONTENT_TYPE, "application/json")];
    assert_eq!(ingester.refused_requests().count, 0);
    for (headers, body, count, reason) in [
        (&json[..], JSON.as_bytes().to_vec(), 0, None),
        (&[], vec![], 1, Some("unsupported content type")),
        (&json, b"[]".to_vec(), 2, Some("invalid type: sequence")),
        (&[(header::CONTENT_TYPE, "application/x-protobuf")], vec![0xff], 3, Some("failed to decode")),
        (
            &[(header::CONTENT_TYPE, "application/x-protobuf")],
            request(&[], sum("s", 1)).encode_to_vec(),
            4,
            Some("invalid temporality"),
        ),
    ] {
        push(&otlp, COLLECTOR_PATH, headers, body).await;
        let refused = ingester.refused_requests();
        assert_eq!(refused.count, count, "{refused:?}");
        if let Some(reason) = reason {
            assert!(refused.latest_reason.unwrap().starts_with(reason), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_small_body_that_stands_for_gigabytes_is_refused_unread() {
    // Empty metrics: two bytes each on the wire.
    let empty_metrics = [0x12, 0].repeat((32 << 20) / 2 - 32);
    let scope = request(&[], gauge("g", vec![])).resource_metrics.remove(0).scope_metrics.remove(0);
    assert_eq!(scope.encode_to_vec()[0], 0x12, "the field of a scope's metrics");
    let mut of_scope = vec![0x12];
    prost::encoding::encode_varint(empty_metrics.len() as u64, &mut of_scope);
    of_scope.extend(&empty_metrics);
    let mut body = vec![0x0a];
    prost::encoding::encode_varint(of_scope.len() as u64, &mut body);
    body.extend(&of_scope);
    let json = format!(r#"{{"resourceMetrics":[{}{{}}]}}"#, "{},".repeat((32 << 20) / 3 - 32));
    for (kind, body) in [("application/x-protobuf", body), ("application/json", json.into_bytes())] {
        let (api, otlp) = apis();
        let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip")];
        let body = gzipped(&body);
        for (to, path) in [(&api, PROMETHEUS_PATH), (&otlp, COLLECTOR_PATH)] {
            let answer = push(to, path, &headers, body.clone()).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{kind}");
            assert!(
                answer.text().starts_with("the request is too large: unpacked it would"),
                "{}",
                answer.text()
            );
        }
    }
}

/// Sends bytes as they are to both end points; whatever they are, there is an answer that blames nobody but the sender.
fn answered(bytes: &[u8], kind: &str, gzip: bool) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (api, otlp) = apis();
    let mut headers = vec![(header::CONTENT_TYPE, kind)];
    if gzip {
        headers.push((header::CONTENT_ENCODING, "gzip"));
    }
    for (to, path) in [(&api, PROMETHEUS_PATH), (&otlp, COLLECTOR_PATH)] {
        let answer = runtime.block_on(push(to, path, &headers, bytes.to_vec()));
        let panicked = answer.text().contains("unexpectedly");
        prop_assert!(!panicked, "{} {}", answer.status, answer.text());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_break_the_ingestion(
        bytes in any::<Vec<u8>>(), json in any::<bool>(), gzip in any::<bool>()
    ) {
        answered(&bytes, if json { "application/json" } else { "application/x-protobuf" }, gzip)?;
    }

    #[test]
    fn no_damaged_message_breaks_the_ingestion(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        json in any::<bool>(),
        gzip in any::<bool>(),
    ) {
        let mut bytes = if json { JSON.as_bytes().to_vec() } else { protobuf() };
        for (at, byte) in damages {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let damaged = if gzip { gzipped(&bytes) } else { bytes };
        let mut cut_short = damaged.clone();
        cut_short.truncate(cut.index(damaged.len()));
        for bytes in [damaged, cut_short] {
            answered(&bytes, if json { "application/json" } else { "application/x-protobuf" }, gzip)?;
        }
    }
}
