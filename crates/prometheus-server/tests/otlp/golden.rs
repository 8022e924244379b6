//! What a real collector sent, and what a real Prometheus made of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{StatusCode, header};
use catalogue::prometheus;
use labels::Labels;
use otlp::message::ExportRequest;
use prometheus_server::otlp::{OtlpIngester, OtlpState, otlp_router};
use prost::Message;
use serde_json::Value;

use crate::fixture::{COLLECTOR_PATH, contents, gzipped, json, push, store};

fn golden() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    if folder.is_dir() {
        return Some(folder);
    }
    #[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
    {
        println!("skipped: there is no {}", folder.display());
    }
    None
}

/// The exports of a file: one, or a list of them.
fn exports(file: &Path) -> Vec<ExportRequest> {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| vec![json(&text)])
}

#[tokio::test]
async fn golden_exports_become_the_series_that_a_real_prometheus_stored() {
    let Some(folder) = golden() else { return };
    for (mode, least) in [("default", 840), ("all", 1_540)] {
        let store = store();
        let ingester = Arc::new(OtlpIngester::new(Arc::clone(&store), prometheus::promoted()));
        let otlp = otlp_router(OtlpState::new(ingester, Arc::new(|| i64::MAX)));
        for part in ["kubelet", "cluster"] {
            for export in exports(&folder.join(format!("otlp-{mode}-{part}.json"))) {
                // As the collector's exporter sends it; twice, as after an answer that got lost.
                for _ in 0..2 {
                    let headers = [
                        (header::CONTENT_TYPE, "application/x-protobuf"),
                        (header::CONTENT_ENCODING, "gzip"),
                        (header::USER_AGENT, "OpenTelemetry Collector Contrib/0.161.0 (linux/amd64)"),
                    ];
                    let body = gzipped(&export.encode_to_vec());
                    let answer = push(&otlp, COLLECTOR_PATH, &headers, body).await;
                    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
                }
            }
        }
        let ours: BTreeMap<Labels, f64> = contents(&store)
            .into_iter()
            .map(|(labels, samples)| {
                assert_eq!(samples.len(), 1, "{labels}: {samples:?}");
                (labels, samples[0].1)
            })
            .collect();
        let text = std::fs::read_to_string(folder.join(format!("prometheus-{mode}.json"))).unwrap();
        let stored: Vec<Value> = serde_json::from_str(&text).unwrap();
        let theirs: BTreeMap<Labels, f64> = stored
            .iter()
            .map(|series| {
                let labels = series["metric"].as_object().unwrap();
                let labels = labels.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                (Labels::from_pairs(labels), series["value"][1].as_str().unwrap().parse().unwrap())
            })
            .collect();
        let missing: Vec<_> = theirs.keys().filter(|labels| !ours.contains_key(*labels)).collect();
        let extra: Vec<_> = ours.keys().filter(|labels| !theirs.contains_key(*labels)).collect();
        let different: Vec<_> = theirs
            .iter()
            .filter(|(labels, value)| ours.get(*labels).is_some_and(|ours| ours != *value))
            .map(|(labels, value)| format!("{labels}: ours {}, theirs {value}", ours[labels]))
            .collect();
        assert!(
            missing.is_empty() && extra.is_empty() && different.is_empty(),
            "{mode}: missing {missing:#?}, extra {extra:#?}, different {different:#?}"
        );
        assert!(theirs.len() >= least, "{mode}: {} series", theirs.len());
    }
}
