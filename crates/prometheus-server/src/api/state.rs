//! What the handlers share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use catalogue::MetricKind;
use tokio::sync::Semaphore;

use crate::QueryService;
use crate::otlp::OtlpState;

/// Tells the time, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What `/api/v1/status/buildinfo` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version of Prometheus that the API stands for. Clients such as Grafana choose features by it.
    pub version: String,
    /// The commit that the program was built from.
    pub revision: String,
    /// The branch of that commit.
    pub branch: String,
    /// Who built it.
    pub build_user: String,
    /// When it was built.
    pub build_date: String,
    /// The compiler's version, in the place where Prometheus says Go's.
    pub compiler: String,
}

/// What `/api/v1/metadata` says about a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMetadata {
    /// `counter`, `gauge`, `histogram`, `summary` or `unknown`.
    pub kind: &'static str,
    /// What it means.
    pub help: String,
    /// Its unit; empty where there is none.
    pub unit: String,
}

impl MetricMetadata {
    /// What the catalogue says about its metrics, by Prometheus name.
    pub fn of_catalogue() -> BTreeMap<String, Self> {
        catalogue::all()
            .map(|metric| {
                let kind = match metric.kind {
                    MetricKind::Counter => "counter",
                    MetricKind::Gauge | MetricKind::UpDownCounter => "gauge",
                };
                let metadata =
                    Self { kind, help: metric.description.to_owned(), unit: metric.unit.to_owned() };
                (metric.prometheus_name().to_owned(), metadata)
            })
            .collect()
    }
}

/// How the API presents itself, and its limits. `Default` has Prometheus' limits.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Shown by `status/buildinfo`.
    pub build: BuildInfo,
    /// Shown by `status/runtimeinfo`, milliseconds since the epoch.
    pub started_ms: i64,
    /// Shown by `status/runtimeinfo`, for example `6h`.
    pub storage_retention: String,
    /// Shown by `status/flags`.
    pub flags: BTreeMap<String, String>,
    /// Shown by `status/config`.
    pub config_yaml: String,
    /// Shown by `metadata`, by Prometheus name. Empty by default, because a real Prometheus answers `{}` for metrics that
    /// came by OTLP, and whoever builds a dashboard here must not rely on more than production has. Filled from the
    /// catalogue, it lets Grafana's query builder show types and descriptions.
    pub metadata: BTreeMap<String, MetricMetadata>,
    /// Takes OTLP metrics at `/api/v1/otlp/v1/metrics`. Without it the end point says that it is switched off, as in a
    /// Prometheus of default settings.
    pub otlp: Option<OtlpState>,
    /// A query may take this long, waiting included: 2 minutes.
    pub query_timeout: Duration,
    /// More queries than this wait for each other: 20.
    pub max_concurrent_queries: usize,
    /// Larger form bodies are refused: 10 MiB.
    pub max_body_bytes: usize,
    /// A client that sends nothing of its body for this long is given up: 30 seconds.
    pub body_timeout: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            build: BuildInfo::default(),
            started_ms: 0,
            storage_retention: String::new(),
            flags: BTreeMap::new(),
            config_yaml: String::new(),
            metadata: BTreeMap::new(),
            otlp: None,
            query_timeout: Duration::from_secs(120),
            max_concurrent_queries: 20,
            max_body_bytes: 10 << 20,
            body_timeout: Duration::from_secs(30),
        }
    }
}

/// What the handlers share: the data, the clock and the settings. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    query: QueryService,
    clock: Clock,
    options: ApiOptions,
    slots: Arc<Semaphore>,
    ready: AtomicBool,
}

impl ApiState {
    /// A server that is ready at once.
    pub fn new(query: QueryService, clock: Clock, options: ApiOptions) -> Self {
        let slots = options.max_concurrent_queries.clamp(1, Semaphore::MAX_PERMITS);
        let inner = Inner {
            query,
            clock,
            options,
            slots: Arc::new(Semaphore::new(slots)),
            ready: AtomicBool::new(true),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Until told otherwise a server that is not ready answers 503 to everything but `/-/healthy`.
    pub fn set_ready(&self, ready: bool) {
        self.inner.ready.store(ready, Ordering::Release);
    }

    /// Whether it answers.
    pub fn is_ready(&self) -> bool {
        self.inner.ready.load(Ordering::Acquire)
    }

    /// The queries behind the API.
    pub fn query(&self) -> &QueryService {
        &self.inner.query
    }

    /// The settings.
    pub fn options(&self) -> &ApiOptions {
        &self.inner.options
    }

    /// The clock's time, milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        (self.inner.clock)()
    }

    /// One permit for each query that may run at the same time.
    pub(super) fn slots(&self) -> &Arc<Semaphore> {
        &self.inner.slots
    }
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}
