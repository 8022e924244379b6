//! Where the answers come from.

use kubelet_stats::summary::Summary;

/// The nodes of a cluster and what each of their kubelets would say now. Called for each request, on the
/// server's threads: answers must come from memory.
pub trait SummarySource: Send + Sync {
    /// The names of all nodes, sorted.
    fn node_names(&self) -> Vec<String>;

    /// What the kubelet of `node` says now; `None` when the cluster has no such node.
    fn summary(&self, node: &str) -> Option<Summary>;
}
