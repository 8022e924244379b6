//! Memory, disk, ports and kernel.

use super::leftovers::{down, environment_of, written_down};
use super::{Line, Question, gigabytes, hung, seen};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::{Btf, EngineView, Inotify, Observations, Port, PortState};
use tools::Os;
use tools::engine::EngineState;
use tools::pins::EnvironmentKind;

/// What an environment takes, in bytes. Measured for the default fleet: cluster 0.4 GB, collector and stats-proxy 0.1 GB; LGTM may
/// take 2 GB. k3s takes half a gigabyte more.
fn memory_of(kind: EnvironmentKind) -> u64 {
    match kind {
        EnvironmentKind::Kwok => 2_500_000_000,
        EnvironmentKind::Dev => 3_500_000_000,
    }
}

/// Unpacked images and a day of data, estimated. A k3d cluster holds the images a second time.
fn disk_of(kind: EnvironmentKind) -> u64 {
    match kind {
        EnvironmentKind::Kwok => 6_000_000_000,
        EnvironmentKind::Dev => 10_000_000_000,
    }
}

/// k3d's nodes are known to fail with less.
const LEAST: Inotify = Inotify { instances: 512, watches: 524_288 };

fn engine_of(observations: &Observations) -> Option<(&EngineView, &EngineState)> {
    match &observations.engine {
        Observed::Seen(view) => Some((view, view.state.as_ref().ok()?)),
        _ => None,
    }
}

pub(super) fn memory(question: &Question<'_>, observations: &Observations) -> Line {
    const NAME: &str = "memory";
    let fix = match question.os {
        Os::Linux => "stop what takes it: `ps -eo rss,comm --sort=-rss | head`",
        Os::Darwin => {
            "colima stop && colima start --memory 4, or more memory in the settings of Docker Desktop"
        }
        Os::Windows => "a larger `memory=` under [wsl2] in %UserProfile%\\.wslconfig, then wsl --shutdown",
    };
    let free = match seen(NAME, &observations.memory, false, fix) {
        Ok(free) => *free,
        Err(line) => return line,
    };
    // Elsewhere containers live in a virtual machine, whose size counts.
    let of_engine = engine_of(observations).and_then(|(_, state)| state.memory);
    let (there, whose) = match (question.os, free, of_engine) {
        (Os::Linux, Some(free), _) => (free, "free"),
        (_, _, Some(all)) => (all, "in the engine's machine"),
        (_, Some(free), None) => (free, "free on this machine"),
        (_, None, None) => return Line::info(NAME, "this system does not tell"),
    };
    let summary = format!("{} {whose}", gigabytes(there));
    match question.asked.kind {
        Some(kind) if there < memory_of(kind) => {
            Line::lacking(NAME, format!("{summary}; {kind} takes {}", gigabytes(memory_of(kind))), fix)
                .required_if(true)
        }
        kind => Line::ok(NAME, summary).required_if(kind.is_some()),
    }
}

pub(super) fn disk(question: &Question<'_>, observations: &Observations) -> Line {
    const NAME: &str = "disk";
    let fix = "docker system prune";
    let of_engine = engine_of(observations).and_then(|(view, _)| view.disk.clone());
    let disk = match of_engine {
        Some(disk) => disk,
        None => match seen(NAME, &observations.disk, false, fix) {
            Ok(Ok(disk)) => disk.clone(),
            Ok(Err(why)) => return Line::info(NAME, why.clone()),
            Err(line) => return line,
        },
    };
    let summary = format!("{} free around {}", gigabytes(disk.free), disk.folder.display());
    match question.asked.kind {
        Some(kind) if disk.free < disk_of(kind) => {
            Line::lacking(NAME, format!("{summary}; {kind} takes up to {}", gigabytes(disk_of(kind))), fix)
                .required_if(true)
        }
        kind => Line::ok(NAME, summary).required_if(kind.is_some()),
    }
}

/// One line for all ports: those that are taken, with their holders.
pub(super) fn ports(question: &Question<'_>, observations: &Observations) -> Line {
    const NAME: &str = "ports";
    let required = question.on_engine();
    let (mut told, mut fixes) = (Vec::new(), Vec::<String>::new());
    let mut free = Vec::new();
    for (port, observed) in &observations.ports {
        let number = port.number;
        let (what, fix) = match observed {
            Observed::Seen(PortState::Free) => {
                free.push(number.to_string());
                continue;
            }
            Observed::Seen(PortState::NotPermitted) => {
                ("may not be opened by this user".to_owned(), format!("choose another port than {number}"))
            }
            Observed::Seen(PortState::Taken(_)) => taken(question, observations, *port, observed),
            Observed::TimedOut(deadline) => (hung(*deadline), who_holds(question.os, number)),
            Observed::Broke => ("could not be looked at".to_owned(), who_holds(question.os, number)),
        };
        told.push(format!("{number} ({}) {what}", port.what));
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    if told.is_empty() {
        return Line::ok(NAME, format!("{} are free", free.join(", "))).required_if(required);
    }
    Line::lacking(NAME, told.join("; "), fixes.join("; ")).required_if(required)
}

/// Who holds a port, as well as it can be said, and how to make them let go.
fn taken(
    question: &Question<'_>,
    observations: &Observations,
    port: Port,
    observed: &Observed<PortState>,
) -> (String, String) {
    let number = port.number;
    let own = match &observations.own {
        Observed::Seen(Ok(own)) => own.running.iter().find(|environment| {
            let urls =
                [&environment.web_url, &environment.api_url, &environment.otlp_url, &environment.stats_url];
            urls.iter().any(|url| url.ends_with(&format!(":{number}")))
        }),
        _ => None,
    };
    if let Some(environment) = own {
        let held = format!("is held by the environment {} that runs already", environment.name);
        return (held, down(&environment.name));
    }
    let containers =
        engine_of(observations).map(|(_, state)| state.containers.as_slice()).unwrap_or_default();
    if let Some(container) = containers.iter().find(|container| container.publishes(number)) {
        let name = container.name();
        if let Some(environment) = environment_of(container) {
            let held = format!("is held by the container {name} of the environment {environment}");
            let fix =
                written_down(observations, environment).map_or_else(|| format!("docker rm -f {name}"), down);
            return (held, fix);
        }
        return (format!("is held by the container {name}"), format!("docker stop {name}"));
    }
    match observed {
        Observed::Seen(PortState::Taken(Some(holder))) => {
            let kill = match question.os {
                Os::Windows => format!("taskkill /PID {}", holder.pid),
                Os::Linux | Os::Darwin => format!("kill {}", holder.pid),
            };
            (format!("is held by {} (process {})", holder.name, holder.pid), kill)
        }
        _ => ("is held by a program of another user".to_owned(), who_holds(question.os, number)),
    }
}

fn who_holds(os: Os, port: u16) -> String {
    match os {
        Os::Linux => format!("sudo ss -ltnp 'sport = :{port}'"),
        Os::Darwin => format!("sudo lsof -nP -iTCP:{port} -sTCP:LISTEN"),
        Os::Windows => format!("netstat -ano | findstr :{port}"),
    }
}

pub(super) fn inotify(question: &Question<'_>, observed: &Observed<Option<Inotify>>) -> Line {
    const NAME: &str = "inotify";
    let fix = "sudo sysctl fs.inotify.max_user_instances=1280 fs.inotify.max_user_watches=655360";
    let required = question.is_about(EnvironmentKind::Dev);
    let limits = match seen(NAME, observed, required, fix) {
        Ok(Some(limits)) => limits,
        Ok(None) if question.os == Os::Linux => {
            return Line::info(NAME, "this kernel does not tell its limits");
        }
        Ok(None) => return Line::info(NAME, "only Linux has it; the engine's machine brings its own limits"),
        Err(line) => return line,
    };
    let Inotify { instances, watches } = limits;
    let summary = format!("{instances} instances, {watches} watches");
    if *instances < LEAST.instances || *watches < LEAST.watches {
        let least = format!("{} and {}", LEAST.instances, LEAST.watches);
        return Line::lacking(NAME, format!("{summary}: the nodes of dev need {least}"), fix)
            .required_if(required);
    }
    Line::ok(NAME, summary).required_if(required)
}

/// The engine says it, also of a machine that is not this one.
pub(super) fn cgroup(question: &Question<'_>, observations: &Observations) -> Line {
    const NAME: &str = "cgroup";
    let required = question.is_about(EnvironmentKind::Dev);
    let fix = match question.os {
        Os::Linux => {
            "add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub && sudo reboot"
        }
        Os::Darwin => "colima delete && colima start, for a newer virtual machine",
        Os::Windows => {
            "wsl --update, then kernelCommandLine = cgroup_no_v1=all under [wsl2] in %UserProfile%\\.wslconfig"
        }
    };
    match engine_of(observations).and_then(|(_, state)| state.cgroup_version.as_deref()) {
        Some("2") => Line::ok(NAME, "version 2").required_if(required),
        Some(version) => {
            let summary = format!("version {version}; the k3s of dev refuses to run without version 2");
            Line::lacking(NAME, summary, fix).required_if(required)
        }
        None => Line::info(NAME, "only the engine can tell, and it does not answer"),
    }
}

/// Only `kwok --beyla` needs it.
pub(super) fn btf(question: &Question<'_>, observed: &Observed<Btf>) -> Line {
    const NAME: &str = "BTF";
    match seen(NAME, observed, false, "run without --beyla") {
        Ok(Btf::Yes { kernel }) => Line::ok(NAME, format!("kernel {kernel}: `--beyla` works here")),
        Ok(Btf::No { why }) => {
            let fix = match question.os {
                Os::Linux => {
                    "run without --beyla, or boot a kernel of your distribution that is 5.8 or newer"
                }
                Os::Darwin | Os::Windows => "run without --beyla",
            };
            Line::lacking(NAME, format!("{why}, so `--beyla` does not work here"), fix).required_if(false)
        }
        Ok(Btf::OtherKernel) => {
            let ask = "docker run --rm alpine test -r /sys/kernel/btf/vmlinux && echo yes";
            Line {
                fix: Some(ask.to_owned()),
                ..Line::info(NAME, "`--beyla` depends on the kernel of the engine's machine")
            }
        }
        Err(line) => line,
    }
}
