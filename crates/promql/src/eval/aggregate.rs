//! Aggregations: series are consumed one by one as they come.

use rustc_hash::FxHashMap;

use super::fold::Folder;
use super::grouping::Grouper;
use super::matrix::{Head, Matrix, any_present, is_absent};
use super::notes::go_float;
use super::plan::{Aggregation, AggregationKind, Fold, Grouping, ScalarNode, VectorNode};
use super::steps::Steps;
use super::{Evaluator, statistics};
use crate::ast::Span;
use crate::engine::QueryError;

impl Evaluator<'_> {
    /// The value of an aggregation.
    pub(super) fn aggregate(&self, aggregation: &Aggregation, steps: Steps) -> Result<Matrix, QueryError> {
        let Aggregation { kind, inner, grouping } = aggregation;
        match kind {
            AggregationKind::Fold(fold) => self.fold(*fold, inner, grouping, steps),
            AggregationKind::Quantile(parameter) => self.quantile(parameter, inner, grouping, steps),
            AggregationKind::CountValues(label) => self.count_values(label, inner, grouping, steps),
            AggregationKind::Pick(pick, parameter) => self.pick(*pick, parameter, inner, grouping, steps),
        }
    }

    /// Whether a row's metadata labels count as dropped already.
    pub(super) fn is_nameless(&self, drop_name: bool) -> bool {
        drop_name && !self.names_go_late
    }

    fn fold(
        &self,
        fold: Fold,
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut grouper = Grouper::new(grouping);
        let mut folder = Folder::new(fold, steps.count);
        let mut drop_names = DropNames::default();
        let mut held = self.limits.holding();
        self.stream(inner, steps, &mut |row| {
            self.limits.work(steps.count)?;
            let group = grouper.group_of(row.labels, self.is_nameless(row.drop_name));
            if group == drop_names.len() {
                held.add(steps.count)?;
                folder.grow(group + 1);
            }
            drop_names.note(group, self.names_go_late && row.drop_name);
            folder.add(group, row.values);
            Ok(())
        })?;
        let head = |(group, labels)| Head { labels, drop_name: drop_names.get(group) };
        let heads = grouper.into_labels().into_iter().enumerate().map(head).collect();
        Ok(Matrix::from_values(steps.count, heads, folder.finish(), held))
    }

    fn quantile(
        &self,
        parameter: &ScalarNode,
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let quantiles = self.scalars(parameter, steps)?;
        for quantile in quantiles.iter(steps.count) {
            self.check_quantile(quantile, parameter.span);
        }
        let mut grouper = Grouper::new(grouping);
        let mut drop_names = DropNames::default();
        let mut values: Vec<Vec<f64>> = Vec::new();
        let mut held = self.limits.holding();
        self.stream(inner, steps, &mut |row| {
            self.limits.work(steps.count)?;
            held.add(steps.count)?;
            let group = grouper.group_of(row.labels, self.is_nameless(row.drop_name));
            if group == drop_names.len() {
                values.resize_with((group + 1) * steps.count, Vec::new);
            }
            drop_names.note(group, self.names_go_late && row.drop_name);
            for (values, &value) in values[group * steps.count..].iter_mut().zip(row.values.iter()) {
                if !is_absent(value) {
                    values.push(value);
                }
            }
            Ok(())
        })?;
        let mut out = Matrix::new(steps.count, &self.limits);
        for (group, labels) in grouper.into_labels().into_iter().enumerate() {
            let row = out.push_empty(Head { labels, drop_name: drop_names.get(group) })?;
            for (step, place) in row.iter_mut().enumerate() {
                let values = &mut values[group * steps.count + step];
                if !values.is_empty() {
                    *place = statistics::quantile(quantiles.get(step), values);
                }
            }
        }
        Ok(out)
    }

    /// Warns of quantiles outside of 0..1.
    pub(super) fn check_quantile(&self, quantile: f64, span: Span) {
        if !(0.0..=1.0).contains(&quantile) {
            let message = format!("quantile value should be between 0 and 1, got {}", go_float(quantile));
            self.notes.warn(message, span);
        }
    }

    fn count_values(
        &self,
        label: &str,
        inner: &VectorNode,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut grouping = grouping.clone();
        if !grouping.without && !grouping.labels.iter().any(|name| name == label) {
            grouping.labels.push(label.to_owned());
            grouping.labels.sort_unstable();
        }
        let mut grouper = Grouper::new(&grouping);
        let mut counts: Vec<f64> = Vec::new();
        let mut held = self.limits.holding();
        self.stream(inner, steps, &mut |row| {
            self.limits.work(steps.count)?;
            // Values repeat from step to step.
            let mut groups: FxHashMap<u64, usize> = FxHashMap::default();
            let nameless = self.is_nameless(row.drop_name);
            for (step, &value) in row.values.iter().enumerate() {
                if is_absent(value) {
                    continue;
                }
                let group = *groups.entry(value.to_bits()).or_insert_with(|| {
                    let mut labels = row.labels.to_builder();
                    labels.set(label, &decimal(value));
                    grouper.group_of(&labels.build(), nameless)
                });
                if (group + 1) * steps.count > counts.len() {
                    held.add(steps.count)?;
                    counts.resize((group + 1) * steps.count, 0.0);
                }
                counts[group * steps.count + step] += 1.0;
            }
            Ok(())
        })?;
        let mut out = Matrix::new(steps.count, &self.limits);
        for (group, labels) in grouper.into_labels().into_iter().enumerate() {
            let row = out.push_empty(Head { labels, drop_name: false })?;
            for (place, &count) in row.iter_mut().zip(&counts[group * steps.count..]) {
                if count > 0.0 {
                    *place = count;
                }
            }
            debug_assert!(any_present(row), "a group begins with a sample");
        }
        Ok(out)
    }
}

/// A number without exponent, as Prometheus writes it into labels.
fn decimal(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { go_float(value) }
}

/// For each group whether the name of any of its series is to be dropped.
#[derive(Default)]
pub(super) struct DropNames(Vec<bool>);

impl DropNames {
    /// How many groups have been seen.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes a series of a group; groups begin in the order of their numbers.
    pub(super) fn note(&mut self, group: usize, drop_name: bool) {
        if group >= self.0.len() {
            self.0.resize(group + 1, false);
        }
        self.0[group] |= drop_name;
    }

    /// Whether the group's name goes.
    pub(super) fn get(&self, group: usize) -> bool {
        self.0.get(group).copied().unwrap_or(false)
    }
}
