//! Programs for tests: each run is written down and answered from a list.

use std::sync::Mutex;

use super::{Finished, Invocation, ProcessFailure, Processes};

/// What a fake program does with a run.
type Answer = Box<dyn Fn(&Invocation) -> Result<Finished, ProcessFailure> + Send + Sync>;

/// Runs nothing. A program that was not set up is not installed.
#[derive(Default)]
pub struct FakeProcesses {
    programs: Vec<(String, Answer)>,
    runs: Mutex<Vec<Invocation>>,
}

impl FakeProcesses {
    /// A program that always prints `stdout`. It is known by the last part of its path.
    pub fn with(self, program: &str, stdout: &str) -> Self {
        let stdout = stdout.as_bytes().to_vec();
        self.answering(program, move |_| Ok(Finished { stdout: stdout.clone(), stderr: Vec::new() }))
    }

    /// A program that answers as `answer` says.
    pub fn answering(
        mut self,
        program: &str,
        answer: impl Fn(&Invocation) -> Result<Finished, ProcessFailure> + Send + Sync + 'static,
    ) -> Self {
        self.programs.push((program.to_owned(), Box::new(answer)));
        self
    }

    /// What was run, in order.
    pub fn runs(&self) -> Vec<Invocation> {
        self.runs.lock().unwrap().clone()
    }
}

impl Processes for FakeProcesses {
    fn run(&self, invocation: &Invocation) -> Result<Finished, ProcessFailure> {
        self.runs.lock().unwrap().push(invocation.clone());
        let path = std::path::Path::new(&invocation.program);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match self.programs.iter().find(|(program, _)| *program == name) {
            Some((_, answer)) => answer(invocation),
            None => Err(ProcessFailure::NotInstalled(name)),
        }
    }
}
