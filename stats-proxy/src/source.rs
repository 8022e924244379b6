//! Where the answers come from.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;

/// The nodes of a cluster and what each of their kubelets would say now. Called for each request, on the server's
/// threads: answers must come from memory.
pub trait KubeletSource: Send + Sync {
    /// The names of all nodes, sorted.
    fn node_names(&self) -> Vec<String>;

    /// A node as the API server knows it; `None` when there is none of this name.
    fn node(&self, name: &str) -> Option<Arc<Node>>;

    /// The pods that are bound to a node, in any phase.
    fn pods(&self, node: &str) -> Vec<Arc<Pod>>;

    /// A node's summary; `None` when there is no such node, or when its kubelet does not answer.
    fn summary(&self, node: &str) -> Option<Summary>;
}
