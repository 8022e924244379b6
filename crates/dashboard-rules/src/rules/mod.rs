//! The rules: one file each.
//!
//! A rule is a constant `RULE` in a file named after its id, and stands in the list of its folder. Everything else
//! follows: its examples are tested, `cargo xtask explain` shows them, and the page of rules lists it.

mod catalogue;
mod json;
mod live;
mod panels;
mod queries;
pub(crate) mod sets;
mod tables;
mod units;
mod variables;

use promql::ast::{Expr, Span, VectorSelector};

use crate::rule::Rule;

const GROUPS: &[&[&Rule]] = &[
    json::RULES,
    panels::RULES,
    variables::RULES,
    queries::RULES,
    catalogue::RULES,
    units::RULES,
    tables::RULES,
    live::RULES,
    sets::RULES,
];

/// Every rule, in the order of the folders and of the ids.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().copied().flatten().copied()
}

/// The rule of this id, in capitals or not.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// The mistakes that the rules about queries, metrics and units have to find.
pub(crate) use queries::mutations::OPERATORS as QUERY_OPERATORS;

/// Every selector in a tree with its span.
pub(crate) fn selectors_of(expr: &Expr) -> Vec<(&VectorSelector, Span)> {
    variables::selectors::of(expr)
}

#[cfg(test)]
mod tests;
