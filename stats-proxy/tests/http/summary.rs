//! `stats/summary`.

use crate::cluster::{cluster, get, request, send};
use kubelet_stats::summary::Summary;

#[tokio::test]
async fn a_node_answers_with_its_summary_as_json() {
    let answer = get("/nodes/node-0/stats/summary").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    let summary: Summary = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(summary.node.node_name, "node-0");
    let pods: Vec<&str> = summary.pods.iter().map(|pod| pod.pod_ref.name.as_str()).collect();
    assert_eq!(pods, ["web-1", "api-1"]);
    assert_eq!(get("/nodes/node-0/stats/summary?x=1").await.body, answer.body);
}

#[tokio::test]
async fn names_in_the_path_are_decoded() {
    let answer = get("/nodes/ip-10.ec2%2Fx%20y/stats/summary").await;
    assert_eq!(answer.status.as_u16(), 200);
    assert!(answer.text().contains("\"nodeName\":\"ip-10.ec2/x y\""));
}

#[tokio::test]
async fn who_asks_for_cpu_and_memory_only_gets_nothing_else() {
    let whole = get("/nodes/node-0/stats/summary").await.json();
    let part = get("/nodes/node-0/stats/summary?only_cpu_and_memory=true").await.json();
    assert_eq!(part["node"]["cpu"], whole["node"]["cpu"]);
    assert_eq!(part["pods"][0]["containers"][1]["memory"], whole["pods"][0]["containers"][1]["memory"]);
    for (place, key) in [("/node", "fs"), ("/pods/0", "volume"), ("/pods/0/containers/0", "rootfs")] {
        assert!(whole.pointer(place).unwrap().get(key).is_some(), "{place}/{key}");
        assert!(part.pointer(place).unwrap().get(key).is_none(), "{place}/{key}");
    }
}

#[tokio::test]
async fn a_head_request_gets_the_headers_alone() {
    let answer = send(cluster(), None, request("HEAD", "/nodes/node-0/stats/summary")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    let length = get("/nodes/node-0/stats/summary").await.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
}

/// A collector's client asks for gzip at each scrape; a kubelet does not give it either.
#[tokio::test]
async fn summaries_are_not_compressed() {
    let mut request = request("GET", "/nodes/node-0/stats/summary");
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    assert_eq!(send(cluster(), None, request).await.header("content-encoding"), None);
}
