//! Where a container engine may listen.
//!
//! As Docker's own client does it: `DOCKER_HOST`, then the current context. If neither says anything, the sockets where engines
//! listen by default, which Docker's client does not look for: rootless ones, Docker Desktop, Colima, Rancher Desktop, OrbStack,
//! Podman.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Os, Sha256Sum};

/// How to reach an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A named pipe of Windows.
    Pipe(String),
    /// Host and port, without TLS.
    Tcp(String),
}

impl Address {
    /// Reads an address as `DOCKER_HOST` has it.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        const FORMS: &str = "export DOCKER_HOST=unix:///PATH, tcp://HOST:PORT or npipe:////./pipe/NAME";
        let wrong = |why: &str| Unusable::new(format!("{text:?} is no address of an engine{why}"), FORMS);
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(""))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "npipe" if !rest.is_empty() => Ok(Self::Pipe(rest.replace('/', "\\"))),
            "tcp" | "http" => {
                let host = rest.trim_end_matches('/');
                if host.is_empty() || host.contains('/') {
                    return Err(wrong(": it needs a host and a port"));
                }
                let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                Ok(Self::Tcp(if has_port { host.to_owned() } else { format!("{host}:2375") }))
            }
            "ssh" | "https" => {
                // ssh takes its own addresses as they are.
                let host = if scheme == "ssh" { text.trim_end_matches('/') } else { "HOST" };
                Err(Unusable::new(format!("engines behind {scheme}:// are not spoken to"), forward(host)))
            }
            _ => Err(wrong("")),
        }
    }
}

/// How the engine of another machine is reached: its socket is brought here.
fn forward(host: &str) -> String {
    format!(
        "ssh -fnNT -L /tmp/docker.sock:/var/run/docker.sock {host} && export DOCKER_HOST=unix:///tmp/docker.sock"
    )
}

/// What the user has configured, and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unusable {
    /// What is wrong with it.
    pub problem: String,
    /// The command that mends it.
    pub remedy: String,
}

impl Unusable {
    /// A problem with its remedy.
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }

    fn named_by(self, named_by: &str) -> Self {
        Self { problem: format!("{named_by}: {}", self.problem), ..self }
    }

    fn or(self, other: &str) -> Self {
        Self { remedy: format!("{}; or {other}", self.remedy), ..self }
    }
}

/// The form that `DOCKER_HOST` takes.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Pipe(name) => write!(f, "npipe://{}", name.replace('\\', "/")),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// An address, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub address: Address,
    /// `DOCKER_HOST`, `the context "colima"`, or what usually listens there.
    pub named_by: String,
}

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
pub enum Candidates {
    /// The user has said it: this one or none.
    Chosen(Candidate),
    /// The first of these that answers.
    Usual(Vec<Candidate>),
}

/// What decides where engines are looked for: the user's environment and home.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_CONFIG`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_TLS_VERIFY`, if it is on.
    pub tls: bool,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_folder: Option<PathBuf>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_user() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            docker_host: text("DOCKER_HOST"),
            docker_context: text("DOCKER_CONTEXT"),
            docker_config: text("DOCKER_CONFIG").map(PathBuf::from),
            tls: text("DOCKER_TLS_VERIFY").is_some(),
            runtime_folder: text("XDG_RUNTIME_DIR").map(PathBuf::from),
            home: etcetera::home_dir().ok(),
        }
    }

    /// Where to look for an engine on a system.
    ///
    /// # Errors
    /// When the user has named one that cannot be spoken to, or not in a way that can be read.
    pub fn candidates(&self, os: Os) -> Result<Candidates, Unusable> {
        const USUAL: &str = "docker context use default, for the engine of this machine";
        let chosen = |address: &str, named_by: &str| {
            let address = Address::parse(address).map_err(|unusable| unusable.named_by(named_by))?;
            if self.tls && matches!(address, Address::Tcp(_)) {
                let unusable = Unusable::new("engines behind TLS are not spoken to", forward("HOST"));
                return Err(unusable.named_by(named_by).or("unset DOCKER_TLS_VERIFY"));
            }
            Ok(Candidates::Chosen(Candidate { address, named_by: named_by.to_owned() }))
        };
        if let Some(host) = &self.docker_host {
            return chosen(host, "DOCKER_HOST")
                .map_err(|unusable| unusable.or("unset DOCKER_HOST, for the engine of this machine"));
        }
        if let Some(context) = self.context()? {
            let named_by = format!("the Docker context {context:?}");
            let host = self
                .context_host(&context)
                .map_err(|reason| Unusable::new(reason, USUAL).named_by(&named_by))?;
            return chosen(&host, &named_by).map_err(|unusable| unusable.or(USUAL));
        }
        Ok(Candidates::Usual(self.usual(os)))
    }

    /// The name of the current context, unless that is the usual one.
    fn context(&self) -> Result<Option<String>, Unusable> {
        let named = match &self.docker_context {
            Some(context) => Some(context.clone()),
            None => self.configured_context()?,
        };
        Ok(named.filter(|context| !context.is_empty() && context != "default"))
    }

    fn configured_context(&self) -> Result<Option<String>, Unusable> {
        #[derive(Deserialize)]
        struct Configuration {
            #[serde(rename = "currentContext")]
            current_context: Option<String>,
        }
        let Some(path) = self.config_folder().map(|folder| folder.join("config.json")) else {
            return Ok(None);
        };
        match std::fs::read_to_string(&path) {
            // Without a configuration there is no context.
            Err(_) => Ok(None),
            Ok(text) => serde_json::from_str::<Configuration>(&text)
                .map(|configuration| configuration.current_context)
                .map_err(|error| {
                    let path = path.display();
                    Unusable::new(
                        format!("failed to read {path}: {error}"),
                        format!("mend {path}, Docker's own configuration; or export DOCKER_CONTEXT=default"),
                    )
                }),
        }
    }

    /// The engine's address in a context. Its folder is called by the hash of its name.
    fn context_host(&self, context: &str) -> Result<String, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Meta {
            endpoints: Endpoints,
        }
        #[derive(Deserialize)]
        struct Endpoints {
            docker: Endpoint,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Endpoint {
            host: String,
        }
        let folder = self.config_folder().ok_or("there is no home folder")?;
        let path = folder
            .join("contexts")
            .join("meta")
            .join(Sha256Sum::of(context.as_bytes()).to_string())
            .join("meta.json");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("it is not there, as {} cannot be read ({error})", path.display()))?;
        serde_json::from_str::<Meta>(&text)
            .map(|meta| meta.endpoints.docker.host)
            .map_err(|error| format!("failed to read {}: {error}", path.display()))
    }

    fn config_folder(&self) -> Option<PathBuf> {
        self.docker_config.clone().or_else(|| Some(self.home.as_ref()?.join(".docker")))
    }

    /// Where engines listen when nobody has said anything, Docker's before Podman's.
    fn usual(&self, os: Os) -> Vec<Candidate> {
        let candidate = |address, named_by: &str| Candidate { address, named_by: named_by.to_owned() };
        if os == Os::Windows {
            let pipe = |name: &str, named_by| candidate(Address::Pipe(format!(r"\\.\pipe\{name}")), named_by);
            return vec![
                pipe("docker_engine", "Docker"),
                pipe("dockerDesktopLinuxEngine", "Docker Desktop"),
                pipe("podman-machine-default", "Podman"),
            ];
        }
        let at = |folder: Option<&Path>, below: &str, named_by| {
            Some(candidate(Address::Unix(folder?.join(below)), named_by))
        };
        let (home, runtime) = (self.home.as_deref(), self.runtime_folder.as_deref());
        let root = Some(Path::new("/"));
        let sockets = [
            at(root, "var/run/docker.sock", "Docker"),
            at(runtime, "docker.sock", "rootless Docker"),
            at(home, ".docker/run/docker.sock", "Docker Desktop"),
            at(home, ".docker/desktop/docker.sock", "Docker Desktop"),
            at(home, ".orbstack/run/docker.sock", "OrbStack"),
            at(home, ".colima/default/docker.sock", "Colima"),
            at(home, ".config/colima/default/docker.sock", "Colima"),
            at(home, ".rd/docker.sock", "Rancher Desktop"),
            at(runtime, "podman/podman.sock", "Podman"),
            at(root, "run/podman/podman.sock", "Podman"),
            at(home, ".local/share/containers/podman/machine/podman.sock", "Podman"),
        ];
        sockets.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("kubernetes-mixin-otel-engine-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write_context(config: &Path, name: &str, host: &str) {
        let folder = config.join("contexts/meta").join(Sha256Sum::of(name.as_bytes()).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let meta = format!(
            r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        );
        std::fs::write(folder.join("meta.json"), meta).unwrap();
    }

    fn chosen(surroundings: &Surroundings) -> (String, String) {
        match surroundings.candidates(Os::Linux).unwrap() {
            Candidates::Chosen(candidate) => (candidate.address.to_string(), candidate.named_by),
            Candidates::Usual(usual) => panic!("nothing was chosen: {usual:?}"),
        }
    }

    #[test]
    fn addresses_are_read_as_docker_reads_them() {
        for (text, shown) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://10.0.0.7:2375", "tcp://10.0.0.7:2375"),
            ("http://localhost:2375/", "tcp://localhost:2375"),
            ("tcp://engine", "tcp://engine:2375"),
            ("tcp://[::1]:2375", "tcp://[::1]:2375"),
            ("npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
        for text in
            ["", "docker.sock", "unix://docker.sock", "tcp://", "tcp://a:1/b", "fd://3", "ssh://me@host"]
        {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn docker_host_is_before_everything_else_and_a_mistake_in_it_is_told() {
        let mut surroundings = Surroundings {
            docker_host: Some("tcp://engine:2375".to_owned()),
            docker_context: Some("other".to_owned()),
            ..Surroundings::default()
        };
        assert_eq!(chosen(&surroundings), ("tcp://engine:2375".to_owned(), "DOCKER_HOST".to_owned()));
        surroundings.tls = true;
        let Unusable { problem, remedy } = surroundings.candidates(Os::Linux).unwrap_err();
        assert!(problem.starts_with("DOCKER_HOST: ") && problem.contains("TLS"), "{problem}");
        assert!(remedy.contains("unset DOCKER_TLS_VERIFY"), "{remedy}");
        surroundings.docker_host = Some("nonsense".to_owned());
        let Unusable { problem, remedy } = surroundings.candidates(Os::Linux).unwrap_err();
        assert!(problem.starts_with("DOCKER_HOST: \"nonsense\" is no address"), "{problem}");
        assert!(
            remedy.contains("export DOCKER_HOST=") && remedy.contains("; or unset DOCKER_HOST"),
            "{remedy}"
        );
    }

    #[test]
    fn an_engine_behind_ssh_is_refused_and_the_remedy_alone_says_how_to_forward_its_socket() {
        let surroundings =
            Surroundings { docker_host: Some("ssh://me@host:2222".to_owned()), ..Surroundings::default() };
        let Unusable { problem, remedy } = surroundings.candidates(Os::Linux).unwrap_err();
        assert_eq!(problem, "DOCKER_HOST: engines behind ssh:// are not spoken to");
        assert_eq!(
            remedy,
            "ssh -fnNT -L /tmp/docker.sock:/var/run/docker.sock ssh://me@host:2222 && export \
             DOCKER_HOST=unix:///tmp/docker.sock; or unset DOCKER_HOST, for the engine of this machine"
        );
    }

    #[test]
    fn the_context_is_taken_from_the_variable_or_the_configuration() {
        let home = home("contexts");
        let config = home.join(".docker");
        write_context(&config, "colima", "unix:///home/me/.colima/default/docker.sock");
        write_context(&config, "desktop-linux", "unix:///home/me/.docker/desktop/docker.sock");
        std::fs::write(config.join("config.json"), r#"{"auths":{},"currentContext":"desktop-linux"}"#)
            .unwrap();
        let mut surroundings = Surroundings { home: Some(home.clone()), ..Surroundings::default() };
        assert_eq!(chosen(&surroundings).1, "the Docker context \"desktop-linux\"");
        surroundings.docker_context = Some("colima".to_owned());
        assert_eq!(chosen(&surroundings).0, "unix:///home/me/.colima/default/docker.sock");
        surroundings.docker_context = Some("default".to_owned());
        assert!(matches!(surroundings.candidates(Os::Linux), Ok(Candidates::Usual(_))));
        surroundings.docker_context = Some("gone".to_owned());
        let Unusable { problem, remedy } = surroundings.candidates(Os::Linux).unwrap_err();
        assert!(problem.contains("\"gone\": it is not there"), "{problem}");
        assert!(remedy.starts_with("docker context use default"), "{remedy}");
        surroundings.docker_context = None;
        for broken in ["", "{", "[]", r#"{"currentContext":7}"#] {
            std::fs::write(config.join("config.json"), broken).unwrap();
            let Unusable { problem, remedy } = surroundings.candidates(Os::Linux).unwrap_err();
            assert!(problem.contains("config.json") && remedy.contains("config.json"), "{broken}");
        }
        std::fs::remove_dir_all(&home).unwrap();
    }

    #[test]
    fn the_usual_places_are_those_of_the_system_with_docker_before_podman() {
        let surroundings = Surroundings {
            home: Some(PathBuf::from("/home/me")),
            runtime_folder: Some(PathBuf::from("/run/user/1000")),
            ..Surroundings::default()
        };
        let usual = |surroundings: &Surroundings, os| match surroundings.candidates(os).unwrap() {
            Candidates::Usual(usual) => usual.iter().map(|c| c.address.to_string()).collect::<Vec<_>>(),
            Candidates::Chosen(chosen) => panic!("{chosen:?}"),
        };
        let unix = usual(&surroundings, Os::Linux);
        assert_eq!(unix[0], "unix:///var/run/docker.sock");
        for socket in ["/run/user/1000/docker.sock", "/home/me/.colima/default/docker.sock"] {
            let docker = unix.iter().position(|address| address.ends_with(socket)).unwrap();
            let podman = unix.iter().position(|address| address.contains("podman")).unwrap();
            assert!(docker < podman, "{socket}");
        }
        assert_eq!(usual(&surroundings, Os::Windows)[0], "npipe:////./pipe/docker_engine");
        assert_eq!(usual(&Surroundings::default(), Os::Linux).len(), 2);
    }
}
