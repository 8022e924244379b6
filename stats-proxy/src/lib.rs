//! The kubelets of a simulated cluster over HTTP.
//!
//! A kubelet answers for one node; here the node is part of the path, so that a collector scrapes N nodes at one address:
//! its endpoint for a node is `http://HOST:PORT/nodes/{node}`, and below it stands what the node's kubelet would serve.
//! [`router`] can also stand for one node alone, at the root, as a kubelet does.
//!
//! What a kubelet says is a [`KubeletSource`]'s: a simulation's or, with the feature `cluster`, that of a watched API server.

mod answers;
#[cfg(feature = "cluster")]
pub mod cluster;
mod kubelet;
mod limits;
mod pod_list;
mod refusal;
mod resource_metrics;
mod routes;
mod source;

pub use http_guard::AllowedHosts;
pub use routes::router;
pub use source::KubeletSource;
