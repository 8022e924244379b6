//! What is left of pods that are gone: their share of the node's counters.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::clock::{LOOKS, Looks};
use crate::cpu::Faults;
use crate::memory::Memory;
use crate::network::Traffic;
use crate::node_usage::Sum;
use crate::pod::PodUsage;

/// The sum of what pods had counted by the time they left a node. A kubelet's node counters go on counting
/// when a pod leaves; a function of the present pods alone cannot, so whoever follows pods over time adds
/// each one as it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departed {
    /// Microseconds.
    cpu: u64,
    /// Nanoseconds of waiting for CPU.
    stalls: u64,
    faults: Faults,
    pub(crate) traffic: Traffic,
}

impl Departed {
    /// Adds `pod`, as it was when it ended at `end`. A pod that never ran adds nothing.
    pub fn add(&mut self, pod: &Pod, end: Timestamp) {
        if let Some(usage) = PodUsage::at(pod, end.as_second()) {
            self.cpu = self.cpu.saturating_add(usage.cpu.now());
            self.stalls = self.stalls.saturating_add(usage.stalls.now());
            self.faults.add(usage.faults);
            self.traffic.add(usage.traffic.unwrap_or_default());
        }
    }

    /// As a part of the node's counters. It counts no more and holds no memory.
    pub(crate) fn sum(&self) -> Sum {
        let standing = |count| Looks([count; LOOKS.len()]);
        Sum {
            cpu: standing(self.cpu),
            stalls: standing(self.stalls),
            faults: self.faults,
            memory: Memory::default(),
        }
    }
}
