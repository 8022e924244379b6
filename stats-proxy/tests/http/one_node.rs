//! A server that stands for one node.

use crate::cluster::{Answer, cluster, get, request, send};

async fn of_node(node: &str, path: &str) -> Answer {
    send(cluster(), Some(node), request("GET", path)).await
}

const PATHS: [&str; 4] = ["/stats/summary", "/pods", "/metrics/resource", "/healthz"];

#[tokio::test]
async fn the_root_answers_for_the_chosen_node_as_its_path_does() {
    for path in PATHS.into_iter().chain(["/stats/summary?only_cpu_and_memory=true"]) {
        let answer = of_node("node-0", path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        let same = get(&format!("/nodes/node-0{path}")).await;
        assert_eq!(
            (&answer.body, answer.header("content-type")),
            (&same.body, same.header("content-type")),
            "{path}"
        );
    }
    assert!(of_node("node-0", "/").await.text().contains("stands for the node \"node-0\""));
    assert_eq!(of_node("node-0", "/nodes/node-1/healthz").await.text(), "ok");
}

#[tokio::test]
async fn a_chosen_node_that_does_not_exist_or_is_lost_is_said_at_each_path() {
    for path in PATHS {
        let answer = of_node("node-7", path).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert!(answer.text().contains("did you mean \"node-0\"?"), "{}", answer.text());
        assert_eq!(of_node("lost", path).await.status.as_u16(), 503, "{path}");
    }
}

#[tokio::test]
async fn without_a_chosen_node_the_root_says_where_the_nodes_are() {
    for path in ["/stats/summary", "/pods", "/metrics/resource"] {
        let answer = get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (400, Some("text/plain; charset=utf-8"))
        );
        let expected = format!(
            "{path:?} is each kubelet's own, and this address stands for 4 of them: ask for example for \
             /nodes/node-0{path}; GET /nodes lists them all.\n"
        );
        assert_eq!(answer.text(), expected);
        assert_eq!(get(&format!("/nodes/node-0{path}")).await.status.as_u16(), 200);
    }
    let healthy = get("/healthz").await;
    assert_eq!((healthy.status.as_u16(), healthy.text()), (200, "ok"));
}
