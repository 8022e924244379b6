//! The images that are there before a container is made of them.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use futures_util::future::BoxFuture;
use tools::cache_folder;

use super::{Parts, step};
use crate::engine::Engine;
use crate::image::{self, Archive, StatsProxyImage, architecture_of_this_machine};
use crate::plan::{Progress, Silent, State, Step, StepName};

/// Pinned images. They stay when the environment goes down.
pub(super) struct Images {
    name: StepName,
    images: Vec<String>,
    offline: bool,
    engine: Engine,
}

impl Images {
    pub(super) fn new(name: StepName, images: &[&str], offline: bool, engine: &Engine) -> Self {
        let images = images.iter().map(|image| (*image).to_owned()).collect();
        Self { name, images, offline, engine: engine.clone() }
    }

    async fn missing(&self) -> anyhow::Result<Vec<&str>> {
        let mut missing = Vec::new();
        for image in &self.images {
            if !self.engine.has_image(image).await? {
                missing.push(image.as_str());
            }
        }
        Ok(missing)
    }

    fn described(&self) -> String {
        match self.images.as_slice() {
            // Its name and tag or digest, without the registry.
            [one] => one.rsplit('/').next().unwrap_or(one).chars().take(60).collect(),
            several => format!("{} images", several.len()),
        }
    }
}

impl Step for Images {
    fn name(&self) -> StepName {
        self.name
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            let missing = self.missing().await?;
            Ok(if missing.is_empty() { State::Up(self.described()) } else { State::Absent })
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let missing = self.missing().await?;
            if self.offline && !missing.is_empty() {
                bail!(
                    "the engine does not have {}: `docker pull` it where there is a network, or leave --offline out",
                    missing.join(", ")
                );
            }
            for image in missing {
                self.engine.pull(image, progress).await?;
            }
            Ok(self.described())
        })
    }
}

/// Our own image: built from this repository, brought into the engine when it has changed. It stays too.
pub(super) struct ProxyImage {
    image: StatsProxyImage,
    engine: Engine,
    built: Mutex<Option<Archive>>,
}

impl ProxyImage {
    pub(super) fn new(parts: &Parts) -> anyhow::Result<Self> {
        let image = StatsProxyImage {
            workspace: parts.workspace.clone(),
            cache: cache_folder()?,
            architecture: architecture_of_this_machine()?,
            processes: Arc::clone(&parts.processes),
        };
        Ok(Self { image, engine: parts.engine.clone(), built: Mutex::new(None) })
    }

    async fn build(&self, progress: &Progress<'_>) -> anyhow::Result<Archive> {
        let known = self.built.lock().unwrap_or_else(PoisonError::into_inner).take();
        match known {
            Some(archive) => Ok(archive),
            None => self.image.build_archive(Some(&self.engine), progress).await,
        }
    }
}

impl Step for ProxyImage {
    fn name(&self) -> StepName {
        step::PROXY_IMAGE
    }

    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async {
            if !self.engine.has_image(image::NAME).await? {
                return Ok(State::Absent);
            }
            // Cargo says whether it is the program of today, and takes a moment if it is.
            let archive = self.build(&Progress::new(step::PROXY_IMAGE, &Silent)).await?;
            let state = image::look(&self.engine, &archive).await?;
            *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(archive);
            Ok(state)
        })
    }

    fn up<'a>(&'a self, progress: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            let archive = self.build(progress).await?;
            let megabytes = archive.bytes.len().div_ceil(1_000_000);
            progress.show("the engine takes it in");
            image::import(&self.engine, archive).await?;
            Ok(format!("{megabytes} MB"))
        })
    }
}
