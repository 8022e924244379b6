//! PersistentVolumes and their claims.

use std::collections::BTreeMap;

use catalogue::Number;
use catalogue::k8s_cluster as metrics;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::cache::{Measure, Measured};
use super::{Context, name, namespace, uid};
use crate::quantity;

impl Measure for PersistentVolume {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let spec = self.spec.as_ref();
        let phase = self.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let class = spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default();
        let policy =
            spec.and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref()).unwrap_or_default();
        let mut measured = context
            .measure([
                ("k8s.persistentvolume.uid", uid(&self.metadata)),
                ("k8s.persistentvolume.name", name(&self.metadata)),
                ("k8s.storageclass.name", class),
                ("k8s.persistentvolume.reclaim_policy", policy),
            ])
            .point_if(
                context,
                &metrics::PERSISTENT_VOLUME_CAPACITY,
                storage(spec.and_then(|spec| spec.capacity.as_ref())),
            );
        measured.add_state_set(context, &metrics::PERSISTENT_VOLUME_PHASE, metrics::VOLUME_PHASES, phase);
        vec![measured]
    }
}

impl Measure for PersistentVolumeClaim {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let spec = self.spec.as_ref();
        let status = self.status.as_ref();
        let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let class = spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default();
        let requests = spec.and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
        let capacity = status.and_then(|status| status.capacity.as_ref());
        let mut measured = context
            .measure([
                ("k8s.persistentvolumeclaim.uid", uid(&self.metadata)),
                ("k8s.persistentvolumeclaim.name", name(&self.metadata)),
                ("k8s.namespace.name", namespace(&self.metadata)),
                ("k8s.storageclass.name", class),
            ])
            .point_if(context, &metrics::PERSISTENT_VOLUME_CLAIM_REQUEST, storage(requests))
            .point_if(context, &metrics::PERSISTENT_VOLUME_CLAIM_CAPACITY, storage(capacity));
        measured.add_state_set(
            context,
            &metrics::PERSISTENT_VOLUME_CLAIM_PHASE,
            metrics::CLAIM_PHASES,
            phase,
        );
        vec![measured]
    }
}

fn storage(amounts: Option<&BTreeMap<String, Quantity>>) -> Option<Number> {
    quantity::value(amounts?.get("storage")?).map(Number::Int)
}
