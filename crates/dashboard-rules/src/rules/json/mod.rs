//! Rules about the file as a whole.

mod j01;
mod j02;
mod j03;
mod j04;
mod j05;
mod j06;
mod j07;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] =
    &[&j01::RULE, &j02::RULE, &j03::RULE, &j04::RULE, &j05::RULE, &j06::RULE, &j07::RULE];
