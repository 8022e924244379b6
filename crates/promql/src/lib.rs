//! PromQL: lexer, parser with spans, type check and evaluator over a [`Storage`].
//!
//! ```text
//! text ──parse──► Expr (spans on every node, types checked) ──Engine──► QueryOutput
//!                                                              ▲
//!                                                           Storage
//! ```

pub mod analysis;
pub mod ast;
mod display;
mod engine;
mod eval;
mod functions;
mod memory;
mod parser;
mod storage;
mod value;

pub use engine::{Engine, EngineOptions, Interrupt, QueryError, RangeQuery, Stop};
pub use functions::{Arity, Function, Signature};
pub use memory::MemoryStorage;
pub use parser::{ParseError, ParseFailure, ParseOptions, Parsing, parse};
pub use storage::{Instants, SelectRequest, SeriesRef, Storage, StorageError, is_stale_nan, stale_nan};
pub use value::{Annotations, Point, QueryOutput, RangeSeries, Sample, Value};
