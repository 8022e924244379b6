//! `cargo xtask promql-conformance`: our PromQL against Prometheus' test scripts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use promql_conformance::{
    Class, EXPECTATIONS, Expectations, Mode, Report, Settings, run_scripts, shortfalls,
};

use crate::context::Context;
use crate::ui::{Usage, print_result};

/// Run PromQL test scripts in Prometheus' format (`*.test`) and print which of their cases hold.
///
/// Without a folder these are our own ones, and those of Prometheus where they are at hand in ../shared/promqltest.
///
/// Fails when a case that is not known to fail fails, or when one that is known to fail passes: the known ones stand in
/// `crates/promql-conformance/expectations`, each with its reason. Prometheus' own scripts, which are known by their names,
/// have to be complete and to reach floors that no list of reasons lowers.
#[derive(clap::Args)]
pub(crate) struct PromqlConformance {
    /// The folder with the scripts, for example promql/promqltest/testdata of a Prometheus checkout.
    folder: Option<PathBuf>,
}

impl PromqlConformance {
    #[allow(clippy::print_stderr, reason = "what differs goes to stderr, the report to stdout")]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let folders = match self.folder {
            Some(folder) => vec![folder],
            None => {
                let prometheus = context.root().join("../shared/promqltest");
                let own = context.root().join("crates/promql-conformance/scripts");
                std::iter::once(own).chain(prometheus.is_dir().then_some(prometheus)).collect()
            }
        };
        let expectations =
            Expectations::parse(EXPECTATIONS).context("the list of known failures is broken")?;
        let (mut differ, mut last) = (0, String::new());
        for folder in folders {
            let scripts = read_scripts(&folder)?;
            let scripts = scripts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let report = run_scripts(scripts, &Settings::default())
                .map_err(|(name, error)| Usage(format!("{name}.test cannot be read: {error}")))?;
            let mut differences = expectations.differences(&report);
            differences.extend(shortfalls(&report));
            print_result(&format!("{}\n{report}\n", folder.display()))?;
            for difference in &differences {
                eprintln!("{difference}");
            }
            differ += differences.len();
            last = summary(&report);
        }
        print_result(&format!("{last}; {differ} differ from what is known\n"))?;
        Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// `passed N of M stable; …`
fn summary(report: &Report) -> String {
    let score = |class, mode| report.score(None, class, mode);
    let stable = score(Class::Stable, Mode::Direct);
    format!(
        "passed {} of {} stable; {} as ranges; {} duration expressions; {} experimental; {} need native histograms",
        stable.passed,
        stable.cases,
        score(Class::Stable, Mode::AsRange),
        score(Class::Durations, Mode::Direct),
        score(Class::Experimental, Mode::Direct),
        score(Class::Native, Mode::Direct).cases,
    )
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
