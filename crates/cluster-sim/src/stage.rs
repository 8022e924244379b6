//! The trouble that the label [`STAGE`] puts a pod or node in.

use std::collections::BTreeMap;

use crate::annotations::STAGE;

/// A pod in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodStage {
    /// Its first container ends shortly after each start.
    CrashLoop,
    /// The image of its first container cannot be had.
    ImagePullBackOff,
    /// It ends with an error. Its owner, if it has one, is a Job.
    Failed,
    /// Its node puts it out. Without an owner.
    Evicted,
}

impl PodStage {
    pub(crate) const NAMES: [(&str, PodStage); 4] = [
        ("crash-loop", PodStage::CrashLoop),
        ("image-pull-backoff", PodStage::ImagePullBackOff),
        ("failed", PodStage::Failed),
        ("evicted", PodStage::Evicted),
    ];

    /// The stage of a pod with these labels. Parsing refused unknown ones.
    pub(crate) fn of(labels: Option<&BTreeMap<String, String>>) -> Option<PodStage> {
        named(&PodStage::NAMES, labels)
    }
}

/// What a node in trouble is short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressure {
    Memory,
    Disk,
    Pid,
}

impl Pressure {
    pub(crate) const NAMES: [(&str, Pressure); 3] = [
        ("memory-pressure", Pressure::Memory),
        ("disk-pressure", Pressure::Disk),
        ("pid-pressure", Pressure::Pid),
    ];

    /// The stage of a node with these labels.
    pub(crate) fn of(labels: Option<&BTreeMap<String, String>>) -> Option<Pressure> {
        named(&Pressure::NAMES, labels)
    }

    /// The condition that holds, with its reason and message.
    pub(crate) fn condition(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Pressure::Memory => (
                "MemoryPressure",
                "KubeletHasInsufficientMemory",
                "kubelet has insufficient memory available",
            ),
            Pressure::Disk => ("DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure"),
            Pressure::Pid => {
                ("PIDPressure", "KubeletHasInsufficientPID", "kubelet has insufficient PID available")
            }
        }
    }

    /// The taint by which the node controller keeps pods away.
    pub(crate) fn taint(self) -> &'static str {
        match self {
            Pressure::Memory => "node.kubernetes.io/memory-pressure",
            Pressure::Disk => "node.kubernetes.io/disk-pressure",
            Pressure::Pid => "node.kubernetes.io/pid-pressure",
        }
    }
}

fn named<S: Copy>(names: &[(&str, S)], labels: Option<&BTreeMap<String, String>>) -> Option<S> {
    let name = labels?.get(STAGE)?;
    names.iter().find(|(known, _)| known == name).map(|(_, stage)| *stage)
}
