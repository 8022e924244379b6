//! The kubelet's Summary API types, and simulated usage as a closed form of time.
//!
//! [`summary()`] answers for one node what its kubelet would answer at `GET /stats/summary`. Nothing is
//! remembered between two answers: usage is a function F of (object, absolute time) whose integral is known,
//! and a counter is F(now) − F(start). So counters survive a restart of whoever asks, two askers agree, and a
//! restarted container begins at zero while its pod goes on.
//!
//! [`host()`] answers what the machine of the node says of itself: the same usage, seen from the kernel.
//!
//! Which function a pod follows is its [`Profile`]: the one that the annotation [`annotations::PROFILE`]
//! names, else one chosen by the pod's uid. Upstream's annotations [`annotations::CPU`] and
//! [`annotations::MEMORY`] win over it. Spikes ([`annotations::SPIKE`]) come on top of either.

pub mod annotations;
mod clock;
mod cpu;
mod curve;
mod departed;
mod disk;
mod hash;
pub mod host;
mod memory;
mod network;
mod node;
mod node_usage;
mod pod;
mod profile;
pub mod quantity;
mod resources;
pub mod summary;
mod surge;
mod system;
mod volume;

pub use annotations::{Problem, node_problems, pod_problems};
pub use departed::Departed;
pub use host::{host, host_in};
pub use node::{Surroundings, summary, summary_and_host_in, summary_in};
pub use profile::{Profile, restart_period};
pub use quantity::Quantity;
pub use volume::ClaimSize;
