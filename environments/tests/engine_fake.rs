//! What is asked of an engine, and what is made of its answers: against an engine in memory that can be made to fail.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails with them")]

use std::time::Duration;

use environments::engine::fake::{FakeEngine, Program, Status, Trouble};
use environments::engine::{
    BindMount, ContainerFile, ContainerSpec, Engine, ExecOutput, NetworkMode, NetworkSpec, PidMode,
    PublishedPort,
};
use environments::plan::{
    OnFailure, Plan, Progress, Reason, Removal, Report, Silent, State, Step, StepName, Undone,
};
use expect_test::expect_file;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};

const IMAGE: &str = "grafana/otel-lgtm:0.31.0";
const GRACE: Duration = Duration::from_secs(5);

fn spec(name: &str) -> ContainerSpec {
    ContainerSpec::new("default", name, IMAGE, NetworkMode::named("kwok-default"))
}

fn at(name: &str, port: u16) -> ContainerSpec {
    ContainerSpec { ports: vec![PublishedPort { host: port, container: 3000 }], ..spec(name) }
}

/// An engine with the image and the network.
async fn ready() -> (FakeEngine, Engine) {
    let fake = FakeEngine::start();
    fake.with(|world| world.add_image(IMAGE));
    let engine = fake.engine();
    engine.create_network(&NetworkSpec::new("default", "kwok-default")).await.unwrap();
    (fake, engine)
}

/// The first line of an error.
fn line(outcome: anyhow::Result<impl Sized>) -> String {
    let line = outcome.err().expect("it should have failed").to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[tokio::test]
async fn everything_that_a_specification_says_is_asked_of_the_engine() {
    let (fake, engine) = ready().await;
    let collector = ContainerSpec {
        entrypoint: Some(vec!["/otelcol".to_owned()]),
        command: vec!["--config=/etc/own/config.yaml".to_owned()],
        env: [("CLUSTER_NAME".to_owned(), "kubernetes-mixin-otel".to_owned())].into(),
        labels: [("com.docker.compose.project".to_owned(), "kwok-default".to_owned())].into(),
        network: NetworkMode::Named {
            network: "kwok-default".to_owned(),
            aliases: vec!["collector".to_owned()],
        },
        ports: vec![PublishedPort { host: 13_133, container: 13_133 }],
        mounts: vec![BindMount { source: "/".into(), target: "/hostfs".to_owned(), read_only: true }],
        files: vec![ContainerFile {
            path: "/etc/own/config.yaml".to_owned(),
            mode: 0o444,
            uid: 0,
            gid: 0,
            contents: b"receivers: {}\n".to_vec(),
        }],
        user: Some("10001:10001".to_owned()),
        capabilities: Some(vec!["SYS_PTRACE".to_owned()]),
        security_options: vec!["no-new-privileges".to_owned(), "apparmor=unconfined".to_owned()],
        read_only_root: true,
        tmpfs: [("/tmp".to_owned(), "size=16m".to_owned())].into(),
        memory: Some(512 << 20),
        pids_limit: Some(200),
        init: true,
        restart: true,
        stop_seconds: 15,
        extra_hosts: vec!["host.docker.internal:host-gateway".to_owned()],
        ..spec("collector")
    };
    engine.run(&collector).await.unwrap();
    let (body, files) = fake.with(|world| {
        let container = &world.containers["collector"];
        (container.body.clone(), container.files.clone())
    });
    // The keys of its maps come in any order, so that it is sorted by going through a value once more.
    let asked = serde_json::to_string_pretty(&body).unwrap();
    let spec = serde_json::to_string_pretty(&collector).unwrap();
    expect_file!["golden/engine-container.json"]
        .assert_eq(&format!("{{\n\"specification\": {spec},\n\"asked\": {asked}\n}}\n"));
    assert_eq!(files["/etc/own/config.yaml"].contents, b"receivers: {}\n");
    assert_eq!(files["/etc/own/config.yaml"].mode, 0o444);
    let network = fake.with(|world| world.networks["kwok-default"].clone());
    assert_eq!(network.options["com.docker.network.bridge.host_binding_ipv4"], "127.0.0.1");
    assert_eq!(network.labels["kubernetes-mixin-otel.environment"], "default");
}

#[tokio::test]
async fn what_is_as_asked_for_is_left_and_what_differs_is_seen() {
    let (fake, engine) = ready().await;
    let spec = at("lgtm", 3000);
    assert_eq!(engine.look_container(&spec).await.unwrap(), State::Absent);
    engine.run(&spec).await.unwrap();
    assert_eq!(engine.look_container(&spec).await.unwrap(), State::Up(format!("running, {IMAGE}")));
    let different = |what: &str| State::Different(what.to_owned());
    assert_eq!(engine.look_container(&at("lgtm", 3001)).await.unwrap(), different("its settings"));
    let newer = ContainerSpec { image: "grafana/otel-lgtm:0.32.0".to_owned(), ..spec.clone() };
    assert_eq!(engine.look_container(&newer).await.unwrap(), different("its image"));
    fake.with(|world| world.containers.get_mut("lgtm").unwrap().status = Status::Created);
    assert_eq!(engine.look_container(&spec).await.unwrap(), different("it was never started"));
    fake.with(|world| world.end_container("lgtm", 1));
    assert_eq!(engine.look_container(&spec).await.unwrap(), different("it has ended with code 1"));
    let state = engine.container_state("lgtm").await.unwrap().unwrap();
    assert_eq!((state.running, state.exit_code, &*state.status), (false, Some(1), "exited"));

    assert_eq!(engine.remove_container("lgtm", GRACE).await.unwrap(), Removal::Removed);
    fake.with(|world| world.programs.insert("lgtm".to_owned(), Program::Eats));
    engine.run(&spec).await.unwrap();
    let ended = different("it has ended with code 137, as it took more memory than it may");
    assert_eq!(engine.look_container(&spec).await.unwrap(), ended);
    // Looking has changed nothing.
    assert_eq!(fake.changes().iter().filter(|request| request.contains("/start")).count(), 2);
}

#[tokio::test]
async fn removing_takes_what_is_there_and_is_done_when_nothing_is() {
    let (fake, engine) = ready().await;
    engine.run(&spec("lgtm")).await.unwrap();
    assert_eq!(engine.remove_container("lgtm", Duration::from_millis(1500)).await.unwrap(), Removal::Removed);
    let changes = fake.changes();
    let last = &changes[changes.len() - 2..];
    // Whole seconds, never less than asked for; with its volumes.
    assert!(last[0].starts_with("POST /containers/lgtm/stop?") && last[0].contains("t=2"), "{last:?}");
    assert!(last[1].starts_with("DELETE /containers/lgtm?") && last[1].contains("v=true"), "{last:?}");
    assert_eq!(engine.remove_container("lgtm", GRACE).await.unwrap(), Removal::Nothing);
    engine.run(&spec("lgtm")).await.unwrap();
    fake.with(|world| world.end_container("lgtm", 1));
    assert_eq!(engine.remove_container("lgtm", GRACE).await.unwrap(), Removal::Removed);
    assert_eq!(engine.remove_network("kwok-default").await.unwrap(), Removal::Removed);
    assert_eq!(engine.remove_network("kwok-default").await.unwrap(), Removal::Nothing);
    // Removed by somebody else between looking and removing.
    engine.run(&ContainerSpec { network: NetworkMode::named("bridge"), ..spec("lgtm") }).await.unwrap();
    let gone = Trouble::refused(404, "No such container: lgtm");
    fake.fail_once("POST /containers/lgtm/stop", gone.clone());
    assert_eq!(engine.remove_container("lgtm", GRACE).await.unwrap(), Removal::Removed);
    fake.fail_once("DELETE /containers/lgtm", gone);
    assert_eq!(engine.remove_container("lgtm", GRACE).await.unwrap(), Removal::Removed);
}

#[tokio::test]
async fn a_removal_that_somebody_else_has_begun_is_waited_for() {
    let (fake, engine) = ready().await;
    engine.run(&spec("lgtm")).await.unwrap();
    fake.fail_once(
        "DELETE /containers/lgtm",
        Trouble::refused(409, "removal of container lgtm is already in progress"),
    );
    let removing = engine.remove_container("lgtm", GRACE);
    let somebody_else = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.with(|world| world.containers.remove("lgtm"));
    };
    let (removed, ()) = tokio::join!(removing, somebody_else);
    assert_eq!(removed.unwrap(), Removal::Removed);
}

#[tokio::test]
async fn what_is_in_the_way_is_named_and_nothing_stays_of_an_attempt() {
    let (fake, engine) = ready().await;
    engine.run(&at("holder", 3000)).await.unwrap();
    fake.with(|world| {
        world.taken_ports.insert(4317);
        world.missing_paths.insert("/home/me/dashboards".to_owned());
    });
    let mounts =
        vec![BindMount { source: "/home/me/dashboards".into(), target: "/d".to_owned(), read_only: true }];
    for (spec, told) in [
        (
            at("lgtm", 3000),
            "port 3000 of this machine is taken by the container holder (grafana/otel-lgtm:0.31.0): docker stop holder",
        ),
        (at("lgtm", 4317), "port 4317 of this machine is taken by another program"),
        (
            ContainerSpec { image: "nobody/has:1".to_owned(), ..spec("lgtm") },
            "is not there: docker pull nobody/has:1",
        ),
        (
            ContainerSpec { network: NetworkMode::named("nowhere"), ..spec("lgtm") },
            "the network nowhere for the container lgtm is not there",
        ),
        (
            ContainerSpec { network: NetworkMode::OfContainer("nobody".to_owned()), ..spec("lgtm") },
            "nobody, which does not run: start that first",
        ),
        (
            ContainerSpec { mounts, ..spec("lgtm") },
            "needs /home/me/dashboards of the engine's machine, which is not there",
        ),
    ] {
        let error = line(engine.run(&spec).await);
        assert!(error.contains(told), "{error}");
        assert!(fake.with(|world| !world.containers.contains_key("lgtm")), "something stayed after: {error}");
    }
}

#[tokio::test]
async fn what_belongs_to_others_is_an_error_and_is_left_alone() {
    let (fake, engine) = ready().await;
    fake.with(|world| {
        world.add_container("lgtm", "alpine:3", "kwok-default", &[]);
        world.add_network("theirs", &[("com.docker.compose.project", "theirs")]);
    });
    for error in [
        line(engine.look_container(&spec("lgtm")).await),
        line(engine.run(&spec("lgtm")).await),
        line(engine.remove_container("lgtm", GRACE).await),
    ] {
        assert!(
            error.starts_with("a container named lgtm is there that is not ours: docker rename lgtm OTHER"),
            "{error}"
        );
    }
    let theirs = NetworkSpec::new("default", "theirs");
    for error in [
        line(engine.look_network(&theirs).await),
        line(engine.create_network(&theirs).await),
        line(engine.remove_network("theirs").await),
    ] {
        assert!(error.starts_with("a network named theirs is there that is not ours"), "{error}");
    }
    let refused = line(engine.remove_network("kwok-default").await);
    assert!(refused.ends_with("(lgtm): docker network disconnect -f kwok-default lgtm"), "{refused}");
    let guests = engine.guests("kwok-default").await.unwrap();
    assert!(
        guests.len() == 1 && guests[0].name == "lgtm" && !guests[0].ours && guests[0].running,
        "{guests:?}"
    );
    assert!(fake.with(|world| world.containers["lgtm"].status == Status::Running));
    let of_another = ContainerSpec { environment: "other".to_owned(), ..spec("collector") };
    engine.run(&of_another).await.unwrap();
    assert!(
        line(engine.look_container(&spec("collector")).await)
            .contains("belongs to the environment \"other\"")
    );
    let ours: Vec<_> = engine.ours("default").await.unwrap().into_iter().map(|ours| ours.name).collect();
    assert_eq!(ours, ["kwok-default"]);
    let others: Vec<_> = engine.ours("other").await.unwrap().into_iter().map(|ours| ours.name).collect();
    assert_eq!(others, ["collector"]);
}

#[tokio::test]
async fn a_container_whose_host_was_made_anew_differs() {
    let (_fake, engine) = ready().await;
    let beyla = ContainerSpec {
        network: NetworkMode::OfContainer("lgtm".to_owned()),
        pid: Some(PidMode::OfContainer("lgtm".to_owned())),
        ..spec("beyla")
    };
    engine.run(&spec("lgtm")).await.unwrap();
    engine.run(&beyla).await.unwrap();
    assert!(matches!(engine.look_container(&beyla).await.unwrap(), State::Up(_)));
    engine.remove_container("lgtm", GRACE).await.unwrap();
    engine.run(&spec("lgtm")).await.unwrap();
    let seen = engine.look_container(&beyla).await.unwrap();
    assert_eq!(seen, State::Different("the container lgtm, whose network or processes it shares".to_owned()));
}

#[tokio::test]
async fn troubles_of_the_engine_are_told_with_what_helps() {
    for (trouble, told) in [
        (Trouble::disk_full(), "there is no space left where the engine keeps its data"),
        (Trouble::not_permitted(), "failed to make the container lgtm"),
        (Trouble::Cut, "the connection broke off in the middle"),
    ] {
        let (fake, engine) = ready().await;
        fake.fail("POST /containers/create", trouble.clone());
        let error = line(engine.run(&spec("lgtm")).await);
        assert!(error.contains(told), "{trouble:?}: {error}");
        fake.recover();
        engine.run(&spec("lgtm")).await.unwrap();
    }
    let (fake, engine) = ready().await;
    for step in ["PUT /containers/lgtm/archive", "POST /containers/lgtm/start"] {
        fake.fail_once(step, Trouble::disk_full());
        let file =
            ContainerFile { path: "/etc/a".to_owned(), mode: 0o444, uid: 0, gid: 0, contents: Vec::new() };
        let error = line(engine.run(&ContainerSpec { files: vec![file], ..spec("lgtm") }).await);
        assert!(error.contains("there is no space left"), "{step}: {error}");
        assert!(fake.with(|world| world.containers.is_empty()), "something stayed after {step}");
    }
    fake.fail_once(
        "POST /networks/create",
        Trouble::refused(400, "all predefined address pools have been fully subnetted"),
    );
    let error = line(engine.create_network(&NetworkSpec::new("default", "another")).await);
    assert!(error.contains("docker network prune"), "{error}");
    let ambiguous = "network kwok-default is ambiguous (2 matches found on name)";
    fake.fail_once("GET /networks/kwok-default", Trouble::refused(400, ambiguous));
    let error = line(engine.look_network(&NetworkSpec::new("default", "kwok-default")).await);
    assert!(error.starts_with("there are several networks named kwok-default"), "{error}");
}

#[tokio::test]
async fn an_engine_that_is_gone_is_told_and_one_that_comes_back_is_spoken_to_again() {
    let (mut fake, engine) = ready().await;
    fake.end();
    let error = line(engine.look_container(&spec("lgtm")).await);
    assert!(error.contains("the engine is not there any more"), "{error}");
    let error = line(Engine::connect(&fake.candidate()).map(|_| ()));
    assert!(error.contains("the engine is not there any more") && error.contains("the test"), "{error}");
    // One that was not asked yet when it went.
    let mut fake = FakeEngine::start();
    let engine = fake.engine();
    fake.end();
    assert!(line(engine.has_image(IMAGE).await).starts_with("the container engine at unix://"));
}

#[tokio::test]
async fn a_slow_engine_is_waited_for() {
    let (fake, engine) = ready().await;
    fake.fail("POST /containers", Trouble::Slow(Duration::from_millis(300)));
    engine.run(&spec("lgtm")).await.unwrap();
    assert!(matches!(engine.look_container(&spec("lgtm")).await.unwrap(), State::Up(_)));
}

/// Writes down how far something is.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<String>>);

impl Report for Heard {
    fn began(&self, _: StepName) {}
    fn progress(&self, _: StepName, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn ended(&self, _: StepName, _: &environments::plan::Ending, _: Duration) {}
    fn note(&self, _: &str) {}
}

#[tokio::test]
async fn an_image_is_pulled_once_and_how_far_it_is_is_told() {
    let (fake, heard) = (FakeEngine::start(), Heard::default());
    let (engine, progress) = (fake.engine(), Progress::new("images", &heard));
    fake.with(|world| world.add_to_registry(IMAGE, &[200_000_000, 40_000_000]));
    assert!(!engine.has_image(IMAGE).await.unwrap());
    engine.pull(IMAGE, &progress).await.unwrap();
    assert!(engine.has_image(IMAGE).await.unwrap());
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            "asking the registry",
            "0 of 0 MB, 0 of 1 layers",
            "100 of 200 MB, 0 of 1 layers",
            "200 of 200 MB, 1 of 1 layers",
            "200 of 200 MB, 1 of 2 layers",
            "220 of 240 MB, 1 of 2 layers",
            "240 of 240 MB, 2 of 2 layers",
        ]
    );
    assert_eq!(fake.changes().len(), 1, "{:?}", fake.changes());
}

#[tokio::test]
async fn a_pull_that_fails_says_why() {
    let fake = FakeEngine::start();
    let (engine, progress) = (fake.engine(), Progress::new("images", &Silent));
    let unknown = line(engine.pull("grafana/otel-lgtm:9", &progress).await);
    assert!(unknown.contains("the tag or digest does not exist"), "{unknown}");
    for (trouble, told) in [
        (Trouble::rate_limited(), "gives no more images to this address for a while"),
        (Trouble::no_network(), "cannot reach Docker Hub"),
        (Trouble::disk_full(), "there is no space left"),
        (Trouble::InStream("toomanyrequests: rate limit".to_owned()), "gives no more images"),
        (Trouble::InStream("write /a: no space left on device".to_owned()), "there is no space left"),
        (Trouble::InStream("unexpected EOF".to_owned()), "broke off while it gave"),
        (Trouble::Cut, "broke off while it gave"),
    ] {
        fake.fail_once("POST /images/create", trouble.clone());
        let error = line(engine.pull(IMAGE, &progress).await);
        assert!(error.contains(told), "{trouble:?}: {error}");
        assert!(!engine.has_image(IMAGE).await.unwrap());
    }
}

#[tokio::test]
async fn an_archive_that_the_engine_does_not_take_is_an_error() {
    let fake = FakeEngine::start();
    let engine = fake.engine();
    let refused = engine.import(b"no archive".to_vec()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("invalid tar header"), "{refused:#}");
    fake.fail_once("POST /images/load", Trouble::InStream("write /a: no space left on device".to_owned()));
    assert!(line(engine.import(Vec::new()).await).contains("there is no space left"));
}

#[tokio::test]
async fn programs_run_in_containers_and_what_containers_say_is_heard() {
    let (fake, engine) = ready().await;
    fake.with(|world| {
        world.programs.insert("lgtm".to_owned(), Program::Runs("one\ntwo\nthree\n".to_owned()));
        world.on_exec(|container, arguments| match arguments {
            [test, _, path] if test == "test" && path == "/tmp/ready" => ExecOutput::default(),
            _ => ExecOutput { code: 1, stdout: format!("in {container}"), stderr: "no".to_owned() },
        });
    });
    engine.run(&spec("lgtm")).await.unwrap();
    assert_eq!(engine.exec("lgtm", &["test", "-f", "/tmp/ready"]).await.unwrap(), ExecOutput::default());
    let failed = engine.exec("lgtm", &["test", "-f", "/other"]).await.unwrap();
    assert_eq!((failed.code, &*failed.stdout, &*failed.stderr), (1, "in lgtm", "no"));
    assert_eq!(engine.logs_tail("lgtm", 2).await.unwrap(), "two\nthree\n");
    let mut followed = std::pin::pin!(engine.follow_logs("lgtm", 1));
    assert_eq!(followed.next().await.unwrap().unwrap(), b"three\n");
    fake.with(|world| world.containers.get_mut("lgtm").unwrap().log += "four\n");
    assert_eq!(followed.next().await.unwrap().unwrap(), b"four\n");
    fake.with(|world| world.end_container("lgtm", 0));
    assert!(followed.next().await.is_none(), "it goes on after the end");
    assert!(line(engine.exec("lgtm", &["test"]).await).ends_with("does not run"));
    assert!(line(engine.exec("nobody", &["test"]).await).ends_with("is not there"));
    assert!(line(engine.follow_logs("nobody", 1).try_concat().await).ends_with("is not there"));
}

#[tokio::test]
async fn a_file_in_a_container_is_replaced() {
    let (fake, engine) = ready().await;
    let file = |contents: &str| ContainerFile {
        path: "/etc/own/kubeconfig".to_owned(),
        mode: 0o400,
        uid: 10_001,
        gid: 10_001,
        contents: contents.as_bytes().to_vec(),
    };
    engine.run(&ContainerSpec { files: vec![file("old")], ..spec("collector") }).await.unwrap();
    engine.put_files("collector", &[file("new")]).await.unwrap();
    let put = fake.with(|world| world.containers["collector"].files["/etc/own/kubeconfig"].clone());
    assert_eq!((put.mode, put.uid, put.gid, &*put.contents), (0o400, 10_001, 10_001, &b"new"[..]));
    let uploads: Vec<_> = fake.changes().into_iter().filter(|request| request.starts_with("PUT")).collect();
    // The first made the folder; the second left it as it is.
    assert!(uploads[0].contains("path=%2Fetc&") || uploads[0].ends_with("path=%2Fetc"), "{uploads:?}");
    assert!(uploads[1].contains("path=%2Fetc%2Fown"), "{uploads:?}");
}

/// A step over an engine.
struct Made {
    name: StepName,
    needs: Vec<StepName>,
    engine: Engine,
    what: What,
}

enum What {
    Network(NetworkSpec),
    Container(Box<ContainerSpec>),
}

impl Step for Made {
    fn name(&self) -> StepName {
        self.name
    }
    fn needs(&self) -> &[StepName] {
        &self.needs
    }
    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            match &self.what {
                What::Network(spec) => self.engine.look_network(spec).await,
                What::Container(spec) => self.engine.look_container(spec).await,
            }
        })
    }
    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            match &self.what {
                What::Network(spec) => self.engine.create_network(spec).await?,
                What::Container(spec) => self.engine.run(spec).await?,
            }
            Ok(String::new())
        })
    }
    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            match &self.what {
                What::Network(spec) => self.engine.remove_network(&spec.name).await,
                What::Container(spec) => self.engine.remove_container(&spec.name, GRACE).await,
            }
        })
    }
}

fn plan(engine: &Engine) -> Plan {
    let step = |name, needs: &[StepName], what| {
        Box::new(Made { name, needs: needs.to_vec(), engine: engine.clone(), what }) as Box<dyn Step>
    };
    let container = |spec| What::Container(Box::new(spec));
    let beyla = ContainerSpec {
        network: NetworkMode::OfContainer("lgtm".to_owned()),
        pid: Some(PidMode::OfContainer("lgtm".to_owned())),
        ..spec("beyla")
    };
    let steps = vec![
        step("network", &[], What::Network(NetworkSpec::new("default", "kwok-default"))),
        step("lgtm", &["network"], container(at("lgtm", 3000))),
        step("collector", &["network"], container(spec("collector"))),
        step("beyla", &["lgtm"], container(beyla)),
    ];
    Plan::new(steps).unwrap()
}

async fn never() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_plan_over_an_engine_goes_up_changes_what_differs_and_goes_down() {
    let fake = FakeEngine::start();
    fake.with(|world| world.add_image(IMAGE));
    let (engine, plan) = (fake.engine(), plan(&fake.engine()));
    plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    let before = fake.changes().len();
    let again = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    assert_eq!((again.changed.len(), again.untouched.len(), fake.changes().len()), (0, 4, before));
    fake.with(|world| world.end_container("lgtm", 137));
    let repaired = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    assert_eq!((repaired.changed, repaired.untouched), (vec!["lgtm", "beyla"], vec!["network", "collector"]));
    let downed = plan.down(&Silent).await;
    assert!(downed.failed.is_empty() && downed.removed.len() == 4, "{downed:?}");
    assert_eq!(engine.ours("default").await.unwrap(), []);
    assert!(plan.down(&Silent).await.removed.is_empty());
}

#[tokio::test]
async fn whatever_request_fails_a_plan_leaves_nothing_and_works_afterwards() {
    for on in [
        "GET /networks",
        "POST /networks/create",
        "POST /containers/create?name=lgtm",
        "POST /containers/lgtm/start",
        "POST /containers/create?name=beyla",
        "POST /containers/beyla/start",
        "POST /containers/collector/start",
    ] {
        for trouble in [Trouble::disk_full(), Trouble::Cut] {
            let fake = FakeEngine::start();
            fake.with(|world| world.add_image(IMAGE));
            let plan = plan(&fake.engine());
            fake.fail_once(on, trouble);
            let failed = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap_err();
            assert!(matches!(&failed.reason, Reason::Step(..)), "{on}: {failed:?}");
            assert!(
                matches!(&failed.undone, Undone::RolledBack(failed) if failed.is_empty()),
                "{on}: {failed:?}"
            );
            fake.with(|world| {
                assert!(world.containers.is_empty(), "{on}");
                assert!(!world.networks.contains_key("kwok-default"), "{on}");
            });
            plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_interrupt_in_the_middle_of_each_request_leaves_nothing_after_the_roll_back() {
    for on in
        ["POST /networks/create", "POST /containers/create", "POST /containers/lgtm/start", "GET /containers"]
    {
        let fake = FakeEngine::start();
        fake.with(|world| world.add_image(IMAGE));
        let plan = plan(&fake.engine());
        fake.fail(on, Trouble::Slow(Duration::from_millis(400)));
        let interrupt = tokio::time::sleep(Duration::from_millis(150));
        let failed = plan.up(&Silent, OnFailure::RollBack, interrupt).await.unwrap_err();
        assert!(matches!(failed.reason, Reason::Interrupted), "{on}: {failed:?}");
        // Nor is anything made afterwards by what nobody waits for any more.
        tokio::time::sleep(Duration::from_millis(500)).await;
        fake.with(|world| {
            assert!(world.containers.is_empty() && !world.networks.contains_key("kwok-default"), "{on}");
        });
    }
}
