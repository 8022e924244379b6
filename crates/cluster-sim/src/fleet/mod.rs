//! The manifests at a size: exactly N nodes and M pods.

mod nodes;
pub(crate) mod quota;
mod shares;
mod volumes;

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{
    Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Service,
};
use serde_json::Value;

use crate::annotations;
use crate::error::SimulationError;
use crate::manifest::stage::Stage;
use crate::manifest::{Manifests, Workload, annotation, tree_of};

pub use nodes::DAEMON_PODS_IN;
pub(crate) use nodes::tainted;

/// The most pods on one node: the kubelet's own default, and what the shipped node templates allow.
pub const PODS_PER_NODE: usize = 110;

/// The most nodes: each has a /24 of 10.128.0.0/9 for its pods.
pub const MOST_NODES: usize = 1 << 15;

/// What would be applied to an API server: the manifests, scaled to N nodes and M pods.
///
/// # How the files' numbers become N and M
///
/// - **Nodes**: each Node document is a template; N is shared out by the templates' weights. A fleet of N + 1 nodes has
///   the same N nodes and one more.
/// - **DaemonSets** have a pod on every node that their selector and tolerations allow. Where that is more than one
///   of [`DAEMON_PODS_IN`] of all pods, the last nodes lose the labels that DaemonSets select by, until it is not.
/// - **Jobs and CronJobs** have all their pods, or are suspended.
/// - **Other workloads** each get one pod (those with `scaling: fixed` all of theirs), in the files' order, as long as
///   there are pods left. The rest is shared out by the files' replicas, bare pods included. At the files' own size (the
///   sum of all their numbers) everything has exactly the replicas that its file says.
/// - **Autoscalers'** bounds grow and shrink with their target. What they take beyond its replicas, and leave of them,
///   the Deployment with `scaling: spare` gives and gets: the number of all pods stays.
/// - **Quotas** grow with the fleet, in whole multiples. A pod that a quota refuses does not exist, so others have it.
/// - **Volumes** of a StatefulSet's claims come in the number of its pods.
/// - **M = 0** is an empty cluster; **M > 110 · N** is an error.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) workloads: Vec<Scaled>,
    pub(crate) pods: Vec<BarePods>,
    pub(crate) services: Vec<Service>,
    pub(crate) quotas: Vec<ResourceQuota>,
    pub(crate) autoscalers: Vec<Autoscaler>,
    pub(crate) volumes: Vec<PersistentVolume>,
    pub(crate) claims: Vec<PersistentVolumeClaim>,
    stages: Vec<Stage>,
}

/// A workload at its size.
#[derive(Clone, Debug)]
pub(crate) struct Scaled {
    pub(crate) workload: Workload,
    /// How many pods it has; zero here for a DaemonSet, whose nodes decide.
    pub(crate) pods: usize,
    /// Why it has not all the pods that it wants: a quota's message.
    pub(crate) refusal: Option<String>,
}

/// An autoscaler and the bounds between which its target really moves.
#[derive(Clone, Debug)]
pub(crate) struct Autoscaler {
    pub(crate) manifest: HorizontalPodAutoscaler,
    /// Position of its target in [`Fleet::workloads`].
    pub(crate) target: usize,
    pub(crate) least: usize,
    pub(crate) most: usize,
}

/// Pods without an owner, from one manifest.
#[derive(Clone, Debug)]
pub(crate) struct BarePods {
    pub(crate) template: Pod,
    pub(crate) number: usize,
    /// Whether their names are the manifest's and a number, or the manifest's alone.
    numbered: bool,
}

impl BarePods {
    fn new(template: &Pod, number: usize) -> BarePods {
        let mut template = template.clone();
        let numbered = annotation(&template.metadata, annotations::REPLICAS).is_some();
        strip(&mut template.metadata.annotations, &[annotations::REPLICAS]);
        BarePods { template, number, numbered }
    }

    /// The name of the `index`-th one.
    pub(crate) fn name(&self, index: usize) -> String {
        let name = self.template.metadata.name.clone().unwrap_or_default();
        if self.numbered || index > 0 { format!("{name}-{index:04}") } else { name }
    }

    fn manifests(&self) -> impl Iterator<Item = Pod> + '_ {
        (0..self.number).map(|index| {
            let mut pod = self.template.clone();
            pod.metadata.name = Some(self.name(index));
            pod
        })
    }
}

impl Manifests {
    /// The manifests at the size of `nodes` and `pods`.
    pub fn scaled(&self, nodes: usize, pods: usize) -> Result<Fleet, SimulationError> {
        if nodes == 0 {
            return Err(SimulationError::NoNodes);
        }
        if nodes > MOST_NODES {
            return Err(SimulationError::TooManyNodes { nodes, limit: MOST_NODES });
        }
        let limit = nodes.saturating_mul(PODS_PER_NODE);
        if pods > limit {
            return Err(SimulationError::TooManyPods { nodes, pods, limit, per_node: PODS_PER_NODE });
        }
        let mut nodes = nodes::expand(&self.nodes, nodes);
        let daemon_pods = nodes::limit_daemons(&mut nodes, &self.workloads, pods)?;
        let shares = shares::share(self, pods - daemon_pods)?;
        Ok(Fleet {
            namespaces: self.namespaces.clone(),
            nodes,
            autoscalers: shares::bound_autoscalers(&self.autoscalers, &self.workloads, &shares.workloads),
            volumes: volumes::expand(&self.volumes, &shares.workloads),
            workloads: shares.workloads,
            pods: shares.pods,
            services: self.services.clone(),
            quotas: shares.quotas,
            claims: self.claims.clone(),
            stages: self.stages.clone(),
        })
    }
}

impl Fleet {
    /// Every manifest as JSON, in an order in which an API server takes them: what others refer to comes first.
    pub fn manifests(&self) -> Vec<Value> {
        fn trees<'a, K: serde::Serialize>(objects: &'a [K]) -> impl Iterator<Item = Value> + 'a {
            objects.iter().map(tree_of)
        }
        trees(&self.stages)
            .chain(trees(&self.namespaces))
            .chain(trees(&self.nodes))
            .chain(trees(&self.quotas))
            .chain(trees(&self.volumes))
            .chain(trees(&self.claims))
            .chain(trees(&self.services))
            .chain(self.workloads.iter().map(|scaled| scaled.workload.tree()))
            .chain(self.autoscalers.iter().map(|autoscaler| tree_of(&autoscaler.manifest)))
            .chain(self.pods.iter().flat_map(BarePods::manifests).map(|pod| tree_of(&pod)))
            .collect()
    }
}

/// Takes annotations away that say how to expand a template: what was expanded has no use for them.
fn strip(annotations: &mut Option<BTreeMap<String, String>>, keys: &[&str]) {
    if let Some(map) = annotations {
        map.retain(|key, _| !keys.contains(&key.as_str()));
        if map.is_empty() {
            *annotations = None;
        }
    }
}
