//! What k8s_attributes and a kubelet's `/pods` know about pods, by uid; and the volumes behind their claims.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use rustc_hash::FxHashMap;

use crate::workload::Workload;

/// The pods of a cluster by uid, with the names of the workloads that own them.
///
/// Feed it all pods before each scrape: unchanged ones (the same `Arc`) cost a look-up.
#[derive(Debug, Default)]
pub struct PodMetadata {
    pods: FxHashMap<Box<str>, KnownPod>,
    generation: u64,
    claims: Vec<Arc<PersistentVolumeClaim>>,
    volumes: Vec<Arc<PersistentVolume>>,
    /// Counts the changes of claims and volumes.
    claims_generation: u64,
}

/// One pod that the API server knows.
#[derive(Clone, Debug)]
pub(crate) struct KnownPod {
    pub(crate) pod: Arc<Pod>,
    pub(crate) workload: Workload,
    seen: u64,
}

impl PodMetadata {
    /// Knows no pod.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows exactly these pods from now on.
    pub fn update(&mut self, pods: &[Arc<Pod>]) {
        self.generation += 1;
        let seen = self.generation;
        for pod in pods {
            let Some(uid) = pod.metadata.uid.as_deref() else { continue };
            match self.pods.get_mut(uid) {
                Some(known) => {
                    known.seen = seen;
                    if !Arc::ptr_eq(&known.pod, pod) {
                        known.pod = Arc::clone(pod);
                        known.workload.refresh(pod);
                    }
                }
                None => {
                    let known = KnownPod { pod: Arc::clone(pod), workload: Workload::of(pod), seen };
                    self.pods.insert(uid.into(), known);
                }
            }
        }
        if self.pods.len() > pods.len() {
            self.pods.retain(|_, known| known.seen == seen);
        }
    }

    /// Knows exactly these claims and volumes from now on. Only receivers that look up claims ask for them.
    pub fn update_claims(
        &mut self,
        claims: &[Arc<PersistentVolumeClaim>],
        volumes: &[Arc<PersistentVolume>],
    ) {
        if !same(&self.claims, claims) || !same(&self.volumes, volumes) {
            self.claims = claims.to_vec();
            self.volumes = volumes.to_vec();
            self.claims_generation += 1;
        }
    }

    pub(crate) fn get(&self, uid: &str) -> Option<&KnownPod> {
        self.pods.get(uid)
    }

    /// The volume that a claim is bound to.
    pub(crate) fn volume_of_claim(&self, namespace: &str, claim: &str) -> Option<&PersistentVolume> {
        let of = |candidate: &&Arc<PersistentVolumeClaim>| {
            candidate.metadata.name.as_deref() == Some(claim)
                && candidate.metadata.namespace.as_deref() == Some(namespace)
        };
        let volume = self.claims.iter().find(of)?.spec.as_ref()?.volume_name.as_deref()?;
        let bound = self.volumes.iter().find(|candidate| candidate.metadata.name.as_deref() == Some(volume));
        bound.map(|volume| &**volume)
    }

    pub(crate) fn claims_generation(&self) -> u64 {
        self.claims_generation
    }
}

fn same<K>(known: &[Arc<K>], now: &[Arc<K>]) -> bool {
    known.len() == now.len() && known.iter().zip(now).all(|(a, b)| Arc::ptr_eq(a, b))
}
