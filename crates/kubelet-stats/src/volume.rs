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

/// Bytes of a filesystem that a pod's spec names but does not size: an export of a file server, a driver's volume.
const DEFAULT_SHARE: u64 = 1 << 40;
const DEFAULT_INLINE: u64 = 1 << 30;

/// Where a volume's bytes are.
enum Medium {
    /// On the node's disk. Only these count as the pod's ephemeral storage.
    Disk,
    /// In a filesystem of its own in memory.
    Memory,
    /// In a PersistentVolume.
    Claim,
    /// In a volume that a CSI driver makes for this pod alone.
    Inline,
    /// In a filesystem elsewhere, the same for all that name it so.
    Share(String),
    /// The kubelet reports nothing, for example of a hostPath.
    Unmeasured,
}

impl Medium {
    fn of(volume: &Volume) -> Self {
        if volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some() {
            Self::Claim
        } else if let Some(dir) = &volume.empty_dir {
            match dir.medium.as_deref() {
                None | Some("") => Self::Disk,
                // Memory and huge pages.
                Some(_) => Self::Memory,
            }
        } else if volume.config_map.is_some() {
            Self::Disk
        } else if volume.secret.is_some() || volume.projected.is_some() || volume.downward_api.is_some() {
            Self::Memory
        } else if volume.csi.is_some() {
            Self::Inline
        } else {
            share(volume).map_or(Self::Unmeasured, Self::Share)
        }
    }

    fn is_disk(volume: &Volume) -> bool {
        matches!(Self::of(volume), Self::Disk)
    }
}

/// What identifies the filesystem elsewhere that a pod mounts directly. Kubelets measure all of these by asking the
/// mounted filesystem.
fn share(volume: &Volume) -> Option<String> {
    let named = |kind: &str, name: &str| Some(format!("{kind}:{name}"));
    if let Some(nfs) = &volume.nfs {
        named("nfs", &format!("{}:{}", nfs.server, nfs.path))
    } else if let Some(iscsi) = &volume.iscsi {
        named("iscsi", &format!("{}:{}", iscsi.iqn, iscsi.lun))
    } else if let Some(disk) = &volume.aws_elastic_block_store {
        named("aws", &disk.volume_id)
    } else if let Some(disk) = &volume.gce_persistent_disk {
        named("gce", &disk.pd_name)
    } else if let Some(disk) = &volume.azure_disk {
        named("azure-disk", &disk.disk_name)
    } else if let Some(file) = &volume.azure_file {
        named("azure-file", &file.share_name)
    } else if let Some(disk) = &volume.cinder {
        named("cinder", &disk.volume_id)
    } else {
        named("vsphere", &volume.vsphere_volume.as_ref()?.volume_path)
    }
}

/// The volumes of a pod.
pub(crate) fn of(pod: &Pod) -> impl Iterator<Item = &Volume> {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten())
}

/// What the volumes of a pod with this seed take of the node's disk at `t`, none of them more than `slice`.
pub(crate) fn on_disk(pod: &Pod, seed: Seed, slice: u64, t: i64) -> Used {
    let mut sum = Used::default();
    for volume in of(pod).filter(|volume| Medium::is_disk(volume)) {
        sum.add(content(volume, seed, slice, t));
    }
    sum
}

/// What all pods of a node's volumes depend on.
pub(crate) struct Mounts<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) filesystem: Filesystem,
    /// Bytes of memory that pods may use: the size of a filesystem in memory that nothing else limits.
    pub(crate) memory: u64,
    pub(crate) claim_size: Option<ClaimSize<'a>>,
}

impl Mounts<'_> {
    /// As a kubelet reports a pod's volumes: first those on its disk, then the others.
    pub(crate) fn stats(&self, usage: &PodUsage<'_>) -> Vec<VolumeStats> {
        let t = self.disk.scanned(usage.start);
        let local = of(usage.pod).filter(|volume| Medium::is_disk(volume));
        let other = of(usage.pod).filter(|volume| !Medium::is_disk(volume));
        local.chain(other).filter_map(|volume| self.volume(volume, usage, t)).collect()
    }

    fn volume(&self, volume: &Volume, usage: &PodUsage<'_>, t: i64) -> Option<VolumeStats> {
        let used = || content(volume, usage.seed, self.disk.slice(), t);
        let mut pvc_ref = None;
        let fs = match Medium::of(volume) {
            Medium::Disk => self.filesystem.stats(timestamp(t), used()),
            Medium::Memory => in_memory(volume, used(), usage.memory_limit, self.memory, t),
            Medium::Claim => {
                let claim = claim(volume, usage.pod);
                let fs = claimed(&claim, volume, self.claim_size, t);
                let fs = usage
                    .fills
                    .percent(&volume.name, usage.t)
                    .map_or(fs.clone(), |percent| full(fs, percent));
                pvc_ref = Some(claim);
                fs
            }
            Medium::Inline => own_filesystem(usage.seed.child(&volume.name), inline_size(volume), t),
            Medium::Share(name) => own_filesystem(Seed::of(&name), DEFAULT_SHARE, t),
            Medium::Unmeasured => return None,
        };
        Some(VolumeStats { fs, name: volume.name.clone(), pvc_ref, volume_health_stats: None })
    }
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
    let seed = Seed::of(&claim.namespace).child("/").child(&claim.name);
    own_filesystem(seed, known.or_else(template).unwrap_or(DEFAULT_CLAIM), t)
}

/// A filesystem of which at least so many percent are used.
fn full(fs: FsStats, percent: u8) -> FsStats {
    let (Some(capacity), Some(inodes)) = (fs.capacity_bytes, fs.inodes) else { return fs };
    let bytes = (u128::from(capacity) * u128::from(percent)).div_ceil(100) as u64;
    let used = Used::of(bytes.max(fs.used_bytes.unwrap_or(0)).min(capacity));
    Filesystem::new(capacity, inodes, used, 0).stats(fs.time, used)
}

/// What drivers that size a volume within a pod are told.
fn inline_size(volume: &Volume) -> u64 {
    let size = || volume.csi.as_ref()?.volume_attributes.as_ref()?.get("size")?.parse().ok();
    size().filter(|size: &Quantity| !size.is_negative()).map_or(DEFAULT_INLINE, resources::bytes)
}

/// A filesystem that holds nothing else. It grows for days until somebody cleans it up; one in ten is nearly full at
/// all times.
fn own_filesystem(seed: Seed, capacity: u64, t: i64) -> FsStats {
    let capacity = pages(capacity);
    let place = seed.spread(Aspect::VolumeFill, 0.0, 1.0);
    let (level, growth) =
        if place < 0.9 { (0.15 + 0.65 * place, 0.1) } else { (0.9 + 0.4 * (place - 0.9), 0.05) };
    let period = seed.between(Aspect::VolumeGrowth, 1, 7) as i64 * 86_400;
    let grown = growth * sawtooth(t, period, seed.draw(Aspect::Files));
    let used = Used::of((capacity as f64 * (level + grown)) as u64);
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
