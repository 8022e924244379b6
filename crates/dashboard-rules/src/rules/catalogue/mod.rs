//! Rules about what the receivers send.

pub(in crate::rules) mod c03;
pub(in crate::rules) mod metrics;

mod c01;
mod c02;
mod c04;
mod c05;
mod c06;
pub(in crate::rules) mod renamed;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[&c01::RULE, &c02::RULE, &c03::RULE, &c04::RULE, &c05::RULE, &c06::RULE];
