//! Our containers beside the cluster: what each is like, and when it is ready.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::future::BoxFuture;

use super::cluster::{KwokCluster, LOG_LINES, STOP};
use super::{KwokOptions, Names, Parts, step};
use crate::engine::{BindMount, ContainerFile, ContainerSpec, Engine, NetworkMode, PidMode, PublishedPort};
use crate::image;
use crate::plan::{Progress, Removal, State, Step, StepName};
use crate::stack::lgtm::{self, Lgtm};

/// Where each container finds the cluster's kubeconfig.
const KUBECONFIG: &str = "/etc/kubernetes-mixin-otel/kubeconfig";

/// Where the collector finds its configuration.
const CONFIGURATION: &str = "/etc/kubernetes-mixin-otel/collector.yaml";

/// The user of the collector's image.
const COLLECTOR_USER: u64 = 10_001;

/// All six servers of LGTM are healthy after 10 to 20 s.
const LGTM_READY: Duration = Duration::from_secs(180);

/// A container that ends at once, as with a configuration that it cannot read, has ended by then.
const STAYS: Duration = Duration::from_secs(1);

/// How often to look.
const PAUSE: Duration = Duration::from_millis(250);

/// Beyla gives itself 10 s to let go of what it watches; killed before, it leaves probes behind.
const BEYLA_STOP: Duration = Duration::from_secs(15);

/// What Beyla needs to watch another container's programs, and nothing else.
const BEYLA_CAPABILITIES: [&str; 7] =
    ["BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_RAW", "PERFMON", "SYS_ADMIN", "SYS_PTRACE"];

/// Where a kernel says what it is made of.
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Makes the steps of our containers.
pub(super) struct Containers<'a> {
    pub(super) options: &'a KwokOptions,
    pub(super) parts: &'a Parts,
    pub(super) cluster: &'a Arc<KwokCluster>,
}

impl Containers<'_> {
    /// Grafana with Prometheus, Tempo and Loki.
    pub(super) fn lgtm(&self, lgtm: &Lgtm) -> Box<dyn Step> {
        let made = Made::of(self.lgtm_spec(lgtm));
        self.step(step::LGTM, &[step::NETWORK, step::LGTM_IMAGE], made, Ready::Lgtm)
    }

    /// The kubelets of all nodes.
    pub(super) fn stats_proxy(&self) -> Box<dyn Step> {
        let made = Made { kubeconfig_of: Some(image::USER), ..Made::of(self.stats_proxy_spec()) };
        self.step(step::PROXY, &[step::API_SERVER, step::PROXY_IMAGE], made, Ready::Stays)
    }

    /// The collector. It starts once everything that it asks is there: what is refused at first it tries again only after a while.
    pub(super) fn collector(&self, image: &str, configuration: String) -> Box<dyn Step> {
        let spec = self.collector_spec(image, configuration);
        let made = Made { kubeconfig_of: Some(COLLECTOR_USER), ..Made::of(spec) };
        let needs = [step::COLLECTOR_IMAGE, step::FLEET, step::LGTM, step::PROXY];
        self.step(step::COLLECTOR, &needs, made, Ready::Stays)
    }

    /// Traces of Grafana's and Prometheus' requests, seen in the kernel.
    pub(super) fn beyla(&self, image: &str, lgtm: &Lgtm) -> Box<dyn Step> {
        let spec = self.beyla_spec(image, lgtm);
        let made = Made {
            needs_btf_of: Some(self.options.names.container("lgtm")),
            stop: BEYLA_STOP,
            ..Made::of(spec)
        };
        self.step(step::BEYLA, &[step::LGTM, step::BEYLA_IMAGE], made, Ready::Stays)
    }

    pub(super) fn lgtm_spec(&self, lgtm: &Lgtm) -> ContainerSpec {
        let file = |(path, text): (&str, &str)| ContainerFile {
            path: path.to_owned(),
            mode: 0o444,
            uid: 0,
            gid: 0,
            contents: text.as_bytes().to_vec(),
        };
        let ports = &self.options.ports;
        let port = |host, container| PublishedPort { host, container };
        ContainerSpec {
            env: lgtm.environment.clone(),
            ports: vec![
                port(ports.grafana, lgtm::GRAFANA_PORT),
                port(ports.otlp_grpc, lgtm::OTLP_GRPC_PORT),
                port(ports.otlp_http, lgtm::OTLP_HTTP_PORT),
            ],
            mounts: vec![read_only(lgtm.dashboards.clone(), lgtm::DASHBOARDS)],
            files: lgtm.files().map(file).into(),
            memory: Some(lgtm::MEMORY_BYTES),
            init: true,
            ..self.spec("lgtm", lgtm.image.to_pull())
        }
    }

    pub(super) fn stats_proxy_spec(&self) -> ContainerSpec {
        // What an agent on each node would send, the proxy sends: host metrics of simulated nodes.
        let lgtm = format!("http://lgtm:{}", lgtm::OTLP_HTTP_PORT);
        let interval = format!("{}s", self.options.interval.as_secs());
        let flags = [
            ("--listen", "0.0.0.0:10250"),
            // By name, as the collector calls it: web pages cannot make a browser do so.
            ("--allowed-host", "stats-proxy"),
            ("--kubeconfig", KUBECONFIG),
            ("--otlp-endpoint", &lgtm),
            ("--cluster-name", &self.options.cluster_name),
            ("--collection-interval", &interval),
        ];
        ContainerSpec {
            command: flags.iter().flat_map(|(flag, value)| [*flag, *value]).map(str::to_owned).collect(),
            capabilities: Some(Vec::new()),
            read_only_root: true,
            ..self.spec("stats-proxy", image::NAME.to_owned())
        }
    }

    pub(super) fn collector_spec(&self, image: &str, configuration: String) -> ContainerSpec {
        let env = [
            ("CLUSTER_NAME", self.options.cluster_name.clone()),
            ("ENGINE_HOST", self.parts.machine.clone()),
            ("INTERVAL", format!("{}s", self.options.interval.as_secs())),
            ("KUBECONFIG", KUBECONFIG.to_owned()),
        ];
        ContainerSpec {
            command: vec![format!("--config={CONFIGURATION}")],
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            mounts: vec![read_only(PathBuf::from("/"), "/hostfs")],
            files: vec![ContainerFile {
                path: CONFIGURATION.to_owned(),
                mode: 0o444,
                uid: 0,
                gid: 0,
                contents: configuration.into_bytes(),
            }],
            capabilities: Some(Vec::new()),
            read_only_root: true,
            ..self.spec("collector", image.to_owned())
        }
    }

    pub(super) fn beyla_spec(&self, image: &str, lgtm: &Lgtm) -> ContainerSpec {
        let target = self.options.names.container("lgtm");
        let env = [
            // Within LGTM's own processes and network: nothing else on this machine that listens there is caught.
            ("BEYLA_OPEN_PORT", format!("{},{}", lgtm::GRAFANA_PORT, lgtm::PROMETHEUS_PORT)),
            ("BEYLA_ENFORCE_SYS_CAPS", "true".to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", lgtm::OTLP_HTTP_PORT)),
        ];
        ContainerSpec {
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            // It ends with the container that it watches. Made anew with another one, it has to be made anew as well.
            labels: [("kubernetes-mixin-otel.watches".to_owned(), self.lgtm_spec(lgtm).hash())].into(),
            network: NetworkMode::OfContainer(target.clone()),
            pid: Some(PidMode::OfContainer(target)),
            capabilities: Some(BEYLA_CAPABILITIES.map(str::to_owned).into()),
            security_options: vec!["no-new-privileges".to_owned(), "apparmor=unconfined".to_owned()],
            stop_seconds: u32::try_from(BEYLA_STOP.as_secs()).unwrap_or(u32::MAX),
            init: true,
            ..self.spec("beyla", image.to_owned())
        }
    }

    /// A container of ours on the cluster's network.
    fn spec(&self, part: &str, image: String) -> ContainerSpec {
        let names = &self.options.names;
        let network = NetworkMode::Named { network: names.kwok(), aliases: vec![part.to_owned()] };
        ContainerSpec {
            security_options: vec!["no-new-privileges".to_owned()],
            restart: true,
            ..ContainerSpec::new(names.environment(), names.container(part), image, network)
        }
    }

    fn step(&self, name: StepName, needs: &[StepName], made: Made, ready: Ready) -> Box<dyn Step> {
        Box::new(ContainerStep {
            name,
            needs: needs.to_vec(),
            made,
            ready,
            engine: self.parts.engine.clone(),
            cluster: Arc::clone(self.cluster),
        })
    }
}

fn read_only(source: PathBuf, target: &str) -> BindMount {
    BindMount { source, target: target.to_owned(), read_only: true }
}

/// What a container is made of. The rest of its specification is known only when the cluster is there.
struct Made {
    spec: ContainerSpec,
    /// The user whose kubeconfig it gets.
    kubeconfig_of: Option<u64>,
    /// The container whose kernel has to have BTF: each engine's may be another machine's.
    needs_btf_of: Option<String>,
    /// How long it may take to end.
    stop: Duration,
}

impl Made {
    fn of(spec: ContainerSpec) -> Self {
        Self { spec, kubeconfig_of: None, needs_btf_of: None, stop: STOP }
    }
}

/// When a container is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    /// When it has not ended after a moment.
    Stays,
    /// When LGTM says so.
    Lgtm,
}

struct ContainerStep {
    name: StepName,
    needs: Vec<StepName>,
    made: Made,
    ready: Ready,
    engine: Engine,
    cluster: Arc<KwokCluster>,
}

impl ContainerStep {
    /// The whole specification.
    async fn spec(&self) -> anyhow::Result<ContainerSpec> {
        let mut spec = self.made.spec.clone();
        if let Some(user) = self.made.kubeconfig_of {
            spec.files.push(ContainerFile {
                path: KUBECONFIG.to_owned(),
                mode: 0o400,
                uid: user,
                gid: user,
                contents: self.cluster.kubeconfig_for_containers().await?.into_bytes(),
            });
        }
        Ok(spec)
    }

    async fn wait_until_ready(&self, progress: &Progress<'_>) -> anyhow::Result<()> {
        let name = &self.made.spec.name;
        let begun = Instant::now();
        loop {
            let state = self.engine.container_state(name).await?;
            let state = state.with_context(|| format!("{name} has been removed by somebody"))?;
            if !state.running || state.restarts > 0 {
                let log = self.log().await;
                bail!("{name}: {}; it said{log}", state.words());
            }
            let passed = begun.elapsed();
            match self.ready {
                Ready::Stays if passed >= STAYS => return Ok(()),
                Ready::Stays => {}
                Ready::Lgtm => {
                    if self.engine.exec(name, &["test", "-f", lgtm::READY_FILE]).await?.code == 0 {
                        return Ok(());
                    }
                    if passed >= LGTM_READY {
                        let log = self.log().await;
                        bail!("{name} is not ready after {} s: it said{log}", LGTM_READY.as_secs());
                    }
                    progress.show(&format!("its servers start, {} s", passed.as_secs()));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn log(&self) -> String {
        match self.engine.logs_tail(&self.made.spec.name, LOG_LINES).await {
            Ok(log) if log.trim().is_empty() => " nothing".to_owned(),
            Ok(log) => log.trim_end().lines().map(|line| format!("\n  {line}")).collect(),
            Err(error) => format!(" what cannot be read: {error:#}"),
        }
    }

    async fn check_btf(&self) -> anyhow::Result<()> {
        let Some(container) = &self.made.needs_btf_of else { return Ok(()) };
        let found = self.engine.exec(container, &["test", "-r", BTF]).await?;
        anyhow::ensure!(
            found.code == 0,
            "the engine's kernel has no {BTF}, which Beyla needs: leave --beyla out, or use an engine whose kernel has it (on macOS: \
             Colima)"
        );
        Ok(())
    }
}

impl Step for ContainerStep {
    fn name(&self) -> StepName {
        self.name
    }

    fn needs(&self) -> &[StepName] {
        &self.needs
    }

    fn down_before(&self) -> &[StepName] {
        // kwokctl removes the network, and cannot while somebody is on it.
        &[step::CLUSTER]
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            let there = self.engine.container_state(&self.made.spec.name).await?.is_some();
            // Without a cluster there is no kubeconfig that it could be compared with.
            match self.spec().await {
                Ok(spec) => self.engine.look_container(&spec).await,
                Err(_) if there => Ok(State::Different("its cluster is gone".to_owned())),
                Err(_) => Ok(State::Absent),
            }
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            self.check_btf().await?;
            self.engine.run(&self.spec().await?).await?;
            self.wait_until_ready(progress).await?;
            Ok(self.made.spec.name.clone())
        })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(self.engine.remove_container(&self.made.spec.name, self.made.stop))
    }
}

/// The steps that remove our containers, without knowing how they were made: Beyla first, which sits in LGTM's processes.
pub(super) fn removals(names: &Names, engine: &Engine) -> Vec<Box<dyn Step>> {
    let part = |name, part, before: &[StepName], stop| {
        let before = before.to_vec();
        Box::new(Part { name, container: names.container(part), before, stop, engine: engine.clone() })
            as Box<dyn Step>
    };
    vec![
        part(step::LGTM, "lgtm", &[step::CLUSTER], STOP),
        part(step::PROXY, "stats-proxy", &[step::CLUSTER], STOP),
        part(step::COLLECTOR, "collector", &[step::CLUSTER], STOP),
        part(step::BEYLA, "beyla", &[step::CLUSTER, step::LGTM], BEYLA_STOP),
    ]
}

/// A container by its name.
struct Part {
    name: StepName,
    container: String,
    before: Vec<StepName>,
    stop: Duration,
    engine: Engine,
}

impl Step for Part {
    fn name(&self) -> StepName {
        self.name
    }

    fn down_before(&self) -> &[StepName] {
        &self.before
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            let state = self.engine.container_state(&self.container).await?;
            Ok(match state {
                Some(state) if state.running => State::Up(self.container.clone()),
                Some(state) => State::Different(format!("{}: {}", self.container, state.words())),
                None => State::Absent,
            })
        })
    }

    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async { bail!("{} can only be removed here", self.container) })
    }

    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(self.engine.remove_container(&self.container, self.stop))
    }
}
