//! Containers, and programs that are run in them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::Shared;
use super::server::{Answer, Asked, PAUSE, done, framed, json_answer, ok, pieces, plain, refused};
use super::world::{FakeContainer, FakeFile, Program, Status, World};

/// What a folder is, as the API has it in a header.
const FOLDER: &str = "eyJuYW1lIjogIi8iLCAic2l6ZSI6IDQwOTYsICJtb2RlIjogMjE0NzQ4NDE0MSwgIm10aW1lIjogIjIwMjYtMTEtMjNUMTI6MDA6MDBaIiwgImxpbmtUYXJnZXQiOiAiIn0=";

pub(super) fn answer(asked: Asked, parts: &[&str], shared: &Arc<Shared>) -> Answer {
    let mut world = shared.world.lock().unwrap();
    match (&*asked.method, parts) {
        ("GET", ["containers", "json"]) => ok(&list(&world, &asked)),
        ("POST", ["containers", "create"]) => create(&mut world, &asked),
        ("POST", ["exec", id, "start"]) => {
            let id = (*id).to_owned();
            drop(world);
            start_exec(asked, &id, shared)
        }
        ("GET", ["exec", id, "json"]) => match world.execs.get(*id) {
            Some((_, _, code)) => ok(&json!({ "ID": id, "Running": false, "ExitCode": code })),
            None => refused(404, &format!("No such exec instance: {id}")),
        },
        (_, ["containers", name, ..]) => {
            let Some(name) = world.find(name) else {
                return refused(404, &format!("No such container: {name}"));
            };
            of_container(&asked, parts, &name, &mut world, shared)
        }
        _ => refused(404, "page not found"),
    }
}

fn of_container(
    asked: &Asked,
    parts: &[&str],
    name: &str,
    world: &mut World,
    shared: &Arc<Shared>,
) -> Answer {
    let running = world.containers[name].status == Status::Running;
    match (&*asked.method, &parts[2..]) {
        ("GET", ["json"]) => ok(&inspected(name, &world.containers[name])),
        ("POST", ["start"]) => start(world, name),
        ("POST", ["stop"]) => {
            if !running {
                return plain(304, b"");
            }
            // 128 and SIGTERM.
            world.end_container(name, 143);
            done()
        }
        ("POST", ["restart"]) => {
            if running {
                world.end_container(name, 143);
            }
            start(world, name)
        }
        ("DELETE", []) => {
            if running && asked.query("force") != "true" {
                return refused(
                    409,
                    "cannot remove container: container is running: stop the container before removing",
                );
            }
            world.containers.remove(name);
            done()
        }
        ("HEAD", ["archive"]) => {
            let path = asked.query("path");
            let below = format!("{}/", path.trim_end_matches('/'));
            let known = ["/", "/etc", "/tmp"].contains(&path)
                || world.containers[name].files.keys().any(|file| file.starts_with(&below))
                || is_mounted(&world.containers[name], path);
            let mut answer = plain(if known { 200 } else { 404 }, b"");
            answer.headers_mut().insert("X-Docker-Container-Path-Stat", FOLDER.parse().unwrap());
            answer
        }
        ("PUT", ["archive"]) => put(world, name, asked),
        ("GET", ["logs"]) => logs(asked, name, &world.containers[name], shared),
        ("POST", ["exec"]) => {
            if !running {
                return refused(409, &format!("container {name} is not running"));
            }
            let command = serde_json::from_value(asked.json()["Cmd"].clone()).unwrap_or_default();
            let id = world.id();
            world.execs.insert(id.clone(), (name.to_owned(), command, 0));
            json_answer(201, &json!({ "Id": id }))
        }
        _ => refused(404, "page not found"),
    }
}

fn list(world: &World, asked: &Asked) -> Value {
    let (all, labels, networks, states) = (
        asked.query("all") == "true",
        asked.filter("label"),
        asked.filter("network"),
        asked.filter("status"),
    );
    let through = |container: &FakeContainer| {
        let labelled = labels.iter().all(|label| match label.split_once('=') {
            Some((name, value)) => container.labels.get(name).is_some_and(|own| own == value),
            None => container.labels.contains_key(label),
        });
        (all || container.status == Status::Running)
            && labelled
            && (networks.is_empty() || networks.iter().any(|network| container.networks.contains(network)))
            && (states.is_empty() || states.iter().any(|state| state == word(container.status)))
    };
    let listed = world.containers.iter().filter(|(_, container)| through(container));
    listed
        .map(|(name, container)| {
            let ports = container.ports().into_iter().filter(|_| container.status == Status::Running).map(
                |(host, own)| json!({ "IP": "127.0.0.1", "PrivatePort": own, "PublicPort": host, "Type": "tcp" }),
            );
            json!({
                "Id": container.id, "Names": [format!("/{name}")], "Image": container.body["Image"],
                "Labels": container.labels, "State": word(container.status), "Status": sentence(container.status),
                "Ports": ports.collect::<Value>(),
            })
        })
        .collect()
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Exited(_) => "exited",
    }
}

fn sentence(status: Status) -> String {
    match status {
        Status::Created => "Created".to_owned(),
        Status::Running => "Up 2 minutes".to_owned(),
        Status::Exited(code) => format!("Exited ({code}) 2 minutes ago"),
    }
}

fn inspected(name: &str, container: &FakeContainer) -> Value {
    let code = match container.status {
        Status::Exited(code) => code,
        Status::Created | Status::Running => 0,
    };
    let ports: BTreeMap<String, Value> = container
        .ports()
        .into_iter()
        .map(|(host, own)| {
            (format!("{own}/tcp"), json!([{ "HostIp": "127.0.0.1", "HostPort": host.to_string() }]))
        })
        .collect();
    json!({
        "Id": container.id, "Name": format!("/{name}"), "RestartCount": 0,
        "State": {
            "Status": word(container.status), "Running": container.status == Status::Running, "ExitCode": code,
            "OOMKilled": container.out_of_memory, "Error": "",
        },
        "Config": { "Image": container.body["Image"], "Labels": container.labels },
        "HostConfig": { "NetworkMode": container.body["HostConfig"]["NetworkMode"] },
        "NetworkSettings": { "Ports": ports },
    })
}

fn create(world: &mut World, asked: &Asked) -> Answer {
    let (name, body) = (asked.query("name").to_owned(), asked.json());
    if let Some(other) = world.containers.get(&name) {
        let id = &other.id;
        return refused(
            409,
            &format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". You have to remove (or \
                 rename) that container to be able to reuse that name."
            ),
        );
    }
    let image = body["Image"].as_str().unwrap_or_default().to_owned();
    let Some((_, found)) = world.image(&image) else {
        return refused(404, &format!("No such image: {image}"));
    };
    let mut labels = found.labels.clone();
    labels.extend(
        serde_json::from_value::<BTreeMap<String, String>>(body["Labels"].clone()).unwrap_or_default(),
    );
    for mount in body["HostConfig"]["Mounts"].as_array().into_iter().flatten() {
        let source = mount["Source"].as_str().unwrap_or_default();
        if world.missing_paths.contains(source) {
            return refused(
                400,
                &format!("invalid mount config for type \"bind\": bind source path does not exist: {source}"),
            );
        }
    }
    let id = world.id();
    let container = FakeContainer {
        id: id.clone(),
        body,
        labels,
        status: Status::Created,
        out_of_memory: false,
        files: BTreeMap::new(),
        log: String::new(),
        networks: Default::default(),
    };
    world.containers.insert(name, container);
    json_answer(201, &json!({ "Id": id, "Warnings": [] }))
}

fn start(world: &mut World, name: &str) -> Answer {
    let container = &world.containers[name];
    if container.status == Status::Running {
        return plain(304, b"");
    }
    let mode = container.asked("/HostConfig/NetworkMode").unwrap_or_default().to_owned();
    if let Some(other) = mode.strip_prefix("container:") {
        match world.find(other).map(|other| world.containers[&other].status) {
            None => return refused(404, &format!("No such container: {other}")),
            Some(Status::Running) => {}
            Some(_) => {
                return refused(409, &format!("cannot join network of a non running container: {other}"));
            }
        }
    } else if !world.networks.contains_key(&mode) {
        return refused(404, &format!("network {mode} not found"));
    }
    let others = |port: u16| {
        let mut others = world.containers.values().filter(|other| other.status == Status::Running);
        others.any(|other| other.ports().iter().any(|(host, _)| *host == port))
    };
    for (host, _) in container.ports() {
        let trouble = if others(host) {
            format!("Bind for 127.0.0.1:{host} failed: port is already allocated")
        } else if world.taken_ports.contains(&host) {
            format!(
                "failed to bind host port for 127.0.0.1:{host}:172.18.0.2:{host}/tcp: address already in use"
            )
        } else {
            continue;
        };
        return refused(
            500,
            &format!(
                "failed to set up container networking: driver failed programming external connectivity on endpoint {name} \
                 (5f): {trouble}"
            ),
        );
    }
    let program = world.programs.get(name).cloned().unwrap_or_else(|| Program::Runs(String::new()));
    let Some(container) = world.containers.get_mut(name) else { return refused(404, "No such container") };
    container.networks.insert(mode);
    match program {
        Program::Runs(said) => {
            container.status = Status::Running;
            container.log += &said;
        }
        Program::Ends(said, code) => {
            container.status = Status::Exited(code);
            container.log += &said;
        }
        Program::Eats => {
            container.status = Status::Exited(137);
            container.out_of_memory = true;
        }
    }
    done()
}

fn is_mounted(container: &FakeContainer, path: &str) -> bool {
    let mounts = container.body["HostConfig"]["Mounts"].as_array();
    mounts.into_iter().flatten().any(|mount| mount["Target"].as_str() == Some(path))
}

fn put(world: &mut World, name: &str, asked: &Asked) -> Answer {
    let Some(container) = world.containers.get_mut(name) else { return refused(404, "No such container") };
    let folder = asked.query("path");
    let read_only = container.body["HostConfig"]["ReadonlyRootfs"] == true;
    if read_only && !is_mounted(container, folder) {
        return refused(403, "container rootfs is marked read-only");
    }
    let mut archive = tar::Archive::new(asked.body.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = format!("{}/{}", folder.trim_end_matches('/'), entry.path().unwrap().display());
        let header = entry.header();
        let (mode, uid, gid) = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).unwrap();
        container.files.insert(path, FakeFile { mode, uid, gid, contents });
    }
    plain(200, b"")
}

fn logs(asked: &Asked, name: &str, container: &FakeContainer, shared: &Arc<Shared>) -> Answer {
    let all: Vec<&str> = container.log.split_inclusive('\n').collect();
    let tail = asked.query("tail").parse().unwrap_or(all.len());
    let first: Vec<_> = all[all.len().saturating_sub(tail)..].iter().map(|line| framed(1, line)).collect();
    let first = stream::iter(first);
    if asked.query("follow") != "true" {
        return pieces(200, first.boxed());
    }
    // What is said from now on, until the container ends or is gone.
    let state = (Arc::clone(shared), name.to_owned(), container.log.len());
    let further = stream::unfold(state, |(shared, name, heard)| async move {
        loop {
            let (more, runs) = {
                let world = shared.world.lock().unwrap();
                let container = world.containers.get(&name)?;
                (
                    container.log.get(heard..).unwrap_or_default().to_owned(),
                    container.status == Status::Running,
                )
            };
            if !more.is_empty() {
                let heard = heard + more.len();
                return Some((framed(1, &more), (shared, name, heard)));
            }
            if !runs {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    pieces(200, first.chain(further).boxed())
}

fn start_exec(asked: Asked, id: &str, shared: &Arc<Shared>) -> Answer {
    let output = {
        let mut world = shared.world.lock().unwrap();
        let Some((container, command, _)) = world.execs.get(id).cloned() else {
            return refused(404, &format!("No such exec instance: {id}"));
        };
        let output = world.exec(&container, &command);
        if let Some((_, _, code)) = world.execs.get_mut(id) {
            *code = output.code;
        }
        output
    };
    let Some(upgrade) = asked.upgrade else {
        return refused(400, "no upgrade of the connection was asked for");
    };
    tokio::spawn(async move {
        let Ok(connection) = upgrade.await else { return };
        let mut connection = TokioIo::new(connection);
        for (number, text) in [(1, &output.stdout), (2, &output.stderr)] {
            if !text.is_empty() {
                // A client that has gone is none of the engine's business.
                let _ = connection.write_all(&framed(number, text)).await;
            }
        }
        let _ = connection.shutdown().await;
    });
    let mut answer = plain(101, b"");
    answer.headers_mut().insert("Connection", "Upgrade".parse().unwrap());
    answer.headers_mut().insert("Upgrade", "tcp".parse().unwrap());
    answer
}
