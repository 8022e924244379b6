//! Transformations of the rows of a frame: sorting, grouping, calculating.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::join::Key;
use super::reduce::{reduce, title};
use super::step::{Calculation, Grouping};
use crate::frame::{Field, FieldType, Frame, Value};

/// Sorts the rows by a field; frames without it stay as they are.
pub(super) fn sort(frame: &mut Frame, name: &str, descending: bool) {
    let Some(place) = frame.position(name) else { return };
    let mut order: Vec<usize> = (0..frame.rows()).collect();
    let values = &frame.fields[place].values;
    order.sort_by(|a, b| {
        let ordering = compare(values.get(*a), values.get(*b));
        if descending { ordering.reverse() } else { ordering }
    });
    for field in &mut frame.fields {
        field.values =
            order.iter().map(|row| field.values.get(*row).cloned().unwrap_or(Value::Null)).collect();
    }
}

/// Nothing before everything, numbers by size, texts by letters.
pub fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let rank = |value: Option<&Value>| match value {
        None | Some(Value::Null) => 0,
        Some(Value::Number(_) | Value::Boolean(_)) => 1,
        Some(Value::Text(_)) => 2,
    };
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.total_cmp(b),
        (Some(Value::Boolean(a)), Some(Value::Boolean(b))) => a.cmp(b),
        (Some(Value::Text(a)), Some(Value::Text(b))) => {
            a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Adds a field that is computed from others, or leaves the frame when there is nothing to compute from.
pub(super) fn calculate(frame: &mut Frame, calculation: &Calculation, alias: Option<&str>, replace: bool) {
    let names = frame.shown_names();
    let rows = frame.rows();
    let value_at =
        |place: usize, row: usize| frame.fields[place].values.get(row).cloned().unwrap_or(Value::Null);
    let (default_name, values): (String, Vec<Value>) = match calculation {
        Calculation::ReduceRow { reducer, include } => {
            let places: Vec<usize> = (0..names.len())
                .filter(|place| frame.fields[*place].field_type == FieldType::Number)
                .filter(|place| include.is_empty() || include.contains(&names[*place]))
                .collect();
            let row = |row: usize| {
                reduce(reducer, &places.iter().map(|place| value_at(*place, row)).collect::<Vec<_>>())
            };
            (title(reducer).to_owned(), (0..rows).map(row).collect())
        }
        Calculation::Binary { left, operator, right } => {
            let operand = |text: &str| {
                names.iter().position(|name| name == text).map(Ok).or_else(|| text.parse().ok().map(Err))
            };
            let (Some(a), Some(b)) = (operand(left), operand(right)) else { return };
            let number = |operand: Result<usize, f64>, row: usize| match operand {
                Ok(place) => value_at(place, row).as_number(),
                Err(constant) => Some(constant),
            };
            let row = |row: usize| {
                let result = number(a, row).zip(number(b, row)).and_then(|(a, b)| binary(operator, a, b));
                result.map_or(Value::Null, Value::Number)
            };
            (format!("{left} {operator} {right}"), (0..rows).map(row).collect())
        }
    };
    let name = alias.filter(|alias| !alias.is_empty()).map_or(default_name, str::to_owned);
    let mut field = Field::new(name.clone(), FieldType::Number, values);
    field.display_name = Some(name);
    if replace {
        frame.fields.retain(|field| field.field_type == FieldType::Time);
    }
    frame.fields.push(field);
}

fn binary(operator: &str, a: f64, b: f64) -> Option<f64> {
    Some(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        "**" => a.powf(b),
        _ => return None,
    })
}

/// One row for each combination of the grouping fields, in the order in which they first occur.
pub(super) fn group(frame: &Frame, groupings: &BTreeMap<String, Grouping>) -> Frame {
    let names = frame.shown_names();
    let grouping = |place: usize| groupings.get(&names[place]);
    let by: Vec<usize> =
        (0..names.len()).filter(|place| matches!(grouping(*place), Some(Grouping::By))).collect();
    if by.is_empty() {
        return frame.clone();
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut index: HashMap<Vec<Key>, usize> = HashMap::new();
    for row in 0..frame.rows() {
        let key = by
            .iter()
            .map(|place| frame.fields[*place].values.get(row).map_or(Key::Null, Key::from))
            .collect();
        let group = *index.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(row);
    }
    let pick = |field: &Field, rows: &[usize]| -> Vec<Value> {
        rows.iter().map(|row| field.values.get(*row).cloned().unwrap_or(Value::Null)).collect()
    };
    let mut fields = Vec::new();
    for place in by {
        let field = &frame.fields[place];
        let values = groups.iter().map(|rows| pick(field, &rows[..1]).remove(0)).collect();
        fields.push(Field { values, labels: BTreeMap::new(), ..field.clone() });
    }
    for (field, name) in frame.fields.iter().zip(&names) {
        let Some(Grouping::Aggregate(reducers)) = groupings.get(name) else { continue };
        for reducer in reducers {
            let values: Vec<Value> = groups.iter().map(|rows| reduce(reducer, &pick(field, rows))).collect();
            let is_number = matches!(values.first(), Some(Value::Number(_)));
            let field_type = match (field.field_type, reducer.as_str()) {
                (_, "count" | "distinctCount") => FieldType::Number,
                (field_type, _) if is_number && field_type == FieldType::Text => FieldType::Number,
                (field_type, _) => field_type,
            };
            fields.push(Field::new(format!("{name} ({reducer})"), field_type, values));
        }
    }
    Frame { name: frame.name.clone(), ref_id: frame.ref_id.clone(), fields }
}

/// One row for each number field of every frame, with its reduced values as columns.
pub(super) fn reduce_to_rows(frames: &[Frame], reducers: &[String], labels_to_fields: bool) -> Vec<Frame> {
    let mut names = Field::new("Field", FieldType::Text, Vec::new());
    let mut label_fields: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut columns: Vec<Field> =
        reducers.iter().map(|reducer| Field::new(title(reducer), FieldType::Number, Vec::new())).collect();
    let mut rows = 0;
    for frame in frames {
        for (field, name) in frame.fields.iter().zip(frame.shown_names()) {
            if field.field_type != FieldType::Number {
                continue;
            }
            names.values.push(Value::Text(name));
            for (column, reducer) in columns.iter_mut().zip(reducers) {
                column.values.push(reduce(reducer, &field.values));
            }
            if labels_to_fields {
                for (label, value) in &field.labels {
                    let values = label_fields.entry(label.clone()).or_default();
                    values.resize(rows, Value::Null);
                    values.push(Value::Text(value.clone()));
                }
            }
            rows += 1;
        }
    }
    let mut fields = vec![names];
    fields.extend(label_fields.into_iter().map(|(label, mut values)| {
        values.resize(rows, Value::Null);
        Field::new(label, FieldType::Text, values)
    }));
    fields.extend(columns);
    let ids: Vec<&str> = frames.iter().map(|frame| frame.ref_id.as_str()).collect();
    vec![Frame { name: None, ref_id: format!("reduce-{}", ids.join("-")), fields }]
}

/// Every number field of a frame becomes one value; other fields go.
pub(super) fn reduce_fields(frame: &Frame, reducers: &[String]) -> Frame {
    let reducer = reducers.first().map_or("lastNotNull", String::as_str);
    let numbers = frame.fields.iter().filter(|field| field.field_type == FieldType::Number);
    let fields = numbers.map(|field| Field { values: vec![reduce(reducer, &field.values)], ..field.clone() });
    Frame { name: frame.name.clone(), ref_id: frame.ref_id.clone(), fields: fields.collect() }
}
