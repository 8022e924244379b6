//! Several frames into one, by equal values.

use std::collections::{HashMap, HashSet};

use crate::frame::{Field, FieldType, Frame, Value};

/// A value as a key of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Null,
    Number(u64),
    Text(String),
    Boolean(bool),
}

impl From<&Value> for Key {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            // Zero has two forms.
            Value::Number(number) => Self::Number((number + 0.0).to_bits()),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Boolean(flag) => Self::Boolean(*flag),
        }
    }
}

/// The frames that have the field, with its place; without a name it is the first time field.
fn with_field<'a>(frames: &'a [Frame], by_field: Option<&str>) -> Vec<(&'a Frame, usize)> {
    let place = |frame: &Frame| match by_field {
        Some(name) => frame.position(name),
        None => frame.fields.iter().position(|field| field.field_type == FieldType::Time),
    };
    frames.iter().filter_map(|frame| Some((frame, place(frame)?))).collect()
}

/// Every key that occurs, once; where a frame has a key several times its last row counts. Frames without the field
/// are left out.
pub(super) fn outer(frames: &[Frame], by_field: Option<&str>) -> Vec<Frame> {
    let joined = with_field(frames, by_field);
    if joined.is_empty() {
        return frames.to_vec();
    }
    if let [(only, _)] = joined.as_slice() {
        return vec![(*only).clone()];
    }
    let mut keys: Vec<Value> = Vec::new();
    let mut seen = HashSet::new();
    for (frame, place) in &joined {
        for value in &frame.fields[*place].values {
            if seen.insert(Key::from(value)) {
                keys.push(value.clone());
            }
        }
    }
    // Numbers and times in order, texts as they come.
    if keys.iter().all(|key| matches!(key, Value::Number(_))) {
        keys.sort_by(|a, b| match (a, b) {
            (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
            _ => std::cmp::Ordering::Equal,
        });
    }
    let rows: HashMap<Key, usize> = keys.iter().enumerate().map(|(row, key)| (Key::from(key), row)).collect();
    let (first, place) = joined[0];
    let mut fields = vec![Field { values: keys, ..first.fields[place].clone() }];
    for (frame, place) in joined {
        let targets: Vec<usize> =
            frame.fields[place].values.iter().filter_map(|key| rows.get(&Key::from(key)).copied()).collect();
        for (_, field) in frame.fields.iter().enumerate().filter(|(i, _)| *i != place) {
            let mut values = vec![Value::Null; rows.len()];
            for (row, value) in targets.iter().zip(&field.values) {
                values[*row] = value.clone();
            }
            fields.push(Field { values, ..field.clone() });
        }
    }
    vec![Frame { name: None, ref_id: joined_ref_id(frames), fields }]
}

/// Only keys that every frame has, with every combination of their rows.
pub(super) fn inner(frames: &[Frame], by_field: Option<&str>) -> Vec<Frame> {
    /// Combinations can grow without bound.
    const MAX_ROWS: usize = 1_000_000;
    let joined = with_field(frames, by_field);
    let Some(((first, place), rest)) = joined.split_first() else { return frames.to_vec() };
    if rest.is_empty() {
        return vec![(*first).clone()];
    }
    // Each result row: the row of each frame.
    let mut rows: Vec<Vec<usize>> = (0..first.rows()).map(|row| vec![row]).collect();
    for (frame, place) in rest {
        let mut by_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (row, key) in frame.fields[*place].values.iter().enumerate() {
            by_key.entry(Key::from(key)).or_default().push(row);
        }
        let key_of = |row: usize| first.fields[joined[0].1].values.get(row).map(Key::from);
        rows = rows
            .into_iter()
            .flat_map(|row| {
                let matches = key_of(row[0]).and_then(|key| by_key.get(&key)).cloned().unwrap_or_default();
                matches.into_iter().map(move |found| {
                    let mut longer = row.clone();
                    longer.push(found);
                    longer
                })
            })
            .take(MAX_ROWS)
            .collect();
    }
    let value_at = |field: &Field, row: usize| field.values.get(row).cloned().unwrap_or(Value::Null);
    let keys = rows.iter().map(|row| value_at(&first.fields[*place], row[0])).collect();
    let mut fields = vec![Field { values: keys, ..first.fields[*place].clone() }];
    for (number, (frame, place)) in joined.iter().enumerate() {
        for (_, field) in frame.fields.iter().enumerate().filter(|(i, _)| i != place) {
            let values = rows.iter().map(|row| value_at(field, row[number])).collect();
            fields.push(Field { values, ..field.clone() });
        }
    }
    vec![Frame { name: None, ref_id: joined_ref_id(frames), fields }]
}

/// As Grafana names what comes out of a join.
fn joined_ref_id(frames: &[Frame]) -> String {
    let ids: Vec<&str> = frames.iter().map(|frame| frame.ref_id.as_str()).collect();
    format!("joinByField-{}", ids.join("-"))
}

/// Puts rows together that agree in every field that all frames have, and that contradict each other nowhere.
pub(super) fn merge(frames: &[Frame]) -> Vec<Frame> {
    let frames: Vec<&Frame> = frames.iter().filter(|frame| !frame.fields.is_empty()).collect();
    if frames.len() < 2 {
        return frames.into_iter().cloned().collect();
    }
    let names: Vec<Vec<String>> = frames.iter().map(|frame| frame.shown_names()).collect();
    let mut columns: Vec<Field> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (frame, names) in frames.iter().zip(&names) {
        for (field, name) in frame.fields.iter().zip(names) {
            index.entry(name).or_insert_with(|| {
                columns.push(Field { values: Vec::new(), ..field.clone() });
                columns.len() - 1
            });
        }
    }
    let mut key_columns: Vec<usize> = Vec::new();
    for name in &names[frames.len() - 1] {
        if names.iter().all(|others| others.contains(name)) {
            key_columns.push(index[name.as_str()]);
        }
    }
    if key_columns.is_empty() {
        return frames.into_iter().cloned().collect();
    }
    // Rows of columns; nothing where a row says nothing about a column.
    let mut rows: Vec<Vec<Option<Value>>> = Vec::new();
    let mut by_key: HashMap<Vec<Key>, Vec<usize>> = HashMap::new();
    for (frame, names) in frames.iter().zip(&names) {
        for row in 0..frame.rows() {
            let mut values = vec![None; columns.len()];
            for (field, name) in frame.fields.iter().zip(names) {
                values[index[name.as_str()]] = Some(field.values.get(row).cloned().unwrap_or(Value::Null));
            }
            let key: Vec<Key> = key_columns
                .iter()
                .map(|column| values[*column].as_ref().map_or(Key::Null, Key::from))
                .collect();
            let candidates = by_key.entry(key).or_default();
            let agrees = |existing: &Vec<Option<Value>>| {
                existing.iter().zip(&values).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => Key::from(a) == Key::from(b),
                    _ => true,
                })
            };
            let mut merged = false;
            for candidate in candidates.iter() {
                if agrees(&rows[*candidate]) {
                    merged = true;
                    for (target, value) in rows[*candidate].iter_mut().zip(&values) {
                        if value.is_some() {
                            target.clone_from(value);
                        }
                    }
                }
            }
            if !merged {
                candidates.push(rows.len());
                rows.push(values);
            }
        }
    }
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.values.push(value.unwrap_or(Value::Null));
        }
    }
    let ids: Vec<&str> = frames.iter().map(|frame| frame.ref_id.as_str()).collect();
    vec![Frame { name: None, ref_id: format!("merge-{}", ids.join("-")), fields: columns }]
}
