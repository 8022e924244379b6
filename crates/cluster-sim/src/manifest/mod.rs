//! The files: read strictly, checked, sorted by kind.

mod error;
mod names;
mod object;
mod path;
mod rules;
mod strict;
mod tree;

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, PodTemplateSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

pub use error::ManifestError;
use object::Object;
use path::Path;
pub(crate) use rules::selects;
use strict::Finding;

/// The namespaces that every API server makes by itself.
pub(crate) const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// A controller that makes pods from a template, as its manifest says.
#[derive(Clone, Debug)]
pub(crate) enum Workload {
    Deployment(Box<Deployment>),
    ReplicaSet(Box<ReplicaSet>),
    StatefulSet(Box<StatefulSet>),
    DaemonSet(Box<DaemonSet>),
}

impl Workload {
    pub(crate) fn metadata(&self) -> &ObjectMeta {
        match self {
            Workload::Deployment(object) => &object.metadata,
            Workload::ReplicaSet(object) => &object.metadata,
            Workload::StatefulSet(object) => &object.metadata,
            Workload::DaemonSet(object) => &object.metadata,
        }
    }

    /// What pods it owns and how it makes them. Parsing refused manifests without a spec.
    fn selector_and_template(&self) -> Option<(&LabelSelector, &PodTemplateSpec)> {
        match self {
            Workload::Deployment(object) => object.spec.as_ref().map(|spec| (&spec.selector, &spec.template)),
            Workload::ReplicaSet(object) => {
                object.spec.as_ref().and_then(|spec| Some((&spec.selector, spec.template.as_ref()?)))
            }
            Workload::StatefulSet(object) => {
                object.spec.as_ref().map(|spec| (&spec.selector, &spec.template))
            }
            Workload::DaemonSet(object) => object.spec.as_ref().map(|spec| (&spec.selector, &spec.template)),
        }
    }
}

/// The checked manifests of a fleet: node templates, pods, namespaces and workloads.
///
/// Kinds tell what a document is for: a Node is a template for as many nodes as its weight gives it; a Pod with the
/// annotation [`REPLICAS`](crate::annotations::REPLICAS) is a template for bare pods, one without it a single pod; all
/// others are what they are for an API server.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) services: Vec<Service>,
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
        check_together(&documents)?;
        let mut manifests = Manifests::default();
        for document in documents {
            match document.object {
                Object::Namespace(object) => manifests.namespaces.push(*object),
                Object::Node(object) => manifests.nodes.push(*object),
                Object::Pod(object) => manifests.pods.push(*object),
                Object::Service(object) => manifests.services.push(*object),
                Object::Deployment(object) => manifests.workloads.push(Workload::Deployment(object)),
                Object::ReplicaSet(object) => manifests.workloads.push(Workload::ReplicaSet(object)),
                Object::StatefulSet(object) => manifests.workloads.push(Workload::StatefulSet(object)),
                Object::DaemonSet(object) => manifests.workloads.push(Workload::DaemonSet(object)),
            }
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
}

/// A file.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn yaml_error(self, error: tree::YamlError) -> ManifestError {
        ManifestError {
            file: self.name.to_owned(),
            line: error.place.line,
            column: error.place.column,
            object: None,
            field: None,
            message: error.message,
        }
    }

    fn error(self, document: usize, object: Option<String>, finding: &Finding) -> ManifestError {
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
    fn error(&self, path: Path, message: String) -> ManifestError {
        self.source.error(self.index, Some(self.object.describe()), &Finding::new(path, message))
    }
}

/// What documents must fulfil with each other.
fn check_together(documents: &[Document<'_>]) -> Result<(), ManifestError> {
    check_unique(documents)?;
    check_namespaces(documents)?;
    check_selectors(documents)
}

fn check_unique(documents: &[Document<'_>]) -> Result<(), ManifestError> {
    let mut seen = BTreeMap::new();
    for document in documents {
        let metadata = document.object.metadata();
        if let Some(first) =
            seen.insert((document.object.kind(), &metadata.namespace, &metadata.name), document)
        {
            let place = tree::locate(first.source.text, first.index, &Path::keys("metadata.name"));
            let message = format!("was already declared at {}:{}", first.source.name, place.line);
            return Err(document.error(Path::keys("metadata.name"), message));
        }
    }
    Ok(())
}

fn check_namespaces(documents: &[Document<'_>]) -> Result<(), ManifestError> {
    let declared = |name: &str| {
        SYSTEM_NAMESPACES.contains(&name)
            || documents.iter().any(|document| {
                matches!(document.object, Object::Namespace(_))
                    && document.object.metadata().name.as_deref() == Some(name)
            })
    };
    for document in documents {
        if let Some(namespace) = document.object.metadata().namespace.as_deref()
            && !declared(namespace)
        {
            let message = format!("no Namespace `{namespace}` is declared");
            return Err(document.error(Path::keys("metadata.namespace"), message));
        }
    }
    Ok(())
}

/// Two controllers that select each other's pods would fight over them.
fn check_selectors(documents: &[Document<'_>]) -> Result<(), ManifestError> {
    let workloads: Vec<_> = documents
        .iter()
        .filter_map(|document| {
            let workload = match &document.object {
                Object::Deployment(object) => Workload::Deployment(object.clone()),
                Object::ReplicaSet(object) => Workload::ReplicaSet(object.clone()),
                Object::StatefulSet(object) => Workload::StatefulSet(object.clone()),
                Object::DaemonSet(object) => Workload::DaemonSet(object.clone()),
                Object::Namespace(_) | Object::Node(_) | Object::Pod(_) | Object::Service(_) => return None,
            };
            let (selector, template) = workload.selector_and_template()?;
            let labels =
                template.metadata.as_ref().and_then(|metadata| metadata.labels.clone()).unwrap_or_default();
            Some((document, selector.clone(), labels))
        })
        .collect();
    for (position, (document, selector, labels)) in workloads.iter().enumerate() {
        for (other, others_selector, others_labels) in &workloads[..position] {
            let together = document.object.metadata().namespace == other.object.metadata().namespace;
            if together && (selects(selector, others_labels) || selects(others_selector, labels)) {
                let message = format!("it and {} select each other's pods", other.object.describe());
                return Err(document.error(Path::keys("spec.selector"), message));
            }
        }
    }
    Ok(())
}
