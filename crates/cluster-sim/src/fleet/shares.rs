//! How many pods everything gets.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, PodSpec, ResourceQuota};

use super::quota::{self, Ledger};
use super::{Autoscaler, BarePods, Scaled};
use crate::annotations;
use crate::apportion::deal;
use crate::error::SimulationError;
use crate::manifest::{Manifests, Size, Workload, annotation};
use crate::objects::pod::admitted;

/// What was shared out.
pub(super) struct Shares {
    pub(super) workloads: Vec<Scaled>,
    pub(super) pods: Vec<BarePods>,
    pub(super) quotas: Vec<ResourceQuota>,
}

/// A claim to pods.
#[derive(Clone, Debug)]
struct Part {
    namespace: String,
    spec: PodSpec,
    /// Pods in the files.
    replicas: usize,
    /// Pods at any size of the fleet.
    kept: usize,
    /// Whether it takes all it keeps or nothing.
    whole: bool,
    /// The most pods that a quota lets it have, and the quota's message.
    cap: Option<(usize, String)>,
}

impl Part {
    fn new(
        metadata_namespace: Option<&String>,
        spec: Option<&PodSpec>,
        replicas: usize,
        kept: usize,
    ) -> Part {
        Part {
            namespace: metadata_namespace.cloned().unwrap_or_default(),
            spec: admitted(&spec.cloned().unwrap_or_default()),
            replicas,
            kept,
            whole: false,
            cap: None,
        }
    }

    fn of_workload(workload: &Workload) -> Part {
        let spec = workload.template().and_then(|template| template.spec.as_ref());
        let namespace = workload.metadata().namespace.as_ref();
        match workload.size() {
            Size::Nodes => Part::new(namespace, spec, 0, 0),
            Size::Runs(runs) => Part { whole: true, ..Part::new(namespace, spec, runs, runs) },
            Size::Replicas(replicas) if workload.is_fixed() => Part::new(namespace, spec, replicas, replicas),
            Size::Replicas(replicas) => Part::new(namespace, spec, replicas, replicas.min(1)),
        }
    }

    fn of_pods(template: &Pod) -> Part {
        let (replicas, kept) = match annotation(&template.metadata, annotations::REPLICAS) {
            Some(text) => (text.parse().unwrap_or_default(), 0),
            None => (1, 1),
        };
        Part::new(template.metadata.namespace.as_ref(), template.spec.as_ref(), replicas, kept)
    }

    /// What it keeps and what it has a claim to beyond that.
    fn claims(&self) -> (usize, usize) {
        match self.cap {
            Some((cap, _)) => (cap, 0),
            None => (self.kept, self.replicas - self.kept),
        }
    }
}

/// Shares `pods` out over everything but DaemonSets.
pub(super) fn share(manifests: &Manifests, pods: usize) -> Result<Shares, SimulationError> {
    let workloads = manifests.workloads.iter().map(Part::of_workload);
    let mut parts: Vec<Part> = workloads.chain(manifests.pods.iter().map(Part::of_pods)).collect();
    let own_size: usize = parts.iter().map(|part| part.replicas).sum();
    let times = pods.div_ceil(own_size.max(1)).max(1);
    let quotas: Vec<ResourceQuota> =
        manifests.quotas.iter().map(|quota| quota::grown(quota, times)).collect();

    // Each round a quota caps one more part at least, or none: then it is done.
    let numbers = loop {
        let numbers = numbers(&parts, pods)?;
        if !cap_by_quotas(&mut parts, &numbers, &quotas) {
            break numbers;
        }
    };
    let scaled = manifests.workloads.iter().zip(&parts).zip(&numbers).map(|((workload, part), &number)| {
        let mut workload = workload.clone();
        let refusal = part.cap.as_ref().map(|(_, message)| message.clone());
        if refusal.is_none() {
            workload.set_size(number);
        }
        Scaled { workload, pods: number, refusal }
    });
    let bare = manifests.pods.iter().zip(&numbers[manifests.workloads.len()..]);
    Ok(Shares {
        workloads: scaled.collect(),
        pods: bare.map(|(template, &number)| BarePods::new(template, number)).collect(),
        quotas,
    })
}

/// How many pods each part has, `pods` in all.
fn numbers(parts: &[Part], pods: usize) -> Result<Vec<usize>, SimulationError> {
    let mut left = pods;
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        let (keeps, _) = part.claims();
        let given = if part.whole && keeps > left { 0 } else { keeps.min(left) };
        left -= given;
        kept.push(given);
    }
    let growing: Vec<usize> = parts.iter().map(|part| part.claims().1).collect();
    let shares = deal(left, &growing).or_else(|| {
        // Nothing in the files grows: what is there and may be more grows alike.
        let may_grow = |part: &Part| part.cap.is_none() && !part.whole;
        let weights: Vec<usize> =
            parts.iter().map(|part| if may_grow(part) { part.replicas } else { 0 }).collect();
        deal(left, &weights)
    });
    let shares = shares.ok_or(SimulationError::NothingToRun { pods: left })?;
    Ok(kept.into_iter().zip(shares).map(|(kept, share)| kept + share).collect())
}

/// Caps the parts of which quotas refuse pods; whether there was one.
fn cap_by_quotas(parts: &mut [Part], numbers: &[usize], quotas: &[ResourceQuota]) -> bool {
    let mut ledgers = BTreeMap::<&str, Vec<Ledger>>::new();
    for quota in quotas {
        let namespace = quota.metadata.namespace.as_deref().unwrap_or_default();
        ledgers.entry(namespace).or_default().push(Ledger::new(quota));
    }
    for (part, &number) in parts.iter_mut().zip(numbers) {
        let Some(ledgers) = ledgers.get_mut(part.namespace.as_str()) else { continue };
        // The pods of Jobs come and go; quotas of a fleet have room for them.
        if part.whole || part.cap.is_none() && part.replicas == 0 {
            continue;
        }
        let always = ledgers.iter().find_map(|ledger| ledger.refuses_always(&part.spec));
        let usage = quota::pod_usage(&part.spec);
        let refusal = match always {
            Some(message) => Some((0, message)),
            None => (0..number).find_map(|admitted| {
                let refused = ledgers.iter_mut().find_map(|ledger| ledger.admit(&usage).err())?;
                Some((admitted, refused))
            }),
        };
        if let Some(refusal) = refusal
            && part.cap.as_ref().is_none_or(|(cap, _)| refusal.0 < *cap)
        {
            part.cap = Some(refusal);
            return true;
        }
    }
    false
}

/// Autoscalers with bounds that fit their targets' new size, as far as the spare Deployment has pods to give.
pub(super) fn bound_autoscalers(
    autoscalers: &[HorizontalPodAutoscaler],
    files: &[Workload],
    scaled: &[Scaled],
) -> Vec<Autoscaler> {
    // Without a spare Deployment nothing moves.
    let mut spare = scaled.iter().find(|scaled| scaled.workload.is_spare()).map(|scaled| scaled.pods);
    let bound = |manifest: &HorizontalPodAutoscaler| {
        let spec = &manifest.spec;
        let target = files.iter().position(|workload| {
            let metadata = workload.metadata();
            matches!(workload, Workload::Deployment(_))
                && metadata.name.as_ref() == Some(&spec.scale_target_ref.name)
                && metadata.namespace == manifest.metadata.namespace
        })?;
        let Size::Replicas(before) = files[target].size() else { return None };
        let now = scaled[target].pods;
        let number = |number: i32| usize::try_from(number).unwrap_or(0);
        let (least, most) = (number(spec.min_replicas.unwrap_or(1)), number(spec.max_replicas));
        let before = before.max(1);
        let least = (least * now / before).clamp(1, now.max(1));
        let most = (most * now).div_ceil(before).max(least);
        let (moves_from, moves_to) = match &mut spare {
            None => (now, now),
            Some(spare) => {
                let extra = most.saturating_sub(now).min(*spare);
                *spare -= extra;
                (least.min(now), now + extra)
            }
        };
        let most = if spare.is_some() { moves_to.max(least) } else { most };
        let mut manifest = manifest.clone();
        manifest.spec.min_replicas = Some(i32::try_from(least).unwrap_or(i32::MAX));
        manifest.spec.max_replicas = i32::try_from(most).unwrap_or(i32::MAX);
        Some(Autoscaler { manifest, target, least: moves_from, most: moves_to })
    };
    autoscalers.iter().filter_map(bound).collect()
}
