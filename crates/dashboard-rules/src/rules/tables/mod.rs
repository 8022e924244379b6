//! Rules about tables.

mod t01;
pub(in crate::rules) mod t02;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[&t01::RULE, &t02::RULE];
