//! Objects of ours in the cluster, by server-side apply: LGTM and the sample workloads.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use super::cluster::K3dCluster;
use super::manifests::{ANNOTATION, Objects, name};
use super::{Fresh, failures, step};
use crate::cluster::{Cluster, Pace};
use crate::plan::{Progress, Removal, State, Step, StepName};

pub(super) struct ObjectsStep {
    name: StepName,
    objects: Objects,
    cluster: Arc<K3dCluster>,
    fresh: Fresh,
}

impl ObjectsStep {
    pub(super) fn new(name: StepName, objects: Objects, cluster: &Arc<K3dCluster>, fresh: &Fresh) -> Self {
        Self { name, objects, cluster: Arc::clone(cluster), fresh: fresh.clone() }
    }

    /// How many there are, in words.
    fn amount(&self) -> String {
        format!("{} objects", self.objects.all().len())
    }
}

impl Step for ObjectsStep {
    fn name(&self) -> StepName {
        self.name
    }

    fn needs(&self) -> &[StepName] {
        &[step::CLUSTER]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            // Without a kubeconfig there is no cluster.
            let Ok(cluster) = self.cluster.client().await else { return Ok(State::Absent) };
            for object in self.objects.all() {
                // Applying changes what differs, makes anew what cannot be changed, as a Job, and leaves the rest alone.
                if !is_as_asked_for(&cluster, object).await? {
                    return Ok(State::Absent);
                }
            }
            Ok(State::Up(self.amount()))
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let applying =
                self.cluster.client().await?.apply(self.objects.all(), Pace::default(), progress).await;
            Ok(applying.map_err(|error| failures::explain(error, ""))?.to_string())
        })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            if self.fresh.is_set() {
                return Ok(Removal::Nothing);
            }
            // Helm's releases are in the namespace, too.
            let ours = self.objects.all().iter().filter(|object| object["kind"] != "Namespace").cloned();
            let ours: Vec<Value> = ours.collect();
            self.cluster.client().await?.delete(&ours).await
        })
    }
}

/// Whether an object is there and made from the same.
async fn is_as_asked_for(cluster: &Cluster, object: &Value) -> anyhow::Result<bool> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (group, version) = match text("/apiVersion").unwrap_or_default().split_once('/') {
        Some(parts) => parts,
        None => ("", text("/apiVersion").unwrap_or_default()),
    };
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind").unwrap_or_default()));
    let api: Api<DynamicObject> = match text("/metadata/namespace") {
        Some(namespace) => Api::namespaced_with(cluster.client(), namespace, &resource),
        None => Api::all_with(cluster.client(), &resource),
    };
    let found = api.get_metadata_opt(text("/metadata/name").unwrap_or_default()).await;
    let found = found.with_context(|| format!("failed to look at {}", name(object)))?;
    let Some(found) = found else { return Ok(false) };
    let annotation = found.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ANNOTATION));
    let wanted = object["metadata"]["annotations"][ANNOTATION].as_str();
    Ok(annotation.map(String::as_str) == wanted)
}
