//! Pods as a kubelet lists them.

use std::borrow::Borrow;

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

/// When the kubelet first saw a pod.
const SEEN: &str = "kubernetes.io/config.seen";
/// Where it heard of it.
const SOURCE: &str = "kubernetes.io/config.source";

/// A `PodList` without the fields that an API server's has beside: a kubelet's has no resource version, and its items do
/// not repeat what they are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodList<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: NoMetadata,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct NoMetadata {}

#[derive(Serialize)]
struct Item<'a> {
    metadata: ObjectMeta,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'a PodSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a PodStatus>,
}

impl<'a> PodList<'a> {
    pub(crate) fn of<P: Borrow<Pod>>(pods: &'a [P]) -> Self {
        let items = pods.iter().map(|pod| Item::of(pod.borrow())).collect();
        Self { kind: "PodList", api_version: "v1", metadata: NoMetadata {}, items }
    }
}

impl<'a> Item<'a> {
    fn of(pod: &'a Pod) -> Self {
        let mut metadata = pod.metadata.clone();
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(SOURCE.to_owned(), "api".to_owned());
        // A pod is seen when it is bound, which is as good as at once.
        if let Some(created) = &metadata.creation_timestamp {
            annotations.insert(SEEN.to_owned(), created.0.to_string());
        }
        Self { metadata, spec: pod.spec.as_ref(), status: pod.status.as_ref() }
    }
}
