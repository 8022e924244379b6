//! The tools and the toolchain.

use std::path::Path;
use std::time::Duration;

use tools::pins::{Pins, ToolName};
use tools::{Finished, Invocation, Missing, ProcessFailure, Processes, Tool, Toolbox, Version};

/// What cargo and rustc say they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// cargo's version; what is wrong with it otherwise.
    pub(crate) cargo: Result<Version, String>,
    /// rustc's.
    pub(crate) rustc: Result<Version, String>,
}

pub(super) fn tool(
    name: ToolName,
    cache: &Path,
    pins: &Pins,
    processes: &dyn Processes,
) -> Result<Tool, Missing> {
    Toolbox::with_cache(cache.to_owned(), pins, processes).look(name)
}

pub(super) fn toolchain(processes: &dyn Processes) -> Toolchain {
    let version = |variable: &str, program: &str| {
        // Cargo tells those that it runs which one it is.
        let program = std::env::var_os(variable).unwrap_or_else(|| program.into());
        version_of(
            processes.run(&Invocation::new(program).args(["--version"]).within(Duration::from_secs(10))),
        )
    };
    Toolchain { cargo: version("CARGO", "cargo"), rustc: version("RUSTC", "rustc") }
}

fn version_of(run: Result<Finished, ProcessFailure>) -> Result<Version, String> {
    let text = run.map_err(|failure| failure.to_string())?.text();
    Version::find(&text).ok_or_else(|| format!("it tells no version: {:?}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_or_it_is_said_why_not() {
        let said = |text: &str| Ok(Finished { stdout: text.as_bytes().to_vec(), stderr: Vec::new() });
        let version = version_of(said("rustc 1.95.0 (59807616e 2026-04-14)\n")).unwrap();
        assert_eq!(version.to_string(), "1.95.0");
        assert!(version_of(said("no idea")).unwrap_err().contains("no idea"));
        let absent = Err(ProcessFailure::NotInstalled("rustc".to_owned()));
        assert_eq!(version_of(absent).unwrap_err(), "rustc is not installed");
    }
}
