//! EndpointSlices: the pods behind a Service.

use k8s_openapi::api::core::v1::{ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Dates, controller, labels};
use crate::draw::{Draw, generated_name};
use crate::time::calendar::time;

/// The slice of a Service whose pods are `pods`, each with whether it is ready. One slice, however many there are.
pub(crate) fn slice<'a>(
    service: &Service,
    pods: impl Iterator<Item = (&'a Pod, bool)>,
    draw: Draw,
    dates: Dates<'_>,
) -> EndpointSlice {
    let metadata = &service.metadata;
    let (name, uid) =
        (metadata.name.as_deref().unwrap_or_default(), metadata.uid.as_deref().unwrap_or_default());
    let draw = draw.of("EndpointSlice").of(metadata.namespace.as_deref().unwrap_or_default()).of(name);
    let spec = service.spec.as_ref();
    let headless = spec.is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None"));
    let mut slice_labels = metadata.labels.clone().unwrap_or_default();
    slice_labels.extend(labels([
        ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"),
        ("kubernetes.io/service-name", name),
    ]));
    if headless {
        slice_labels.insert("service.kubernetes.io/headless".to_owned(), String::new());
    }
    let pods: Vec<(&Pod, bool)> = pods.filter(|(pod, _)| ip(pod).is_some()).collect();
    let first = pods.first().map(|(pod, _)| *pod);
    let ports = spec.iter().flat_map(|spec| &spec.ports).flatten();
    let mut slice = EndpointSlice {
        metadata: ObjectMeta {
            name: Some(generated_name(name, &draw.suffix(0))),
            generate_name: Some(format!("{name}-")),
            namespace: metadata.namespace.clone(),
            labels: Some(slice_labels),
            annotations: Some(labels([(
                "endpoints.kubernetes.io/last-change-trigger-time",
                &*time(dates.changed).0.to_string(),
            )])),
            owner_references: Some(vec![controller("v1", "Service", name, uid)]),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints: Some(pods.into_iter().map(|(pod, ready)| endpoint(pod, ready, headless)).collect()),
        ports: first.map(|pod| ports.filter_map(|port| endpoint_port(port, pod)).collect()),
    };
    dates.admit_generation(&mut slice.metadata, &draw.uuid(), 1);
    slice
}

fn ip(pod: &Pod) -> Option<&String> {
    pod.status.as_ref()?.pod_ip.as_ref()
}

fn endpoint(pod: &Pod, ready: bool, headless: bool) -> Endpoint {
    let metadata = &pod.metadata;
    let spec = pod.spec.as_ref();
    let zone = metadata.labels.as_ref().and_then(|labels| labels.get("topology.kubernetes.io/zone"));
    Endpoint {
        addresses: ip(pod).cloned().into_iter().collect(),
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(ready),
            terminating: Some(false),
        }),
        hostname: spec.and_then(|spec| spec.hostname.clone()).filter(|_| headless),
        node_name: spec.and_then(|spec| spec.node_name.clone()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            name: metadata.name.clone(),
            namespace: metadata.namespace.clone(),
            uid: metadata.uid.clone(),
            ..ObjectReference::default()
        }),
        zone: zone.cloned(),
        ..Endpoint::default()
    }
}

/// A Service's port as its pods have it; a port that is named after one of a container has that one's number.
fn endpoint_port(port: &ServicePort, pod: &Pod) -> Option<EndpointPort> {
    let number = match &port.target_port {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
            ports.find(|port| port.name.as_ref() == Some(name))?.container_port
        }
    };
    Some(EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(number),
        protocol: port.protocol.clone().or_else(|| Some("TCP".to_owned())),
        app_protocol: port.app_protocol.clone(),
    })
}

/// The slice of the API server's own Service.
pub(crate) fn of_api_server(service: &Service, draw: Draw, dates: Dates<'_>) -> EndpointSlice {
    let port = service.spec.iter().flat_map(|spec| &spec.ports).flatten().next();
    let number = match port.and_then(|port| port.target_port.as_ref()) {
        Some(IntOrString::Int(number)) => Some(*number),
        _ => None,
    };
    let mut slice = EndpointSlice {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            namespace: service.metadata.namespace.clone(),
            labels: Some(labels([("kubernetes.io/service-name", "kubernetes")])),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints: Some(vec![Endpoint {
            addresses: vec![super::node::API_SERVER.to_string()],
            conditions: Some(EndpointConditions { ready: Some(true), ..EndpointConditions::default() }),
            ..Endpoint::default()
        }]),
        ports: Some(vec![EndpointPort {
            name: Some("https".to_owned()),
            port: number,
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }]),
    };
    dates.admit_generation(&mut slice.metadata, &draw.of("EndpointSlice").of("kubernetes").uuid(), 1);
    slice
}
