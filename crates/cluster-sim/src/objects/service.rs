//! Services.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::{LoadBalancerStatus, Service, ServicePort, ServiceSpec, ServiceStatus};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Dates, labels};
use crate::draw::Draw;
use crate::time::calendar::Calendar;

/// Where cluster addresses come from: 10.96.0.0/16.
const SERVICE_NETWORK: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 0);
/// The API server's own port.
const API_PORT: i32 = 6443;

/// The Services of the files, after the API server's own.
pub(crate) fn services(manifests: &[Service], draw: Draw, calendar: &Calendar) -> Vec<Service> {
    let draw = draw.of("Service");
    let mut services = vec![kubernetes(draw, calendar)];
    for (index, manifest) in manifests.iter().enumerate() {
        let mut service = manifest.clone();
        let metadata = &mut service.metadata;
        let draw = draw
            .of(metadata.namespace.as_deref().unwrap_or_default())
            .of(metadata.name.as_deref().unwrap_or_default());
        let created = calendar.workload(draw);
        Dates { calendar, created, changed: created }.admit(metadata, &draw.uuid());
        admit_spec(service.spec.get_or_insert_default(), index);
        service.status = Some(status());
        services.push(service);
    }
    services
}

fn kubernetes(draw: Draw, calendar: &Calendar) -> Service {
    let mut service = Service::default();
    let metadata = &mut service.metadata;
    metadata.name = Some("kubernetes".to_owned());
    metadata.namespace = Some("default".to_owned());
    metadata.labels = Some(labels([("component", "apiserver"), ("provider", "kubernetes")]));
    let uid = draw.of("default").of("kubernetes").uuid();
    Dates { calendar, created: calendar.cluster(), changed: calendar.cluster() }.admit(metadata, &uid);
    let mut spec = ServiceSpec {
        ports: Some(vec![ServicePort {
            name: Some("https".to_owned()),
            port: 443,
            target_port: Some(IntOrString::Int(API_PORT)),
            ..ServicePort::default()
        }]),
        cluster_ip: Some(address(1)),
        ..ServiceSpec::default()
    };
    admit_spec(&mut spec, 0);
    service.spec = Some(spec);
    service.status = Some(status());
    service
}

fn status() -> ServiceStatus {
    ServiceStatus { load_balancer: Some(LoadBalancerStatus::default()), ..ServiceStatus::default() }
}

fn address(number: u32) -> String {
    Ipv4Addr::from_bits(SERVICE_NETWORK.to_bits() + number % (1 << 16)).to_string()
}

fn admit_spec(spec: &mut ServiceSpec, index: usize) {
    fn text(field: &mut Option<String>, value: &str) {
        field.get_or_insert_with(|| value.to_owned());
    }
    text(&mut spec.type_, "ClusterIP");
    text(&mut spec.session_affinity, "None");
    for (port, number) in spec.ports.iter_mut().flatten().zip(0..) {
        text(&mut port.protocol, "TCP");
        port.target_port.get_or_insert(IntOrString::Int(port.port));
        if matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer")) {
            port.node_port.get_or_insert(30_000 + (index as i32 * 8 + number) % 2_768);
        }
    }
    if spec.type_.as_deref() == Some("ExternalName") {
        return;
    }
    // Ten addresses are left for the cluster's own services.
    text(&mut spec.cluster_ip, &address(10 + index as u32));
    spec.cluster_ips = spec.cluster_ip.clone().map(|ip| vec![ip]);
    text(&mut spec.internal_traffic_policy, "Cluster");
    spec.ip_families.get_or_insert_with(|| vec!["IPv4".to_owned()]);
    text(&mut spec.ip_family_policy, "SingleStack");
    if spec.type_.as_deref() == Some("LoadBalancer") {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
    }
    if matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer")) {
        text(&mut spec.external_traffic_policy, "Cluster");
    }
}
