//! An API server with a synthetic cluster: lists in pages, and watches on which nothing happens.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

#[derive(Clone, Copy)]
struct Cluster {
    nodes: usize,
    pods_per_node: usize,
}

/// Serves the cluster on loopback.
pub(crate) async fn serve(nodes: usize, pods_per_node: usize) -> anyhow::Result<SocketAddr> {
    let router =
        Router::new().route("/api/v1/{kind}", get(answer)).with_state(Cluster { nodes, pods_per_node });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("failed to listen")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// The name of a node.
pub(crate) fn node_name(number: usize) -> String {
    format!("node-{number:06}")
}

async fn answer(
    State(cluster): State<Cluster>,
    Path(kind): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if query.contains_key("watch") {
        let silence = futures_util::stream::pending::<Result<String, Infallible>>();
        return Body::from_stream(silence).into_response();
    }
    let number =
        |name: &str, default: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (from, limit) = (number("continue", 0), number("limit", usize::MAX));
    let all = match kind.as_str() {
        "nodes" => cluster.nodes,
        "pods" => cluster.nodes * cluster.pods_per_node,
        _ => 0,
    };
    let until = from.saturating_add(limit).min(all);
    let object = |number| if kind == "nodes" { node(number) } else { pod(number, cluster.pods_per_node) };
    let items: Vec<String> = (from..until).map(object).collect();
    let next = if until < all { until.to_string() } else { String::new() };
    let body = format!(
        r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{}]}}"#,
        items.join(",")
    );
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn node(number: usize) -> String {
    let name = node_name(number);
    format!(
        r#"{{"metadata":{{"name":"{name}","uid":"3f5ac0de-0000-4000-8000-{number:012}","resourceVersion":"1","creationTimestamp":"2026-03-01T00:00:00Z","labels":{{"kubernetes.io/arch":"amd64","kubernetes.io/hostname":"{name}","type":"kwok"}},"annotations":{{"kwok.x-k8s.io/node":"fake"}}}},"spec":{{"podCIDR":"10.0.0.0/24"}},"status":{{"capacity":{{"cpu":"32","memory":"256Gi","pods":"110"}},"allocatable":{{"cpu":"32","memory":"256Gi","pods":"110"}},"conditions":[{{"type":"Ready","status":"True","lastHeartbeatTime":"2026-03-14T15:00:00Z","lastTransitionTime":"2026-03-01T00:00:00Z","reason":"KubeletReady","message":"kubelet is posting ready status"}},{{"type":"DiskPressure","status":"False"}}],"addresses":[{{"type":"InternalIP","address":"10.0.0.1"}}]}}}}"#
    )
}

/// As a controller makes them and KWOK runs them.
fn pod(number: usize, per_node: usize) -> String {
    let (node, workload) = (node_name(number / per_node), number / 50);
    let hash = (number * 48_271) % 0xffff;
    format!(
        r#"{{"metadata":{{"name":"web-{workload}-5d8f7c9b6d-{number:06x}","generateName":"web-{workload}-5d8f7c9b6d-","namespace":"team-{team}","uid":"b2a6c1de-5f0e-4d5c-9b7e-{number:012}","resourceVersion":"1","creationTimestamp":"2026-03-10T00:00:00Z","labels":{{"app":"web-{workload}","pod-template-hash":"5d8f7c9b6d"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-{workload}-5d8f7c9b6d","uid":"a1a6c1de-5f0e-4d5c-9b7e-{workload:012}","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-03-10T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}}}}}},"f:spec":{{"f:containers":{{"k:{{\"name\":\"main\"}}":{{".":{{}},"f:image":{{}},"f:name":{{}},"f:resources":{{}}}}}}}}}}}}]}},"spec":{{"nodeName":"{node}","restartPolicy":"Always","serviceAccountName":"default","schedulerName":"default-scheduler","containers":[{{"name":"main","image":"registry.example/web:1","env":[{{"name":"A","value":"b"}},{{"name":"PORT","value":"8080"}}],"ports":[{{"containerPort":8080,"protocol":"TCP"}}],"resources":{{"requests":{{"cpu":"100m","memory":"128Mi"}},"limits":{{"memory":"{limit}Mi"}}}},"volumeMounts":[{{"name":"kube-api-access-{hash:05x}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}]}}],"volumes":[{{"name":"kube-api-access-{hash:05x}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}]}}}}]}},"status":{{"phase":"Running","startTime":"2026-03-10T00:00:01Z","podIP":"10.{ip_a}.{ip_b}.9","qosClass":"Burstable","conditions":[{{"type":"Ready","status":"True","lastTransitionTime":"2026-03-10T00:00:02Z"}}],"containerStatuses":[{{"name":"main","restartCount":0,"ready":true,"started":true,"image":"registry.example/web:1","imageID":"","containerID":"containerd://{number:064x}","state":{{"running":{{"startedAt":"2026-03-10T00:00:02Z"}}}}}}]}}}}"#,
        team = workload % 40,
        limit = 192 + (workload % 7) * 64,
        ip_a = number / 65_536,
        ip_b = number / 256 % 256,
    )
}
