//! Rules about variables.

pub(super) mod selectors;
mod v01;
mod v02;
mod v03;
mod v04;
mod v05;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[&v01::RULE, &v02::RULE, &v03::RULE, &v04::RULE, &v05::RULE];
