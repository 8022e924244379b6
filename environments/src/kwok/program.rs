//! kwokctl itself: from PATH, the cache, or downloaded.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tools::pins::{Pins, ToolName};
use tools::{Downloader, Missing, OnProgress, Origin, Processes, Tool, Toolbox};

use super::{Parts, step};
use crate::plan::{Progress, State, Step, StepName};

/// kwokctl, found once.
pub(super) struct Program {
    pins: Arc<Pins>,
    processes: Arc<dyn Processes>,
    offline: bool,
    found: Mutex<Option<Tool>>,
}

impl Program {
    pub(super) fn new(parts: &Parts, offline: bool) -> Self {
        Self {
            pins: Arc::clone(&parts.pins),
            processes: Arc::clone(&parts.processes),
            offline,
            found: Mutex::new(parts.kwokctl.clone()),
        }
    }

    fn known(&self) -> Option<Tool> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, tool: Tool) -> Tool {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(tool.clone());
        tool
    }

    /// Looks for it, without the network.
    fn look(&self) -> anyhow::Result<Result<Tool, Missing>> {
        if let Some(tool) = self.known() {
            return Ok(Ok(tool));
        }
        let toolbox = Toolbox::of_user(&self.pins, self.processes.as_ref())?;
        Ok(toolbox.look(ToolName::Kwokctl).map(|tool| self.remember(tool)))
    }

    /// Its path. Downloads it if need be and nothing forbids it.
    pub(super) fn path(&self) -> anyhow::Result<PathBuf> {
        Ok(self.obtain(&mut |_, _| ())?.path)
    }

    fn obtain(&self, told: OnProgress<'_>) -> anyhow::Result<Tool> {
        if let Ok(tool) = self.look()? {
            return Ok(tool);
        }
        let toolbox = Toolbox::of_user(&self.pins, self.processes.as_ref())?;
        let tool = toolbox.obtain(ToolName::Kwokctl, &Downloader::new(self.offline), told)?;
        Ok(self.remember(tool))
    }
}

/// The step that has it ready.
pub(super) struct ProgramStep(pub(super) Arc<Program>);

impl Step for ProgramStep {
    fn name(&self) -> StepName {
        step::PROGRAM
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            let program = Arc::clone(&self.0);
            let looked = tokio::task::spawn_blocking(move || program.look());
            Ok(match looked.await.context("looking for kwokctl broke off")?? {
                Ok(tool) => State::Up(described(&tool)),
                Err(_) => State::Absent,
            })
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let program = Arc::clone(&self.0);
            let (told, mut heard) = mpsc::unbounded_channel();
            let obtaining = tokio::task::spawn_blocking(move || {
                program.obtain(&mut |done, _| {
                    // Whoever does not listen any more has given up.
                    let _ = told.send(done);
                })
            });
            while let Some(done) = heard.recv().await {
                progress.show(&format!("{} MB", done / 1_000_000));
            }
            Ok(described(&obtaining.await.context("the download of kwokctl broke off")??))
        })
    }
}

fn described(tool: &Tool) -> String {
    let origin = match tool.origin {
        Origin::Path => "from PATH",
        Origin::Cache => "from the cache",
    };
    format!("{} {origin}", tool.version)
}
