//! Filesystems: the node's disk, and what containers, logs and volumes take of it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;

use crate::clock::timestamp;
use crate::hash::{Aspect, Seed};
use crate::pod::PodUsage;
use crate::resources::{self, pages};
use crate::summary::FsStats;
use crate::volume;

/// Bytes of a node's disk where its capacity does not say; KWOK's nodes have none.
const DEFAULT_DISK: u64 = 100 << 30;
/// Bytes of disk for each inode, as mke2fs makes them.
pub(crate) const BYTES_PER_INODE: u64 = 16 << 10;
/// The kubelet looks at disks this often, in seconds.
const SCAN: i64 = 60;
/// The kubelet rotates a container's log at this many bytes and keeps so many files.
const LOG_FILE: u64 = 10 << 20;
const LOG_FILES: u64 = 5;

/// A share of a filesystem: bytes and files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
}

impl Used {
    pub(crate) fn of(bytes: u64) -> Self {
        let bytes = pages(bytes);
        Self { bytes, inodes: 4 + bytes / (64 << 10) }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.inodes += other.inodes;
    }
}

/// A node's disk as far as it does not depend on its pods.
pub(crate) struct Disk {
    seed: Seed,
    capacity: u64,
    /// The most that one container's layer, its logs or one volume may take, so that all of them fit.
    slice: u64,
    /// The second of the last look.
    scan: i64,
}

/// A filesystem's own numbers.
#[derive(Clone, Copy)]
pub(crate) struct Filesystem {
    capacity: u64,
    available: u64,
    inodes: u64,
    inodes_free: u64,
}

impl Filesystem {
    /// A filesystem of which `used` is taken; a twentieth of a disk is the superuser's.
    pub(crate) fn new(capacity: u64, inodes: u64, used: Used, reserved: u64) -> Self {
        Self {
            capacity,
            available: pages(capacity.saturating_sub(used.bytes).saturating_sub(reserved)),
            inodes,
            inodes_free: inodes.saturating_sub(used.inodes),
        }
    }

    /// As an object on it reports it. (On a filesystem of a few bytes nothing would fit.)
    pub(crate) fn stats(&self, time: Timestamp, used: Used) -> FsStats {
        FsStats {
            time,
            available_bytes: Some(self.available),
            capacity_bytes: Some(self.capacity),
            used_bytes: Some(used.bytes.min(self.capacity)),
            inodes_free: Some(self.inodes_free),
            inodes: Some(self.inodes),
            inodes_used: Some(used.inodes.min(self.inodes)),
        }
    }
}

/// What a pod takes of its node's disk.
#[derive(Default)]
pub(crate) struct PodDisk {
    /// Each container's writable layer and logs, in the order of [`PodUsage::containers`].
    pub(crate) containers: Vec<(Used, Used)>,
    /// All of it: layers, logs and the volumes on the node's disk.
    pub(crate) total: Used,
    /// The layers alone.
    pub(crate) layers: Used,
}

impl Disk {
    /// The disk of a node with these pods, at `t`.
    pub(crate) fn of(node: &Node, seed: Seed, pods: &[PodUsage<'_>], t: i64) -> Self {
        let capacity = node
            .status
            .as_ref()
            .and_then(|status| resources::read(&status.capacity, "ephemeral-storage"))
            .map_or(DEFAULT_DISK, resources::bytes);
        let consumers: usize =
            pods.iter().map(|pod| pod.containers.len() * 2 + volume::of(pod.pod).count()).sum();
        let phase = (seed.draw(Aspect::ScanPhase) % SCAN as u64) as i64;
        Self {
            seed,
            capacity,
            slice: capacity / 2 / consumers.max(1) as u64,
            scan: t - (t - phase).rem_euclid(SCAN),
        }
    }

    /// When the disk was looked at for something that began at `start`.
    pub(crate) fn scanned(&self, start: i64) -> i64 {
        self.scan.max(start)
    }

    /// The same as an instant.
    pub(crate) fn time(&self, start: i64) -> Timestamp {
        timestamp(self.scanned(start))
    }

    /// The most that one container's layer, its logs or one volume may take.
    pub(crate) fn slice(&self) -> u64 {
        self.slice
    }

    /// All images.
    pub(crate) fn images(&self) -> Used {
        Used::of((self.capacity as f64 * self.seed.spread(Aspect::Images, 0.05, 0.2)) as u64)
    }

    /// Everything on the disk: the operating system with its own logs (rotated weekly), images and pods.
    pub(crate) fn used(&self, pods: Used) -> Used {
        const WEEK: i64 = 7 * 86_400;
        let system = self.seed.spread(Aspect::OperatingSystem, 0.05, 0.15);
        let journal = 0.02 * sawtooth(self.scan, WEEK, self.seed.draw(Aspect::LogRate));
        let mut used = Used::of((self.capacity as f64 * (system + journal)) as u64);
        used.add(self.images());
        used.add(pods);
        used
    }

    /// The disk's own numbers when so much of it is taken.
    pub(crate) fn filesystem(&self, used: Used) -> Filesystem {
        Filesystem::new(self.capacity, self.capacity / BYTES_PER_INODE, used, self.capacity / 20)
    }

    /// What a pod takes of it.
    pub(crate) fn of_pod(&self, usage: &PodUsage<'_>) -> PodDisk {
        let t = self.scanned(usage.start);
        let mut disk =
            PodDisk { containers: Vec::with_capacity(usage.containers.len()), ..PodDisk::default() };
        for container in &usage.containers {
            let layer = self.layer(container.seed, t);
            let logs = self.logs(container.seed, t - usage.start);
            disk.layers.add(layer);
            disk.total.add(layer);
            disk.total.add(logs);
            disk.containers.push((layer, logs));
        }
        disk.total.add(volume::on_disk(usage.pod, usage.seed, self.slice, t));
        disk
    }

    fn layer(&self, container: Seed, t: i64) -> Used {
        let base = container.doublings(Aspect::WritableLayer, 16 << 10, 11) as f64;
        let scratch = sawtooth(t, 6 * 3_600, container.draw(Aspect::Files));
        Used::of(((base * (1.0 + 0.3 * scratch)) as u64).min(self.slice))
    }

    fn logs(&self, container: Seed, age: i64) -> Used {
        let written = container.doublings(Aspect::LogRate, 16, 8) * age.max(0) as u64;
        let full = LOG_FILE * (LOG_FILES - 1);
        let kept = if written > full { full + (written - full) % LOG_FILE } else { written };
        let bytes = pages(kept.min(self.slice));
        Used { bytes, inodes: 2 + bytes / LOG_FILE }
    }
}

/// Rises from 0 to 1 over each period and falls at once.
pub(crate) fn sawtooth(t: i64, period: i64, phase: u64) -> f64 {
    (t + (phase % period as u64) as i64).rem_euclid(period) as f64 / period as f64
}
