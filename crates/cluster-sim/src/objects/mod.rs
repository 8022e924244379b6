//! Objects as an API server would answer them.

pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod pod_status;
pub(crate) mod service;
pub(crate) mod workload;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::calendar::{Calendar, time};
use crate::span::Seconds;

/// A set of labels.
pub(crate) fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Who owns an object and controls it.
pub(crate) fn controller(api_version: &str, kind: &str, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Gives a manifest's metadata what the server sets.
pub(crate) fn admit(
    metadata: &mut ObjectMeta,
    uid: &str,
    created: Seconds,
    changed: Seconds,
    calendar: &Calendar,
) {
    metadata.uid = Some(uid.to_owned());
    metadata.creation_timestamp = Some(time(created));
    metadata.resource_version = Some(calendar.resource_version(changed));
}
