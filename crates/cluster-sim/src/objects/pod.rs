//! Pods: from a template to a bound pod, without the status.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, DownwardAPIProjection, DownwardAPIVolumeFile, KeyToPath, Node,
    ObjectFieldSelector, Pod, PodSpec, ProjectedVolumeSource, ServiceAccountTokenProjection, Toleration,
    Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kubelet_stats::Quantity;

use crate::defaults;
use crate::draw::Draw;
use crate::resources::value;
use crate::time::calendar::time;
use crate::time::span::Seconds;

/// The directory in which a container finds its service account's token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Labels of a node that its pods get on binding.
const TOPOLOGY_LABELS: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/// What the pods of one owner have in common.
#[derive(Clone, Debug)]
pub(crate) struct Mold {
    pod: Pod,
}

impl Mold {
    /// From a pod's manifest, or a template's metadata and spec.
    pub(crate) fn new(metadata: &ObjectMeta, spec: &PodSpec, namespace: &str) -> Mold {
        let metadata = ObjectMeta {
            namespace: Some(namespace.to_owned()),
            labels: metadata.labels.clone(),
            annotations: metadata.annotations.clone(),
            generation: Some(1),
            ..ObjectMeta::default()
        };
        Mold { pod: Pod { metadata, spec: Some(admitted(spec)), status: None } }
    }

    pub(crate) fn tolerate(mut self, tolerations: impl IntoIterator<Item = Toleration>) -> Mold {
        let own = self.spec_mut().tolerations.get_or_insert_default();
        for toleration in tolerations {
            // The server's defaults are replaced by an owner's wish for the same taint.
            own.retain(|other| {
                other.key.is_none() || other.key != toleration.key || other.effect != toleration.effect
            });
            own.push(toleration);
        }
        self
    }

    /// A pod of this mold. Not bound to a node without `place`.
    pub(crate) fn pod(&self, name: &str, draw: Draw, created: Seconds, place: Option<&Place<'_>>) -> Pod {
        let mut pod = self.pod.clone();
        pod.metadata.name = Some(name.to_owned());
        pod.metadata.uid = Some(draw.uuid());
        pod.metadata.creation_timestamp = Some(time(created));
        if let Some(spec) = &mut pod.spec {
            if spec.automount_service_account_token != Some(false) {
                mount_token(spec, &format!("kube-api-access-{}", draw.of("token").suffix(0)));
            }
            if let Some(place) = place {
                spec.node_name = place.node.metadata.name.clone();
            }
        }
        if let Some(node_labels) = place.and_then(|place| place.node.metadata.labels.as_ref()) {
            for key in TOPOLOGY_LABELS {
                if let Some(value) = node_labels.get(key) {
                    pod.metadata
                        .labels
                        .get_or_insert_default()
                        .entry(key.to_owned())
                        .or_insert_with(|| value.clone());
                }
            }
        }
        pod
    }

    pub(crate) fn spec(&self) -> Option<&PodSpec> {
        self.pod.spec.as_ref()
    }

    pub(crate) fn labels(&self) -> Option<&BTreeMap<String, String>> {
        self.pod.metadata.labels.as_ref()
    }

    fn spec_mut(&mut self) -> &mut PodSpec {
        self.pod.spec.get_or_insert_default()
    }
}

/// Where a pod is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) node: &'a Node,
    /// The node's number, which gives its addresses.
    pub(crate) index: usize,
    /// The pod's number on the node.
    pub(crate) number: usize,
    /// Whether the manifest itself named the node, so that the scheduler had no say.
    pub(crate) by_manifest: bool,
}

/// A pod's spec as the API server lets it in: with its defaults.
pub(crate) fn admitted(spec: &PodSpec) -> PodSpec {
    let mut spec = spec.clone();
    defaults::pod_spec(&mut spec);
    admit(&mut spec);
    spec
}

/// What the API server's admission adds to every pod.
fn admit(spec: &mut PodSpec) {
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        request_limits(container);
    }
    spec.enable_service_links.get_or_insert(true);
    spec.preemption_policy.get_or_insert_with(|| "PreemptLowerPriority".to_owned());
    spec.priority.get_or_insert(match spec.priority_class_name.as_deref() {
        Some("system-node-critical") => 2_000_001_000,
        Some("system-cluster-critical") => 2_000_000_000,
        _ => 0,
    });
    let account = spec.service_account_name.get_or_insert_with(|| "default".to_owned()).clone();
    spec.service_account = Some(account);
    let tolerations = spec.tolerations.get_or_insert_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations.iter().any(|toleration| {
            toleration.effect.as_deref().is_none_or(|effect| effect == "NoExecute")
                && toleration.key.as_deref().is_none_or(|own| own == key)
        });
        if !tolerated {
            tolerations
                .push(Toleration { toleration_seconds: Some(300), ..tolerate_existing(key, "NoExecute") });
        }
    }
}

/// Tolerates any taint `key` of this effect.
pub(crate) fn tolerate_existing(key: &str, effect: &str) -> Toleration {
    Toleration {
        key: Some(key.to_owned()),
        effect: Some(effect.to_owned()),
        operator: Some("Exists".to_owned()),
        ..Toleration::default()
    }
}

/// A limit without a request is requested.
fn request_limits(container: &mut Container) {
    let Some(resources) = &mut container.resources else { return };
    let Some(limits) = &resources.limits else { return };
    let requests = resources.requests.get_or_insert_default();
    for (name, limit) in limits {
        requests.entry(name.clone()).or_insert_with(|| limit.clone());
    }
}

/// The volume with the service account's token, and its mount in every container.
fn mount_token(spec: &mut PodSpec, name: &str) {
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        container.volume_mounts.get_or_insert_default().push(VolumeMount {
            name: name.to_owned(),
            mount_path: TOKEN_DIRECTORY.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        });
    }
    let token = VolumeProjection {
        service_account_token: Some(ServiceAccountTokenProjection {
            expiration_seconds: Some(3607),
            path: "token".to_owned(),
            ..ServiceAccountTokenProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let authority = VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: "kube-root-ca.crt".to_owned(),
            items: Some(vec![KeyToPath { key: "ca.crt".to_owned(), path: "ca.crt".to_owned(), mode: None }]),
            ..ConfigMapProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let namespace = VolumeProjection {
        downward_api: Some(DownwardAPIProjection {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "namespace".to_owned(),
                field_ref: Some(ObjectFieldSelector {
                    api_version: Some("v1".to_owned()),
                    field_path: "metadata.namespace".to_owned(),
                }),
                ..DownwardAPIVolumeFile::default()
            }]),
        }),
        ..VolumeProjection::default()
    };
    spec.volumes.get_or_insert_default().push(Volume {
        name: name.to_owned(),
        projected: Some(ProjectedVolumeSource {
            default_mode: Some(0o644),
            sources: Some(vec![token, authority, namespace]),
        }),
        ..Volume::default()
    });
}

/// The pod's quality of service.
pub(crate) fn qos_class(spec: &PodSpec) -> &'static str {
    let (mut any, mut all_equal) = (false, true);
    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
        let none = BTreeMap::new();
        let resources = container.resources.as_ref();
        let requests = resources.and_then(|resources| resources.requests.as_ref()).unwrap_or(&none);
        let limits = resources.and_then(|resources| resources.limits.as_ref()).unwrap_or(&none);
        for resource in ["cpu", "memory"] {
            let (request, limit) = (requests.get(resource).map(value), limits.get(resource).map(value));
            any |= [request, limit].into_iter().flatten().any(|amount| amount > Quantity::default());
            // A limit alone is a request too.
            all_equal &=
                limit.is_some() && request.unwrap_or(limit.unwrap_or_default()) == limit.unwrap_or_default();
        }
    }
    match (any, all_equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quality_of_service_follows_requests_and_limits() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (class, resources) in [
            ("BestEffort", vec![json!({})]),
            ("BestEffort", vec![json!({"requests": {"ephemeral-storage": "1Gi"}})]),
            ("Guaranteed", vec![json!({"requests": both, "limits": {"cpu": "1000m", "memory": "1024Mi"}})]),
            ("Guaranteed", vec![json!({"limits": both})]),
            ("Burstable", vec![json!({"limits": both}), json!({})]),
            ("Burstable", vec![json!({"requests": {"cpu": "1m"}})]),
            ("Burstable", vec![json!({"requests": both, "limits": {"cpu": "2", "memory": "1Gi"}})]),
        ] {
            let containers: Vec<_> =
                resources.iter().map(|resources| json!({"name": "a", "resources": resources})).collect();
            let spec = serde_json::from_value(json!({"containers": containers})).unwrap();
            assert_eq!(qos_class(&spec), class, "{resources:?}");
        }
    }

    #[test]
    fn every_pod_tolerates_a_lost_node_for_five_minutes_unless_its_manifest_says_otherwise() {
        for (added, own) in [
            (2, json!([])),
            (0, json!([{"operator": "Exists"}])),
            (
                1,
                json!([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]),
            ),
            (2, json!([{"operator": "Exists", "effect": "NoSchedule"}])),
        ] {
            let mut spec: PodSpec =
                serde_json::from_value(json!({"containers": [], "tolerations": own})).unwrap();
            let before = spec.tolerations.as_ref().unwrap().len();
            admit(&mut spec);
            assert_eq!(spec.tolerations.unwrap().len() - before, added, "{own}");
        }
    }
}
