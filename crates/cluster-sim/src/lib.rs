//! Kubernetes manifests, a seed and an instant in; the API objects of a simulated cluster out.
//!
//! The files are plain manifests, the same that a real KWOK cluster gets ([`Manifests`]). A [`Simulation`] does to them
//! what the API server (defaults, uids), the controllers (ReplicaSets, pods, owner references, status numbers), the
//! scheduler and KWOK's stages (nodes become Ready, pods become Running) would have done:
//!
//! ```text
//! files ── parse, check ──► Manifests ── --nodes N --pods M ──► Fleet ── seed, instant ──► ClusterObjects
//! ```
//!
//! - **Exact numbers.** N nodes and M pods, whatever the files say; the node templates and replica numbers are scaled.
//! - **A pure function of (files, options, provocations, instant).** [`Simulation::at`] keeps a cache, but never answers
//!   differently because of what was asked before. What is provoked ([`provocation`]) changes nothing before it begins. The fleet's epoch is fixed by the seed, not by when a program starts, so
//!   simulations of one seed agree at every instant. An instant before the epoch is an error.
//! - **Cheap to follow.** An object that did not change between two instants is the same [`Arc`](std::sync::Arc), and its
//!   `resourceVersion` changes exactly when it does; when nothing changed at all, the whole snapshot is the same `Arc`.

pub mod annotations;
mod apportion;
mod cluster;
mod defaults;
mod departures;
mod draw;
mod error;
mod fleet;
mod life;
mod manifest;
mod objects;
mod placement;
pub mod provocation;
mod resources;
mod scheduler;
mod simulation;
mod stage;
mod time;
mod troubles;
mod views;
mod world;

pub use cluster::ClusterObjects;
pub use error::SimulationError;
pub use fleet::{DAEMON_PODS_IN, Fleet, MOST_NODES, PODS_PER_NODE};
pub use manifest::{ManifestError, Manifests, check_fields};
pub use provocation::{Action, Provocation, ProvocationError, Request, Scenario, Target};
pub use simulation::{Simulation, SimulationOptions};
