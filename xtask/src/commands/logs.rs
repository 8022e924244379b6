//! `cargo xtask logs`: what a detached environment says.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::commands::real::{self, LogRequest};
use crate::commands::{ChosenEnvironment, chosen_real};
use crate::context::Context;
use crate::environment::{EnvironmentName, LogFile, Presence, StateFolder};
use crate::ui::Usage;

/// Show what an environment has said.
///
/// On a container engine that is what its parts say: lgtm, stats-proxy, collector, beyla, and KWOK's own containers; all of
/// them, or the one that is named.
///
/// Embedded, it is what a detached environment says, or what the last one has said before it ended. One that runs in a
/// terminal says it there and has no log. The log begins anew with every start and is bounded; the one before it stands beside
/// it, with .1 at the end of its name.
#[derive(clap::Args)]
pub(crate) struct Logs {
    /// Of an environment on a container engine: only this part.
    part: Option<String>,

    #[command(flatten)]
    environment: ChosenEnvironment,

    /// Go on until the environment ends or Ctrl-C comes.
    #[arg(short, long)]
    follow: bool,

    /// Only the last N lines.
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
}

const LOOK: Duration = Duration::from_millis(200);

impl Logs {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        if let Some(real) = chosen_real(self.environment.name())? {
            let request = LogRequest { part: self.part.as_deref(), lines: self.lines, follow: self.follow };
            return real::logs(context, &real, &request);
        }
        if let Some(part) = &self.part {
            let message =
                format!("{part}: an embedded environment has one log, and none runs on a container engine");
            return Err(Usage(message).into());
        }
        let state = StateFolder::of_user()?;
        let (name, presence) = state.find(self.environment.name())?;
        if let Presence::Running(environment, _) = &presence
            && !environment.detached
        {
            bail!("{name} (process {}) runs in a terminal and says everything there", environment.pid);
        }
        let log = state.log(&name);
        let (text, mut reader) = match log.last(self.lines) {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(missing(&name, &log)),
            other => other.with_context(|| failed(&log))?,
        };
        let mut wanted = print(&text)?;
        while self.follow && wanted {
            // Asked first, so that the last words of an environment that ends just now are read below.
            let lives = state.is_held(&name);
            wanted = print(&reader.read_new().with_context(|| failed(&log))?)?;
            if !lives {
                break;
            }
            std::thread::sleep(LOOK);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn missing(name: &EnvironmentName, log: &LogFile) -> String {
    format!(
        "there is no log {}: `cargo xtask kwok --detach{}` would write one",
        log.path().display(),
        name.flag()
    )
}

fn failed(log: &LogFile) -> String {
    format!("failed to read the log {}", log.path().display())
}

/// Prints a piece of the log; false when the reader has seen enough (`| head`).
fn print(text: &[u8]) -> anyhow::Result<bool> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        outcome => outcome.map(|()| true).context("failed to write to stdout"),
    }
}
