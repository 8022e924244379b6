//! Which node each pod is bound to.
//!
//! As Kubernetes' scheduler decides with its default plugins, as far as dashboards can tell: only nodes that a pod's
//! selectors and tolerations allow and whose free resources suffice; among them, pods of one workload are spread over
//! zones and nodes, and the least allocated node comes first.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Node, PodSpec};

use crate::placement::{hard_taints, selects, tolerates};
use crate::resources::{amount, requests};

/// What a pod needs of each resource, in the order of [`Scheduler::resources`]: millicores of CPU, ones of all others.
type Demand = Vec<i64>;

/// A pod spec's wishes, worked out once for all pods of a workload.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    spec: &'a PodSpec,
    demand: Demand,
    /// A resource that no node has.
    unknown: Option<String>,
    /// Pods of the workload in each zone, and the nodes that have one.
    in_zone: Vec<usize>,
    on_node: BTreeSet<usize>,
}

#[derive(Debug)]
struct Machine {
    zone: usize,
    size: Vec<i64>,
    free: Vec<i64>,
}

impl Machine {
    fn fits(&self, demand: &[i64]) -> bool {
        // A demand of nothing fits even where nothing is left.
        self.free.iter().zip(demand).all(|(free, demand)| demand <= free || *demand == 0)
    }

    /// The most allocated resource's share, in millionths.
    fn load(&self) -> i64 {
        let shares = self.free.iter().zip(&self.size).filter(|(_, size)| **size > 0);
        shares
            .map(|(free, size)| ((size - free) as i128 * 1_000_000 / *size as i128) as i64)
            .max()
            .unwrap_or(0)
    }
}

/// The nodes with what is free on them.
#[derive(Debug)]
pub(crate) struct Scheduler<'a> {
    nodes: &'a [Node],
    resources: Vec<String>,
    machines: Vec<Machine>,
    /// By zone, (load, node), the least loaded first.
    zones: Vec<BTreeSet<(i64, usize)>>,
}

/// How many of the least loaded nodes are looked at for one without a pod of the same workload.
const SPREAD_OVER: usize = 16;

impl<'a> Scheduler<'a> {
    pub(crate) fn new(nodes: &'a [Node]) -> Scheduler<'a> {
        let allocatable =
            |node: &'a Node| node.status.iter().filter_map(|status| status.allocatable.as_ref()).flatten();
        let names: BTreeSet<&String> = nodes.iter().flat_map(allocatable).map(|(name, _)| name).collect();
        let resources: Vec<String> = names.into_iter().cloned().collect();
        let mut zone_names: Vec<&str> = Vec::new();
        let mut machines = Vec::with_capacity(nodes.len());
        for node in nodes {
            let label =
                node.metadata.labels.as_ref().and_then(|labels| labels.get("topology.kubernetes.io/zone"));
            let zone_name = label.map_or("", String::as_str);
            let zone = zone_names.iter().position(|name| *name == zone_name).unwrap_or_else(|| {
                zone_names.push(zone_name);
                zone_names.len() - 1
            });
            let mut size = vec![0; resources.len()];
            for (name, quantity) in allocatable(node) {
                if let Ok(resource) = resources.binary_search(name) {
                    size[resource] = amount(name, quantity);
                }
            }
            machines.push(Machine { zone, free: size.clone(), size });
        }
        let mut zones = vec![BTreeSet::new(); zone_names.len()];
        for (index, machine) in machines.iter().enumerate() {
            zones[machine.zone].insert((machine.load(), index));
        }
        Scheduler { nodes, resources, machines, zones }
    }

    /// What pods of this spec need.
    pub(crate) fn wish<'s>(&self, spec: &'s PodSpec) -> Wish<'s> {
        let mut demand = vec![0; self.resources.len()];
        let mut unknown = None;
        for (name, amount) in requests(spec) {
            match self.resources.binary_search(&name) {
                Ok(resource) => demand[resource] = amount,
                // Storage is allocatable on some nodes only; where no node has it, nobody counts it.
                Err(_) if name != "ephemeral-storage" && amount > 0 => unknown = Some(name),
                Err(_) => {}
            }
        }
        if let Ok(resource) = self.resources.binary_search_by(|name| name.as_str().cmp("pods")) {
            demand[resource] = 1;
        }
        Wish { spec, demand, unknown, in_zone: vec![0; self.zones.len()], on_node: BTreeSet::new() }
    }

    /// Binds a pod to a node of the scheduler's choice; `None` when no node can take it.
    pub(crate) fn place(&mut self, wish: &mut Wish<'_>) -> Option<usize> {
        if wish.unknown.is_some() {
            return None;
        }
        if let Some(name) = &wish.spec.node_name {
            // Bound by its author: the scheduler is not asked.
            let node = self.nodes.iter().position(|node| node.metadata.name.as_ref() == Some(name))?;
            self.bind(wish, node);
            return Some(node);
        }
        let mut zones: Vec<usize> = (0..self.zones.len()).collect();
        zones.sort_by_key(|&zone| {
            (wish.in_zone[zone], self.zones[zone].first().map_or(i64::MAX, |(load, _)| *load))
        });
        let node = zones.into_iter().find_map(|zone| {
            let mut possible =
                self.zones[zone].iter().map(|(_, node)| *node).filter(|&node| self.allows(wish, node));
            let first = possible.next()?;
            let unused = |node: &usize| !wish.on_node.contains(node);
            Some(std::iter::once(first).chain(possible.take(SPREAD_OVER)).find(unused).unwrap_or(first))
        })?;
        self.bind(wish, node);
        Some(node)
    }

    /// Takes what a pod needs from `node`, whether or not it is there: DaemonSets choose their nodes themselves.
    pub(crate) fn bind(&mut self, wish: &mut Wish<'_>, node: usize) {
        let machine = &mut self.machines[node];
        self.zones[machine.zone].remove(&(machine.load(), node));
        for (free, demand) in machine.free.iter_mut().zip(&wish.demand) {
            *free -= demand;
        }
        self.zones[machine.zone].insert((machine.load(), node));
        wish.in_zone[machine.zone] += 1;
        wish.on_node.insert(node);
    }

    fn allows(&self, wish: &Wish<'_>, node: usize) -> bool {
        self.machines[node].fits(&wish.demand) && self.obstacle(wish, node).is_none()
    }

    /// Why the pod may not run on `node`, were it free.
    fn obstacle(&self, wish: &Wish<'_>, node: usize) -> Option<String> {
        let node = &self.nodes[node];
        let tolerations = || wish.spec.tolerations.iter().flatten();
        let unschedulable = node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
        if unschedulable
            && !tolerations().any(|toleration| {
                toleration.operator.as_deref() == Some("Exists") && toleration.key.is_none()
            })
        {
            return Some("node(s) were unschedulable".to_owned());
        }
        if let Some(taint) = hard_taints(node).find(|taint| !tolerates(tolerations(), taint)) {
            return Some(format!(
                "node(s) had untolerated taint(s) {{{}: {}}}",
                taint.key,
                taint.value.as_deref().unwrap_or_default()
            ));
        }
        (!selects(wish.spec, node)).then(|| "node(s) didn't match Pod's node affinity/selector".to_owned())
    }

    /// The scheduler's message on a pod that no node can take.
    pub(crate) fn refusal(&self, wish: &Wish<'_>) -> String {
        let nodes = self.nodes.len();
        let (mut reasons, mut helpless) = (BTreeMap::<String, usize>::new(), 0);
        for node in 0..nodes {
            if let Some(obstacle) = self.obstacle(wish, node) {
                *reasons.entry(obstacle).or_default() += 1;
                helpless += 1;
                continue;
            }
            let machine = &self.machines[node];
            for (resource, name) in self.resources.iter().enumerate() {
                if wish.demand[resource] > machine.free[resource] && wish.demand[resource] > 0 {
                    let reason = if name == "pods" {
                        "Too many pods".to_owned()
                    } else {
                        format!("Insufficient {name}")
                    };
                    *reasons.entry(reason).or_default() += 1;
                }
            }
            if let Some(name) = &wish.unknown {
                *reasons.entry(format!("Insufficient {name}")).or_default() += 1;
            }
        }
        let mut reasons: Vec<String> =
            reasons.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        reasons.sort_unstable();
        let mut preemption = Vec::new();
        if helpless < nodes {
            preemption.push(format!("{} No preemption victims found for incoming pod", nodes - helpless));
        }
        if helpless > 0 {
            preemption.push(format!("{helpless} Preemption is not helpful for scheduling"));
        }
        preemption.sort_unstable();
        format!(
            "0/{nodes} nodes are available: {}. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.",
            reasons.join(", "),
            preemption.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, zone: &str, cpu: &str, unschedulable: bool) -> Node {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone, "name": name}},
            "spec": {"unschedulable": unschedulable},
            "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "3"}},
        }))
        .unwrap()
    }

    fn spec(cpu: &str, selector: &[(&str, &str)]) -> PodSpec {
        let selector: BTreeMap<_, _> = selector.iter().copied().collect();
        serde_json::from_value(json!({
            "containers": [{"name": "a", "resources": {"requests": {"cpu": cpu}}}],
            "nodeSelector": selector,
        }))
        .unwrap()
    }

    #[test]
    fn pods_of_a_workload_are_spread_over_zones_then_nodes() {
        let nodes = [node("a", "z1", "4", false), node("b", "z1", "4", false), node("c", "z2", "4", false)];
        let mut scheduler = Scheduler::new(&nodes);
        let spec = spec("100m", &[]);
        let mut wish = scheduler.wish(&spec);
        let placed: Vec<_> = (0..4).map(|_| scheduler.place(&mut wish).unwrap()).collect();
        assert_eq!(placed, [0, 2, 1, 2]);
    }

    #[test]
    fn no_node_gets_more_than_it_has_and_cordoned_ones_get_nothing() {
        let nodes = [node("a", "z1", "1", false), node("b", "z2", "16", false), node("c", "z3", "16", true)];
        let mut scheduler = Scheduler::new(&nodes);
        let spec = spec("600m", &[]);
        let mut wish = scheduler.wish(&spec);
        let placed: Vec<_> = (0..5).map(|_| scheduler.place(&mut wish)).collect();
        assert_eq!(placed, [Some(0), Some(1), Some(1), Some(1), None]);
        assert_eq!(
            scheduler.refusal(&wish),
            "0/3 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) were unschedulable. no new claims to deallocate, \
             preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
        );
    }

    #[test]
    fn a_pod_that_nothing_matches_is_refused_with_the_schedulers_message() {
        let nodes = [node("a", "z1", "4", false), node("b", "z1", "4", true)];
        let mut scheduler = Scheduler::new(&nodes);
        let spec = spec("1", &[("never", "matches")]);
        let mut wish = scheduler.wish(&spec);
        assert_eq!(scheduler.place(&mut wish), None);
        assert_eq!(
            scheduler.refusal(&wish),
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable. no new claims to \
             deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        );
    }
}
