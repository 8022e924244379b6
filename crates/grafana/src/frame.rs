//! Tables of values, as they go from the data source through the transformations to the panels.

use std::collections::{BTreeMap, HashMap};

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Milliseconds since 1970.
    Time,
    /// Numbers.
    Number,
    /// Texts.
    Text,
    /// True and false.
    Boolean,
}

impl FieldType {
    /// As matchers name it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Number => "number",
            Self::Text => "string",
            Self::Boolean => "boolean",
        }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number or a time.
    Number(f64),
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
}

impl Value {
    /// The number, also out of a text that is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Boolean(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Null => None,
        }
    }

    /// The text alone, without a unit; empty for nothing.
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Number(number) => crate::json::javascript_number(*number),
            Self::Text(text) => text.clone(),
            Self::Boolean(flag) => flag.to_string(),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name: `Time`, `Value`, `Value #A`, a label.
    pub name: String,
    /// What its values are.
    pub field_type: FieldType,
    /// The labels of the series that it holds.
    pub labels: BTreeMap<String, String>,
    /// The name that the query or a transformation gave it, which goes before all others but an override's.
    pub display_name: Option<String>,
    /// Its values; every field of a frame has as many.
    pub values: Vec<Value>,
}

impl Field {
    /// A field without labels.
    pub fn new(name: impl Into<String>, field_type: FieldType, values: Vec<Value>) -> Self {
        Self { name: name.into(), field_type, labels: BTreeMap::new(), display_name: None, values }
    }

    /// The name of the field by itself; in a frame with several of the same name they are numbered, see
    /// [`Frame::shown_names`].
    pub fn shown_name(&self) -> String {
        if let Some(name) = self.display_name.as_ref().filter(|name| !name.is_empty()) {
            return name.clone();
        }
        // A series without any name shows its labels.
        if self.name == "Value" && !self.labels.is_empty() {
            series_name(&self.labels)
        } else {
            self.name.clone()
        }
    }
}

/// `name{label="value", other="value"}`, as a series without a legend is shown.
pub fn series_name(labels: &BTreeMap<String, String>) -> String {
    let metric = labels.get("__name__").map_or("", String::as_str);
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    match (metric.is_empty(), pairs.is_empty()) {
        (false, true) => metric.to_owned(),
        _ => format!("{metric}{{{}}}", pairs.join(", ")),
    }
}

/// A table with named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The name of the series that it holds.
    pub name: Option<String>,
    /// The query that it comes from.
    pub ref_id: String,
    /// Its columns.
    pub fields: Vec<Field>,
}

impl Frame {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.fields.iter().map(|field| field.values.len()).max().unwrap_or(0)
    }

    /// The names that people see, and that overrides and transformations go by: several fields `Time` are `Time 1`,
    /// `Time 2` and so on.
    pub fn shown_names(&self) -> Vec<String> {
        let mut total: HashMap<&str, usize> = HashMap::new();
        for field in &self.fields {
            *total.entry(&field.name).or_default() += 1;
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let names = self.fields.iter().map(|field| {
            let number = seen.entry(&field.name).or_default();
            *number += 1;
            let shown = field.shown_name();
            if shown == field.name && total[field.name.as_str()] > 1 {
                format!("{shown} {number}")
            } else {
                shown
            }
        });
        names.collect()
    }

    /// The field with this shown name, else with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.position(name).map(|position| &self.fields[position])
    }

    /// Where the field with this shown name, else with this name, stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        let shown = self.shown_names().iter().position(|shown| shown == name);
        shown.or_else(|| self.fields.iter().position(|field| field.name == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_same_name_are_numbered() {
        let field = |name: &str| Field::new(name, FieldType::Number, Vec::new());
        let mut renamed = field("Time");
        renamed.display_name = Some("Start".to_owned());
        let frame =
            Frame { fields: vec![field("Time"), field("a"), field("Time"), renamed], ..Frame::default() };
        assert_eq!(frame.shown_names(), ["Time 1", "a", "Time 2", "Start"]);
        assert_eq!(
            (frame.position("Time 2"), frame.position("Time"), frame.position("b")),
            (Some(2), Some(0), None)
        );
    }

    #[test]
    fn a_series_without_a_name_shows_its_labels() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(
            series_name(&labels(&[("__name__", "up"), ("job", "a"), ("pod", "b")])),
            "up{job=\"a\", pod=\"b\"}"
        );
        assert_eq!(series_name(&labels(&[("__name__", "up")])), "up");
        assert_eq!(series_name(&labels(&[])), "{}");
    }
}
