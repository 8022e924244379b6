//! Measurements into the store, and the Prometheus HTTP API on top of it.
//!
//! ```text
//! receivers ──► StoreSink ────┐
//!                             ├─► tsdb::Store ◄── QueryService ◄── router: the HTTP API
//! OTLP/HTTP ──► OtlpIngester ─┘                        ▲
//!                                     cargo xtask query, check-dashboards, preview
//! ```
//!
//! * [`StoreSink`] takes measurements ([`catalogue::Sink`]) and appends them to the store under the names and labels
//!   that Prometheus' OTLP translation gives them.
//! * [`otlp`] does the same with OTLP messages from outside.
//! * [`QueryService`] answers PromQL, series and label queries in typed form.
//! * [`router`] serves the same answers as Prometheus' HTTP API: an [`axum::Router`] without a socket.
//!
//! Nothing here opens a socket, prints, or reads a clock: the caller gives [`ApiState`] a [`Clock`]. Time-outs need a
//! tokio runtime with its timer.
//!
//! ```
//! use std::sync::Arc;
//! use catalogue::{Number, Point, Resource, Sink, kubelet_stats, prometheus};
//! use prometheus_server::{ApiOptions, ApiState, QueryService, StoreSink, never, router};
//!
//! let store = Arc::new(tsdb::Store::new(tsdb::Options::default()));
//! let mut sink = StoreSink::new(Arc::clone(&store), prometheus::promoted());
//! let node = Resource::new([("k8s.node.name", "node-0")]);
//! let point = Point { start_ns: None, time_ns: 15_000_000_000, value: Number::Double(2.5) };
//! sink.record(&node, kubelet_stats::ALL[0], &[], point);
//! sink.commit();
//! assert_eq!(sink.report().refused(), 0);
//!
//! let service = QueryService::new(store, promql::EngineOptions::default(), promql::ParseOptions::default());
//! let output = service.instant("count({k8s_node_name='node-0'})", 20_000, &never)?;
//! assert!(matches!(output.value, promql::Value::Vector(samples) if samples[0].point.value == 1.0));
//!
//! let state = ApiState::new(service, Arc::new(|| 20_000), ApiOptions::default());
//! let app: axum::Router = router(state); // to be served by whoever has a socket
//! # Ok::<(), prometheus_server::QueryFailure>(())
//! ```

mod api;
mod hints;
mod json;
mod numbers;
pub mod otlp;
mod query;
mod sink;
mod storage;
mod time;

pub use api::{ApiOptions, ApiState, BuildInfo, Clock, MetricMetadata, router};
pub use hints::{KnownNames, hints};
pub use query::{Browse, Found, ParsedQuery, QueryFailure, QueryService, never};
pub use sink::{Refusal, RefusedSample, SinkReport, StoreSink};
pub use storage::StoreStorage;
