//! Volumes of a pod, as far as a kubelet can measure them.

use k8s_openapi::api::core::v1::{Pod, Volume};

use crate::clock::timestamp;
use crate::disk::{BYTES_PER_INODE, Disk, Filesystem, Used, sawtooth};
use crate::hash::{Aspect, Seed};
use crate::pod::PodUsage;
use crate::quantity::Quantity;
use crate::resources::{self, PAGE, pages};
use crate::summary::{FsStats, PvcReference, VolumeStats};

/// Answers (namespace, name) of a PersistentVolumeClaim with its size in bytes.
pub type ClaimSize<'a> = &'a (dyn Fn(&str, &str) -> Option<u64> + Sync);

/// Bytes of a claim whose size nobody knows.
const DEFAULT_CLAIM: u64 = 10 << 30;

/// Where a volume's bytes are.
enum Medium {
    /// On the node's disk.
    Disk,
    /// In a filesystem of its own in memory.
    Memory,
    /// In a PersistentVolume.
    Claim,
    /// The kubelet reports nothing, for example of a hostPath.
    Unmeasured,
}

impl Medium {
    fn of(volume: &Volume) -> Self {
        if volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some() {
            Self::Claim
        } else if let Some(dir) = &volume.empty_dir {
            if dir.medium.as_deref() == Some("Memory") { Self::Memory } else { Self::Disk }
        } else if volume.config_map.is_some() {
            Self::Disk
        } else if volume.secret.is_some() || volume.projected.is_some() || volume.downward_api.is_some() {
            Self::Memory
        } else {
            Self::Unmeasured
        }
    }
}

/// The volumes of a pod.
pub(crate) fn of(pod: &Pod) -> impl Iterator<Item = &Volume> {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten())
}

/// What the volumes of a pod with this seed take of the node's disk at `t`, none of them more than `slice`.
pub(crate) fn on_disk(pod: &Pod, seed: Seed, slice: u64, t: i64) -> Used {
    let mut sum = Used::default();
    for volume in of(pod).filter(|volume| matches!(Medium::of(volume), Medium::Disk)) {
        sum.add(content(volume, seed, slice, t));
    }
    sum
}

/// As the kubelet of a node with `memory` bytes of memory reports a pod's volumes.
pub(crate) fn stats(
    disk: &Disk,
    node: Filesystem,
    usage: &PodUsage<'_>,
    memory: u64,
    claim_size: Option<ClaimSize<'_>>,
) -> Vec<VolumeStats> {
    let t = disk.scanned(usage.start);
    let used = |volume: &Volume| content(volume, usage.seed, disk.slice(), t);
    let entry = |volume: &Volume| {
        let mut pvc_ref = None;
        let fs = match Medium::of(volume) {
            Medium::Disk => node.stats(timestamp(t), used(volume)),
            Medium::Memory => in_memory(volume, used(volume), usage.memory_limit, memory, t),
            Medium::Claim => {
                let claim = claim(volume, usage.pod);
                let fs = claimed(&claim, volume, claim_size, t);
                pvc_ref = Some(claim);
                fs
            }
            Medium::Unmeasured => return None,
        };
        Some(VolumeStats { fs, name: volume.name.clone(), pvc_ref })
    };
    of(usage.pod).filter_map(entry).collect()
}

/// What a volume without a claim holds.
fn content(volume: &Volume, pod: Seed, slice: u64, t: i64) -> Used {
    let seed = pod.child(&volume.name);
    if volume.empty_dir.is_none() {
        // Keys of a configMap, a secret, a token: a few small files, each its own block.
        let files = if volume.projected.is_some() { 3 } else { seed.between(Aspect::Files, 1, 4) };
        return Used { bytes: (files * PAGE).min(pages(slice)), inodes: files * 2 + 3 };
    }
    let full = match size_limit(volume) {
        Some(limit) => limit as f64 * 0.8,
        None => seed.doublings(Aspect::VolumeFill, 8 << 10, 14) as f64,
    };
    let filling = sawtooth(t, 3 * 3_600, seed.draw(Aspect::VolumeGrowth));
    Used::of(((full * (0.4 + 0.6 * filling)) as u64).min(slice))
}

fn size_limit(volume: &Volume) -> Option<u64> {
    let limit = volume.empty_dir.as_ref()?.size_limit.as_ref()?;
    Quantity::try_from(limit).ok().filter(|limit| !limit.is_negative()).map(resources::bytes)
}

/// A filesystem in memory: as large as its own limit, the pod's or the node's memory, whichever is least.
fn in_memory(volume: &Volume, mut used: Used, pod_limit: Option<u64>, node: u64, t: i64) -> FsStats {
    let capacity = pages([size_limit(volume), pod_limit].into_iter().flatten().fold(node, u64::min));
    used.bytes = used.bytes.min(capacity);
    Filesystem::new(capacity, node / PAGE, used, 0).stats(timestamp(t), used)
}

/// A PersistentVolume behind its claim. All pods that use the claim see the same.
fn claimed(claim: &PvcReference, volume: &Volume, claim_size: Option<ClaimSize<'_>>, t: i64) -> FsStats {
    let template = || {
        let spec = &volume.ephemeral.as_ref()?.volume_claim_template.as_ref()?.spec;
        resources::read(&spec.resources.as_ref()?.requests, "storage").map(resources::bytes)
    };
    let known = claim_size.and_then(|size| size(&claim.namespace, &claim.name));
    let capacity = pages(known.or_else(template).unwrap_or(DEFAULT_CLAIM));
    let seed = Seed::of(&claim.namespace).child("/").child(&claim.name);
    let period = seed.between(Aspect::VolumeGrowth, 1, 7) as i64 * 86_400;
    let growth = 0.1 * sawtooth(t, period, seed.draw(Aspect::Files));
    let share = seed.spread(Aspect::VolumeFill, 0.15, 0.8) + growth;
    let used = Used::of((capacity as f64 * share) as u64);
    Filesystem::new(capacity, capacity / BYTES_PER_INODE, used, 0).stats(timestamp(t), used)
}

/// The claim of a volume that has one; Kubernetes names that of an ephemeral volume after pod and volume.
fn claim(volume: &Volume, pod: &Pod) -> PvcReference {
    let name = match &volume.persistent_volume_claim {
        Some(source) => source.claim_name.clone(),
        None => format!("{}-{}", pod.metadata.name.as_deref().unwrap_or_default(), volume.name),
    };
    PvcReference { name, namespace: pod.metadata.namespace.clone().unwrap_or_default() }
}
