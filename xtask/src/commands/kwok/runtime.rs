//! Where the cluster runs: decided before anything is changed, and never again.

use clap::ValueEnum;
use serde::Serialize;
use tools::Os;
use tools::engine::{ANSWER_DEADLINE, AutoRuntime, Surroundings, choose, look};
use tools::pins::{Pins, pins_path};

use super::Kwok;
use crate::context::Context;
use crate::environment::{Presence, RealEnvironments, RealKind, StateFolder};
use crate::ui::{Steps, Usage};

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    /// On a container engine if it answers and has all images already, else embedded.
    Auto,
    /// KWOK, collector and LGTM in containers.
    Docker,
    /// All in this process.
    Embedded,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Docker,
    Embedded,
}

/// Flags that only a simulation in this process can follow, by their fields.
const EMBEDDED_ONLY: [&str; 11] = [
    "backfill",
    "seed",
    "now",
    "clusters",
    "otlp_endpoint",
    "otlp_header",
    "scenario",
    "enable_feature",
    "api_port",
    "stats_port",
    "stats_node",
];

/// Flags that mean something on an engine only.
const DOCKER_ONLY: [&str; 6] = ["beyla", "wait", "no_switch_context", "retain", "offline", "otlp_grpc_port"];

impl Kwok {
    /// Chooses. What runs under the name already decides, if it is not said.
    pub(super) fn choose(&self, context: &Context, steps: &Steps) -> anyhow::Result<Chosen> {
        if self.in_background {
            return Ok(Chosen::Embedded);
        }
        let flag = |field: &&&str| context.was_given(field);
        let embedded_only = EMBEDDED_ONLY.iter().find(flag).map(|field| written(field));
        let docker_only = DOCKER_ONLY.iter().find(flag).map(|field| written(field));
        let runs = self.running()?;
        let chosen = match (self.runtime, runs) {
            (Runtime::Docker, _) => Chosen::Docker,
            (Runtime::Embedded, _) => Chosen::Embedded,
            (Runtime::Auto, Some(chosen)) => chosen,
            (Runtime::Auto, None) => match (&embedded_only, &docker_only) {
                (Some(flag), None) => {
                    steps.note(format!("runtime: embedded, as {flag} can only be had there"));
                    Chosen::Embedded
                }
                (_, Some(flag)) => {
                    let message = format!("{flag} is for a container engine: add --runtime docker");
                    return Err(Usage(message).into());
                }
                (None, None) => automatic(context, steps)?,
            },
        };
        let stray = match chosen {
            Chosen::Docker => embedded_only.map(|flag| {
                format!("{flag}: KWOK's cluster lives in real time, so this can only be had embedded, without --runtime docker")
            }),
            Chosen::Embedded => docker_only.map(|flag| {
                format!("{flag}: the embedded runtime has no containers; --runtime docker has")
            }),
        };
        if let Some(message) = stray {
            return Err(Usage(message).into());
        }
        if let Some(runs) = runs.filter(|runs| *runs != chosen) {
            let (name, flag) = (&self.name, self.name.flag());
            let how = match runs {
                Chosen::Docker => "on a container engine",
                Chosen::Embedded => "embedded",
            };
            anyhow::bail!(
                "{name} runs {how} already: end it by `cargo xtask down{flag}`, or take another --name and ports"
            );
        }
        Ok(chosen)
    }

    /// Where an environment of this name runs, if it does.
    ///
    /// # Errors
    /// When one was brought up on an engine, and how cannot be read.
    fn running(&self) -> anyhow::Result<Option<Chosen>> {
        if StateFolder::of_user().is_ok_and(|state| !matches!(state.look(&self.name), Presence::Absent)) {
            return Ok(Some(Chosen::Embedded));
        }
        // Without a home nothing was ever written down.
        let Ok(environments) = RealEnvironments::of_user() else { return Ok(None) };
        let real = environments.read(&self.name)?;
        Ok(real.filter(|real| real.kind == RealKind::Kwok).map(|_| Chosen::Docker))
    }
}

fn automatic(context: &Context, steps: &Steps) -> anyhow::Result<Chosen> {
    let pins = Pins::read(&pins_path(context.root()))?;
    let engine = look(&Surroundings::of_user(), Os::current(), ANSWER_DEADLINE)?;
    Ok(match choose(&engine, &pins) {
        AutoRuntime::Docker => {
            steps.note("runtime: docker, as the container engine has all images");
            Chosen::Docker
        }
        AutoRuntime::Embedded(why) => {
            steps.note(format!("runtime: {why}"));
            Chosen::Embedded
        }
    })
}

/// A flag as people write it.
fn written(field: &str) -> String {
    format!("--{}", field.replace('_', "-"))
}
