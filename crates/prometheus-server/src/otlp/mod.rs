//! OTLP metrics from outside: their translation into series as Prometheus does it, and the HTTP end points.

mod body;
mod http;
mod ingest;
mod refusals;
mod resource;
mod text;

pub(crate) use http::prometheus_routes;
pub use http::{OtlpState, otlp_router};
pub use ingest::OtlpIngester;
pub use refusals::{OtlpRefusal, RefusedRequests};
