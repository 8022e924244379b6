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

/// The line under a table: a number for each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFooter {
    /// Whether there is one.
    pub show: bool,
    /// `sum`, `mean`, `max` …: what becomes of a column's values.
    pub calcs: Vec<String>,
    /// The columns that have one; none for all with numbers.
    pub fields: Vec<String>,
    /// Instead: how many rows there are, under the first column.
    pub count_rows: bool,
}

impl TableFooter {
    /// Of a table. Since Grafana 12.2 each column has its own, see [`TableFooter::of_column`].
    pub fn of(options: &Map<String, Value>) -> Self {
        let footer = options.get("footer").unwrap_or(&Value::Null);
        let calcs = texts(footer.get("reducer"));
        // One column may stand there without a list around it.
        let fields = match footer.get("fields") {
            Some(Value::String(field)) if !field.is_empty() => vec![field.clone()],
            fields => texts(fields),
        };
        Self {
            show: flag(footer.get("show")).unwrap_or(false),
            count_rows: flag(footer.get("countRows")).unwrap_or(false)
                && calcs.iter().any(|calc| calc == "count"),
            calcs,
            fields,
        }
    }

    /// Of one column, from its field options `custom`; nothing where it has none.
    pub fn of_column(custom: &Map<String, Value>) -> Option<Self> {
        let calcs = texts(custom.get("footer")?.get("reducers"));
        (!calcs.is_empty()).then(|| Self { show: true, calcs, ..Self::default() })
    }
}

/// On which side the axis of a series stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisPlacement {
    /// Left; a second unit goes to the right.
    #[default]
    Auto,
    /// Left.
    Left,
    /// Right: a scale of its own.
    Right,
    /// Not drawn.
    Hidden,
}

/// The axis of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// On which side.
    pub placement: AxisPlacement,
    /// Its text.
    pub label: Option<String>,
    /// It reaches at least down to this.
    pub soft_min: Option<f64>,
    /// It reaches at least up to this.
    pub soft_max: Option<f64>,
}

impl Axis {
    /// Of a series of a time series panel, from its field options `custom`. Series that agree in unit and axis share one.
    pub fn of(custom: &Map<String, Value>) -> Self {
        let placement = match custom.get("axisPlacement").and_then(Value::as_str) {
            Some("left") => AxisPlacement::Left,
            Some("right") => AxisPlacement::Right,
            Some("hidden") => AxisPlacement::Hidden,
            _ => AxisPlacement::Auto,
        };
        Self {
            placement,
            label: text(custom.get("axisLabel")).filter(|label| !label.is_empty()),
            soft_min: custom.get("axisSoftMin").and_then(number_of),
            soft_max: custom.get("axisSoftMax").and_then(number_of),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    #[test]
    fn footers_of_tables_and_of_columns_are_read_and_odd_ones_are_none() {
        let of = |footer: Value| TableFooter::of(&object(json!({ "footer": footer })));
        let footer = of(json!({ "show": true, "reducer": ["sum"], "fields": ["a"], "countRows": true }));
        assert_eq!((footer.show, footer.count_rows), (true, false));
        assert_eq!((footer.calcs, footer.fields), (vec!["sum".to_owned()], vec!["a".to_owned()]));
        assert!(of(json!({ "show": true, "reducer": ["count"], "countRows": true })).count_rows);
        assert_eq!(of(json!({ "fields": "a" })).fields, ["a"]);
        for odd in [json!(null), json!(3), json!({ "show": "yes", "reducer": 1, "fields": "" })] {
            assert_eq!(of(odd), TableFooter::default());
        }
        let column = |footer: Value| TableFooter::of_column(&object(json!({ "footer": footer })));
        assert_eq!(
            column(json!({ "reducers": ["max"] })).map(|footer| footer.calcs),
            Some(vec!["max".to_owned()])
        );
        assert_eq!((column(json!({ "reducers": [] })), column(json!(null))), (None, None));
    }

    #[test]
    fn the_axis_of_a_series_is_read() {
        let axis = |custom: Value| Axis::of(&object(custom));
        assert_eq!(axis(json!({})), Axis::default());
        assert_eq!(
            axis(
                json!({ "axisPlacement": "right", "axisLabel": "pods", "axisSoftMin": 0, "axisSoftMax": "10" })
            ),
            Axis {
                placement: AxisPlacement::Right,
                label: Some("pods".to_owned()),
                soft_min: Some(0.0),
                soft_max: Some(10.0),
            }
        );
        assert_eq!(axis(json!({ "axisPlacement": "up", "axisLabel": "" })), Axis::default());
    }
}
