//! The container engine, its images, and what `auto` makes of it.

use super::{Line, Question, seen};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::{EngineView, Observations};
use tools::engine::{AutoRuntime, EngineError, EngineState, PinnedImage, choose, images_present, to_pull};
use tools::pins::EnvironmentKind;
use tools::{Os, Version};

/// The name of the engine's own line.
pub(crate) const ENGINE: &str = "engine";

/// k3d asks for it, and so does the rest.
const MINIMUM: &str = "20.10.5";

/// Engine, images, and the choice of `auto`.
pub(super) fn lines(question: &Question<'_>, observations: &Observations) -> Vec<Line> {
    let required = question.on_engine();
    let fix = "restart the container engine";
    let view = match seen(ENGINE, &observations.engine, required, fix) {
        Ok(view) => view,
        Err(line) => return vec![line, Line::info("images", "not asked, as the engine does not answer")],
    };
    let mut lines = vec![state(question, view).required_if(required)];
    match &view.state {
        Ok(_) => lines.push(of_images(question, observations)),
        Err(_) => lines.push(Line::info("images", "not asked, as there is no engine")),
    }
    if !question.is_about(EnvironmentKind::Dev) {
        let choice = match choose(&view.state, question.pins) {
            AutoRuntime::Docker => "docker, as the engine answers and has every image".to_owned(),
            AutoRuntime::Embedded(why) => why,
        };
        lines.push(Line::info("--runtime auto", choice));
    }
    lines
}

fn state(question: &Question<'_>, view: &EngineView) -> Line {
    let os = question.os;
    let state = match &view.state {
        Ok(state) => state,
        Err(error) => return Line::lacking(ENGINE, error.to_string(), remedy(error, os)),
    };
    let EngineState { product, version_text, operating_system, candidate, .. } = state;
    let rootless = if state.rootless { ", rootless" } else { "" };
    let summary = format!(
        "{product} {version_text}{rootless} at {} ({}), {operating_system}",
        candidate.address, candidate.named_by
    );
    if state.os_type == "windows" {
        let fix = r#"& "$Env:ProgramFiles\Docker\Docker\DockerCli.exe" -SwitchLinuxEngine"#;
        return Line::lacking(ENGINE, format!("{summary}: it runs Windows containers"), fix);
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
        return Line::lacking(ENGINE, format!("{summary}: {MINIMUM} or newer is needed"), fix);
    }
    Line::ok(ENGINE, summary)
}

/// The command that brings an engine up.
fn remedy(error: &EngineError, os: Os) -> String {
    let fix = match (error, os) {
        (EngineError::NotPermitted { .. }, Os::Linux) => "sudo usermod -aG docker $USER && newgrp docker",
        (EngineError::NotPermitted { .. }, _) => "start the engine as this user",
        (EngineError::Configuration(unusable), _) => &unusable.remedy,
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
    let kind = question.asked.kind.unwrap_or(EnvironmentKind::Kwok);
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
    let there = format!("{} of {} are there", images.len() - missing.len(), images.len());
    if !question.asked.may_pull() {
        let summary = format!("{there}, and --offline forbids to pull the others: {}", names.join(", "));
        let pulls: Vec<String> =
            missing.iter().map(|image| format!("docker pull {}", image.pin.to_pull())).collect();
        let fix = format!("{}, while there is a network", pulls.join(" && "));
        return Line::lacking(NAME, summary, fix).required_if(question.on_engine());
    }
    let summary = format!("{there}; {} would be pulled: {}", to_pull(&images), names.join(", "));
    // They are pulled when they are needed. Whether they can be is said of the registries.
    Line::info(NAME, summary)
}
