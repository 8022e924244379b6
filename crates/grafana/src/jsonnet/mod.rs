//! Jsonnet → JSON, in-process, with errors as data.
//!
//! ```text
//! Evaluator (roots, inputs, limits) ──evaluate_file──► Outcome { result, traces, files }
//! ```
//!
//! Sources are read only from the [`Roots`]: an import cannot leave them by `..`, by an absolute path or through a
//! symbolic link, and there is no network. Evaluations are pure: the same sources and inputs give the same value on
//! every machine, since `std.thisFile` is the path relative to its root.

mod callbacks;
mod error;
mod evaluate;
mod messages;
mod nesting;
mod sources;

pub use error::{Error, ErrorKind, Frame, Place, Source};
pub use evaluate::{Evaluator, Input, Limits, Outcome, Trace};
pub use sources::{Roots, RootsError};
