//! `cargo xtask promql-conformance`: our PromQL against Prometheus' test scripts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use promql_conformance::{Class, EXPECTATIONS, Expectations, Mode, Settings, run_scripts};

use crate::context::Context;
use crate::ui::{Usage, print_result};

/// Run PromQL test scripts in Prometheus' format (`*.test`) and print which of their cases hold.
///
/// Fails when a case that is not known to fail fails, or when one that is known to fail passes: the known ones stand in
/// `crates/promql-conformance/expectations`, each with its reason.
#[derive(clap::Args)]
pub(crate) struct PromqlConformance {
    /// The folder with the scripts, for example promql/promqltest/testdata of a Prometheus checkout
    /// [default: our own scripts].
    folder: Option<PathBuf>,
}

impl PromqlConformance {
    #[allow(clippy::print_stderr, reason = "what differs goes to stderr, the report to stdout")]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let own = context.root().join("crates/promql-conformance/scripts");
        let scripts = read_scripts(self.folder.as_deref().unwrap_or(&own))?;
        let scripts = scripts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let report = run_scripts(scripts, &Settings::default())
            .map_err(|(name, error)| Usage(format!("{name}.test cannot be read: {error}")))?;
        let expectations =
            Expectations::parse(EXPECTATIONS).context("the list of known failures is broken")?;
        let differences = expectations.differences(&report);
        for difference in &differences {
            eprintln!("{difference}");
        }
        let score = |class, mode| report.score(None, class, mode);
        let (direct, ranges) = (score(Class::Stable, Mode::Direct), score(Class::Stable, Mode::AsRange));
        print_result(&format!(
            "{report}\npassed {} of {} stable; {} as ranges; {} duration expressions; {} experimental; {} differ from what is known\n",
            direct.passed,
            direct.cases,
            ranges,
            score(Class::Durations, Mode::Direct),
            score(Class::Experimental, Mode::Direct),
            differences.len(),
        ))?;
        Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The scripts of a folder as (name without extension, text), sorted.
fn read_scripts(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Usage(format!("failed to read the folder {}: {error}", folder.display())))?;
    let mut scripts = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("failed to list {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "test")
            && let Some(name) = path.file_stem()
        {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            scripts.push((name.to_string_lossy().into_owned(), text));
        }
    }
    if scripts.is_empty() {
        return Err(Usage(format!("{} holds no *.test", folder.display())).into());
    }
    scripts.sort();
    Ok(scripts)
}
