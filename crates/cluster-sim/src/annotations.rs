//! What the files say to this crate beside what they say to Kubernetes.
//!
//! Annotations, so that a real API server takes the files as they are.

/// What all of them begin with. One that begins so and is none of them is an error in a manifest.
pub(crate) const PREFIX: &str = "kubernetes-mixin-otel/";

/// On a Node: how many of `--nodes` are made from this template, in proportion to the other templates' weights. A whole
/// number; 1 when absent.
pub const WEIGHT: &str = "kubernetes-mixin-otel/weight";

/// On a Node: the zones that its nodes are dealt to in turn, separated by commas. Each node gets the label
/// `topology.kubernetes.io/zone`.
pub const ZONES: &str = "kubernetes-mixin-otel/zones";

/// On a Pod: how many of it there are when the fleet has the files' own size; they are numbered. A Pod without it is one
/// pod, at any size.
pub const REPLICAS: &str = "kubernetes-mixin-otel/replicas";

/// On a workload: `fixed` keeps its replicas at any size of the fleet (as long as `--pods` has room for them).
pub const SCALING: &str = "kubernetes-mixin-otel/scaling";

/// All that begin with [`PREFIX`]: those above and those that say how a pod uses CPU and memory.
pub(crate) const ALL: [&str; 6] = [
    WEIGHT,
    ZONES,
    REPLICAS,
    SCALING,
    kubelet_stats::annotations::PROFILE,
    kubelet_stats::annotations::BOOTED_AT,
];
