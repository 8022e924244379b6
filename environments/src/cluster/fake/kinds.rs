//! The kinds that the fake has.

use serde_json::{Value, json};

/// A kind: apiVersion, plural, name, whether its objects are in namespaces.
pub(super) struct Kind {
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) name: &'static str,
    pub(super) is_namespaced: bool,
}

macro_rules! kinds {
    ($($version:literal: $($plural:ident $name:ident $namespaced:literal),*;)*) => {
        &[$($(Kind { version: $version, plural: stringify!($plural), name: stringify!($name), is_namespaced: $namespaced },)*)*]
    };
}

const KINDS: &[Kind] = kinds! {
    "v1": namespaces Namespace false, nodes Node false, persistentvolumes PersistentVolume false, pods Pod true,
        services Service true, serviceaccounts ServiceAccount true, configmaps ConfigMap true, secrets Secret true,
        resourcequotas ResourceQuota true, limitranges LimitRange true, events Event true,
        persistentvolumeclaims PersistentVolumeClaim true, replicationcontrollers ReplicationController true;
    "apps/v1": deployments Deployment true, replicasets ReplicaSet true, statefulsets StatefulSet true,
        daemonsets DaemonSet true;
    "batch/v1": jobs Job true, cronjobs CronJob true;
    "autoscaling/v2": horizontalpodautoscalers HorizontalPodAutoscaler true;
    "policy/v1": poddisruptionbudgets PodDisruptionBudget true;
    "rbac.authorization.k8s.io/v1": clusterroles ClusterRole false, clusterrolebindings ClusterRoleBinding false,
        roles Role true, rolebindings RoleBinding true;
    "storage.k8s.io/v1": storageclasses StorageClass false;
    "apiextensions.k8s.io/v1": customresourcedefinitions CustomResourceDefinition false;
    "kwok.x-k8s.io/v1alpha1": stages Stage false;
};

/// Those of a version.
pub(super) fn of_version(version: &str) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |kind| kind.version == version)
}

/// By the name in a path.
pub(super) fn by_plural(version: &str, plural: &str) -> Option<&'static Kind> {
    of_version(version).find(|kind| kind.plural == plural)
}

/// By the name in an object.
pub(super) fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What the server says about a version; `None` when it has nothing of it.
pub(super) fn resource_list(version: &str, is_there: impl Fn(&Kind) -> bool) -> Option<Value> {
    let mut resources = Vec::new();
    for kind in of_version(version).filter(|kind| is_there(kind)) {
        let resource = |name: String| {
            json!({
                "name": name, "singularName": "", "kind": kind.name, "namespaced": kind.is_namespaced,
                "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            })
        };
        resources.push(resource(kind.plural.to_owned()));
        resources.push(resource(format!("{}/status", kind.plural)));
    }
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources});
    (!resources.is_empty()).then_some(list)
}
