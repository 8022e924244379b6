//! `metrics/resource`.

use std::io::Read as _;

use crate::cluster::{cluster, get, request, send};

#[tokio::test]
async fn a_nodes_resource_metrics_are_those_of_a_kubelet() {
    let answer = get("/nodes/node-0/metrics/resource").await;
    let content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some(content_type)));
    // The pods use exactly what their annotations say, so that only the node's own numbers are the simulation's.
    let stable: Vec<&str> = answer.text().lines().filter(|line| !line.starts_with("node_")).collect();
    expect_test::expect_file!["metrics.txt"].assert_eq(&(stable.join("\n") + "\n"));
    for name in ["node_cpu_usage_seconds_total", "node_memory_working_set_bytes", "node_swap_usage_bytes"] {
        let line = answer.text().lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert!(line.ends_with(" 1773501000000"), "{line}");
    }
}

#[tokio::test]
async fn a_node_without_pods_has_its_own_metrics_only() {
    let answer = get("/nodes/node-1/metrics/resource").await;
    let names: Vec<&str> = answer.text().lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected = [
        "node_cpu_usage_seconds_total counter",
        "node_memory_working_set_bytes gauge",
        "node_swap_usage_bytes gauge",
        "resource_scrape_error gauge",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn they_are_compressed_for_who_accepts_it() {
    let plain = get("/nodes/node-0/metrics/resource").await;
    assert_eq!(plain.header("content-encoding"), None);
    let mut request = request("GET", "/nodes/node-0/metrics/resource");
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    let answer = send(cluster(), None, request).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
}
