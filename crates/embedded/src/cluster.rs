//! The cluster as it was at the latest scrape, for those who look at it from other threads.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use cluster_sim::ClusterObjects;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kubelet_stats::host::HostStats;
use kubelet_stats::summary::Summary;
use kubelet_stats::{Departed, Quantity, Surroundings};

/// The objects at one instant, and which pods are bound to which node.
#[derive(Debug, Default)]
pub struct Snapshot {
    objects: Arc<ClusterObjects>,
    nodes: BTreeMap<String, BoundNode>,
    /// Bytes of each claim, by namespace and name.
    claims: BTreeMap<(String, String), u64>,
}

#[derive(Debug)]
struct BoundNode {
    node: Arc<Node>,
    pods: Vec<Arc<Pod>>,
    departed: Departed,
}

impl Snapshot {
    /// Sorts the pods to their nodes. Pods without a node, or with one that is gone, belong to none. `departed` says what
    /// the pods that left a node had counted there.
    pub fn new(objects: Arc<ClusterObjects>, mut departed: impl FnMut(&str) -> Departed) -> Self {
        let named = objects.nodes.iter().filter_map(|node| {
            let name = node.metadata.name.clone()?;
            let departed = departed(&name);
            Some((name, BoundNode { node: Arc::clone(node), pods: Vec::new(), departed }))
        });
        let mut nodes: BTreeMap<String, BoundNode> = named.collect();
        for pod in &objects.pods {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
            if let Some(bound) = node.and_then(|name| nodes.get_mut(name)) {
                bound.pods.push(Arc::clone(pod));
            }
        }
        let claims = objects.persistent_volume_claims.iter().filter_map(|claim| claim_size(claim)).collect();
        Self { objects, nodes, claims }
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

    /// The pods that are bound to a node, in any phase; `None` when there is no such node.
    pub fn pods_of(&self, node: &str) -> Option<&[Arc<Pod>]> {
        self.nodes.get(node).map(|bound| bound.pods.as_slice())
    }

    /// What the kubelet of `node` answers at `at`; `None` when there is no such node, or when it is lost.
    pub fn summary(&self, node: &str, at: Timestamp) -> Option<Summary> {
        self.with(node, |bound, surroundings| {
            kubelet_stats::summary_in(surroundings, &bound.node, &bound.pods, at)
        })
    }

    /// [`Snapshot::summary`], and what the node's machine says of itself at the same instant.
    pub fn summary_and_host(&self, node: &str, at: Timestamp) -> Option<(Summary, HostStats)> {
        self.with(node, |bound, surroundings| {
            kubelet_stats::summary_and_host_in(surroundings, &bound.node, &bound.pods, at)
        })
    }

    fn with<T>(&self, node: &str, answer: impl FnOnce(&BoundNode, &Surroundings<'_>) -> T) -> Option<T> {
        let bound = self.nodes.get(node).filter(|bound| answers(&bound.node))?;
        let claim_size =
            |namespace: &str, name: &str| self.claims.get(&(namespace.to_owned(), name.to_owned())).copied();
        let surroundings = Surroundings { claim_size: Some(&claim_size), departed: Some(&bound.departed) };
        Some(answer(bound, &surroundings))
    }
}

/// Whether a node can be reached: the node controller calls one that is silent `Unknown`.
pub fn answers(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    !conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "Unknown")
}

/// What a claim was given, or asks for as long as it has nothing.
fn claim_size(claim: &PersistentVolumeClaim) -> Option<((String, String), u64)> {
    let given = claim.status.as_ref().and_then(|status| status.capacity.as_ref()?.get("storage"));
    let asked = || claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?.get("storage");
    let size: Quantity = given.or_else(asked)?.0.parse().ok()?;
    let key = (claim.metadata.namespace.clone()?, claim.metadata.name.clone()?);
    Some((key, u64::try_from(size.units()).ok()?))
}

/// A handle to the latest [`Snapshot`] of a cluster. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Cluster {
    name: Arc<str>,
    latest: Arc<RwLock<Arc<Snapshot>>>,
}

impl Cluster {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), latest: Arc::default() }
    }

    /// `k8s_cluster_name` on its series.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster as it was at the latest scrape.
    pub fn latest(&self) -> Arc<Snapshot> {
        // A poisoned lock still holds a whole snapshot: it is only ever replaced.
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, snapshot: Arc<Snapshot>) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}
