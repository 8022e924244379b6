//! A machine for tests with everything that the environment asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use environments::cluster::fake::{FakeApiServer, Scenario};
use environments::cluster::kubeconfig::Places;
use environments::engine::fake::{FakeEngine, Program, World};
use environments::image;
use environments::kwok::{KwokOptions, Names, Parts, Ports, plan, removal};
use environments::plan::{Downed, Ending, Failed, OnFailure, Plan, Report, StepName, Upped};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tools::pins::{EnvironmentKind, Pins, pins_path};
use tools::{FakeProcesses, Finished, Invocation, Origin, Tool};

pub(crate) const CLUSTER: &str = "kwok-kubernetes-mixin-otel";
pub(crate) const PROJECT: &str = "com.docker.compose.project";

/// What the user has, and must have again after `down`.
pub(crate) const USERS_KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: work
clusters:
- name: work
  cluster:
    server: https://work.example
contexts:
- name: work
  context:
    cluster: work
    user: me
users:
- name: me
  user: {}
";

pub(crate) struct Laboratory {
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) api: FakeApiServer,
    pub(crate) processes: Arc<FakeProcesses>,
    pub(crate) options: KwokOptions,
    parts: Parts,
    folder: PathBuf,
}

fn workspace() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

impl Laboratory {
    /// A machine on which everything goes well.
    pub(crate) async fn new() -> Self {
        Self::with(Scenario::default()).await
    }

    /// One with an API server to which something happens.
    pub(crate) async fn with(scenario: Scenario) -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kmo-kwok-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("state")).unwrap();
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, USERS_KUBECONFIG).unwrap();
        std::fs::write(folder.join("stats-proxy"), program()).unwrap();

        let pins = Arc::new(Pins::read(&pins_path(&workspace())).unwrap());
        let engine = Arc::new(FakeEngine::start());
        engine.with(|world| {
            for (_, pin) in pins.images_for(EnvironmentKind::Kwok) {
                world.add_to_registry(&pin.to_pull(), &[1_000_000, 20_000_000]);
            }
        });
        let api = FakeApiServer::start(scenario).await.unwrap();
        let processes = Arc::new(programs(&engine, &api, &folder));
        let options = KwokOptions {
            names: Names::new("kwok", &folder.join("state")),
            nodes: 5,
            pods: 40,
            cluster_name: "kwok".to_owned(),
            interval: Duration::from_secs(15),
            fleet: workspace().join("deploy/kwok"),
            collector: workspace().join("deploy/collector"),
            ports: Ports { grafana: grafana().await, otlp_grpc: 4317, otlp_http: 4318 },
            beyla: false,
            switch_context: true,
            wait: Duration::from_secs(5),
            offline: false,
        };
        let version = "0.8.0".parse().unwrap();
        let parts = Parts {
            engine: engine.engine(),
            machine: "laptop".to_owned(),
            processes: processes.clone(),
            kwokctl: Some(Tool { path: PathBuf::from("/cache/kwokctl"), version, origin: Origin::Cache }),
            kubeconfigs: Places::new(Some(kubeconfig.as_os_str()), &folder),
            pins,
            workspace: workspace(),
        };
        Self { engine, api, processes, options, parts, folder }
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.options, &self.parts).unwrap().plan
    }

    /// Starts it, and rolls back what fails.
    pub(crate) async fn up(&self) -> Result<Upped, Failed> {
        self.plan().up(&environments::plan::Silent, OnFailure::RollBack, std::future::pending()).await
    }

    /// Starts it, and interrupts it as soon as a step begins.
    pub(crate) async fn interrupted_at(&self, step: StepName) -> Result<Upped, Failed> {
        let watcher = Watcher { step, seen: Notify::new() };
        self.plan().up(&watcher, OnFailure::RollBack, watcher.seen.notified()).await
    }

    pub(crate) async fn down(&self) -> Downed {
        removal(&self.options.names, &self.parts).unwrap().down(&environments::plan::Silent).await
    }

    pub(crate) fn user_kubeconfig(&self) -> serde_yaml::Value {
        serde_yaml::from_str(&std::fs::read_to_string(self.folder.join("kubeconfig")).unwrap()).unwrap()
    }

    pub(crate) fn current_context(&self) -> String {
        self.user_kubeconfig()["current-context"].as_str().unwrap_or_default().to_owned()
    }

    /// Names of all containers.
    pub(crate) fn containers(&self) -> Vec<String> {
        self.engine.with(|world| world.containers.keys().cloned().collect())
    }

    /// Everything of the environment that is left, in words.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = self.containers();
        left.extend(self.engine.with(|world| {
            let networks =
                world.networks.keys().filter(|name| !["bridge", "host", "none"].contains(&name.as_str()));
            networks.map(|name| format!("network {name}")).collect::<Vec<_>>()
        }));
        let files = std::fs::read_dir(self.folder.join("state")).unwrap();
        left.extend(files.map(|file| file.unwrap().path().display().to_string()));
        let expected: serde_yaml::Value = serde_yaml::from_str(USERS_KUBECONFIG).unwrap();
        if self.user_kubeconfig() != expected {
            left.push("the user's kubeconfig is another one".to_owned());
        }
        left
    }

    /// The command lines of kwokctl, without their flags.
    pub(crate) fn kwokctl(&self) -> Vec<String> {
        let runs = self.processes.runs();
        let runs = runs.iter().filter(|run| run.program.to_string_lossy().ends_with("kwokctl"));
        runs.map(verb).collect()
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Hears when a step begins.
struct Watcher {
    step: StepName,
    seen: Notify,
}

impl Report for Watcher {
    fn began(&self, step: StepName) {
        if step == self.step {
            self.seen.notify_one();
        }
    }
    fn progress(&self, _: StepName, _: &str) {}
    fn ended(&self, _: StepName, _: &Ending, _: Duration) {}
    fn note(&self, _: &str) {}
}

/// The least that counts as a program for this machine.
fn program() -> Vec<u8> {
    let mut program = scratch_image::example_program();
    if std::env::consts::ARCH == "aarch64" {
        program[18..20].copy_from_slice(&183_u16.to_le_bytes());
    }
    program
}

/// `create cluster`, `get clusters`, …
fn verb(run: &Invocation) -> String {
    let words: Vec<_> = run.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    words[2..4].join(" ")
}

/// What stands behind a flag.
fn argument(run: &Invocation, flag: &str) -> PathBuf {
    let at = run.arguments.iter().position(|word| word.to_str() == Some(flag));
    let at = at.unwrap_or_else(|| panic!("no {flag} in {:?}", run.arguments));
    PathBuf::from(&run.arguments[at + 1])
}

/// kwokctl and cargo, as far as they are run.
fn programs(engine: &Arc<FakeEngine>, api: &FakeApiServer, folder: &Path) -> FakeProcesses {
    let message = json!({ "target": { "name": "stats-proxy" }, "executable": folder.join("stats-proxy") });
    let built = Finished { stdout: message.to_string().into_bytes(), stderr: Vec::new() };
    let kubeconfig = api.kubeconfig();
    let engine = Arc::clone(engine);
    let kwokctl = move |run: &Invocation| {
        let exists = engine.with(|world| {
            world.containers.keys().any(|name| name.starts_with(CLUSTER) && is_kwokctls(world, name))
        });
        let stdout = match verb(run).as_str() {
            "get clusters" if exists => "kubernetes-mixin-otel\n".to_owned(),
            "get kubeconfig" => kubeconfig.clone(),
            "create cluster" => {
                // Without it, the user's own file would decide.
                let configuration = std::fs::read_to_string(argument(run, "--config")).unwrap();
                assert!(configuration.contains("disableQPSLimits: true"), "{configuration}");
                engine.with(create);
                let file = argument(run, "--kubeconfig");
                std::fs::write(file, &kubeconfig).unwrap();
                String::new()
            }
            "delete cluster" => {
                engine.with(delete);
                String::new()
            }
            _ => String::new(),
        };
        Ok(Finished { stdout: stdout.into_bytes(), stderr: Vec::new() })
    };
    FakeProcesses::default()
        .with("cc", "gcc 12")
        // Where the libraries of the target are: any folder that is there.
        .with("rustc", &folder.display().to_string())
        .answering("cargo", move |_| Ok(built.clone()))
        .answering("kwokctl", kwokctl)
}

const COMPONENTS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller"];

/// As kwokctl does: it takes a network that is there, else makes one that listens everywhere.
fn create(world: &mut World) {
    if !world.networks.contains_key(CLUSTER) {
        world.add_network(CLUSTER, &[(PROJECT, CLUSTER)]);
    }
    for component in COMPONENTS {
        let name = format!("{CLUSTER}-{component}");
        world.add_container(&name, component, CLUSTER, &[(PROJECT, CLUSTER)]);
        if let Some(Program::Ends(_, code)) = world.programs.get(&name) {
            let code = *code;
            world.end_container(&name, code);
        }
    }
}

fn is_kwokctls(world: &World, container: &str) -> bool {
    world.containers[container].labels.get(PROJECT).is_some_and(|project| project == CLUSTER)
}

/// As kwokctl does: the network goes with the cluster. (With guests on it, it would fail; the steps must not let it come to that.)
fn delete(world: &mut World) {
    for component in COMPONENTS {
        world.containers.remove(&format!("{CLUSTER}-{component}"));
    }
    assert!(world.guests(CLUSTER).is_empty(), "kwokctl delete with guests: {:?}", world.guests(CLUSTER));
    world.networks.remove(CLUSTER);
}

/// A Grafana whose Prometheus has every series that it is asked for.
async fn grafana() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = |Query(query): Query<std::collections::HashMap<String, String>>| async move {
        let result = if query["query"].starts_with("count by") {
            json!([{ "metric": { "__name__": "k8s_node_condition_ready" }, "value": [0, "5"] }])
        } else {
            json!([{ "metric": {}, "value": [0, "50"] }])
        };
        axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
    };
    let path = "/api/datasources/proxy/uid/prometheus/api/v1/query";
    tokio::spawn(async move { axum::serve(listener, Router::new().route(path, get(answer))).await });
    port
}

/// The container that is asked whether LGTM is ready.
pub(crate) const LGTM: &str = "kubernetes-mixin-otel-lgtm";
pub(crate) const COLLECTOR: &str = "kubernetes-mixin-otel-collector";
pub(crate) const PROXY: &str = "kubernetes-mixin-otel-stats-proxy";

/// The image of the stats-proxy.
pub(crate) const PROXY_IMAGE: &str = image::NAME;

impl Laboratory {
    /// Makes a cluster of our name as somebody would who does it by hand.
    pub(crate) fn somebody_makes_a_cluster(&self) {
        self.engine.with(create);
    }

    /// Writes the user's kubeconfig as the user would.
    pub(crate) fn write_kubeconfig(&self, text: &str) {
        std::fs::write(self.folder.join("kubeconfig"), text).unwrap();
    }
}
