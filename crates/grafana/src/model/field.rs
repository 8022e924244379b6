//! How the values of a field are shown: units, thresholds, mappings, colours, and the overrides by field.

use serde_json::{Map, Value};

use super::known;
use super::pattern::Pattern;
use super::reader::{DeviationKind, Object, Path, Report, number_of};

/// Defaults for all fields of a panel, and exceptions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldConfig {
    /// For every field.
    pub defaults: FieldOptions,
    /// For the fields that match, in order.
    pub overrides: Vec<Override>,
}

/// How one field is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldOptions {
    /// The id of a unit, for example `bytes`.
    pub unit: Option<String>,
    /// Digits after the decimal point; nothing means as many as the value needs.
    pub decimals: Option<f64>,
    /// The lower end of scales.
    pub min: Option<f64>,
    /// The upper end of scales.
    pub max: Option<f64>,
    /// A name that replaces the one from the data.
    pub display_name: Option<String>,
    /// A text about the field.
    pub description: Option<String>,
    /// What to show where there is no value.
    pub no_value: Option<String>,
    /// Whether columns have a filter.
    pub filterable: Option<bool>,
    /// How colours are chosen.
    pub color: Option<Color>,
    /// Where values become good or bad.
    pub thresholds: Option<Thresholds>,
    /// Texts and colours for certain values; the first that matches counts.
    pub mappings: Vec<Mapping>,
    /// Where a click leads.
    pub links: Vec<Link>,
    /// What the panel type adds (`custom`), as it is.
    pub custom: Map<String, Value>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
}

/// How colours are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Color {
    /// `palette-classic`, `thresholds`, `fixed`, `continuous-GrYlRd` …
    pub mode: String,
    /// The colour of the mode `fixed`.
    pub fixed: Option<String>,
    /// Which value of a series gives its colour: `last`, `min` or `max`.
    pub series_by: Option<String>,
}

/// Whether thresholds are values or per cent between min and max.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThresholdMode {
    /// Values.
    #[default]
    Absolute,
    /// Per cent of the way from min to max.
    Percentage,
}

/// Where values become good or bad.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// How to read the steps.
    pub mode: ThresholdMode,
    /// From the lowest to the highest; the first one holds from minus infinity.
    pub steps: Vec<ThresholdStep>,
}

/// From this value on, this colour.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdStep {
    /// Nothing for the base.
    pub value: Option<f64>,
    /// A colour name or code.
    pub color: String,
}

/// A text and colour for certain values.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapping {
    /// For single values, by their text.
    Value(Vec<(String, MappingResult)>),
    /// For numbers between two bounds, which belong to the range.
    Range {
        /// Nothing for no bound.
        from: Option<f64>,
        /// Nothing for no bound.
        to: Option<f64>,
        /// What is shown.
        result: MappingResult,
    },
    /// For texts that match.
    Regex {
        /// The pattern.
        pattern: Pattern,
        /// What is shown; `$1` stands for the first group.
        result: MappingResult,
    },
    /// For what is no ordinary value.
    Special {
        /// `null`, `nan`, `null+nan`, `true`, `false` or `empty`.
        matches: String,
        /// What is shown.
        result: MappingResult,
    },
}

/// What is shown instead of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingResult {
    /// The text; nothing keeps the value's own.
    pub text: Option<String>,
    /// The colour; nothing keeps the value's own.
    pub color: Option<String>,
}

/// A link of a panel, of a value or of the dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Its text.
    pub title: String,
    /// Where it leads, with variables.
    pub url: String,
    /// Whether it opens another tab.
    pub target_blank: bool,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
}

/// Exceptions for the fields that match.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Which fields.
    pub matcher: Matcher,
    /// The properties by their ids (`unit`, `custom.width`), in order.
    pub properties: Vec<(String, Value)>,
}

/// Which fields an override is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// The field with this display name.
    ByName(String),
    /// The fields whose display name matches.
    ByRegexp(Pattern),
    /// The fields that come from a query.
    ByFrameRefId(String),
    /// The fields of a type: `number`, `time`, `string` …
    ByType(String),
    /// One of Grafana's others.
    Other {
        /// Its id.
        id: String,
        /// Its options.
        options: Value,
    },
}

/// What a [`Matcher`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldIdentity<'a> {
    /// The display name.
    pub name: &'a str,
    /// The query that it comes from.
    pub ref_id: &'a str,
    /// `number`, `time`, `string`, `boolean` or `other`.
    pub field_type: &'a str,
}

impl Matcher {
    /// Whether it is for this field. Matchers that are not modelled match nothing.
    pub fn matches(&self, field: FieldIdentity<'_>) -> bool {
        match self {
            Self::ByName(name) => name == field.name,
            Self::ByRegexp(pattern) => pattern.is_match(field.name),
            Self::ByFrameRefId(ref_id) => ref_id == field.ref_id,
            Self::ByType(field_type) => field_type == field.field_type,
            Self::Other { .. } => false,
        }
    }
}

impl FieldConfig {
    /// The options for one field: the defaults with every matching override applied in order.
    pub fn options_for(&self, field: FieldIdentity<'_>) -> FieldOptions {
        let mut options = self.defaults.clone();
        for exception in self.overrides.iter().filter(|exception| exception.matcher.matches(field)) {
            for (id, value) in &exception.properties {
                options.set(id, value);
            }
        }
        options
    }
}

impl FieldOptions {
    /// Sets a property by the id that overrides use.
    pub fn set(&mut self, id: &str, value: &Value) {
        let text = || value.as_str().map(str::to_owned);
        // What an override says about types has been noted when the dashboard was read.
        let report = Report::default();
        match id {
            "unit" => self.unit = text(),
            "decimals" => self.decimals = number_of(value),
            "min" => self.min = number_of(value),
            "max" => self.max = number_of(value),
            "displayName" => self.display_name = text(),
            "description" => self.description = text(),
            "noValue" => self.no_value = text(),
            "filterable" => self.filterable = value.as_bool(),
            "color" => self.color = Object::new(value, &Path::ROOT, &report).map(read_color),
            "thresholds" => self.thresholds = Object::new(value, &Path::ROOT, &report).map(read_thresholds),
            "mappings" => self.mappings = read_list(value, &report, read_mapping),
            "links" => self.links = read_list(value, &report, |link| Some(read_link(link))),
            _ => {
                if let Some(key) = id.strip_prefix("custom.") {
                    self.custom.insert(key.to_owned(), value.clone());
                } else {
                    self.extra.insert(id.to_owned(), value.clone());
                }
            }
        }
    }
}

fn read_list<T>(value: &Value, report: &Report, read: impl Fn(Object<'_>) -> Option<T>) -> Vec<T> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Object::new(item, &Path::ROOT, report).and_then(&read)).collect()
}

pub(super) fn read_field_config(mut object: Object<'_>, panel_type: &str) -> FieldConfig {
    let custom = known::custom(panel_type);
    let defaults = object.object("defaults", |defaults| Some(read_field_options(defaults, custom)));
    let overrides = object.each_object("overrides", |item| read_override(item, custom));
    object.finish();
    FieldConfig { defaults: defaults.unwrap_or_default(), overrides }
}

fn read_field_options(mut object: Object<'_>, custom: Option<&[&'static str]>) -> FieldOptions {
    let options = FieldOptions {
        unit: object.text("unit"),
        decimals: object.number("decimals"),
        min: object.number("min"),
        max: object.number("max"),
        display_name: object.text("displayName"),
        description: object.text("description"),
        no_value: object.text("noValue"),
        filterable: object.flag("filterable"),
        color: object.object("color", |color| Some(read_color(color))),
        thresholds: object.object("thresholds", |thresholds| Some(read_thresholds(thresholds))),
        mappings: object.each_object("mappings", read_mapping),
        links: object.each_object("links", |link| Some(read_link(link))),
        custom: object.free_object("custom", custom),
        extra: Map::new(),
    };
    object.knows(&[
        "actions",
        "displayNameFromDS",
        "fieldMinMax",
        "interval",
        "path",
        "writeable",
        "type",
        "nullValueMode",
    ]);
    FieldOptions { extra: object.finish(), ..options }
}

fn read_color(mut object: Object<'_>) -> Color {
    let color = Color {
        mode: object.text("mode").unwrap_or_else(|| "thresholds".to_owned()),
        fixed: object.text("fixedColor"),
        series_by: object.text("seriesBy"),
    };
    object.finish();
    color
}

fn read_thresholds(mut object: Object<'_>) -> Thresholds {
    let mode = match object.text("mode").as_deref() {
        Some("percentage") => ThresholdMode::Percentage,
        None | Some("absolute") => ThresholdMode::Absolute,
        Some(_) => {
            object.note("mode", DeviationKind::WrongType { expected: "absolute or percentage" });
            ThresholdMode::Absolute
        }
    };
    let mut steps = object.each_object("steps", |mut step| {
        let read =
            ThresholdStep { value: step.number("value"), color: step.text("color").unwrap_or_default() };
        step.knows(&["index", "state"]);
        step.finish();
        Some(read)
    });
    object.finish();
    // Grafana sorts them when it opens the panel.
    steps.sort_by(|a, b| {
        a.value.unwrap_or(f64::NEG_INFINITY).total_cmp(&b.value.unwrap_or(f64::NEG_INFINITY))
    });
    Thresholds { mode, steps }
}

fn read_mapping(mut object: Object<'_>) -> Option<Mapping> {
    let kind = object.text("type").unwrap_or_default();
    let mapping = match kind.as_str() {
        "value" => Some(Mapping::Value(object.map_of("options", |_, value, path, report| {
            Object::new(value, path, report).map(read_mapping_result)
        }))),
        "range" => object.object("options", |mut options| {
            let (from, to) = (options.number("from"), options.number("to"));
            let result = options.object("result", |result| Some(read_mapping_result(result)));
            options.finish();
            Some(Mapping::Range { from, to, result: result.unwrap_or_default() })
        }),
        "regex" => object.object("options", |mut options| {
            let pattern = Pattern::new(options.text("pattern").unwrap_or_default());
            let result = options.object("result", |result| Some(read_mapping_result(result)));
            options.finish();
            Some(Mapping::Regex { pattern, result: result.unwrap_or_default() })
        }),
        "special" => object.object("options", |mut options| {
            let matches = options.text("match").unwrap_or_default();
            let result = options.object("result", |result| Some(read_mapping_result(result)));
            options.finish();
            Some(Mapping::Special { matches, result: result.unwrap_or_default() })
        }),
        // Before version 8: the number 1 for values and 2 for ranges.
        "1" | "2" => {
            object.note_here(DeviationKind::Outdated { now: "a mapping with type and options" });
            return read_old_mapping(object, kind == "2");
        }
        _ => {
            object.note("type", DeviationKind::UnknownType { name: kind });
            None
        }
    };
    object.finish();
    mapping
}

fn read_old_mapping(mut object: Object<'_>, range: bool) -> Option<Mapping> {
    let result = MappingResult { text: object.text("text"), color: None };
    object.knows(&["id", "op", "operator"]);
    let mapping = if range {
        Some(Mapping::Range { from: object.number("from"), to: object.number("to"), result })
    } else {
        object.text("value").map(|value| Mapping::Value(vec![(value, result)]))
    };
    object.finish_quietly();
    mapping
}

fn read_mapping_result(mut object: Object<'_>) -> MappingResult {
    let result = MappingResult { text: object.text("text"), color: object.text("color") };
    object.knows(&["index", "icon"]);
    object.finish();
    result
}

pub(super) fn read_link(mut object: Object<'_>) -> Link {
    let link = Link {
        title: object.text("title").unwrap_or_default(),
        url: object.text("url").unwrap_or_default(),
        target_blank: object.flag("targetBlank").unwrap_or(false),
        extra: Map::new(),
    };
    object.knows(&["icon", "oneClick", "origin", "internal", "onClick", "sortIndex"]);
    Link { extra: object.finish(), ..link }
}

pub(super) fn read_matcher(mut object: Object<'_>) -> Option<Matcher> {
    let Some(id) = object.text("id") else {
        object.note("id", DeviationKind::Missing);
        return None;
    };
    let options = object.get("options").cloned().unwrap_or(Value::Null);
    object.knows(&["scope"]);
    object.finish();
    let text = options.as_str().map(str::to_owned);
    Some(match (id.as_str(), text) {
        ("byName", Some(text)) => Matcher::ByName(text),
        ("byRegexp", Some(text)) => Matcher::ByRegexp(Pattern::new(text)),
        ("byFrameRefID", Some(text)) => Matcher::ByFrameRefId(text),
        ("byType", Some(text)) => Matcher::ByType(text),
        _ => Matcher::Other { id, options },
    })
}

fn read_override(mut object: Object<'_>, custom: Option<&[&'static str]>) -> Option<Override> {
    let matcher = object.object("matcher", read_matcher);
    let properties = object.each_object("properties", |mut property| {
        let id = property.text("id")?;
        let value = property.get("value").cloned().unwrap_or(Value::Null);
        let known = match (id.strip_prefix("custom."), custom) {
            (Some(key), Some(custom)) => {
                // `custom.hideFrom.viz` reaches into an object.
                let key = key.split('.').next().unwrap_or(key);
                custom.contains(&key)
            }
            (Some(_), None) => true,
            (None, _) => known::FIELD_PROPERTIES.contains(&id.as_str()),
        };
        if !known {
            property.note("id", DeviationKind::UnknownProperty { nearest: None });
        }
        property.finish();
        Some((id, value))
    });
    object.knows(&["__systemRef"]);
    object.finish();
    Some(Override { matcher: matcher?, properties })
}
