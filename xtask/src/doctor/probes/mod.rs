//! What is looked at. Each probe returns what it saw and judges nothing.

mod engine;
mod machine;
mod network;
mod ports;
mod programs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::doctor::asked::Asked;
use crate::doctor::deadline::{Observed, start};
use crate::environment::{EnvironmentName, RealEnvironments, RunningEnvironment, StateFolder};
use tools::engine::Surroundings;
use tools::pins::{Pins, ToolName};
use tools::{Missing, Os, Processes, Tool};

pub(crate) use engine::EngineView;
pub(crate) use machine::{Btf, Disk, Inotify};
pub(crate) use network::{NamedProxy, Reach, Way};
#[cfg(test)]
pub(crate) use ports::Holder;
pub(crate) use ports::{Port, PortState};
pub(crate) use programs::Toolchain;

/// What the machine itself is asked is there at once.
const LOCAL: Duration = Duration::from_secs(5);

/// A tool of Go's starts in some tenths of a second, on a busy machine in seconds.
const PROGRAM: Duration = Duration::from_secs(15);

/// A registry that has not answered by then is no help.
const NETWORK: Duration = Duration::from_secs(8);

/// What the probes look at.
pub(crate) struct Subject {
    /// What is asked about.
    pub(crate) asked: Asked,
    /// The pins.
    pub(crate) pins: Arc<Pins>,
    /// Runs programs.
    pub(crate) processes: Arc<dyn Processes>,
    /// Where engines are looked for.
    pub(crate) surroundings: Surroundings,
    /// This system.
    pub(crate) os: Os,
    /// Where downloaded tools are.
    pub(crate) cache: PathBuf,
    /// Where clusters of kwokctl are.
    pub(crate) kwok: Option<PathBuf>,
}

/// All that was seen.
pub(crate) struct Observations {
    pub(crate) toolchain: Observed<Toolchain>,
    pub(crate) engine: Observed<EngineView>,
    pub(crate) memory: Observed<Option<u64>>,
    pub(crate) disk: Observed<Result<Disk, String>>,
    pub(crate) ports: Vec<(Port, Observed<PortState>)>,
    pub(crate) inotify: Observed<Option<Inotify>>,
    pub(crate) btf: Observed<Btf>,
    pub(crate) tools: Vec<(ToolName, Observed<Result<Tool, Missing>>)>,
    pub(crate) reach: Vec<(String, Observed<Reach>)>,
    pub(crate) clock: Observed<Result<jiff::SignedDuration, String>>,
    pub(crate) own: Observed<Result<OwnEnvironments, String>>,
}

/// The environments of this program, found by their files.
#[derive(Debug, Default)]
pub(crate) struct OwnEnvironments {
    /// They run and answer.
    pub(crate) running: Vec<RunningEnvironment>,
    /// Words about those that are there and do not answer.
    pub(crate) silent: Vec<String>,
    /// Those on a container engine that are written down, running or not.
    pub(crate) written_down: Vec<WrittenDown>,
}

/// An environment on a container engine, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenDown {
    /// What it is called.
    pub(crate) name: EnvironmentName,
    /// The address of its engine, if that can be read.
    pub(crate) engine: Option<String>,
}

impl Observations {
    /// Runs all probes side by side.
    pub(crate) fn make(subject: &Subject) -> Self {
        let Subject { pins, processes, os, .. } = subject;
        let os = *os;
        let engine = {
            let (surroundings, processes) = (subject.surroundings.clone(), Arc::clone(processes));
            let kwok = subject.kwok.clone();
            // Its own requests have shorter deadlines, so that it can tell which one hung.
            start(LOCAL * 2, move || engine::look(&surroundings, os, &*processes, kwok.as_deref()))
        };
        let tools: Vec<_> = ToolName::ALL
            .into_iter()
            .map(|name| {
                let (pins, processes) = (Arc::clone(pins), Arc::clone(processes));
                let cache = subject.cache.clone();
                (name, start(PROGRAM, move || programs::tool(name, &cache, &pins, &*processes)))
            })
            .collect();
        let hosts = network::hosts(pins, &subject.asked);
        let clock = {
            let hosts = hosts.clone();
            start(NETWORK, move || network::clock(&hosts))
        };
        let reach: Vec<_> = hosts
            .into_iter()
            .map(|host| (host.clone(), start(NETWORK, move || network::reach(&host))))
            .collect();
        let ports: Vec<_> = Port::of(&subject.asked)
            .into_iter()
            .map(|port| {
                let processes = Arc::clone(processes);
                (port, start(LOCAL, move || ports::look(port.number, &*processes)))
            })
            .collect();
        let toolchain = {
            let processes = Arc::clone(processes);
            start(PROGRAM, move || programs::toolchain(&*processes))
        };
        let disk = {
            let (processes, cache) = (Arc::clone(processes), subject.cache.clone());
            start(LOCAL, move || machine::disk(&cache, os, &*processes))
        };
        let memory = start(LOCAL, machine::memory);
        let inotify = start(LOCAL, machine::inotify);
        let btf = start(LOCAL, machine::btf);
        let own = start(LOCAL * 2, own_environments);
        Self {
            toolchain: toolchain.wait(),
            engine: engine.wait(),
            memory: memory.wait(),
            disk: disk.wait(),
            ports: ports.into_iter().map(|(port, pending)| (port, pending.wait())).collect(),
            inotify: inotify.wait(),
            btf: btf.wait(),
            tools: tools.into_iter().map(|(name, pending)| (name, pending.wait())).collect(),
            reach: reach.into_iter().map(|(host, pending)| (host, pending.wait())).collect(),
            clock: clock.wait(),
            own: own.wait(),
        }
    }
}

fn own_environments() -> Result<OwnEnvironments, String> {
    use crate::environment::{Presence, silent};
    let state = StateFolder::of_user().map_err(|error| format!("{error:#}"))?;
    let mut own = OwnEnvironments::default();
    for (name, presence) in state.all() {
        match presence {
            Presence::Running(environment, _) => own.running.push(*environment),
            Presence::Silent { pid, came_up } => {
                own.silent.push(format!("{:#}", silent(&name, pid, came_up)));
            }
            Presence::Absent => {}
        }
    }
    let written_down = RealEnvironments::of_user().map_err(|error| format!("{error:#}"))?.all();
    own.written_down = written_down
        .into_iter()
        .map(|record| match record {
            Ok(environment) => WrittenDown { name: environment.name, engine: Some(environment.engine) },
            // `down` takes those down too.
            Err(bad) => WrittenDown { name: bad.name, engine: bad.engine },
        })
        .collect();
    Ok(own)
}
