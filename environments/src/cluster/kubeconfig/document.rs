//! A kubeconfig as a tree: what is not ours stays as it is.

use anyhow::Context as _;
use serde_yaml::{Mapping, Value};

use super::Entries;

/// The lists of a kubeconfig, and the field of their entries that says something.
const LISTS: [(&str, &str); 3] = [("clusters", "cluster"), ("users", "user"), ("contexts", "context")];

/// A kubeconfig.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document(Mapping);

impl Document {
    /// An empty text is an empty kubeconfig.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let tree: Value = serde_yaml::from_str(text)?;
        let mapping = match tree {
            Value::Null => Mapping::new(),
            Value::Mapping(mapping) => mapping,
            _ => anyhow::bail!("it is not a mapping"),
        };
        for (list, _) in LISTS {
            match mapping.get(list) {
                None | Some(Value::Null | Value::Sequence(_)) => {}
                Some(_) => anyhow::bail!("`{list}` is not a list"),
            }
        }
        Ok(Self(mapping))
    }

    pub(super) fn text(&self) -> anyhow::Result<String> {
        serde_yaml::to_string(&self.0).context("the kubeconfig cannot be written as YAML")
    }

    pub(super) fn current_context(&self) -> Option<String> {
        self.0.get("current-context")?.as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    pub(super) fn set_current_context(&mut self, name: Option<&str>) {
        self.0.insert("current-context".into(), name.unwrap_or_default().into());
    }

    /// The entry of a list by its name.
    pub(super) fn entry(&self, list: &str, name: &str) -> Option<&Value> {
        self.0.get(list)?.as_sequence()?.iter().find(|entry| is_called(entry, name))
    }

    /// Whether anything in it has this name, or chooses it.
    pub(super) fn names(&self, name: &str) -> bool {
        LISTS.iter().any(|(list, _)| self.entry(list, name).is_some())
            || self.current_context().as_deref() == Some(name)
    }

    /// Whether it has exactly these.
    pub(super) fn has(&self, entries: &Entries) -> bool {
        LISTS.iter().all(|(list, field)| {
            let entry = self.entry(list, &entries.name);
            entry.is_some_and(|entry| entry.get(field) == Some(&value(entries, field)))
        })
    }

    /// Sets them, in their places where they are there already.
    pub(super) fn put(&mut self, entries: &Entries) {
        for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
            if !self.0.contains_key(key) {
                self.0.insert(key.into(), value.into());
            }
        }
        for (list, field) in LISTS {
            let mut entry = Mapping::new();
            entry.insert("name".into(), entries.name.as_str().into());
            entry.insert(field.into(), value(entries, field));
            let entry = Value::Mapping(entry);
            let mut known = match self.0.get_mut(list).map(std::mem::take) {
                Some(Value::Sequence(known)) => known,
                _ => Vec::new(),
            };
            match known.iter_mut().find(|entry| is_called(entry, &entries.name)) {
                Some(place) => *place = entry,
                None => known.push(entry),
            }
            self.0.insert(list.into(), Value::Sequence(known));
        }
    }

    /// Takes out what has this name; whether there was something. The current context stays.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let mut removed = false;
        for (list, _) in LISTS {
            if let Some(Value::Sequence(known)) = self.0.get_mut(list) {
                let before = known.len();
                known.retain(|entry| !is_called(entry, name));
                removed |= known.len() < before;
            }
        }
        removed
    }

    /// Whether it says nothing any more.
    pub(super) fn is_empty(&self) -> bool {
        let has_entries = |list: &str| {
            self.0.get(list).and_then(Value::as_sequence).is_some_and(|entries| !entries.is_empty())
        };
        self.current_context().is_none() && !LISTS.iter().any(|(list, _)| has_entries(list))
    }
}

/// What the entry of a list says.
fn value(entries: &Entries, field: &str) -> Value {
    match field {
        "cluster" => entries.cluster.clone(),
        "user" => entries.user.clone(),
        _ => {
            let mut context = Mapping::new();
            for field in ["cluster", "user"] {
                context.insert(field.into(), entries.name.as_str().into());
            }
            Value::Mapping(context)
        }
    }
}

fn is_called(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}
