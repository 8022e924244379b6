//! What annotations and specs say about usage, and what in them cannot be read.
//!
//! # Spikes and full volumes
//!
//! [`SPIKE`] and [`FILL`] make an object that exists already use more for a while. Their values are lists of entries
//! separated by semicolons, each of words `key=value` in any order:
//!
//! ```text
//! spike        cpu=AMOUNT and/or memory=AMOUNT, since=TIME, until=TIME once it has ended; container=NAME: of it alone
//! fill-volume  volume=NAME (in the pod's spec), to=PERCENT%, since=TIME, until=TIME once it has ended
//!
//! AMOUNT       limit | x4 (times its own usage) | a quantity of the whole pod, such as 1500m or 512Mi; a container's limit at
//!              most, where it has one
//! TIME         2026-01-31T12:00:00Z
//! ```
//!
//! Counters are integrals over all of an object's life, so what was is part of the value: an entry that has ended gets
//! its `until` and stays as long as the object does. Taking it away would take what it counted out of the counters.
//! Spikes of one object must not overlap.

mod fill;
mod spike;
mod window;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Node, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use self::fill::{Fill, Fills};
pub use self::spike::{Amount, Spike, Spikes};
pub use self::window::Window;
use crate::profile::Profile;
use crate::quantity::Quantity;
use crate::resources;

/// On a pod: the name of its usage [`Profile`], for example `daily-wave`.
pub const PROFILE: &str = "kubernetes-mixin-otel/usage-profile";
/// On a pod: its CPU usage, for example `250m`: constant, and shared equally by its containers. KWOK's name
/// for it; wins over a profile.
pub const CPU: &str = "kwok.x-k8s.io/usage-cpu";
/// On a pod: its memory usage, for example `128Mi`, likewise; cut off at a container's limit.
pub const MEMORY: &str = "kwok.x-k8s.io/usage-memory";
/// On a node: when it booted (RFC 3339), where that is not its creation.
pub const BOOTED_AT: &str = "kubernetes-mixin-otel/booted-at";
/// On a pod or a node: when it used more than by itself. The module tells the grammar. On a node it is what runs there
/// beside the pods.
pub const SPIKE: &str = "kubernetes-mixin-otel/spike";
/// On a pod: when volumes of its claims were filled.
pub const FILL: &str = "kubernetes-mixin-otel/fill-volume";

/// A value that counts as absent because it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which object: `pod shop/web-1`, `node node-000003`.
    pub object: String,
    /// Which field of it.
    pub field: String,
    /// Why the value there cannot be used, naming the value.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}; ignored", self.object, self.field, self.reason)
    }
}

/// What [`crate::summary()`] ignores in this pod. To be asked when a pod appears or changes, not at each
/// scrape.
pub fn pod_problems(pod: &Pod) -> Vec<Problem> {
    let metadata = &pod.metadata;
    let mut found = Finder {
        object: format!(
            "pod {}/{}",
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name.as_deref().unwrap_or_default()
        ),
        problems: Vec::new(),
    };
    for key in [CPU, MEMORY] {
        if let Some(value) = get(pod, key) {
            found.check_quantity(|| annotation(key), value);
        }
    }
    found.check_entries::<Spikes>(&pod.metadata, SPIKE);
    found.check_entries::<Fills>(&pod.metadata, FILL);
    if let Some(name) = get(pod, PROFILE)
        && Profile::named(name).is_none()
    {
        let known: Vec<&str> = Profile::all().map(Profile::name).collect();
        found.add(
            annotation(PROFILE),
            format!("there is no profile {name:?}; there are {}", known.join(", ")),
        );
    }
    let Some(spec) = &pod.spec else { return found.problems };
    for (list, containers) in [
        ("containers", spec.containers.as_slice()),
        ("initContainers", spec.init_containers.as_deref().unwrap_or_default()),
    ] {
        for (at, container) in containers.iter().enumerate() {
            found.check_container(&format!("spec.{list}[{at}]"), container);
        }
    }
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        if let Some(limit) = volume.empty_dir.as_ref().and_then(|dir| dir.size_limit.as_ref()) {
            found.check_quantity(|| format!("spec.volumes[{at}].emptyDir.sizeLimit"), &limit.0);
        }
    }
    found.problems
}

/// What [`crate::summary()`] ignores in this node.
pub fn node_problems(node: &Node) -> Vec<Problem> {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let mut found = Finder { object: format!("node {name}"), problems: Vec::new() };
    if let Some(value) = metadata_annotation(&node.metadata, BOOTED_AT)
        && value.parse::<Timestamp>().is_err()
    {
        found.add(annotation(BOOTED_AT), format!("{value:?} is not a time like 2026-01-31T12:00:00Z"));
    }
    found.check_entries::<Spikes>(&node.metadata, SPIKE);
    found.check_list("status.capacity", node.status.as_ref().and_then(|status| status.capacity.as_ref()));
    found.problems
}

struct Finder {
    object: String,
    problems: Vec<Problem>,
}

impl Finder {
    fn add(&mut self, field: String, reason: String) {
        self.problems.push(Problem { object: self.object.clone(), field, reason });
    }

    fn check_entries<T: FromStr<Err = String>>(&mut self, metadata: &ObjectMeta, key: &str) {
        if let Some(Err(reason)) = metadata_annotation(metadata, key).map(str::parse::<T>) {
            self.add(annotation(key), reason);
        }
    }

    fn check_quantity(&mut self, field: impl FnOnce() -> String, value: &str) {
        match value.parse::<Quantity>() {
            Ok(quantity) if quantity.is_negative() => self.add(field(), format!("{value:?} is negative")),
            Ok(_) => {}
            Err(error) => self.add(field(), error.to_string()),
        }
    }

    /// Only the resources that usage depends on.
    fn check_list(&mut self, path: &str, list: Option<&BTreeMap<String, ApiQuantity>>) {
        for name in ["cpu", "memory", "ephemeral-storage"] {
            if let Some(quantity) = list.and_then(|list| list.get(name)) {
                self.check_quantity(|| format!("{path}[{name:?}]"), &quantity.0);
            }
        }
    }

    fn check_container(&mut self, path: &str, container: &Container) {
        if let Some(resources) = &container.resources {
            self.check_list(&format!("{path}.resources.requests"), resources.requests.as_ref());
            self.check_list(&format!("{path}.resources.limits"), resources.limits.as_ref());
        }
    }
}

fn annotation(key: &str) -> String {
    format!("metadata.annotations[{key:?}]")
}

fn metadata_annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// An annotation of a pod.
pub(crate) fn get<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    metadata_annotation(&pod.metadata, key)
}

/// The pod's CPU by annotation, in microseconds a second.
pub(crate) fn cpu(pod: &Pod) -> Option<u64> {
    amount(pod, CPU).map(resources::micros)
}

/// The pod's memory by annotation, in bytes.
pub(crate) fn memory(pod: &Pod) -> Option<u64> {
    amount(pod, MEMORY).map(resources::bytes)
}

fn amount(pod: &Pod, key: &str) -> Option<Quantity> {
    get(pod, key)?.parse().ok().filter(|quantity: &Quantity| !quantity.is_negative())
}

/// The spikes of a pod or node; none where they cannot be read.
pub(crate) fn spikes(metadata: &ObjectMeta) -> Spikes {
    metadata_annotation(metadata, SPIKE).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The filled volumes of a pod, likewise.
pub(crate) fn fills(pod: &Pod) -> Fills {
    get(pod, FILL).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// When the node booted, by annotation.
pub(crate) fn booted_at(node: &Node) -> Option<Timestamp> {
    metadata_annotation(&node.metadata, BOOTED_AT)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(json: serde_json::Value) -> Pod {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_unreadable_value_is_named_with_its_place_and_ignored() {
        let pod = pod(serde_json::json!({
            "metadata": {"namespace": "shop", "name": "web-1", "annotations": {
                CPU: "100mm", MEMORY: "-1Gi", PROFILE: "lazy", "other": "100mm"
            }},
            "spec": {
                "containers": [
                    {"name": "a"},
                    {"name": "b", "resources": {"requests": {"cpu": "one"}, "limits": {"memory": "1GB", "gpu": "x"}}}
                ],
                "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "big"}}]
            }
        }));
        let problems: Vec<String> = pod_problems(&pod).iter().map(Problem::to_string).collect();
        expect_test::expect![[r#"
            pod shop/web-1: metadata.annotations["kwok.x-k8s.io/usage-cpu"]: "100mm" is not a quantity: a unit (n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent like e3) or the end is expected at byte 3; ignored
            pod shop/web-1: metadata.annotations["kwok.x-k8s.io/usage-memory"]: "-1Gi" is negative; ignored
            pod shop/web-1: metadata.annotations["kubernetes-mixin-otel/usage-profile"]: there is no profile "lazy"; there are idle, steady, daily-wave, bursts, memory-growth, noisy, batch; ignored
            pod shop/web-1: spec.containers[1].resources.requests["cpu"]: "one" is not a quantity: a number is expected at byte 0; ignored
            pod shop/web-1: spec.containers[1].resources.limits["memory"]: "1GB" is not a quantity: a unit (n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent like e3) or the end is expected at byte 1; ignored
            pod shop/web-1: spec.volumes[0].emptyDir.sizeLimit: "big" is not a quantity: a number is expected at byte 0; ignored"#]].assert_eq(&problems.join("\n"));
        assert_eq!((cpu(&pod), memory(&pod)), (None, None));
    }

    #[test]
    fn a_readable_pod_has_no_problems() {
        let pod = pod(serde_json::json!({
            "metadata": {"annotations": {CPU: "250m", MEMORY: "1.5Mi", PROFILE: "noisy"}},
            "spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "1"}}}]}
        }));
        assert_eq!(pod_problems(&pod), []);
        assert_eq!((cpu(&pod), memory(&pod)), (Some(250_000), Some(1_572_864)));
    }

    #[test]
    fn a_node_with_an_unreadable_boot_time_or_capacity_is_named() {
        let node: Node = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "n1", "annotations": {BOOTED_AT: "yesterday"}},
            "status": {"capacity": {"memory": "lots", "cpu": "4"}}
        }))
        .unwrap();
        let problems: Vec<String> = node_problems(&node).iter().map(Problem::to_string).collect();
        expect_test::expect![[r#"
            node n1: metadata.annotations["kubernetes-mixin-otel/booted-at"]: "yesterday" is not a time like 2026-01-31T12:00:00Z; ignored
            node n1: status.capacity["memory"]: "lots" is not a quantity: a number is expected at byte 0; ignored"#]].assert_eq(&problems.join("\n"));
        assert_eq!(booted_at(&node), None);
    }
}
