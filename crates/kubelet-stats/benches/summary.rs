//! How long a scrape of a whole fleet takes: `cargo bench -p kubelet-stats`.

use std::sync::Arc;

use divan::Bencher;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::{Surroundings, summary, summary_and_host_in};
use serde_json::json;

fn main() {
    divan::main();
}

/// Nodes with their pods; every fourth pod has a second container.
fn fleet(nodes: usize, pods: usize) -> Vec<(Node, Vec<Arc<Pod>>)> {
    let mut fleet: Vec<(Node, Vec<Arc<Pod>>)> = (0..nodes).map(|n| (node(n), Vec::new())).collect();
    for n in 0..pods {
        fleet[n % nodes].1.push(Arc::new(pod(n)));
    }
    fleet
}

fn node(n: usize) -> Node {
    let node = json!({
        "metadata": {"name": format!("node-{n:06}"), "uid": format!("n{n}"), "creationTimestamp": "2026-03-01T00:00:00Z"},
        "status": {"capacity": {"memory": "256Gi", "cpu": "32", "pods": "110"}}
    });
    serde_json::from_value(node).expect("a valid node")
}

fn pod(n: usize) -> Pod {
    let names: &[&str] = if n.is_multiple_of(4) { &["main", "sidecar"] } else { &["main"] };
    let container = |name: &&str| {
        let resources =
            json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}});
        json!({"name": name, "resources": resources})
    };
    let status = |name: &&str| {
        let state = json!({"running": {"startedAt": "2026-03-10T00:00:02Z"}});
        json!({"name": name, "restartCount": 0, "ready": true, "image": "", "imageID": "", "state": state})
    };
    let pod = json!({
        "metadata": {
            "name": format!("web-5d8f7c9b6d-{n:05}"), "namespace": "shop",
            "uid": format!("b2a6c1de-5f0e-4d5c-9b7e-{n:012}")
        },
        "spec": {
            "containers": names.iter().map(container).collect::<Vec<_>>(),
            "volumes": [{"name": "kube-api-access-abcde", "projected": {"sources": []}}]
        },
        "status": {
            "phase": "Running", "startTime": "2026-03-10T00:00:00Z",
            "containerStatuses": names.iter().map(status).collect::<Vec<_>>()
        }
    });
    serde_json::from_value(pod).expect("a valid pod")
}

#[divan::bench(args = [(50, 200), (1_000, 10_000)])]
fn all_nodes(bencher: Bencher<'_, '_>, (nodes, pods): (usize, usize)) {
    let fleet = fleet(nodes, pods);
    let at: Timestamp = "2026-03-14T15:09:26Z".parse().expect("a valid instant");
    bencher.bench(|| fleet.iter().map(|(node, pods)| summary(node, pods, at).pods.len()).sum::<usize>());
}

/// With what their machines say of themselves.
#[divan::bench(args = [(50, 200), (1_000, 10_000)])]
fn all_nodes_and_hosts(bencher: Bencher<'_, '_>, (nodes, pods): (usize, usize)) {
    let fleet = fleet(nodes, pods);
    let at: Timestamp = "2026-03-14T15:09:26Z".parse().expect("a valid instant");
    let surroundings = Surroundings::default();
    bencher.bench(|| {
        let answers = fleet.iter().map(|(node, pods)| summary_and_host_in(&surroundings, node, pods, at));
        answers.map(|(summary, host)| summary.pods.len() + host.disks.len()).sum::<usize>()
    });
}
