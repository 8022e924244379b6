//! The collectors' chart: a file whose hash is pinned, or else the repository's, by version.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use futures_util::future::BoxFuture;
use tools::pins::{ChartPin, PinnedFile, Pins};
use tools::{Downloader, needs_https};

use super::program::Chart;
use super::values::CHART;
use super::{DevOptions, Parts, step};
use crate::plan::{Progress, State, Step, StepName};

/// The step that has the chart ready.
#[derive(Clone)]
pub(super) struct ChartStep {
    pins: Arc<Pins>,
    pin: ChartPin,
    folder: PathBuf,
    offline: bool,
}

impl ChartStep {
    pub(super) fn new(options: &DevOptions, parts: &Parts) -> anyhow::Result<Self> {
        let pin = parts.pins.charts.get(CHART);
        let pin = pin.with_context(|| format!("{} has no charts.{CHART}", tools::pins::PINS_FILE))?.clone();
        Ok(Self {
            pins: Arc::clone(&parts.pins),
            pin,
            folder: parts.charts.clone(),
            offline: options.offline,
        })
    }

    /// Its version.
    pub(super) fn version(&self) -> String {
        self.pin.version.to_string()
    }

    /// Where Helm takes it from: the file, if there is one.
    pub(super) fn chart(&self) -> Chart {
        match self.file() {
            Some(path) if path.is_file() => Chart::File(path),
            _ => Chart::Repository {
                url: self.pin.repository.clone(),
                name: CHART.to_owned(),
                version: self.version(),
            },
        }
    }

    /// The place of the checked file: with its hash in the name, so that another pin is another file.
    fn file(&self) -> Option<PathBuf> {
        let hash = self.pin.sha256?.short();
        Some(self.folder.join(format!("{CHART}-{}-{hash}.tgz", self.pin.version)))
    }

    fn pinned(&self) -> Option<PinnedFile> {
        let url = self.pin.url();
        self.pins.files().into_iter().find(|file| file.url == url)
    }

    fn said(&self) -> String {
        match self.chart() {
            Chart::File(_) => format!("{} from the cache", self.version()),
            Chart::Repository { url, .. } => format!("{} from {url}", self.version()),
        }
    }
}

impl Step for ChartStep {
    fn name(&self) -> StepName {
        step::CHART
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            Ok(match self.chart() {
                Chart::File(_) => State::Up(self.said()),
                Chart::Repository { .. } => State::Absent,
            })
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let (Some(path), Some(file)) = (self.file(), self.pinned()) else {
                if self.offline {
                    bail!(
                        "--offline: the chart {CHART} {} has no hash in deploy/pins.yaml, so it is not kept: \
                         `cargo xtask pins update` with a network",
                        self.version()
                    );
                }
                progress.note(&format!(
                    "the chart {CHART} has no hash in deploy/pins.yaml and is taken by its version: `cargo xtask pins update`"
                ));
                return Ok(self.said());
            };
            // Helm itself has TLS, whatever this build has.
            if needs_https(&file.url) && !self.offline {
                return Ok(self.said());
            }
            let offline = self.offline;
            let saving = tokio::task::spawn_blocking(move || {
                Downloader::new(offline).save(&file, &path, &mut |_, _| {})
            });
            saving.await.context("a download was given up")??;
            Ok(self.said())
        })
    }
}
