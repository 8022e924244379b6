use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fake::{FakeEngine, docker};
use super::*;
use crate::pins::{EnvironmentKind, Pins, pins_path};

fn at(engine: &FakeEngine) -> Surroundings {
    Surroundings { docker_host: Some(engine.host()), ..Surroundings::default() }
}

fn looked(surroundings: &Surroundings) -> Result<EngineState, EngineError> {
    look(surroundings, Os::Linux, Duration::from_secs(5)).unwrap()
}

fn pins() -> Pins {
    Pins::read(&pins_path(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))).unwrap()
}

/// All images of the environment as an engine lists them, but for the first `missing`.
fn images(missing: usize) -> Value {
    let pins = pins();
    let images = pins.images_for(EnvironmentKind::Kwok).skip(missing).map(|(_, pin)| {
        let digests = pin.digest.map(|digest| vec![format!("{}@{digest}", pin.image.name())]);
        json!({"Id": "sha256:1", "RepoTags": [pin.image.to_string()], "RepoDigests": digests, "Size": 1})
    });
    Value::Array(images.collect())
}

#[test]
fn an_engine_is_asked_what_it_is_and_what_it_has() {
    let mut answers = docker(images(0));
    let container = json!([{"Id": "1", "Names": ["/kwok-kwok-etcd"], "State": "running",
        "Labels": {"com.docker.compose.project": "kwok-kwok"},
        "Ports": [{"PrivatePort": 6443, "PublicPort": 32766, "Type": "tcp"}, {"PrivatePort": 1, "Type": "tcp"}]}]);
    answers.insert("/containers/json?all=true", (200, container));
    let engine = FakeEngine::start("whole", answers);
    let state = looked(&at(&engine)).unwrap();
    assert_eq!((&*state.product, &*state.version_text), ("Docker Engine - Community", "28.2.2"));
    assert_eq!((state.memory, state.cgroup_version.as_deref()), (Some(16_000_000_000), Some("2")));
    assert_eq!(state.time.unwrap().to_string(), "2026-11-23T12:00:00.5Z");
    assert!(!state.rootless);
    let container = &state.containers[0];
    assert_eq!((container.name(), container.runs()), ("kwok-kwok-etcd", true));
    assert_eq!(container.label("com.docker.compose.project"), Some("kwok-kwok"));
    assert!(container.publishes(32766) && !container.publishes(6443));
    assert_eq!(state.networks[0].name, "bridge");
    let paths = ["/_ping", "/version", "/info", "/images/json", "/containers/json?all=true", "/networks"];
    assert_eq!(engine.requests(), paths.map(|path| format!("GET {path} HTTP/1.1")));
}

#[test]
fn podman_is_known_by_its_components_and_what_it_leaves_out_is_not_missed() {
    let answers = [
        ("/_ping", (200, json!("OK"))),
        ("/version", (200, json!({"Version": "5.2.0", "Components": [{"Name": "Podman Engine"}]}))),
        ("/info", (200, json!({"SecurityOptions": ["name=rootless"]}))),
        ("/images/json", (200, json!([{"RepoTags": null}, {}]))),
        ("/containers/json?all=true", (200, json!([{"Names": null}]))),
        ("/networks", (200, json!([]))),
    ];
    let engine = FakeEngine::start("podman", answers.into());
    let state = looked(&at(&engine)).unwrap();
    assert_eq!((&*state.product, state.rootless, state.memory), ("Podman", true, None));
    assert_eq!(state.containers[0].name(), "a container without a name");
}

#[test]
fn what_is_no_engine_or_one_in_trouble_is_told() {
    let mut refusing = docker(json!([]));
    refusing.insert("/info", (500, json!({"message": "the storage driver is broken"})));
    let mut other = docker(json!([]));
    other.insert("/version", (200, json!({"Release": "another program"})));
    for (name, engine, told) in [
        (
            "refusing",
            FakeEngine::start("refusing", refusing),
            "500 Internal Server Error: the storage driver is broken",
        ),
        ("other", FakeEngine::start("other", other), "not that of an engine"),
        ("absent", FakeEngine::start("absent", [].into()), "404 Not Found: page not found"),
        (
            "garbage",
            FakeEngine::start_with("garbage", |_, stream| stream.write_all(b"220 mail ready\r\n").unwrap()),
            "",
        ),
        ("hangs up", FakeEngine::start_with("hangs-up", |_, _| {}), ""),
    ] {
        let error = looked(&at(&engine)).unwrap_err();
        assert!(matches!(error, EngineError::NoAnswer { .. }), "{name}: {error}");
        assert!(
            error.to_string().contains(told) && error.to_string().contains("DOCKER_HOST"),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_engine_that_hangs_is_given_up_after_the_deadline() {
    let engine = FakeEngine::start_with("hangs", |_, _| std::thread::sleep(Duration::from_secs(20)));
    let started = Instant::now();
    let error = look(&at(&engine), Os::Linux, Duration::from_millis(200)).unwrap().unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10), "it was waited for");
    assert!(error.to_string().contains("did not answer within 0.2 s"), "{error}");
}

#[test]
fn of_the_usual_places_the_first_that_answers_is_taken_and_a_socket_without_an_engine_is_passed_over() {
    let engine = FakeEngine::start("usual", docker(json!([])));
    let gone = FakeEngine::start("gone", docker(json!([])));
    let stale = gone.socket.with_extension("stale");
    let _ = std::fs::remove_file(&stale);
    // A socket stays when its engine dies.
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let candidate =
        |path: &Path| Candidate { address: Address::Unix(path.to_owned()), named_by: "Docker".to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let usual =
        vec![candidate(Path::new("/nowhere/docker.sock")), candidate(&stale), candidate(&engine.socket)];
    let found = runtime.block_on(first_of(usual.clone(), ANSWER_DEADLINE)).unwrap();
    assert_eq!(found.candidate.address, Address::Unix(engine.socket.clone()));
    let none = runtime.block_on(first_of(usual[..2].to_vec(), ANSWER_DEADLINE)).unwrap_err();
    assert!(matches!(&none, EngineError::None { tried } if tried.len() == 2), "{none}");
    std::fs::remove_file(&stale).unwrap();
}

#[test]
fn a_socket_that_is_not_for_this_user_is_told_from_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let engine = FakeEngine::start("forbidden", docker(json!([])));
    std::fs::set_permissions(&engine.socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    match looked(&at(&engine)) {
        Ok(_) => println!("skipped: root may open every socket"),
        Err(error) => assert!(matches!(error, EngineError::NotPermitted { .. }), "{error}"),
    }
}

#[test]
fn an_engine_on_a_port_is_spoken_to_as_well() {
    let server = crate::server::Server::start(|request, stream| {
        let body = docker(json!([]))[request.path()].1.to_string();
        crate::server::respond(stream, "200 OK", &[], body.as_bytes());
    });
    let host = server.url.replace("http://", "tcp://");
    let surroundings = Surroundings { docker_host: Some(host), ..Surroundings::default() };
    assert_eq!(looked(&surroundings).unwrap().version_text, "28.2.2");
}

#[test]
fn auto_takes_the_engine_only_when_it_answers_and_has_every_image() {
    let pins = pins();
    let all = FakeEngine::start("auto-all", docker(images(0)));
    assert_eq!(choose(&looked(&at(&all)), &pins), AutoRuntime::Docker);

    let some = FakeEngine::start("auto-some", docker(images(2)));
    let AutoRuntime::Embedded(why) = choose(&looked(&at(&some)), &pins) else { panic!() };
    assert!(why.contains("2 of 7 images are not there yet; `--runtime docker` would pull 2 images"), "{why}");

    let gone =
        Surroundings { docker_host: Some("unix:///nowhere.sock".to_owned()), ..Surroundings::default() };
    let AutoRuntime::Embedded(why) = choose(&looked(&gone), &pins) else { panic!() };
    assert!(why.contains("/nowhere.sock") && why.contains("would pull 7 images"), "{why}");
    assert!(!why.contains('\n'), "{why}");

    let mut windows = docker(images(0));
    windows.insert("/info", (200, json!({"OSType": "windows"})));
    let windows = FakeEngine::start("auto-windows", windows);
    assert!(matches!(choose(&looked(&at(&windows)), &pins), AutoRuntime::Embedded(_)));
}

#[test]
fn how_much_would_be_pulled_is_said_as_far_as_it_is_known() {
    let mut images = images_present(&pins(), EnvironmentKind::Kwok, &[]);
    images.truncate(3);
    for (megabytes, told) in [
        ([Some(100), Some(20), Some(3)], "3 images, 123 MB"),
        ([Some(100), None, Some(3)], "3 images, more than 103 MB"),
        ([None; 3], "3 images, of unknown size"),
    ] {
        for (image, megabytes) in images.iter_mut().zip(megabytes) {
            image.pin.megabytes = megabytes;
        }
        assert_eq!(to_pull(&images), told);
    }
}

#[test]
fn a_real_engine_answers_everything_that_is_asked() {
    let Ok(state) = looked(&Surroundings::of_user()) else {
        println!("skipped: no container engine runs here");
        return;
    };
    assert!(!state.version_text.is_empty() && state.version.is_some(), "{}", state.version_text);
    assert!(state.memory.is_some() && state.time.is_some() && state.folder.is_some());
    assert!(matches!(state.cgroup_version.as_deref(), Some("1" | "2")));
    assert!(!state.networks.is_empty(), "every engine has some");
}
