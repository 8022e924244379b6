//! The program, built in a container: where this machine cannot link programs for Linux.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;

use super::program::{Library, STATIC_GLIBC, cargo_arguments, target};
use super::{StatsProxyImage, architecture_of_this_machine, read};
use crate::engine::{BindMount, ContainerSpec, Engine, NetworkMode};
use crate::plan::{Progress, Removal};

/// Rust on Debian with a C compiler and `libc.a`. The oldest Rust that this project builds with.
const BUILDER: &str = "rust:1.89-slim";

/// The container. One at a time: they would share the folder that they build in.
const CONTAINER: &str = "kubernetes-mixin-otel-build";

/// Where it finds the sources, which it cannot change.
const SOURCES: &str = "/sources";

/// Where it builds and keeps what it has downloaded, for the next time.
const KEPT: &str = "/kept";

/// A first build with all optimisations, in a virtual machine.
const DEADLINE: Duration = Duration::from_secs(90 * 60);

/// How long cargo may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// How much of what cargo said is shown when it fails.
const LOG_LINES: usize = 30;

impl StatsProxyImage {
    /// Builds the program in a container and reads it.
    pub(super) async fn build_in_container(
        &self,
        engine: &Engine,
        progress: &Progress<'_>,
    ) -> anyhow::Result<Vec<u8>> {
        let own = architecture_of_this_machine()?;
        if own != self.architecture {
            bail!(
                "a container on this machine builds for linux/{}, not for linux/{}",
                own.name(),
                self.architecture.name()
            );
        }
        let kept = self.kept();
        std::fs::create_dir_all(&kept).with_context(|| format!("failed to make {}", kept.display()))?;
        if !engine.has_image(BUILDER).await? {
            engine.pull(BUILDER, progress).await?;
        }
        let spec = self.container();
        // Of a build that was given up.
        if engine.remove_container(CONTAINER, GRACE).await? == Removal::Removed {
            progress.show("what was left of another build is gone");
        }
        engine.run(&spec).await?;
        let built = self.follow(engine, progress).await;
        let removed = engine.remove_container(CONTAINER, GRACE).await;
        built?;
        removed?;
        read(&kept.join("target").join(target(self.architecture, Library::Glibc)).join("image/stats-proxy"))
            .await
    }

    async fn follow(&self, engine: &Engine, progress: &Progress<'_>) -> anyhow::Result<()> {
        let told = async {
            let mut lines = std::pin::pin!(engine.follow_logs(CONTAINER, 1));
            // What cannot be heard is no reason not to go on.
            while let Some(Ok(line)) = lines.next().await {
                let line = String::from_utf8_lossy(&line);
                let line = line.trim();
                if !line.is_empty() {
                    progress.show(line);
                }
            }
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = engine.wait_for_end(CONTAINER, DEADLINE) => ended?,
            () = told => bail!("the build's end was not seen"),
        };
        if ended.exit_code == Some(0) {
            return Ok(());
        }
        let said = engine.logs_tail(CONTAINER, LOG_LINES).await.unwrap_or_default();
        Err(anyhow::anyhow!("{}", said.trim_end()))
            .with_context(|| format!("cargo in the container {CONTAINER} failed: {}", ended.words()))
    }

    fn kept(&self) -> PathBuf {
        self.cache.join("stats-proxy-image")
    }

    fn container(&self) -> ContainerSpec {
        let mount = |source: PathBuf, target: &str, read_only| BindMount {
            source,
            target: target.to_owned(),
            read_only,
        };
        let mut command = vec!["cargo".to_owned()];
        command.extend(cargo_arguments(&target(self.architecture, Library::Glibc)));
        command.extend(["--manifest-path".to_owned(), format!("{SOURCES}/Cargo.toml")]);
        let variable = |name: &str, folder: &str| (name.to_owned(), format!("{KEPT}/{folder}"));
        let flags = (STATIC_GLIBC.0.to_owned(), STATIC_GLIBC.1.to_owned());
        ContainerSpec {
            command,
            env: [variable("CARGO_HOME", "cargo"), variable("CARGO_TARGET_DIR", "target"), flags].into(),
            mounts: vec![mount(self.workspace.clone(), SOURCES, true), mount(self.kept(), KEPT, false)],
            security_options: vec!["no-new-privileges".to_owned()],
            // Cargo ends its compilers when it gets a signal, and as the first process it gets none by default.
            init: true,
            // The network of all containers that nobody has said anything about: crates are downloaded.
            ..ContainerSpec::new("stats-proxy-image", CONTAINER, BUILDER, NetworkMode::named("bridge"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect_file;
    use tools::FakeProcesses;

    use super::*;
    use crate::image::Architecture;

    #[test]
    fn the_container_sees_the_sources_and_keeps_what_it_has_built() {
        let image = StatsProxyImage {
            workspace: PathBuf::from("/Users/me/project"),
            cache: PathBuf::from("/Users/me/cache"),
            architecture: Architecture::Arm64,
            processes: Arc::new(FakeProcesses::default()),
        };
        let spec = serde_json::to_string_pretty(&image.container()).unwrap();
        expect_file!["../../tests/golden/image-builder-container.json"].assert_eq(&format!("{spec}\n"));
    }

    #[test]
    fn the_builder_is_the_oldest_rust_that_this_project_builds_with() {
        assert_eq!(BUILDER, format!("rust:{}-slim", env!("CARGO_PKG_RUST_VERSION")));
    }
}
