//! The storage of StatefulSets that somebody scales up, and what else than pods quotas count.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::{Owner, OwnerKind, World};
use crate::fleet::Fleet;
use crate::fleet::quota::claim_usage;
use crate::manifest::Workload;
use crate::objects::storage;
use crate::provocation::deed::What;
use crate::time::calendar::time;
use crate::time::span::{ALWAYS, FOREVER, Seconds, Span};

/// Claims, and the volumes that they are bound to.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) volumes: Vec<PersistentVolume>,
    pub(crate) claims: Vec<PersistentVolumeClaim>,
}

impl World {
    /// The storage of a StatefulSet's pods beyond its own size. As in Kubernetes, it stays when they go.
    pub(crate) fn extra_storage(&self, owner: usize, at: Seconds) -> Span<Storage> {
        let owner = &self.owners[owner];
        let mut span = Span { value: Storage::default(), since: ALWAYS, until: FOREVER };
        let OwnerKind::StatefulSet(set) = &owner.kind else { return span };
        for (ordinal, created) in owner.claimed_since() {
            if created > at {
                span.until = span.until.min(created);
                continue;
            }
            span.since = span.since.max(created);
            let claims = storage::claims_of(set, ordinal);
            let volumes: Vec<PersistentVolume> =
                claims.iter().filter_map(|claim| self.volume_for(claim, ordinal)).collect();
            let claims = claims.into_iter().map(|claim| (claim, created)).collect();
            let (volumes, claims) = storage::bind(&volumes, claims, self.draw, &self.calendar);
            span.value.volumes.extend(volumes.into_iter().map(|mut volume| {
                volume.metadata.creation_timestamp = Some(time(created));
                volume
            }));
            span.value.claims.extend(claims);
        }
        span
    }

    /// Another volume like that of the StatefulSet's first pod.
    pub(super) fn volume_for(
        &self,
        claim: &PersistentVolumeClaim,
        ordinal: usize,
    ) -> Option<PersistentVolume> {
        let number = |name: &Option<String>, from: usize, to: usize| {
            Some(format!("{}-{to}", name.as_ref()?.strip_suffix(&format!("-{from}"))?))
        };
        let first = number(&claim.metadata.name, ordinal, 0)?;
        let like = self.volumes.iter().find(|volume| {
            let reference = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
            reference.is_some_and(|reference| {
                reference.name.as_ref() == Some(&first) && reference.namespace == claim.metadata.namespace
            })
        })?;
        let mut volume = like.clone();
        volume.metadata.name = Some(number(&volume.metadata.name, 0, ordinal)?);
        if let Some(reference) = volume.spec.as_mut().and_then(|spec| spec.claim_ref.as_mut()) {
            reference.name.clone_from(&claim.metadata.name);
        }
        Some(volume)
    }

    /// What is there of everything but pods that a quota may count, unless somebody scales a StatefulSet up.
    pub(crate) fn others_of(&self, namespace: &str) -> BTreeMap<String, i64> {
        self.others.get(namespace).cloned().unwrap_or_default()
    }
}

impl Owner {
    /// The claims that it makes for its pod of this number, before they are bound.
    pub(crate) fn claims(&self, ordinal: usize) -> Vec<PersistentVolumeClaim> {
        match &self.kind {
            OwnerKind::StatefulSet(set) => storage::claims_of(set, ordinal),
            _ => Vec::new(),
        }
    }

    /// The numbers of pods beyond its own size for which somebody scaled it up, each with when that was first.
    pub(super) fn claimed_since(&self) -> BTreeMap<usize, Seconds> {
        let mut claimed = BTreeMap::<usize, Seconds>::new();
        for deed in self.deeds.iter().filter(|deed| deed.since < deed.until) {
            let What::Scale { replicas } = deed.what else { continue };
            for ordinal in self.size..replicas {
                let since = claimed.entry(ordinal).or_insert(deed.since);
                *since = deed.since.min(*since);
            }
        }
        claimed
    }
}

/// Objects that a quota may count, and the storage that claims request.
pub(super) fn others(namespace: &str, fleet: &Fleet, owners: &[Owner]) -> BTreeMap<String, i64> {
    let mut used = BTreeMap::<String, i64>::new();
    let mut add = |name: &str, amount: i64| *used.entry(name.to_owned()).or_default() += amount;
    for scaled in &fleet.workloads {
        if scaled.workload.metadata().namespace.as_deref() != Some(namespace) {
            continue;
        }
        add(
            match scaled.workload {
                Workload::Deployment(_) => "count/deployments.apps",
                Workload::ReplicaSet(_) => "count/replicasets.apps",
                Workload::ReplicationController(_) => "replicationcontrollers",
                Workload::StatefulSet(_) => "count/statefulsets.apps",
                Workload::DaemonSet(_) => "count/daemonsets.apps",
                Workload::Job(_) => "count/jobs.batch",
                Workload::CronJob(_) => "count/cronjobs.batch",
            },
            1,
        );
    }
    for service in
        fleet.services.iter().filter(|service| service.metadata.namespace.as_deref() == Some(namespace))
    {
        add("services", 1);
        match service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) {
            Some("LoadBalancer") => {
                add("services.loadbalancers", 1);
                add("services.nodeports", 1);
            }
            Some("NodePort") => add("services.nodeports", 1),
            _ => {}
        }
    }
    let of_sets = owners.iter().flat_map(|owner| match &owner.kind {
        OwnerKind::StatefulSet(set) => {
            (0..owner.size).flat_map(|ordinal| storage::claims_of(set, ordinal)).collect()
        }
        _ => Vec::new(),
    });
    for claim in fleet.claims.iter().cloned().chain(of_sets) {
        if claim.metadata.namespace.as_deref() == Some(namespace) {
            for (name, amount) in claim_usage(&claim) {
                add(&name, amount);
            }
        }
    }
    used
}
