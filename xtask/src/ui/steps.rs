//! Steps with ✓ and ✗ and their time, on stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Prints one line per step. On a terminal the line shows that the step runs and is rewritten when it ends; elsewhere
/// only the ends are printed, as plain lines.
pub(crate) struct Steps {
    terminal: bool,
}

impl Steps {
    /// Steps on this process' stderr.
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// Runs one step and prints how it ended. `detail` turns the result into what stands behind the name.
    pub(crate) fn run<T, E: Into<anyhow::Error>>(
        &self,
        name: &str,
        work: impl FnOnce(&Progress<'_>) -> Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        let started = Instant::now();
        let progress = Progress { name, terminal: self.terminal };
        progress.show("");
        let result = work(&progress).map_err(Into::into);
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        let time = elapsed(started.elapsed());
        match &result {
            Ok(value) => {
                let detail = detail(value);
                let separator = if detail.is_empty() { "" } else { ": " };
                line(&format!("{clear} ✓ {name}{separator}{detail} ({time})\n"));
            }
            Err(_) => line(&format!("{clear} ✗ {name} ({time})\n")),
        }
        result
    }

    /// Prints a remark between steps.
    pub(crate) fn note(&self, text: impl Display) {
        line(&format!(" • {text}\n"));
    }
}

/// Lets a long step say how far it is.
pub(crate) struct Progress<'a> {
    name: &'a str,
    terminal: bool,
}

impl Progress<'_> {
    /// Rewrites the step's line. Does nothing where there is no terminal.
    pub(crate) fn show(&self, text: &str) {
        if self.terminal {
            let separator = if text.is_empty() { "" } else { ": " };
            line(&format!("\r\x1b[2K … {}{separator}{text}", self.name));
        }
    }
}

pub(super) fn line(text: &str) {
    // A closed stderr is no reason to fail: the result matters, not its progress.
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

pub(super) fn elapsed(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else if time < Duration::from_secs(60) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_in_the_unit_that_people_use() {
        for (millis, text) in [(7, "7 ms"), (999, "999 ms"), (1_240, "1.2 s"), (61_000, "1 min 1 s")] {
            assert_eq!(elapsed(Duration::from_millis(millis)), text);
        }
    }
}
