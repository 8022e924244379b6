//! Nodes and pods for the tests.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::{Value, json};

/// The instant that the tests call now.
pub(crate) fn now() -> Timestamp {
    "2026-03-14T15:09:26Z".parse().unwrap()
}

pub(crate) fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

pub(crate) fn node(name: &str) -> Node {
    serde_json::from_value(json!({
        "metadata": {"name": name, "uid": format!("uid-of-{name}"), "creationTimestamp": "2026-03-01T00:00:00Z"},
        "status": {"capacity": {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}}
    }))
    .unwrap()
}

/// A pod that is being put together.
#[derive(Clone)]
pub(crate) struct PodSpec(Value);

/// A pod that runs since `start`, without containers yet.
pub(crate) fn pod(uid: &str, start: Timestamp) -> PodSpec {
    PodSpec(json!({
        "metadata": {
            "name": format!("pod-{uid}"), "namespace": "shop", "uid": uid, "creationTimestamp": start, "annotations": {}
        },
        "spec": {"nodeName": "n1", "containers": [], "volumes": []},
        "status": {"phase": "Running", "startTime": start, "containerStatuses": []}
    }))
}

impl PodSpec {
    pub(crate) fn annotated(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["annotations"][key] = value.into();
        self
    }

    pub(crate) fn phase(mut self, phase: &str) -> Self {
        self.0["status"]["phase"] = phase.into();
        self
    }

    pub(crate) fn restart_policy(mut self, policy: &str) -> Self {
        self.0["spec"]["restartPolicy"] = policy.into();
        self
    }

    pub(crate) fn host_network(mut self) -> Self {
        self.0["spec"]["hostNetwork"] = true.into();
        self
    }

    pub(crate) fn volume(mut self, volume: Value) -> Self {
        self.0["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        self
    }

    /// With a container in this state.
    pub(crate) fn container(mut self, name: &str, resources: Value, restarts: i64, state: Value) -> Self {
        let container = json!({"name": name, "resources": resources});
        self.0["spec"]["containers"].as_array_mut().unwrap().push(container);
        let status = json!({
            "name": name, "restartCount": restarts, "ready": true, "image": "", "imageID": "", "state": state
        });
        self.0["status"]["containerStatuses"].as_array_mut().unwrap().push(status);
        self
    }

    /// With a container that runs since `since`.
    pub(crate) fn running(self, name: &str, resources: Value, since: Timestamp) -> Self {
        self.container(name, resources, 0, json!({"running": {"startedAt": since}}))
    }

    pub(crate) fn build(self) -> Pod {
        serde_json::from_value(self.0).unwrap()
    }
}

/// Requests and limits of CPU and memory.
pub(crate) fn resources(
    request_cpu: &str,
    request_memory: &str,
    limit_cpu: &str,
    limit_memory: &str,
) -> Value {
    json!({
        "requests": {"cpu": request_cpu, "memory": request_memory},
        "limits": {"cpu": limit_cpu, "memory": limit_memory}
    })
}
