//! The environments on a container engine: what is written down about them, and how a list of steps becomes one.

#[cfg(feature = "clusters")]
mod engine;
#[cfg(feature = "clusters")]
mod moving;
mod record;

#[cfg(feature = "clusters")]
pub(crate) use engine::find_engine;
#[cfg(feature = "clusters")]
pub(crate) use moving::{Start, bring_up, take_down};
pub(crate) use record::{RealEnvironment, RealEnvironments, RealKind};
