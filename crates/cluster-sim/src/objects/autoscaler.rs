//! HorizontalPodAutoscalers.

use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricSpec,
    MetricStatus, MetricValueStatus, ResourceMetricStatus,
};

use super::{Dates, count};
use crate::time::autoscaling::Load;
use crate::time::calendar::time;

/// An autoscaler whose target has `replicas` pods since the last change.
pub(crate) fn autoscaler(
    manifest: &HorizontalPodAutoscaler,
    uid: &str,
    replicas: usize,
    load: Load,
    dates: Dates<'_>,
) -> HorizontalPodAutoscaler {
    let mut autoscaler = manifest.clone();
    dates.admit(&mut autoscaler.metadata, uid);
    let spec = &mut autoscaler.spec;
    spec.min_replicas.get_or_insert(1);
    let replicas = count(replicas);
    let condition =
        |type_: &str, holds: bool, reason: &str, message: &str| HorizontalPodAutoscalerCondition {
            type_: type_.to_owned(),
            status: if holds { "True" } else { "False" }.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_transition_time: Some(time(dates.changed)),
        };
    let able = condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size");
    let (active, limited) = if replicas == 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        (condition("ScalingActive", false, "ScalingDisabled", message), None)
    } else {
        let message = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
        let limited = if load == Load::Peak && replicas >= spec.max_replicas {
            let message = "the desired replica count is more than the maximum replica count";
            condition("ScalingLimited", true, "TooManyReplicas", message)
        } else {
            let message = "the desired count is within the acceptable range";
            condition("ScalingLimited", false, "DesiredWithinRange", message)
        };
        (condition("ScalingActive", true, "ValidMetricFound", message), Some(limited))
    };
    let metrics: Vec<MetricStatus> =
        spec.metrics.iter().flatten().filter_map(|metric| current(metric, load)).collect();
    autoscaler.status = Some(HorizontalPodAutoscalerStatus {
        current_replicas: Some(replicas),
        desired_replicas: replicas,
        last_scale_time: Some(time(dates.changed)),
        current_metrics: (!metrics.is_empty()).then_some(metrics),
        conditions: Some([able, active].into_iter().chain(limited).collect()),
        observed_generation: None,
    });
    autoscaler
}

/// A metric that was steered to its target, or is far above it.
fn current(metric: &MetricSpec, load: Load) -> Option<MetricStatus> {
    let resource = metric.resource.as_ref()?;
    let target = resource.target.average_utilization?;
    let utilization = if load == Load::Peak { target.saturating_mul(3) / 2 } else { target };
    Some(MetricStatus {
        type_: "Resource".to_owned(),
        resource: Some(ResourceMetricStatus {
            name: resource.name.clone(),
            current: MetricValueStatus {
                average_utilization: Some(utilization),
                ..MetricValueStatus::default()
            },
        }),
        ..MetricStatus::default()
    })
}
