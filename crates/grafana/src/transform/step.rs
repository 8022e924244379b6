//! A transformation's options as values.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::Transformation;

/// What a transformation does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Frames side by side, by equal values of a field; also `seriesToColumns`.
    JoinByField {
        /// The field; nothing for the first time field.
        field: Option<String>,
        /// Only values that every frame has.
        inner: bool,
    },
    /// Frames into one, by the fields that all have.
    Merge,
    /// Leaves out, orders and renames fields.
    Organize {
        /// Fields that go.
        exclude: Vec<String>,
        /// If there are any, all others go.
        include: Vec<String>,
        /// The places of fields; those without come last.
        order: BTreeMap<String, i64>,
        /// New names.
        rename: BTreeMap<String, String>,
    },
    /// Keeps or leaves out fields by name.
    FilterFieldsByName {
        /// Fields that stay.
        include: NameFilter,
        /// Fields that go.
        exclude: NameFilter,
    },
    /// Renames fields by a regular expression.
    RenameByRegex {
        /// The pattern.
        regex: String,
        /// The new name, with groups.
        rename: String,
    },
    /// Sorts the rows.
    SortBy {
        /// The field.
        field: String,
        /// Downwards.
        descending: bool,
    },
    /// Adds a field.
    CalculateField {
        /// How it is computed.
        calculation: Calculation,
        /// Its name.
        alias: Option<String>,
        /// Whether it replaces all fields but the time.
        replace: bool,
    },
    /// Rows with equal values into one.
    GroupBy(BTreeMap<String, Grouping>),
    /// Series into single values.
    Reduce {
        /// Which values.
        reducers: Vec<String>,
        /// Fields stay fields, instead of becoming rows.
        fields: bool,
        /// Labels become columns.
        labels_to_fields: bool,
    },
    /// Labels into columns.
    LabelsToFields {
        /// Which ones; nothing for all.
        keep: Vec<String>,
    },
}

/// Names and a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameFilter {
    /// These fields.
    pub names: Vec<String>,
    /// And those that match.
    pub pattern: Option<String>,
}

impl NameFilter {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.pattern.is_none()
    }
}

/// How a field is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Calculation {
    /// From the values of a row.
    ReduceRow {
        /// How.
        reducer: String,
        /// Which fields; nothing for all numbers.
        include: Vec<String>,
    },
    /// From two operands, each a field or a number.
    Binary {
        /// The first.
        left: String,
        /// `+`, `-`, `*`, `/` …
        operator: String,
        /// The second.
        right: String,
    },
}

/// What becomes of a field in groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Its values make the groups.
    By,
    /// It is reduced in each group.
    Aggregate(Vec<String>),
}

/// A transformation that cannot be applied: the frames go on as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// One of Grafana's that is not modelled.
    #[error("the transformation {id:?} is not supported here; in Grafana it works")]
    Unknown {
        /// Its id.
        id: String,
    },
    /// A part of one that is not modelled.
    #[error("the transformation {id:?} has {what}, which is not supported here")]
    Unsupported {
        /// Its id.
        id: String,
        /// The part.
        what: String,
    },
    /// A pattern that is none.
    #[error("the transformation {id:?} has an invalid regular expression {pattern:?}")]
    Regex {
        /// Its id.
        id: String,
        /// The pattern.
        pattern: String,
    },
}

impl Step {
    /// Reads the options of a transformation.
    pub fn of(transformation: &Transformation) -> Result<Self, StepError> {
        let id = transformation.id.as_str();
        let options = &transformation.options;
        let text = |key: &str| {
            options.get(key).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let unsupported = |what: String| StepError::Unsupported { id: id.to_owned(), what };
        Ok(match id {
            "joinByField" | "seriesToColumns" => {
                Self::JoinByField { field: text("byField"), inner: text("mode").as_deref() == Some("inner") }
            }
            "merge" => Self::Merge,
            "organize" => Self::Organize {
                exclude: set_names(options.get("excludeByName")),
                include: set_names(options.get("includeByName")),
                order: entries(options.get("indexByName"), |value| value.as_f64().map(|index| index as i64)),
                rename: entries(options.get("renameByName"), |value| {
                    value.as_str().filter(|name| !name.is_empty()).map(str::to_owned)
                }),
            },
            "filterFieldsByName" => Self::FilterFieldsByName {
                include: name_filter(options.get("include")),
                exclude: name_filter(options.get("exclude")),
            },
            "renameByRegex" => Self::RenameByRegex {
                regex: text("regex").unwrap_or_default(),
                rename: text("renamePattern").unwrap_or_default(),
            },
            "sortBy" => {
                let first = options.get("sort").and_then(Json::as_array).and_then(|sort| sort.first());
                let field = first.and_then(|sort| sort.get("field")).and_then(Json::as_str);
                let descending =
                    first.and_then(|sort| sort.get("desc")).and_then(Json::as_bool).unwrap_or(false);
                Self::SortBy { field: field.unwrap_or_default().to_owned(), descending }
            }
            "calculateField" => Self::CalculateField {
                calculation: calculation(options).map_err(unsupported)?,
                alias: text("alias"),
                replace: options.get("replaceFields").and_then(Json::as_bool).unwrap_or(false),
            },
            "groupBy" => Self::GroupBy(entries(options.get("fields"), grouping)),
            "reduce" => Self::Reduce {
                reducers: texts(options.get("reducers")),
                fields: text("mode").as_deref() == Some("reduceFields"),
                labels_to_fields: options.get("labelsToFields").and_then(Json::as_bool).unwrap_or(false),
            },
            "labelsToFields" => {
                if text("mode").as_deref() == Some("rows") {
                    return Err(unsupported("the mode \"rows\"".to_owned()));
                }
                Self::LabelsToFields { keep: texts(options.get("keepLabels")) }
            }
            _ => return Err(StepError::Unknown { id: id.to_owned() }),
        })
    }
}

/// The keys whose value is true.
fn set_names(value: Option<&Json>) -> Vec<String> {
    let object = value.and_then(Json::as_object);
    object
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.as_bool() == Some(true))
        .map(|(name, _)| name.clone())
        .collect()
}

fn entries<T>(value: Option<&Json>, read: impl Fn(&Json) -> Option<T>) -> BTreeMap<String, T> {
    let object = value.and_then(Json::as_object);
    object.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), read(value)?))).collect()
}

fn texts(value: Option<&Json>) -> Vec<String> {
    let items = value.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn name_filter(value: Option<&Json>) -> NameFilter {
    let Some(value) = value else { return NameFilter::default() };
    let pattern = value.get("pattern").and_then(Json::as_str).filter(|pattern| !pattern.is_empty());
    NameFilter { names: texts(value.get("names")), pattern: pattern.map(str::to_owned) }
}

fn calculation(options: &Json) -> Result<Calculation, String> {
    match options.get("mode").and_then(Json::as_str).unwrap_or("reduceRow") {
        "reduceRow" => {
            let reduce = options.get("reduce").unwrap_or(&Json::Null);
            let reducer = reduce.get("reducer").and_then(Json::as_str).unwrap_or("sum").to_owned();
            Ok(Calculation::ReduceRow { reducer, include: texts(reduce.get("include")) })
        }
        "binary" => {
            let binary = options.get("binary").unwrap_or(&Json::Null);
            let operator = binary.get("operator").and_then(Json::as_str).unwrap_or("+").to_owned();
            let (left, right) = (operand(binary.get("left")), operand(binary.get("right")));
            Ok(Calculation::Binary { left, operator, right })
        }
        other => Err(format!("the mode {other:?}")),
    }
}

/// A name or number, in versions from 11 on inside an object.
fn operand(value: Option<&Json>) -> String {
    match value {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        Some(Json::Object(object)) => match (object.get("fixed"), object.get("matcher")) {
            (Some(fixed), _) => operand(Some(fixed)),
            (None, Some(matcher)) => operand(matcher.get("options")),
            (None, None) => String::new(),
        },
        _ => String::new(),
    }
}

fn grouping(value: &Json) -> Option<Grouping> {
    match value.get("operation")?.as_str()? {
        "groupby" => Some(Grouping::By),
        "aggregate" => Some(Grouping::Aggregate(texts(value.get("aggregations")))),
        _ => None,
    }
}
