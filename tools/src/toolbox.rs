//! Where a tool comes from: PATH, the user's cache, or a download into it.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::archive::{ArchiveError, unpack};
use crate::pins::{PinnedFile, Pins, ToolName};
use crate::processes::first_line;
use crate::{
    DownloadError, Downloader, HTTPS_BUILD, Invocation, OnProgress, Os, Platform, Processes, Version,
};

/// A tool says its version at once, or is not what it seems.
const VERSION_DEADLINE: Duration = Duration::from_secs(10);

/// A tool that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its program.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
    /// Where it was found.
    pub origin: Origin,
}

/// Where a tool was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user has installed it.
    Path,
    /// It was downloaded.
    Cache,
}

/// As it stands behind "in" and "from".
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "PATH",
            Self::Cache => "the cache",
        })
    }
}

/// A tool that is not there, and whether it can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is there and does not do.
    pub unfit: Option<Unfit>,
    /// What would be downloaded.
    pub download: Obtainable,
}

/// A tool that is there and does not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is too old.
    #[error("{} is {version}, older than {minimum}", .path.display())]
    Old {
        /// Its program.
        path: PathBuf,
        /// What it says it is.
        version: Box<Version>,
        /// What it has to be at least.
        minimum: Box<Version>,
    },
    /// It does not say what it is. Perhaps it would do: its configuration may be broken, and then another one fails as well.
    #[error("{tool} in {origin} ({}) does not tell its version: {said}", .path.display())]
    Mute {
        /// Which tool.
        tool: ToolName,
        /// Where it was found.
        origin: Origin,
        /// Its program.
        path: PathBuf,
        /// The first line of what it says instead.
        said: String,
    },
}

/// Whether a tool can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obtainable {
    /// It can, as far as the pins tell.
    Yes {
        /// From where.
        url: String,
    },
    /// Nobody builds it for this platform.
    NotBuilt,
    /// Its hash is not known.
    NoHash,
}

/// Why a tool cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not built for this machine.
    #[error("{0} is not built for this machine, and none in PATH does{1}: install it yourself")]
    NotBuilt(ToolName, String),
    /// It could not be downloaded.
    #[error("failed to get {tool}{unfit}: {error}")]
    Download {
        /// What.
        tool: ToolName,
        /// What is in PATH.
        unfit: String,
        /// Why.
        error: DownloadError,
    },
    /// Its archive could not be unpacked.
    #[error("failed to unpack {tool}: {error}. Install it yourself: {}", install(*.tool, Os::current()))]
    Unpack {
        /// What.
        tool: ToolName,
        /// Why.
        error: ArchiveError,
    },
    /// It could not be put into the cache.
    #[error("failed to write {}: {error}", .path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It was downloaded, is what was pinned, and does not run here.
    #[error("{} was downloaded and does not tell its version: {said}", .path.display())]
    Broken {
        /// Its program.
        path: PathBuf,
        /// The first line of what it says instead.
        said: String,
    },
}

/// The command that installs a tool with the usual package manager of a system.
pub fn install(tool: ToolName, os: Os) -> String {
    match (os, tool) {
        (Os::Darwin, ToolName::Kwokctl) => "brew install kwok".to_owned(),
        (Os::Darwin, tool) => format!("brew install {tool}"),
        (Os::Windows, ToolName::Kwokctl) => "winget install Kubernetes.kwokctl".to_owned(),
        (Os::Windows, ToolName::K3d) => "winget install k3d.k3d".to_owned(),
        (Os::Windows, ToolName::Helm) => "winget install Helm.Helm".to_owned(),
        // Distributions have old ones or none.
        (Os::Linux, tool) => format!("{HTTPS_BUILD} pins fetch {tool}"),
    }
}

/// Finds tools.
pub struct Toolbox<'a> {
    pins: &'a Pins,
    processes: &'a dyn Processes,
    platform: Option<Platform>,
    cache: PathBuf,
    search_path: OsString,
}

impl<'a> Toolbox<'a> {
    /// The one of this user on this machine.
    pub fn of_user(pins: &'a Pins, processes: &'a dyn Processes) -> anyhow::Result<Self> {
        Ok(Self::with_cache(cache_folder()?, pins, processes))
    }

    /// The one of this machine whose downloads are in a folder.
    pub fn with_cache(cache: PathBuf, pins: &'a Pins, processes: &'a dyn Processes) -> Self {
        Self {
            pins,
            processes,
            platform: Platform::current(),
            cache,
            search_path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// Looks for a tool without asking the network: in PATH, if it is new enough, then in the cache.
    pub fn look(&self, name: ToolName) -> Result<Tool, Missing> {
        let pin = self.pins.tool(name);
        let mute =
            |origin, path: &Path, said| Unfit::Mute { tool: name, origin, path: path.to_owned(), said };
        let mut unfit = None;
        if let Some(path) = self.in_path(name) {
            unfit = Some(match self.ask_version(name, &path) {
                Ok(version) if version >= pin.minimum => {
                    return Ok(Tool { path, version, origin: Origin::Path });
                }
                Ok(version) => {
                    Unfit::Old { path, version: version.into(), minimum: pin.minimum.clone().into() }
                }
                Err(said) => mute(Origin::Path, &path, said),
            });
        }
        let Some((file, _)) = self.platform.and_then(|platform| self.pins.tool_file(name, platform)) else {
            return Err(Missing { unfit, download: Obtainable::NotBuilt });
        };
        let Some(path) = self.cached(name, &file) else {
            return Err(Missing { unfit, download: Obtainable::NoHash });
        };
        if path.is_file() {
            match self.ask_version(name, &path) {
                Ok(version) if version == pin.version => {
                    return Ok(Tool { path, version, origin: Origin::Cache });
                }
                // Which is not what the folder says, and is replaced.
                Ok(_) => {}
                Err(said) => unfit = unfit.or_else(|| Some(mute(Origin::Cache, &path, said))),
            }
        }
        Err(Missing { unfit, download: Obtainable::Yes { url: file.url } })
    }

    /// Finds a tool, or downloads it.
    pub fn obtain(
        &self,
        name: ToolName,
        downloader: &Downloader,
        progress: OnProgress<'_>,
    ) -> Result<Tool, ToolError> {
        let missing = match self.look(name) {
            Ok(tool) => return Ok(tool),
            Err(missing) => missing,
        };
        let unfit = missing.unfit.map(|unfit| format!(" ({unfit})")).unwrap_or_default();
        let Some((file, member)) = self.platform.and_then(|platform| self.pins.tool_file(name, platform))
        else {
            return Err(ToolError::NotBuilt(name, unfit));
        };
        let failed = |error| ToolError::Download { tool: name, unfit: unfit.clone(), error };
        let Some(path) = self.cached(name, &file) else {
            return Err(failed(DownloadError::NoHash { name: file.name(), place: file.place.join(".") }));
        };
        // One that is there and does not work is replaced.
        let _ = std::fs::remove_file(&path);
        let archive = path.with_extension("archive");
        downloader.save(&file, &archive, progress).map_err(failed)?;
        self.set_up(name, &file.url, member, &archive, &path)?;
        let version =
            self.ask_version(name, &path).map_err(|said| ToolError::Broken { path: path.clone(), said })?;
        Ok(Tool { path, version, origin: Origin::Cache })
    }

    /// Makes the program out of what was downloaded.
    fn set_up(
        &self,
        name: ToolName,
        url: &str,
        member: Option<&str>,
        download: &Path,
        path: &Path,
    ) -> Result<(), ToolError> {
        let write = |error| ToolError::Write { path: path.to_owned(), error };
        let program = match member {
            None => download.to_owned(),
            Some(member) => {
                let unpacked = path.with_extension("new");
                let mut file = File::create(&unpacked).map_err(write)?;
                let outcome = unpack(download, url, member, &mut file);
                if let Err(error) = outcome.and_then(|()| Ok(file.sync_all()?)) {
                    let _ = std::fs::remove_file(&unpacked);
                    return Err(ToolError::Unpack { tool: name, error });
                }
                unpacked
            }
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).map_err(write)?;
        }
        std::fs::rename(&program, path).map_err(write)?;
        if member.is_some() {
            // It has been used up.
            let _ = std::fs::remove_file(download);
        }
        Ok(())
    }

    /// Where a tool's program is in the cache: the hash of its download in the name, so that another pin is another file.
    fn cached(&self, name: ToolName, file: &PinnedFile) -> Option<PathBuf> {
        let (hash, platform) = (file.sha256?, self.platform?);
        let folder = format!("{}-{}", self.pins.tool(name).version, hash.short());
        Some(
            self.cache
                .join(name.program())
                .join(folder)
                .join(format!("{name}{}", platform.executable_suffix())),
        )
    }

    fn in_path(&self, name: ToolName) -> Option<PathBuf> {
        // A program in the current folder is never meant.
        which::which_in_global(name.program(), Some(&self.search_path)).ok()?.find(|path| path.is_absolute())
    }

    /// The version of a program; otherwise the first line of what it says instead.
    fn ask_version(&self, name: ToolName, path: &Path) -> Result<Version, String> {
        let invocation = Invocation::new(path)
            .args(name.version_arguments())
            // Plugins of the user's Helm have no say here.
            .env("HELM_NO_PLUGINS", "1")
            .within(VERSION_DEADLINE);
        let output = self.processes.run(&invocation).map_err(|failure| failure.first_words())?;
        Version::find(&output.text())
            .ok_or_else(|| first_line(&output.stdout).unwrap_or_else(|| "not a word".to_owned()))
    }
}

/// Where downloaded tools are.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    use etcetera::BaseStrategy as _;
    let folders = etcetera::choose_base_strategy().context("failed to find the home folder")?;
    Ok(folders.cache_dir().join("kubernetes-mixin-otel").join("tools"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::archive::tests::tar_gz;
    use crate::server::Server;
    use crate::{FakeProcesses, Patience, ProcessFailure, Sha256Sum};

    /// PATH and cache of a user, removed in the end.
    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir()
                .join(format!("kubernetes-mixin-otel-toolbox-{}-{name}", std::process::id()));
            std::fs::create_dir_all(folder.join("bin")).unwrap();
            Self(folder)
        }

        /// Puts a program into PATH. What it does is up to the fake.
        fn install(&self, program: &str) -> PathBuf {
            let path = self.0.join("bin").join(program);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn toolbox<'a>(&self, pins: &'a Pins, processes: &'a dyn Processes) -> Toolbox<'a> {
            Toolbox {
                pins,
                processes,
                platform: Some("linux-amd64".parse().unwrap()),
                cache: self.0.join("cache"),
                search_path: self.0.join("bin").into_os_string(),
            }
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn downloader() -> Downloader {
        let patience = Patience { tries: 1, ..Patience::default() };
        Downloader::with(false, patience)
    }

    /// Pins whose files are on the server.
    fn pins(server: &str, kwokctl: Option<&[u8]>, helm: &[u8]) -> Pins {
        let hash = |bytes: &[u8]| Sha256Sum::of(bytes).to_string();
        let kwokctl = kwokctl.map_or("null".to_owned(), hash);
        let helm = hash(helm);
        let text = format!(
            "tools:\n  kwokctl:\n    version: 0.8.0\n    minimum: 0.7.1\n    downloads:\n      linux-amd64:\n        \
             url: {server}/kwokctl-{{version}}\n        sha256: {kwokctl}\n  k3d:\n    version: 5.9.0\n    \
             minimum: 5.8.0\n    downloads: {{}}\n  helm:\n    version: 4.2.4\n    minimum: 4.0.0\n    downloads:\n      \
             linux-amd64:\n        url: {server}/helm.tar.gz\n        sha256: {helm}\n        member: linux-amd64/helm\n\
             charts: {{}}\nimages: {{}}\n"
        );
        Pins::parse(&text, "pins.yaml").unwrap()
    }

    #[test]
    fn a_tool_in_path_that_is_new_enough_is_taken_and_asked_for_its_version_only() {
        let home = Home::new("path");
        let pins = pins("http://127.0.0.1:9", Some(b""), b"");
        for version in ["0.7.1", "0.8.0", "1.0.0"] {
            let said = format!("kwokctl version v{version} go1.26.0 (linux/amd64)\n");
            let processes = FakeProcesses::default().with("kwokctl", &said);
            let path = home.install("kwokctl");
            let tool = home.toolbox(&pins, &processes).look(ToolName::Kwokctl).unwrap();
            assert_eq!(
                tool,
                Tool { path: path.clone(), version: version.parse().unwrap(), origin: Origin::Path }
            );
            let runs = processes.runs();
            assert_eq!(runs.len(), 1);
            assert_eq!(runs[0].to_string(), format!("{} --version", path.display()));
            assert!(runs[0].stdin.is_empty() && runs[0].deadline == VERSION_DEADLINE);
        }
    }

    #[test]
    fn one_in_path_that_is_too_old_broken_or_mute_is_named_and_the_pinned_one_downloaded() {
        let program = b"#!kwokctl";
        let server = Server::with_files(&[("/kwokctl-0.8.0", program)]);
        let pins = pins(&server.url, Some(program), b"");
        for (name, said, told) in [
            ("old", "kwokctl version v0.6.0", "is 0.6.0, older than 0.7.1"),
            ("mute", "unknown\nflag", "does not tell its version: unknown"),
        ] {
            let home = Home::new(name);
            let in_path = home.install("kwokctl");
            let of_path = in_path.clone();
            let said = said.to_owned();
            let processes = FakeProcesses::default().answering("kwokctl", move |invocation| {
                let said = if Path::new(&invocation.program) == of_path { &*said } else { "v0.8.0" };
                Ok(crate::Finished { stdout: said.as_bytes().to_vec(), stderr: Vec::new() })
            });
            let toolbox = home.toolbox(&pins, &processes);
            let missing = toolbox.look(ToolName::Kwokctl).unwrap_err();
            let unfit = missing.unfit.unwrap().to_string();
            assert!(unfit.ends_with(told) && unfit.contains(&*in_path.to_string_lossy()), "{unfit}");
            let tool = toolbox.obtain(ToolName::Kwokctl, &downloader(), &mut |_, _| {}).unwrap();
            assert_eq!(tool.origin, Origin::Cache);
            assert_eq!(std::fs::read(&tool.path).unwrap(), program);
            assert_eq!(std::fs::metadata(&tool.path).unwrap().permissions().mode() & 0o777, 0o755);
            // From then on it is there.
            assert_eq!(toolbox.look(ToolName::Kwokctl).unwrap(), tool);
        }
    }

    #[test]
    fn one_that_is_there_and_fails_is_told_from_one_that_is_not_with_what_it_said() {
        let said = "error: failed to read /home/me/.kwok/kwok.yaml: line 1\nusage: kwokctl\n";
        let processes = FakeProcesses::default().answering("kwokctl", move |invocation| {
            Err(ProcessFailure::TimedOut {
                command: invocation.to_string(),
                deadline: VERSION_DEADLINE,
                output: crate::Finished { stdout: Vec::new(), stderr: said.as_bytes().to_vec() },
            })
        });
        let home = Home::new("failing");
        let pins = pins("http://127.0.0.1:9", Some(b""), b"");
        let toolbox = home.toolbox(&pins, &processes);
        assert_eq!(toolbox.look(ToolName::Kwokctl).unwrap_err().unfit, None);
        let path = home.install("kwokctl");
        assert_eq!(
            toolbox.look(ToolName::Kwokctl).unwrap_err().unfit.unwrap().to_string(),
            format!(
                "kwokctl in PATH ({}) does not tell its version: error: failed to read /home/me/.kwok/kwok.yaml: line 1",
                path.display()
            )
        );
    }

    #[test]
    fn a_tool_in_an_archive_is_taken_out_and_the_archive_is_not_kept() {
        let home = Home::new("archive");
        let archive = tar_gz(&[("linux-amd64/LICENSE", b"free"), ("linux-amd64/helm", b"#!helm")]);
        let server = Server::with_files(&[("/helm.tar.gz", &archive)]);
        let pins = pins(&server.url, None, &archive);
        let processes = FakeProcesses::default().with("helm", "v4.2.4+g1234567");
        let toolbox = home.toolbox(&pins, &processes);
        let tool = toolbox.obtain(ToolName::Helm, &downloader(), &mut |_, _| {}).unwrap();
        assert_eq!(std::fs::read(&tool.path).unwrap(), b"#!helm");
        let beside: Vec<_> = std::fs::read_dir(tool.path.parent().unwrap()).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }

    #[test]
    fn what_has_another_hash_is_not_kept_and_nothing_is_run() {
        let home = Home::new("mismatch");
        let server = Server::with_files(&[("/kwokctl-0.8.0", b"another program")]);
        let pins = pins(&server.url, Some(b"the program"), b"");
        let processes = FakeProcesses::default().with("kwokctl", "v0.8.0");
        let toolbox = home.toolbox(&pins, &processes);
        let error = toolbox.obtain(ToolName::Kwokctl, &downloader(), &mut |_, _| {}).unwrap_err();
        assert!(
            matches!(error, ToolError::Download { error: DownloadError::Mismatch { .. }, .. }),
            "{error}"
        );
        assert_eq!(processes.runs(), []);
        let programs = walk(&home.0.join("cache"));
        assert!(programs.iter().all(|path| path.extension().is_some_and(|e| e == "lock")), "{programs:?}");
    }

    #[test]
    fn without_a_hash_or_a_build_the_error_says_so_and_nobody_is_asked() {
        let home = Home::new("unknown");
        let server = Server::with_files(&[]);
        let pins = pins(&server.url, None, b"");
        let processes = FakeProcesses::default();
        let toolbox = home.toolbox(&pins, &processes);
        assert_eq!(toolbox.look(ToolName::Kwokctl).unwrap_err().download, Obtainable::NoHash);
        let error = toolbox.obtain(ToolName::Kwokctl, &downloader(), &mut |_, _| {}).unwrap_err().to_string();
        assert!(error.contains("no known sha256"), "{error}");
        let error = toolbox.obtain(ToolName::K3d, &downloader(), &mut |_, _| {}).unwrap_err().to_string();
        assert!(error.contains("k3d is not built for this machine"), "{error}");
        assert_eq!(server.requests().len(), 0);
    }

    #[test]
    fn one_in_the_cache_that_does_not_work_is_downloaded_again() {
        let home = Home::new("broken");
        let program = b"#!kwokctl";
        let server = Server::with_files(&[("/kwokctl-0.8.0", program)]);
        let pins = pins(&server.url, Some(program), b"");
        let whole = FakeProcesses::default().with("kwokctl", "v0.8.0");
        let tool =
            home.toolbox(&pins, &whole).obtain(ToolName::Kwokctl, &downloader(), &mut |_, _| {}).unwrap();
        let broken = FakeProcesses::default().with("kwokctl", "cannot execute");
        let toolbox = home.toolbox(&pins, &broken);
        assert!(toolbox.look(ToolName::Kwokctl).is_err());
        let error = toolbox.obtain(ToolName::Kwokctl, &downloader(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(&error, ToolError::Broken { path, .. } if *path == tool.path), "{error}");
        assert_eq!(server.requests().len(), 2);
    }

    fn walk(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }
}
