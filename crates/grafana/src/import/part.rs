//! A part of a document that is taken to pieces: what nobody took is reported, so that nothing is lost in silence.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Dropped, ImportError};

/// What is lost on the way.
#[derive(Default)]
pub(super) struct Losses(Vec<Dropped>);

impl Losses {
    pub(super) fn add(&mut self, path: String, why: &str) {
        self.0.push(Dropped { path, why: why.to_owned() });
    }

    pub(super) fn into_dropped(self) -> Vec<Dropped> {
        self.0
    }
}

/// An object, its place, and which of its fields were taken.
pub(super) struct Part<'a> {
    fields: &'a Map<String, Value>,
    path: String,
    taken: BTreeSet<&'static str>,
}

impl<'a> Part<'a> {
    pub(super) fn new(fields: &'a Map<String, Value>, path: impl Into<String>) -> Self {
        Self { fields, path: path.into(), taken: BTreeSet::new() }
    }

    /// A value that has to be an object.
    pub(super) fn of(value: &'a Value, path: impl Into<String>) -> Result<Self, ImportError> {
        let path = path.into();
        match value {
            Value::Object(fields) => Ok(Self::new(fields, path)),
            _ => Err(ImportError::NoClassicForm { path, message: "must be an object".to_owned() }),
        }
    }

    /// Where a field of it stands.
    pub(super) fn place(&self, key: &str) -> String {
        key_in(&self.path, key)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// All fields: they are names here, or somebody else's business.
    pub(super) fn all(self) -> &'a Map<String, Value> {
        self.fields
    }

    /// An error about it.
    pub(super) fn error<T>(&self, key: &str, message: impl Into<String>) -> Result<T, ImportError> {
        Err(ImportError::NoClassicForm { path: self.place(key), message: message.into() })
    }

    /// A field's value; null is the same as nothing.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.taken.insert(key);
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.take(key).and_then(Value::as_str)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        self.take(key) == Some(&Value::Bool(true))
    }

    /// A number of grid lines or columns. Numbers that no page has are cut, so that sums stay numbers.
    pub(super) fn grid(&mut self, key: &'static str) -> i64 {
        self.take(key).and_then(Value::as_f64).map_or(0, |number| number.clamp(0.0, 1e6) as i64)
    }

    /// A list, with the place of each item.
    pub(super) fn list(
        &mut self,
        key: &'static str,
    ) -> Result<impl Iterator<Item = (&'a Value, String)> + use<'a>, ImportError> {
        let place = self.place(key);
        let items: &'a [Value] = match self.take(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => return self.error(key, "must be a list"),
        };
        Ok(items.iter().enumerate().map(move |(i, item)| (item, format!("{place}[{i}]"))))
    }

    /// An object inside.
    pub(super) fn part(&mut self, key: &'static str) -> Result<Option<Part<'a>>, ImportError> {
        let place = self.place(key);
        self.take(key).map(|value| Part::of(value, place)).transpose()
    }

    /// An object inside that has to be there.
    pub(super) fn needed(&mut self, key: &'static str) -> Result<Part<'a>, ImportError> {
        match self.part(key)? {
            Some(part) => Ok(part),
            None => self.error(key, "is missing"),
        }
    }

    /// Copies fields that are called the same there.
    pub(super) fn copy(&mut self, keys: &[&'static str], to: &mut Map<String, Value>) {
        for key in keys {
            if let Some(value) = self.take(key) {
                to.insert((*key).to_owned(), value.clone());
            }
        }
    }

    /// Copies everything that was not taken.
    pub(super) fn copy_rest(self, to: &mut Map<String, Value>) {
        for (key, value) in self.fields {
            if !self.taken.contains(key.as_str()) && !to.contains_key(key) && !value.is_null() {
                to.insert(key.clone(), value.clone());
            }
        }
    }

    /// Drops a field with a reason, where it says anything.
    pub(super) fn drop_field(&mut self, key: &'static str, why: &str, losses: &mut Losses) {
        if let Some(value) = self.take(key)
            && says_something(value)
        {
            losses.add(self.place(key), why);
        }
    }

    /// Reports what was not taken.
    pub(super) fn finish(self, losses: &mut Losses) {
        for (key, value) in self.fields {
            if !self.taken.contains(key.as_str()) && says_something(value) {
                losses.add(self.place(key), "the classic form has nothing like it");
            }
        }
    }
}

/// Whether leaving a value out makes a difference.
pub(super) fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// The place of a field, as JavaScript would write it.
pub(super) fn key_in(path: &str, key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match (path.is_empty(), plain && !key.is_empty()) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key:?}]"),
    }
}
