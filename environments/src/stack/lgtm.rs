//! The LGTM backend: Grafana, Prometheus, Tempo, Loki and a collector in one container.
//!
//! What is said here holds wherever the container runs: in the engine beside a KWOK cluster, or as a pod of a k3d cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use tools::pins::{ImagePin, Pins};

/// The name of its image in the pins.
pub const IMAGE: &str = "lgtm";

/// Grafana.
pub const GRAFANA_PORT: u16 = 3000;
/// OTLP over gRPC: the container's own collector, and behind it Prometheus, Tempo and Loki.
pub const OTLP_GRPC_PORT: u16 = 4317;
/// OTLP over HTTP: the same.
pub const OTLP_HTTP_PORT: u16 = 4318;
/// Prometheus' API.
pub const PROMETHEUS_PORT: u16 = 9090;
/// Tempo's API.
pub const TEMPO_PORT: u16 = 3200;

/// Where Prometheus takes OTLP metrics itself, without the container's collector: below its address.
pub const PROMETHEUS_OTLP_PATH: &str = "/api/v1/otlp";
/// Where Grafana passes requests on to Prometheus: below its address. For where Prometheus itself is not published.
pub const PROMETHEUS_THROUGH_GRAFANA: &str = "/api/datasources/proxy/uid/prometheus";

/// The file that is there once all of its servers are healthy.
pub const READY_FILE: &str = "/tmp/ready";

/// Its memory. Upstream's 1 GiB is where it begins to be killed with dashboards open.
pub const MEMORY_BYTES: u64 = 2 << 30;

/// Where it finds our dashboards: `deploy/lgtm/dashboards.yaml` says so to Grafana.
pub const DASHBOARDS: &str = "/otel-lgtm/kubernetes-mixin-otel";
/// Where Grafana finds that file. Only the file is put there: a mount over its folder would hide LGTM's own dashboards.
pub const PROVIDER: &str = "/otel-lgtm/grafana/conf/provisioning/dashboards/kubernetes-mixin-otel.yaml";
/// Where Prometheus finds its configuration.
pub const PROMETHEUS: &str = "/otel-lgtm/prometheus.yaml";

/// Everything that an LGTM container is made of.
#[derive(Clone, Debug)]
pub struct Lgtm {
    /// The image.
    pub image: ImagePin,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Which dashboards Grafana shows: the text of [`PROVIDER`].
    pub provider: String,
    /// Prometheus' configuration: the text of [`PROMETHEUS`].
    pub prometheus: String,
    /// The dashboards on this machine, to be mounted at [`DASHBOARDS`]: so that a build is seen at once.
    pub dashboards: PathBuf,
}

impl Lgtm {
    /// Reads its files from a workspace.
    ///
    /// # Errors
    /// When a file cannot be read, Prometheus' configuration is no YAML, or the pins have no such image.
    pub fn read(workspace: &Path, pins: &Pins) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = workspace.join("deploy").join("lgtm").join(file);
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
        };
        let prometheus = read("prometheus.yaml")?;
        let _: serde_yaml::Mapping =
            serde_yaml::from_str(&prometheus).context("deploy/lgtm/prometheus.yaml is wrong")?;
        let image = pins.images.get(IMAGE).context("deploy/pins.yaml has no image \"lgtm\"")?.clone();
        let dashboards = std::path::absolute(workspace.join("dashboards").join("generated"))
            .context("failed to find the dashboards")?;
        Ok(Self {
            image,
            environment: environment(),
            provider: read("dashboards.yaml")?,
            prometheus,
            dashboards,
        })
    }

    /// The same with traces of the queries themselves: Grafana and Prometheus send theirs to the container's own collector. Needs
    /// no privileges, unlike tracers in the kernel.
    ///
    /// # Errors
    /// When Prometheus' configuration has `tracing` already.
    pub fn traced(mut self) -> anyhow::Result<Self> {
        let mut prometheus: serde_yaml::Mapping = serde_yaml::from_str(&self.prometheus)?;
        let tracing = json!({
            "endpoint": format!("127.0.0.1:{OTLP_GRPC_PORT}"),
            "insecure": true,
            "sampling_fraction": 1,
        });
        let former = prometheus.insert("tracing".into(), serde_yaml::to_value(tracing)?);
        anyhow::ensure!(former.is_none(), "deploy/lgtm/prometheus.yaml sets tracing already");
        self.prometheus = serde_yaml::to_string(&prometheus)?;
        let endpoint = format!("127.0.0.1:{OTLP_GRPC_PORT}");
        self.environment.insert("GF_TRACING_OPENTELEMETRY_OTLP_ADDRESS".to_owned(), endpoint);
        self.environment.insert("GF_TRACING_OPENTELEMETRY_OTLP_PROPAGATION".to_owned(), "w3c".to_owned());
        Ok(self)
    }

    /// Its files by their place in the container.
    pub fn files(&self) -> [(&'static str, &str); 2] {
        [(PROVIDER, &self.provider), (PROMETHEUS, &self.prometheus)]
    }

    /// Its environment, as Kubernetes wants it.
    pub fn environment_list(&self) -> Value {
        self.environment.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    }
}

fn environment() -> BTreeMap<String, String> {
    [
        // By itself it is Grafana's page of news and links.
        ("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", &*format!("{DASHBOARDS}/k8s-otel-cluster.json")),
        // One may look at data as fast as it comes.
        ("GF_DASHBOARDS_MIN_REFRESH_INTERVAL", "5s"),
        // What nobody has asked for is not sent, and not fetched at each start.
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        // Its last servers' words are there when one asks for the container's log.
        ("ENABLE_LOGS_ALL", "true"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use tools::pins::pins_path;

    use super::*;

    fn shipped() -> Lgtm {
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        Lgtm::read(workspace, &Pins::read(&pins_path(workspace)).unwrap()).unwrap()
    }

    #[test]
    fn grafana_is_told_of_the_folder_where_the_dashboards_are_mounted() {
        let lgtm = shipped();
        let provider: Value = serde_yaml::from_str(&lgtm.provider).unwrap();
        assert_eq!(provider["providers"][0]["options"]["path"], DASHBOARDS);
        assert!(provider["providers"][0]["updateIntervalSeconds"].as_u64().unwrap() <= 10);
    }

    #[test]
    fn the_home_page_is_a_dashboard_that_exists() {
        let lgtm = shipped();
        let home = &lgtm.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
        let file = home.strip_prefix(DASHBOARDS).unwrap().trim_start_matches('/');
        assert!(lgtm.dashboards.join(file).is_file(), "{file}");
    }

    #[test]
    fn tracing_leaves_the_rest_of_prometheus_configuration_as_it_is() {
        let (plain, traced) = (shipped(), shipped().traced().unwrap());
        let of = |lgtm: &Lgtm| serde_yaml::from_str::<Value>(&lgtm.prometheus).unwrap();
        let (plain, mut traced_config) = (of(&plain), of(&traced));
        let tracing = traced_config.as_object_mut().unwrap().remove("tracing").unwrap();
        assert_eq!(traced_config, plain);
        assert_eq!(tracing["endpoint"], "127.0.0.1:4317");
        assert!(traced.traced().is_err(), "twice");
    }
}
