//! Rules about several dashboards together, about their history, and about the judge's own notes.

mod d01;
mod d03;
mod d04;
mod d05;
pub(crate) mod s01;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[&d01::RULE, &d03::RULE, &d04::RULE, &d05::RULE, &s01::RULE];
