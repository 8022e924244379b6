//! What is refused, and how.

use crate::cluster::{Cluster, cluster, get, request, said, send};
use axum::http::Uri;
use proptest::prelude::*;

#[tokio::test]
async fn an_unknown_node_is_named_with_the_nearest_one() {
    let text = "There is no node \"node-9\\\"\": did you mean \"node-0\"? GET /nodes lists all 4.\n";
    assert_eq!(said("/nodes/node-9%22/stats/summary").await, (404, text.to_owned()));
    let text = "There is no node \"minikube\": GET /nodes lists all 4.\n";
    for path in ["stats/summary", "pods", "metrics/resource", "healthz", ""] {
        let path = format!("/nodes/minikube/{path}");
        assert_eq!(said(path.trim_end_matches('/')).await, (404, text.to_owned()));
    }
    for (nodes, expected) in [
        (vec![], "There is no node \"n\": the cluster has no nodes.\n"),
        (vec!["m"], "There is no node \"n\": the cluster has one node, \"m\".\n"),
    ] {
        let answer = send(Cluster(nodes), None, request("GET", "/nodes/n/pods")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (404, expected));
    }
    assert_eq!(said("/nodes/%ff/stats/summary").await.0, 400);
}

#[tokio::test]
async fn a_lost_node_does_not_answer() {
    let text = "The node \"lost\" cannot be reached: its condition Ready is Unknown since 2026-03-14T15:08:00Z (Kubelet \
                stopped posting node status).\n";
    for path in ["stats/summary", "pods", "metrics/resource", "healthz"] {
        assert_eq!(said(&format!("/nodes/lost/{path}")).await, (503, text.to_owned()));
    }
    assert!(said("/nodes").await.1.contains("\"lost\""));
}

#[tokio::test]
async fn the_other_routes_answer_in_words() {
    assert_eq!(said("/nodes").await, (200, r#"["node-0","node-1","ip-10.ec2/x y","lost"]"#.to_owned()));
    let (status, overview) = said("/").await;
    assert_eq!(status, 200);
    for route in ["/nodes ", "stats/summary", "pods", "metrics/resource", "healthz"] {
        assert!(overview.contains(route), "{route}");
    }
    assert!(said("/nodes/node-1").await.1.starts_with("The kubelet of \"node-1\"."));
}

#[tokio::test]
async fn everything_else_is_not_found_and_says_where_to_look() {
    for (path, hint) in [
        ("/prefix/nodes/node-0/stats/summary", "without a prefix"),
        ("//nodes/node-0/stats/summary", "without a prefix"),
        ("/nodes/node-0/stats/summary/", "metrics/resource"),
        ("/nodes/node-0/stats", "stats/summary"),
        ("/nodes/node-0/metrics/cadvisor", "metrics/resource"),
        ("/nodes/", "/nodes/NODE/"),
        ("/metrics", "GET / lists what there is"),
        ("/runningpods/", "GET / lists what there is"),
    ] {
        let (status, body) = said(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains(hint) && body.contains(&format!("{path:?}")), "{path}: {body}");
    }
    assert_eq!(said("/nodes//stats/summary").await.0, 404);
}

#[tokio::test]
async fn nothing_can_be_written() {
    for path in
        ["/", "/healthz", "/nodes", "/pods", "/nodes/node-0/stats/summary", "/nodes/node-0/metrics/resource"]
    {
        for method in ["POST", "PUT", "DELETE"] {
            let answer = send(cluster(), None, request(method, path)).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, Some("GET,HEAD")),
                "{method} {path}"
            );
            assert_eq!(answer.text(), format!("{path:?} can be read (GET), not {method}.\n"));
        }
    }
}

#[tokio::test]
async fn addresses_are_bounded() {
    let (path, query) = ("n".repeat(1_000), "q".repeat(1_024));
    assert_eq!(get(&format!("/{path}?{query}")).await.status.as_u16(), 404);
    let (status, text) = said(&format!("/{path}{path}")).await;
    assert_eq!((status, text.as_str()), (414, "The path has 2001 bytes; it may have 1024.\n"));
    let (status, text) = said(&format!("/nodes/node-0/stats/summary?{query}x")).await;
    assert_eq!((status, text.as_str()), (414, "The query has 1025 bytes; it may have 1024.\n"));
}

#[tokio::test]
async fn requests_for_another_host_are_refused() {
    for (host, status) in [("stats-proxy:10250", 200), ("evil.example", 403)] {
        let mut request = request("GET", "/nodes/node-0/pods");
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(send(cluster(), None, request).await.status.as_u16(), status, "{host}");
    }
}

proptest! {
    /// A server answers whatever it is asked: with what is there, or with what is wrong about the question.
    #[test]
    fn no_address_is_too_much(
        path in "(/nodes)?(/(node-0|lost|%[0-9a-f]{2}|[a-z%/. ]{0,8}))?(/stats/summary|/pods|/metrics/resource|/healthz|/.{0,12})?",
        query in "(only_cpu_and_memory=)?[a-z=&%0-9]{0,12}", node in prop::option::of("node-0|lost|.{0,4}"), method in "GET|HEAD|POST|[A-Z]{1,5}"
    ) {
        let address = format!("/{}?{query}", path.trim_start_matches('/'));
        prop_assume!(address.parse::<Uri>().is_ok());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(send(cluster(), node.as_deref(), request(&method, &address)));
        prop_assert!([200, 400, 404, 405, 503].contains(&answer.status.as_u16()), "{} {}", method, address);
        prop_assert!(answer.status.is_success() || method == "HEAD" || answer.text().ends_with('\n'));
    }
}
