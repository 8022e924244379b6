//! The kubelets of a cluster that an API server knows: its nodes and pods are watched, and what the kubelets say about them
//! is simulated.
//!
//! ```text
//! API server ──watch──► Watcher ──► Objects ◄── ClusterKubelets ◄── router ◄── Server ◄── collectors
//!                       (3 kinds)   (trimmed,    (KubeletSource)    + probes, own metrics
//!                                    by node)          │
//!                                                       └─────► HostAgents ──► OtlpSender ──► backend
//! ```
//!
//! Objects are trimmed as they arrive to what summaries depend on. While the API server is away the kubelets go on
//! answering, with the objects as they were; [`Progress`] knows about it.

mod host;
mod kept;
mod node;
mod objects;
mod observing;
mod pace;
mod progress;
mod sending;
mod serving;
mod source;
mod watching;

pub use host::{HostAgents, next_round};
pub use objects::Objects;
pub use pace::Pace;
pub use progress::{Kind, Progress};
pub use sending::send_host_metrics;
pub use serving::{Application, Limits, Metrics, Server};
pub use source::{Clock, ClusterKubelets};
pub use watching::{client, watch};
