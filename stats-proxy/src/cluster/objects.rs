//! The objects of a cluster as far as kubelets need them, by node.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kubelet_stats::{Departed, Quantity};

use super::kept::{Common, KeptPod};
use super::node::{boot, trimmed};

/// A namespace and a name.
type Key = (Arc<str>, Box<str>);

/// The nodes, pods and claims that are known.
///
/// Each kind is told what there is in rounds: [`Objects::begin`], everything there is, and [`Objects::end`], at which what
/// was not told is gone. In between and afterwards single objects come and go. So what is known stays known while it is
/// told again.
#[derive(Debug, Default)]
pub struct Objects {
    nodes: BTreeMap<Arc<str>, BoundNode>,
    pods: HashMap<Key, Told<Arc<KeptPod>>>,
    claims: HashMap<Key, Told<u64>>,
    common: Common,
    rounds: Rounds,
    known_nodes: usize,
}

/// The number of the latest round of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Rounds {
    nodes: u64,
    pods: u64,
    claims: u64,
}

/// Something, and the round in which it was told last.
#[derive(Debug)]
struct Told<T> {
    it: T,
    round: u64,
}

/// A node with its pods. The pods may be known before their node, or after it.
#[derive(Debug, Default)]
struct BoundNode {
    node: Option<Told<Arc<Node>>>,
    /// By namespace and name.
    pods: Vec<Arc<KeptPod>>,
    departed: Departed,
}

/// A node, its pods, and what those that left it had counted.
pub(crate) struct Bound {
    pub(crate) node: Arc<Node>,
    pub(crate) pods: Vec<Arc<KeptPod>>,
    pub(crate) departed: Departed,
}

/// A kind of objects that is kept.
pub(crate) trait Keep: Sized {
    /// Everything there is will be told anew.
    fn begin(objects: &mut Objects);
    /// There is this one, and so it is now.
    fn put(self, objects: &mut Objects, now: Timestamp);
    /// This one is gone.
    fn remove(self, objects: &mut Objects, now: Timestamp);
    /// Everything there is was told.
    fn end(objects: &mut Objects, now: Timestamp);
}

impl Objects {
    /// No objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of the nodes, sorted.
    pub(crate) fn node_names(&self) -> Vec<String> {
        let known = self.nodes.iter().filter(|(_, bound)| bound.node.is_some());
        known.map(|(name, _)| name.to_string()).collect()
    }

    /// A node's object.
    pub(crate) fn node(&self, name: &str) -> Option<Arc<Node>> {
        Some(Arc::clone(&self.nodes.get(name)?.node.as_ref()?.it))
    }

    /// The pods that are bound to a node.
    pub(crate) fn pods_of(&self, name: &str) -> Vec<Arc<KeptPod>> {
        self.nodes.get(name).map(|bound| bound.pods.clone()).unwrap_or_default()
    }

    /// A node with everything that its kubelet knows.
    pub(crate) fn bound(&self, name: &str) -> Option<Bound> {
        let BoundNode { node, pods, departed } = self.nodes.get(name)?;
        let node = Arc::clone(&node.as_ref()?.it);
        Some(Bound { node, pods: pods.clone(), departed: departed.clone() })
    }

    /// Bytes of a claim.
    pub(crate) fn claim_size(&self, namespace: &str, name: &str) -> Option<u64> {
        self.claims.get(&(namespace.into(), name.into())).map(|claim| claim.it)
    }

    /// How many nodes, pods and claims there are.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.known_nodes, self.pods.len(), self.claims.len())
    }

    /// Adds a pod to its node.
    fn bind(&mut self, pod: &Arc<KeptPod>) {
        let bound = self.nodes.entry(Arc::clone(&pod.node)).or_default();
        match bound.find(pod) {
            Ok(at) => bound.pods[at] = Arc::clone(pod),
            Err(at) => bound.pods.insert(at, Arc::clone(pod)),
        }
    }

    /// Takes a pod off its node, whose counters keep what it counted.
    fn unbind(&mut self, pod: &KeptPod, now: Timestamp) {
        let Some(bound) = self.nodes.get_mut(&pod.node) else { return };
        if let Ok(at) = bound.find(pod) {
            bound.pods.remove(at);
        }
        // One that has ended is counted already.
        if pod.has_stats() {
            bound.departed.add(&pod.pod(), now);
        }
        self.forget_if_empty(&pod.node);
    }

    fn forget_if_empty(&mut self, name: &str) {
        if self.nodes.get(name).is_some_and(|bound| bound.node.is_none() && bound.pods.is_empty()) {
            self.nodes.remove(name);
        }
    }

    fn remove_pod(&mut self, key: &Key, now: Timestamp) {
        if let Some(gone) = self.pods.remove(key) {
            self.unbind(&gone.it, now);
        }
    }

    fn remove_node(&mut self, name: &str) {
        if let Some(bound) = self.nodes.get_mut(name) {
            self.known_nodes -= usize::from(bound.node.take().is_some());
            bound.departed = Departed::default();
            self.forget_if_empty(name);
        }
    }
}

impl BoundNode {
    /// Where a pod is, or would be.
    fn find(&self, pod: &KeptPod) -> Result<usize, usize> {
        let key = (&*pod.namespace, &*pod.name);
        self.pods.binary_search_by(|other| (&*other.namespace, &*other.name).cmp(&key))
    }
}

impl Keep for Pod {
    fn begin(objects: &mut Objects) {
        objects.rounds.pods += 1;
    }

    fn put(self, objects: &mut Objects, now: Timestamp) {
        let round = objects.rounds.pods;
        let Some(pod) = KeptPod::of(&self, &mut objects.common) else { return };
        let key = (Arc::clone(&pod.namespace), pod.name.clone());
        let known = objects.pods.get_mut(&key).map(|known| {
            known.round = round;
            Arc::clone(&known.it)
        });
        if known.as_deref() == Some(&pod) {
            return;
        }
        // Another pod of the same name is another pod.
        let before = known.as_ref().filter(|known| known.uid == pod.uid && known.node == pod.node);
        if let (Some(other), None) = (&known, before) {
            objects.unbind(other, now);
        }
        let pod = Arc::new(pod);
        objects.bind(&pod);
        if let Some(end) = pod.ended(now)
            && before.is_none_or(|before| before.ended(now).is_none())
            && let Some(bound) = objects.nodes.get_mut(&pod.node)
        {
            bound.departed.add(&pod.pod(), end);
        }
        objects.pods.insert(key, Told { it: pod, round });
    }

    fn remove(self, objects: &mut Objects, now: Timestamp) {
        let namespace = self.metadata.namespace.as_deref().unwrap_or_default();
        let name = self.metadata.name.as_deref().unwrap_or_default();
        objects.remove_pod(&(namespace.into(), name.into()), now);
    }

    fn end(objects: &mut Objects, now: Timestamp) {
        let round = objects.rounds.pods;
        let gone = objects.pods.iter().filter(|(_, told)| told.round != round).map(|(key, _)| key.clone());
        for key in gone.collect::<Vec<_>>() {
            objects.remove_pod(&key, now);
        }
        objects.common.forget_unused();
    }
}

impl Keep for Node {
    fn begin(objects: &mut Objects) {
        objects.rounds.nodes += 1;
    }

    fn put(self, objects: &mut Objects, _: Timestamp) {
        let round = objects.rounds.nodes;
        let node = trimmed(self);
        let Some(name) = node.metadata.name.as_deref() else { return };
        let bound = objects.nodes.entry(objects.common.name(name)).or_default();
        match &mut bound.node {
            None => {
                bound.node = Some(Told { it: Arc::new(node), round });
                objects.known_nodes += 1;
            }
            Some(known) => {
                known.round = round;
                if boot(&known.it) != boot(&node) {
                    bound.departed = Departed::default();
                }
                if *known.it != node {
                    known.it = Arc::new(node);
                }
            }
        }
    }

    fn remove(self, objects: &mut Objects, _: Timestamp) {
        objects.remove_node(self.metadata.name.as_deref().unwrap_or_default());
    }

    fn end(objects: &mut Objects, _: Timestamp) {
        let round = objects.rounds.nodes;
        let is_gone = |bound: &BoundNode| bound.node.as_ref().is_some_and(|told| told.round != round);
        let gone = objects.nodes.iter().filter(|(_, bound)| is_gone(bound)).map(|(name, _)| Arc::clone(name));
        for name in gone.collect::<Vec<_>>() {
            objects.remove_node(&name);
        }
    }
}

impl Keep for PersistentVolumeClaim {
    fn begin(objects: &mut Objects) {
        objects.rounds.claims += 1;
    }

    fn put(self, objects: &mut Objects, _: Timestamp) {
        let round = objects.rounds.claims;
        match (size(&self), key(&self)) {
            (Some(it), Some(key)) => drop(objects.claims.insert(key, Told { it, round })),
            (None, Some(key)) => drop(objects.claims.remove(&key)),
            (_, None) => {}
        }
    }

    fn remove(self, objects: &mut Objects, _: Timestamp) {
        if let Some(key) = key(&self) {
            objects.claims.remove(&key);
        }
    }

    fn end(objects: &mut Objects, _: Timestamp) {
        let round = objects.rounds.claims;
        objects.claims.retain(|_, told| told.round == round);
    }
}

fn key(claim: &PersistentVolumeClaim) -> Option<Key> {
    Some((claim.metadata.namespace.as_deref()?.into(), claim.metadata.name.as_deref()?.into()))
}

/// What a claim was given, or asks for as long as it has nothing.
fn size(claim: &PersistentVolumeClaim) -> Option<u64> {
    let given = claim.status.as_ref().and_then(|status| status.capacity.as_ref()?.get("storage"));
    let asked = || claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?.get("storage");
    let size: Quantity = given.or_else(asked)?.0.parse().ok()?;
    u64::try_from(size.units()).ok()
}
