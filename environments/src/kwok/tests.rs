//! What a KWOK environment consists of: every command line, container and configuration, as golden files.
//!
//! `UPDATE_EXPECT=1 cargo test --package environments` writes them anew.

use std::path::Path;

use expect_test::expect_file;
use tools::engine::{Address, Candidate};
use tools::pins::pins_path;
use tools::{FakeProcesses, Invocation, Origin};

use super::cluster::KwokCluster;
use super::containers::Containers;
use super::kwokctl::{Kwokctl, Options};
use super::program::Program;
use super::*;

fn workspace() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

fn pins() -> Pins {
    Pins::read(&pins_path(&workspace())).unwrap()
}

fn options(state: &Path) -> KwokOptions {
    KwokOptions {
        names: Names::new("kwok", state),
        nodes: 50,
        pods: 200,
        cluster_name: "kwok".to_owned(),
        interval: Duration::from_secs(15),
        fleet: workspace().join("deploy/kwok"),
        collector: workspace().join("deploy/collector"),
        ports: Ports { grafana: 3000, otlp_grpc: 4317, otlp_http: 4318 },
        beyla: true,
        switch_context: true,
        wait: Duration::from_secs(180),
        offline: false,
    }
}

/// Parts over an engine that nobody asks.
fn parts(processes: FakeProcesses) -> Parts {
    let candidate =
        Candidate { address: Address::Tcp("127.0.0.1:1".to_owned()), named_by: "a test".to_owned() };
    Parts {
        engine: Engine::connect(&candidate).unwrap(),
        machine: "laptop".to_owned(),
        processes: Arc::new(processes),
        kwokctl: Some(Tool {
            path: PathBuf::from("/cache/kwokctl"),
            version: "0.8.0".parse().unwrap(),
            origin: Origin::Cache,
        }),
        kubeconfigs: Places::new(None, Path::new("/home/somebody")),
        pins: Arc::new(pins()),
        workspace: workspace(),
    }
}

/// A specification as a golden file. Where this repository is, and what is in the files of the repository that it carries, is left
/// out: hashes of those change with every word in them.
fn pretty(spec: &crate::engine::ContainerSpec) -> String {
    let mut value = serde_json::to_value(spec).unwrap();
    for file in value.get_mut("files").and_then(|files| files.as_array_mut()).into_iter().flatten() {
        file["bytes"] = "…".into();
        file["sha256"] = "…".into();
    }
    if let Some(labels) = value.get_mut("labels").and_then(|labels| labels.as_object_mut()) {
        labels.values_mut().for_each(|value| *value = "…".into());
    }
    let folder = std::path::absolute(workspace()).unwrap().display().to_string();
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap().replace(&folder, "WORKSPACE"))
}

#[test]
fn every_container_is_as_it_was_reviewed() {
    let options = options(Path::new("/state"));
    let parts = parts(FakeProcesses::default());
    let program = Arc::new(Program::new(&parts, false));
    let kwokctl = Options::of(&parts.pins).unwrap();
    let cluster = Arc::new(KwokCluster::new(options.names.clone(), kwokctl, program, &parts));
    let containers = Containers { options: &options, parts: &parts, cluster: &cluster };
    let lgtm = Lgtm::read(&workspace(), &parts.pins).unwrap();
    let image = |name| pin(&parts.pins, name).unwrap().to_pull();
    let golden = |name: &str| {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/kwok")).join(format!("{name}.json"))
    };
    for (name, spec) in [
        ("lgtm", containers.lgtm_spec(&lgtm)),
        ("stats-proxy", containers.stats_proxy_spec()),
        ("collector", containers.collector_spec(&image("collector"), String::new())),
        ("beyla", containers.beyla_spec(&image("beyla"), &lgtm)),
    ] {
        expect_file![golden(name)].assert_eq(&pretty(&spec));
    }
    expect_file![golden("network")]
        .assert_eq(&format!("{}\n", serde_json::to_string_pretty(cluster.network()).unwrap()));
}

#[test]
fn the_collectors_configuration_is_as_it_was_reviewed() {
    let fragments = Fragments::read(&workspace()).unwrap();
    let made = collector::configuration(&workspace().join("deploy/collector"), &fragments).unwrap();
    expect_file!["../../tests/golden/kwok/collector.yaml"].assert_eq(&made);
}

#[test]
fn kwokctl_is_run_and_configured_as_it_was_reviewed() {
    let answers = FakeProcesses::default().answering("kwokctl", |_| Ok(tools::Finished::default()));
    let processes = Arc::new(answers);
    let kwokctl = Kwokctl::new(
        PathBuf::from("/cache/kwokctl"),
        Names::new("kwok", Path::new("/state")),
        processes.clone(),
        "unix:///var/run/docker.sock".to_owned(),
    );
    kwokctl.exists().unwrap();
    kwokctl.create().unwrap();
    kwokctl.kubeconfig_for_containers().unwrap();
    kwokctl.delete().unwrap();
    let told = |run: &Invocation| {
        let environment: Vec<String> = run
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={} ", value.to_string_lossy()))
            .collect();
        format!("{}{run}\n", environment.concat())
    };
    let commands: String = processes.runs().iter().map(told).collect();
    expect_file!["../../tests/golden/kwok/kwokctl.txt"].assert_eq(&commands);
    let file = Options::of(&pins()).unwrap().file().unwrap();
    expect_file!["../../tests/golden/kwok/kwokctl.yaml"].assert_eq(&file);
}

#[test]
fn the_steps_stand_in_an_order_that_can_be_gone() {
    let parts = parts(FakeProcesses::default());
    let options = options(Path::new("/state"));
    let names: Vec<_> = plan(&options, &parts).unwrap().plan.names().collect();
    assert!(names.contains(&step::BEYLA) && names.last() == Some(&step::DATA), "{names:?}");
    let without = plan(&KwokOptions { beyla: false, switch_context: false, ..options }, &parts).unwrap();
    assert!(without.plan.names().all(|name| !OPTIONAL.contains(&name)));
    // Whatever an environment has can be removed without knowing how it was made.
    let removed: Vec<_> =
        removal(&Names::new("kwok", Path::new("/state")), &parts).unwrap().names().collect();
    let leaves_nothing = |name: &&&str| name.starts_with("image") || [step::FLEET, step::DATA].contains(name);
    let missing: Vec<_> =
        names.iter().filter(|name| !leaves_nothing(name) && !removed.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
