//! Transformations: what happens to frames between the queries and the picture.

mod join;
pub mod reduce;
mod rows;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use regex::Regex;

use crate::display::braced_groups;
use crate::frame::{Field, FieldType, Frame, Value};
use crate::model::{Pattern, Transformation};

pub use rows::compare;
pub use step::{Calculation, Grouping, NameFilter, Step, StepError};

/// Applies the transformations of a panel in order. One that cannot be applied is left out and reported.
pub fn apply(mut frames: Vec<Frame>, transformations: &[Transformation]) -> (Vec<Frame>, Vec<StepError>) {
    let mut errors = Vec::new();
    for transformation in transformations.iter().filter(|transformation| !transformation.disabled) {
        if transformation.filter.is_some() {
            let what = "a filter by frame".to_owned();
            errors.push(StepError::Unsupported { id: transformation.id.clone(), what });
            continue;
        }
        match Step::of(transformation).and_then(|step| apply_step(&frames, &step, &transformation.id)) {
            Ok(transformed) => frames = transformed,
            Err(error) => errors.push(error),
        }
    }
    (frames, errors)
}

fn apply_step(frames: &[Frame], step: &Step, id: &str) -> Result<Vec<Frame>, StepError> {
    let compile = |pattern: &str| {
        Pattern::new(pattern)
            .regex()
            .cloned()
            .ok_or_else(|| StepError::Regex { id: id.to_owned(), pattern: pattern.to_owned() })
    };
    let each = |change: &dyn Fn(&mut Frame)| {
        let mut frames = frames.to_vec();
        frames.iter_mut().for_each(change);
        frames
    };
    Ok(match step {
        Step::JoinByField { field, inner: true } => join::inner(frames, field.as_deref()),
        Step::JoinByField { field, inner: false } => join::outer(frames, field.as_deref()),
        Step::Merge => join::merge(frames),
        Step::Organize { exclude, include, order, rename } => {
            each(&|frame| organize(frame, exclude, include, order, rename))
        }
        Step::FilterFieldsByName { include, exclude } => {
            let include = CompiledFilter::new(include, compile)?;
            let exclude = CompiledFilter::new(exclude, compile)?;
            each(&|frame| {
                keep(frame, |name| {
                    include.as_ref().is_none_or(|filter| filter.matches(name))
                        && !exclude.as_ref().is_some_and(|filter| filter.matches(name))
                });
            })
        }
        Step::RenameByRegex { regex, rename } => {
            let regex = compile(regex)?;
            let rename = braced_groups(rename);
            each(&|frame| rename_by_regex(frame, &regex, &rename))
        }
        Step::SortBy { field, descending } => each(&|frame| rows::sort(frame, field, *descending)),
        Step::CalculateField { calculation, alias, replace } => {
            each(&|frame| rows::calculate(frame, calculation, alias.as_deref(), *replace))
        }
        Step::GroupBy(groupings) => frames.iter().map(|frame| rows::group(frame, groupings)).collect(),
        Step::Reduce { reducers, fields: true, .. } => {
            frames.iter().map(|frame| rows::reduce_fields(frame, reducers)).collect()
        }
        Step::Reduce { reducers, fields: false, labels_to_fields } => {
            rows::reduce_to_rows(frames, reducers, *labels_to_fields)
        }
        Step::LabelsToFields { keep } => join::merge(&each(&|frame| labels_to_fields(frame, keep))),
    })
}

struct CompiledFilter<'a> {
    names: &'a [String],
    pattern: Option<Regex>,
}

impl<'a> CompiledFilter<'a> {
    /// Nothing for a filter that says nothing.
    fn new(
        filter: &'a NameFilter,
        compile: impl Fn(&str) -> Result<Regex, StepError>,
    ) -> Result<Option<Self>, StepError> {
        if filter.is_empty() {
            return Ok(None);
        }
        let pattern = filter.pattern.as_deref().map(compile).transpose()?;
        Ok(Some(Self { names: &filter.names, pattern }))
    }

    fn matches(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }
}

fn keep(frame: &mut Frame, wanted: impl Fn(&str) -> bool) {
    let names = frame.shown_names();
    let mut kept = names.iter().map(|name| wanted(name));
    frame.fields.retain(|_| kept.next().unwrap_or(true));
}

/// Orders, then leaves out, then renames: each step goes by the names that the one before left.
fn organize(
    frame: &mut Frame,
    exclude: &[String],
    include: &[String],
    order: &BTreeMap<String, i64>,
    rename: &BTreeMap<String, String>,
) {
    if !order.is_empty() {
        let names = frame.shown_names();
        let mut fields: Vec<(i64, Field)> = names
            .iter()
            .zip(std::mem::take(&mut frame.fields))
            .map(|(name, field)| (order.get(name).copied().unwrap_or(i64::MAX), field))
            .collect();
        fields.sort_by_key(|(place, _)| *place);
        frame.fields = fields.into_iter().map(|(_, field)| field).collect();
    }
    keep(frame, |name| {
        let listed = |names: &[String]| names.iter().any(|known| known == name);
        !listed(exclude) && (include.is_empty() || listed(include))
    });
    let names = frame.shown_names();
    for (field, name) in frame.fields.iter_mut().zip(names) {
        if let Some(new) = rename.get(&name) {
            field.display_name = Some(new.clone());
        }
    }
}

fn rename_by_regex(frame: &mut Frame, regex: &Regex, rename: &str) {
    let names = frame.shown_names();
    for (field, name) in frame.fields.iter_mut().zip(names) {
        if regex.is_match(&name) {
            field.display_name = Some(regex.replace(&name, rename).into_owned());
        }
    }
}

/// The labels of the number fields become columns.
fn labels_to_fields(frame: &mut Frame, keep: &[String]) {
    let rows = frame.rows();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for field in frame.fields.iter_mut().filter(|field| field.field_type != FieldType::Time) {
        labels.append(&mut std::mem::take(&mut field.labels));
        field.display_name = None;
    }
    let columns = labels
        .into_iter()
        .filter(|(label, _)| keep.is_empty() || keep.contains(label))
        .map(|(label, value)| Field::new(label, FieldType::Text, vec![Value::Text(value); rows]));
    // Between the time and the values.
    let place = frame.fields.iter().take_while(|field| field.field_type == FieldType::Time).count();
    frame.fields.splice(place..place, columns);
}
