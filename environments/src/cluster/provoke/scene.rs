//! What there is in a cluster that something can be done to.

use cluster_sim::Target;
use cluster_sim::provocation::TargetKind;
use futures_util::future::try_join_all;
use serde_json::Value;

use super::super::exchange::{Call, Form, Trouble};
use super::super::{Cluster, Pace};

/// Every kind and where its objects are.
const KINDS: [(TargetKind, &str, &str); 10] = [
    (TargetKind::Node, "/api/v1", "nodes"),
    (TargetKind::Pod, "/api/v1", "pods"),
    (TargetKind::Deployment, "/apis/apps/v1", "deployments"),
    (TargetKind::StatefulSet, "/apis/apps/v1", "statefulsets"),
    (TargetKind::DaemonSet, "/apis/apps/v1", "daemonsets"),
    (TargetKind::ReplicaSet, "/apis/apps/v1", "replicasets"),
    (TargetKind::ReplicationController, "/api/v1", "replicationcontrollers"),
    (TargetKind::Job, "/apis/batch/v1", "jobs"),
    (TargetKind::CronJob, "/apis/batch/v1", "cronjobs"),
    (TargetKind::PersistentVolumeClaim, "/api/v1", "persistentvolumeclaims"),
];

/// Objects in an answer, at most.
const PAGE: &str = "500";

/// An object that may be meant.
pub(super) struct Thing {
    pub(super) target: Target,
    /// What it has controlled since it came to be has this as its owner.
    pub(super) uid: String,
}

/// Everything that may be meant.
pub(super) struct Scene {
    pub(super) things: Vec<Thing>,
}

/// Where an object is.
pub(super) fn path(target: &Target) -> String {
    // The table stands in the order of the variants; a test holds it there.
    let (_, root, plural) = KINDS[target.kind as usize];
    match &target.namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{}", target.name),
        None => format!("{root}/{plural}/{}", target.name),
    }
}

/// Where a pod is.
pub(super) fn pod_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

impl Scene {
    /// Looks at all kinds side by side.
    pub(super) async fn look(cluster: &Cluster) -> Result<Self, Trouble> {
        let lists = KINDS.iter().map(|(kind, root, plural)| async move {
            let objects = cluster.list(&format!("{root}/{plural}"), Form::MetadataList).await?;
            // Those of Deployments and CronJobs are their owners' business.
            let by_others = matches!(kind, TargetKind::ReplicaSet | TargetKind::Job);
            let things = objects.into_iter().filter(|object| !by_others || controller(object).is_none());
            Ok::<Vec<Thing>, Trouble>(things.map(|object| thing(*kind, &object)).collect())
        });
        Ok(Self { things: try_join_all(lists).await?.into_iter().flatten().collect() })
    }
}

fn thing(kind: TargetKind, object: &Value) -> Thing {
    let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
    let target = Target { kind, namespace: text("namespace"), name: text("name").unwrap_or_default() };
    Thing { target, uid: text("uid").unwrap_or_default() }
}

/// The uid of what controls an object.
fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

impl Cluster {
    /// All objects of a collection, in pages.
    pub(super) async fn list(&self, collection: &str, form: Form) -> Result<Vec<Value>, Trouble> {
        let (mut found, mut next) = (Vec::new(), String::new());
        loop {
            let mut call = Call::get(collection).query("limit", PAGE).form(form);
            if !next.is_empty() {
                call = call.query("continue", &next);
            }
            let mut page: Value = self.insist(&call, &Pace::default()).await?.json()?;
            if let Value::Array(items) = page["items"].take() {
                found.extend(items);
            }
            next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                return Ok(found);
            }
        }
    }

    /// The pods of a namespace.
    pub(super) async fn pods_in(&self, namespace: &str) -> Result<Vec<Value>, Trouble> {
        self.list(&format!("/api/v1/namespaces/{namespace}/pods"), Form::Whole).await
    }

    /// The pods of a workload: those that it controls itself, and those of what it controls.
    pub(super) async fn pods_of(&self, workload: &Thing) -> Result<Vec<Value>, Trouble> {
        let Some(namespace) = &workload.target.namespace else { return Ok(Vec::new()) };
        let mut owners = vec![workload.uid.clone()];
        let between = match workload.target.kind {
            TargetKind::Deployment => Some(("/apis/apps/v1", "replicasets")),
            TargetKind::CronJob => Some(("/apis/batch/v1", "jobs")),
            _ => None,
        };
        if let Some((root, plural)) = between {
            let objects =
                self.list(&format!("{root}/namespaces/{namespace}/{plural}"), Form::MetadataList).await?;
            let own = objects.iter().filter(|object| controller(object) == Some(&workload.uid));
            owners.extend(own.filter_map(|object| object["metadata"]["uid"].as_str().map(str::to_owned)));
        }
        let mut pods = self.pods_in(namespace).await?;
        pods.retain(|pod| controller(pod).is_some_and(|uid| owners.iter().any(|owner| owner == uid)));
        Ok(pods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_is_in_order() {
        for (position, (kind, _, plural)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, position);
            assert_eq!(kind.name().to_ascii_lowercase() + "s", *plural);
        }
    }
}
