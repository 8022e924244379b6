//! `cargo xtask doctor`: what an environment needs, what there is, and how to mend the rest.

use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum as _;
use serde_json::json;

use crate::commands::Format;
use crate::context::Context;
#[cfg(not(feature = "clusters"))]
use crate::doctor::ENGINE;
use crate::doctor::{Asked, Line, Mark, Observations, Question, Subject, judge};
use crate::ui::print_result;
use tools::engine::Surroundings;
use tools::pins::{EnvironmentKind, Pins, pins_path};
use tools::{Os, SystemProcesses, cache_folder};

/// Show what an environment needs and what there is here, each with the command that mends it.
///
/// ✓ is as it has to be, ✗ has to be mended, – is good to know. Exits with 1 when something is missing that the environment
/// cannot do without. Without one, it is the embedded environment of `cargo xtask kwok`, which needs nothing: all the rest is
/// information. Nothing is changed.
#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// What is to be brought up: "kwok" with --runtime docker, or "dev" [default: kwok in this process].
    #[arg(value_enum, value_name = "ENVIRONMENT")]
    environment: Option<EnvironmentKind>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Doctor {
    #[allow(clippy::print_stderr, reason = "what to do next is no part of the result")]
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let pins = Arc::new(Pins::read(&pins_path(context.root()))?);
        let asked = Asked { kind: self.environment, ..Asked::default() };
        let lines = look(asked, &pins)?;
        let failed = lines.iter().filter(|line| line.state == Mark::Failed).count();
        match self.format {
            Format::Text => {
                print_result(&text(&lines))?;
                eprintln!("{}", verdict(self.environment, failed));
            }
            Format::Json => print_result(&format!(
                "{}\n",
                serde_json::to_string_pretty(&in_json(self.environment, &lines))?
            ))?,
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Looks at what an environment needs before anything of it is brought up.
///
/// # Errors
/// When something is missing that it cannot do without: what, and the commands that mend it.
#[cfg(feature = "clusters")]
pub(crate) fn what_is_missing(context: &Context, asked: Asked) -> anyhow::Result<()> {
    refuse(&failures(context, asked)?)
}

/// Looks whether a container engine answers.
///
/// # Errors
/// When none does, with the command that mends it.
#[cfg(not(feature = "clusters"))]
pub(crate) fn need_an_engine(context: &Context, kind: EnvironmentKind) -> anyhow::Result<()> {
    let mut failed = failures(context, Asked { kind: Some(kind), ..Asked::default() })?;
    failed.retain(|line| line.name == ENGINE);
    refuse(&failed)
}

fn failures(context: &Context, asked: Asked) -> anyhow::Result<Vec<Line>> {
    let pins = Arc::new(Pins::read(&pins_path(context.root()))?);
    let mut lines = look(asked, &pins)?;
    lines.retain(|line| line.state == Mark::Failed);
    Ok(lines)
}

fn refuse(failed: &[Line]) -> anyhow::Result<()> {
    let Some(first) = failed.first() else { return Ok(()) };
    let more = match failed.len() {
        1 => String::new(),
        several => format!(", and {} more", several - 1),
    };
    anyhow::bail!("nothing was begun: {} ({}){more}\n{}", first.name, first.summary, text(failed).trim_end())
}

fn look(asked: Asked, pins: &Arc<Pins>) -> anyhow::Result<Vec<Line>> {
    let subject = subject(asked, pins)?;
    let question = Question { asked, os: subject.os, pins, https: cfg!(feature = "https") };
    Ok(judge(&question, &Observations::make(&subject)))
}

/// What there is on this machine for this user.
fn subject(asked: Asked, pins: &Arc<Pins>) -> anyhow::Result<Subject> {
    Ok(Subject {
        asked,
        pins: Arc::clone(pins),
        processes: Arc::new(SystemProcesses),
        surroundings: Surroundings::of_user(),
        os: Os::current(),
        cache: cache_folder()?,
        kwok: kwok_folder(),
    })
}

/// Where kwokctl keeps its clusters.
fn kwok_folder() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("KWOK_WORKDIR").map(std::path::PathBuf::from);
    let folder = folder.or_else(|| Some(etcetera::home_dir().ok()?.join(".kwok")))?;
    Some(folder.join("clusters"))
}

fn text(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let (mark, padding) = (line.state.symbol(), " ".repeat(width - line.name.chars().count()));
        text.push_str(&format!(" {mark} {}{padding}  {}\n", line.name, line.summary));
        if let Some(fix) = &line.fix {
            let indent = " ".repeat(width + 5);
            text.push_str(&format!("{indent}fix: {fix}\n"));
        }
    }
    text
}

fn verdict(environment: Option<EnvironmentKind>, failed: usize) -> String {
    let command = match environment {
        None => "cargo xtask kwok",
        Some(EnvironmentKind::Kwok) => "cargo xtask kwok --runtime docker",
        Some(EnvironmentKind::Dev) => "cargo xtask dev",
    };
    match (environment, failed) {
        (None, 0) => {
            let others =
                EnvironmentKind::value_variants().iter().map(|kind| format!("`cargo xtask doctor {kind}`"));
            let others = others.collect::<Vec<_>>().join(" or ");
            format!("`{command}` needs nothing else; {others} says what the others lack")
        }
        (_, 0) => format!("everything is there that `{command}` needs"),
        (_, 1) => format!("one thing is to be mended before `{command}`"),
        (_, failed) => format!("{failed} things are to be mended before `{command}`"),
    }
}

fn in_json(environment: Option<EnvironmentKind>, lines: &[Line]) -> serde_json::Value {
    let ready = lines.iter().all(|line| line.state != Mark::Failed);
    json!({"environment": environment, "ready": ready, "probes": lines})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, state: Mark, fix: Option<&str>) -> Line {
        Line {
            name: name.to_owned(),
            state,
            required: state != Mark::Info,
            summary: format!("about {name}"),
            fix: fix.map(str::to_owned),
        }
    }

    #[test]
    fn each_line_has_its_mark_and_what_is_to_be_mended_its_command_below() {
        let lines = [
            line("a", Mark::Ok, None),
            line("longer", Mark::Failed, Some("mend it")),
            line("b", Mark::Info, None),
        ];
        let expected =
            " ✓ a       about a\n ✗ longer  about longer\n           fix: mend it\n – b       about b\n";
        assert_eq!(text(&lines), expected);
    }

    #[test]
    fn programs_read_whether_it_is_ready_and_every_line() {
        let lines = [line("a", Mark::Ok, None), line("b", Mark::Failed, Some("mend it"))];
        let value = in_json(Some(EnvironmentKind::Dev), &lines);
        assert_eq!((&value["environment"], &value["ready"]), (&json!("dev"), &json!(false)));
        assert_eq!(
            value["probes"][1],
            json!({"name": "b", "state": "failed", "required": true, "summary": "about b", "fix": "mend it"})
        );
        assert_eq!(in_json(None, &lines[..1])["ready"], true);
    }

    #[test]
    fn the_last_line_says_what_to_run_or_how_much_is_to_be_mended() {
        assert!(verdict(None, 0).contains("`cargo xtask doctor kwok` or `cargo xtask doctor dev`"));
        assert!(verdict(Some(EnvironmentKind::Kwok), 0).contains("--runtime docker"));
        assert_eq!(
            verdict(Some(EnvironmentKind::Dev), 2),
            "2 things are to be mended before `cargo xtask dev`"
        );
    }
}
