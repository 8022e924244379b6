//! Names, labels, annotations, and what only a server may set.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Checked, refuse};
use crate::manifest::names::{is_dns_label, is_dns_subdomain, is_label_value, is_qualified_name};
use crate::manifest::object::Object;
use crate::manifest::path::Path;

pub(super) fn check(object: &Object) -> Checked {
    let metadata = object.metadata();
    let path = Path::keys("metadata");
    let Some(name) = metadata.name.as_deref().filter(|name| !name.is_empty()) else {
        return refuse(path.key("name"), "is missing");
    };
    match object {
        Object::Namespace(_) | Object::Service(_) if !is_dns_label(name) => {
            return refuse(path.key("name"), format!("`{name}` is no DNS label: a-z, 0-9 and -, at most 63"));
        }
        _ if !is_dns_subdomain(name) => {
            return refuse(
                path.key("name"),
                format!("`{name}` is no DNS name: a-z, 0-9, - and ., at most 253"),
            );
        }
        _ => {}
    }
    match &metadata.namespace {
        Some(_) if !object.is_namespaced() => {
            return refuse(path.key("namespace"), format!("a {} lives in no namespace", object.kind()));
        }
        Some(namespace) if !is_dns_label(namespace) => {
            return refuse(
                path.key("namespace"),
                format!("`{namespace}` is no DNS label: a-z, 0-9 and -, at most 63"),
            );
        }
        _ => {}
    }
    for (given, field) in [
        (metadata.uid.is_some(), "uid"),
        (metadata.resource_version.is_some(), "resourceVersion"),
        (metadata.generation.is_some(), "generation"),
        (metadata.creation_timestamp.is_some(), "creationTimestamp"),
        (metadata.deletion_timestamp.is_some(), "deletionTimestamp"),
        (metadata.generate_name.is_some(), "generateName"),
        (metadata.managed_fields.is_some(), "managedFields"),
        (metadata.owner_references.is_some(), "ownerReferences"),
    ] {
        if given {
            return refuse(path.key(field), "is for the server and the controllers to set");
        }
    }
    check_texts(metadata, &path)
}

/// Labels and annotations, of an object or of a template.
pub(super) fn check_texts(metadata: &ObjectMeta, path: &Path) -> Checked {
    for (key, value) in metadata.labels.iter().flatten() {
        let path = path.key("labels").key(key);
        if !is_qualified_name(key) {
            return refuse(path, "is no label key");
        }
        if !is_label_value(value) {
            return refuse(
                path,
                format!("`{value}` is no label value: letters, digits, -, _ and ., at most 63"),
            );
        }
    }
    for key in metadata.annotations.iter().flatten().map(|(key, _)| key) {
        let path = path.key("annotations").key(key);
        // Unlike a label's, the case of an annotation's prefix does not matter; ours are lower-case.
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            return refuse(path, "is no annotation key");
        }
    }
    Ok(())
}
