//! Runs test scripts in the format of Prometheus' own PromQL tests, and says which of their cases hold.
//!
//! ```text
//! text ──script──► commands ──run──► one outcome for each case ──report──► scores, and what differs from the expectations
//!          ▲                   ▲
//!        series            MemoryStorage, Engine
//! ```
//!
//! Prometheus stops at the first failure of a file; here every case is scored by itself. Each instant case is also run
//! in the middle of a range query, and with all its selectors pinned by `@` at other times, which must not change its
//! result.

/// Expectations for Prometheus' own scripts, to be read by [`Expectations::parse`].
pub const EXPECTATIONS: &str = include_str!("../expectations");

mod class;
mod compare;
mod expectations;
mod floors;
mod pinned;
mod report;
mod run;
mod script;
mod series;

pub use class::Class;
pub use expectations::{Expectations, ExpectationsError, Mode};
pub use floors::shortfalls;
pub use report::{CaseReport, FileReport, Report, Score};
pub use run::{Settings, run_script, run_scripts};
pub use script::ScriptError;
