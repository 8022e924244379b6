//! Containers: requests and limits from the spec, the rest from the status.

use std::collections::BTreeMap;

use catalogue::k8s_cluster as metrics;
use catalogue::{MetricDef, Number};
use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::cache::Measured;
use super::{Context, int, pod};
use crate::image;
use crate::quantity;
use crate::workload::Workload;

/// Only `spec.containers` come here: the receiver has nothing to say about init containers.
pub(super) fn measure(pod: &Pod, container: &Container, workload: &Workload, context: &Context) -> Measured {
    let status = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten())
        .find(|status| status.name == container.name);
    let id = status.and_then(|status| status.container_id.as_deref()).unwrap_or_default();
    let image = status.and_then(|status| image::parse(&status.image)).unwrap_or_default();
    let last_reason = status
        .and_then(|status| status.last_state.as_ref()?.terminated.as_ref()?.reason.as_deref())
        .unwrap_or_default();
    let attributes = pod::identity(pod).into_iter().chain([
        ("k8s.container.name", container.name.as_str()),
        ("container.id", image::without_runtime(id)),
        ("container.image.name", image.name),
        ("container.image.tag", image.tag),
        ("k8s.container.status.last_terminated_reason", last_reason),
    ]);

    let mut measured = context.measure_owned(attributes, workload.attributes());
    if let Some(resources) = &container.resources {
        add_amounts(&mut measured, context, resources.requests.as_ref(), &REQUESTS);
        add_amounts(&mut measured, context, resources.limits.as_ref(), &LIMITS);
    }
    if let Some(status) = status {
        add_status(&mut measured, context, status);
    }
    measured
}

/// The metrics of cpu, memory, storage and ephemeral-storage; other resources have none.
type Amounts = [(&'static str, &'static MetricDef); 4];

static REQUESTS: Amounts = [
    ("cpu", &metrics::CONTAINER_CPU_REQUEST),
    ("memory", &metrics::CONTAINER_MEMORY_REQUEST),
    ("storage", &metrics::CONTAINER_STORAGE_REQUEST),
    ("ephemeral-storage", &metrics::CONTAINER_EPHEMERAL_STORAGE_REQUEST),
];

static LIMITS: Amounts = [
    ("cpu", &metrics::CONTAINER_CPU_LIMIT),
    ("memory", &metrics::CONTAINER_MEMORY_LIMIT),
    ("storage", &metrics::CONTAINER_STORAGE_LIMIT),
    ("ephemeral-storage", &metrics::CONTAINER_EPHEMERAL_STORAGE_LIMIT),
];

fn add_amounts(
    measured: &mut Measured,
    context: &Context,
    amounts: Option<&BTreeMap<String, Quantity>>,
    table: &Amounts,
) {
    for (resource, metric) in table {
        let Some(amount) = amounts.and_then(|amounts| amounts.get(*resource)) else { continue };
        let value = match *resource {
            "cpu" => quantity::cpus(amount).map(Number::Double),
            _ => quantity::value(amount).map(Number::Int),
        };
        if let Some(value) = value {
            measured.add(context, metric, &[], value);
        }
    }
}

fn add_status(measured: &mut Measured, context: &Context, status: &ContainerStatus) {
    measured.add(context, &metrics::CONTAINER_RESTARTS, &[], int(status.restart_count));
    measured.add(context, &metrics::CONTAINER_READY, &[], int(i64::from(status.ready)));
    let Some(state) = &status.state else { return };
    // A state with none of the three set says nothing about the state, but still has no reason.
    let (present, reason) = state_and_reason(state);
    if let Some(present) = present {
        measured.add_state_set(context, &metrics::CONTAINER_STATUS_STATE, metrics::CONTAINER_STATES, present);
    }
    measured.add_state_set(context, &metrics::CONTAINER_STATUS_REASON, metrics::CONTAINER_REASONS, reason);
}

fn state_and_reason(state: &ContainerState) -> (Option<&'static str>, &str) {
    if state.running.is_some() {
        (Some("running"), "")
    } else if let Some(terminated) = &state.terminated {
        (Some("terminated"), terminated.reason.as_deref().unwrap_or_default())
    } else if let Some(waiting) = &state.waiting {
        (Some("waiting"), waiting.reason.as_deref().unwrap_or_default())
    } else {
        (None, "")
    }
}
