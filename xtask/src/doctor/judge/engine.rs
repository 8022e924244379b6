//! The container engine, its images, what `auto` makes of it, and what is left in it.

use std::collections::BTreeMap;

use super::{Line, Question, hung, seen};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::{EngineView, Observations};
use tools::engine::{AutoRuntime, EngineError, EngineState, PinnedImage, choose, images_present, to_pull};
use tools::pins::EnvironmentKind;
use tools::{Os, Version};

/// k3d asks for it, and so does the rest.
const MINIMUM: &str = "20.10.5";

/// By which KWOK's containers can be told, and Docker Compose's.
const PROJECT: &str = "com.docker.compose.project";

/// By which k3d's containers can be told.
const K3D_CLUSTER: &str = "k3d.cluster";

/// Engine, images, and the choice of `auto`.
pub(super) fn lines(question: &Question<'_>, observations: &Observations) -> Vec<Line> {
    let required = question.on_engine();
    let fix = "restart the container engine";
    let view = match seen("engine", &observations.engine, required, fix) {
        Ok(view) => view,
        Err(line) => return vec![line, Line::info("images", "not asked, as the engine does not answer")],
    };
    let mut lines = vec![state(question, view).required_if(required)];
    match &view.state {
        Ok(_) => lines.push(of_images(question, observations)),
        Err(_) => lines.push(Line::info("images", "not asked, as there is no engine")),
    }
    if question.kind != Some(EnvironmentKind::Dev) {
        let choice = match choose(&view.state, question.pins) {
            AutoRuntime::Docker => "docker, as the engine answers and has every image".to_owned(),
            AutoRuntime::Embedded(why) => why,
        };
        lines.push(Line::info("--runtime auto", choice));
    }
    lines
}

fn state(question: &Question<'_>, view: &EngineView) -> Line {
    const NAME: &str = "engine";
    let os = question.os;
    let state = match &view.state {
        Ok(state) => state,
        Err(error) => return Line::lacking(NAME, error.to_string(), remedy(error, os)),
    };
    let EngineState { product, version_text, operating_system, candidate, .. } = state;
    let rootless = if state.rootless { ", rootless" } else { "" };
    let summary = format!(
        "{product} {version_text}{rootless} at {} ({}), {operating_system}",
        candidate.address, candidate.named_by
    );
    if state.os_type == "windows" {
        let fix = r#"& "$Env:ProgramFiles\Docker\Docker\DockerCli.exe" -SwitchLinuxEngine"#;
        return Line::lacking(NAME, format!("{summary}: it runs Windows containers"), fix);
    }
    // Podman counts its own way.
    let minimum = MINIMUM.parse::<Version>().ok().filter(|_| product != "Podman");
    if let (Some(minimum), Some(version)) = (minimum, &state.version)
        && *version < minimum
    {
        let fix = match os {
            Os::Linux => "sudo apt-get install --only-upgrade docker.io, or as your distribution does it",
            Os::Darwin => "brew upgrade colima docker",
            Os::Windows => "winget upgrade Docker.DockerDesktop",
        };
        return Line::lacking(NAME, format!("{summary}: {MINIMUM} or newer is needed"), fix);
    }
    Line::ok(NAME, summary)
}

/// The command that brings an engine up.
fn remedy(error: &EngineError, os: Os) -> String {
    let fix = match (error, os) {
        (EngineError::NotPermitted { .. }, Os::Linux) => "sudo usermod -aG docker $USER && newgrp docker",
        (EngineError::NotPermitted { .. }, _) => "start the engine as this user",
        (EngineError::Configuration(_), _) => "unset DOCKER_HOST, or docker context use default",
        (EngineError::NoAnswer { named_by, .. }, _) if named_by == "DOCKER_HOST" => {
            "start the engine that DOCKER_HOST names, or unset DOCKER_HOST"
        }
        (EngineError::NoAnswer { named_by, .. }, _) if named_by.contains("colima") => "colima start",
        (EngineError::NoAnswer { named_by, .. }, _) if named_by.contains("context") => {
            "start the engine of that context, or docker context use default"
        }
        (EngineError::NoAnswer { .. } | EngineError::None { .. }, Os::Linux) => {
            "sudo systemctl start docker; where it is not installed: sudo apt-get install docker.io"
        }
        (EngineError::NoAnswer { .. } | EngineError::None { .. }, Os::Darwin) => {
            "colima start; where it is not installed: brew install colima docker"
        }
        (EngineError::NoAnswer { .. } | EngineError::None { .. }, Os::Windows) => {
            "start Docker Desktop; where it is not installed: winget install Docker.DockerDesktop"
        }
    };
    fix.to_owned()
}

/// The images of the environment that is asked about, or of `kwok`.
pub(super) fn images(question: &Question<'_>, observations: &Observations) -> Vec<PinnedImage> {
    let kind = question.kind.unwrap_or(EnvironmentKind::Kwok);
    match &observations.engine {
        Observed::Seen(EngineView { state: Ok(state), .. }) => {
            images_present(question.pins, kind, &state.images)
        }
        _ => images_present(question.pins, kind, &[]),
    }
}

fn of_images(question: &Question<'_>, observations: &Observations) -> Line {
    const NAME: &str = "images";
    let images = images(question, observations);
    let missing: Vec<&PinnedImage> = images.iter().filter(|image| !image.present).collect();
    if missing.is_empty() {
        return Line::ok(NAME, format!("all {} are there", images.len()));
    }
    let names: Vec<&str> = missing.iter().map(|image| image.name.as_str()).collect();
    let summary = format!(
        "{} of {} are there; {} would be pulled: {}",
        images.len() - missing.len(),
        images.len(),
        to_pull(&images),
        names.join(", ")
    );
    // They are pulled when they are needed. Whether they can be is said of the registries.
    Line::info(NAME, summary)
}

/// What former environments have left: in this user's files, and in the engine.
pub(super) fn leftovers(observations: &Observations) -> Line {
    const NAME: &str = "leftovers";
    let mut found = Vec::new();
    let mut fixes = Vec::new();
    match &observations.own {
        Observed::Seen(Ok(own)) => found.extend(own.silent.iter().cloned()),
        Observed::Seen(Err(why)) => found.push(why.clone()),
        Observed::TimedOut(deadline) => {
            found.push(format!("the environments of this user: {}", hung(*deadline)));
        }
        Observed::Broke => {}
    }
    if let Observed::Seen(view) = &observations.engine
        && let Ok(state) = &view.state
    {
        in_engine(state, &view.kwok_folders, &mut found, &mut fixes);
    }
    match (found.is_empty(), fixes.is_empty()) {
        (true, _) => Line::ok(NAME, "none"),
        (false, true) => Line::info(NAME, found.join("; ")),
        (false, false) => Line { fix: Some(fixes.join("; ")), ..Line::info(NAME, found.join("; ")) },
    }
}

/// Clusters of which only a part is there. A whole one runs, or was stopped on purpose.
fn in_engine(state: &EngineState, folders: &[String], found: &mut Vec<String>, fixes: &mut Vec<String>) {
    let mut clusters: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for container in &state.containers {
        let kwok = container.label(PROJECT).and_then(|project| project.strip_prefix("kwok-"));
        let k3d = container.label(K3D_CLUSTER);
        let Some(key) = kwok.map(|name| ("kwok", name)).or(k3d.map(|name| ("k3d", name))) else { continue };
        let (running, all) = clusters.entry(key).or_default();
        *running += usize::from(container.runs());
        *all += 1;
    }
    let delete = |kind: &str, name: &str| match kind {
        "kwok" => format!("kwokctl delete cluster --name {name}"),
        _ => format!("k3d cluster delete {name}"),
    };
    for (&(kind, name), &(running, all)) in &clusters {
        if running < all && running > 0 {
            found.push(format!("of {kind} cluster {name} only {running} of {all} containers run"));
            fixes.push(delete(kind, name));
        }
    }
    let networks = state.networks.iter().filter_map(|network| {
        ["kwok", "k3d"]
            .iter()
            .find_map(|kind| Some((*kind, network.name.strip_prefix(kind)?.strip_prefix('-')?)))
    });
    for (kind, name) in networks {
        if !clusters.contains_key(&(kind, name)) {
            found.push(format!("the network {kind}-{name} has no cluster"));
            fixes.push(format!("docker network rm {kind}-{name}"));
        }
    }
    for name in folders {
        if !clusters.contains_key(&("kwok", name)) {
            found.push(format!("kwokctl's folder of cluster {name} has no containers here"));
            fixes.push(delete("kwok", name));
        }
    }
}
