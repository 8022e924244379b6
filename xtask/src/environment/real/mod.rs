//! The environments on a container engine: what is written down about them, and how a list of steps becomes one.

#[cfg(feature = "clusters")]
mod engine;
#[cfg(any(test, feature = "clusters"))]
mod lock;
#[cfg(feature = "clusters")]
mod moving;
mod record;
#[cfg(test)]
pub(crate) mod scratch;

#[cfg(feature = "clusters")]
pub(crate) use engine::{engine_at, find_engine, is_same_engine};
#[cfg(feature = "clusters")]
pub(crate) use lock::Moving;
#[cfg(feature = "clusters")]
pub(crate) use moving::{Start, Starting, bring_up, take_down};
#[cfg(feature = "clusters")]
pub(crate) use record::BadRecord;
pub(crate) use record::{RealEnvironment, RealEnvironments, RealKind, Record};
