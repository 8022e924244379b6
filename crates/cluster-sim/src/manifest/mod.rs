//! The files: read strictly, checked, sorted by kind.

mod error;
mod names;
pub(crate) mod numbered;
mod object;
pub(crate) mod path;
mod rules;
pub(crate) mod stage;
pub(crate) mod strict;
mod together;
pub(crate) mod tree;
mod workload;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Service,
};
use serde_json::Value;

pub use error::ManifestError;
use object::Object;
use path::Path;
use stage::Stage;
use strict::Finding;
pub(crate) use workload::{Size, Workload, annotation};

/// The namespaces that every API server makes by itself.
pub(crate) const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The checked manifests of a fleet: node templates, pods, namespaces and workloads.
///
/// Kinds tell what a document is for: a Node is a template for as many nodes as its weight gives it; a Pod with the
/// annotation [`REPLICAS`](crate::annotations::REPLICAS) is a template for bare pods, one without it a single pod; a
/// PersistentVolume whose claim is called like the claims of a StatefulSet without their number is a template for one
/// volume per pod of it; all others are what they are for an API server.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) services: Vec<Service>,
    pub(crate) quotas: Vec<ResourceQuota>,
    pub(crate) autoscalers: Vec<HorizontalPodAutoscaler>,
    pub(crate) volumes: Vec<PersistentVolume>,
    pub(crate) claims: Vec<PersistentVolumeClaim>,
    pub(crate) stages: Vec<Stage>,
}

impl Manifests {
    /// Reads and checks `files`, pairs of (name, text); a name appears in errors only. A text is a stream of YAML
    /// documents. Stops at the first error, in file order; what concerns several documents is checked last.
    pub fn parse<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Manifests, ManifestError> {
        let mut documents = Vec::new();
        for (name, text) in files {
            let source = Source { name: name.as_ref(), text: text.as_ref() };
            for (index, tree) in tree::documents(source.text).map_err(|error| source.yaml_error(error))? {
                let read = Object::read(&tree).and_then(|object| rules::check(&object).map(|()| object));
                let mut object =
                    read.map_err(|finding| source.error(index, object::describe_tree(&tree), &finding))?;
                if object.is_namespaced() && object.metadata().namespace.is_none() {
                    object.metadata_mut().namespace = Some("default".to_owned());
                }
                documents.push(Document { source, index, object });
            }
        }
        together::check(&documents)?;
        let mut manifests = Manifests::default();
        for document in documents {
            manifests.add(document.object);
        }
        if manifests.nodes.is_empty() {
            return Err(ManifestError {
                file: files.first().map(|(name, _)| name.as_ref().to_owned()).unwrap_or_default(),
                line: 1,
                column: 1,
                object: None,
                field: None,
                message: "no file has a Node: at least one is needed as the template of the nodes".to_owned(),
            });
        }
        Ok(manifests)
    }

    fn add(&mut self, object: Object) {
        match object {
            Object::Namespace(object) => self.namespaces.push(*object),
            Object::Node(object) => self.nodes.push(*object),
            Object::Pod(object) => self.pods.push(*object),
            Object::Service(object) => self.services.push(*object),
            Object::ResourceQuota(object) => self.quotas.push(*object),
            Object::HorizontalPodAutoscaler(object) => self.autoscalers.push(*object),
            Object::PersistentVolume(object) => self.volumes.push(*object),
            Object::PersistentVolumeClaim(object) => self.claims.push(*object),
            Object::Stage(object) => self.stages.push(*object),
            Object::Deployment(object) => self.workloads.push(Workload::Deployment(object)),
            Object::ReplicaSet(object) => self.workloads.push(Workload::ReplicaSet(object)),
            Object::ReplicationController(object) => {
                self.workloads.push(Workload::ReplicationController(object));
            }
            Object::StatefulSet(object) => self.workloads.push(Workload::StatefulSet(object)),
            Object::DaemonSet(object) => self.workloads.push(Workload::DaemonSet(object)),
            Object::Job(object) => self.workloads.push(Workload::Job(object)),
            Object::CronJob(object) => self.workloads.push(Workload::CronJob(object)),
        }
    }
}

/// What is wrong with the fields of an object: one that its kind does not have, one of the wrong type, or one without a value.
/// Objects of kinds that no fleet has are not judged.
///
/// # Errors
/// `FIELD: what is wrong`.
pub fn check_fields(object: &Value) -> Result<(), String> {
    if !object["kind"].as_str().is_some_and(object::is_known) {
        return Ok(());
    }
    match Object::read(object) {
        Ok(_) => Ok(()),
        Err(finding) => Err(format!("{}: {}", finding.path, finding.message)),
    }
}

/// An object as JSON: how it is sent to an API server. Types of Kubernetes always serialise.
pub(crate) fn tree_of<K: serde::Serialize>(object: &K) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// A file.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    pub(crate) fn yaml_error(self, error: tree::YamlError) -> ManifestError {
        ManifestError {
            file: self.name.to_owned(),
            line: error.place.line,
            column: error.place.column,
            object: None,
            field: None,
            message: error.message,
        }
    }

    pub(crate) fn error(self, document: usize, object: Option<String>, finding: &Finding) -> ManifestError {
        let place = tree::locate(self.text, document, &finding.path);
        let field = finding.path.to_string();
        ManifestError {
            file: self.name.to_owned(),
            line: place.line,
            column: place.column,
            object,
            field: (!field.is_empty()).then_some(field),
            message: finding.message.clone(),
        }
    }
}

/// A document of a file.
struct Document<'a> {
    source: Source<'a>,
    index: usize,
    object: Object,
}

impl Document<'_> {
    fn error(&self, path: Path, message: impl Into<String>) -> ManifestError {
        self.source.error(self.index, Some(self.object.describe()), &Finding::new(path, message))
    }

    /// Where its name is written: `FILE:LINE`.
    fn place(&self) -> String {
        let place = tree::locate(self.source.text, self.index, &Path::keys("metadata.name"));
        format!("{}:{}", self.source.name, place.line)
    }
}
