//! Template variables as they stand in the JSON; what they mean is the business of [`crate::variables`].

use serde_json::{Map, Value};

use super::panel::{DataSourceRef, read_datasource};
use super::reader::{DeviationKind, Object, Path, Report};

/// Where a variable's values come from.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableKind {
    /// From a query to the data source.
    Query {
        /// `label_values(…)` and so on.
        query: String,
        /// Filters and cuts the values.
        regex: String,
        /// When it is run again: 0 never, 1 on load, 2 also when the time range changes.
        refresh: i64,
        /// The order of the values, 0 to 8.
        sort: i64,
        /// Which data source it asks.
        datasource: Option<DataSourceRef>,
    },
    /// A list in the dashboard: `a, b, text : value`.
    Custom {
        /// The list.
        query: String,
    },
    /// One fixed value, which nobody sees.
    Constant {
        /// The value.
        value: String,
    },
    /// Free text.
    TextBox {
        /// What stands there at first.
        default: String,
    },
    /// A list of durations, and perhaps one that fits the time range.
    Interval {
        /// `1m,10m,1h`.
        query: String,
        /// Whether `auto` is offered.
        auto: bool,
        /// Into how many steps `auto` cuts the range.
        auto_count: i64,
        /// The shortest `auto`.
        auto_min: String,
    },
    /// The data sources of a type.
    DataSource {
        /// The type, for example `prometheus`.
        query: String,
        /// Which of them, by name.
        regex: String,
    },
    /// Filters that Grafana adds to every query.
    AdHoc {
        /// Which data source they are for.
        datasource: Option<DataSourceRef>,
    },
    /// Any other type: kept, but without values.
    Unknown(String),
}

/// One or several chosen values, or texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneOrMany {
    /// Of a variable with one value.
    One(String),
    /// Of a variable with several.
    Many(Vec<String>),
}

/// What was chosen when the dashboard was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// What was shown.
    pub text: OneOrMany,
    /// What queries get; `$__all` for everything.
    pub value: OneOrMany,
}

/// One value to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableOption {
    /// What is shown.
    pub text: String,
    /// What queries get.
    pub value: String,
}

/// A template variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The name in `$name`.
    pub name: String,
    /// What people see instead of the name.
    pub label: Option<String>,
    /// A text about it.
    pub description: Option<String>,
    /// Where its values come from.
    pub kind: VariableKind,
    /// 0 shown, 1 without label, 2 not at all.
    pub hide: i64,
    /// Whether several values can be chosen.
    pub multi: bool,
    /// Whether everything can be chosen at once.
    pub include_all: bool,
    /// What stands for everything, instead of all values together.
    pub all_value: Option<String>,
    /// Whether people may type other values.
    pub allow_custom_value: Option<bool>,
    /// Whether it stays out of the address.
    pub skip_url_sync: bool,
    /// What was chosen when the dashboard was saved.
    pub current: Option<Current>,
    /// The values when the dashboard was saved.
    pub options: Vec<VariableOption>,
    /// Properties that are not modelled.
    pub extra: Map<String, Value>,
    /// The path in the JSON: `templating.list[2]`.
    pub path: String,
}

impl Variable {
    /// What people see.
    pub fn shown_label(&self) -> &str {
        self.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&self.name)
    }
}

pub(super) fn read_variable(value: &Value, path: &Path<'_>, report: &Report) -> Option<Variable> {
    let mut object = Object::new(value, path, report)?;
    let Some(name) = object.text("name").filter(|name| !name.is_empty()) else {
        object.note("name", DeviationKind::Missing);
        return None;
    };
    let type_id = object.text("type").unwrap_or_else(|| {
        object.note("type", DeviationKind::Missing);
        "query".to_owned()
    });
    let kind = read_kind(&mut object, &type_id);
    let variable = Variable {
        name,
        label: object.text("label"),
        description: object.text("description"),
        kind,
        hide: object.with("hide", read_hide).unwrap_or(0),
        multi: object.flag("multi").unwrap_or(false),
        include_all: object.flag("includeAll").unwrap_or(false),
        all_value: object.text("allValue").filter(|value| !value.is_empty()),
        allow_custom_value: object.flag("allowCustomValue"),
        skip_url_sync: object.flag("skipUrlSync").unwrap_or(false),
        current: object.object("current", read_current),
        options: object.each_object("options", read_option),
        extra: Map::new(),
        path: path.to_string(),
    };
    object.knows(&[
        "definition",
        "regex",
        "regexApplyTo",
        "refresh",
        "sort",
        "datasource",
        "query",
        "queryValue",
        "useTags",
        "tagsQuery",
        "tagValuesQuery",
        "tags",
        "tagsCount",
        "auto",
        "auto_count",
        "auto_min",
        "id",
        "index",
        "global",
        "state",
        "error",
        "rootStateKey",
        "defaultKeys",
        "staticOptions",
        "staticOptionsOrder",
        "showUnsearchable",
        "valuesFormat",
        "origin",
        "usage",
    ]);
    // An unknown type has its own properties.
    let extra = match variable.kind {
        VariableKind::Unknown(_) | VariableKind::AdHoc { .. } => object.finish_quietly(),
        _ => object.finish(),
    };
    Some(Variable { extra, ..variable })
}

fn read_kind(object: &mut Object<'_>, type_id: &str) -> VariableKind {
    let query = |object: &mut Object<'_>| {
        object.with("query", |value, path, report| match value {
            // The editor's own form, with the same text inside.
            Value::Object(_) => {
                let mut query = Object::new(value, path, report)?;
                let text = query.text("query");
                query.finish_quietly();
                text
            }
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                report.add(path, DeviationKind::WrongType { expected: "a string or an object" });
                None
            }
        })
    };
    match type_id {
        "query" => VariableKind::Query {
            query: query(object).or_else(|| object.text("definition")).unwrap_or_default(),
            regex: object.text("regex").unwrap_or_default(),
            refresh: object.with("refresh", read_refresh).unwrap_or(0),
            sort: object.integer("sort").unwrap_or(0),
            datasource: read_datasource(object),
        },
        "custom" => VariableKind::Custom { query: query(object).unwrap_or_default() },
        "constant" => VariableKind::Constant { value: query(object).unwrap_or_default() },
        "textbox" => VariableKind::TextBox { default: query(object).unwrap_or_default() },
        "interval" => VariableKind::Interval {
            query: query(object).unwrap_or_default(),
            auto: object.flag("auto").unwrap_or(false),
            auto_count: object.integer("auto_count").unwrap_or(30),
            auto_min: object.text("auto_min").unwrap_or_else(|| "10s".to_owned()),
        },
        "datasource" => VariableKind::DataSource {
            query: query(object).unwrap_or_default(),
            regex: object.text("regex").unwrap_or_default(),
        },
        "adhoc" => VariableKind::AdHoc { datasource: read_datasource(object) },
        other => {
            object.note("type", DeviationKind::UnknownType { name: other.to_owned() });
            VariableKind::Unknown(other.to_owned())
        }
    }
}

/// Versions from 12 on also write a word.
fn read_hide(value: &Value, path: &Path<'_>, report: &Report) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(word) => {
            report.add(path, DeviationKind::Coerced { expected: "0, 1 or 2" });
            Some(match word.as_str() {
                "hideLabel" => 1,
                "hideVariable" => 2,
                _ => word.parse().unwrap_or(0),
            })
        }
        _ => {
            report.add(path, DeviationKind::WrongType { expected: "0, 1 or 2" });
            None
        }
    }
}

/// Very old dashboards have a boolean.
fn read_refresh(value: &Value, path: &Path<'_>, report: &Report) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::Bool(refresh) => {
            report.add(path, DeviationKind::Outdated { now: "0, 1 or 2" });
            Some(i64::from(*refresh))
        }
        _ => {
            report.add(path, DeviationKind::WrongType { expected: "0, 1 or 2" });
            None
        }
    }
}

fn read_current(mut object: Object<'_>) -> Option<Current> {
    let text = object.with("text", one_or_many);
    let value = object.with("value", one_or_many);
    object.finish_quietly();
    let value = value.or_else(|| text.clone())?;
    Some(Current { text: text.unwrap_or_else(|| value.clone()), value })
}

fn one_or_many(value: &Value, path: &Path<'_>, report: &Report) -> Option<OneOrMany> {
    match value {
        Value::Array(items) => Some(OneOrMany::Many(items.iter().filter_map(plain).collect())),
        other => {
            let one = plain(other).map(OneOrMany::One);
            if one.is_none() {
                report.add(path, DeviationKind::WrongType { expected: "a string or a list of strings" });
            }
            one
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn read_option(mut object: Object<'_>) -> Option<VariableOption> {
    let text = object.with("text", one_or_many);
    let value = object.with("value", one_or_many);
    object.finish_quietly();
    let one = |choice: OneOrMany| match choice {
        OneOrMany::One(one) => one,
        OneOrMany::Many(many) => many.join(","),
    };
    let value = one(value.or_else(|| text.clone())?);
    Some(VariableOption { text: text.map_or_else(|| value.clone(), one), value })
}
