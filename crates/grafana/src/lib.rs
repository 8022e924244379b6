//! What a Grafana dashboard is and does, without Grafana.
//!
//! ```text
//! *.jsonnet ──jsonnet──► JSON ──dashboards──► json::canonical ──► the files that users install
//!                          │
//!                        model ──► layout (where panels stand)
//!                          │
//!          variables + interval ──► the queries (the caller asks Prometheus)
//!                                         │
//!                       prometheus ──► frames ──► transform ──► display (units, colours, mappings) ──► render
//! ```
//!
//! Dashboards that were made elsewhere come in by `import`, which can also turn them into Jsonnet.
//!
//! Nothing here asks a server, reads a clock or prints. The preview and the judge of dashboards stand on the same
//! modules, so what one shows is what the other has judged.

pub mod color;
pub mod dashboards;
pub mod display;
pub mod frame;
pub mod import;
pub mod interval;
pub mod json;
pub mod jsonnet;
pub mod layout;
pub mod model;
pub mod prometheus;
pub mod render;
mod time;
pub mod transform;
pub mod units;
pub mod variables;
