//! The image of our own stats-proxy: one static program, FROM scratch, built from this repository.
//!
//! ```text
//! cargo build ──► static program ──► archive (docker save's form) ──► docker load, k3d image import
//!   on Linux: with glibc, or else with musl                             left out when the engine has
//!   elsewhere: in a container with Rust                                 an image of the same program
//! ```

mod builder;
mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use scratch_image::{CONTENT_LABEL, Image};
use tools::Processes;

pub use scratch_image::{Architecture, Archive};

use crate::engine::Engine;
use crate::plan::{Progress, State};

/// The image's name and tag.
pub const NAME: &str = "kubernetes-mixin-otel/stats-proxy:dev";

/// The user that the program runs as; its group has the same number.
pub const USER: u64 = USER_ID as u64;

/// As image configurations have it.
const USER_ID: u32 = 65_532;

/// The port that the program listens on, when it is told to.
pub const PORT: u16 = 10_250;

/// Where the program comes from, and whom the image is for.
#[derive(Clone)]
pub struct StatsProxyImage {
    /// The workspace that it is built from.
    pub workspace: PathBuf,
    /// A folder that is kept, for builds that cannot be done in the workspace's own target folder.
    pub cache: PathBuf,
    /// The processor of the engine's machine.
    pub architecture: Architecture,
    /// Runs cargo.
    pub processes: Arc<dyn Processes>,
}

/// What came of bringing the image into an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Whether the engine did not have it yet.
    pub changed: bool,
    /// The digest of the program.
    pub content: String,
    /// How large the archive is.
    pub bytes: usize,
}

impl Brought {
    /// In a few words: `13 MB, unchanged`.
    pub fn words(&self) -> String {
        let what = if self.changed { "new" } else { "unchanged" };
        format!("{:.1} MB, {what}", self.bytes as f64 / 1e6)
    }
}

/// Reads a platform as image tools write it: `linux/amd64`.
///
/// # Errors
/// When it is none that the image can be made for.
pub fn parse_platform(text: &str) -> Result<Architecture, String> {
    match text {
        "linux/amd64" => Ok(Architecture::Amd64),
        "linux/arm64" => Ok(Architecture::Arm64),
        other => Err(format!("{other:?} is not a platform of the image: linux/amd64 or linux/arm64")),
    }
}

/// The processor of this machine, which is that of an engine on it.
///
/// # Errors
/// When it is one that the image is not made for.
pub fn architecture_of_this_machine() -> anyhow::Result<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Ok(Architecture::Amd64),
        "aarch64" => Ok(Architecture::Arm64),
        other => {
            anyhow::bail!("the image of the stats-proxy is made for x86-64 and 64-bit ARM, not for {other}")
        }
    }
}

impl StatsProxyImage {
    /// Builds the program, in a container of `engine` where this machine cannot, and packs it.
    ///
    /// # Errors
    /// When the program does not build, or nothing here can link it.
    pub async fn build_archive(
        &self,
        engine: Option<&Engine>,
        progress: &Progress<'_>,
    ) -> anyhow::Result<Archive> {
        progress.show("cargo builds the program; minutes the first time");
        let program = match self.way_to_build().await? {
            program::Way::Cargo(build) => self.run_cargo(build).await?,
            program::Way::None { why } => match engine {
                Some(engine) => self
                    .build_in_container(engine, progress)
                    .await
                    .with_context(|| format!("failed to build the stats-proxy in a container, as {why}"))?,
                None => anyhow::bail!("{why}, and without an engine it is not built in a container either"),
            },
        };
        archive(program, self.architecture)
    }

    /// Builds the program and brings its image into an engine, unless that has it.
    ///
    /// # Errors
    /// As of [`build_archive`](Self::build_archive), and when the engine does not take it.
    pub async fn bring(&self, engine: &Engine, progress: &Progress<'_>) -> anyhow::Result<Brought> {
        let archive = self.build_archive(Some(engine), progress).await?;
        let (content, bytes) = (archive.content.clone(), archive.bytes.len());
        let changed = !matches!(look(engine, &archive).await?, State::Up(_));
        if changed {
            progress.show("the engine takes the image in");
            import(engine, archive).await?;
        }
        Ok(Brought { changed, content, bytes })
    }
}

/// What an engine has of the image.
///
/// # Errors
/// When the engine does not answer.
pub async fn look(engine: &Engine, archive: &Archive) -> anyhow::Result<State> {
    Ok(match engine.image_label(NAME, CONTENT_LABEL).await? {
        Some(content) if content == archive.content => State::Up(NAME.to_owned()),
        Some(_) => State::Different("the program".to_owned()),
        None => State::Absent,
    })
}

/// Brings the image into an engine, in place of the one that it has.
///
/// # Errors
/// When the engine does not take it.
pub async fn import(engine: &Engine, archive: Archive) -> anyhow::Result<()> {
    let content = archive.content.clone();
    let former = engine.image_id(NAME).await?;
    engine.import(archive.bytes).await?;
    let now = engine.image_label(NAME, CONTENT_LABEL).await?;
    ensure!(
        now.as_ref() == Some(&content),
        "the engine said that it took the image {NAME} in, and has another one of that name: another command may be at work"
    );
    // The former one has lost its name. A container may still run it.
    if let Some(former) = former
        && engine.image_id(NAME).await?.as_ref() != Some(&former)
    {
        engine.remove_image_if_unused(&former).await?;
    }
    Ok(())
}

/// The image of a program as engines load it.
fn archive(program: Vec<u8>, architecture: Architecture) -> anyhow::Result<Archive> {
    let label = |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
    let image = Image {
        name: NAME.to_owned(),
        program,
        path: "stats-proxy".to_owned(),
        user: USER_ID,
        ports: vec![PORT],
        labels: [
            label("title", "stats-proxy"),
            label("description", "The kubelets of a cluster whose nodes have none"),
            label("licenses", "Apache-2.0"),
        ]
        .into(),
    };
    let archive = image.archive()?;
    let (wanted, got) = (architecture.name(), archive.architecture.name());
    ensure!(
        wanted == got,
        "the program that was built is for linux/{got}, and the image is to be for linux/{wanted}"
    );
    Ok(archive)
}

/// Reads the program that a build has made.
async fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        std::fs::read(&path)
            .with_context(|| format!("failed to read the program {} that was built", path.display()))
    });
    read.await.context("reading the program was given up")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_as_image_tools_write_them() {
        assert_eq!(parse_platform("linux/amd64"), Ok(Architecture::Amd64));
        assert_eq!(parse_platform("linux/arm64"), Ok(Architecture::Arm64));
        for other in ["amd64", "linux/riscv64", "windows/amd64", ""] {
            assert!(parse_platform(other).unwrap_err().contains("linux/amd64 or linux/arm64"), "{other}");
        }
    }

    #[test]
    fn a_program_for_another_processor_is_refused() {
        let program = scratch_image::example_program();
        assert!(archive(program.clone(), Architecture::Amd64).is_ok());
        let error = archive(program, Architecture::Arm64).unwrap_err().to_string();
        assert!(error.contains("is for linux/amd64, and the image is to be for linux/arm64"), "{error}");
    }
}
