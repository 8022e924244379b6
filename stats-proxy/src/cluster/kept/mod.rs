//! Pods as they are kept: what a summary depends on, in some hundred bytes.
//!
//! A pod as the API server sends it takes tens of kilobytes, and even an empty [`Pod`] more than a thousand, because it has
//! room for every field there is. So what is kept has a form of its own, and becomes a [`Pod`] again for an answer.

mod names;
mod status;
mod template;
mod volume;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kubelet_stats::annotations;

pub(crate) use self::names::Shared;
use self::status::KeptStatus;
use self::template::Template;
use self::volume::KeptVolume;

/// The annotations of a pod that usage depends on.
const ANNOTATIONS: [&str; 5] =
    [annotations::PROFILE, annotations::CPU, annotations::MEMORY, annotations::SPIKE, annotations::FILL];

/// What pods have in common.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// Names of namespaces, nodes and containers, and phases.
    names: Shared<str>,
    templates: Shared<Template>,
}

impl Common {
    /// A name.
    pub(crate) fn name(&mut self, name: &str) -> Arc<str> {
        self.names.share(name)
    }

    /// Forgets what no pod has.
    pub(crate) fn forget_unused(&mut self) {
        self.names.forget_unused();
        self.templates.forget_unused();
    }
}

/// A pod that is bound to a node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptPod {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    pub(crate) node: Arc<str>,
    created: Option<Timestamp>,
    annotations: Box<[(&'static str, Box<str>)]>,
    template: Arc<Template>,
    volumes: Box<[KeptVolume]>,
    phase: Option<Arc<str>>,
    started: Option<Timestamp>,
    containers: Box<[KeptStatus]>,
    /// Of those init containers that go on running.
    sidecars: Box<[KeptStatus]>,
}

impl KeptPod {
    /// What is kept of `pod`; nothing of one that is not bound to a node, as no kubelet knows it.
    pub(crate) fn of(pod: &Pod, common: &mut Common) -> Option<Self> {
        let spec = pod.spec.as_ref()?;
        let node = spec.node_name.as_deref().filter(|node| !node.is_empty())?;
        let name = pod.metadata.name.as_deref()?;
        let template = Template::of(spec);
        let status = pod.status.as_ref();
        let all = |list: Option<&Vec<_>>, common: &mut Common| -> Box<[KeptStatus]> {
            list.into_iter().flatten().map(|status| KeptStatus::of(status, &mut common.names)).collect()
        };
        let containers = all(status.and_then(|status| status.container_statuses.as_ref()), common);
        let init = all(status.and_then(|status| status.init_container_statuses.as_ref()), common);
        let sidecars = init.into_iter().filter(|status| template.has_sidecar(status.name())).collect();
        Some(Self {
            namespace: common.name(pod.metadata.namespace.as_deref().unwrap_or_default()),
            name: name.into(),
            uid: pod.metadata.uid.as_deref().unwrap_or_default().into(),
            node: common.name(node),
            created: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
            annotations: kept_annotations(&pod.metadata),
            volumes: spec.volumes.iter().flatten().map(KeptVolume::of).collect(),
            phase: status.and_then(|status| status.phase.as_deref()).map(|phase| common.name(phase)),
            started: status.and_then(|status| status.start_time.as_ref()).map(|time| time.0),
            containers,
            sidecars,
            template: common.templates.share(template),
        })
    }

    /// Whether a kubelet has stats of it.
    pub(crate) fn has_stats(&self) -> bool {
        matches!(self.phase.as_deref(), Some("Running" | "Unknown"))
    }

    /// When its last container ended, if the pod has ended; `now` where no container says.
    pub(crate) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        let ended = matches!(self.phase.as_deref(), Some("Succeeded" | "Failed"));
        ended.then(|| self.containers.iter().filter_map(KeptStatus::finished).max().unwrap_or(now))
    }

    /// The pod again, with what was kept of it.
    pub(crate) fn pod(&self) -> Pod {
        let time = |at: Option<Timestamp>| at.map(Time);
        let volumes: Vec<_> = self.volumes.iter().map(KeptVolume::volume).collect();
        let mut spec = self.template.spec();
        spec.node_name = Some(self.node.to_string());
        spec.volumes = Some(volumes).filter(|volumes| !volumes.is_empty());
        let statuses = |kept: &[KeptStatus]| {
            let statuses: Vec<_> = kept.iter().map(KeptStatus::status).collect();
            Some(statuses).filter(|statuses| !statuses.is_empty())
        };
        let annotations =
            self.annotations.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect();
        Pod {
            metadata: ObjectMeta {
                name: Some(self.name.to_string()),
                namespace: Some(self.namespace.to_string()),
                uid: Some(self.uid.to_string()).filter(|uid| !uid.is_empty()),
                creation_timestamp: time(self.created),
                annotations: Some(annotations).filter(|_| !self.annotations.is_empty()),
                ..ObjectMeta::default()
            },
            spec: Some(spec),
            status: Some(PodStatus {
                phase: self.phase.as_deref().map(str::to_owned),
                start_time: time(self.started),
                container_statuses: statuses(&self.containers),
                init_container_statuses: statuses(&self.sidecars),
                ..PodStatus::default()
            }),
        }
    }
}

fn kept_annotations(metadata: &ObjectMeta) -> Box<[(&'static str, Box<str>)]> {
    let Some(annotations) = &metadata.annotations else { return Box::default() };
    ANNOTATIONS.iter().filter_map(|key| Some((*key, annotations.get(*key)?.as_str().into()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(value: Value) -> Pod {
        serde_json::from_value(value).unwrap()
    }

    /// What is kept of a pod, as JSON.
    fn kept(value: Value) -> Value {
        let kept = KeptPod::of(&pod(value), &mut Common::default()).unwrap();
        serde_json::to_value(kept.pod()).unwrap()
    }

    #[test]
    fn what_a_summary_depends_on_is_kept_and_nothing_else() {
        let given = json!({
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "u", "labels": {"app": "web"},
                "creationTimestamp": "2026-03-10T00:00:00Z", "ownerReferences": [],
                "annotations": {"kwok.x-k8s.io/usage-cpu": "250m", "else": "x"}},
            "spec": {"nodeName": "a", "hostNetwork": true, "restartPolicy": "OnFailure", "dnsPolicy": "Default",
                "initContainers": [{"name": "once", "image": "x"},
                    {"name": "sidecar", "image": "x", "restartPolicy": "Always", "resources": {"limits": {"cpu": "1"}}}],
                "containers": [{"name": "main", "image": "x", "args": ["a"],
                    "resources": {"requests": {"cpu": "100m", "memory": "1Gi", "example.com/gpu": "1"}}}],
                "volumes": []},
            "status": {"phase": "Running", "startTime": "2026-03-10T00:00:01Z", "podIP": "10.0.0.1",
                "initContainerStatuses": [
                    {"name": "once", "restartCount": 0, "ready": true, "image": "x", "imageID": "",
                        "state": {"terminated": {"exitCode": 0}}},
                    {"name": "sidecar", "restartCount": 1, "ready": true, "image": "x", "imageID": "",
                        "state": {"running": {"startedAt": "2026-03-10T00:00:02Z"}}}],
                "containerStatuses": [{"name": "main", "restartCount": 3, "ready": false, "image": "x", "imageID": "y",
                    "containerID": "containerd://0", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}
        });
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-03-10T00:00:00Z",
                "annotations": {"kwok.x-k8s.io/usage-cpu": "250m"}},
            "spec": {"nodeName": "a", "hostNetwork": true, "restartPolicy": "OnFailure",
                "initContainers": [{"name": "sidecar", "restartPolicy": "Always", "resources": {"limits": {"cpu": "1"}}}],
                "containers": [{"name": "main", "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}}]},
            "status": {"phase": "Running", "startTime": "2026-03-10T00:00:01Z",
                "initContainerStatuses": [{"name": "sidecar", "restartCount": 1, "ready": true, "image": "", "imageID": "",
                    "state": {"running": {"startedAt": "2026-03-10T00:00:02Z"}}}],
                "containerStatuses": [{"name": "main", "restartCount": 3, "ready": false, "image": "", "imageID": "",
                    "containerID": "containerd://0", "state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 0}}}]}
        });
        assert_eq!(kept(given), expected);
    }

    #[test]
    fn volumes_keep_their_kind_and_their_size() {
        for (given, expected) in [
            (json!({"configMap": {"name": "c", "items": []}}), json!({"configMap": {"name": ""}})),
            (json!({"secret": {"secretName": "s"}}), json!({"secret": {}})),
            (json!({"projected": {"sources": [{"secret": {"name": "s"}}]}}), json!({"projected": {}})),
            (json!({"downwardAPI": {"items": []}}), json!({"downwardAPI": {}})),
            (json!({"hostPath": {"path": "/var"}}), json!({"hostPath": {"path": ""}})),
            (
                json!({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}),
                json!({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}),
            ),
            (
                json!({"persistentVolumeClaim": {"claimName": "data", "readOnly": true}}),
                json!({"persistentVolumeClaim": {"claimName": "data"}}),
            ),
            (json!({"nfs": {"server": "s", "path": "/p"}}), json!({"nfs": {"server": "s", "path": "/p"}})),
        ] {
            let named = |mut volume: Value| {
                volume["name"] = json!("v");
                volume
            };
            let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "a", "containers": [],
                "volumes": [named(given)]}});
            assert_eq!(kept(pod)["spec"]["volumes"], json!([named(expected)]));
        }
    }

    #[test]
    fn no_kubelet_knows_a_pod_without_a_node() {
        for node in [json!(null), json!("")] {
            let unbound =
                pod(json!({"metadata": {"name": "p"}, "spec": {"nodeName": node, "containers": []}}));
            assert!(KeptPod::of(&unbound, &mut Common::default()).is_none());
        }
    }

    #[test]
    fn pods_of_a_workload_have_their_template_in_common() {
        let mut common = Common::default();
        let replica = |name: &str| {
            let container = json!({"name": "main", "resources": {"requests": {"cpu": "1"}}});
            pod(json!({"metadata": {"name": name}, "spec": {"nodeName": "a", "containers": [container]}}))
        };
        let [a, b] = ["a", "b"].map(|name| KeptPod::of(&replica(name), &mut common).unwrap());
        assert!(Arc::ptr_eq(&a.template, &b.template));
        drop((a, b));
        common.forget_unused();
        assert_eq!((common.templates.len(), common.names.len()), (0, 0));
    }
}
