//! What a person does to the cluster on purpose: nodes that fail, containers that crash, volumes that fill.
//!
//! A [`Request`] says what, to whom and when. [`Simulation::provoke`](crate::Simulation::provoke) finds the target, checks
//! that it can be, and gives it a number: from then on it is a [`Provocation`]. The cluster stays a pure function, now of
//! (files, options, provocations, instant): a provocation changes what is from its `since` on and never what was before,
//! and when it ends, by its `until` or by [`Simulation::undo`](crate::Simulation::undo), the object is well again. What
//! was counted stays counted.
//!
//! | action | what happens |
//! |---|---|
//! | `node-down` | the node's kubelet falls silent: conditions `Unknown`, taints, no metrics; its pods are not ready. They stay bound to it |
//! | `crash` | the first container ends with exit code 1 and again after each start: `CrashLoopBackOff`, never ready |
//! | `oom` | the first container's memory climbs to its limit within half a minute, it is `OOMKilled`, and so after each start |
//! | `spike` | CPU (and memory) at the limit, at a multiple, or at an amount. Autoscalers do not notice |
//! | `fill-volume` | what a claim has is used up to 96 % |
//! | `scale` | another number of replicas. This is the one thing that changes how many pods there are: a user's explicit wish. New ones are scheduled, and wait if no node has room for them |
//! | `rollout` | the pods are replaced one after the other by those of a new revision. Its end, or undoing it, rolls back: another revision |
//!
//! The effects on usage are annotations of the Pods and Nodes ([`kubelet_stats::annotations`] tells the grammar), and
//! trouble is the label [`PROVOKED`](crate::annotations::PROVOKED): the same ones do it on a real KWOK cluster.

mod choice;
mod conflict;
pub(crate) mod deed;
mod error;
mod registry;
mod resolve;
mod scenario;
mod target;

use jiff::Timestamp;
use kubelet_stats::annotations::Amount;
use serde::{Deserialize, Serialize};

pub use choice::choose;
pub use error::ProvocationError;
pub(crate) use registry::{Affected, Registry};
pub use scenario::{Moment, Scenario, ScenarioStep};
pub use target::{Target, TargetKind};

/// How full `fill-volume` makes a volume, in percent, unless it is told.
pub const FULL: u8 = 96;
/// The least that counts as full.
pub const LEAST_FULL: u8 = 95;

/// What is done. As data, its fields stand beside its name: `{"action": "scale", "replicas": 3}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// A node is lost.
    NodeDown,
    /// The first container of a pod, or of all pods of a workload, ends shortly after each start.
    Crash,
    /// The first container of a pod, or of all pods of a workload, runs out of memory after each start.
    Oom,
    /// A pod, all pods of a workload, or what runs on a node beside its pods, use more. Without anything given, CPU at its
    /// limit.
    Spike {
        /// Of CPU time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<Amount>,
        /// Of memory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<Amount>,
    },
    /// The volume of a claim, or the volumes of all claims of a pod, are full.
    FillVolume {
        /// Percent that are used, 95 at least; [`FULL`] when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u8>,
    },
    /// A workload has another number of pods.
    Scale {
        /// So many.
        replicas: u32,
    },
    /// A workload's pods are replaced.
    Rollout,
}

impl Action {
    /// Every action's name, such as `node-down`.
    pub const NAMES: [&str; 7] = ["node-down", "crash", "oom", "spike", "fill-volume", "scale", "rollout"];

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Action::NodeDown => "node-down",
            Action::Crash => "crash",
            Action::Oom => "oom",
            Action::Spike { .. } => "spike",
            Action::FillVolume { .. } => "fill-volume",
            Action::Scale { .. } => "scale",
            Action::Rollout => "rollout",
        }
    }
}

/// A wish for something to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What.
    #[serde(flatten)]
    pub action: Action,
    /// To whom, as people write it: `NAME`, `NAMESPACE/NAME`, `KIND/NAME` or `KIND/NAMESPACE/NAME`, as far as is needed to
    /// tell it from others. Kinds have kubectl's names: `deployment`, `deploy`, `sts`, `po`, `pvc`, …
    pub target: String,
    /// From when on; at the next whole second.
    pub since: Timestamp,
    /// Until when; without it until it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Something that was provoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provocation {
    /// By which it can be undone: 1, 2, 3, … in the order in which they were provoked.
    pub id: u32,
    /// What.
    #[serde(flatten)]
    pub action: Action,
    /// To whom.
    pub target: Target,
    /// From when on.
    pub since: Timestamp,
    /// Until when; `None` until it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Provocation {
    /// Whether it has an effect at `at`.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.since <= at && self.until.is_none_or(|until| at < until)
    }
}
