//! The endpoints of a Service.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;

use super::{Picture, Scene, keep, members};
use crate::cluster::ClusterObjects;
use crate::objects::{Dates, endpoints};
use crate::time::span::{Seconds, Span};
use crate::world::World;

/// A Service with the owners whose pods it selects.
#[derive(Debug)]
pub(crate) struct ServiceView {
    service: Arc<Service>,
    owners: Vec<usize>,
}

impl ServiceView {
    /// The view of a Service; `None` for one without a selector.
    pub(super) fn new(service: &Arc<Service>, world: &World) -> Option<ServiceView> {
        let selector = service.spec.as_ref()?.selector.as_ref().filter(|selector| !selector.is_empty())?;
        let none = BTreeMap::new();
        let owners = world.owners.iter().enumerate().filter(|(_, owner)| {
            let labels = owner.pod_labels().unwrap_or(&none);
            service.metadata.namespace.as_ref() == Some(&owner.namespace)
                && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        });
        Some(ServiceView {
            service: Arc::clone(service),
            owners: owners.map(|(position, _)| position).collect(),
        })
    }

    pub(super) fn look(&self, scene: Scene<'_>, before: &Picture) -> Picture {
        let created = self.service.metadata.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second());
        let mut span = Span { value: (), since: created, until: Seconds::MAX };
        let mut pods = Vec::new();
        for &owner in &self.owners {
            let members = members(owner, scene);
            span = span.within(&members.span);
            let active = members.present.into_iter().filter(|member| member.standing.value.is_active());
            pods.extend(active.map(|member| (&**member.pod, member.standing.value.ready)));
        }
        let dates = Dates { calendar: &scene.world.calendar, created, changed: span.since };
        let slice = endpoints::slice(&self.service, pods.into_iter(), scene.world.draw, dates);
        let objects = ClusterObjects {
            endpoint_slices: vec![keep(&before.objects.endpoint_slices, slice)],
            ..ClusterObjects::default()
        };
        Picture { objects, since: span.since, until: span.until }
    }
}
