//! Takes the steps of a plan up and down, side by side where their needs allow it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use super::{Ending, Plan, Progress, Removal, Report, State, Step, StepName};

/// What happens to what this run has changed, when a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It goes down again.
    RollBack,
    /// It stays, for a look at it, and the next run goes on from there.
    Keep,
}

/// All steps are up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upped {
    /// Those that this run has brought up, in the order in which they came up.
    pub changed: Vec<StepName>,
    /// Those that were up already.
    pub untouched: Vec<StepName>,
}

/// Why the steps are not up.
#[derive(Debug)]
pub enum Reason {
    /// A step failed, the first one.
    Step(StepName, anyhow::Error),
    /// The user ended it.
    Interrupted,
}

/// What happened to what the run had changed.
#[derive(Debug)]
pub enum Undone {
    /// It is gone, but for these steps.
    RolledBack(Vec<(StepName, anyhow::Error)>),
    /// These steps were changed and stay.
    Kept(Vec<StepName>),
}

/// The steps are not up.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub reason: Reason,
    /// Other steps that failed meanwhile.
    pub others: Vec<(StepName, anyhow::Error)>,
    /// What came of what was changed.
    pub undone: Undone,
}

/// What going down came to.
#[derive(Debug, Default)]
pub struct Downed {
    /// What was there and is gone, in that order.
    pub removed: Vec<StepName>,
    /// What could not be removed.
    pub failed: Vec<(StepName, anyhow::Error)>,
}

/// How the way up of one step ended.
enum Climbed {
    Changed(String),
    Already(String),
    GivenUp,
}

impl Plan {
    /// Brings every step up that is not, until `stop` comes.
    ///
    /// # Errors
    /// When a step fails or `stop` comes. Steps that can be dropped are dropped then, the others are waited for; no step is begun
    /// any more, and what was changed is rolled back or kept.
    pub async fn up(
        &self,
        report: &dyn Report,
        on_failure: OnFailure,
        stop: impl Future<Output = ()>,
    ) -> Result<Upped, Failed> {
        let touched: Vec<AtomicBool> = self.steps.iter().map(|_| AtomicBool::new(false)).collect();
        let (give_up, given_up) = watch::channel(false);
        let mut stop = pin!(stop);
        let (mut begun, mut up) = (BTreeSet::new(), BTreeSet::new());
        let mut upped = Upped::default();
        let (mut reason, mut others) = (None, Vec::new());
        let mut running = FuturesUnordered::new();
        loop {
            if reason.is_none() {
                for (index, step) in self.steps.iter().enumerate() {
                    let ready = step.needs().iter().all(|need| up.contains(need));
                    if ready && begun.insert(step.name()) {
                        let given_up = given_up.clone();
                        let touched = &touched[index];
                        running.push(async move {
                            (step.name(), climb(step.as_ref(), report, touched, given_up).await)
                        });
                    }
                }
            }
            let ended = tokio::select! {
                ended = running.next() => ended,
                () = &mut stop, if reason.is_none() => {
                    reason = Some(Reason::Interrupted);
                    give_up.send_replace(true);
                    continue;
                }
            };
            let Some((name, outcome)) = ended else { break };
            match outcome {
                Ok(Climbed::Changed(_)) => upped.changed.push(name),
                Ok(Climbed::Already(_)) => upped.untouched.push(name),
                Ok(Climbed::GivenUp) => continue,
                Err(error) => {
                    match reason {
                        None => reason = Some(Reason::Step(name, error)),
                        Some(_) => others.push((name, error)),
                    }
                    give_up.send_replace(true);
                    continue;
                }
            }
            up.insert(name);
        }
        drop(running);
        let Some(reason) = reason else { return Ok(upped) };
        let changed = |index: usize| touched[index].load(Ordering::Relaxed);
        let undone = match on_failure {
            OnFailure::Keep => Undone::Kept(
                self.names().enumerate().filter(|(index, _)| changed(*index)).map(|(_, name)| name).collect(),
            ),
            OnFailure::RollBack => Undone::RolledBack(self.descend(report, changed).await.failed),
        };
        Err(Failed { reason, others, undone })
    }

    /// Takes every step down, whatever is there of it. One that fails does not keep the others up.
    pub async fn down(&self, report: &dyn Report) -> Downed {
        self.descend(report, |_| true).await
    }

    /// Takes those steps down that are `chosen`, each after those that hold it.
    async fn descend(&self, report: &dyn Report, chosen: impl Fn(usize) -> bool) -> Downed {
        let mut left: Vec<&dyn Step> = (0..self.steps.len())
            .filter(|index| chosen(*index))
            .map(|index| self.steps[index].as_ref())
            .collect();
        let mut running = FuturesUnordered::new();
        let mut unfinished: BTreeSet<StepName> = left.iter().map(|step| step.name()).collect();
        let mut downed = Downed::default();
        loop {
            left.retain(|step| {
                let needed = self
                    .steps
                    .iter()
                    .any(|other| unfinished.contains(other.name()) && holds(other.as_ref(), step.name()));
                if !needed {
                    let step = *step;
                    running.push(async move { (step.name(), fall(step, report).await) });
                }
                needed
            });
            let Some((name, outcome)) = running.next().await else { return downed };
            unfinished.remove(name);
            match outcome {
                Ok(Removal::Removed) => downed.removed.push(name),
                Ok(Removal::Nothing) => {}
                Err(error) => downed.failed.push((name, error)),
            }
        }
    }
}

/// Whether a step keeps another one from going down.
fn holds(step: &dyn Step, other: StepName) -> bool {
    step.needs().contains(&other) || step.down_before().contains(&other)
}

/// Brings one step up, and tells of it.
async fn climb(
    step: &dyn Step,
    report: &dyn Report,
    touched: &AtomicBool,
    mut given_up: watch::Receiver<bool>,
) -> anyhow::Result<Climbed> {
    let begun = Instant::now();
    report.began(step.name());
    let give_up = async {
        // The sender outlives every step.
        let _ = given_up.wait_for(|given_up| *given_up).await;
    };
    let outcome = tokio::select! {
        outcome = change(step, report, touched) => outcome,
        () = give_up, if step.can_be_dropped() => Ok(Climbed::GivenUp),
    };
    let ending = match &outcome {
        Ok(Climbed::Changed(detail)) => Ending::Up(detail.clone()),
        Ok(Climbed::Already(detail)) => Ending::Already(detail.clone()),
        Ok(Climbed::GivenUp) => Ending::GivenUp,
        Err(_) => Ending::Failed,
    };
    report.ended(step.name(), &ending, begun.elapsed());
    outcome
}

async fn change(step: &dyn Step, report: &dyn Report, touched: &AtomicBool) -> anyhow::Result<Climbed> {
    let progress = Progress::new(step.name(), report);
    match step.look().await? {
        State::Up(detail) => return Ok(Climbed::Already(detail)),
        State::Absent => touched.store(true, Ordering::Relaxed),
        State::Different(what) => {
            touched.store(true, Ordering::Relaxed);
            // Whoever looks at the output afterwards should find why everything on it was lost.
            progress.note(&format!("{} is made anew: {what}", step.name()));
            step.down(&progress).await?;
        }
    }
    step.up(&progress).await.map(Climbed::Changed)
}

/// Takes one step down, and tells of it if there was something.
async fn fall(step: &dyn Step, report: &dyn Report) -> anyhow::Result<Removal> {
    let begun = Instant::now();
    let outcome = step.down(&Progress::new(step.name(), report)).await;
    match &outcome {
        Ok(Removal::Nothing) => {}
        Ok(Removal::Removed) => report.ended(step.name(), &Ending::Down, begun.elapsed()),
        Err(_) => report.ended(step.name(), &Ending::Failed, begun.elapsed()),
    }
    outcome
}
