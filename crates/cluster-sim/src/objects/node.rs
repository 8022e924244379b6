//! Nodes, as KWOK's stages and the node controllers leave them.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeSystemInfo, Taint,
};

use kubelet_stats::annotations::BOOTED_AT;

use super::Dates;
use crate::draw::Draw;
use crate::fleet::MOST_NODES;
use crate::stage::Pressure;
use crate::time::calendar::{Calendar, instant, time};
use crate::time::span::{Seconds, Span};

/// The version of KWOK that nodes name as their kubelet.
const KWOK_VERSION: &str = "kwok-v0.8.0";
/// The port that KWOK's controller answers kubelet requests on.
const KUBELET_PORT: i32 = 10247;
/// Where the API server answers.
pub(crate) const API_SERVER: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 2);
/// The taint of a node that is lost.
pub(crate) const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// Nodes' own addresses: 172.16.0.0/12.
const NODE_NETWORK: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 10);
/// Pods' addresses: a /24 of 10.128.0.0/9 for each node.
const POD_NETWORK: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 0);

/// The address of the `index`-th node.
pub(crate) fn node_ip(index: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(NODE_NETWORK.to_bits() + index as u32 % (1 << 19))
}

/// The network of the pods on the `index`-th node.
fn pod_network(index: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(POD_NETWORK.to_bits() + (index % MOST_NODES) as u32 * 256)
}

/// The address of the `number`-th pod on the `index`-th node.
pub(crate) fn pod_ip(index: usize, number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(pod_network(index).to_bits() + 2 + number as u32 % 253)
}

/// When a node joined.
pub(crate) fn created(manifest: &Node, draw: Draw, calendar: &Calendar) -> Seconds {
    calendar.node(of(manifest, draw))
}

fn of(manifest: &Node, draw: Draw) -> Draw {
    draw.of("Node").of(manifest.metadata.name.as_deref().unwrap_or_default())
}

/// The node of a manifest, which was last booted at `booted`, as long as `lost` holds: a boot ends a loss.
pub(crate) fn node(
    manifest: &Node,
    index: usize,
    lost: Span<bool>,
    booted: Option<Seconds>,
    draw: Draw,
    calendar: &Calendar,
) -> Span<Node> {
    let created = created(manifest, draw, calendar);
    let draw = of(manifest, draw);
    let changed = lost.since.max(created);
    let mut node = manifest.clone();
    Dates { calendar, created, changed }.admit(&mut node.metadata, &draw.uuid());
    let labels = node.metadata.labels.get_or_insert_default();
    for (key, legacy, value) in [
        ("kubernetes.io/arch", "beta.kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "beta.kubernetes.io/os", "linux"),
    ] {
        let value = labels.entry(key.to_owned()).or_insert_with(|| value.to_owned()).clone();
        labels.insert(legacy.to_owned(), value);
    }
    let (architecture, system) = (labels["kubernetes.io/arch"].clone(), labels["kubernetes.io/os"].clone());
    let annotations = node.metadata.annotations.get_or_insert_default();
    annotations.insert("node.alpha.kubernetes.io/ttl".to_owned(), "0".to_owned());
    if let Some(booted) = booted {
        annotations.insert(BOOTED_AT.to_owned(), instant(booted).to_string());
    }

    let stage = Pressure::of(manifest.metadata.labels.as_ref());
    admit_spec(node.spec.get_or_insert_default(), index);
    taint(&mut node, stage, created, lost.value.then_some(changed));
    let status = node.status.get_or_insert_default();
    let name = node.metadata.name.clone().unwrap_or_default();
    status.addresses = Some(vec![
        NodeAddress { address: name, type_: "Hostname".to_owned() },
        NodeAddress { address: node_ip(index).to_string(), type_: "InternalIP".to_owned() },
    ]);
    status.conditions = Some(conditions(created, stage, lost.value, changed));
    status.daemon_endpoints =
        Some(NodeDaemonEndpoints { kubelet_endpoint: Some(DaemonEndpoint { port: KUBELET_PORT }) });
    let info = status.node_info.get_or_insert_with(NodeSystemInfo::default);
    for (field, value) in [
        (&mut info.architecture, architecture.as_str()),
        (&mut info.operating_system, system.as_str()),
        (&mut info.container_runtime_version, KWOK_VERSION),
        (&mut info.kernel_version, KWOK_VERSION),
        (&mut info.kube_proxy_version, KWOK_VERSION),
        (&mut info.kubelet_version, KWOK_VERSION),
    ] {
        if field.is_empty() {
            value.clone_into(field);
        }
    }
    status.phase = Some("Running".to_owned());
    Span { value: node, since: changed, until: lost.until }
}

fn admit_spec(spec: &mut NodeSpec, index: usize) {
    let network = format!("{}/24", pod_network(index));
    spec.pod_cidr = Some(network.clone());
    spec.pod_cidrs = Some(vec![network]);
}

/// The taints that controllers add: for a cordon and for trouble since `created`, for a loss since `lost`.
fn taint(node: &mut Node, stage: Option<Pressure>, created: Seconds, lost: Option<Seconds>) {
    let spec = node.spec.get_or_insert_default();
    let cordon = (spec.unschedulable == Some(true)).then_some("node.kubernetes.io/unschedulable");
    let lasting =
        cordon.into_iter().chain(stage.map(Pressure::taint)).map(|key| (key, "NoSchedule", created));
    let passing = lost
        .into_iter()
        .flat_map(|since| ["NoSchedule", "NoExecute"].map(|effect| (UNREACHABLE, effect, since)));
    let taints: Vec<Taint> = lasting
        .chain(passing)
        .map(|(key, effect, since)| Taint {
            key: key.to_owned(),
            effect: effect.to_owned(),
            value: None,
            time_added: Some(time(since)),
        })
        .collect();
    if !taints.is_empty() {
        spec.taints.get_or_insert_default().extend(taints);
    }
}

/// A node's conditions: those of a healthy one, but for its stage and while it is lost.
fn conditions(created: Seconds, stage: Option<Pressure>, lost: bool, changed: Seconds) -> Vec<NodeCondition> {
    let trouble = stage.map(Pressure::condition);
    [
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
    ]
    .into_iter()
    .map(|(type_, status, reason, message)| {
        // The network is no kubelet's to report.
        let unknown = lost && type_ != "NetworkUnavailable";
        let (status, reason, message) = match trouble {
            _ if unknown => ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),
            Some((troubled, reason, message)) if troubled == type_ => ("True", reason, message),
            _ => (status, reason, message),
        };
        let since = if type_ == "NetworkUnavailable" { created } else { changed };
        // A lost kubelet's last word was its last heartbeat.
        let heartbeat = if unknown { changed - 40 } else { since };
        NodeCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(time(heartbeat)),
            last_transition_time: Some(time(since)),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_private_and_differ() {
        assert_eq!(node_ip(0).to_string(), "172.16.0.10");
        assert_eq!(node_ip(4_999).to_string(), "172.16.19.145");
        assert_eq!(pod_ip(0, 0).to_string(), "10.128.0.2");
        assert_eq!(pod_ip(4_999, 109).to_string(), "10.147.135.111");
        assert!(
            (0..2_000_000)
                .step_by(999)
                .all(|index| node_ip(index).is_private() && pod_ip(index, index).is_private())
        );
    }
}
