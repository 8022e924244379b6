//! Rules about units.

mod grafana_units;
mod shown;
mod u01;
mod u02;
mod u03;
mod u04;

use crate::rule::Rule;
use crate::{
    pointer::Pointer,
    subject::{Dashboard, Query},
};

/// The unit that the values of a query are shown in, and where it stands.
pub(in crate::rules) fn shown_in(dashboard: &Dashboard, query: &Query) -> Option<(String, Pointer)> {
    let appearance = shown::appearance(dashboard, query)?;
    Some((appearance.unit?, appearance.pointer))
}

/// In the order of their ids.
pub(super) const RULES: &[&Rule] = &[&u01::RULE, &u02::RULE, &u03::RULE, &u04::RULE];
