//! `absent`: a sample where there is none.

use labels::Labels;

use super::Evaluator;
use super::matrix::{Head, Matrix, is_absent};
use super::plan::VectorNode;
use super::steps::Steps;
use crate::engine::QueryError;

impl Evaluator<'_> {
    /// `absent(vector)`
    pub(super) fn absent(
        &self,
        inner: &VectorNode,
        labels: &Labels,
        steps: Steps,
    ) -> Result<Matrix, QueryError> {
        let mut present = vec![false; steps.count];
        self.stream(inner, steps, &mut |row| {
            for (present, &value) in present.iter_mut().zip(row.values.iter()) {
                *present |= !is_absent(value);
            }
            Ok(())
        })?;
        self.absence(&present, labels)
    }

    /// One series with the value 1 where nothing was present; no series where something always was.
    pub(super) fn absence(&self, present: &[bool], labels: &Labels) -> Result<Matrix, QueryError> {
        let mut matrix = Matrix::new(present.len(), &self.limits);
        if present.contains(&false) {
            let row = matrix.push_empty(Head { labels: labels.clone(), drop_name: false })?;
            for (value, &present) in row.iter_mut().zip(present) {
                if !present {
                    *value = 1.0;
                }
            }
        }
        Ok(matrix)
    }
}
