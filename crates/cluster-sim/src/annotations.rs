//! What the files say to this crate beside what they say to Kubernetes.
//!
//! Annotations, and one label, so that a real API server takes the files as they are.

use kubelet_stats::annotations::{BOOTED_AT, PROFILE};

/// What all of them begin with. One that begins so and is none of them is an error in a manifest.
pub(crate) const PREFIX: &str = "kubernetes-mixin-otel/";

/// On a Node: how many of `--nodes` are made from this template, in proportion to the other templates' weights. A whole
/// number; 1 when absent.
pub const WEIGHT: &str = "kubernetes-mixin-otel/weight";

/// On a Node: the zones that its nodes are dealt to in turn, separated by commas. Each node gets the label
/// `topology.kubernetes.io/zone`.
pub const ZONES: &str = "kubernetes-mixin-otel/zones";

/// On a Node: about how often each of its nodes is lost for some minutes, such as `1d`; about once a week it then comes
/// back rebooted, with new pods. Never when absent.
pub const OUTAGE_EVERY: &str = "kubernetes-mixin-otel/outage-every";

/// On a Pod: how many of it there are when the fleet has the files' own size; they are numbered. A Pod without it is one
/// pod, at any size.
pub const REPLICAS: &str = "kubernetes-mixin-otel/replicas";

/// On a workload: `fixed` keeps its replicas at any size of the fleet (as long as `--pods` has room for them). On one
/// Deployment: `spare` lets it have what autoscaled workloads leave of their pods, so that the number of all pods stays.
/// Without a spare Deployment there is nobody to give and take: no HorizontalPodAutoscaler ever scales its target.
pub const SCALING: &str = "kubernetes-mixin-otel/scaling";

/// On a Deployment, StatefulSet or DaemonSet: how often its pods are replaced by those of a new revision, such as `45m`.
pub const ROLLOUT_EVERY: &str = "kubernetes-mixin-otel/rollout-every";

/// On a HorizontalPodAutoscaler: `wave`, the default, lets the load on its target rise and fall; `peak` is more than the most
/// replicas can take.
pub const LOAD: &str = "kubernetes-mixin-otel/load";

/// On the pods of Jobs and on pods that fail or are evicted: how long they run until then, such as `90s`.
pub const RUNS_FOR: &str = "kubernetes-mixin-otel/runs-for";

/// A label, on pods and nodes: the trouble that they are in. `deploy/kwok/stages.yaml` selects by it.
pub const STAGE: &str = "kubernetes-mixin-otel/stage";

/// A label, on pods and nodes: what is being provoked there, `crash`, `oom` or `node-down`. `deploy/kwok/stages.yaml`
/// selects by it. Not for manifests.
pub const PROVOKED: &str = "kubernetes-mixin-otel/provoked";

/// All annotations that begin with [`PREFIX`]: those above and those of kubelet-stats.
pub(crate) const ALL: [&str; 10] =
    [WEIGHT, ZONES, OUTAGE_EVERY, REPLICAS, SCALING, ROLLOUT_EVERY, LOAD, RUNS_FOR, PROFILE, BOOTED_AT];
