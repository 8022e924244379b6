//! `label_replace` and `label_join`.

use labels::{METRIC_NAME, shortened};

use super::matrix::Matrix;
use super::plan::{Relabel, VectorNode};
use super::steps::Steps;
use super::{Evaluator, failure};
use crate::ast::Span;
use crate::engine::QueryError;

/// The longest value that a label may be given. Joined with itself again and again, it would outgrow any memory.
const LONGEST_VALUE: usize = 64 << 10;

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
            value.clear();
            let target = match relabel {
                Relabel::Replace { target, template, source, pattern } => {
                    let source = head.labels.get(source).unwrap_or_default();
                    self.limits.work(1 + source.len() / BYTES_OF_WORK)?;
                    let Some(found) = pattern.captures(source) else { continue };
                    template
                        .expand(&found, &mut value, LONGEST_VALUE)
                        .ok_or_else(|| too_long("label_replace", target, span))?;
                    target
                }
                Relabel::Join { target, separator, sources } => {
                    let pieces = sources.iter().enumerate().flat_map(|(index, source)| {
                        let separator = if index > 0 { separator.as_str() } else { "" };
                        [separator, head.labels.get(source).unwrap_or_default()]
                    });
                    for piece in pieces {
                        if value.len() + piece.len() > LONGEST_VALUE {
                            return Err(too_long("label_join", target, span));
                        }
                        value.push_str(piece);
                    }
                    self.limits.work(sources.len())?;
                    target
                }
            };
            self.limits.made_text(value.len())?;
            let mut labels = head.labels.to_builder();
            labels.set(target, &value);
            head.labels = labels.build();
            // A name that was given on purpose stays.
            head.drop_name &= target != METRIC_NAME;
        }
        self.merged(matrix, span)
    }
}

/// So much of a value is matched in the time of one sample's work.
const BYTES_OF_WORK: usize = 16;

fn too_long(function: &str, target: &str, span: Span) -> QueryError {
    let target = shortened(target);
    failure(
        format!("{function}() makes a value of more than {LONGEST_VALUE} bytes for the label {target:?}"),
        span,
    )
}
