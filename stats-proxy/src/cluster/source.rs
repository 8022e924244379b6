//! The kubelets of the objects that are known.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::Surroundings;
use kubelet_stats::host::HostStats;
use kubelet_stats::summary::Summary;

use super::node::answers;
use super::objects::{Bound, Keep, Objects};
use crate::source::KubeletSource;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The kubelets of a cluster whose objects are known.
pub struct ClusterKubelets {
    objects: RwLock<Objects>,
    clock: Clock,
}

impl ClusterKubelets {
    /// Of a cluster without objects.
    pub fn new(clock: Clock) -> Self {
        Self { objects: RwLock::default(), clock }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// How many nodes, pods and claims there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.objects().counts()
    }

    /// What the machine of a node says of itself at `at`; `None` when there is no such node, or when it is lost.
    pub fn host(&self, node: &str, at: Timestamp) -> Option<HostStats> {
        self.with(node, |surroundings, node, pods| kubelet_stats::host_in(surroundings, node, pods, at))
    }

    /// A change of the objects.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Objects, Timestamp)) {
        let now = self.now();
        // A change that panicked in the middle has lost one object: the others are as good as before.
        change(&mut self.objects.write().unwrap_or_else(PoisonError::into_inner), now);
    }

    /// There is this object, and so it is now.
    #[doc(hidden)]
    #[allow(private_bounds, reason = "for tests and benchmarks: the kinds that are kept")]
    pub fn put<K: Keep>(&self, object: K) {
        self.change(|objects, now| object.put(objects, now));
    }

    fn objects(&self) -> RwLockReadGuard<'_, Objects> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer of a node that can be reached. It is made without holding up anybody else.
    fn with<T>(&self, node: &str, answer: impl FnOnce(&Surroundings<'_>, &Node, &[Pod]) -> T) -> Option<T> {
        let Bound { node, pods, departed } = self.objects().bound(node)?;
        if !answers(&node) {
            return None;
        }
        let running = pods.iter().filter(|pod| pod.has_stats());
        let mut pods = Vec::with_capacity(pods.len());
        pods.extend(running.map(|pod| pod.pod()));
        let claim_size = |namespace: &str, name: &str| self.objects().claim_size(namespace, name);
        let surroundings = Surroundings { claim_size: Some(&claim_size), departed: Some(&departed) };
        Some(answer(&surroundings, &node, &pods))
    }
}

impl KubeletSource for ClusterKubelets {
    fn node_names(&self) -> Vec<String> {
        self.objects().node_names()
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.objects().node(name)
    }

    fn pods(&self, node: &str) -> Vec<Arc<Pod>> {
        let kept = self.objects().pods_of(node);
        kept.iter().map(|pod| Arc::new(pod.pod())).collect()
    }

    fn summary(&self, node: &str) -> Option<Summary> {
        let at = self.now();
        self.with(node, |surroundings, node, pods| kubelet_stats::summary_in(surroundings, node, pods, at))
    }
}
