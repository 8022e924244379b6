//! What exactly a node answers at a fixed instant. After an intended change: `UPDATE_EXPECT=1 cargo test -p
//! kubelet-stats`.

use crate::fixtures::{node, now, pod, resources, seconds};
use expect_test::expect_file;
use kubelet_stats::{annotations, summary};
use serde_json::json;

#[test]
fn a_node_answers_exactly_this() {
    let day = now() - seconds(86_400);
    let pods = [
        pod("daily", day)
            .annotated(annotations::PROFILE, "daily-wave")
            .running("web", resources("200m", "256Mi", "1", "512Mi"), day + seconds(3))
            .container(
                "sidecar",
                json!({"requests": {"cpu": "50m"}}),
                2,
                json!({"running": {"startedAt": now() - seconds(600)}}),
            )
            .volume(json!({"name": "kube-api-access-x", "projected": {"sources": []}}))
            .volume(json!({"name": "config", "configMap": {"name": "web"}}))
            .volume(json!({"name": "tls", "secret": {"secretName": "web"}}))
            .volume(json!({"name": "cache", "emptyDir": {"sizeLimit": "64Mi"}}))
            .volume(json!({"name": "shm", "emptyDir": {"medium": "Memory"}}))
            .volume(json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}))
            .volume(json!({"name": "host", "hostPath": {"path": "/var/log"}}))
            .build(),
        pod("agent", day)
            .annotated(annotations::CPU, "250m")
            .annotated(annotations::MEMORY, "100M")
            .host_network()
            .running("agent", json!({}), day)
            .build(),
        pod("pending", day).phase("Pending").build(),
    ];
    let summary = summary(&node("n1"), &pods, now());
    let json = serde_json::to_string_pretty(&summary).unwrap();
    expect_file!["golden/summary.json"].assert_eq(&json);
}
