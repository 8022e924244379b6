//! A Kubernetes type from a tree, with nothing lost on the way.
//!
//! The types ignore fields that they do not know, as an API server does unless told otherwise. A misspelt field would
//! be a setting without effect, so what the type kept is compared with the tree.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::path::{Path, Step};

/// What is wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: Path,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(path: Path, message: impl Into<String>) -> Finding {
        Finding { path, message: message.into() }
    }
}

/// `tree` as a `K`; an error for a value of the wrong type, an unknown field and a field without a value.
pub(crate) fn read<K: DeserializeOwned + Serialize>(tree: &Value) -> Result<K, Finding> {
    let typed = K::deserialize(tree).map_err(|error| {
        let message = error.to_string();
        let complaint = |tree: &Value| K::deserialize(tree).err().map(|error| error.to_string());
        Finding::new(locate(tree, &message, &complaint), plain(&message))
    })?;
    let kept =
        serde_json::to_value(&typed).map_err(|error| Finding::new(Path::default(), error.to_string()))?;
    match first_lost(tree, &kept, &Path::default()) {
        Some(finding) => Err(finding),
        None => Ok(typed),
    }
}

/// Where in `tree` the cause of `message` is: the deepest value without which the complaint would be another one.
///
/// Serde's errors have no place. A deserializer that keeps track of the path would be another copy of the code of every
/// Kubernetes type, which takes longer to compile than all the rest of this crate; this costs time only for a tree that
/// is wrong.
fn locate(tree: &Value, message: &str, complaint: &dyn Fn(&Value) -> Option<String>) -> Path {
    let mut path = Path::default();
    let mut pointer = String::new();
    // Each round goes one level down.
    while let Some(step) = guilty_child(tree, &pointer, message, complaint) {
        match step {
            Child::Field(key) => {
                pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                path = path.step(Step::Key(key));
            }
            Child::Item(index) => {
                pointer = format!("{pointer}/{index}");
                path = path.index(index);
            }
        }
    }
    path
}

enum Child {
    Field(String),
    Item(usize),
}

/// The child of the value at `pointer` whose absence changes the complaint.
fn guilty_child(
    tree: &Value,
    pointer: &str,
    message: &str,
    complaint: &dyn Fn(&Value) -> Option<String>,
) -> Option<Child> {
    let blames = |remove: &dyn Fn(&mut Value)| {
        let mut without = tree.clone();
        without.pointer_mut(pointer).is_some_and(|parent| {
            remove(parent);
            true
        }) && complaint(&without).as_deref() != Some(message)
    };
    match tree.pointer(pointer)? {
        Value::Object(fields) => fields.keys().find_map(|key| {
            let remove = |parent: &mut Value| {
                parent.as_object_mut().map(|fields| fields.remove(key));
            };
            blames(&remove).then(|| Child::Field(key.clone()))
        }),
        Value::Array(items) => (0..items.len()).find_map(|index| {
            let remove = |parent: &mut Value| {
                parent.as_array_mut().map(|items| items.remove(index));
            };
            blames(&remove).then_some(Child::Item(index))
        }),
        _ => None,
    }
}

/// Rust's names of types mean nothing to authors of manifests.
fn plain(message: &str) -> String {
    ["i32", "i64", "u32", "u64"]
        .iter()
        .find_map(|number| message.strip_suffix(&format!("expected {number}")))
        .map_or_else(|| message.to_owned(), |start| format!("{start}expected a whole number"))
}

/// The first thing in `tree` that is not in `kept`.
fn first_lost(tree: &Value, kept: &Value, path: &Path) -> Option<Finding> {
    match (tree, kept) {
        (Value::Object(fields), Value::Object(kept)) => fields.iter().find_map(|(key, value)| {
            let path = path.key(key);
            match (value, kept.get(key)) {
                // What `kubectl create --dry-run -o yaml` writes.
                (Value::Null, _) if key == "creationTimestamp" => None,
                (Value::Null, _) => Some(Finding::new(path, "has no value")),
                (_, None) => Some(Finding::new(path, "unknown field")),
                (value, Some(kept)) => first_lost(value, kept, &path),
            }
        }),
        (Value::Array(items), Value::Array(kept)) => {
            items.iter().zip(kept).enumerate().find_map(|(index, (item, kept))| match item {
                Value::Null => Some(Finding::new(path.index(index), "has no value")),
                item => first_lost(item, kept, &path.index(index)),
            })
        }
        _ => None,
    }
}
