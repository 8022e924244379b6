//! Brings the steps of an environment up and takes them down, and tells what came of it.
//!
//! What is written down about an environment is forgotten only when nothing of it is left. What is left is not reckoned from what a
//! start has done, but looked for: parts of it may be there from a start before this one.

mod left;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use environments::plan::{Downed, Failed, OnFailure, Plan, Reason, Report, Undone};
use left::Left;

use super::{RealEnvironment, RealEnvironments};
use crate::environment::{EnvironmentName, Signals};
use crate::ui::SideBySide;

/// A start of an environment.
pub(crate) struct Starting<'a> {
    /// Its steps.
    pub(crate) plan: &'a Plan,
    /// Finds and removes whatever there is of it, however that was made.
    pub(crate) remains: &'a Plan,
    /// Where it is written down.
    pub(crate) environments: &'a RealEnvironments,
    /// What is to happen with what it has made when it fails.
    pub(crate) on_failure: OnFailure,
    /// Whether failures are told that only come from Ctrl-C.
    pub(crate) verbose: bool,
}

/// What came of a start.
#[derive(Debug)]
pub(crate) enum Start {
    /// All of it is up.
    Up,
    /// The user ended it: the exit code.
    Ended(ExitCode),
}

/// Programs that Ctrl-C has ended exit so, everywhere.
const INTERRUPTED: u8 = 130;

/// Brings everything up that is not. What is written down about the environment is there before anything is changed, so that `down`
/// finds what is left of a start that was killed.
///
/// # Errors
/// When a step fails, after what was changed has been taken down again, or kept.
pub(crate) async fn bring_up(
    starting: &Starting<'_>,
    environment: &mut RealEnvironment,
) -> anyhow::Result<Start> {
    let report = SideBySide::new();
    let mut signals = Signals::listen(false)?;
    let stop = async {
        let signal = signals.next().await;
        let then = match starting.on_failure {
            OnFailure::RollBack => "what this start has made is removed again",
            OnFailure::Keep => "what there is stays",
        };
        report.note(&format!("{signal}: {then}"));
    };
    starting.run(environment, &report, stop).await
}

impl Starting<'_> {
    async fn run(
        &self,
        environment: &mut RealEnvironment,
        report: &dyn Report,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<Start> {
        let was_there = self.environments.read(&environment.name)?.is_some();
        environment.is_up = false;
        self.environments.write(environment)?;
        let Err(failed) = self.plan.up(report, self.on_failure, stop).await else {
            environment.is_up = true;
            self.environments.write(environment)?;
            return Ok(Start::Up);
        };
        let left = Left::look(self.remains, &failed, was_there).await;
        if left.is_nothing() {
            self.environments.forget(&environment.name)?;
        }
        self.tell(report, &environment.name, &failed, &left);
        match failed.reason {
            Reason::Interrupted => Ok(Start::Ended(ExitCode::from(INTERRUPTED))),
            Reason::Step(step, error) => Err(error.context(format!("{step} failed"))),
        }
    }

    fn tell(&self, report: &dyn Report, name: &EnvironmentName, failed: &Failed, left: &Left) {
        // What else was given up then is not why the start failed.
        if self.verbose || !matches!(failed.reason, Reason::Interrupted) {
            for (step, error) in &failed.others {
                report.note(&format!("{step} failed too: {error:#}"));
            }
        }
        if let Undone::RolledBack(stuck) = &failed.undone {
            for (step, error) in stuck {
                report.note(&format!("{step} could not be removed: {error:#}"));
            }
        }
        report.note(&left.told(&format!("`cargo xtask down{}`", name.flag())));
    }
}

/// Takes everything down. Forgets the environment once nothing of it is left.
///
/// # Errors
/// When something could not be removed: the first reason; the others are told.
pub(crate) async fn take_down(
    remains: &Plan,
    environments: &RealEnvironments,
    name: &EnvironmentName,
) -> anyhow::Result<()> {
    remove(remains, environments, name, &SideBySide::new()).await
}

async fn remove(
    remains: &Plan,
    environments: &RealEnvironments,
    name: &EnvironmentName,
    report: &dyn Report,
) -> anyhow::Result<()> {
    let Downed { removed, failed } = remains.down(report).await;
    let mut failed = failed.into_iter();
    if let Some((step, error)) = failed.next() {
        for (step, error) in failed {
            report.note(&format!("{step} could not be removed either: {error:#}"));
        }
        return Err(error.context(format!("{step} of {name} could not be removed")));
    }
    environments.forget(name)?;
    report.note(&if removed.is_empty() {
        format!("nothing was left of {name}")
    } else {
        format!("{name} is down: nothing of it is left")
    });
    Ok(())
}
