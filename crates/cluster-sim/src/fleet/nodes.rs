//! Nodes from templates.

use k8s_openapi::api::core::v1::{Node, PodSpec, Taint};

use super::strip;
use crate::annotations;
use crate::apportion::deal_in_turn;
use crate::error::SimulationError;
use crate::manifest::{Workload, annotation};
use crate::placement::daemon_runs_on;
use crate::stage::Pressure;

/// DaemonSets get at most one pod of so many. On a large cluster with few pods they would else leave nothing to the
/// other workloads.
pub const DAEMON_PODS_IN: usize = 4;

/// N nodes from templates, called after their template and numbered within it. More nodes begin with the same ones.
pub(super) fn expand(templates: &[Node], nodes: usize) -> Vec<Node> {
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
            expand_one(&templates[position], index, position + index)
        })
        .collect()
}

/// The `index`-th node of a template, in the `zone`-th of its zones, counted round.
fn expand_one(template: &Node, index: usize, zone: usize) -> Node {
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

/// A node's manifest with the taints that controllers add because of its state.
pub(crate) fn tainted(node: &Node) -> Node {
    let mut node = node.clone();
    let trouble = Pressure::of(node.metadata.labels.as_ref()).map(Pressure::taint);
    let cordon = node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
    let keys = trouble.into_iter().chain(cordon.then_some("node.kubernetes.io/unschedulable"));
    let taints: Vec<Taint> = keys
        .map(|key| Taint { key: key.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() })
        .collect();
    if !taints.is_empty() {
        node.spec.get_or_insert_default().taints.get_or_insert_default().extend(taints);
    }
    node
}

/// Takes labels from nodes until DaemonSets have few enough of `pods` pods; returns how many they have.
pub(super) fn limit_daemons(
    nodes: &mut [Node],
    workloads: &[Workload],
    pods: usize,
) -> Result<usize, SimulationError> {
    let daemons: Vec<&PodSpec> = workloads
        .iter()
        .filter(|workload| matches!(workload, Workload::DaemonSet(_)))
        .filter_map(|workload| workload.template()?.spec.as_ref())
        .collect();
    let on = |node: &Node| {
        let node = tainted(node);
        daemons.iter().filter(|spec| daemon_runs_on(spec, &node)).count()
    };
    // Not what describes the machine: those labels are Kubernetes' own.
    let selected: Vec<&String> = daemons
        .iter()
        .filter_map(|spec| spec.node_selector.as_ref())
        .flat_map(|selector| selector.keys())
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
