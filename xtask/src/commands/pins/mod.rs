//! `cargo xtask pins`: the versions, addresses and hashes of what the environments on a container engine are made of.

mod fetch;
mod list;
mod update;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::context::Context;
use crate::ui::Usage;
use tools::pins::{Pins, pins_path};
use tools::registry::Registries;
use tools::{HTTPS_BUILD, needs_https};

/// Show, check and fill in the pinned versions of tools, charts and images.
///
/// They stand in deploy/pins.yaml. Only `list` works without a network; the others need a build with TLS:
/// `cargo run --quiet --package xtask --features https -- pins verify`. Proxies are taken from HTTPS_PROXY and NO_PROXY.
#[derive(clap::Args)]
pub(crate) struct PinsCommand {
    #[command(subcommand)]
    action: Action,

    /// The file with the pins [default: deploy/pins.yaml].
    #[arg(long, global = true, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    List(list::List),
    Verify(verify::Verify),
    Update(update::Update),
    Fetch(fetch::Fetch),
}

impl PinsCommand {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let path = self.file.unwrap_or_else(|| pins_path(context.root()));
        let pins = Pins::read(&path)?;
        match self.action {
            Action::List(list) => list.run(&pins),
            Action::Verify(verify) => verify.run(&pins),
            Action::Update(update) => update.run(&pins, &path),
            Action::Fetch(fetch) => fetch.run(&pins),
        }
    }
}

/// Refuses to begin what this build cannot end: `command` would ask https addresses.
fn require_https(pins: &Pins, command: &str) -> anyhow::Result<()> {
    let files = pins.files().into_iter().map(|file| file.url);
    let images = pins.images.values().map(|pin| Registries::address(&pin.image));
    if files.chain(images).any(|address| needs_https(&address)) {
        return Err(Usage(format!(
            "this build speaks http:// only, as TLS takes long to compile. With it: `{HTTPS_BUILD} pins {command}`"
        ))
        .into());
    }
    Ok(())
}

/// `24.1 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What to say when nothing at all answered. `first` is the reason of the first that did not.
fn nothing_answered(first: &str) -> anyhow::Error {
    let variables = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let named = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let why = match variables.into_iter().find(named) {
        Some(variable) => format!("or the proxy that {variable} names does not work"),
        None => "or needs a proxy (HTTPS_PROXY=http://host:port)".to_owned(),
    };
    anyhow::anyhow!("nothing answered: this machine is offline, {why}. The first: {first}")
}
