//! Rules about answers: what a dashboard shows, in an environment or at a server.

mod d02;
mod foreign;
mod l01;
mod l02;
mod l03;
mod l04;
mod l05;
mod l06;
mod links;
mod quantities;

use crate::rule::Rule;

/// In the order of their ids.
pub(super) const RULES: &[&Rule] =
    &[&l01::RULE, &l02::RULE, &l03::RULE, &l04::RULE, &l05::RULE, &l06::RULE, &d02::RULE];

#[cfg(test)]
mod tests;
