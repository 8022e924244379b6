//! Reading JSON the way Grafana does, which forgives much, while noting every place where it had to.

use std::cell::RefCell;
use std::fmt;

use serde_json::{Map, Value};

/// A place where a dashboard differs from what Grafana itself would have written.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// Where, for example `panels[3].fieldConfig.defaults.unit`.
    pub path: String,
    /// What.
    pub kind: DeviationKind,
}

/// How a dashboard differs.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviationKind {
    /// A property that Grafana does not know, so that it has no effect; with the known one that was probably meant.
    UnknownProperty {
        /// The known property whose name is nearest.
        nearest: Option<&'static str>,
    },
    /// A value of another type, which was read all the same: `"3"` for `3`.
    Coerced {
        /// What it should be.
        expected: &'static str,
    },
    /// A value of another type, which could not be used.
    WrongType {
        /// What it should be.
        expected: &'static str,
    },
    /// Something that Grafana fills in with a default.
    Missing,
    /// A panel, variable or transformation of a type that is not modelled: kept, but not understood.
    UnknownType {
        /// The type.
        name: String,
    },
    /// A form of older versions, which Grafana converts when it opens the dashboard.
    Outdated {
        /// What it became.
        now: &'static str,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", if self.path.is_empty() { "the dashboard" } else { &self.path })?;
        match &self.kind {
            DeviationKind::UnknownProperty { nearest: Some(nearest) } => {
                write!(f, "Grafana has no such property (did you mean {nearest}?)")
            }
            DeviationKind::UnknownProperty { nearest: None } => f.write_str("Grafana has no such property"),
            DeviationKind::Coerced { expected } => write!(f, "should be {expected}"),
            DeviationKind::WrongType { expected } => write!(f, "must be {expected}; it has no effect"),
            DeviationKind::Missing => f.write_str("is missing"),
            DeviationKind::UnknownType { name } => write!(f, "the type {name:?} is not known"),
            DeviationKind::Outdated { now } => write!(f, "is a form of older versions; now it is {now}"),
        }
    }
}

/// Collects the deviations of one dashboard.
#[derive(Debug, Default)]
pub(crate) struct Report {
    deviations: RefCell<Vec<Deviation>>,
}

impl Report {
    pub(crate) fn add(&self, path: &Path<'_>, kind: DeviationKind) {
        self.deviations.borrow_mut().push(Deviation { path: path.to_string(), kind });
    }

    pub(crate) fn into_deviations(self) -> Vec<Deviation> {
        self.deviations.into_inner()
    }
}

/// The way from the dashboard to a value; written out only when there is something to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(crate) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above_is_root = true;
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            above_is_root = matches!(parent.step, Step::Root);
        }
        let plain = |key: &str| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
        };
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if !plain(key) => write!(f, "[{key:?}]"),
            Step::Key(key) if above_is_root => f.write_str(key),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// An object that is being read: remembers which properties were asked for, the rest is unknown.
pub(crate) struct Object<'a> {
    map: &'a Map<String, Value>,
    path: &'a Path<'a>,
    report: &'a Report,
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Nothing, with a note, when the value is no object.
    pub(crate) fn new(value: &'a Value, path: &'a Path<'a>, report: &'a Report) -> Option<Self> {
        if let Value::Object(map) = value {
            Some(Self { map, path, report, known: Vec::with_capacity(24) })
        } else {
            report.add(path, DeviationKind::WrongType { expected: "an object" });
            None
        }
    }

    pub(crate) fn note(&self, key: &'static str, kind: DeviationKind) {
        self.report.add(&self.path.key(key), kind);
    }

    pub(crate) fn note_here(&self, kind: DeviationKind) {
        self.report.add(self.path, kind);
    }

    fn wrong(&self, key: &'static str, expected: &'static str) {
        self.note(key, DeviationKind::WrongType { expected });
    }

    fn coerced(&self, key: &'static str, expected: &'static str) {
        self.note(key, DeviationKind::Coerced { expected });
    }

    /// A property that is known but of no further interest.
    pub(crate) fn knows(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// The value of a property; `null` counts as absent.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            other @ (Value::Number(_) | Value::Bool(_)) => {
                self.coerced(key, "a string");
                Some(other.to_string())
            }
            _ => {
                self.wrong(key, "a string");
                None
            }
        }
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<f64> {
        let value = self.get(key)?;
        let parsed = number_of(value);
        match (value, parsed) {
            (Value::Number(_), parsed) => parsed,
            // An emptied input field.
            (Value::String(text), None) if text.trim().is_empty() => {
                self.coerced(key, "a number or absent");
                None
            }
            (_, None) => {
                self.wrong(key, "a number");
                None
            }
            (_, parsed) => {
                self.coerced(key, "a number");
                parsed
            }
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str) -> Option<i64> {
        let number = self.number(key)?;
        if number.fract() != 0.0 {
            self.coerced(key, "a whole number");
        }
        // Saturates at the ends.
        Some(number as i64)
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" || text == "false" => {
                self.coerced(key, "true or false");
                Some(text == "true")
            }
            Value::Number(number) => {
                self.coerced(key, "true or false");
                Some(number.as_f64() != Some(0.0))
            }
            _ => {
                self.wrong(key, "true or false");
                None
            }
        }
    }

    /// Reads every item of a list; items that cannot be read are left out.
    pub(crate) fn each<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&Value, &Path<'_>, &Report) -> Option<T>,
    ) -> Vec<T> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let path = self.path.key(key);
                let report = self.report;
                items.iter().enumerate().filter_map(|(i, item)| read(item, &path.index(i), report)).collect()
            }
            Some(_) => {
                self.wrong(key, "a list");
                Vec::new()
            }
        }
    }

    pub(crate) fn each_object<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Object<'_>) -> Option<T>,
    ) -> Vec<T> {
        self.each(key, |item, path, report| Object::new(item, path, report).and_then(&mut read))
    }

    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.each(key, |item, path, report| match item {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => {
                report.add(path, DeviationKind::Coerced { expected: "a string" });
                Some(item.to_string())
            }
            _ => {
                report.add(path, DeviationKind::WrongType { expected: "a string" });
                None
            }
        })
    }

    pub(crate) fn object<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Object<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let path = self.path.key(key);
        Object::new(value, &path, self.report).and_then(read)
    }

    /// A property with its path, for values of several forms.
    pub(crate) fn with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value, &Path<'_>, &Report) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        read(value, &self.path.key(key), self.report)
    }

    /// A map whose keys are data. `read` gets each key with its value.
    pub(crate) fn map_of<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &Value, &Path<'_>, &Report) -> Option<T>,
    ) -> Vec<(String, T)> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Object(map)) => {
                let path = self.path.key(key);
                let report = self.report;
                map.iter()
                    .filter_map(|(name, value)| {
                        Some((name.clone(), read(name, value, &path.key(name), report)?))
                    })
                    .collect()
            }
            Some(_) => {
                self.wrong(key, "an object");
                Vec::new()
            }
        }
    }

    /// An object that is kept as it is; `known` says which properties it may have, when that is known.
    pub(crate) fn free_object(
        &mut self,
        key: &'static str,
        known: Option<&[&'static str]>,
    ) -> Map<String, Value> {
        match self.get(key) {
            None => Map::new(),
            Some(Value::Object(map)) => {
                if let Some(known) = known {
                    let path = self.path.key(key);
                    report_unknown(map, known, &path, self.report);
                }
                map.clone()
            }
            Some(_) => {
                self.wrong(key, "an object");
                Map::new()
            }
        }
    }

    /// Ends the reading: notes every property that nobody asked for, and hands them over.
    pub(crate) fn finish(self) -> Map<String, Value> {
        report_unknown(self.map, &self.known, self.path, self.report)
    }

    /// Ends the reading of an object whose other properties are nobody's business.
    pub(crate) fn finish_quietly(self) -> Map<String, Value> {
        self.map
            .iter()
            .filter(|(name, _)| !self.known.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

fn report_unknown(
    map: &Map<String, Value>,
    known: &[&'static str],
    path: &Path<'_>,
    report: &Report,
) -> Map<String, Value> {
    let mut extra = Map::new();
    for (name, value) in map {
        if !known.contains(&name.as_str()) {
            let nearest = nearest(name, known);
            report.add(&path.key(name), DeviationKind::UnknownProperty { nearest });
            extra.insert(name.clone(), value.clone());
        }
    }
    extra
}

/// A number, also one that stands in a string.
pub(crate) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The name that was probably meant: a longer or shorter form, or at most two letters away.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // Far longer than any property, and not worth comparing.
    if name.len() > 64 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let limit = if name.len() < 4 { 1 } else { 2 };
    let distance = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        let extended = name.len() >= 4 && (candidate.starts_with(&lower) || lower.starts_with(&candidate));
        if extended && candidate.len() >= 4 {
            Some(1)
        } else if candidate.len().abs_diff(lower.len()) > limit {
            None
        } else {
            Some(edits(&lower, &candidate)).filter(|distance| *distance <= limit)
        }
    };
    let near = known.iter().filter_map(|candidate| Some((distance(candidate)?, *candidate)));
    near.min().map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete or replace (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_written_as_people_write_them() {
        let root = Path::ROOT;
        let panels = root.key("panels");
        let panel = panels.index(3);
        let odd = panel.key("a b");
        assert_eq!(odd.key("unit").to_string(), "panels[3][\"a b\"].unit");
        assert_eq!(root.to_string(), "");
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        let known = ["allowCustomValue", "label", "multi", "hide", "regex"];
        let table = [
            ("allowCustom", Some("allowCustomValue")),
            ("lable", Some("label")),
            ("Multi", Some("multi")),
            ("hid", Some("hide")),
            ("foo", None),
            ("queryValue", None),
        ];
        for (name, expected) in table {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
    }

    #[test]
    fn forgiving_reads_leave_a_note() {
        let report = Report::default();
        let value =
            json!({"n": "3", "empty": "", "s": 5, "f": "true", "bad": [], "unknwon": 1, "unknown": 2});
        let mut object = Object::new(&value, &Path::ROOT, &report).unwrap();
        assert_eq!(object.number("n"), Some(3.0));
        assert_eq!(object.number("empty"), None);
        assert_eq!(object.text("s"), Some("5".to_owned()));
        assert_eq!(object.flag("f"), Some(true));
        assert_eq!(object.number("bad"), None);
        object.knows(&["unknown"]);
        assert_eq!(object.finish().len(), 1);
        let said: Vec<String> = report.into_deviations().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "n: should be a number",
                "empty: should be a number or absent",
                "s: should be a string",
                "f: should be true or false",
                "bad: must be a number; it has no effect",
                "unknwon: Grafana has no such property (did you mean unknown?)",
            ]
        );
    }
}
