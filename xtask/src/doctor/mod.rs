//! What an environment needs and what there is.
//!
//! ```text
//! probes, side by side ──► Observations ──► judge(what is asked about) ──► Lines: ✓ ✗ –
//! each with a deadline     what was seen     no looking, only judging       each ✗ with a command
//! ```

mod asked;
mod deadline;
mod judge;
mod probes;

pub(crate) use asked::Asked;
#[cfg(feature = "clusters")]
pub(crate) use asked::ChosenPorts;
#[cfg(not(feature = "clusters"))]
pub(crate) use judge::ENGINE;
pub(crate) use judge::{Line, Mark, Question, judge};
pub(crate) use probes::{Observations, Subject};
