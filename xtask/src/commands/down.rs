//! `cargo xtask down`: ends what runs.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::commands::{ChosenEnvironment, chosen_record, name_of, real};
use crate::context::Context;
use crate::environment::{
    Ending, EnvironmentName, Presence, RealEnvironments, RunningEnvironment, SHUTDOWN, StateFolder,
    ask_change, ask_status, silent,
};
use crate::ui::Steps;

/// End a running environment, in the background or not, embedded or on a container engine.
///
///   cargo xtask down
///   cargo xtask down dev
///   cargo xtask down --all
///
/// An embedded one is asked to end, once it has proved to be the one in its state file, and waited for. Of one on an engine,
/// containers, network, cluster, kubeconfig and kubectl's context are removed, each only if it is ours; images stay. They are looked for
/// on the engine that they were made on, whichever DOCKER_HOST names now. Succeeds when nothing runs. Removes what a crashed or
/// half-made one has left behind; while a start is under way, that is to be ended first.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Down {
    /// Which one, as --name has it.
    #[arg(value_name = "ENVIRONMENT", conflicts_with = "name")]
    chosen: Option<EnvironmentName>,

    #[command(flatten)]
    environment: ChosenEnvironment,

    /// End all of them.
    #[arg(long, conflicts_with_all = ["name", "chosen"])]
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
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let name = self.chosen.as_ref().or(self.environment.name());
        let real = if self.all {
            RealEnvironments::of_user()?.all()
        } else {
            chosen_record(name)?.into_iter().collect()
        };
        if !real.is_empty() {
            let code = real::down(context, &real)?;
            if !self.all || code != ExitCode::SUCCESS {
                return Ok(code);
            }
        }
        let state = StateFolder::of_user()?;
        let steps = Steps::new();
        let found = if self.all { state.all() } else { vec![state.find(name)?] };
        if found.iter().all(|(_, presence)| matches!(presence, Presence::Absent)) {
            if real.is_empty() {
                steps.note(match name {
                    Some(name) => format!("no environment named {name} runs"),
                    None => "nothing runs".to_owned(),
                });
            }
            return Ok(ExitCode::SUCCESS);
        }
        for (name, presence) in found {
            end(&state, &name, presence, &steps)?;
        }
        let left = state.all().into_iter().map(|(name, _)| name);
        for name in left.chain(RealEnvironments::of_user()?.all().iter().map(|real| name_of(real).clone())) {
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
