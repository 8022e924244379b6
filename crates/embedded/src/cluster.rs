//! The cluster as it was at the latest scrape, for those who look at it from other threads.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use cluster_sim::ClusterObjects;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;

/// The objects at one instant, and which pods are bound to which node.
#[derive(Debug, Default)]
pub struct Snapshot {
    objects: Arc<ClusterObjects>,
    nodes: BTreeMap<String, BoundNode>,
}

#[derive(Debug)]
struct BoundNode {
    node: Arc<Node>,
    pods: Vec<Arc<Pod>>,
}

impl Snapshot {
    /// Sorts the pods to their nodes. Pods without a node, or with one that is gone, belong to none.
    pub fn new(objects: Arc<ClusterObjects>) -> Self {
        let named = objects.nodes.iter().filter_map(|node| {
            let name = node.metadata.name.clone()?;
            Some((name, BoundNode { node: Arc::clone(node), pods: Vec::new() }))
        });
        let mut nodes: BTreeMap<String, BoundNode> = named.collect();
        for pod in &objects.pods {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
            if let Some(bound) = node.and_then(|name| nodes.get_mut(name)) {
                bound.pods.push(Arc::clone(pod));
            }
        }
        Self { objects, nodes }
    }

    /// All objects.
    pub fn objects(&self) -> &Arc<ClusterObjects> {
        &self.objects
    }

    /// The names of the nodes, sorted.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// A node's object.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.get(name).map(|bound| &bound.node)
    }

    /// What the kubelet of `node` answers at `at`; `None` when there is no such node.
    pub fn summary(&self, node: &str, at: Timestamp) -> Option<Summary> {
        let bound = self.nodes.get(node)?;
        Some(kubelet_stats::summary(&bound.node, &bound.pods, at))
    }
}

/// A handle to the latest [`Snapshot`]. Cheap to clone; all clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    latest: Arc<RwLock<Arc<Snapshot>>>,
}

impl Cluster {
    /// The cluster as it was at the latest scrape.
    pub fn latest(&self) -> Arc<Snapshot> {
        // A poisoned lock still holds a whole snapshot: it is only ever replaced.
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, snapshot: Arc<Snapshot>) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}
