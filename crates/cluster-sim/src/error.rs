//! What can be wrong with the numbers and the instant that are asked for. (Wrong files: [`crate::ManifestError`].)

use jiff::Timestamp;
use thiserror::Error;

/// Why there is no such simulation, or no such instant in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// A cluster without nodes.
    #[error("a cluster needs at least one node")]
    NoNodes,
    /// More nodes than there are addresses for.
    #[error("{nodes} nodes are more than the {limit} that a simulated cluster has addresses for")]
    TooManyNodes {
        /// Nodes asked for.
        nodes: usize,
        /// The most nodes.
        limit: usize,
    },
    /// More pods than the nodes may hold.
    #[error("{pods} pods do not fit on {nodes} nodes: at most {limit}, {per_node} on each")]
    TooManyPods {
        /// Nodes asked for.
        nodes: usize,
        /// Pods asked for.
        pods: usize,
        /// The most pods that so many nodes hold.
        limit: usize,
        /// The most pods on one node.
        per_node: usize,
    },
    /// DaemonSets that select no label have a pod on each node, and there are fewer pods than that.
    #[error(
        "the DaemonSets alone have {daemon_pods} pods on these nodes, more than the {pods} asked for: ask for more, or give them a nodeSelector"
    )]
    TooFewPods {
        /// Pods asked for.
        pods: usize,
        /// Pods of DaemonSets.
        daemon_pods: usize,
    },
    /// Pods are asked for, but the files have nothing that could have them.
    #[error("{pods} pods are asked for, but the files have no workload and no pod that they could belong to")]
    NothingToRun {
        /// Pods that nothing takes.
        pods: usize,
    },
    /// The fleet did not exist yet.
    #[error("{instant} is before this fleet's epoch, {epoch} (the seed fixes it): ask for a later instant")]
    BeforeEpoch {
        /// The instant asked for.
        instant: Timestamp,
        /// The first instant that can be asked for.
        epoch: Timestamp,
    },
}
