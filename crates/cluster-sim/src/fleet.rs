//! The manifests at a size: exactly N nodes and M pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use serde_json::Value;

use crate::annotations;
use crate::apportion::{deal, deal_in_turn, fill};
use crate::error::SimulationError;
use crate::manifest::{Manifests, Workload};
use crate::placement::daemon_runs_on;

/// The most pods on one node: the kubelet's own default, and what the shipped node templates allow.
pub const PODS_PER_NODE: usize = 110;

/// The most nodes: each has a /24 of 10.128.0.0/9 for its pods.
pub const MOST_NODES: usize = 1 << 15;

/// DaemonSets get at most one pod of so many. On a large cluster with few pods they would else leave nothing to the
/// other workloads.
pub const DAEMON_PODS_IN: usize = 4;

/// What would be applied to an API server: the manifests, scaled to N nodes and M pods.
///
/// # How the files' numbers become N and M
///
/// - **Nodes**: each Node document is a template; N is shared out by the templates' weights. A fleet of N + 1 nodes has
///   the same N nodes and one more.
/// - **DaemonSets** have a pod on every node that their selector and tolerations allow. Where that is more than one
///   of [`DAEMON_PODS_IN`] of all pods, the last nodes lose the labels that DaemonSets select by, until it is not.
/// - **Other workloads** each get one pod (those with `scaling: fixed` all of theirs), in the files' order, as long as
///   there are pods left. The rest is shared out by the files' replicas, bare pods included. At the files' own size (the
///   sum of all their numbers) everything has exactly the replicas that its file says.
/// - **M = 0** is an empty cluster; **M > 110 · N** is an error.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) pods: Vec<BarePods>,
    pub(crate) services: Vec<Service>,
}

/// Pods without an owner, from one manifest.
#[derive(Clone, Debug)]
pub(crate) struct BarePods {
    pub(crate) template: Pod,
    pub(crate) number: usize,
    /// Whether their names are the manifest's and a number, or the manifest's alone.
    pub(crate) numbered: bool,
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
        let mut nodes = expand_nodes(&self.nodes, nodes);
        let daemon_pods = limit_daemons(&mut nodes, &self.workloads, pods)?;
        let mut fleet = Fleet {
            namespaces: self.namespaces.clone(),
            nodes,
            workloads: self.workloads.clone(),
            pods: Vec::new(),
            services: self.services.clone(),
        };
        fleet.scale_workloads(&self.pods, pods - daemon_pods)?;
        Ok(fleet)
    }
}

impl Fleet {
    /// Every manifest as JSON, in an order in which an API server takes them: namespaces and nodes first.
    pub fn manifests(&self) -> Vec<Value> {
        fn tree<K: serde::Serialize>(object: &K) -> Value {
            // Types of Kubernetes serialise to JSON: that is how they are sent.
            serde_json::to_value(object).unwrap_or_default()
        }
        let workloads = self.workloads.iter().map(|workload| match workload {
            Workload::Deployment(object) => tree(object),
            Workload::ReplicaSet(object) => tree(object),
            Workload::StatefulSet(object) => tree(object),
            Workload::DaemonSet(object) => tree(object),
        });
        self.namespaces
            .iter()
            .map(tree)
            .chain(self.nodes.iter().map(tree))
            .chain(self.services.iter().map(tree))
            .chain(workloads)
            .chain(self.pods.iter().flat_map(BarePods::manifests).map(|pod| tree(&pod)))
            .collect()
    }

    /// Shares `pods` out over everything but DaemonSets.
    fn scale_workloads(&mut self, templates: &[Pod], pods: usize) -> Result<(), SimulationError> {
        // What each part has in the files, and how much of that it keeps at any size.
        let mut parts: Vec<Part> = Vec::new();
        for workload in &self.workloads {
            if let Some(replicas) = replicas(workload) {
                let fixed = annotation(workload.metadata(), annotations::SCALING).is_some();
                parts.push(Part { replicas, kept: if fixed { replicas } else { replicas.min(1) } });
            }
        }
        let scaled_workloads = parts.len();
        for template in templates {
            parts.push(match annotation(&template.metadata, annotations::REPLICAS) {
                Some(text) => Part { replicas: text.parse().unwrap_or_default(), kept: 0 },
                None => Part { replicas: 1, kept: 1 },
            });
        }

        let kept = fill(pods, parts.iter().map(|part| part.kept));
        let rest = pods - kept.iter().sum::<usize>();
        let weights: Vec<usize> = parts.iter().map(|part| part.replicas - part.kept).collect();
        let shares = match deal(rest, &weights) {
            Some(shares) => shares,
            // Nothing in the files grows: all that is there grows alike.
            None => deal(rest, &kept).ok_or(SimulationError::NothingToRun { pods: rest })?,
        };
        let mut numbers = kept.into_iter().zip(shares).map(|(kept, share)| kept + share);

        for workload in &mut self.workloads {
            if replicas(workload).is_some() {
                set_replicas(workload, numbers.next().unwrap_or_default());
            }
        }
        debug_assert_eq!(parts.len() - scaled_workloads, templates.len());
        for (template, number) in templates.iter().zip(numbers) {
            self.pods.push(BarePods::new(template, number));
        }
        Ok(())
    }
}

/// A workload's or pod template's claim to pods.
struct Part {
    replicas: usize,
    kept: usize,
}

fn annotation<'a>(
    metadata: &'a k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    key: &str,
) -> Option<&'a String> {
    metadata.annotations.as_ref()?.get(key)
}

/// Its replicas in the file; `None` for a DaemonSet.
fn replicas(workload: &Workload) -> Option<usize> {
    let replicas = match workload {
        Workload::Deployment(object) => object.spec.as_ref()?.replicas,
        Workload::ReplicaSet(object) => object.spec.as_ref()?.replicas,
        Workload::StatefulSet(object) => object.spec.as_ref()?.replicas,
        Workload::DaemonSet(_) => return None,
    };
    // One is Kubernetes' default; parsing refused negative numbers.
    Some(usize::try_from(replicas.unwrap_or(1)).unwrap_or_default())
}

fn set_replicas(workload: &mut Workload, number: usize) {
    let number = Some(i32::try_from(number).unwrap_or(i32::MAX));
    match workload {
        Workload::Deployment(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = number),
        Workload::ReplicaSet(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = number),
        Workload::StatefulSet(object) => object.spec.iter_mut().for_each(|spec| spec.replicas = number),
        Workload::DaemonSet(_) => {}
    }
}

/// N nodes from templates, called after their template and numbered within it. More nodes begin with the same ones.
fn expand_nodes(templates: &[Node], nodes: usize) -> Vec<Node> {
    let weights: Vec<usize> = templates
        .iter()
        .map(|template| {
            annotation(&template.metadata, annotations::WEIGHT).map_or(1, |text| text.parse().unwrap_or(1))
        })
        .collect();
    let mut numbers = vec![0_usize; templates.len()];
    let turns = deal_in_turn(nodes, &weights).unwrap_or_default().into_iter();
    turns
        .map(|position| {
            let index = numbers[position];
            numbers[position] += 1;
            // Templates begin at different zones, so that small ones do not pile up in the first.
            expand_node(&templates[position], index, position + index)
        })
        .collect()
}

/// The `index`-th node of a template, in the `zone`-th of its zones, counted round.
fn expand_node(template: &Node, index: usize, zone: usize) -> Node {
    let zones: Vec<&str> = annotation(&template.metadata, annotations::ZONES)
        .map(|zones| zones.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let mut node = template.clone();
    let metadata = &mut node.metadata;
    let name = format!("{}-{index:04}", metadata.name.as_deref().unwrap_or("node"));
    let labels = metadata.labels.get_or_insert_default();
    labels.insert("kubernetes.io/hostname".to_owned(), name.clone());
    if !zones.is_empty() {
        labels.insert("topology.kubernetes.io/zone".to_owned(), zones[zone % zones.len()].to_owned());
    }
    metadata.name = Some(name);
    strip(&mut metadata.annotations, &[annotations::WEIGHT, annotations::ZONES]);
    node
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

/// Takes labels from nodes until DaemonSets have few enough pods; returns how many they have.
fn limit_daemons(nodes: &mut [Node], workloads: &[Workload], pods: usize) -> Result<usize, SimulationError> {
    let daemons: Vec<_> = workloads
        .iter()
        .filter_map(|workload| match workload {
            Workload::DaemonSet(daemon_set) => daemon_set.spec.as_ref()?.template.spec.as_ref(),
            _ => None,
        })
        .collect();
    let on = |node: &Node| daemons.iter().filter(|spec| daemon_runs_on(spec, node)).count();
    // Not what describes the machine: those labels are Kubernetes' own.
    let selected: Vec<&String> = daemons
        .iter()
        .filter_map(|spec| spec.node_selector.as_ref())
        .flat_map(BTreeMap::keys)
        .filter(|key| !key.split('/').next().is_some_and(|prefix| prefix.ends_with("kubernetes.io")))
        .collect();
    let mut total: usize = nodes.iter().map(on).sum();
    for node in nodes.iter_mut().rev() {
        if total <= pods / DAEMON_PODS_IN {
            break;
        }
        let before = on(node);
        if let Some(labels) = &mut node.metadata.labels {
            labels.retain(|key, _| !selected.contains(&key));
        }
        total -= before - on(node);
    }
    if total > pods { Err(SimulationError::TooFewPods { pods, daemon_pods: total }) } else { Ok(total) }
}
