//! Objects for tests.

use serde_json::{Value, json};

/// A node that is ready.
pub(crate) fn node(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "creationTimestamp": "2026-03-01T00:00:00Z",
            "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name},
            "managedFields": [{"manager": "kwok", "operation": "Update", "fieldsV1": {"f:status": {}}}]},
        "spec": {"podCIDR": "10.0.0.0/24"},
        "status": {"capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"}, "allocatable": {"memory": "30Gi"},
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-03-14T15:00:00Z"},
                {"type": "DiskPressure", "status": "False"}],
            "nodeInfo": {"architecture": "amd64", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
                "kubeProxyVersion": "", "kubeletVersion": "v1.36.1", "machineID": "", "operatingSystem": "linux",
                "osImage": "", "systemUUID": ""}}
    })
}

/// A pod that runs on a node.
pub(crate) fn pod(name: &str, node: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "labels": {"app": "web"},
            "creationTimestamp": "2026-03-10T00:00:00Z"},
        "spec": {"nodeName": node, "restartPolicy": "Always", "serviceAccountName": "default",
            "containers": [{"name": "main", "image": "registry.example/web:1", "env": [{"name": "A", "value": "b"}],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]},
        "status": {"phase": "Running", "startTime": "2026-03-10T00:00:01Z", "podIP": "10.0.0.9",
            "containerStatuses": [{"name": "main", "restartCount": 0, "ready": true, "image": "registry.example/web:1",
                "imageID": "", "containerID": "containerd://0123", "state": {"running": {"startedAt": "2026-03-10T00:00:02Z"}}}]}
    })
}

/// A claim of so much.
pub(crate) fn claim(name: &str, size: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"},
        "spec": {"resources": {"requests": {"storage": size}}}, "status": {"capacity": {"storage": size}}})
}
