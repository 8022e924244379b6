//! Services and the endpoints behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalogue::Number;
use catalogue::k8s_cluster as metrics;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use super::cache::{Measured, Tick};
use super::{Context, int, name, namespace, uid};

/// An EndpointSlice names its Service in this label.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Services with the counts of their endpoints. A Service's counts change when one of its slices does, not when the
/// Service does, so all are made anew when any object changed.
#[derive(Debug, Default)]
pub(super) struct Services {
    services: Vec<Arc<Service>>,
    slices: Vec<Arc<EndpointSlice>>,
    measured: Vec<Measured>,
}

impl Services {
    pub(super) fn collect(
        &mut self,
        services: &[Arc<Service>],
        slices: &[Arc<EndpointSlice>],
        context: &Context,
        tick: &mut Tick<'_>,
    ) {
        if !context.is_on(&metrics::SERVICE_ENDPOINT_COUNT)
            && !context.is_on(&metrics::SERVICE_LOAD_BALANCER_INGRESS_COUNT)
        {
            return;
        }
        if !same(&self.services, services) || !same(&self.slices, slices) {
            self.services = services.to_vec();
            self.slices = slices.to_vec();
            let counts = count(slices);
            self.measured = services.iter().map(|service| measure(service, &counts, context)).collect();
        }
        for measured in &self.measured {
            measured.send(tick);
        }
    }
}

fn same<K>(known: &[Arc<K>], now: &[Arc<K>]) -> bool {
    known.len() == now.len() && known.iter().zip(now).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Endpoints of a Service by address type and zone; a slice without endpoints counts none of no zone.
type Counts<'a> = BTreeMap<(&'a str, &'a str), BTreeMap<(&'a str, &'a str), Conditions>>;

#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    ready: i64,
    serving: i64,
    terminating: i64,
}

impl Conditions {
    /// A condition that is not set is taken as the API says: ready and serving, not terminating.
    fn add(&mut self, endpoint: &Endpoint) {
        let conditions = endpoint.conditions.as_ref();
        let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
        self.ready += i64::from(ready);
        self.serving += i64::from(conditions.and_then(|conditions| conditions.serving).unwrap_or(ready));
        self.terminating +=
            i64::from(conditions.and_then(|conditions| conditions.terminating).unwrap_or(false));
    }
}

fn count(slices: &[Arc<EndpointSlice>]) -> Counts<'_> {
    let mut counts = Counts::new();
    for slice in slices {
        let labels = slice.metadata.labels.as_ref();
        let Some(service) = labels.and_then(|labels| labels.get(SERVICE_NAME)) else { continue };
        let of_service = counts.entry((namespace(&slice.metadata), service)).or_default();
        for endpoint in slice.endpoints.iter().flatten() {
            let zone = endpoint.zone.as_deref().unwrap_or_default();
            of_service.entry((slice.address_type.as_str(), zone)).or_default().add(endpoint);
        }
    }
    counts
}

fn measure(service: &Service, counts: &Counts<'_>, context: &Context) -> Measured {
    let spec = service.spec.as_ref();
    let service_type = spec.and_then(|spec| spec.type_.as_deref()).unwrap_or("ClusterIP");
    let publish = spec.and_then(|spec| spec.publish_not_ready_addresses).unwrap_or(false);
    let attributes = [
        ("k8s.service.uid", uid(&service.metadata)),
        ("k8s.service.name", name(&service.metadata)),
        ("k8s.namespace.name", namespace(&service.metadata)),
        ("k8s.service.type", service_type),
        ("k8s.service.publish_not_ready_addresses", if publish { "true" } else { "false" }),
    ];
    let distribution = spec.and_then(|spec| spec.traffic_distribution.as_deref());
    let distribution = distribution.map(|value| ("k8s.service.traffic_distribution", value));
    let mut measured = context.measure(attributes.into_iter().chain(distribution));

    let key = (namespace(&service.metadata), name(&service.metadata));
    for ((address_type, zone), conditions) in counts.get(&key).into_iter().flatten() {
        for (condition, number) in [
            ("ready", conditions.ready),
            ("serving", conditions.serving),
            ("terminating", conditions.terminating),
        ] {
            let attributes = [
                ("k8s.service.endpoint.condition", condition),
                ("k8s.service.endpoint.address_type", *address_type),
                ("k8s.service.endpoint.zone", *zone),
            ];
            measured.add(context, &metrics::SERVICE_ENDPOINT_COUNT, &attributes, Number::Int(number));
        }
    }
    if service_type == "LoadBalancer" {
        let ingress = service
            .status
            .as_ref()
            .and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref())
            .map_or(0, Vec::len);
        let ingress = i64::try_from(ingress).unwrap_or(i64::MAX);
        measured.add(context, &metrics::SERVICE_LOAD_BALANCER_INGRESS_COUNT, &[], int(ingress));
    }
    measured
}
