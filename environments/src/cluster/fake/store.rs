//! The objects of the fake, with versions and who applied what.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{kinds, merge};

/// Kind, namespace, name.
pub(super) type Key = (String, String, String);

#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    /// What each manager said last, by object, manager and subresource.
    said: HashMap<(Key, String, String), Value>,
    version: u64,
    /// When each namespace came to be.
    pub(super) namespaces: HashMap<String, Instant>,
}

/// A change of an object.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    Apply { manager: &'a str, object: &'a Value },
    Merge(&'a Value),
}

pub(super) fn key(object: &Value) -> Key {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    (text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]))
}

impl Store {
    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |(key, _)| key.0 == kind).map(|(_, object)| object)
    }

    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// Puts an object there as it is.
    pub(super) fn put(&mut self, mut object: Value) {
        let version = self.next_version();
        object["metadata"]["resourceVersion"] = json!(version);
        let key = key(&object);
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{version}"));
        }
        if object["apiVersion"].is_null()
            && let Some(kind) = kinds::by_name(&key.0)
        {
            object["apiVersion"] = json!(kind.version);
        }
        self.objects.insert(key, object);
    }

    pub(super) fn take(&mut self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let key = (kind.to_owned(), namespace.unwrap_or_default().to_owned(), name.to_owned());
        self.said.retain(|(other, _, _), _| *other != key);
        self.objects.remove(&key)
    }

    /// Changes an object, or its status alone; the object, and whether it is new. One that is the same keeps its version.
    pub(super) fn change(&mut self, key: &Key, is_status: bool, change: Change<'_>) -> (Value, bool) {
        let old = self.objects.get(key).cloned();
        let mut new = old.clone().unwrap_or_else(|| json!({}));
        match change {
            Change::Apply { manager, object } => {
                let mut object = object.clone();
                if let Some(fields) = object.as_object_mut() {
                    // Each of the two ways in changes what is its own.
                    fields.retain(|field, _| match field.as_str() {
                        "status" => is_status,
                        "apiVersion" | "kind" | "metadata" => true,
                        _ => !is_status,
                    });
                }
                let part = if is_status { "status" } else { "" };
                let said = (key.clone(), manager.to_owned(), part.to_owned());
                merge::apply(&mut new, self.said.get(&said), &object);
                self.said.insert(said, object);
                note_manager(&mut new, manager, part);
            }
            Change::Merge(patch) => {
                let mut patch = patch.clone();
                if let Some(fields) = patch.as_object_mut() {
                    fields.retain(|field, _| (field == "status") == is_status || field == "metadata");
                }
                merge::merge(&mut new, &patch);
            }
        }
        if Some(&new) == old.as_ref() {
            return (new, false);
        }
        let version = self.next_version();
        let metadata = &mut new["metadata"];
        if old.is_none() {
            metadata["uid"] = json!(format!("uid-{version}"));
            metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        let before = old.as_ref().map(|old| &old["spec"]);
        let generation = metadata["generation"].as_u64().unwrap_or(0);
        metadata["resourceVersion"] = json!(version);
        if before != Some(&new["spec"]) && !new["spec"].is_null() {
            new["metadata"]["generation"] = json!(generation + 1);
        }
        self.objects.insert(key.clone(), new.clone());
        (new, old.is_none())
    }
}

/// Writes down who has applied.
fn note_manager(object: &mut Value, manager: &str, subresource: &str) {
    let mut entry = json!({"manager": manager, "operation": "Apply", "apiVersion": object["apiVersion"]});
    if !subresource.is_empty() {
        entry["subresource"] = json!(subresource);
    }
    let fields = &mut object["metadata"]["managedFields"];
    match fields.as_array_mut() {
        Some(entries) if entries.contains(&entry) => {}
        Some(entries) => entries.push(entry),
        None => *fields = json!([entry]),
    }
}
