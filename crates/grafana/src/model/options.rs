//! The options of the core panel types, read from the JSON when they are needed.

use serde_json::{Map, Value};

use super::reader::number_of;

/// How a field becomes one number or a few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceOptions {
    /// `lastNotNull`, `mean` …; the first one is drawn.
    pub calcs: Vec<String>,
    /// Which fields: a pattern, or nothing for all numbers.
    pub fields: String,
    /// Every row instead of one number.
    pub values: bool,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl ReduceOptions {
    /// Of a stat, gauge or bar gauge.
    pub fn of(options: &Map<String, Value>) -> Self {
        let reduce = options.get("reduceOptions").unwrap_or(&Value::Null);
        let calcs = texts(reduce.get("calcs"));
        Self {
            calcs: if calcs.is_empty() { vec!["lastNotNull".to_owned()] } else { calcs },
            fields: text(reduce.get("fields")).unwrap_or_default(),
            values: flag(reduce.get("values")).unwrap_or(false),
            limit: reduce.get("limit").and_then(number_of).map(|limit| limit.max(0.0) as usize),
        }
    }
}

/// Where the names of the series stand, and which numbers stand with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legend {
    /// Whether there is one.
    pub show: bool,
    /// `list`, `table` or `hidden`.
    pub display_mode: String,
    /// `bottom` or `right`.
    pub placement: String,
    /// `min`, `max`, `mean`, `lastNotNull` …
    pub calcs: Vec<String>,
    /// The column by which the table is sorted: its title.
    pub sort_by: Option<String>,
    /// Downwards.
    pub sort_desc: bool,
}

impl Legend {
    /// Of a time series.
    pub fn of(options: &Map<String, Value>) -> Self {
        let legend = options.get("legend").unwrap_or(&Value::Null);
        let display_mode = text(legend.get("displayMode")).unwrap_or_else(|| "list".to_owned());
        Self {
            // Older versions hide it by the mode.
            show: flag(legend.get("showLegend")).unwrap_or(true) && display_mode != "hidden",
            placement: text(legend.get("placement")).unwrap_or_else(|| "bottom".to_owned()),
            calcs: texts(legend.get("calcs")),
            sort_by: text(legend.get("sortBy")),
            sort_desc: flag(legend.get("sortDesc")).unwrap_or(false),
            display_mode,
        }
    }
}

/// What appears under the pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tooltip {
    /// `single`, `multi` or `none`.
    pub mode: String,
    /// `none`, `asc` or `desc`.
    pub sort: String,
}

impl Tooltip {
    /// Of a time series.
    pub fn of(options: &Map<String, Value>) -> Self {
        let tooltip = options.get("tooltip").unwrap_or(&Value::Null);
        Self {
            mode: text(tooltip.get("mode")).unwrap_or_else(|| "single".to_owned()),
            sort: text(tooltip.get("sort")).unwrap_or_else(|| "none".to_owned()),
        }
    }
}

/// The order of a table's rows: display names, and whether downwards.
pub fn table_sort(options: &Map<String, Value>) -> Vec<(String, bool)> {
    let items = options.get("sortBy").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| Some((text(item.get("displayName"))?, flag(item.get("desc")).unwrap_or(false))))
        .collect()
}

/// The content of a text panel and its mode: `markdown`, `html` or `code`.
pub fn text_content(options: &Map<String, Value>) -> (String, String) {
    let mode = text(options.get("mode")).unwrap_or_else(|| "markdown".to_owned());
    (text(options.get("content")).unwrap_or_default(), mode)
}

/// A plain string option, with its default.
pub fn choice<'a>(options: &'a Map<String, Value>, key: &str, default: &'a str) -> &'a str {
    options.get(key).and_then(Value::as_str).unwrap_or(default)
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

fn flag(value: Option<&Value>) -> Option<bool> {
    value?.as_bool()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
