//! A dashboard evaluated against metrics: what its variables stand for, what its panels asked, and what came back.
//!
//! ```text
//! grafana::model::Dashboard ──variables──► values, options ──panels──► queries ──(each once)──► Metrics
//!                                                                                                  │
//!                   EvaluatedDashboard ◄── transformations ◄── frames ◄── answers ◄────────────────┘
//! ```
//!
//! [`evaluate`] always gives something: what goes wrong stands where it went wrong, at a variable, at a query or at a
//! panel, as a reader of the dashboard would see it. The preview draws the result, `dashboards render` writes it into
//! files, and the live rules of check-dashboards judge it.
//!
//! Where the numbers come from is behind [`Metrics`]; [`InMemory`] is the store of the same process. Nothing here opens
//! a socket, reads a clock or prints: the present, the stopwatch and the interruption are arguments.

mod evaluate;
mod in_memory;
mod metrics;
mod panels;
mod queries;
mod request;
mod variables;

pub use evaluate::{EvaluatedDashboard, evaluate};
pub use in_memory::InMemory;
pub use metrics::{
    ErrorKind, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, StepRange, Stop, never,
};
pub use panels::{Content, EvaluatedPanel, EvaluatedTarget};
pub use queries::Asked;
pub use request::{Chosen, DataSource, Request, Source};
pub use variables::{EvaluatedVariable, VariableError};
