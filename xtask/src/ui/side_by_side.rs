//! Steps that run side by side, on stderr: a line for each that ends, and on a terminal one that says what runs.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use environments::plan::{Ending, Report, StepName};

use super::steps::{elapsed, line};

/// Where there is no terminal, a step that takes long says how far it is this often.
const SAY: Duration = Duration::from_secs(15);

/// The width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// Tells of steps that run side by side.
pub(crate) struct SideBySide {
    /// Its width, if there is one.
    terminal: Option<usize>,
    running: Mutex<Vec<Running>>,
}

struct Running {
    step: StepName,
    progress: String,
    said: Instant,
}

impl SideBySide {
    /// On this process' stderr.
    pub(crate) fn new() -> Self {
        let width = || {
            let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
            told.filter(|width| *width >= 20).unwrap_or(USUAL_WIDTH)
        };
        Self { terminal: std::io::stderr().is_terminal().then(width), running: Mutex::new(Vec::new()) }
    }

    /// Changes what runs, and prints lines above it.
    fn change(&self, change: impl FnOnce(&mut Vec<Running>) -> Option<String>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let told = change(&mut running);
        let mut text = String::new();
        if self.terminal.is_some() {
            text.push_str("\r\x1b[2K");
        }
        if let Some(told) = told {
            let _ = writeln!(text, "{told}");
        }
        if let Some(width) = self.terminal {
            text.push_str(&shown(&running, width));
        }
        if !text.is_empty() {
            line(&text);
        }
    }
}

/// What runs, in one line of a terminal.
fn shown(running: &[Running], width: usize) -> String {
    if running.is_empty() {
        return String::new();
    }
    let words = running.iter().map(|running| match running.progress.as_str() {
        "" => running.step.to_owned(),
        progress => format!("{}: {progress}", running.step),
    });
    let text = format!(" … {}", words.collect::<Vec<_>>().join(" · "));
    if text.chars().count() < width {
        text
    } else {
        text.chars().take(width.saturating_sub(2)).chain(['…']).collect()
    }
}

fn ended(step: StepName, ending: &Ending, time: Duration) -> String {
    let (mark, detail) = match ending {
        Ending::Up(detail) => ('✓', detail.clone()),
        Ending::Already(detail) if detail.is_empty() => ('✓', "as it was".to_owned()),
        Ending::Already(detail) => ('✓', format!("as it was, {detail}")),
        Ending::Down => ('✓', "removed".to_owned()),
        Ending::Failed => ('✗', String::new()),
        Ending::GivenUp => ('–', "given up".to_owned()),
    };
    let separator = if detail.is_empty() { "" } else { ": " };
    format!(" {mark} {step}{separator}{detail} ({})", elapsed(time))
}

impl Report for SideBySide {
    fn began(&self, step: StepName) {
        self.change(|running| {
            running.push(Running { step, progress: String::new(), said: Instant::now() });
            None
        });
    }

    fn progress(&self, step: StepName, text: &str) {
        let plain = self.terminal.is_none();
        self.change(|running| {
            let running = running.iter_mut().find(|running| running.step == step)?;
            text.clone_into(&mut running.progress);
            if !plain || running.said.elapsed() < SAY {
                return None;
            }
            running.said = Instant::now();
            Some(format!(" … {step}: {text}"))
        });
    }

    fn ended(&self, step: StepName, ending: &Ending, time: Duration) {
        self.change(|running| {
            running.retain(|running| running.step != step);
            Some(ended(step, ending, time))
        });
    }

    fn note(&self, text: &str) {
        self.change(|_| Some(format!(" • {text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_mark_and_its_time() {
        let second = Duration::from_secs(1);
        for (ending, text) in [
            (Ending::Up("50 nodes".to_owned()), " ✓ fleet: 50 nodes (1.0 s)"),
            (Ending::Already(String::new()), " ✓ fleet: as it was (1.0 s)"),
            (Ending::Down, " ✓ fleet: removed (1.0 s)"),
            (Ending::Failed, " ✗ fleet (1.0 s)"),
            (Ending::GivenUp, " – fleet: given up (1.0 s)"),
        ] {
            assert_eq!(ended("fleet", &ending, second), text);
        }
    }

    #[test]
    fn what_runs_fits_into_one_line() {
        let running =
            |step, progress: &str| Running { step, progress: progress.to_owned(), said: Instant::now() };
        let two = [running("images", "412 MB"), running("cluster", "")];
        assert_eq!(shown(&two, 80), " … images: 412 MB · cluster");
        let narrow = shown(&two, 20);
        assert!(narrow.chars().count() < 20 && narrow.ends_with('…'), "{narrow}");
        assert_eq!(shown(&[], 80), "");
    }
}
