//! `cargo xtask dashboards`: from Jsonnet to the JSON that Grafana takes.

mod build;
mod diff;
mod difference;
mod import;
mod list;
mod mixin;
mod nearest;
mod output;
mod render;
mod scene;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::context::Context;

pub(crate) use build::check_shipped;
#[cfg(feature = "clusters")]
pub(crate) use build::watch_shipped;
use mixin::Broken;
pub(crate) use watch::Watched;

/// Text of dashboards without what a terminal would take for a command, in one line.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Build the dashboards from their Jsonnet sources.
///
///   cargo xtask dashboards build
///   cargo xtask dashboards build --watch
///   cargo xtask dashboards list
///   cargo xtask dashboards import export.json
///   cargo xtask dashboards render k8s-otel-pod --out pictures
///   cargo xtask dashboards diff origin/main --out diff.html
///
/// A project of your own, whose file imports ours (`import 'mixin.libsonnet'`):
///
///   cargo xtask dashboards build --mixin ../platform/mixin.libsonnet --out ../platform/generated
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Dashboards {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Subcommand)]
enum Deed {
    Build(build::Build),
    List(list::List),
    Import(import::Import),
    Render(render::Render),
    Diff(diff::Diff),
}

impl Dashboards {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let result = match self.deed {
            Deed::Build(build) => build.run(context),
            Deed::List(list) => list.run(context),
            Deed::Import(import) => import.run(context),
            Deed::Render(render) => render.run(context),
            Deed::Diff(diff) => diff.run(context),
        };
        result.or_else(|error| match error.downcast::<Broken>() {
            Ok(broken) => {
                broken.show();
                Ok(ExitCode::FAILURE)
            }
            Err(error) => Err(error),
        })
    }
}
