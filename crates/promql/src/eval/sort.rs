//! `sort` and its kin. They matter for instant queries only: the series of a range query are ordered by their labels.

use std::cmp::Ordering;

use super::Evaluator;
use super::matrix::Matrix;
use super::plan::{Order, VectorNode};
use super::steps::Steps;
use crate::ast::Span;
use crate::engine::QueryError;

impl Evaluator<'_> {
    /// The rows of `inner` in another order.
    pub(super) fn sort(
        &self,
        inner: &VectorNode,
        order: &Order,
        steps: Steps,
        span: Span,
    ) -> Result<Matrix, QueryError> {
        let matrix = self.matrix(inner, steps)?;
        if steps.count != 1 {
            let message = "sort is ineffective for range queries since results are always ordered by labels";
            self.notes.warn(message, span);
            return Ok(matrix);
        }
        let mut indices: Vec<usize> = (0..matrix.len()).collect();
        match order {
            Order::Value { descending } => indices
                .sort_by(|&left, &right| by_value(matrix.row(left)[0], matrix.row(right)[0], *descending)),
            Order::Labels { names, descending } => indices.sort_by(|&left, &right| {
                let (left, right) = (&matrix.head(left).labels, &matrix.head(right).labels);
                let value = |labels: &labels::Labels, name| labels.get(name).unwrap_or_default().to_owned();
                let order = names
                    .iter()
                    .map(|name| natural_order(&value(left, name), &value(right, name)))
                    .find(|order| order.is_ne())
                    .unwrap_or_else(|| left.cmp(right));
                if *descending { order.reverse() } else { order }
            }),
        }
        matrix.reordered(&indices, &self.limits)
    }
}

/// NaN comes last either way.
fn by_value(left: f64, right: f64, descending: bool) -> Ordering {
    let order = left.partial_cmp(&right).unwrap_or(Ordering::Equal);
    let order = if descending { order.reverse() } else { order };
    left.is_nan().cmp(&right.is_nan()).then(order)
}

/// As people order names with numbers in them: `cpu2` before `cpu10`.
fn natural_order(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let ((left_chunk, left_rest), (right_chunk, right_rest)) = (split_chunk(left), split_chunk(right));
        if left_chunk.is_empty() || right_chunk.is_empty() {
            return left_chunk.len().cmp(&right_chunk.len());
        }
        let order = if is_number(left_chunk) && is_number(right_chunk) {
            // However long they are: the longer one is greater.
            let (left, right) = (left_chunk.trim_start_matches('0'), right_chunk.trim_start_matches('0'));
            left.len().cmp(&right.len()).then(left.cmp(right))
        } else {
            left_chunk.cmp(right_chunk)
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
}

fn is_number(chunk: &str) -> bool {
    chunk.starts_with(|c: char| c.is_ascii_digit())
}

/// The digits, or what is no digit, at the beginning.
fn split_chunk(text: &str) -> (&str, &str) {
    let digits = is_number(text);
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_inside_of_names_are_compared_as_numbers() {
        let mut names = ["cpu10", "cpu2", "cpu", "10", "9", "cpu2b", "cpu02"];
        names.sort_by(|left, right| natural_order(left, right));
        assert_eq!(names, ["9", "10", "cpu", "cpu2", "cpu02", "cpu2b", "cpu10"]);
    }

    proptest! {
        #[test]
        fn the_natural_order_is_an_order(names in vec("[0-9]{0,22}[a-c.]{0,2}[0-9]{0,3}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            prop_assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            if natural_order(a, b).is_le() && natural_order(b, c).is_le() {
                prop_assert!(natural_order(a, c).is_le());
            }
        }
    }

    #[test]
    fn nan_comes_last_in_either_direction() {
        for (descending, expected) in [(false, [1.0, 2.0]), (true, [2.0, 1.0])] {
            let mut values = [f64::NAN, 2.0, 1.0];
            values.sort_by(|&left, &right| by_value(left, right, descending));
            assert_eq!(values[..2], expected);
            assert!(values[2].is_nan());
        }
    }
}
