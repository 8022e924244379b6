//! What people see: status lines on stderr, results on stdout, errors in one line with the remedy.

mod caret;
mod error;
mod jsonnet;
mod output;
#[cfg(feature = "clusters")]
mod side_by_side;
mod steps;
mod table;

pub(crate) use caret::query_error;
pub(crate) use error::{BadQuery, Usage, report_error};
pub(crate) use jsonnet::{flaw_in, jsonnet_error, path_in};
pub(crate) use output::print_result;
#[cfg(feature = "clusters")]
pub(crate) use side_by_side::SideBySide;
pub(crate) use steps::{Progress, Steps};
pub(crate) use table::{Table, sparkline};
