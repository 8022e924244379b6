//! Judging what the probes saw: pure, so that every case can be tested on every system.

mod engine;
mod leftovers;
mod machine;
mod network;
mod programs;
#[cfg(test)]
mod tests;

#[cfg(not(feature = "clusters"))]
pub(crate) use engine::ENGINE;

use std::time::Duration;

use serde::Serialize;

use crate::doctor::asked::Asked;
use crate::doctor::deadline::Observed;
use crate::doctor::probes::Observations;
use tools::Os;
use tools::pins::{EnvironmentKind, Pins};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// As it has to be.
    Ok,
    /// It has to be mended before the environment can be brought up.
    Failed,
    /// Good to know: it is not needed here, or could not be found out.
    Info,
}

impl Mark {
    /// As people see it.
    pub(crate) fn symbol(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Failed => '✗',
            Self::Info => '–',
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    /// What it is.
    pub(crate) name: String,
    /// How it stands.
    pub(crate) state: Mark,
    /// Whether the environment that is asked about cannot do without.
    pub(crate) required: bool,
    /// What was seen, in one line.
    pub(crate) summary: String,
    /// The command that mends it.
    pub(crate) fix: Option<String>,
}

impl Line {
    fn ok(name: impl Into<String>, summary: impl Into<String>) -> Self {
        let (name, summary) = (name.into(), summary.into());
        Self { name, state: Mark::Ok, required: false, summary, fix: None }
    }

    fn info(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self { state: Mark::Info, ..Self::ok(name, summary) }
    }

    /// Fails where it is required, and is good to know elsewhere.
    fn lacking(name: impl Into<String>, summary: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: Mark::Failed, fix: Some(fix.into()), ..Self::ok(name, summary) }
    }

    fn required_if(mut self, required: bool) -> Self {
        self.required = required;
        if self.state == Mark::Failed && !required {
            self.state = Mark::Info;
        }
        self
    }
}

/// What is asked about, and where.
pub(crate) struct Question<'a> {
    /// What is to be brought up. The embedded environment needs nothing.
    pub(crate) asked: Asked,
    /// The system.
    pub(crate) os: Os,
    /// The pins.
    pub(crate) pins: &'a Pins,
    /// Whether this build can download over https.
    pub(crate) https: bool,
}

impl Question<'_> {
    /// Whether any environment on a container engine is asked about.
    fn on_engine(&self) -> bool {
        self.asked.kind.is_some()
    }

    fn is_about(&self, kind: EnvironmentKind) -> bool {
        self.asked.kind == Some(kind)
    }
}

/// Judges everything.
pub(crate) fn judge(question: &Question<'_>, seen: &Observations) -> Vec<Line> {
    let mut lines = vec![programs::toolchain(question, &seen.toolchain)];
    lines.extend(engine::lines(question, seen));
    lines.push(machine::memory(question, seen));
    lines.push(machine::disk(question, seen));
    lines.push(machine::ports(question, seen));
    lines.push(machine::inotify(question, &seen.inotify));
    lines.push(machine::cgroup(question, seen));
    lines.push(machine::btf(question, &seen.btf));
    lines.extend(seen.tools.iter().map(|(name, tool)| programs::tool(question, *name, tool)));
    lines.push(network::reach(question, seen));
    lines.push(network::clock(question, seen));
    lines.push(leftovers::leftovers(seen));
    lines
}

/// What a probe saw, or the line that says why it saw nothing.
fn seen<'a, T>(name: &str, observed: &'a Observed<T>, required: bool, fix: &str) -> Result<&'a T, Line> {
    let why = match observed {
        Observed::Seen(seen) => return Ok(seen),
        Observed::TimedOut(deadline) => hung(*deadline),
        Observed::Broke => "could not be looked at: this is a mistake in this program".to_owned(),
    };
    Err(Line::lacking(name, why, fix).required_if(required))
}

fn hung(deadline: Duration) -> String {
    format!("no answer within {} s: whatever was asked hangs", deadline.as_secs_f32())
}

/// `5.1 GB`.
fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
