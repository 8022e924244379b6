//! What an engine's refusals mean. Engines say why in words only, and each in its own: Docker, its versions, Docker Desktop, Podman.

use std::error::Error as _;
use std::fmt;
use std::io;

use bollard::errors::Error;

use super::spec::LOOPBACK;

/// Why an engine did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A port of the host is in use.
    PortTaken(Option<u16>),
    /// The engine may not listen on a port of the host.
    PortForbidden(Option<u16>),
    /// A container or network has the name already.
    NameTaken,
    /// The image is not there.
    NoImage,
    /// The network is not there.
    NoNetwork,
    /// The container is not there.
    NoContainer,
    /// The container does not run.
    NotRunning,
    /// What is to be mounted is not there.
    NoSource(String),
    /// What is to be mounted is not shared with the virtual machine of the engine.
    NotShared,
    /// The program is not in the image.
    NoProgram,
    /// The program is for another processor.
    OtherProcessor,
    /// A file cannot be put where it is to be, as nothing can be written there.
    ReadOnly,
    /// There is no space left where the engine keeps its data.
    DiskFull,
    /// The registry gives no more to this address for a while.
    RateLimited,
    /// The registry does not have the tag or digest.
    NoSuchTag,
    /// The registry does not have the image, or does not show it to this user.
    Denied,
    /// The image is not made for this processor.
    NoPlatform,
    /// The registry's certificate is not trusted.
    NotTrusted,
    /// The registry cannot be reached.
    NoRegistry,
    /// All addresses for networks are in use.
    NoAddresses,
    /// Several networks have this name.
    Ambiguous,
    /// Something is in use: a network by containers, an image by a container.
    InUse,
    /// It is being removed by somebody else.
    BeingRemoved,
    /// This user may not ask the engine.
    NotPermitted,
    /// The engine is not there.
    Gone,
    /// The engine broke off in the middle.
    CutOff,
    /// The engine did not answer in time.
    TimedOut,
    /// The engine is too old, or too new, for us.
    OtherVersion,
    /// Anything else.
    Other,
}

/// Words that tell faults apart, most telling first: all of a row have to be there. Lower case.
const WORDS: &[(&[&str], Fault)] = &[
    (&["no space left on device"], Fault::DiskFull),
    (&["disk quota exceeded"], Fault::DiskFull),
    (&["toomanyrequests"], Fault::RateLimited),
    (&["too many requests"], Fault::RateLimited),
    (&["rate limit"], Fault::RateLimited),
    (&["port is already allocated"], Fault::PortTaken(None)),
    (&["address already in use"], Fault::PortTaken(None)),
    (&["only one usage of each socket address"], Fault::PortTaken(None)),
    (&["bind", "permission denied"], Fault::PortForbidden(None)),
    (&["cannot expose privileged port"], Fault::PortForbidden(None)),
    (&["bind", "forbidden by its access permissions"], Fault::PortForbidden(None)),
    (&["name", "is already in use"], Fault::NameTaken),
    (&["network with name", "already exists"], Fault::NameTaken),
    (&["network name", "already used"], Fault::NameTaken),
    (&["matches found"], Fault::Ambiguous),
    (&["is ambiguous"], Fault::Ambiguous),
    (&["is already in progress"], Fault::BeingRemoved),
    (&["has active endpoints"], Fault::InUse),
    (&["network is being used"], Fault::InUse),
    (&["has associated containers"], Fault::InUse),
    (&["image is being used by"], Fault::InUse),
    (&["image is in use by a container"], Fault::InUse),
    (&["fully subnetted"], Fault::NoAddresses),
    (&["non-overlapping ipv4 address pool"], Fault::NoAddresses),
    (&["could not find free subnet"], Fault::NoAddresses),
    (&["is not shared from the host"], Fault::NotShared),
    (&["mounts denied"], Fault::NotShared),
    (&["exec format error"], Fault::OtherProcessor),
    (&["executable file not found"], Fault::NoProgram),
    (&["exec:", "no such file or directory"], Fault::NoProgram),
    (&["exec:", "permission denied"], Fault::NoProgram),
    (&["rootfs is marked read-only"], Fault::ReadOnly),
    (&["read-only file system"], Fault::ReadOnly),
    (&["certificate signed by unknown authority"], Fault::NotTrusted),
    (&["x509:"], Fault::NotTrusted),
    (&["no matching manifest for"], Fault::NoPlatform),
    (&["no image found in manifest list for architecture"], Fault::NoPlatform),
    (&["manifest unknown"], Fault::NoSuchTag),
    (&["manifest for", "not found"], Fault::NoSuchTag),
    (&["pull access denied"], Fault::Denied),
    (&["requested access to the resource is denied"], Fault::Denied),
    (&["authentication required"], Fault::Denied),
    (&["unauthorized"], Fault::Denied),
    (&["no such host"], Fault::NoRegistry),
    (&["server misbehaving"], Fault::NoRegistry),
    (&["temporary failure in name resolution"], Fault::NoRegistry),
    (&["network is unreachable"], Fault::NoRegistry),
    (&["no route to host"], Fault::NoRegistry),
    (&["dial tcp"], Fault::NoRegistry),
    (&["proxyconnect"], Fault::NoRegistry),
    (&["tls handshake timeout"], Fault::NoRegistry),
    (&["client.timeout exceeded"], Fault::NoRegistry),
    (&["i/o timeout"], Fault::NoRegistry),
    (&["request canceled while waiting for connection"], Fault::NoRegistry),
    (&["unexpected http status"], Fault::NoRegistry),
    (&["connection reset by peer"], Fault::CutOff),
    (&["unexpected eof"], Fault::CutOff),
    (&["no such image"], Fault::NoImage),
    (&["image not known"], Fault::NoImage),
    (&["no such container"], Fault::NoContainer),
    (&["no container with name or id"], Fault::NoContainer),
    (&["non running container"], Fault::NotRunning),
    (&["is not running"], Fault::NotRunning),
    (&["can only create exec sessions on running containers"], Fault::NotRunning),
    (&["container state improper"], Fault::NotRunning),
    (&["unable to find network"], Fault::NoNetwork),
    (&["network", "not found"], Fault::NoNetwork),
    (&["client version"], Fault::OtherVersion),
];

impl Fault {
    /// What an error of the client means.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self::of_answer(Some(*status_code), message)
            }
            Error::DockerStreamError { error } | Error::DockerContainerWaitError { error, .. } => {
                Self::of_answer(None, error)
            }
            Error::RequestTimeoutError => Self::TimedOut,
            Error::SocketNotFoundError(_) => Self::Gone,
            error => Self::of_connection(error),
        }
    }

    /// What an engine's words mean.
    fn of_answer(status: Option<u16>, message: &str) -> Self {
        // Of the same length as the message, as only ASCII changes.
        let words = message.to_ascii_lowercase();
        if let Some(source) = words.find("source path does not exist:").map(|at| at + 27) {
            return Self::NoSource(message[source..].trim().to_owned());
        }
        let found = WORDS.iter().find(|(all, _)| all.iter().all(|word| words.contains(word)));
        match found {
            Some((_, Self::PortTaken(_))) => Self::PortTaken(port_in(message)),
            Some((_, Self::PortForbidden(_))) => Self::PortForbidden(port_in(message)),
            Some((_, fault)) => fault.clone(),
            None if status == Some(429) => Self::RateLimited,
            None => Self::Other,
        }
    }

    /// What happened to a connection.
    fn of_connection(error: &Error) -> Self {
        // This one is not its own source.
        if let Error::IOError { err } = error
            && let Some(fault) = Self::of_io(err)
        {
            return fault;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(fault) = cause.downcast_ref().and_then(Self::of_io) {
                return fault;
            }
            source = cause.source();
        }
        let words = said_by(error).to_lowercase();
        let cut =
            ["connection closed", "connection error", "incomplete", "eof", "reset", "broken pipe", "body"];
        if cut.iter().any(|word| words.contains(word)) { Self::CutOff } else { Self::Other }
    }

    fn of_io(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Some(Self::Gone),
            io::ErrorKind::PermissionDenied => Some(Self::NotPermitted),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                Some(Self::CutOff)
            }
            _ => None,
        }
    }

    /// What to do about it, where that does not depend on what was asked for.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::DiskFull => {
                "there is no space left where the engine keeps its data; `docker system df` shows what takes it, \
                 `docker image prune` and `docker builder prune` free some"
            }
            Self::NotPermitted => {
                "this user may not open the engine's socket; `cargo xtask doctor` says how to change that"
            }
            Self::Gone => {
                "the engine is not there any more; start it, `cargo xtask doctor` tells whether it answers"
            }
            Self::CutOff => {
                "the connection broke off in the middle; the engine may have been restarted: try again"
            }
            Self::TimedOut => {
                "the engine did not answer in time; it may be busy or hang: try again, or restart it"
            }
            Self::NoAddresses => {
                "all addresses that the engine has for networks are in use; `docker network prune` removes networks \
                 that nobody uses"
            }
            Self::NotShared => {
                "the folder is not shared with the engine's virtual machine; add it in Docker Desktop under Settings, \
                 Resources, File sharing"
            }
            Self::OtherProcessor => "its program is for another processor than the engine's",
            Self::OtherVersion => {
                "this engine's version is not supported; `cargo xtask doctor` tells which is"
            }
            _ => return None,
        })
    }
}

/// The port of the host in an engine's words: the first one of an address of the host.
fn port_in(message: &str) -> Option<u16> {
    let of_address = |address: &str| {
        let (_, after) = message.split_once(address)?;
        after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    let addresses =
        [format!("{LOOPBACK}:"), "0.0.0.0:".to_owned(), "privileged port ".to_owned(), "]:".to_owned()];
    addresses.iter().find_map(|address| of_address(address))
}

/// The engine's own words, behind ours.
#[derive(Debug)]
struct Said(String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

/// An error with everything behind it. The client's errors do not always contain what caused them.
fn said_by(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            format!("the engine answered {status_code}: {}", message.trim())
        }
        Error::DockerStreamError { error } => format!("the engine said: {}", error.trim()),
        error => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !text.contains(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            text
        }
    }
}

/// An error of one line that says what failed, with the engine's words behind it.
pub(super) fn told(line: String, error: &Error) -> anyhow::Error {
    anyhow::Error::new(Said(said_by(error))).context(line)
}

/// An error about something that could not be done, for reasons that have nothing to do with what it was.
pub(super) fn failed(to: &str, error: &Error) -> anyhow::Error {
    match Fault::of(error).remedy() {
        Some(remedy) => told(format!("failed to {to}: {remedy}"), error),
        None => told(format!("failed to {to}"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn refusals_are_told_apart_in_the_words_of_each_engine() {
        for (status, message, fault) in [
            // Docker 20 to 28, when a container has the port; when a program has it; and with Docker Desktop and Podman.
            (
                500,
                "driver failed programming external connectivity on endpoint a (5f): Bind for 127.0.0.1:3000 failed: port is already allocated",
                Fault::PortTaken(Some(3000)),
            ),
            (
                500,
                "driver failed programming external connectivity on endpoint a (5f): Error starting userland proxy: listen tcp4 127.0.0.1:4317: bind: address already in use",
                Fault::PortTaken(Some(4317)),
            ),
            (
                500,
                "failed to set up container networking: driver failed programming external connectivity on endpoint a (5f): failed to bind host port for 127.0.0.1:4318:172.19.0.2:4318/tcp: address already in use",
                Fault::PortTaken(Some(4318)),
            ),
            (
                500,
                "Ports are not available: exposing port TCP 127.0.0.1:3000 -> 127.0.0.1:0: listen tcp4 127.0.0.1:3000: bind: Only one usage of each socket address (protocol/network address/port) is normally permitted.",
                Fault::PortTaken(Some(3000)),
            ),
            (
                500,
                "rootlessport listen tcp 127.0.0.1:3000: bind: address already in use",
                Fault::PortTaken(Some(3000)),
            ),
            (500, "cannot listen on the TCP port: address already in use", Fault::PortTaken(None)),
            (
                500,
                "rootlessport cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start=80'",
                Fault::PortForbidden(Some(80)),
            ),
            (
                500,
                "Ports are not available: listen tcp 127.0.0.1:3000: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
                Fault::PortForbidden(Some(3000)),
            ),
            (
                409,
                "Conflict. The container name \"/lgtm\" is already in use by container \"5f\". You have to remove (or rename) that container to be able to reuse that name.",
                Fault::NameTaken,
            ),
            (
                500,
                "creating container storage: the container name \"lgtm\" is already in use by 5f. You have to remove that container to be able to reuse that name: that name is already in use",
                Fault::NameTaken,
            ),
            (409, "network with name kwok-default already exists", Fault::NameTaken),
            (409, "network name kwok-default already used: network already exists", Fault::NameTaken),
            (404, "No such image: grafana/otel-lgtm:0.31.0", Fault::NoImage),
            (404, "grafana/otel-lgtm:0.31.0: image not known", Fault::NoImage),
            (404, "network kwok-default not found", Fault::NoNetwork),
            (404, "unable to find network with name or ID kwok-default: network not found", Fault::NoNetwork),
            (400, "network kwok-default is ambiguous (2 matches found on name)", Fault::Ambiguous),
            (404, "No such container: lgtm", Fault::NoContainer),
            (404, "no container with name or ID \"lgtm\" found: no such container", Fault::NoContainer),
            (409, "cannot join network of a non running container: 5f", Fault::NotRunning),
            (409, "Container 5f is not running", Fault::NotRunning),
            (
                409,
                "can only create exec sessions on running containers: container state improper",
                Fault::NotRunning,
            ),
            (409, "removal of container lgtm is already in progress", Fault::BeingRemoved),
            (
                403,
                "error while removing network: network kwok-default id 5f has active endpoints",
                Fault::InUse,
            ),
            (
                400,
                "invalid mount config for type \"bind\": bind source path does not exist: /home/Me/Dash boards",
                Fault::NoSource("/home/Me/Dash boards".to_owned()),
            ),
            (
                500,
                "Mounts denied: \nThe path /opt/x is not shared from the host and is not known to Docker.",
                Fault::NotShared,
            ),
            (
                400,
                "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/otelcol\": stat /otelcol: no such file or directory: unknown",
                Fault::NoProgram,
            ),
            (
                400,
                "OCI runtime exec failed: exec failed: unable to start container process: exec: \"test\": executable file not found in $PATH: unknown",
                Fault::NoProgram,
            ),
            (
                400,
                "failed to create shim task: OCI runtime create failed: exec /stats-proxy: exec format error",
                Fault::OtherProcessor,
            ),
            (403, "container rootfs is marked read-only", Fault::ReadOnly),
            (500, "write /var/lib/docker/tmp/GetImageBlob1: no space left on device", Fault::DiskFull),
            (
                500,
                "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
                Fault::NoAddresses,
            ),
            (400, "all predefined address pools have been fully subnetted", Fault::NoAddresses),
            (
                400,
                "client version 1.53 is too new. Maximum supported API version is 1.41",
                Fault::OtherVersion,
            ),
            (500, "something else", Fault::Other),
        ] {
            assert_eq!(Fault::of(&answer(status, message)), fault, "{message}");
        }
    }

    #[test]
    fn what_a_registry_says_is_told_apart() {
        for (message, fault) in [
            (
                "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
                Fault::RateLimited,
            ),
            (
                "error pulling image configuration: download failed after attempts=1: toomanyrequests",
                Fault::RateLimited,
            ),
            (
                "manifest for grafana/otel-lgtm:9 not found: manifest unknown: manifest unknown",
                Fault::NoSuchTag,
            ),
            ("reading manifest 9 in docker.io/grafana/otel-lgtm: manifest unknown", Fault::NoSuchTag),
            (
                "pull access denied for grafana/nothing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
                Fault::Denied,
            ),
            ("no matching manifest for linux/riscv64 in the manifest list entries", Fault::NoPlatform),
            (
                "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: no such host",
                Fault::NoRegistry,
            ),
            (
                "Get \"https://registry-1.docker.io/v2/\": dial tcp 1.2.3.4:443: connect: connection refused",
                Fault::NoRegistry,
            ),
            (
                "Get \"https://registry-1.docker.io/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
                Fault::NoRegistry,
            ),
            (
                "Get \"https://registry-1.docker.io/v2/\": proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout",
                Fault::NoRegistry,
            ),
            (
                "Get \"https://registry-1.docker.io/v2/\": x509: certificate signed by unknown authority",
                Fault::NotTrusted,
            ),
            ("failed to register layer: write /usr/bin/x: no space left on device", Fault::DiskFull),
            ("unexpected EOF", Fault::CutOff),
            ("read tcp 10.0.0.2:5->1.2.3.4:443: read: connection reset by peer", Fault::CutOff),
        ] {
            let in_stream = Error::DockerStreamError { error: message.to_owned() };
            assert_eq!(Fault::of(&in_stream), fault, "{message}");
            assert_eq!(Fault::of(&answer(500, message)), fault, "{message}");
        }
        assert_eq!(Fault::of(&answer(429, "")), Fault::RateLimited);
    }

    #[test]
    fn what_happens_to_a_connection_is_told_apart() {
        let io = |kind: io::ErrorKind| Error::IOError { err: kind.into() };
        for (error, fault) in [
            (io(io::ErrorKind::NotFound), Fault::Gone),
            (io(io::ErrorKind::ConnectionRefused), Fault::Gone),
            (io(io::ErrorKind::PermissionDenied), Fault::NotPermitted),
            (io(io::ErrorKind::ConnectionReset), Fault::CutOff),
            (io(io::ErrorKind::BrokenPipe), Fault::CutOff),
            (Error::RequestTimeoutError, Fault::TimedOut),
            (Error::SocketNotFoundError("/run/docker.sock".to_owned()), Fault::Gone),
            (Error::APIVersionParseError {}, Fault::Other),
        ] {
            assert_eq!(Fault::of(&error), fault, "{error}");
        }
    }

    #[test]
    fn the_error_is_one_line_and_the_engine_is_heard_behind_it() {
        let error = failed("start the container lgtm", &answer(500, "write /a: no space left on device"));
        let line = error.to_string();
        assert!(line.starts_with("failed to start the container lgtm: there is no space left"), "{line}");
        assert!(!line.contains('\n'));
        assert_eq!(
            error.root_cause().to_string(),
            "the engine answered 500: write /a: no space left on device"
        );
        let error = failed("start the container lgtm", &answer(500, "other"));
        assert_eq!(
            format!("{error:#}"),
            "failed to start the container lgtm: the engine answered 500: other"
        );
    }
}
