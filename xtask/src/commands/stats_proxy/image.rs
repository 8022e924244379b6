//! `cargo xtask stats-proxy image`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use environments::engine::Engine;
use environments::image::{self, Architecture, Archive, StatsProxyImage, architecture_of_this_machine};
use environments::plan::{Ending, Progress, Report as _, State, StepName};
use tools::{SystemProcesses, cache_folder};

use super::{Image, ImagePlatform};
use crate::context::Context;
use crate::environment::find_engine;
use crate::ui::{SideBySide, print_result};

const BUILD: StepName = "build";
const ARCHIVE: StepName = "archive";
const ENGINE: StepName = "engine";

impl Image {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start the async runtime")?;
        let made = runtime.block_on(self.make(context));
        runtime.shutdown_background();
        made?;
        print_result(&format!("{}\n", image::NAME))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn make(&self, context: &Context) -> anyhow::Result<()> {
        let report = SideBySide::new();
        let architecture = match self.platform {
            Some(ImagePlatform::LinuxAmd64) => Architecture::Amd64,
            Some(ImagePlatform::LinuxArm64) => Architecture::Arm64,
            None => architecture_of_this_machine()?,
        };
        // Before the build, which takes minutes. Without import, one that is there may be needed to build with.
        let engine = match find_engine().await {
            Ok(engine) => Some(engine),
            Err(_) if self.no_import => None,
            Err(error) if self.archive.is_some() => {
                return Err(error.context("an archive alone needs no engine: add --no-import; else"));
            }
            Err(error) => return Err(error),
        };
        let image = StatsProxyImage {
            workspace: context.root().to_owned(),
            cache: cache_folder()?,
            architecture,
            processes: Arc::new(SystemProcesses),
        };
        let archive = step(&report, BUILD, async |progress| {
            let archive = image.build_archive(engine.as_ref(), progress).await?;
            let detail = format!("linux/{}, {:.1} MB", architecture.name(), archive.bytes.len() as f64 / 1e6);
            anyhow::Ok((archive, Ending::Up(detail)))
        })
        .await?;
        if let Some(path) = &self.archive {
            step(&report, ARCHIVE, async |_| write(path, &archive)).await?;
        }
        match engine {
            Some(engine) if !self.no_import => {
                step(&report, ENGINE, async |_| bring(&engine, archive).await).await
            }
            _ => Ok(()),
        }
    }
}

/// Does something and tells of it.
async fn step<T>(
    report: &SideBySide,
    name: StepName,
    work: impl AsyncFnOnce(&Progress<'_>) -> anyhow::Result<(T, Ending)>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    report.began(name);
    let outcome = work(&Progress::new(name, report)).await;
    let (outcome, ending) = match outcome {
        Ok((value, ending)) => (Ok(value), ending),
        Err(error) => (Err(error), Ending::Failed),
    };
    report.ended(name, &ending, began.elapsed());
    outcome
}

fn write(path: &Path, archive: &Archive) -> anyhow::Result<((), Ending)> {
    std::fs::write(path, &archive.bytes).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(((), Ending::Up(path.display().to_string())))
}

async fn bring(engine: &Engine, archive: Archive) -> anyhow::Result<((), Ending)> {
    let place = format!("{} at {}", image::NAME, engine.address());
    if matches!(image::look(engine, &archive).await?, State::Up(_)) {
        return Ok(((), Ending::Already(place)));
    }
    image::import(engine, archive).await?;
    Ok(((), Ending::Up(place)))
}
