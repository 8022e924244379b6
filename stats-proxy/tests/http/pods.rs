//! `pods`.

use crate::cluster::{cluster, get};
use k8s_openapi::List;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use stats_proxy::KubeletSource;

#[tokio::test]
async fn a_nodes_pods_are_a_list_in_the_form_of_a_kubelets() {
    let answer = get("/nodes/node-0/pods").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    let list = answer.json();
    assert_eq!(
        (&list["kind"], &list["apiVersion"], &list["metadata"]),
        (&json!("PodList"), &json!("v1"), &json!({}))
    );
    let keys: Vec<&String> = list["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["metadata", "spec", "status"]);
}

#[tokio::test]
async fn every_pod_that_is_bound_to_the_node_is_there_in_full_whatever_its_phase() {
    let answer = get("/nodes/node-0/pods").await;
    let listed: List<Pod> = serde_json::from_slice(&answer.body).unwrap();
    let expected = cluster().pods("node-0");
    assert_eq!(listed.items.len(), expected.len());
    for (listed, expected) in listed.items.iter().zip(&expected) {
        assert_eq!((&listed.spec, &listed.status), (&expected.spec, &expected.status));
        assert_eq!(listed.metadata.uid, expected.metadata.uid);
    }
    assert_eq!(get("/nodes/node-1/pods").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_kubelet_notes_on_a_pod_whence_it_has_it() {
    let annotations = get("/nodes/node-0/pods").await.json()["items"][0]["metadata"]["annotations"].take();
    let expected = json!({
        "kubernetes.io/config.seen": "2026-03-14T14:59:58Z",
        "kubernetes.io/config.source": "api",
        "kwok.x-k8s.io/usage-cpu": "500m",
        "kwok.x-k8s.io/usage-memory": "100Mi",
    });
    assert_eq!(annotations, expected);
}
