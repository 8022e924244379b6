mod leftovers;

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::doctor::probes::{
    Btf, Disk, EngineView, Holder, Inotify, NamedProxy, OwnEnvironments, Port, PortState, Reach, Toolchain,
    Way, WrittenDown,
};
use tools::engine::{Address, Candidate, EngineError, EngineState, Unusable};
use tools::pins::{ToolName, pins_path};
use tools::{Missing, Obtainable, Origin, Tool, Unfit};

fn pins() -> Pins {
    Pins::read(&pins_path(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))).unwrap()
}

fn candidate() -> Candidate {
    let address = Address::Unix(PathBuf::from("/var/run/docker.sock"));
    Candidate { address, named_by: "Docker".to_owned() }
}

/// An engine that has every image.
fn engine(pins: &Pins) -> EngineState {
    let images = pins.images.values().map(|pin| {
        let digests = pin.digest.map(|digest| vec![format!("{}@{digest}", pin.image.name())]);
        serde_json::from_value(json!({"RepoTags": [pin.image.to_string()], "RepoDigests": digests})).unwrap()
    });
    EngineState {
        candidate: candidate(),
        product: "Docker".to_owned(),
        version: Some("28.2.2".parse().unwrap()),
        version_text: "28.2.2".to_owned(),
        operating_system: "Debian GNU/Linux 12".to_owned(),
        os_type: "linux".to_owned(),
        memory: Some(16_000_000_000),
        cgroup_version: Some("2".to_owned()),
        folder: Some("/var/lib/docker".to_owned()),
        time: None,
        rootless: false,
        images: images.collect(),
        containers: Vec::new(),
        networks: Vec::new(),
    }
}

/// A machine that has everything.
fn healthy(pins: &Pins, kind: Option<EnvironmentKind>) -> Observations {
    let version = "1.95.0".parse().unwrap();
    let tool = |name: ToolName| Tool {
        path: PathBuf::from("/usr/bin").join(name.program()),
        version: pins.tool(name).version.clone(),
        origin: Origin::Path,
    };
    let hosts = ["github.com", "get.helm.sh", "ghcr.io", "registry.k8s.io", "registry-1.docker.io"];
    Observations {
        toolchain: Observed::Seen(Toolchain { cargo: Ok(version), rustc: Ok("1.95.0".parse().unwrap()) }),
        engine: Observed::Seen(EngineView {
            state: Ok(engine(pins)),
            disk: Some(Disk { free: 50_000_000_000, folder: PathBuf::from("/var/lib/docker") }),
            ahead: Some(SignedDuration::ZERO),
            kwok_folders: Vec::new(),
        }),
        memory: Observed::Seen(Some(8_000_000_000)),
        disk: Observed::Seen(Ok(Disk { free: 50_000_000_000, folder: PathBuf::from("/home/me/.cache") })),
        ports: Port::of(&asked(kind))
            .into_iter()
            .map(|port| (port, Observed::Seen(PortState::Free)))
            .collect(),
        inotify: Observed::Seen(Some(Inotify { instances: 1280, watches: 655_360 })),
        btf: Observed::Seen(Btf::Yes { kernel: "6.1.0".to_owned() }),
        tools: ToolName::ALL.map(|name| (name, Observed::Seen(Ok(tool(name))))).to_vec(),
        reach: hosts
            .map(|host| (host.to_owned(), Observed::Seen(Reach { way: Way::Direct, outcome: Ok(()) })))
            .to_vec(),
        clock: Observed::Seen(Ok(SignedDuration::ZERO)),
        own: Observed::Seen(Ok(OwnEnvironments::default())),
    }
}

fn asked(kind: Option<EnvironmentKind>) -> Asked {
    Asked { kind, ..Asked::default() }
}

const KINDS: [Option<EnvironmentKind>; 3] = [None, Some(EnvironmentKind::Kwok), Some(EnvironmentKind::Dev)];

fn judged(kind: Option<EnvironmentKind>, os: Os, change: impl FnOnce(&mut Observations)) -> Vec<Line> {
    let pins = pins();
    let mut observations = healthy(&pins, kind);
    change(&mut observations);
    judge(&Question { asked: asked(kind), os, pins: &pins, https: false }, &observations)
}

fn line<'a>(lines: &'a [Line], name: &str) -> &'a Line {
    lines.iter().find(|line| line.name == name).unwrap_or_else(|| panic!("{name} is missing in {lines:?}"))
}

fn view(observations: &mut Observations) -> &mut EngineView {
    match &mut observations.engine {
        Observed::Seen(view) => view,
        other => panic!("{other:?}"),
    }
}

fn state(observations: &mut Observations) -> &mut EngineState {
    view(observations).state.as_mut().unwrap()
}

#[test]
fn where_everything_is_there_nothing_fails_and_nothing_has_to_be_mended() {
    for kind in KINDS {
        for line in judged(kind, Os::Linux, |_| {}) {
            assert!(line.state == Mark::Ok || line.name == "--runtime auto", "{kind:?}: {line:?}");
            assert_eq!(line.fix, None, "{kind:?}: {line:?}");
        }
    }
}

/// How an observation is changed.
type Change = fn(&mut Observations);

#[test]
fn each_lack_fails_the_environments_that_need_it_and_has_a_command_on_every_system() {
    let none: Change =
        |seen| view(seen).state = Err(EngineError::None { tried: vec!["unix:///x".to_owned()] });
    let forbidden: Change = |seen| {
        let (address, named_by) = ("unix:///var/run/docker.sock".to_owned(), "Docker".to_owned());
        view(seen).state = Err(EngineError::NotPermitted { address, named_by });
    };
    let old: Change = |seen| state(seen).version = Some("19.3.0".parse().unwrap());
    let windows: Change = |seen| state(seen).os_type = "windows".to_owned();
    let hung: Change = |seen| seen.engine = Observed::TimedOut(Duration::from_secs(10));
    let skewed: Change = |seen| view(seen).ahead = Some(SignedDuration::from_secs(-300));
    let full: Change = |seen| view(seen).disk = Some(Disk { free: 1_000_000_000, folder: "/".into() });
    let memory: Change = |seen| {
        seen.memory = Observed::Seen(Some(1_000_000_000));
        state(seen).memory = Some(1_000_000_000);
    };
    let taken: Change = |seen| seen.ports[0].1 = Observed::Seen(PortState::Taken(None));
    let inotify: Change =
        |seen| seen.inotify = Observed::Seen(Some(Inotify { instances: 128, watches: 8192 }));
    let cgroup: Change = |seen| state(seen).cgroup_version = Some("1".to_owned());
    let no_kwokctl: Change = |seen| missing(seen, ToolName::Kwokctl);
    let no_helm: Change = |seen| missing(seen, ToolName::Helm);
    let no_btf: Change = |seen| seen.btf = Observed::Seen(Btf::No { why: "old".to_owned() });
    let (kwok, dev) = (Some(EnvironmentKind::Kwok), Some(EnvironmentKind::Dev));
    for (name, change, fails) in [
        ("engine", none, &[kwok, dev][..]),
        ("engine", forbidden, &[kwok, dev]),
        ("engine", old, &[kwok, dev]),
        ("engine", windows, &[kwok, dev]),
        ("engine", hung, &[kwok, dev]),
        ("clock", skewed, &[kwok, dev]),
        ("disk", full, &[kwok, dev]),
        ("memory", memory, &[kwok, dev]),
        ("ports", taken, &[kwok, dev]),
        ("inotify", inotify, &[dev]),
        ("cgroup", cgroup, &[dev]),
        ("kwokctl", no_kwokctl, &[kwok]),
        ("helm", no_helm, &[dev]),
        ("BTF", no_btf, &[]),
    ] {
        for os in [Os::Linux, Os::Darwin, Os::Windows] {
            for kind in KINDS {
                let lines = judged(kind, os, change);
                let line = line(&lines, name);
                let expected = if fails.contains(&kind) { Mark::Failed } else { Mark::Info };
                // Without an environment nothing has a size that is too small.
                let sizeless = kind.is_none() && matches!(name, "disk" | "memory");
                let expected = if sizeless { Mark::Ok } else { expected };
                assert_eq!(
                    (line.state, line.required),
                    (expected, fails.contains(&kind)),
                    "{os:?} {kind:?}: {line:?}"
                );
                let failed = lines.iter().filter(|line| line.state == Mark::Failed).count();
                assert_eq!(
                    failed,
                    usize::from(expected == Mark::Failed),
                    "{os:?} {kind:?} {name}: {lines:?}"
                );
                assert!(sizeless || line.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{os:?}: {line:?}");
                assert!(!line.summary.contains('\n'), "{line:?}");
            }
        }
    }
}

fn missing(seen: &mut Observations, tool: ToolName) {
    let download = Obtainable::Yes { url: "https://github.com/tool".to_owned() };
    let unfit = Unfit::Old {
        path: PathBuf::from("/usr/bin").join(tool.program()),
        version: Box::new("0.1.0".parse().unwrap()),
        minimum: Box::new("9.0.0".parse().unwrap()),
    };
    let missing = Missing { unfit: Some(unfit), download };
    seen.tools.iter_mut().find(|(name, _)| *name == tool).unwrap().1 = Observed::Seen(Err(missing));
}

#[test]
fn a_probe_that_hangs_is_reported_as_such_and_the_others_are_reported_too() {
    let deadline = Duration::from_millis(2500);
    let lines = judged(Some(EnvironmentKind::Dev), Os::Linux, |seen| {
        seen.inotify = Observed::TimedOut(deadline);
        seen.tools[1].1 = Observed::TimedOut(deadline);
        seen.reach[0].1 = Observed::TimedOut(deadline);
        seen.btf = Observed::Broke;
    });
    for name in ["inotify", "k3d"] {
        let line = line(&lines, name);
        assert_eq!(line.state, Mark::Failed);
        assert!(line.summary.contains("no answer within 2.5 s"), "{line:?}");
    }
    assert!(
        line(&lines, "registries").summary.contains("github.com cannot be reached: no answer within 2.5 s")
    );
    assert!(line(&lines, "BTF").summary.contains("mistake in this program"));
    assert_eq!(line(&lines, "engine").state, Mark::Ok);
}

#[test]
fn the_holder_of_a_port_is_named_and_how_to_make_it_let_go() {
    let process: Change = |seen| {
        let holder = Holder { pid: 4711, name: "grafana".to_owned() };
        seen.ports[0].1 = Observed::Seen(PortState::Taken(Some(holder)));
    };
    let container: Change = |seen| {
        process_of_engine(seen);
        let container = json!({"Names": ["/lgtm"], "State": "running", "Ports": [{"PublicPort": 3000}]});
        state(seen).containers = vec![serde_json::from_value(container).unwrap()];
    };
    let stranger: Change = |seen| seen.ports[0].1 = Observed::Seen(PortState::Taken(None));
    for (os, change, told, fix) in [
        (Os::Linux, process, "3000 (Grafana, or the page) is held by grafana (process 4711)", "kill 4711"),
        (Os::Windows, process, "process 4711", "taskkill /PID 4711"),
        (Os::Linux, container, "is held by the container lgtm", "docker stop lgtm"),
        (Os::Linux, stranger, "another user", "sudo ss -ltnp 'sport = :3000'"),
        (Os::Darwin, stranger, "another user", "sudo lsof -nP -iTCP:3000 -sTCP:LISTEN"),
    ] {
        let lines = judged(Some(EnvironmentKind::Kwok), os, change);
        let line = line(&lines, "ports");
        assert!(line.summary.contains(told), "{line:?}");
        assert_eq!(line.fix.as_deref(), Some(fix));
    }
}

/// Docker's helper holds the ports of containers.
fn process_of_engine(seen: &mut Observations) {
    let holder = Holder { pid: 7, name: "docker-proxy".to_owned() };
    seen.ports[0].1 = Observed::Seen(PortState::Taken(Some(holder)));
}

#[test]
fn missing_images_are_no_lack_as_long_as_they_can_be_pulled() {
    let gone = |seen: &mut Observations| state(seen).images.clear();
    let no_k8s = |seen: &mut Observations| {
        for (host, observed) in &mut seen.reach {
            if host == "registry.k8s.io" {
                let outcome = Err("connection refused".to_owned());
                *observed = Observed::Seen(Reach { way: Way::Direct, outcome });
            }
        }
    };
    let kwok = Some(EnvironmentKind::Kwok);
    let lines = judged(kwok, Os::Linux, gone);
    let images = line(&lines, "images");
    assert_eq!(images.state, Mark::Info);
    assert!(
        images.summary.contains("0 of 7 are there; 7 images, of unknown size would be pulled: collector, "),
        "{images:?}"
    );
    assert!(line(&lines, "registries").required);
    assert!(line(&lines, "--runtime auto").summary.contains("7 of 7 images are not there yet"));

    let lines = judged(kwok, Os::Linux, |seen| {
        gone(seen);
        no_k8s(seen);
    });
    let registries = line(&lines, "registries");
    assert_eq!(registries.state, Mark::Failed);
    assert!(
        registries.summary.contains("registry.k8s.io cannot be reached: connection refused"),
        "{registries:?}"
    );

    // With the images there, nobody has to be reached; dev needs none of that registry.
    for (kind, clear) in [(kwok, false), (Some(EnvironmentKind::Dev), true), (None, true)] {
        let lines = judged(kind, Os::Linux, |seen| {
            if clear {
                gone(seen);
            }
            no_k8s(seen);
        });
        assert_eq!(line(&lines, "registries").state, Mark::Info, "{kind:?}");
    }
}

#[test]
fn where_a_tool_would_be_downloaded_from_has_to_be_reached() {
    let pins = pins();
    let mut seen = healthy(&pins, Some(EnvironmentKind::Kwok));
    missing(&mut seen, ToolName::Kwokctl);
    for (_, observed) in seen.reach.iter_mut().filter(|(host, _)| host == "github.com") {
        *observed = Observed::Seen(Reach { way: Way::Direct, outcome: Err("offline".to_owned()) });
    }
    for (kind, state) in [(EnvironmentKind::Kwok, Mark::Failed), (EnvironmentKind::Dev, Mark::Info)] {
        let question = Question { asked: asked(Some(kind)), os: Os::Linux, pins: &pins, https: true };
        assert_eq!(line(&judge(&question, &seen), "registries").state, state, "{kind}");
    }
}

#[test]
fn a_proxy_is_named_with_the_variable_that_names_it_and_how_to_be_rid_of_it() {
    for (os, fix) in [
        (Os::Linux, "export HTTPS_PROXY=http://HOST:PORT, of a proxy that works; or unset HTTPS_PROXY"),
        (Os::Windows, "set HTTPS_PROXY=http://HOST:PORT, of a proxy that works; or set HTTPS_PROXY="),
    ] {
        let lines = judged(None, os, |seen| {
            let way = Way::Proxy(NamedProxy {
                variable: "HTTPS_PROXY",
                scheme: "http".to_owned(),
                host: "nonsense".to_owned(),
                port: 80,
            });
            let outcome = Err("cannot be found: Name or service not known".to_owned());
            seen.reach[0].1 = Observed::Seen(Reach { way, outcome });
        });
        let line = line(&lines, "registries");
        assert_eq!(
            line.summary,
            "github.com cannot be reached: the proxy that HTTPS_PROXY names, http://nonsense:80, cannot be found: Name or \
             service not known"
        );
        assert_eq!(line.fix.as_deref(), Some(fix));
    }
}

/// kwokctl in PATH fails when it is asked for its version.
fn mute(seen: &mut Observations) {
    let unfit = Unfit::Mute {
        tool: ToolName::Kwokctl,
        origin: Origin::Path,
        path: PathBuf::from("/usr/bin/kwokctl"),
        said: "error: kwok.yaml: line 3".to_owned(),
    };
    let download = Obtainable::Yes { url: "https://github.com/tool".to_owned() };
    seen.tools.iter_mut().find(|(name, _)| *name == ToolName::Kwokctl).unwrap().1 =
        Observed::Seen(Err(Missing { unfit: Some(unfit), download }));
}

fn unreachable(seen: &mut Observations) {
    for (_, observed) in &mut seen.reach {
        *observed = Observed::Seen(Reach { way: Way::Direct, outcome: Err("offline".to_owned()) });
    }
}

#[test]
fn a_tool_that_is_there_and_fails_is_to_be_mended_and_no_registry_is_blamed() {
    let pins = pins();
    let mut seen = healthy(&pins, Some(EnvironmentKind::Kwok));
    mute(&mut seen);
    unreachable(&mut seen);
    let question =
        Question { asked: asked(Some(EnvironmentKind::Kwok)), os: Os::Linux, pins: &pins, https: true };
    let lines = judge(&question, &seen);
    let failed: Vec<&Line> = lines.iter().filter(|line| line.state == Mark::Failed).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(
        failed[0].summary,
        "kwokctl in PATH (/usr/bin/kwokctl) does not tell its version: error: kwok.yaml: line 3"
    );
    let fix = failed[0].fix.as_ref().unwrap();
    assert!(fix.contains("`/usr/bin/kwokctl --version`") && fix.contains("~/.kwok/kwok.yaml"), "{fix}");
}

#[test]
fn offline_what_is_missing_is_told_itself_and_no_registry_is_asked_for_it() {
    let pins = pins();
    let (kwok, dev) = (EnvironmentKind::Kwok, EnvironmentKind::Dev);
    let judged = |kind, change: Change| {
        let mut seen = healthy(&pins, Some(kind));
        change(&mut seen);
        let asked = Asked { offline: true, ..asked(Some(kind)) };
        judge(&Question { asked, os: Os::Linux, pins: &pins, https: true }, &seen)
    };
    let no_kwokctl: Change = |seen| {
        missing(seen, ToolName::Kwokctl);
        seen.reach.clear();
    };
    let no_images: Change = |seen| {
        state(seen).images.clear();
        unreachable(seen);
    };
    for (kind, change, failing, told, fix) in [
        (
            kwok,
            no_kwokctl,
            "kwokctl",
            "--offline forbids to download",
            "pins fetch kwokctl, while there is a network",
        ),
        (kwok, no_images, "images", "0 of 7 are there, and --offline forbids", "docker pull "),
        // Its nodes pull them all the same.
        (dev, no_images, "registries", "cannot be reached", "HTTPS_PROXY"),
    ] {
        let lines = judged(kind, change);
        let failed: Vec<&Line> = lines.iter().filter(|line| line.state == Mark::Failed).collect();
        assert_eq!(failed.iter().map(|line| &*line.name).collect::<Vec<_>>(), [failing]);
        assert!(failed[0].summary.contains(told), "{failed:?}");
        assert!(failed[0].fix.as_ref().unwrap().contains(fix), "{failed:?}");
    }
    let lines = judged(kwok, no_kwokctl);
    assert_eq!(line(&lines, "registries").summary, "not asked, as --offline forbids it");
}

#[test]
fn what_cannot_be_used_of_an_engine_and_how_it_is_mended_come_from_the_same_place() {
    let lines = judged(Some(EnvironmentKind::Kwok), Os::Linux, |seen| {
        let unusable = Unusable::new("engines behind ssh:// are not spoken to", "ssh -fnNT -L …");
        view(seen).state = Err(unusable.into());
    });
    let line = line(&lines, "engine");
    assert_eq!(line.summary, "engines behind ssh:// are not spoken to");
    assert_eq!(line.fix.as_deref(), Some("ssh -fnNT -L …"));
}

#[test]
fn tools_that_cannot_be_downloaded_say_why_and_what_else_to_do() {
    let pins = pins();
    let with = |download: Obtainable, os, https| {
        let mut seen = healthy(&pins, Some(EnvironmentKind::Kwok));
        seen.tools[0].1 = Observed::Seen(Err(Missing { unfit: None, download }));
        let question = Question { asked: asked(Some(EnvironmentKind::Kwok)), os, pins: &pins, https };
        line(&judge(&question, &seen), "kwokctl").clone()
    };
    let url = || Obtainable::Yes { url: "https://x/".to_owned() };
    let without_tls = with(url(), Os::Linux, false);
    assert_eq!(without_tls.state, Mark::Failed);
    assert_eq!(
        without_tls.fix.as_deref(),
        Some("cargo run --quiet --package xtask --features https -- pins fetch kwokctl")
    );
    // With TLS it is there when it is needed.
    assert_eq!(with(url(), Os::Linux, true).state, Mark::Info);
    let unknown = with(Obtainable::NoHash, Os::Darwin, true);
    assert_eq!((unknown.state, unknown.fix.as_deref()), (Mark::Failed, Some("brew install kwok")));
    assert!(with(Obtainable::NotBuilt, Os::Windows, true).summary.contains("do not build it"));
}

#[test]
fn an_old_toolchain_is_to_be_updated() {
    for (cargo, state) in [("1.88.0", Mark::Failed), ("1.89.0", Mark::Ok)] {
        let lines = judged(None, Os::Linux, |seen| {
            let version = cargo.parse().unwrap();
            seen.toolchain =
                Observed::Seen(Toolchain { cargo: Ok(version), rustc: Ok("1.95.0".parse().unwrap()) });
        });
        assert_eq!(line(&lines, "cargo").state, state, "{cargo}");
    }
}

#[test]
fn on_other_systems_the_memory_is_that_of_the_engines_machine() {
    for (os, told) in [(Os::Linux, "8.0 GB free"), (Os::Darwin, "16.0 GB in the engine's machine")] {
        let lines = judged(Some(EnvironmentKind::Kwok), os, |_| {});
        assert_eq!(line(&lines, "memory").summary, told);
    }
}

/// The labels of what we make.
fn ours(environment: &str) -> serde_json::Value {
    json!({"kubernetes-mixin-otel.environment": environment})
}

fn written(names: &[&str]) -> Observed<Result<OwnEnvironments, String>> {
    let written = |name: &&str| WrittenDown {
        name: name.parse().unwrap(),
        engine: Some("unix:///var/run/docker.sock".to_owned()),
    };
    Observed::Seen(Ok(OwnEnvironments {
        written_down: names.iter().map(written).collect(),
        ..OwnEnvironments::default()
    }))
}

#[test]
fn a_port_that_an_environment_of_ours_holds_is_freed_by_down() {
    let held = |written_down: &'static [&'static str]| {
        let lines = judged(Some(EnvironmentKind::Kwok), Os::Linux, move |seen| {
            process_of_engine(seen);
            let lgtm = json!({
                "Names": ["/second-lgtm"], "State": "running", "Ports": [{"PublicPort": 3000}], "Labels": ours("second")
            });
            state(seen).containers = vec![serde_json::from_value(lgtm).unwrap()];
            seen.own = written(written_down);
        });
        let line = line(&lines, "ports");
        assert!(line.summary.contains("container second-lgtm of the environment second"), "{line:?}");
        line.fix.clone().unwrap()
    };
    assert_eq!(held(&["second"]), "cargo xtask down --name second");
    assert_eq!(held(&[]), "docker rm -f second-lgtm");
}

#[test]
fn the_clock_is_compared_with_the_engines_and_the_networks() {
    for (engine, network, state, told) in [
        (Some(0), Ok(0), Mark::Ok, "the engine's agrees; the network's agree"),
        (Some(300), Ok(0), Mark::Failed, "the engine's clock is 300 s ahead of this machine's"),
        (Some(0), Ok(-60), Mark::Info, "the network's clocks are 60 s behind this machine's"),
        (None, Err("offline"), Mark::Info, "there is none to compare with (offline)"),
        (
            Some(1),
            Err("offline"),
            Mark::Ok,
            "the engine's agrees; the network's could not be asked (offline)",
        ),
    ] {
        let lines = judged(Some(EnvironmentKind::Kwok), Os::Linux, |seen| {
            view(seen).ahead = engine.map(SignedDuration::from_secs);
            seen.clock = Observed::Seen(network.map(SignedDuration::from_secs).map_err(str::to_owned));
        });
        let line = line(&lines, "clock");
        assert_eq!((line.state, line.summary.as_str()), (state, told));
    }
}
