//! The kinds that a fleet may have.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota,
    Service,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::path::Path;
use super::stage::Stage;
use super::strict::{self, Finding};

macro_rules! objects {
    ($($kind:ident, $api_version:literal, $namespaced:literal;)*) => {
        /// A document, read.
        #[derive(Clone, Debug)]
        pub(crate) enum Object {
            $($kind(Box<$kind>),)*
        }

        /// Every kind with its apiVersion.
        const KINDS: &[(&str, &str)] = &[$((stringify!($kind), $api_version),)*];

        impl Object {
            fn read_kind(kind: &str, tree: &Value) -> Result<Object, Finding> {
                match kind {
                    $(stringify!($kind) => strict::read(tree).map(Box::new).map(Object::$kind),)*
                    _ => Err(Finding::new(Path::keys("kind"), unknown_kind(kind))),
                }
            }

            /// Such as `Deployment`.
            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(Object::$kind(_) => stringify!($kind),)*
                }
            }

            /// Whether objects of this kind live in a namespace.
            pub(crate) fn is_namespaced(&self) -> bool {
                match self {
                    $(Object::$kind(_) => $namespaced,)*
                }
            }

            pub(crate) fn metadata(&self) -> &ObjectMeta {
                match self {
                    $(Object::$kind(object) => &object.metadata,)*
                }
            }

            pub(crate) fn metadata_mut(&mut self) -> &mut ObjectMeta {
                match self {
                    $(Object::$kind(object) => &mut object.metadata,)*
                }
            }
        }
    };
}

objects! {
    Namespace, "v1", false;
    Node, "v1", false;
    Pod, "v1", true;
    Service, "v1", true;
    ResourceQuota, "v1", true;
    PersistentVolume, "v1", false;
    PersistentVolumeClaim, "v1", true;
    ReplicationController, "v1", true;
    Deployment, "apps/v1", true;
    ReplicaSet, "apps/v1", true;
    StatefulSet, "apps/v1", true;
    DaemonSet, "apps/v1", true;
    Job, "batch/v1", true;
    CronJob, "batch/v1", true;
    HorizontalPodAutoscaler, "autoscaling/v2", true;
    Stage, "kwok.x-k8s.io/v1alpha1", false;
}

impl Object {
    /// Reads a document by its `kind`.
    pub(crate) fn read(tree: &Value) -> Result<Object, Finding> {
        let Value::Object(fields) = tree else {
            return Err(Finding::new(
                Path::default(),
                "a manifest is a mapping with apiVersion, kind and metadata",
            ));
        };
        let text = |key: &str| match fields.get(key) {
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(_) => Err(Finding::new(Path::keys(key), "must be a text")),
            None => Err(Finding::new(Path::default(), format!("`{key}` is missing"))),
        };
        let (kind, api_version) = (text("kind")?, text("apiVersion")?);
        let Some((_, known)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            return Err(Finding::new(Path::keys("kind"), unknown_kind(kind)));
        };
        if api_version != *known {
            let message = format!("a {kind} is of apiVersion `{known}`, not `{api_version}`");
            return Err(Finding::new(Path::keys("apiVersion"), message));
        }
        Object::read_kind(kind, tree)
    }

    /// `Kind namespace/name`.
    pub(crate) fn describe(&self) -> String {
        let metadata = self.metadata();
        describe(self.kind(), metadata.namespace.as_deref(), metadata.name.as_deref())
    }
}

/// Whether a fleet may have objects of this kind.
pub(super) fn is_known(kind: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == kind)
}

fn unknown_kind(kind: &str) -> String {
    let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    format!("unknown kind `{kind}`; known are {}", known.join(", "))
}

/// `Kind namespace/name`, as far as they are known.
pub(crate) fn describe(kind: &str, namespace: Option<&str>, name: Option<&str>) -> String {
    match (namespace, name) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        _ => kind.to_owned(),
    }
}

/// [`describe`] for a tree that could not be read.
pub(crate) fn describe_tree(tree: &Value) -> Option<String> {
    let metadata = |key: &str| tree["metadata"][key].as_str();
    tree["kind"].as_str().map(|kind| describe(kind, metadata("namespace"), metadata("name")))
}
