//! Rules about what a query computes.

pub(in crate::rules) mod mutations;
pub(in crate::rules) mod q05;
pub(in crate::rules) mod q06;
pub(in crate::rules) mod walk;

mod q01;
mod q02;
mod q03;
mod q04;
mod q07;
mod q08;
mod q09;
mod q10;
mod q11;
mod q12;
mod q13;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[
    &q01::RULE,
    &q02::RULE,
    &q03::RULE,
    &q04::RULE,
    &q05::RULE,
    &q06::RULE,
    &q07::RULE,
    &q08::RULE,
    &q09::RULE,
    &q10::RULE,
    &q11::RULE,
    &q12::RULE,
    &q13::RULE,
];
