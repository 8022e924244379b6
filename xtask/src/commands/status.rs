//! `cargo xtask status`: what runs.

use std::process::ExitCode;

use serde::Serialize;

use crate::commands::{ChosenEnvironment, Format, real};
use crate::context::Context;
use crate::environment::{
    EnvironmentName, EnvironmentStatus, Presence, RealEnvironments, RunningEnvironment, StateFolder, silent,
};
use crate::ui::{Table, print_result};

/// Show what runs: where, since when, how large, and what is provoked.
///
/// Shows every environment of this user, or the one that --name names; of one on a container engine, how each of its parts is, whether
/// Grafana and the API server answer, and whether metrics arrive. Exits with 0 when one runs and answers, else with 1: on an engine
/// that is when its start has come to its end and every part is "up".
#[derive(clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    environment: ChosenEnvironment,

    /// How to print it. "json" is a list, empty when nothing runs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An environment as `--format json` shows it. Never with its token.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a EnvironmentName,
    runtime: &'static str,
    detached: bool,
    since: String,
    page_url: &'a str,
    api_url: &'a str,
    otlp_url: &'a str,
    kubelets_url: &'a str,
    #[serde(flatten)]
    status: &'a EnvironmentStatus,
}

impl Status {
    #[allow(clippy::print_stderr, reason = "that there is no result is told on stderr")]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let state = StateFolder::of_user()?;
        let real = RealEnvironments::of_user()?;
        let records = match self.environment.name() {
            Some(name) => real.read(name).transpose().into_iter().collect(),
            None => real.all(),
        };
        let mut real = Vec::new();
        let mut is_unknown = false;
        for record in records {
            match record {
                Ok(environment) => real.push(environment),
                Err(bad) => {
                    is_unknown = true;
                    eprintln!("{bad}");
                }
            }
        }
        let present = match self.environment.name() {
            Some(name) => vec![(name.clone(), state.look(name))],
            None => state.all(),
        };
        let mut running = Vec::new();
        let nothing = !is_unknown && present.iter().all(|(_, presence)| matches!(presence, Presence::Absent));
        for (name, presence) in present {
            match presence {
                Presence::Absent => {}
                Presence::Running(environment, status) => running.push((environment, status)),
                Presence::Silent { pid, came_up } => {
                    eprintln!("{:#}", silent(&name, pid, came_up));
                }
            }
        }
        if !real.is_empty() && running.is_empty() {
            return real::status(context, &real, self.format);
        }
        for other in &real {
            eprintln!(
                "{} is there too, on a container engine: `cargo xtask status --name {}`",
                other.name, other.name
            );
        }
        match self.format {
            Format::Json => print_result(&json(&running)?)?,
            Format::Text if nothing => {
                let flag = self.environment.name().map(EnvironmentName::flag).unwrap_or_default();
                eprintln!("nothing runs: `cargo xtask kwok{flag}` starts an environment");
            }
            Format::Text => {
                let tables: Vec<String> =
                    running.iter().map(|(environment, status)| text(environment, status)).collect();
                print_result(&tables.join("\n"))?;
            }
        }
        Ok(if running.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn json(running: &[(Box<RunningEnvironment>, Box<EnvironmentStatus>)]) -> anyhow::Result<String> {
    let shown: Vec<Shown<'_>> = running
        .iter()
        .map(|(environment, status)| Shown {
            name: &environment.name,
            runtime: "embedded",
            detached: environment.detached,
            since: environment.since.strftime("%FT%TZ").to_string(),
            page_url: &environment.web_url,
            api_url: &environment.api_url,
            otlp_url: &environment.otlp_url,
            kubelets_url: &environment.stats_url,
            status,
        })
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&shown)?))
}

fn text(environment: &RunningEnvironment, status: &EnvironmentStatus) -> String {
    let how = if environment.detached { "in the background" } else { "in a terminal" };
    let mut table = Table::default();
    table.text_column("environment");
    table.text_column(format!("{}: embedded, {how}, process {}", environment.name, environment.pid));
    let place = [
        ("since", environment.since.strftime("%F %T UTC").to_string()),
        ("page", environment.web_url.clone()),
        ("Prometheus API", environment.api_url.clone()),
        ("OTLP metrics", environment.otlp_url.clone()),
        ("kubelets", environment.stats_url.clone()),
    ];
    for (name, value) in place.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(status.rows())
    {
        table.row(vec![name, value]);
    }
    table.render()
}
