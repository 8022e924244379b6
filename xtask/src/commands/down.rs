//! `cargo xtask down`: ends what runs.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::commands::ChosenEnvironment;
use crate::context::Context;
use crate::environment::{
    Ending, EnvironmentName, Presence, RunningEnvironment, SHUTDOWN, StateFolder, ask_change, ask_status,
    silent,
};
use crate::ui::Steps;

/// End a running environment, in the background or not.
///
/// Asks the environment that answers at the address in its state file, and that proves to be the one in the file, to
/// end, and waits until its process is gone. Succeeds when nothing runs. Removes what a crashed one has left behind.
#[derive(clap::Args)]
pub(crate) struct Down {
    #[command(flatten)]
    environment: ChosenEnvironment,

    /// End all of them.
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

/// How long an environment may come up before it is not waited for any longer: a large fleet with days of history takes
/// minutes.
const COMING_UP: Duration = Duration::from_secs(300);

/// How often to say that it is still waited for.
const SAY: Duration = Duration::from_secs(10);

/// How long an environment may take to end: two seconds for its last requests, and the rest for a slow machine.
const ENDING: Duration = Duration::from_secs(20);

const LOOK: Duration = Duration::from_millis(50);

impl Down {
    pub(crate) fn run(self, _: &Context) -> anyhow::Result<ExitCode> {
        let state = StateFolder::of_user()?;
        let steps = Steps::new();
        let found = if self.all { state.all() } else { vec![state.find(self.environment.name())?] };
        if found.iter().all(|(_, presence)| matches!(presence, Presence::Absent)) {
            steps.note(match self.environment.name() {
                Some(name) => format!("no environment named {name} runs"),
                None => "nothing runs".to_owned(),
            });
            return Ok(ExitCode::SUCCESS);
        }
        for (name, presence) in found {
            end(&state, &name, presence, &steps)?;
        }
        for (name, _) in state.all() {
            steps.note(format!("{name} still runs: `cargo xtask down{}` ends it", name.flag()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn end(state: &StateFolder, name: &EnvironmentName, presence: Presence, steps: &Steps) -> anyhow::Result<()> {
    let Some(environment) = come_up(state, name, presence, steps)? else {
        steps.note(format!("{name} has ended by itself"));
        return Ok(());
    };
    steps.run(
        "down",
        |_| {
            ask_change::<Ending>(&environment, SHUTDOWN, &())?;
            gone(state, &environment)
        },
        |()| format!("{name} (process {}, {}) has ended", environment.pid, environment.web_url),
    )
}

/// The environment, once it answers; none if it ends before.
fn come_up(
    state: &StateFolder,
    name: &EnvironmentName,
    mut presence: Presence,
    steps: &Steps,
) -> anyhow::Result<Option<RunningEnvironment>> {
    let begun = Instant::now();
    let mut said = None;
    loop {
        match presence {
            Presence::Absent => return Ok(None),
            Presence::Running(environment, _) => return Ok(Some(*environment)),
            Presence::Silent { pid, came_up: true } => return Err(silent(name, pid, true)),
            Presence::Silent { pid, .. } if begun.elapsed() > COMING_UP => {
                let process = pid.map_or_else(|| "its process".to_owned(), |pid| format!("process {pid}"));
                anyhow::bail!(
                    "{name} has neither come up nor ended after {} min: end {process} yourself",
                    COMING_UP.as_secs() / 60
                );
            }
            Presence::Silent { .. } => match said {
                None => {
                    steps.note(format!("{name} is coming up or ending: waiting for it"));
                    said = Some(Instant::now());
                }
                Some(last) if last.elapsed() >= SAY => {
                    steps.note(format!("still waiting for {name} after {} s", begun.elapsed().as_secs()));
                    said = Some(Instant::now());
                }
                Some(_) => {}
            },
        }
        std::thread::sleep(LOOK);
        presence = state.look(name);
    }
}

/// Waits until the environment does not answer and its process has let go of the name.
fn gone(state: &StateFolder, environment: &RunningEnvironment) -> anyhow::Result<()> {
    let patience = Instant::now() + ENDING;
    while state.is_held(&environment.name) || ask_status(environment).is_some() {
        if Instant::now() > patience {
            anyhow::bail!(
                "{} was asked to end and has not after {} s: end process {} yourself",
                environment.name,
                ENDING.as_secs(),
                environment.pid
            );
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
