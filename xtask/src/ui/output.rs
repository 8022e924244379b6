//! Results on stdout.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

/// Writes a result to stdout. A reader who has seen enough (`| head`) is no error.
pub(crate) fn print_result(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("failed to write to stdout"),
    }
}
