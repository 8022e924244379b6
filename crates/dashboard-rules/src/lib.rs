//! The judge of dashboards: what is wrong with one, where, and what to do about it.
//!
//! ```text
//! JSON, Jsonnet ──► Dashboard ──► Subject ──► check(rules) ──► Report of Findings, with Fixes
//!                  (queries parsed once)         │
//!                                     rules/…: one file a rule, whose examples are its tests
//!                                     and the text of `cargo xtask explain`
//! ```
//!
//! The live rules look at answers besides, see [`live`]. Nothing here reads files, asks servers or prints.

pub mod examples;
mod explain;
pub mod finding;
pub mod fix;
pub mod live;
mod mend;
pub mod pointer;
pub mod report;
pub mod rule;
pub mod rules;
mod run;
pub mod selftest;
pub mod subject;
pub mod suppression;
pub mod text;

pub use explain::{explain, page};
pub use finding::{Finding, Findings, PanelName, Place};
pub use fix::{Change, Edit, Fix};
pub use mend::{Mended, mend};
pub use pointer::Pointer;
pub use rule::{Check, Example, Fixable, Needs, Rule, Severity};
pub use run::{Options, Report, check, judge};
pub use subject::{Dashboard, Source, Style, Subject, Unreadable};
pub use suppression::Suppression;
