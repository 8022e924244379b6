//! Objects as an API server would answer them.

pub(crate) mod autoscaler;
pub(crate) mod batch;
pub(crate) mod deployment;
pub(crate) mod endpoints;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod pod_status;
pub(crate) mod quota;
pub(crate) mod service;
pub(crate) mod sets;
pub(crate) mod storage;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kubelet_stats::annotations::{FILL, SPIKE};

use crate::annotations::PROVOKED;
use crate::provocation::deed::Marks;
use crate::time::calendar::{Calendar, time};
use crate::time::span::Seconds;

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

/// Puts what provocations leave on an object into its labels and annotations, in the place of what was there of it.
pub(crate) fn mark(metadata: &mut ObjectMeta, marks: Marks) {
    put(&mut metadata.labels, PROVOKED, marks.label.map(str::to_owned));
    put(&mut metadata.annotations, SPIKE, marks.spike);
    put(&mut metadata.annotations, FILL, marks.fill);
}

fn put(map: &mut Option<BTreeMap<String, String>>, key: &str, value: Option<String>) {
    match (value, map) {
        (Some(value), map) => {
            map.get_or_insert_default().insert(key.to_owned(), value);
        }
        (None, Some(entries)) => {
            entries.remove(key);
        }
        (None, None) => {}
    }
}

/// When an object was made and when it last changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) created: Seconds,
    pub(crate) changed: Seconds,
}

impl Dates<'_> {
    /// Gives a manifest's metadata what the server sets.
    pub(crate) fn admit(&self, metadata: &mut ObjectMeta, uid: &str) {
        metadata.uid = Some(uid.to_owned());
        metadata.creation_timestamp = Some(time(self.created));
        metadata.resource_version = Some(self.calendar.resource_version(self.changed.max(self.created)));
    }

    /// The same for a kind whose spec is counted.
    pub(crate) fn admit_generation(&self, metadata: &mut ObjectMeta, uid: &str, generation: i64) {
        self.admit(metadata, uid);
        metadata.generation = Some(generation);
    }
}

/// What a controller counts of its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Pods that it wants.
    pub(crate) desired: i32,
    /// Pods that exist.
    pub(crate) pods: i32,
    /// Those of them that are ready; nothing here takes longer to become available.
    pub(crate) ready: i32,
    /// Those of them that are of the latest revision.
    pub(crate) updated: i32,
}

/// Go leaves zeros out of many fields.
pub(crate) fn unless_zero(number: i32) -> Option<i32> {
    (number != 0).then_some(number)
}

/// A count as Kubernetes writes it.
pub(crate) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
