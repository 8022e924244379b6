//! The kubelet's Summary API over HTTP for every node of a simulated cluster.
//!
//! A kubelet answers for one node; here the node is part of the path, so that a collector scrapes N nodes at
//! one address: `GET /nodes/{node}/stats/summary`.

mod routes;
mod source;

pub use http_guard::AllowedHosts;
pub use routes::router;
pub use source::SummarySource;
