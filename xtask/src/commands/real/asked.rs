//! `down` and `status` of environments on a container engine.

use std::process::ExitCode;

use anyhow::Context as _;
use environments::kwok::{Names, OPTIONAL, removal};
use environments::plan::{Plan, State};
use serde::Serialize;

use crate::commands::Format;
use crate::commands::dev::start::{plan_of, removal_of};
use crate::commands::kwok::docker::parts;
use crate::context::Context;
use crate::environment::{
    EnvironmentName, RealEnvironment, RealEnvironments, RealKind, find_engine, take_down,
};
use crate::ui::{Steps, Table, print_result};

/// Steps that wait for something and leave nothing behind that could be looked at.
const WAITING: [&str; 3] = ["chart", "rollouts", "data"];

/// Takes environments down, one after the other; one that cannot be does not keep the others up.
pub(in crate::commands) fn down(context: &Context, real: &[RealEnvironment]) -> anyhow::Result<ExitCode> {
    let environments = RealEnvironments::of_user()?;
    block_on(async {
        let mut first = None;
        for environment in real {
            let plan = parts_of(context, &environments, environment, Purpose::Remove).await?;
            if let Err(error) = take_down(&plan, &environments, environment).await {
                match &first {
                    None => first = Some(error),
                    Some(_) => Steps::new().note(format!("{error:#}")),
                }
            }
        }
        first.map_or(Ok(ExitCode::SUCCESS), Err)
    })
}

/// What the parts of an environment are asked for.
#[derive(Clone, Copy)]
enum Purpose {
    Look,
    Remove,
}

/// The parts of an environment.
async fn parts_of(
    context: &Context,
    environments: &RealEnvironments,
    environment: &RealEnvironment,
    purpose: Purpose,
) -> anyhow::Result<Plan> {
    let engine = find_engine().await?;
    if engine.address() != environment.engine {
        Steps::new().note(format!(
            "warning: {} was brought up on the engine at {}, and now it is the one at {}",
            environment.name,
            environment.engine,
            engine.address()
        ));
    }
    match (environment.kind, purpose) {
        // What is there can be told and removed without knowing how it was made.
        (RealKind::Kwok, _) => {
            let names = Names::new(&environment.name.to_string(), &environments.folder(&environment.name));
            removal(&names, &parts(context, engine).await?)
        }
        (RealKind::Dev, Purpose::Look) => plan_of(context, environments, environment, engine),
        (RealKind::Dev, Purpose::Remove) => removal_of(context, environments, environment, engine),
    }
}

/// An environment as `--format json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a EnvironmentName,
    runtime: &'static str,
    is_up: bool,
    since: String,
    page_url: &'a str,
    api_url: &'a str,
    otlp_url: &'a str,
    parts: Vec<Part>,
}

/// A part of it.
#[derive(Serialize)]
struct Part {
    name: &'static str,
    state: &'static str,
    detail: String,
}

/// Prints what there is of each. The exit code is that of `status`: 0 when one is whole.
pub(in crate::commands) fn status(
    context: &Context,
    real: &[RealEnvironment],
    format: Format,
) -> anyhow::Result<ExitCode> {
    let environments = RealEnvironments::of_user()?;
    let shown = block_on(async {
        let mut shown = Vec::new();
        for environment in real {
            let plan = parts_of(context, &environments, environment, Purpose::Look).await?;
            let looked = plan.look().await.into_iter().filter(|(name, state)| {
                !matches!(state, Ok(State::Absent)) || !(OPTIONAL.contains(name) || WAITING.contains(name))
            });
            let parts = looked.map(|(name, state)| part(name, state)).collect();
            shown.push(Shown {
                name: &environment.name,
                runtime: runtime(environment.kind),
                is_up: environment.is_up,
                since: environment.since.strftime("%FT%TZ").to_string(),
                page_url: &environment.grafana_url,
                api_url: &environment.prometheus_url,
                otlp_url: &environment.otlp_url,
                parts,
            });
        }
        anyhow::Ok(shown)
    })?;
    match format {
        Format::Json => print_result(&format!("{}\n", serde_json::to_string_pretty(&shown)?))?,
        Format::Text => {
            let tables: Vec<String> = shown.iter().map(text).collect();
            print_result(&tables.join("\n"))?;
        }
    }
    let whole = |shown: &Shown<'_>| shown.parts.iter().all(|part| part.state == "up");
    Ok(if shown.iter().any(whole) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn runtime(kind: RealKind) -> &'static str {
    match kind {
        RealKind::Kwok => "docker",
        RealKind::Dev => "k3d",
    }
}

fn part(name: &'static str, state: anyhow::Result<State>) -> Part {
    let (state, detail) = match state {
        Ok(State::Up(detail)) => ("up", detail),
        Ok(State::Different(detail)) => ("different", detail),
        Ok(State::Absent) => ("absent", String::new()),
        Err(error) => ("unknown", format!("{error:#}")),
    };
    Part { name, state, detail }
}

fn text(shown: &Shown<'_>) -> String {
    let mut table = Table::default();
    table.text_column("environment");
    table.text_column(format!("{}: {}", shown.name, shown.runtime));
    let mut row = |name: &str, value: &str| table.row(vec![name.to_owned(), value.to_owned()]);
    row("since", shown.since.trim_end_matches('Z').replace('T', " ").as_str());
    row("Grafana", shown.page_url);
    row("Prometheus API", shown.api_url);
    row("OTLP metrics", shown.otlp_url);
    if !shown.is_up {
        row("start", "did not come to its end; start it again to go on, or `cargo xtask down`");
    }
    for part in &shown.parts {
        let separator = if part.detail.is_empty() { "" } else { ": " };
        row(part.name, &format!("{}{separator}{}", part.state, part.detail));
    }
    table.render()
}

pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
