//! `label_replace` and `label_join`.

use labels::METRIC_NAME;

use super::Evaluator;
use super::matrix::Matrix;
use super::plan::{Relabel, VectorNode};
use super::steps::Steps;
use crate::ast::Span;
use crate::engine::QueryError;

impl Evaluator<'_> {
    /// Sets a label of each series.
    pub(super) fn relabel(
        &self,
        inner: &VectorNode,
        relabel: &Relabel,
        steps: Steps,
        span: Span,
    ) -> Result<Matrix, QueryError> {
        let mut matrix = self.matrix(inner, steps)?;
        let mut value = String::new();
        for head in matrix.heads_mut() {
            self.limits.work(1)?;
            value.clear();
            let target = match relabel {
                Relabel::Replace { target, template, source, pattern } => {
                    let Some(found) = pattern.captures(head.labels.get(source).unwrap_or_default()) else {
                        continue;
                    };
                    found.expand(template, &mut value);
                    target
                }
                Relabel::Join { target, separator, sources } => {
                    for (index, source) in sources.iter().enumerate() {
                        if index > 0 {
                            value.push_str(separator);
                        }
                        value.push_str(head.labels.get(source).unwrap_or_default());
                    }
                    target
                }
            };
            let mut labels = head.labels.to_builder();
            labels.set(target, &value);
            head.labels = labels.build();
            // A name that was given on purpose stays.
            head.drop_name &= target != METRIC_NAME;
        }
        self.merged(matrix, span)
    }
}
