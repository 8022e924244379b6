//! Brings the steps of an environment up and takes them down, and tells what came of it.

use std::process::ExitCode;

use environments::plan::{Downed, Failed, OnFailure, Plan, Reason, Report as _, Undone};

use super::{RealEnvironment, RealEnvironments};
use crate::environment::Signals;
use crate::ui::SideBySide;

/// What came of a start.
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
/// When a step fails, after what was changed has been taken down again, or kept as `on_failure` says.
pub(crate) async fn bring_up(
    plan: &Plan,
    environments: &RealEnvironments,
    environment: &mut RealEnvironment,
    on_failure: OnFailure,
) -> anyhow::Result<Start> {
    let was_up = environments.read(&environment.name).is_some_and(|before| before.is_up);
    environments.write(environment)?;
    let report = SideBySide::new();
    let mut signals = Signals::listen(false)?;
    let stop = async {
        let signal = signals.next().await;
        let then = match on_failure {
            OnFailure::RollBack => "what this start has made is removed again",
            OnFailure::Keep => "what there is stays",
        };
        report.note(&format!("{signal}: {then}"));
    };
    match plan.up(&report, on_failure, stop).await {
        Ok(_) => {
            environment.is_up = true;
            environments.write(environment)?;
            Ok(Start::Up)
        }
        Err(failed) => {
            // What was up before this start still is, but for the steps that were made anew.
            let nothing_left =
                !was_up && matches!(&failed.undone, Undone::RolledBack(left) if left.is_empty());
            if nothing_left {
                environments.forget(&environment.name)?;
            }
            tell(&report, environment, &failed, nothing_left);
            match failed.reason {
                Reason::Interrupted => Ok(Start::Ended(ExitCode::from(INTERRUPTED))),
                Reason::Step(step, error) => Err(error.context(format!("{step} failed"))),
            }
        }
    }
}

fn tell(report: &SideBySide, environment: &RealEnvironment, failed: &Failed, nothing_left: bool) {
    for (step, error) in &failed.others {
        report.note(&format!("{step} failed too: {error:#}"));
    }
    let down = format!("`cargo xtask down{}`", environment.name.flag());
    match &failed.undone {
        Undone::RolledBack(left) if left.is_empty() && nothing_left => {
            report.note("rolled back: nothing of it is left");
        }
        Undone::RolledBack(left) if left.is_empty() => {
            report.note(&format!("rolled back: what was there before stays; {down} ends it"));
        }
        Undone::RolledBack(left) => {
            for (step, error) in left {
                report.note(&format!("{step} could not be removed: {error:#}"));
            }
            report.note(&format!("rolled back, but for that: {down} tries again"));
        }
        Undone::Kept(steps) if steps.is_empty() => {}
        Undone::Kept(steps) => {
            report.note(&format!(
                "kept: {}; the next start goes on from there, {down} removes it",
                steps.join(", ")
            ));
        }
    }
}

/// Takes everything down. Forgets the environment once nothing of it is left.
///
/// # Errors
/// When something could not be removed: the first reason; the others are told.
pub(crate) async fn take_down(
    plan: &Plan,
    environments: &RealEnvironments,
    environment: &RealEnvironment,
) -> anyhow::Result<()> {
    let report = SideBySide::new();
    let Downed { removed, failed } = plan.down(&report).await;
    let mut failed = failed.into_iter();
    if let Some((step, error)) = failed.next() {
        for (step, error) in failed {
            report.note(&format!("{step} could not be removed either: {error:#}"));
        }
        return Err(error.context(format!("{step} of {} could not be removed", environment.name)));
    }
    environments.forget(&environment.name)?;
    let name = &environment.name;
    report.note(&if removed.is_empty() {
        format!("nothing was left of {name}")
    } else {
        format!("{name} is down: nothing of it is left")
    });
    Ok(())
}
