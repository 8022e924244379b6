//! HorizontalPodAutoscalers and ResourceQuotas.

use std::collections::BTreeMap;

use catalogue::k8s_cluster as metrics;
use catalogue::{MetricDef, Number};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::cache::{Measure, Measured};
use super::{Context, int, name, namespace, uid};
use crate::quantity;

impl Measure for HorizontalPodAutoscaler {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let target = &self.spec.scale_target_ref;
        let status = self.status.as_ref();
        let attributes = [
            ("k8s.hpa.uid", uid(&self.metadata)),
            ("k8s.hpa.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
            ("k8s.hpa.scaletargetref.apiversion", target.api_version.as_deref().unwrap_or_default()),
            ("k8s.hpa.scaletargetref.kind", target.kind.as_str()),
            ("k8s.hpa.scaletargetref.name", target.name.as_str()),
        ];
        let current = status.and_then(|status| status.current_replicas).unwrap_or(0);
        let desired = status.map_or(0, |status| status.desired_replicas);
        // The API server fills the minimum in; without one the default is meant.
        let fewest = self.spec.min_replicas.unwrap_or(1);
        vec![
            context
                .measure(attributes)
                .point(context, &metrics::HPA_MAX_REPLICAS, int(self.spec.max_replicas))
                .point(context, &metrics::HPA_MIN_REPLICAS, int(fewest))
                .point(context, &metrics::HPA_CURRENT_REPLICAS, int(current))
                .point(context, &metrics::HPA_DESIRED_REPLICAS, int(desired)),
        ]
    }
}

impl Measure for ResourceQuota {
    fn measure(&self, context: &Context) -> Vec<Measured> {
        let mut measured = context.measure([
            ("k8s.resourcequota.uid", uid(&self.metadata)),
            ("k8s.resourcequota.name", name(&self.metadata)),
            ("k8s.namespace.name", namespace(&self.metadata)),
        ]);
        if let Some(status) = &self.status {
            add_amounts(&mut measured, context, &metrics::QUOTA_HARD_LIMIT, status.hard.as_ref());
            add_amounts(&mut measured, context, &metrics::QUOTA_USED, status.used.as_ref());
        }
        vec![measured]
    }
}

fn add_amounts(
    measured: &mut Measured,
    context: &Context,
    metric: &'static MetricDef,
    amounts: Option<&BTreeMap<String, Quantity>>,
) {
    for (resource, amount) in amounts.into_iter().flatten() {
        // `requests.cpu` counts millicores, plain `cpu` whole cores.
        let value =
            if resource.ends_with(".cpu") { quantity::milli_value(amount) } else { quantity::value(amount) };
        if let Some(value) = value {
            measured.add(context, metric, &[("resource", resource)], Number::Int(value));
        }
    }
}
