//! Coming up, coming up again, failing and going down. k3d and Helm are fakes with a memory; the API server keeps objects.

#![cfg(unix)]

use std::collections::{BTreeMap, HashMap};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use environments::cluster::fake::{FakeApiServer, Scenario};
use environments::cluster::kubeconfig::Places;
use environments::engine::Engine;
use environments::k3d::{DevOptions, Parts, plan, removal};
use environments::plan::{Failed, OnFailure, Reason, Silent, State, Undone, Upped};
use serde_json::{Value, json};
use tools::engine::{Address, Candidate};
use tools::{FakeProcesses, Finished, Invocation, ProcessFailure};

use crate::support::{Folder, options, pins, workspace};

/// What k3d and Helm have made, and what goes wrong with them.
#[derive(Default)]
struct World {
    cluster: Option<Cluster>,
    releases: BTreeMap<String, String>,
    create_fails: Option<&'static str>,
    log: &'static str,
    upgrade_fails: Option<&'static str>,
    nothing_arrives: bool,
}

#[derive(Clone)]
struct Cluster {
    name: String,
    labels: BTreeMap<String, String>,
    runs: bool,
}

/// A machine with an engine on which nothing of ours runs yet.
struct Machine {
    folder: Folder,
    world: Arc<Mutex<World>>,
    processes: Arc<FakeProcesses>,
    api: FakeApiServer,
    options: DevOptions,
}

const USERS: &str = "apiVersion: v1\nkind: Config\ncurrent-context: work\ncontexts:\n- name: work\n  context: {cluster: work, user: me}\nclusters: []\nusers: []\n";

impl Machine {
    async fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        std::fs::write(folder.0.join("config"), USERS).unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        serve_engine(&folder.0.join("engine.sock"), &world);
        let api = FakeApiServer::start(Scenario::default()).await.unwrap();
        let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "server-0" }, "status": ready });
        api.put(node);
        let (k3d, helm) = (Arc::clone(&world), Arc::clone(&world));
        let kubeconfig = api.kubeconfig();
        let processes = FakeProcesses::default()
            .answering("k3d", move |run| answer_as_k3d(&k3d, &kubeconfig, run))
            .answering("helm", move |run| answer_as_helm(&helm, run));
        let mut options = options(&folder.0.join("state"));
        for port in [
            &mut options.ports.grafana,
            &mut options.ports.otlp_grpc,
            &mut options.ports.otlp_http,
            &mut options.ports.prometheus,
        ] {
            *port = free_port();
        }
        Self { folder, world, processes: Arc::new(processes), api, options }
    }

    fn parts(&self) -> Parts {
        let address = Address::Unix(self.folder.0.join("engine.sock"));
        let candidate = Candidate { address, named_by: "a test".to_owned() };
        Parts {
            engine: Engine::connect(&candidate).unwrap(),
            engine_address: "unix:///run/engine.sock".to_owned(),
            processes: self.processes.clone(),
            k3d: "/bin/k3d".into(),
            helm: "/bin/helm".into(),
            pins: pins(),
            workspace: workspace(),
            charts: self.folder.0.join("charts"),
            kubeconfig: Places::new(Some(self.folder.0.join("config").as_os_str()), &self.folder.0),
        }
    }

    async fn up(&self) -> Result<Upped, Box<Failed>> {
        let made = plan(&self.options, &self.parts()).unwrap();
        let upped = made.plan.up(&Silent, OnFailure::RollBack, std::future::pending()).await;
        upped.map_err(Box::new)
    }

    /// The words of the failure.
    async fn fails(&self) -> String {
        let failed = self.up().await.unwrap_err();
        assert!(matches!(&failed.undone, Undone::RolledBack(left) if left.is_empty()), "{failed:?}");
        let Reason::Step(step, error) = &failed.reason else { panic!("{failed:?}") };
        format!("{step}: {error:#}")
    }

    /// The commands since the last call, without what every one of Helm's ends with.
    fn commands(&self) -> Vec<String> {
        let runs = self.processes.runs().into_iter().map(|run| run.to_string());
        runs.filter(|run| !run.contains("cluster list") && !run.contains("helm status"))
            .map(|run| run.split(" --").next().unwrap().replace("/bin/", ""))
            .collect()
    }

    fn current_context(&self) -> String {
        let text = std::fs::read_to_string(self.folder.0.join("config")).unwrap();
        let config: Value = serde_yaml::from_str(&text).unwrap();
        config["current-context"].as_str().unwrap().to_owned()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn said(text: impl Into<String>) -> Result<Finished, ProcessFailure> {
    Ok(Finished { stdout: text.into().into_bytes(), stderr: Vec::new() })
}

fn failed(run: &Invocation, stderr: &str) -> Result<Finished, ProcessFailure> {
    let output = Finished { stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() };
    Err(ProcessFailure::Failed { command: run.to_string(), status: ExitStatus::from_raw(256), output })
}

fn words(run: &Invocation) -> Vec<String> {
    run.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn answer_as_k3d(
    world: &Mutex<World>,
    kubeconfig: &str,
    run: &Invocation,
) -> Result<Finished, ProcessFailure> {
    let words = words(run);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut world = world.lock().unwrap();
    match words[..] {
        ["cluster", "list", ..] => {
            let clusters: Vec<Value> = world.cluster.iter().map(listed).collect();
            said(json!(clusters).to_string())
        }
        ["cluster", "create", "--config", file] => {
            let file: Value = serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            let labels = file["options"]["runtime"]["labels"].as_array().unwrap().iter();
            let labels = labels.map(|label| label["label"].as_str().unwrap().split_once('=').unwrap());
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let name = file["metadata"]["name"].as_str().unwrap().to_owned();
            let fails = world.create_fails;
            world.cluster = Some(Cluster { name, labels, runs: fails.is_none() });
            if let Some(words) = fails {
                return failed(run, words);
            }
            let port = file["ports"][3]["port"].as_str().unwrap().split(':').nth(1).unwrap();
            serve_prometheus(port.parse().unwrap(), world.nothing_arrives);
            said("")
        }
        ["cluster", "start", ..] => {
            world.cluster.as_mut().unwrap().runs = true;
            said("")
        }
        ["cluster", "delete", _] => {
            world.cluster = None;
            world.releases.clear();
            said("")
        }
        ["kubeconfig", "get", _] => said(kubeconfig),
        _ => failed(run, "unknown command"),
    }
}

fn listed(cluster: &Cluster) -> Value {
    json!({
        "name": cluster.name,
        "nodes": [{ "role": "server", "runtimeLabels": cluster.labels }],
        "serversCount": 1, "serversRunning": usize::from(cluster.runs), "agentsCount": 0, "agentsRunning": 0,
    })
}

fn answer_as_helm(world: &Mutex<World>, run: &Invocation) -> Result<Finished, ProcessFailure> {
    let words = words(run);
    let mut world = world.lock().unwrap();
    match words[0].as_str() {
        "status" => match world.releases.get(&words[1]) {
            Some(description) => {
                said(json!({ "info": { "status": "deployed", "description": description } }).to_string())
            }
            None => failed(run, "Error: release: not found\n"),
        },
        "upgrade" => {
            assert!(words.iter().any(|word| word == "--wait"));
            if let Some(words) = world.upgrade_fails {
                return failed(run, words);
            }
            let place = words.iter().position(|word| word == "--description").unwrap();
            world.releases.insert(words[2].clone(), words[place + 1].clone());
            said("")
        }
        "uninstall" => {
            world.releases.remove(&words[1]);
            said("")
        }
        _ => failed(run, "unknown command"),
    }
}

/// An engine that knows the log of one container.
fn serve_engine(socket: &Path, world: &Arc<Mutex<World>>) {
    let world = Arc::clone(world);
    let answer = async move |uri: Uri| {
        if uri.path().ends_with("/version") {
            return (
                StatusCode::OK,
                br#"{"Version":"28.0.0","ApiVersion":"1.48","MinAPIVersion":"1.24"}"#.to_vec(),
            );
        }
        if !uri.path().ends_with("/containers/k3d-kubernetes-mixin-otel-server-0/logs") {
            return (StatusCode::NOT_FOUND, br#"{"message":"no such container"}"#.to_vec());
        }
        let log = world.lock().unwrap().log;
        // What was said on the standard error, and how long it is.
        let mut frame = vec![2, 0, 0, 0];
        frame.extend(u32::try_from(log.len()).unwrap().to_be_bytes());
        frame.extend(log.as_bytes());
        (StatusCode::OK, frame)
    };
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    let routes = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
}

/// A Prometheus that has something of everything, or nothing at all.
fn serve_prometheus(port: u16, is_empty: bool) {
    let answer = async move |Query(form): Query<HashMap<String, String>>| {
        let name = if form["query"].starts_with("count by") { "k8s_pod_phase" } else { "" };
        let series = json!({ "metric": { "__name__": name }, "value": [1, "7"] });
        let result = if is_empty { json!([]) } else { json!([series]) };
        json!({ "status": "success", "data": { "resultType": "vector", "result": result } }).to_string()
    };
    let routes = axum::Router::new().route("/api/v1/query", axum::routing::get(answer));
    // It may be there from an earlier cluster.
    let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) else { return };
    listener.set_nonblocking(true).unwrap();
    tokio::runtime::Handle::current().spawn(async move {
        axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), routes).await.unwrap();
    });
}

#[tokio::test]
async fn it_comes_up_stays_as_it_is_at_a_second_start_and_leaves_nothing_behind() {
    let machine = Machine::new("whole").await;
    let upped = machine.up().await.unwrap();
    assert_eq!(upped.changed.len(), 9, "{upped:?}");
    let mut commands = machine.commands();
    assert_eq!(commands.remove(0), "k3d cluster create");
    assert_eq!(commands.remove(0), "k3d kubeconfig get kubernetes-mixin-otel");
    commands.sort();
    let charts = ["helm upgrade", "helm upgrade"];
    assert_eq!(commands, charts);
    assert_eq!(machine.current_context(), "k3d-kubernetes-mixin-otel");
    assert!(machine.api.object("Deployment", Some("observability"), "lgtm").is_some());
    assert!(machine.api.object("CronJob", Some("samples"), "report").is_some());

    let upped = machine.up().await.unwrap();
    assert_eq!(upped.changed, ["chart", "rollouts", "data"], "what leaves nothing behind: {upped:?}");
    assert_eq!(machine.commands().len(), 4, "nothing was run again");

    let made = plan(&machine.options, &machine.parts()).unwrap();
    for (step, state) in made.plan.look().await {
        let waits = ["chart", "rollouts", "data"].contains(&step);
        assert!(matches!(state.unwrap(), State::Up(_)) != waits, "{step}");
    }

    let downed = removal(&machine.options.names, &machine.parts()).unwrap().down(&Silent).await;
    assert!(downed.failed.is_empty(), "{downed:?}");
    assert_eq!(downed.removed, ["kubectl's context", "k3d cluster"]);
    assert_eq!(machine.commands().last().unwrap(), "k3d cluster delete kubernetes-mixin-otel");
    assert_eq!(machine.current_context(), "work");
    let left: Vec<_> = std::fs::read_dir(machine.folder.0.join("state")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let again = removal(&machine.options.names, &machine.parts()).unwrap().down(&Silent).await;
    assert!(again.removed.is_empty() && again.failed.is_empty(), "{again:?}");
}

#[tokio::test]
async fn a_second_start_with_other_flags_changes_what_differs_and_nothing_else() {
    let mut machine = Machine::new("changes").await;
    machine.up().await.unwrap();
    let before = machine.commands().len();
    machine.options.cluster_name = "another".to_owned();
    let upped = machine.up().await.unwrap();
    for step in ["k3d cluster", "kubectl's context", "LGTM", "sample workloads"] {
        assert!(upped.untouched.contains(&step), "{step}: {upped:?}");
    }
    assert_eq!(machine.commands()[before..], ["helm upgrade", "helm upgrade"]);
}

#[tokio::test]
async fn of_the_workloads_only_those_that_differ_are_changed_also_a_job_which_has_to_be_made_anew() {
    let machine = Machine::new("job").await;
    machine.up().await.unwrap();
    let mut job = machine.api.object("Job", Some("samples"), "migrate").unwrap();
    let wanted = job.clone();
    job["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["true"]);
    job["metadata"]["annotations"]["kubernetes-mixin-otel/spec"] = json!("of an earlier version");
    machine.api.put(job);
    machine.api.forget_requests();
    let upped = machine.up().await.unwrap();
    assert_eq!(upped.changed, ["chart", "sample workloads", "rollouts", "data"]);
    let job = machine.api.object("Job", Some("samples"), "migrate").unwrap();
    assert_eq!(job["spec"]["template"], wanted["spec"]["template"]);
    let requests = machine.api.requests();
    let deleted: Vec<_> = requests.iter().filter(|request| request.starts_with("DELETE")).collect();
    assert!(deleted.len() == 1 && deleted[0].contains("/jobs/migrate"), "{deleted:?}");
}

#[tokio::test]
async fn when_nothing_arrives_although_all_runs_the_collectors_are_asked_why() {
    let mut machine = Machine::new("empty").await;
    machine.options.wait = Duration::ZERO;
    machine.world.lock().unwrap().nothing_arrives = true;
    let told = machine.fails().await;
    assert!(told.starts_with("data: after 0 s there is no data yet"), "{told}");
    assert!(told.ends_with("  the collectors complain of nothing"), "{told}");
    let asked = |request: &String| request.contains("/pods?") && request.contains("instance%3Dcollector-");
    assert_eq!(machine.api.requests().iter().filter(|request| asked(request)).count(), 2);
}

#[tokio::test]
async fn a_cluster_that_is_stopped_is_started_again() {
    let machine = Machine::new("stopped").await;
    machine.up().await.unwrap();
    machine.world.lock().unwrap().cluster.as_mut().unwrap().runs = false;
    let before = machine.commands().len();
    machine.up().await.unwrap();
    assert_eq!(machine.commands()[before], "k3d cluster start kubernetes-mixin-otel");
}

#[tokio::test]
async fn a_cluster_of_somebody_else_is_left_alone_both_ways() {
    let machine = Machine::new("foreign").await;
    let name = "kubernetes-mixin-otel".to_owned();
    machine.world.lock().unwrap().cluster = Some(Cluster { name, labels: BTreeMap::new(), runs: true });
    let failed = machine.up().await.unwrap_err();
    let Reason::Step("k3d cluster", error) = &failed.reason else { panic!("{failed:?}") };
    assert!(error.to_string().contains("not ours: `k3d cluster delete kubernetes-mixin-otel`"), "{error}");
    let downed = removal(&machine.options.names, &machine.parts()).unwrap().down(&Silent).await;
    assert!(downed.removed.is_empty(), "{downed:?}");
    assert_eq!(downed.failed[0].0, "k3d cluster");
    assert!(machine.commands().is_empty() && machine.current_context() == "work");
}

#[tokio::test]
async fn a_port_that_is_taken_is_found_before_anything_is_made() {
    let machine = Machine::new("port").await;
    let _holder = TcpListener::bind(("127.0.0.1", machine.options.ports.prometheus)).unwrap();
    let told = machine.fails().await;
    assert!(told.starts_with(&format!("k3d cluster: port {} ", machine.options.ports.prometheus)), "{told}");
    assert!(told.contains("--prometheus-port takes another"), "{told}");
    assert!(machine.commands().is_empty());
}

#[tokio::test]
async fn when_k3d_fails_the_cause_is_named_and_what_it_left_is_removed() {
    let machine = Machine::new("create").await;
    machine.world.lock().unwrap().create_fails =
        Some("ERRO[0009] Failed Cluster Start: failed to run Kubelet: inotify_init: too many open files");
    let told = machine.fails().await;
    assert!(told.starts_with("k3d cluster: the kernel allows too few inotify instances"), "{told}");
    assert!(told.contains("fs.inotify.max_user_instances=1280") && told.contains("ERRO[0009]"), "{told}");
    assert_eq!(machine.commands(), ["k3d cluster create", "k3d cluster delete kubernetes-mixin-otel"]);
    assert!(machine.world.lock().unwrap().cluster.is_none());
}

#[tokio::test]
async fn the_cause_may_stand_in_the_servers_log_alone() {
    let machine = Machine::new("log").await;
    {
        let mut world = machine.world.lock().unwrap();
        world.create_fails = Some(
            "ERRO[0003] Failed Cluster Start: Failed to start server k3d-kubernetes-mixin-otel-server-0: Node \
             k3d-kubernetes-mixin-otel-server-0 failed to get ready: error waiting for log line `k3s is up and running`",
        );
        world.log = "E1123 kubelet exited: kubelet is configured to not run on a host using cgroup v1\n";
    }
    let told = machine.fails().await;
    assert!(told.starts_with("k3d cluster: this machine has cgroup v1"), "{told}");
}

#[tokio::test]
async fn when_helm_fails_everything_goes_with_the_cluster_that_this_run_has_made() {
    let machine = Machine::new("helm").await;
    machine.world.lock().unwrap().upgrade_fails = Some("Error: context deadline exceeded");
    let told = machine.fails().await;
    assert!(told.starts_with("collector") && told.contains("context deadline exceeded"), "{told}");
    let commands = machine.commands();
    assert!(!commands.iter().any(|command| command.contains("uninstall")), "{commands:?}");
    assert!(commands.contains(&"k3d cluster delete kubernetes-mixin-otel".to_owned()), "{commands:?}");
    assert_eq!(machine.current_context(), "work");
}

#[tokio::test]
async fn when_helm_fails_in_a_cluster_that_was_there_the_cluster_stays() {
    let mut machine = Machine::new("helm-later").await;
    machine.up().await.unwrap();
    machine.options.cluster_name = "another".to_owned();
    machine.world.lock().unwrap().upgrade_fails = Some("Error: context deadline exceeded");
    machine.fails().await;
    assert!(machine.world.lock().unwrap().cluster.is_some());
    assert_eq!(machine.current_context(), "k3d-kubernetes-mixin-otel");
}

#[tokio::test]
async fn without_a_network_a_chart_that_is_not_kept_is_told_before_helm_runs() {
    let mut machine = Machine::new("offline").await;
    machine.options.offline = true;
    let told = machine.fails().await;
    assert!(told.starts_with("chart: --offline: the chart opentelemetry-collector"), "{told}");
    assert!(!machine.commands().iter().any(|command| command.starts_with("helm")));
}

#[test]
fn the_plan_says_what_waits_for_what() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut machine = Machine::new("names").await;
        machine.options.workloads = false;
        machine.options.switch_context = false;
        let made = plan(&machine.options, &machine.parts()).unwrap();
        let names: Vec<_> = made.plan.names().collect();
        assert_eq!(
            names,
            [
                "k3d cluster",
                "chart",
                "LGTM",
                "collector of the cluster",
                "collectors of the nodes",
                "rollouts",
                "data"
            ]
        );
        assert!(machine.processes.runs().is_empty(), "a plan asks nobody");
    });
}
