//! Objects of a Kubernetes API server, and the user's kubeconfig.
//!
//! | module | what |
//! |---|---|
//! | (here) | a [`Cluster`]: connecting, waiting until it answers, applying, counting, waiting for rollouts, telling what is wrong |
//! | [`fleet`] | the objects that make a KWOK cluster the fleet that the embedded simulation shows |
//! | [`provoke`] | what `cargo xtask sim` does, on real objects |
//! | [`kubeconfig`] | our context in the user's kubeconfig, in and out |
//! | `fake` | an API server for tests (feature `fakes`) |
//!
//! Everything that waits has a deadline, and what may go away by itself (a server that starts, is busy or restarts, a kind or a
//! service account that is not there yet) is tried again until then. What a server refuses is told at once, with the object, the
//! field and the server's own words.

mod applying;
mod connection;
mod counting;
mod diagnosis;
mod discovery;
mod exchange;
#[cfg(any(test, feature = "fakes"))]
pub mod fake;
pub mod fleet;
pub mod kubeconfig;
mod object;
mod patience;
pub mod provoke;
mod readiness;
mod rollouts;

use kube::Client;

pub use applying::Applied;
pub use counting::{Counts, NodeCount, PodCount};
pub use object::ObjectName;
pub use patience::Pace;
pub use rollouts::{WorkloadKind, WorkloadRef};

/// Who applies: the manager of the fields that are ours.
pub const FIELD_MANAGER: &str = "kubernetes-mixin-otel";

/// The API server of a cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    address: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("address", &self.address).finish_non_exhaustive()
    }
}
