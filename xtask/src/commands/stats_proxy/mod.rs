//! `cargo xtask stats-proxy`: what our own server of kubelet statistics is run with.

#[cfg(feature = "clusters")]
mod image;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use crate::context::Context;

/// Make the container image of the stats-proxy.
///
/// The stats-proxy stands for the kubelets of a cluster whose nodes have none. `cargo xtask kwok --runtime docker` makes its
/// image by itself; this command is for other clusters.
#[derive(clap::Args)]
pub(crate) struct StatsProxy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Image(Image),
}

/// Build the image kubernetes-mixin-otel/stats-proxy:dev from this repository and bring it into the container engine.
///
/// The image is one static program, FROM scratch, and runs as user 65532. On Linux it is built with cargo and a C compiler, with
/// glibc linked statically, or else with Rust's musl target (`rustup target add x86_64-unknown-linux-musl`), with which it needs
/// four times the CPU. Elsewhere it is built in a container. An engine that has an image of the same program is left as it is.
///
/// With an archive, as `docker save` writes it, the image gets to other places: `docker load -i FILE`, or
/// `k3d image import FILE -c CLUSTER`.
///
/// Prints the image's name.
#[derive(clap::Args)]
struct Image {
    /// Write the image into a file, too.
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,

    /// Bring it into no engine; with --archive, none is needed then.
    #[arg(long, requires = "archive")]
    no_import: bool,

    /// The platform of the machine that runs it [default: Linux on this machine's processor].
    #[arg(long, value_name = "PLATFORM", value_enum)]
    platform: Option<ImagePlatform>,
}

/// What the image can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImagePlatform {
    #[value(name = "linux/amd64")]
    LinuxAmd64,
    #[value(name = "linux/arm64")]
    LinuxArm64,
}

impl StatsProxy {
    #[cfg(feature = "clusters")]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Image(image) => image.run(context),
        }
    }

    #[cfg(not(feature = "clusters"))]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Image(_) => crate::handover::hand_over(context),
        }
    }
}
