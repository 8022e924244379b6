//! `cargo xtask status`: what runs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use crate::context::Context;
use crate::environment::{EnvironmentStatus, StateFolder, agent};
use crate::ui::{Table, print_result};

/// Show what runs: where, since when, how large.
///
/// Exits with 0 when an environment runs, else with 1.
#[derive(clap::Args)]
pub(crate) struct Status {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    #[allow(clippy::print_stderr, reason = "that there is no result is told on stderr")]
    pub(crate) fn run(self, _: &Context) -> anyhow::Result<ExitCode> {
        let Some(environment) = StateFolder::of_user()?.running() else {
            eprintln!("nothing runs: `cargo xtask kwok` starts an environment");
            return Ok(ExitCode::FAILURE);
        };
        let url = format!("{}/api/environment", environment.web_url);
        let mut answer =
            agent(Duration::from_secs(5)).get(&url).call().with_context(|| format!("failed to ask {url}"))?;
        let text = answer
            .body_mut()
            .read_to_string()
            .with_context(|| format!("failed to read the answer of {url}"))?;
        if self.json {
            print_result(&format!("{text}\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let status: EnvironmentStatus =
            serde_json::from_str(&text).with_context(|| format!("{url} answered something else"))?;
        let mut table = Table::default();
        table.text_column("environment");
        table.text_column(format!("kwok (embedded), process {}", environment.pid));
        for (name, value) in status.rows() {
            table.row(vec![name.to_owned(), value]);
        }
        for (name, value) in [
            ("since", environment.since.strftime("%F %T UTC").to_string()),
            ("page", environment.web_url),
            ("Prometheus API", environment.api_url),
            ("kubelets", environment.stats_url),
        ] {
            table.row(vec![name.to_owned(), value]);
        }
        print_result(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
