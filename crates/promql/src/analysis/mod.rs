//! What can be said of a query without running it: the labels of its result, and the unit of its values.
//!
//! Both walk the tree once, from the selectors outwards, and ask a schema what each selector gives. What a schema does
//! not know (foreign metrics, recording rules, selectors without a name) stays unknown, and so does all that depends on
//! it: an answer that is given holds.
//!
//! ```text
//! Expr + labels::Schema ──labels::analyse──► for each node: labels that it can have, must have, is told apart by
//! Expr + units::Schema  ──units::analyse───► for each node: its unit; and the places where units do not agree
//! ```

pub mod labels;
pub mod units;
