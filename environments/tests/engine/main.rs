//! Containers, networks and images of a real engine. Nothing is pulled: the only image holds one program of our own. Without an
//! engine, and where none can be started, this is skipped.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails with the one and says with the other what it skips"
)]

mod dockerd;
mod stats_proxy;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptions,
    RemoveContainerOptionsBuilder, RemoveImageOptions, StartContainerOptions,
};
use environments::engine::{
    BindMount, ContainerFile, ContainerSpec, Engine, NetworkMode, NetworkSpec, Ours, PidMode, PublishedPort,
};
use environments::plan::{Removal, State};
use futures_util::TryStreamExt as _;
use tools::engine::Address;

/// The image of the test's program.
const IMAGE: &str = "kubernetes-mixin-otel/test-guest:dev";

/// The label of all images with that program.
const TEST_LABEL: &str = "kubernetes-mixin-otel.test";

/// How long a container's program may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Compiles the program of the containers and packs it. Parts of its source make it another image.
fn image(name: &str, more: &str) -> scratch_image::Archive {
    let folder = std::env::temp_dir().join(format!("kmo-guest-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, program) = (folder.join("guest.rs"), folder.join("guest"));
    std::fs::write(&source, format!("{}\n{more}", include_str!("guest.rs"))).unwrap();
    let compiled = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-C",
            "opt-level=1",
            "-C",
            "strip=symbols",
            "-C",
            "target-feature=+crt-static",
        ])
        .args(["--target", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)])
        .arg("-o")
        .args([&program, &source])
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let image = scratch_image::Image {
        name: name.to_owned(),
        program: std::fs::read(&program).unwrap(),
        path: "guest".to_owned(),
        user: 4711,
        ports: Vec::new(),
        labels: [(TEST_LABEL.to_owned(), "guest".to_owned())].into(),
    };
    std::fs::remove_dir_all(&folder).unwrap();
    image.archive().unwrap()
}

/// What the tests work with: an engine, and names that nobody else has.
struct Place {
    engine: Engine,
    /// For what only others do: containers that are not ours.
    docker: Docker,
    environment: String,
}

impl Place {
    /// An engine, which ends with the second value if it is our own. Says aloud why there is none.
    async fn new(part: &str) -> Option<(Self, Option<dockerd::Dockerd>)> {
        let (candidate, dockerd) = match dockerd::engine().await {
            Ok(found) => found,
            Err(reason) => {
                println!("skipped: {reason}");
                return None;
            }
        };
        let Address::Unix(socket) = &candidate.address else {
            println!("skipped: the engine at {} is not on this machine", candidate.address);
            return None;
        };
        let docker =
            Docker::connect_with_unix(&socket.to_string_lossy(), 60, bollard::API_DEFAULT_VERSION).unwrap();
        let place = Self {
            engine: Engine::connect(&candidate).unwrap(),
            docker: docker.negotiate_version().await.unwrap(),
            environment: format!("kmo-test-{}-{part}", std::process::id()),
        };
        Some((place, dockerd))
    }

    fn name(&self, part: &str) -> String {
        format!("{}-{part}", self.environment)
    }

    fn network(&self) -> NetworkSpec {
        NetworkSpec::new(&self.environment, self.name("net"))
    }

    /// A container that serves at port 8080.
    fn spec(&self, part: &str) -> ContainerSpec {
        ContainerSpec {
            command: vec!["serve".to_owned(), "8080".to_owned()],
            // The program does not listen for signals, which the first process of a container does not get then.
            init: true,
            ..ContainerSpec::new(
                &self.environment,
                self.name(part),
                IMAGE,
                NetworkMode::Named { network: self.name("net"), aliases: vec![part.to_owned()] },
            )
        }
    }

    fn published(&self, part: &str) -> ContainerSpec {
        ContainerSpec { ports: vec![PublishedPort { host: 0, container: 8080 }], ..self.spec(part) }
    }

    /// The port of this machine that leads to a container.
    async fn port(&self, part: &str) -> u16 {
        let state = self.engine.container_state(&self.name(part)).await.unwrap().unwrap();
        assert_eq!(state.ports.len(), 1, "{state:?}");
        state.ports[0].host
    }

    /// Asks the program of a container.
    async fn ask(&self, part: &str, what: &str) -> String {
        ask(self.port(part).await, &format!("/{what}"))
    }

    async fn remove(&self, part: &str) -> Removal {
        self.engine.remove_container(&self.name(part), GRACE).await.unwrap()
    }

    async fn ours(&self) -> Vec<Ours> {
        self.engine.ours(&self.environment).await.unwrap()
    }

    async fn volumes(&self) -> usize {
        let listed = self.docker.list_volumes(None::<ListVolumesOptions>).await.unwrap();
        listed.volumes.map_or(0, |volumes| volumes.len())
    }

    /// Makes a container as somebody else would.
    async fn foreign(&self, part: &str, port: Option<u16>) {
        let binding = |port: u16| PortBinding {
            host_ip: Some("127.0.0.1".to_owned()),
            host_port: Some(port.to_string()),
        };
        let host_config = HostConfig {
            network_mode: Some(self.name("net")),
            port_bindings: port
                .map(|port| HashMap::from([("8080/tcp".to_owned(), Some(vec![binding(port)]))])),
            init: Some(true),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(vec!["serve".to_owned(), "8080".to_owned()]),
            host_config: Some(host_config),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&self.name(part)).build();
        self.docker.create_container(Some(options), body).await.unwrap();
        self.docker.start_container(&self.name(part), None::<StartContainerOptions>).await.unwrap();
    }

    async fn remove_foreign(&self, part: &str) {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        self.docker.remove_container(&self.name(part), Some(options)).await.unwrap();
    }
}

/// Asks a program at a port of this machine. It may need a moment to listen.
fn ask(port: u16, path: &str) -> String {
    let began = Instant::now();
    loop {
        let answer = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        });
        match answer {
            Ok(answer) if !answer.is_empty() => {
                return answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap();
            }
            other => {
                assert!(began.elapsed() < Duration::from_secs(10), "port {port} does not answer: {other:?}");
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The first line of an error.
fn line(error: anyhow::Result<impl Sized>) -> String {
    let line = error.err().expect("it should have failed").to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

fn different(what: &str) -> State {
    State::Different(what.to_owned())
}

#[tokio::test]
async fn a_real_engine_does_what_it_is_asked() {
    let Some((place, _dockerd)) = Place::new("parts").await else { return };
    images_are_imported_from_archives(&place).await;
    networks_are_made_once(&place).await;
    containers_are_what_was_asked_for(&place).await;
    a_container_that_cannot_write_its_root_gets_files_and_its_volumes_go_with_it(&place).await;
    what_is_there_is_seen(&place).await;
    containers_that_share_a_network_and_processes(&place).await;
    programs_run_inside_and_are_heard(&place).await;
    what_is_missing_or_taken_is_told_and_nothing_stays(&place).await;
    what_belongs_to_others_is_not_touched(&place).await;
    a_program_that_takes_too_much_memory_is_ended(&place).await;
    everything_is_removed(&place).await;
}

async fn images_are_imported_from_archives(place: &Place) {
    let engine = &place.engine;
    assert!(!engine.has_image("kubernetes-mixin-otel/no-such-image:1").await.unwrap());
    let archive = image(IMAGE, "");
    engine.import(archive.bytes).await.unwrap();
    assert!(engine.has_image(IMAGE).await.unwrap());
    let label = engine.image_label(IMAGE, scratch_image::CONTENT_LABEL).await.unwrap();
    assert_eq!(label, Some(archive.content));
    let refused = line(engine.import(b"this is no archive".to_vec()).await);
    assert!(refused.starts_with("failed to bring an image into the engine"), "{refused}");
}

async fn networks_are_made_once(place: &Place) {
    let (engine, spec) = (&place.engine, place.network());
    assert_eq!(engine.look_network(&spec).await.unwrap(), State::Absent);
    engine.create_network(&spec).await.unwrap();
    assert_eq!(
        engine.look_network(&spec).await.unwrap(),
        State::Up("published on 127.0.0.1 only".to_owned())
    );
    let again = line(engine.create_network(&spec).await);
    assert!(again.contains("is there already"), "{again}");
    let other = NetworkSpec { publish_on_loopback: false, ..place.network() };
    assert_eq!(engine.look_network(&other).await.unwrap(), different("its settings"));
    let of_another = NetworkSpec { environment: "another".to_owned(), ..place.network() };
    assert!(line(engine.look_network(&of_another).await).contains("belongs to the environment"));
}

async fn containers_are_what_was_asked_for(place: &Place) {
    let folder = std::env::temp_dir().join(place.name("mount"));
    std::fs::create_dir_all(folder.join("in")).unwrap();
    std::fs::write(folder.join("in/dashboard.json"), "{}").unwrap();
    let mount = |source: &Path, target: &str, read_only| BindMount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    };
    let file = |path: &str, mode, contents: &str| ContainerFile {
        path: path.to_owned(),
        mode,
        uid: 4712,
        gid: 4713,
        contents: contents.as_bytes().to_vec(),
    };
    let spec = ContainerSpec {
        env: [("GREETING".to_owned(), "hello".to_owned())].into(),
        mounts: vec![mount(&folder.join("in"), "/in", true), mount(&folder, "/out", false)],
        files: vec![
            file("/etc/kubernetes-mixin-otel/kubeconfig", 0o400, "geheim"),
            file("/etc/kubernetes-mixin-otel/other", 0o444, "öffentlich"),
            file("/top", 0o440, ""),
        ],
        user: Some("4712:4712".to_owned()),
        capabilities: Some(Vec::new()),
        security_options: vec!["no-new-privileges".to_owned()],
        memory: Some(64 << 20),
        pids_limit: Some(50),
        ..place.published("all")
    };
    place.engine.run(&spec).await.unwrap();
    assert_eq!(place.engine.look_container(&spec).await.unwrap(), State::Up(format!("running, {IMAGE}")));
    for (asked, answer) in [
        ("variable/GREETING", "hello"),
        ("user", "4712"),
        ("file/in/dashboard.json", "0644 0:0 {}"),
        ("file/etc/kubernetes-mixin-otel/kubeconfig", "0400 4712:4713 geheim"),
        ("file/etc/kubernetes-mixin-otel/other", "0444 4712:4713 öffentlich"),
        ("file/etc/kubernetes-mixin-otel", "0755 0:0 "),
        ("file/top", "0440 4712:4713 "),
        ("resolve/all", "found"),
    ] {
        assert_eq!(place.ask("all", asked).await, answer, "{asked}");
    }
    assert!(place.ask("all", "write/in/new").await.contains("Read-only file system"));
    assert!(place.ask("all", "resolve/nobody").await != "found");
    // Nobody but this machine reaches it.
    let port = place.port("all").await;
    let inspected = place
        .docker
        .inspect_container(&place.name("all"), None::<bollard::query_parameters::InspectContainerOptions>)
        .await
        .unwrap();
    let ports = inspected.network_settings.unwrap().ports.unwrap();
    let bound: Vec<_> =
        ports["8080/tcp"].iter().flatten().map(|binding| binding.host_ip.clone().unwrap()).collect();
    assert_eq!(bound, ["127.0.0.1"], "port {port}");
    // A file is replaced while the container runs.
    let new = file("/etc/kubernetes-mixin-otel/kubeconfig", 0o400, "new");
    place.engine.put_files(&spec.name, &[new]).await.unwrap();
    assert_eq!(place.ask("all", "file/etc/kubernetes-mixin-otel/kubeconfig").await, "0400 4712:4713 new");
    assert_eq!(place.remove("all").await, Removal::Removed);
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn a_container_that_cannot_write_its_root_gets_files_and_its_volumes_go_with_it(place: &Place) {
    let volumes = place.volumes().await;
    let contents = b"geheim".to_vec();
    let spec = ContainerSpec {
        read_only_root: true,
        tmpfs: [("/tmp".to_owned(), "size=1m".to_owned())].into(),
        files: vec![ContainerFile {
            path: "/etc/own/kubeconfig".to_owned(),
            mode: 0o400,
            uid: 4711,
            gid: 4711,
            contents,
        }],
        ..place.published("read-only")
    };
    place.engine.run(&spec).await.unwrap();
    assert_eq!(place.ask("read-only", "file/etc/own/kubeconfig").await, "0400 4711:4711 geheim");
    assert!(place.ask("read-only", "write/new").await.contains("Read-only file system"));
    assert_eq!(place.ask("read-only", "write/tmp/new").await, "written");
    assert_eq!(place.volumes().await, volumes + 1);
    assert_eq!(place.remove("read-only").await, Removal::Removed);
    assert_eq!(place.volumes().await, volumes, "its volume stayed");
}

async fn what_is_there_is_seen(place: &Place) {
    let (engine, spec) = (&place.engine, place.published("seen"));
    assert_eq!(engine.look_container(&spec).await.unwrap(), State::Absent);
    assert_eq!(engine.container_state(&spec.name).await.unwrap(), None);
    engine.run(&spec).await.unwrap();
    let again = line(engine.run(&spec).await);
    assert!(again.contains("is there already: another command may be at work"), "{again}");
    assert!(
        matches!(engine.look_container(&spec).await.unwrap(), State::Up(_)),
        "the other attempt changed it"
    );

    let other = ContainerSpec { env: [("A".to_owned(), "b".to_owned())].into(), ..spec.clone() };
    assert_eq!(engine.look_container(&other).await.unwrap(), different("its settings"));
    let other = ContainerSpec { image: "another:1".to_owned(), ..spec.clone() };
    assert_eq!(engine.look_container(&other).await.unwrap(), different("its image"));
    let other = ContainerSpec { environment: "another".to_owned(), ..spec.clone() };
    assert!(line(engine.look_container(&other).await).contains("belongs to the environment"));

    // Another program under the same name of the image.
    engine
        .import(image(IMAGE, "// Another one.\npub static OTHER: [u8; 4] = *b\"else\";").bytes)
        .await
        .unwrap();
    let same_program = engine.look_container(&spec).await.unwrap();
    engine
        .import(image(IMAGE, "#[used]\nstatic OTHER: [u8; 16] = *b\"another program!\";").bytes)
        .await
        .unwrap();
    assert_eq!(
        engine.look_container(&spec).await.unwrap(),
        different("its image"),
        "before: {same_program:?}"
    );
    assert_eq!(place.remove("seen").await, Removal::Removed);

    for (code, words) in [(0, "it has ended with code 0"), (3, "it has ended with code 3")] {
        let ends = ContainerSpec { command: vec!["exit".to_owned(), code.to_string()], ..place.spec("ends") };
        engine.run(&ends).await.unwrap();
        let state = engine.wait_for_end(&ends.name, Duration::from_secs(10)).await.unwrap();
        assert_eq!((state.running, state.exit_code, state.out_of_memory), (false, Some(code), false));
        assert_eq!(engine.look_container(&ends).await.unwrap(), different(words));
        assert_eq!(place.remove("ends").await, Removal::Removed);
    }
    assert_eq!(place.remove("ends").await, Removal::Nothing);
}

async fn containers_that_share_a_network_and_processes(place: &Place) {
    let engine = &place.engine;
    let guest = ContainerSpec {
        command: vec!["serve".to_owned(), "8081".to_owned()],
        network: NetworkMode::OfContainer(place.name("host")),
        pid: Some(PidMode::OfContainer(place.name("host"))),
        ..place.spec("joins")
    };
    let refused = line(engine.run(&guest).await);
    assert!(refused.contains("which does not run: start that first"), "{refused}");
    let host =
        ContainerSpec { ports: vec![PublishedPort { host: 0, container: 8081 }], ..place.spec("host") };
    engine.run(&host).await.unwrap();
    engine.run(&guest).await.unwrap();
    // The guest, at its host's address. It sees the processes of both, each with the engine's own first process.
    let seen: u32 = place.ask("host", "processes").await.parse().unwrap();
    assert!(seen >= 3, "{seen}");
    assert!(matches!(engine.look_container(&guest).await.unwrap(), State::Up(_)));
    assert_eq!(place.remove("host").await, Removal::Removed);
    let without = engine.look_container(&guest).await.unwrap();
    assert!(matches!(without, State::Different(_)), "{without:?}");
    engine.run(&host).await.unwrap();
    // It still runs where processes are not shared, and then has the network of a container that is gone.
    let with_another = engine.look_container(&guest).await.unwrap();
    assert!(matches!(with_another, State::Different(_)), "{with_another:?}");
    assert_eq!(place.remove("joins").await, Removal::Removed);
    assert_eq!(place.remove("host").await, Removal::Removed);
}

async fn programs_run_inside_and_are_heard(place: &Place) {
    let (engine, spec) = (&place.engine, place.published("speaks"));
    engine.run(&spec).await.unwrap();
    let ended = engine.exec(&spec.name, &["/guest", "exit", "3"]).await.unwrap();
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (3, "ending\n", "with 3\n"));
    let absent = engine.exec(&spec.name, &["test", "-f", "/tmp/ready"]).await.unwrap();
    assert!(matches!(absent.code, 126 | 127), "{absent:?}");
    for question in ["one", "two", "three"] {
        place.ask("speaks", question).await;
    }
    said(engine, &spec.name, 2, "asked two\nasked three\n").await;
    let followed = {
        let (engine, name) = (engine.clone(), spec.name.clone());
        tokio::spawn(async move { engine.follow_logs(&name, 1).try_concat().await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    place.ask("speaks", "four").await;
    let told = Instant::now();
    assert_eq!(place.remove("speaks").await, Removal::Removed);
    assert!(told.elapsed() < Duration::from_secs(3), "SIGTERM did not end it: {:?}", told.elapsed());
    assert_eq!(followed.await.unwrap().unwrap(), b"asked three\nasked four\n");
    for error in
        [line(engine.exec(&spec.name, &["/guest"]).await), line(engine.logs_tail(&spec.name, 1).await)]
    {
        assert!(error.ends_with("is not there"), "{error}");
    }
    let ended = ContainerSpec { command: vec!["exit".to_owned(), "1".to_owned()], ..place.spec("speaks") };
    engine.run(&ended).await.unwrap();
    engine.wait_for_end(&ended.name, Duration::from_secs(10)).await.unwrap();
    // Which output comes first is not known.
    let said = engine.logs_tail(&ended.name, 10).await.unwrap();
    assert!(said.contains("ending\n") && said.contains("with 1\n"), "{said}");
    assert!(line(engine.exec(&ended.name, &["/guest"]).await).ends_with("does not run"));
    place.remove("speaks").await;
}

/// Engines write down what containers say a moment later.
async fn said(engine: &Engine, name: &str, lines: usize, expected: &str) {
    let began = Instant::now();
    loop {
        let said = engine.logs_tail(name, lines).await.unwrap();
        if said == expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{said:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn what_is_missing_or_taken_is_told_and_nothing_stays(place: &Place) {
    let engine = &place.engine;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port();
    let at = |port: u16| ContainerSpec {
        ports: vec![PublishedPort { host: port, container: 8080 }],
        ..place.spec("bad")
    };
    let nowhere =
        BindMount { source: PathBuf::from("/no/such/Folder"), target: "/in".to_owned(), read_only: true };
    engine.run(&place.published("holder")).await.unwrap();
    let held = place.port("holder").await;
    let cases = [
        (at(taken), format!("port {taken} of this machine is taken by another program")),
        (
            at(held),
            format!(
                "port {held} of this machine is taken by the container {} ({IMAGE})",
                place.name("holder")
            ),
        ),
        (
            ContainerSpec { image: "nobody/has:1".to_owned(), ..place.spec("bad") },
            "docker pull nobody/has:1".to_owned(),
        ),
        (
            ContainerSpec { network: NetworkMode::named("kmo-no-such-network"), ..place.spec("bad") },
            "the network kmo-no-such-network for the container".to_owned(),
        ),
        (
            ContainerSpec { mounts: vec![nowhere], ..place.spec("bad") },
            "needs /no/such/Folder of the engine's machine, which is not there".to_owned(),
        ),
        (
            ContainerSpec {
                entrypoint: Some(vec!["/no-such-program".to_owned()]),
                init: false,
                ..place.spec("bad")
            },
            "\"/no-such-program\" cannot be run in the image".to_owned(),
        ),
    ];
    for (spec, told) in cases {
        let error = line(engine.run(&spec).await);
        assert!(error.contains(&told), "{error}");
        assert_eq!(
            engine.container_state(&spec.name).await.unwrap(),
            None,
            "something stayed after: {error}"
        );
    }
    drop(listener);
    // With the port free again, nothing is in the way of another attempt.
    engine.run(&at(taken)).await.unwrap();
    assert_eq!(place.remove("bad").await, Removal::Removed);
    assert_eq!(place.remove("holder").await, Removal::Removed);
}

async fn what_belongs_to_others_is_not_touched(place: &Place) {
    let (engine, spec) = (&place.engine, place.spec("foreign"));
    place.foreign("foreign", None).await;
    for error in [
        line(engine.look_container(&spec).await),
        line(engine.run(&spec).await),
        line(engine.remove_container(&spec.name, GRACE).await),
    ] {
        let told = format!("a container named {} is there that is not ours: docker rename", spec.name);
        assert!(error.starts_with(&told), "{error}");
    }
    assert!(engine.container_state(&spec.name).await.unwrap().unwrap().running);
    assert!(place.ours().await.iter().all(|ours| ours.name != spec.name));

    // It is on our network, and keeps that from being removed.
    let network = place.network();
    let guests = engine.guests(&network.name).await.unwrap();
    assert_eq!(guests.len(), 1, "{guests:?}");
    assert!((guests[0].name == spec.name) && !guests[0].ours && guests[0].running);
    let refused = line(engine.remove_network(&network.name).await);
    let told = format!("docker network disconnect -f {} {}", network.name, spec.name);
    assert!(refused.ends_with(&told), "{refused}");
    place.remove_foreign("foreign").await;

    for error in [
        line(engine.look_network(&NetworkSpec::new(&place.environment, "host")).await),
        line(engine.remove_network("host").await),
    ] {
        assert!(error.starts_with("a network named host is there that is not ours"), "{error}");
    }
}

async fn a_program_that_takes_too_much_memory_is_ended(place: &Place) {
    let spec = ContainerSpec {
        command: vec!["eat".to_owned()],
        memory: Some(32 << 20),
        init: false,
        ..place.spec("eats")
    };
    place.engine.run(&spec).await.unwrap();
    let state = place.engine.wait_for_end(&spec.name, Duration::from_secs(30)).await.unwrap();
    assert_eq!(state.exit_code, Some(137), "{}", state.words());
    // The kernel tells the engine why on another way, which is now and then later than the end, or too late.
    if state.out_of_memory {
        assert!(state.words().ends_with("as it took more memory than it may"), "{}", state.words());
    } else {
        println!("skipped: the engine did not hear that a container had taken too much memory");
    }
    place.remove("eats").await;
}

async fn everything_is_removed(place: &Place) {
    let (engine, network) = (&place.engine, place.network().name);
    let names: Vec<_> = place.ours().await.into_iter().map(|ours| ours.name).collect();
    assert_eq!(names, std::slice::from_ref(&network), "only the network is left");
    assert_eq!(engine.remove_network(&network).await.unwrap(), Removal::Removed);
    assert_eq!(engine.remove_network(&network).await.unwrap(), Removal::Nothing);
    assert_eq!(engine.guests(&network).await.unwrap(), []);
    assert_eq!(place.ours().await, []);
    // Those that have lost their name to a newer one, too.
    let filters = HashMap::from([("label".to_owned(), vec![TEST_LABEL.to_owned()])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    let images = place.docker.list_images(Some(options)).await.unwrap();
    for image in images {
        // A container that another run has left may still need one.
        let _ = place.docker.remove_image(&image.id, None::<RemoveImageOptions>, None).await;
    }
}
