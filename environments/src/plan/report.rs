//! What is told while steps go up and down.

use std::time::Duration;

use super::StepName;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is up: what stands behind its name.
    Up(String),
    /// It was up already, and nothing was changed.
    Already(String),
    /// It is down.
    Down,
    /// It failed.
    Failed,
    /// It was given up because another one failed or the user ended it.
    GivenUp,
}

/// Hears what happens. Steps run side by side, so calls of several steps mix.
pub trait Report: Send + Sync {
    /// A step begins to go up or down.
    fn began(&self, step: StepName);
    /// How far it is: `3 of 5 images, 412 MB`.
    fn progress(&self, step: StepName, text: &str);
    /// It has ended.
    fn ended(&self, step: StepName, ending: &Ending, time: Duration);
    /// Something that people should know, of no step.
    fn note(&self, text: &str);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Report for Silent {
    fn began(&self, _: StepName) {}
    fn progress(&self, _: StepName, _: &str) {}
    fn ended(&self, _: StepName, _: &Ending, _: Duration) {}
    fn note(&self, _: &str) {}
}

/// Lets one step say how far it is.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    step: StepName,
    report: &'a dyn Report,
}

impl<'a> Progress<'a> {
    /// The progress of a step.
    pub fn new(step: StepName, report: &'a dyn Report) -> Self {
        Self { step, report }
    }

    /// Says how far it is.
    pub fn show(&self, text: &str) {
        self.report.progress(self.step, text);
    }

    /// Says something that people should know.
    pub fn note(&self, text: &str) {
        self.report.note(text);
    }
}
