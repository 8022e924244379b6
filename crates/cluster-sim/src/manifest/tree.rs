//! YAML text as trees, and back from a place in a tree to a place in the text.
//!
//! Kubernetes types are read from the tree, not from the text: trees can be compared with what the types kept of them.
//! Places are found by reading the text once more with a reader that fails on purpose where the path ends: the YAML
//! library then says where that was, whatever style the text is written in.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::path::{Path, Step};

/// A place in a text, line and column counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

const START: Place = Place { line: 1, column: 1 };

/// What YAML does not allow, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// The documents of a stream, without the empty ones, each with its index in the stream.
pub(crate) fn documents(text: &str) -> Result<Vec<(usize, Value)>, YamlError> {
    let mut documents = Vec::new();
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        match Tree.deserialize(document).map_err(|error| yaml_error(&error))? {
            Value::Null => {}
            tree => documents.push((index, tree)),
        }
    }
    Ok(documents)
}

fn yaml_error(error: &serde_yaml::Error) -> YamlError {
    let place = place(error).unwrap_or(START);
    let text = error.to_string();
    // The library repeats the place, and puts the path before errors of ours.
    let text = text.split(" at line ").next().unwrap_or_default();
    let message =
        text.split_once(": ").map_or(text, |(path, rest)| if path.contains(' ') { text } else { rest });
    YamlError { place, message: message.to_owned() }
}

fn place(error: &serde_yaml::Error) -> Option<Place> {
    error.location().map(|location| Place { line: location.line(), column: location.column() })
}

/// Where `path` leads in the `document`-th document of `text`: to the key, or to the item of a sequence; as far as the
/// text has it.
pub(crate) fn locate(text: &str, document: usize, path: &Path) -> Place {
    let steps = path.steps();
    (0..=steps.len())
        .rev()
        .find_map(|length| {
            let document = serde_yaml::Deserializer::from_str(text).nth(document)?;
            let error = Probe(&steps[..length]).deserialize(document).err()?;
            place(&error)
        })
        .unwrap_or(START)
}

/// Reads a tree, refusing what JSON has not and a key that comes twice.
struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has too")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut sequence = Vec::new();
        while let Some(item) = items.next_element_seed(Tree)? {
            sequence.push(item);
        }
        Ok(Value::Array(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = Map::new();
        while let Some(key) = entries.next_key_seed(NewKey(&mapping))? {
            let value = entries.next_value_seed(Tree)?;
            mapping.insert(key, value);
        }
        Ok(Value::Object(mapping))
    }
}

/// Reads a key that is not in the mapping yet.
struct NewKey<'a>(&'a Map<String, Value>);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text as key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        if self.0.contains_key(key) {
            Err(E::custom(format!("the key `{key}` comes twice")))
        } else {
            Ok(key.to_owned())
        }
    }
}

/// Fails where its path ends, and succeeds when there is no such place.
struct Probe<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

const HERE: &str = "here";

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Index(index), rest)) = self.0.split_first() else {
            return skip_or_fail(self.0, || while_some(|| items.next_element::<IgnoredAny>()));
        };
        for _ in 0..*index {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        items.next_element_seed(Probe(rest))?;
        while_some(|| items.next_element::<IgnoredAny>())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.0.split_first() else {
            return skip_or_fail(self.0, || while_some(|| entries.next_entry::<IgnoredAny, IgnoredAny>()));
        };
        while let Some(found) = entries.next_key_seed(ProbeKey { wanted, last: rest.is_empty() })? {
            if found {
                entries.next_value_seed(Probe(rest))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        skip_or_fail(self.0, || Ok(()))
    }
}

fn skip_or_fail<E: serde::de::Error>(path: &[Step], skip: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    if path.is_empty() { Err(E::custom(HERE)) } else { skip() }
}

fn while_some<T, E>(mut next: impl FnMut() -> Result<Option<T>, E>) -> Result<(), E> {
    while next()?.is_some() {}
    Ok(())
}

/// Reads a key: is it the wanted one? Fails there if the path ends with it.
struct ProbeKey<'a> {
    wanted: &'a str,
    last: bool,
}

impl<'de> DeserializeSeed<'de> for ProbeKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ProbeKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        if key != self.wanted {
            Ok(false)
        } else if self.last {
            Err(E::custom(HERE))
        } else {
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment
kind: First
spec:
  containers:
    - name: a
      image: x
    - {name: b,
       image: y}
  text: |
    image: not this one
---
---
kind: Third
metadata:
  labels:
    app.kubernetes.io/name: z
";

    #[test]
    fn empty_documents_are_left_out_and_keep_their_index() {
        let documents = documents(TEXT).unwrap();
        let kinds: Vec<_> =
            documents.iter().map(|(index, tree)| (*index, tree["kind"].as_str().unwrap())).collect();
        assert_eq!(kinds, [(0, "First"), (2, "Third")]);
    }

    #[test]
    fn a_path_leads_to_its_key_or_item_or_as_far_as_there_is_one() {
        let containers = Path::keys("spec.containers");
        for (document, path, line, column) in [
            (0, Path::default(), 2, 1),
            (0, Path::keys("spec"), 3, 1),
            (0, containers.index(0), 5, 7),
            (0, containers.index(0).key("image"), 6, 7),
            (0, containers.index(1), 7, 7),
            (0, containers.index(1).key("image"), 8, 8),
            (0, containers.index(1).key("missing"), 7, 7),
            (0, containers.index(7), 4, 3),
            (2, Path::default(), 13, 1),
            (2, Path::keys("metadata.labels").key("app.kubernetes.io/name"), 16, 5),
            (2, Path::keys("spec.replicas"), 13, 1),
        ] {
            assert_eq!(locate(TEXT, document, &path), Place { line, column }, "{document} {path}");
        }
    }

    #[test]
    fn what_yaml_or_json_refuses_has_a_place() {
        for (text, line, column, message) in [
            ("a: 1\nb: 2\na: 3\n", 3, 1, "the key `a` comes twice"),
            ("a: [1, 2\n", 2, 1, "did not find expected ',' or ']'"),
            ("a: 1\n b: 2\n", 2, 3, "mapping values are not allowed in this context"),
            ("x: &a [1]\ny: *b\n", 2, 4, "unknown anchor"),
            ("a:\n  - x\n  - .nan\n", 3, 5, "not a finite number"),
            ("? [1]\n: 2\n", 1, 3, "invalid type: sequence, expected a text as key"),
        ] {
            let error = documents(text).unwrap_err();
            assert_eq!(
                (error.place.line, error.place.column, &*error.message),
                (line, column, message),
                "{text:?}"
            );
        }
    }
}
