//! Every field that a kubelet's Summary API has: filled, or left out for a reason.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fmt, fs};

use crate::fixtures::{node, now, pod, resources, seconds};
use crate::invariants::{any_pod, at, build};
use kubelet_stats::summary;
use kubelet_stats::summary::Summary;
use proptest::prelude::*;
use serde_json::{Value, json};

/// When an object of a type has a field.
#[derive(Clone, Copy)]
enum Has {
    Always,
    /// Where this is so.
    Where(&'static str),
    /// For this reason.
    Never(&'static str),
}

use Has::{Always, Never, Where};

impl fmt::Display for Has {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Always => f.write_str("always"),
            Where(condition) => write!(f, "where {condition}"),
            Never(reason) => write!(f, "never: {reason}"),
        }
    }
}

/// A type of the API, or what it is in one place.
struct Type {
    name: &'static str,
    /// Key, presence and, where the value is an object or a list of objects, its type.
    fields: &'static [(&'static str, Has, &'static str)],
}

const LEGACY: &str = "legacy: kubelets that read the container runtime do not fill it";
const NO_IO: &str = "a kubelet asks for CPU and memory only";
const LIMITED: Has = Where("something limits the memory");
const NOT_LIMITED: &str = "the cgroups of the system have no limit";

#[rustfmt::skip]
const TYPES: &[Type] = &[
    Type { name: "Summary", fields: &[("node", Always, "NodeStats"), ("pods", Always, "PodStats")] },
    Type { name: "NodeStats", fields: &[
        ("nodeName", Always, ""),
        ("systemContainers", Always, "SystemContainer"),
        ("startTime", Always, ""),
        ("cpu", Always, "CPUStats"),
        ("memory", Always, "MemoryStats"),
        ("io", Always, "IOStats"),
        ("network", Always, "NetworkStats"),
        ("fs", Always, "FsStats"),
        ("runtime", Always, "RuntimeStats"),
        ("rlimit", Always, "RlimitStats"),
        ("swap", Always, "SwapStats"),
    ] },
    Type { name: "PodStats", fields: &[
        ("podRef", Always, "PodReference"),
        ("startTime", Always, ""),
        ("containers", Always, "ContainerStats"),
        ("cpu", Always, "CPUStats"),
        ("memory", Always, "MemoryStats"),
        ("io", Always, "IOStats"),
        ("network", Always, "NetworkStats"),
        ("volume", Where("the pod has volumes that can be measured"), "VolumeStats"),
        ("ephemeral-storage", Always, "FsStats"),
        ("process_stats", Always, "ProcessStats"),
        ("swap", Always, "SwapStats"),
    ] },
    Type { name: "PodReference", fields: &[("name", Always, ""), ("namespace", Always, ""), ("uid", Always, "")] },
    Type { name: "ContainerStats", fields: &[
        ("name", Always, ""),
        ("startTime", Always, ""),
        ("cpu", Always, "CPUStats"),
        ("memory", Always, "MemoryStats"),
        ("io", Always, "IOStats"),
        ("accelerators", Never(LEGACY), ""),
        ("rootfs", Always, "FsStats"),
        ("logs", Always, "FsStats"),
        ("userDefinedMetrics", Never(LEGACY), ""),
        ("swap", Always, "SwapStats"),
    ] },
    Type { name: "SystemContainer", fields: &[
        ("name", Always, ""),
        ("startTime", Always, ""),
        ("cpu", Always, "CPUStats"),
        ("memory", Always, "SystemMemoryStats"),
        ("io", Never(NO_IO), ""),
        ("rootfs", Never(NO_IO), ""),
        ("logs", Never(NO_IO), ""),
        ("swap", Always, "SwapStats"),
    ] },
    Type { name: "CPUStats", fields: &[
        ("time", Always, ""),
        ("usageNanoCores", Always, ""),
        ("usageCoreNanoSeconds", Always, ""),
        ("psi", Always, "PSIStats"),
    ] },
    Type { name: "MemoryStats", fields: &[
        ("time", Always, ""),
        ("availableBytes", LIMITED, ""),
        ("usageBytes", Always, ""),
        ("workingSetBytes", Always, ""),
        ("rssBytes", Always, ""),
        ("pageFaults", Always, ""),
        ("majorPageFaults", Always, ""),
        ("psi", Always, "PSIStats"),
    ] },
    Type { name: "SystemMemoryStats", fields: &[
        ("time", Always, ""),
        ("availableBytes", Never(NOT_LIMITED), ""),
        ("usageBytes", Always, ""),
        ("workingSetBytes", Always, ""),
        ("rssBytes", Always, ""),
        ("pageFaults", Always, ""),
        ("majorPageFaults", Always, ""),
        ("psi", Always, "PSIStats"),
    ] },
    Type { name: "IOStats", fields: &[("time", Always, ""), ("psi", Always, "PSIStats")] },
    Type { name: "PSIStats", fields: &[("full", Always, "PSIData"), ("some", Always, "PSIData")] },
    Type { name: "PSIData", fields: &[
        ("total", Always, ""),
        ("avg10", Always, ""),
        ("avg60", Always, ""),
        ("avg300", Always, ""),
    ] },
    Type { name: "SwapStats", fields: &[
        ("time", Always, ""),
        ("swapAvailableBytes", Where("there is a limit: of the node and of containers"), ""),
        ("swapUsageBytes", Always, ""),
    ] },
    Type { name: "NetworkStats", fields: &[
        ("time", Always, ""),
        ("name", Always, ""),
        ("rxBytes", Always, ""),
        ("rxErrors", Always, ""),
        ("txBytes", Always, ""),
        ("txErrors", Always, ""),
        ("interfaces", Always, "InterfaceStats"),
    ] },
    Type { name: "InterfaceStats", fields: &[
        ("name", Always, ""),
        ("rxBytes", Always, ""),
        ("rxErrors", Always, ""),
        ("txBytes", Always, ""),
        ("txErrors", Always, ""),
    ] },
    Type { name: "FsStats", fields: &[
        ("time", Always, ""),
        ("availableBytes", Always, ""),
        ("capacityBytes", Always, ""),
        ("usedBytes", Always, ""),
        ("inodesFree", Always, ""),
        ("inodes", Always, ""),
        ("inodesUsed", Always, ""),
    ] },
    Type { name: "VolumeStats", fields: &[
        ("name", Always, ""),
        ("pvcRef", Where("the volume is a claim's"), "PVCReference"),
        ("volumeHealthStats", Never("the feature gate CSIVolumeHealth is off by default, and gone in later versions"), ""),
        ("time", Always, ""),
        ("availableBytes", Always, ""),
        ("capacityBytes", Always, ""),
        ("usedBytes", Always, ""),
        ("inodesFree", Always, ""),
        ("inodes", Always, ""),
        ("inodesUsed", Always, ""),
    ] },
    Type { name: "PVCReference", fields: &[("name", Always, ""), ("namespace", Always, "")] },
    Type { name: "RlimitStats", fields: &[("time", Always, ""), ("maxpid", Always, ""), ("curproc", Always, "")] },
    Type { name: "RuntimeStats", fields: &[("imageFs", Always, "FsStats"), ("containerFs", Always, "FsStats")] },
    Type { name: "ProcessStats", fields: &[("process_count", Always, "")] },
];

fn fields(name: &str) -> &'static [(&'static str, Has, &'static str)] {
    TYPES
        .iter()
        .find(|type_| type_.name == name)
        .unwrap_or_else(|| panic!("{name} is not in the table"))
        .fields
}

/// How many objects of each type there are, and how many of them have each field.
#[derive(Default)]
struct Count {
    objects: BTreeMap<&'static str, usize>,
    fields: BTreeMap<(&'static str, &'static str), usize>,
}

impl Count {
    fn object(&mut self, type_: &'static str, value: &Value) {
        let object = value.as_object().unwrap_or_else(|| panic!("{type_}: {value}"));
        *self.objects.entry(type_).or_default() += 1;
        for (key, value) in object {
            let field = fields(type_).iter().find(|(name, ..)| name == key);
            let (name, _, inner) = field.unwrap_or_else(|| panic!("{type_} has no {key}"));
            *self.fields.entry((type_, name)).or_default() += 1;
            match value {
                _ if inner.is_empty() => assert!(!value.is_null(), "{type_}.{key}"),
                Value::Array(items) => items.iter().for_each(|item| self.object(inner, item)),
                value => self.object(inner, value),
            }
        }
    }
}

/// A node with a pod of each sort.
fn every_sort() -> Summary {
    let start = now() - seconds(3_600);
    let limited = resources("10m", "10Mi", "1", "100Mi");
    let pods = [
        pod("a", start)
            .running("limited", limited, start)
            .running("unlimited", json!({}), start)
            .volume(json!({"name": "directory", "emptyDir": {}}))
            .volume(json!({"name": "claim", "persistentVolumeClaim": {"claimName": "data-0"}})),
        pod("b", start).running("on-host", json!({}), start).host_network(),
    ];
    summary(&node("n1"), &pods.map(crate::fixtures::PodSpec::build), now())
}

#[test]
fn every_field_of_the_api_is_filled_or_left_out_for_a_reason() {
    let mut count = Count::default();
    count.object("Summary", &serde_json::to_value(every_sort()).unwrap());
    for Type { name, fields } in TYPES {
        let objects = count.objects.get(name).copied().unwrap_or_default();
        assert!(objects > 0, "there is no {name}");
        for (key, has, _) in *fields {
            let having = count.fields.get(&(*name, *key)).copied().unwrap_or_default();
            let as_declared = match has {
                Always => having == objects,
                Where(_) => 0 < having && having < objects,
                Never(_) => having == 0,
            };
            assert!(as_declared, "{name}.{key}: {having} of {objects} have it, declared {has}");
        }
    }
}

#[test]
fn only_cpu_memory_and_swap_are_left_where_only_they_are_asked_for() {
    let whole = serde_json::to_value(every_sort()).unwrap();
    let part = serde_json::to_value(every_sort().only_cpu_and_memory()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&part["node"]), "cpu memory nodeName startTime swap systemContainers");
    assert_eq!(keys(&part["pods"][0]), "containers cpu memory podRef startTime swap");
    assert_eq!(keys(&part["pods"][0]["containers"][0]), "cpu memory name startTime swap");
    for at in ["/node/cpu", "/node/systemContainers", "/pods/0/containers/1/memory", "/pods/1/swap"] {
        assert_eq!(part.pointer(at), whole.pointer(at), "{at}");
    }
}

/// The fields of the table of a type in a page of facts: rows of `| name | key, key | …`.
fn keys_of(row: &str) -> Option<(&str, Vec<&str>)> {
    let mut cells = row.strip_prefix("| ")?.split(" | ");
    let (name, keys) = (cells.next()?, cells.next()?);
    let keys = keys
        .split([',', ';'])
        .map(str::trim)
        .filter(|key| key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)));
    Some((name, keys.collect()))
}

#[test]
fn the_table_knows_every_field_that_the_facts_name() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/summary-api.md"));
    let Ok(page) = fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let (mut section, mut checked) = ("", 0);
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.split([' ', ',']).next().unwrap();
        }
        let Some((name, keys)) =
            keys_of(line).filter(|(name, _)| !["field", "type.field", "---"].contains(name))
        else {
            continue;
        };
        let type_ = match (section, name.split_once('.')) {
            ("Summary" | "NodeStats" | "PodStats" | "ContainerStats", _) => section,
            ("Leaf", Some((type_, _))) => type_,
            // Whole types: the fields that would hold them are never filled.
            ("Leaf", None) if name.starts_with("Accelerator") || name.starts_with("UserDefined") => continue,
            ("Leaf", None) => name.split(' ').next().unwrap(),
            _ => continue,
        };
        let type_ = if name.contains("embedded InterfaceStats") { "InterfaceStats" } else { type_ };
        for key in keys {
            assert!(fields(type_).iter().any(|(name, ..)| *name == key), "{type_}.{key}: {line}");
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} fields were found in {}", path.display());
}

proptest! {
    #[test]
    fn a_summary_that_is_written_and_read_again_is_the_same(pods in prop::collection::vec(any_pod(), 0..5), later in 0..10_000_000_i64) {
        let summary = summary(&node("n1"), &build(&pods), at(later));
        let text = serde_json::to_string(&summary).unwrap();
        let again: Summary = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, &summary);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
        let mut count = Count::default();
        count.object("Summary", &serde_json::to_value(&summary).unwrap());
    }
}
