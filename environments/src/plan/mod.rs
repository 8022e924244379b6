//! An environment as a list of named steps, and how the list goes up and down.
//!
//! ```text
//!            look            up                     a step fails, or Ctrl-C
//! absent ───────────► absent ──► up          ┌── kept (`--retain`): the next run goes on from here
//! other flags ──────► different ─ down ─ up  ┤
//! as it should be ──► up: left as it is      └── rolled back: what this run has changed goes down again
//! ```
//!
//! Steps run side by side as soon as what they need is up; on the way down a step waits for those that need it.

mod report;
mod running;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

pub use report::{Ending, Progress, Report, Silent};
pub use running::{Downed, Failed, OnFailure, Reason, Undone, Upped};

/// The name of a step, as people read it.
pub type StepName = &'static str;

/// What is there of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing, or so little that it is made anew.
    Absent,
    /// Something that is ours and not what is asked for: what differs, in words. It is taken down and made anew.
    Different(String),
    /// All of it, as asked for, with what stands behind its name.
    Up(String),
}

/// What going down came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Something was there and is gone.
    Removed,
    /// There was nothing to do.
    Nothing,
}

/// One thing that an environment consists of.
///
/// All three functions may be called at any time and any number of times: `up` over the remains of a run that was killed, `down`
/// on nothing. What belongs to others under our names is an error of `look` and `up`, and left alone by `down`.
pub trait Step: Send + Sync {
    /// What people read.
    fn name(&self) -> StepName;

    /// The steps that have to be up before this one.
    fn needs(&self) -> &[StepName] {
        &[]
    }

    /// Steps that must not go down before this one is down, although it could come up without them.
    fn down_before(&self) -> &[StepName] {
        &[]
    }

    /// What is there. It changes nothing. The default is for steps that leave nothing behind, as waiting does.
    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async { Ok(State::Absent) })
    }

    /// Makes it, and says what stands behind the name.
    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>>;

    /// Removes everything that `up` has made. The default is for steps that leave nothing behind.
    fn down<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        let _ = progress;
        Box::pin(async { Ok(Removal::Nothing) })
    }

    /// Whether `up` can be dropped in the middle. One that runs a program cannot: the program would go on beside what undoes it.
    fn can_be_dropped(&self) -> bool {
        true
    }
}

/// The steps of an environment. What a step needs stands before it.
pub struct Plan {
    steps: Vec<Box<dyn Step>>,
}

/// A list of steps that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two have one name.
    #[error("two steps are called {0:?}")]
    Twice(StepName),
    /// It needs one that does not stand before it.
    #[error("{step:?} needs {need:?}, which does not stand before it")]
    Need {
        /// The step.
        step: StepName,
        /// What it needs.
        need: StepName,
    },
}

impl Plan {
    /// A plan of these steps.
    ///
    /// # Errors
    /// When two have one name, or one needs a step that does not stand before it: so there are no cycles.
    pub fn new(steps: Vec<Box<dyn Step>>) -> Result<Self, PlanError> {
        let mut names = BTreeSet::new();
        for step in &steps {
            if let Some(need) = step.needs().iter().find(|need| !names.contains(*need)) {
                return Err(PlanError::Need { step: step.name(), need });
            }
            if !names.insert(step.name()) {
                return Err(PlanError::Twice(step.name()));
            }
        }
        Ok(Self { steps })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = StepName> {
        self.steps.iter().map(|step| step.name())
    }

    /// What is there of each step, asked side by side. It changes nothing.
    pub async fn look(&self) -> Vec<(StepName, anyhow::Result<State>)> {
        let looks = self.steps.iter().map(|step| async { (step.name(), step.look().await) });
        futures_util::future::join_all(looks).await
    }
}
