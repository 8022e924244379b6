//! Errors as people read them.

use std::fmt;
use std::process::ExitCode;

use tools::pins::BadPins;

/// An error in what was asked for, not in doing it: exit code 2, as clap's own.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A query that cannot be read, rendered with its place. Exit code 2.
#[derive(Debug)]
pub(crate) struct BadQuery(pub(crate) String);

impl fmt::Display for BadQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadQuery {}

/// Prints an error to stderr: one line; the chain of causes with `--verbose`. Returns the exit code.
#[allow(clippy::print_stderr, reason = "the one place where errors reach the user")]
pub(crate) fn report_error(error: &anyhow::Error, verbose: bool) -> ExitCode {
    if let Some(BadQuery(rendered)) = error.downcast_ref() {
        eprintln!("{rendered}");
        return ExitCode::from(2);
    }
    if verbose {
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  caused by: {cause}");
        }
    } else {
        eprintln!("error: {error:#}");
    }
    let asked_wrongly = error.is::<Usage>() || error.is::<BadPins>();
    if asked_wrongly { ExitCode::from(2) } else { ExitCode::FAILURE }
}
