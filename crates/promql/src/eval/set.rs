//! `and`, `or`, `unless`: by whether there is a sample, not by its value.

use super::matching::{MatchGroups, Members};
use super::matrix::{Matrix, Merger, absent, any_present, is_absent};
use super::plan::VectorBinary;
use super::steps::Steps;
use super::{Evaluator, merge_failure};
use crate::ast::{BinaryOp, Span};
use crate::engine::QueryError;

/// For each group whether any of its rows has a sample, step by step.
struct Presence {
    steps: usize,
    present: Vec<bool>,
}

impl Presence {
    fn of(matrix: &Matrix, members: &Members) -> Self {
        let steps = matrix.steps();
        let mut present = vec![false; steps * members.groups()];
        for (row, (_, values)) in matrix.rows().enumerate() {
            let place = &mut present[members.group_of(row) * steps..][..steps];
            for (present, &value) in place.iter_mut().zip(values) {
                *present |= !is_absent(value);
            }
        }
        Self { steps, present }
    }

    fn of_group(&self, group: usize) -> &[bool] {
        &self.present[group * self.steps..][..self.steps]
    }
}

impl Evaluator<'_> {
    /// `vector op vector`
    pub(super) fn set(&self, binary: &VectorBinary, steps: Steps, span: Span) -> Result<Matrix, QueryError> {
        let mut left = self.matrix(&binary.left, steps)?;
        let mut right = self.matrix(&binary.right, steps)?;
        let groups = MatchGroups::new(&left, &right, &binary.matching);
        self.limits.work(steps.count.saturating_mul(left.len() + right.len()))?;
        if binary.op == BinaryOp::Or {
            let presence = Presence::of(&left, &groups.left);
            keep(&mut right, &groups.right, &presence, false);
            let mut out = Merger::new(steps.count, &self.limits);
            for (head, values) in left.rows().chain(right.rows()) {
                if any_present(values) {
                    out.add(head.clone(), values).map_err(|error| merge_failure(error, span))?;
                }
            }
            return Ok(out.finish());
        }
        let presence = Presence::of(&right, &groups.right);
        keep(&mut left, &groups.left, &presence, binary.op == BinaryOp::And);
        self.collect(steps, |sink| left.stream(sink))
    }
}

/// Leaves those samples whose group has a partner, or has none.
fn keep(matrix: &mut Matrix, members: &Members, partners: &Presence, with_partner: bool) {
    for row in 0..matrix.len() {
        let partners = partners.of_group(members.group_of(row));
        for (value, &partner) in matrix.row_mut(row).iter_mut().zip(partners) {
            if partner != with_partner {
                *value = absent();
            }
        }
    }
}
