//! What kubelets count.

use std::collections::HashMap;
use std::sync::Arc;

use cluster_sim::Simulation;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kubelet_stats::summary::Summary;

/// The summary of every node.
pub(crate) fn summaries(simulation: &mut Simulation, at: Timestamp) -> Vec<(String, Summary)> {
    let objects = simulation.at(at).unwrap();
    let mut pods = HashMap::<&str, Vec<&Arc<Pod>>>::new();
    for pod in &objects.pods {
        if let Some(node) = &pod.spec.as_ref().unwrap().node_name {
            pods.entry(node).or_default().push(pod);
        }
    }
    let summary = |node: &Arc<k8s_openapi::api::core::v1::Node>| {
        let name = node.metadata.name.clone().unwrap();
        let departed = simulation.departed(&name);
        assert!(departed.is_some());
        let surroundings = kubelet_stats::Surroundings { departed, ..Default::default() };
        let pods: Vec<&Pod> = pods.get(name.as_str()).into_iter().flatten().map(|pod| &***pod).collect();
        let booted =
            node.metadata.annotations.as_ref().and_then(|a| a.get(kubelet_stats::annotations::BOOTED_AT));
        let summary = kubelet_stats::summary_in(&surroundings, node, &pods, at);
        (booted.cloned().unwrap_or_default(), summary)
    };
    objects.nodes.iter().map(summary).collect()
}

/// Of every node, when it was booted and how much CPU it has used since.
pub(crate) fn of_nodes(simulation: &mut Simulation, at: Timestamp) -> HashMap<String, (String, u64)> {
    let summaries = summaries(simulation, at).into_iter();
    summaries
        .map(|(booted, summary)| {
            let counter = summary.node.cpu.unwrap().usage_core_nano_seconds.unwrap();
            (summary.node.node_name, (booted, counter))
        })
        .collect()
}

/// Of every pod by its uid, how much CPU it has used.
pub(crate) fn of_pods(simulation: &mut Simulation, at: Timestamp) -> HashMap<String, u64> {
    let pods = summaries(simulation, at).into_iter().flat_map(|(_, summary)| summary.pods);
    pods.map(|pod| (pod.pod_ref.uid, pod.cpu.unwrap().usage_core_nano_seconds.unwrap())).collect()
}
