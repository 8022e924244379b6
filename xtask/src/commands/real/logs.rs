//! `logs` of environments on a container engine.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use environments::cluster::Cluster;
use environments::engine::Engine;
use environments::k3d::{self, LogSource, PodLogs, log_sources};
use environments::kwok;
use tokio::sync::mpsc;

use super::remains::Place;
use super::{LogRequest, block_on};
use crate::context::Context;
use crate::environment::{EnvironmentName, RealEnvironment, RealEnvironments, RealKind, Signals};
use crate::ui::Usage;

/// How much is shown of one part, and of each of all parts, unless it is said.
const LINES_OF_ONE: usize = 200;
const LINES_OF_EACH: usize = 20;

/// How often pods are asked for more.
const PAUSE: Duration = Duration::from_secs(1);

/// A part, and where it says what it says.
type Source = (&'static str, LogSource);

/// What a part has said: whole lines.
type Lines = (String, Vec<String>);

/// Prints what the parts of an environment say, each line with the part before it when there are several.
pub(in crate::commands) fn logs(
    _: &Context,
    environment: &RealEnvironment,
    request: &LogRequest<'_>,
) -> anyhow::Result<ExitCode> {
    let name = &environment.name;
    let environments = RealEnvironments::of_user()?;
    let folder = environments.folder(name);
    let sources = match environment.kind {
        RealKind::Kwok => {
            let containers = kwok::Names::new(&name.to_string(), &folder).containers().into_iter();
            containers.map(|(part, container)| (part, LogSource::Container(container))).collect()
        }
        RealKind::Dev => log_sources(&k3d::Names::new(&name.to_string(), &folder)),
    };
    let chosen = choose(name, sources, request.part)?;
    let lines = request.lines.unwrap_or(if chosen.len() == 1 { LINES_OF_ONE } else { LINES_OF_EACH });
    block_on(async {
        let engine = Place::of(&Ok(environment.clone()), &environments).engine(&environments).await?;
        show(&engine, environment, &folder, &chosen, lines, request.follow).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The part that was asked for, or all.
fn choose(name: &EnvironmentName, sources: Vec<Source>, part: Option<&str>) -> anyhow::Result<Vec<Source>> {
    let Some(part) = part else { return Ok(sources) };
    let known = names(&sources);
    let found: Vec<Source> = sources.into_iter().filter(|(name, _)| *name == part).collect();
    if found.is_empty() {
        return Err(Usage(format!("{name} has no part {part:?}: there are {known}")).into());
    }
    Ok(found)
}

async fn show(
    engine: &Engine,
    environment: &RealEnvironment,
    folder: &Path,
    chosen: &[Source],
    lines: usize,
    follow: bool,
) -> anyhow::Result<()> {
    let (heard, mut lines_heard) = mpsc::channel::<Lines>(64);
    let several = chosen.len() > 1;
    let mut there = 0;
    for (part, source) in chosen {
        let prefix = if several { format!("{part}: ") } else { String::new() };
        match source {
            LogSource::Container(container) => {
                if engine.container_state(container).await?.is_none() {
                    continue;
                }
                if follow {
                    tokio::spawn(follow_one(engine.clone(), container.clone(), prefix, lines, heard.clone()));
                } else {
                    print(&prefix, engine.logs_tail(container, lines).await?.lines())?;
                }
            }
            LogSource::Pods(selector) => {
                let path = k3d::Names::new(&environment.name.to_string(), folder).kubeconfig();
                let Ok(kubeconfig) = std::fs::read_to_string(&path) else { continue };
                let mut pods = PodLogs::new(Cluster::from_kubeconfig(&kubeconfig).await?, selector, lines);
                if follow {
                    tokio::spawn(follow_pods(pods, prefix, heard.clone()));
                } else {
                    print(&prefix, pods.read_new().await?.iter().map(String::as_str))?;
                }
            }
        }
        there += 1;
    }
    drop(heard);
    anyhow::ensure!(
        there > 0,
        "nothing is there of {}: `cargo xtask status` shows what there is",
        names(chosen)
    );
    if !follow {
        return Ok(());
    }
    let mut signals = Signals::listen(false)?;
    loop {
        tokio::select! {
            _ = signals.next() => return Ok(()),
            lines = lines_heard.recv() => {
                let Some((prefix, lines)) = lines else { return Ok(()) };
                if !print(&prefix, lines.iter().map(String::as_str))? {
                    return Ok(());
                }
            },
        }
    }
}

/// Hands on what pods say, until nobody listens any more.
async fn follow_pods(mut pods: PodLogs, prefix: String, heard: mpsc::Sender<Lines>) {
    loop {
        // A server that is away for a moment is asked again.
        let lines = pods.read_new().await.unwrap_or_default();
        if !lines.is_empty() && heard.send((prefix.clone(), lines)).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Hands on whole lines of one container until it ends.
async fn follow_one(
    engine: Engine,
    container: String,
    prefix: String,
    lines: usize,
    heard: mpsc::Sender<Lines>,
) -> anyhow::Result<()> {
    use futures_util::StreamExt as _;
    let mut pieces = std::pin::pin!(engine.follow_logs(&container, lines));
    let mut rest = Vec::new();
    while let Some(piece) = pieces.next().await {
        rest.extend(piece?);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        let whole: Vec<u8> = rest.drain(..=end).collect();
        let lines = String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect();
        // Whoever printed has ended.
        if heard.send((prefix.clone(), lines)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn names(sources: &[Source]) -> String {
    sources.iter().map(|(part, _)| *part).collect::<Vec<_>>().join(", ")
}

/// Prints lines; false when the reader has seen enough (`| head`).
fn print<'a>(prefix: &str, lines: impl Iterator<Item = &'a str>) -> anyhow::Result<bool> {
    let mut stdout = std::io::stdout().lock();
    let write = || {
        for line in lines {
            writeln!(stdout, "{prefix}{line}")?;
        }
        stdout.flush()
    };
    match write() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        outcome => outcome.map(|()| true).context("failed to write to stdout"),
    }
}
