//! Which ports are taken, and by whom.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::doctor::asked::{Asked, ChosenPorts};
use tools::pins::EnvironmentKind;
use tools::{Invocation, Processes};

/// A port that an environment opens on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// Its number.
    pub(crate) number: u16,
    /// What answers there.
    pub(crate) what: &'static str,
}

/// Whether a port is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PortState {
    /// It is.
    Free,
    /// Somebody has it.
    Taken(Option<Holder>),
    /// This user may not open it.
    NotPermitted,
}

/// A process that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) name: String,
}

impl Port {
    /// Those that an environment is to open; without one, all that any opens.
    pub(crate) fn of(asked: &Asked) -> Vec<Self> {
        let ChosenPorts { web, otlp_grpc, otlp_http, prometheus, kubelets } = asked.ports;
        let all = [
            (web, "Grafana, or the page", &[EnvironmentKind::Kwok, EnvironmentKind::Dev][..]),
            (otlp_grpc, "OTLP over gRPC", &[EnvironmentKind::Kwok, EnvironmentKind::Dev]),
            (otlp_http, "OTLP over HTTP", &[EnvironmentKind::Kwok, EnvironmentKind::Dev]),
            (prometheus, "the Prometheus API", &[EnvironmentKind::Dev]),
            (kubelets, "the simulated kubelets", &[]),
        ];
        let needed = |kinds: &[EnvironmentKind]| asked.kind.is_none_or(|kind| kinds.contains(&kind));
        let ports = all.into_iter().filter(|(_, _, kinds)| needed(kinds));
        ports.map(|(number, what, _)| Self { number, what }).collect()
    }
}

/// Tries to take a port for an instant.
pub(super) fn look(port: u16, processes: &dyn Processes) -> PortState {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address).map(drop) {
        // Some systems give the loopback address to one while another has all addresses.
        Ok(()) if TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_err() => {
            PortState::Free
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => PortState::NotPermitted,
        _ => PortState::Taken(holder(port, processes)),
    }
}

#[cfg(target_os = "linux")]
fn holder(port: u16, _: &dyn Processes) -> Option<Holder> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        sockets.extend(listening(&std::fs::read_to_string(table).unwrap_or_default(), port));
    }
    // Root's and other users' processes show their files to root alone.
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().filter_map(Result::ok);
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|target| {
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
            inode.is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
        })
    })?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(Holder { pid, name: name.trim().to_owned() })
}

#[cfg(not(target_os = "linux"))]
fn holder(port: u16, processes: &dyn Processes) -> Option<Holder> {
    ask_lsof(port, processes)
}

/// The inodes of the sockets that listen on a port, in the kernel's table.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux has the table"))]
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let port = format!("{port:04X}");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter_map(|fields| {
            let (_, local) = fields.get(1)?.rsplit_once(':')?;
            (local == port && *fields.get(3)? == LISTEN).then(|| (*fields.get(9)?).to_owned().into())?
        })
        .collect()
}

/// Where there is no /proc, lsof may be there.
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "Linux has /proc"))]
fn ask_lsof(port: u16, processes: &dyn Processes) -> Option<Holder> {
    let lsof = Invocation::new("lsof")
        .args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"])
        .within(Duration::from_secs(4));
    let text = processes.run(&lsof).ok()?.text();
    let field = |letter| text.lines().find_map(|line| line.strip_prefix(letter));
    Some(Holder { pid: field('p')?.parse().ok()?, name: field('c')?.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use tools::FakeProcesses;

    #[test]
    fn the_kernels_table_tells_which_sockets_listen_on_a_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   \
             1: 0100007F:0BB8 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n   \
             2: 00000000:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n   \
             3: broken\n";
        assert_eq!(listening(table, 3000), ["4711"]);
        assert_eq!(listening(table, 9090), ["4713"]);
        assert_eq!(listening(table, 80), [""; 0]);
        let of_ipv6 = "header\n 0: 00000000000000000000000000000000:0BB8 0:0000 0A 0:0 0:0 0 0 0 99 1\n";
        assert_eq!(listening(of_ipv6, 3000), ["99"]);
    }

    proptest! {
        #[test]
        fn any_table_is_read_without_a_panic(table in "([0-9A-F:]{1,12}[ \n]){0,60}", port: u16) {
            let _ = listening(&table, port);
        }
    }

    #[test]
    fn lsof_tells_who_holds_a_port() {
        let processes = FakeProcesses::default().with("lsof", "p4242\ncgrafana\nf8\n");
        assert_eq!(ask_lsof(3000, &processes), Some(Holder { pid: 4242, name: "grafana".to_owned() }));
        assert_eq!(processes.runs()[0].to_string(), "lsof -nP -iTCP:3000 -sTCP:LISTEN -Fpc");
        assert_eq!(ask_lsof(3000, &FakeProcesses::default()), None);
    }

    #[test]
    fn a_taken_port_is_found_with_its_holder_and_a_free_one_is_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = look(port, &FakeProcesses::default());
        if cfg!(target_os = "linux") {
            let PortState::Taken(Some(holder)) = &state else { panic!("{state:?}") };
            assert_eq!(holder.pid, std::process::id());
        } else {
            assert_eq!(state, PortState::Taken(None));
        }
        drop(listener);
        assert_eq!(look(port, &FakeProcesses::default()), PortState::Free);
    }

    #[test]
    fn each_environment_is_asked_about_its_own_ports() {
        let numbers = |kind| {
            let asked = Asked { kind, ..Asked::default() };
            Port::of(&asked).iter().map(|port| port.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(Some(EnvironmentKind::Kwok)), [3000, 4317, 4318]);
        assert_eq!(numbers(Some(EnvironmentKind::Dev)), [3000, 4317, 4318, 9090]);
        assert_eq!(numbers(None), [3000, 4317, 4318, 9090, 10250]);
    }

    #[test]
    fn the_ports_that_were_chosen_are_looked_at_in_place_of_the_usual_ones() {
        let ports = ChosenPorts { web: 3001, otlp_grpc: 4320, otlp_http: 4319, ..ChosenPorts::default() };
        let numbers = |kind| {
            let asked = Asked { kind: Some(kind), ports, offline: false };
            Port::of(&asked).iter().map(|port| port.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(EnvironmentKind::Kwok), [3001, 4320, 4319]);
        assert_eq!(numbers(EnvironmentKind::Dev), [3001, 4320, 4319, 9090]);
    }
}
