//! `cargo xtask ci`: what has to hold before a change lands.

use std::process::ExitCode;

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::context::Context;
use crate::ui::Steps;

/// Check format, lints, generated dashboards, tests, licences and advisories: what CI runs.
///
/// Tests that need a real part (a Prometheus, a browser, a Docker engine) say `skipped: …` where it is missing.
/// Licences and advisories are checked where cargo-deny is installed.
#[derive(clap::Args)]
pub(crate) struct Ci {}

/// What is off by default because `cargo xtask` does without it, and has to be right all the same.
const FEATURES: &str = "stats-proxy/cluster,xtask/clusters";

/// From what property tests draw their inputs. Here always from the same, so that whoever sees a failure has made it; a plain
/// `cargo test` draws others each time.
const SEED: &str = "PROPTEST_RNG_SEED";

impl Ci {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let shell = Shell::new().context("failed to start a shell")?;
        shell.change_dir(context.root());
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let steps = Steps::new();

        cmd!(shell, "{cargo} fmt --all --check")
            .quiet()
            .run()
            .context("the format differs; `cargo fmt --all` mends it")?;
        steps.note("format: ok");
        cmd!(
            shell,
            "{cargo} clippy --workspace --features {FEATURES} --all-targets --locked -- --deny warnings"
        )
        .quiet()
        .run()
        .context("clippy has findings; they stand above")?;
        // What `cargo xtask` is by default, without the clients of engines and clusters.
        cmd!(shell, "{cargo} clippy --package xtask --locked -- --deny warnings")
            .quiet()
            .run()
            .context("clippy has findings in the default build; they stand above")?;
        steps.note("lints: ok");
        super::dashboards::check_shipped(context)?;
        super::check_dashboards::check_shipped(context)?;
        steps.note("dashboards: ok");
        // Skips are printed by the tests themselves, so their output has to be seen.
        cmd!(shell, "{cargo} test --workspace --features {FEATURES} --locked -- --show-output")
            .env(SEED, std::env::var(SEED).unwrap_or_else(|_| "1".to_owned()))
            .quiet()
            .run()
            .context("tests failed; they stand above")?;
        steps.note("tests: ok");
        if cmd!(shell, "{cargo} deny --version").quiet().ignore_stdout().ignore_stderr().run().is_ok() {
            cmd!(shell, "{cargo} deny check")
                .quiet()
                .run()
                .context("cargo-deny has findings; they stand above")?;
            steps.note("licences and advisories: ok");
        } else {
            steps.note(
                "licences and advisories: skipped: cargo-deny is not installed (`cargo install cargo-deny`)",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
