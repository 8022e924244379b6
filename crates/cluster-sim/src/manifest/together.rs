//! What documents must fulfil with each other.

use std::collections::BTreeMap;

use super::numbered;
use super::object::Object;
use super::path::Path;
use super::rules::selects;
use super::workload::{Size, Workload};
use super::{Document, ManifestError, SYSTEM_NAMESPACES};
use crate::annotations;

type Checked = Result<(), ManifestError>;

pub(super) fn check(documents: &[Document<'_>]) -> Checked {
    check_unique(documents)?;
    check_servers_own(documents)?;
    numbered::check(documents)?;
    check_namespaces(documents)?;
    let workloads: Vec<_> =
        documents.iter().filter_map(|document| Some((document, workload(&document.object)?))).collect();
    check_selectors(&workloads)?;
    check_spare(&workloads)?;
    check_autoscalers(documents, &workloads)
}

fn workload(object: &Object) -> Option<Workload> {
    match object {
        Object::Deployment(object) => Some(Workload::Deployment(object.clone())),
        Object::ReplicaSet(object) => Some(Workload::ReplicaSet(object.clone())),
        Object::ReplicationController(object) => Some(Workload::ReplicationController(object.clone())),
        Object::StatefulSet(object) => Some(Workload::StatefulSet(object.clone())),
        Object::DaemonSet(object) => Some(Workload::DaemonSet(object.clone())),
        _ => None,
    }
}

fn check_unique(documents: &[Document<'_>]) -> Checked {
    let mut seen = BTreeMap::new();
    for document in documents {
        let metadata = document.object.metadata();
        if let Some(first) =
            seen.insert((document.object.kind(), &metadata.namespace, &metadata.name), document)
        {
            let message = format!("was already declared at {}", first.place());
            return Err(document.error(Path::keys("metadata.name"), message));
        }
    }
    Ok(())
}

/// The API server makes its own Service.
fn check_servers_own(documents: &[Document<'_>]) -> Checked {
    let own = documents.iter().find(|document| {
        let metadata = document.object.metadata();
        matches!(document.object, Object::Service(_))
            && metadata.namespace.as_deref() == Some("default")
            && metadata.name.as_deref() == Some("kubernetes")
    });
    own.map_or(Ok(()), |document| {
        Err(document.error(Path::keys("metadata.name"), "the API server makes a Service of this name itself"))
    })
}

fn check_namespaces(documents: &[Document<'_>]) -> Checked {
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
fn check_selectors(workloads: &[(&Document<'_>, Workload)]) -> Checked {
    let labels = |workload: &Workload| {
        workload
            .template()
            .and_then(|template| template.metadata.as_ref()?.labels.clone())
            .unwrap_or_default()
    };
    let known: Vec<_> = workloads
        .iter()
        .filter_map(|(document, workload)| Some((*document, workload.selector()?, labels(workload))))
        .collect();
    for (position, (document, selector, labels)) in known.iter().enumerate() {
        for (other, others_selector, others_labels) in &known[..position] {
            let together = document.object.metadata().namespace == other.object.metadata().namespace;
            if together && (selects(selector, others_labels) || selects(others_selector, labels)) {
                let message = format!("it and {} select each other's pods", other.object.describe());
                return Err(document.error(Path::keys("spec.selector"), message));
            }
        }
    }
    Ok(())
}

fn check_spare(workloads: &[(&Document<'_>, Workload)]) -> Checked {
    let mut spare = workloads.iter().filter(|(_, workload)| workload.is_spare());
    if let (Some((first, _)), Some((second, _))) = (spare.next(), spare.next()) {
        let path = Path::keys("metadata.annotations").key(annotations::SCALING);
        return Err(
            second.error(path, format!("{} is `spare` already; one is enough", first.object.describe()))
        );
    }
    Ok(())
}

/// An autoscaler has a Deployment to scale, and is its only one.
fn check_autoscalers(documents: &[Document<'_>], workloads: &[(&Document<'_>, Workload)]) -> Checked {
    let mut targets = BTreeMap::new();
    for document in documents {
        let Object::HorizontalPodAutoscaler(autoscaler) = &document.object else { continue };
        let spec = &autoscaler.spec;
        let path = Path::keys("spec.scaleTargetRef");
        let (target, namespace) = (&spec.scale_target_ref, &autoscaler.metadata.namespace);
        let found = workloads.iter().find(|(document, _)| {
            document.object.kind() == target.kind
                && document.object.metadata().name.as_ref() == Some(&target.name)
                && document.object.metadata().namespace == *namespace
        });
        let Some((_, workload)) = found else {
            let message = format!("there is no {} `{}` in this namespace", target.kind, target.name);
            return Err(document.error(path.key("name"), message));
        };
        if workload.is_spare() || workload.is_fixed() {
            let message =
                format!("`{}` has the annotation {}: it cannot be scaled", target.name, annotations::SCALING);
            return Err(document.error(path.key("name"), message));
        }
        let Size::Replicas(replicas) = workload.size() else { continue };
        let (least, most) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
        // A target without any pods is not scaled.
        if replicas > 0 && !(least..=most).contains(&i32::try_from(replicas).unwrap_or(i32::MAX)) {
            let message =
                format!("the {replicas} replicas of `{}` are not within {least} to {most}", target.name);
            return Err(document.error(Path::keys("spec.maxReplicas"), message));
        }
        if let Some(first) = targets.insert((&target.name, namespace), document) {
            let message = format!("{} scales `{}` already", first.object.describe(), target.name);
            return Err(document.error(path.key("name"), message));
        }
    }
    Ok(())
}
