//! k3d, Helm and what they are asked: programs, arguments, environment, and the answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tools::{Finished, Invocation, ProcessFailure, Processes};

use super::Names;
use super::config::{LABEL_ENVIRONMENT, LABEL_SPEC};
use super::names::NAMESPACE;

/// k3d answers from what the engine says.
const ASK: Duration = Duration::from_secs(60);

/// Pulling k3s over a slow line is the most of it; k3d's own deadline is shorter, but begins after that.
const CREATE: Duration = Duration::from_secs(20 * 60);

/// Starting what is there already.
const START: Duration = Duration::from_secs(6 * 60);

/// Containers, volume and network.
const DELETE: Duration = Duration::from_secs(3 * 60);

/// How long the pods of a release may take to be ready: their image is pulled in each new cluster.
pub(super) const ROLLOUT: Duration = Duration::from_secs(10 * 60);

/// Runs programs on threads of their own.
#[derive(Clone)]
pub struct Runner(pub Arc<dyn Processes>);

impl Runner {
    /// Runs one to its end.
    ///
    /// # Errors
    /// When it fails: what it said, behind what is known about that.
    pub async fn run(&self, invocation: Invocation) -> anyhow::Result<Finished> {
        Ok(self.try_run(invocation).await??)
    }

    /// Runs one to its end, and leaves it to the caller what a failure means.
    ///
    /// # Errors
    /// When the program that calls this is ending.
    pub async fn try_run(&self, invocation: Invocation) -> anyhow::Result<Result<Finished, ProcessFailure>> {
        tools::run_aside(Arc::clone(&self.0), invocation).await.context("a program was given up")
    }
}

/// k3d.
#[derive(Clone, Debug)]
pub struct K3d {
    /// Its program.
    pub program: PathBuf,
    /// The engine's address as `DOCKER_HOST` has it.
    pub engine_address: String,
    /// The image of the container with which it looks around on the engine.
    pub tools_image: String,
}

/// A cluster, as `k3d cluster list` has it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    name: String,
    servers_running: usize,
    servers_count: usize,
    agents_running: usize,
    agents_count: usize,
    #[serde(default)]
    nodes: Vec<ListedNode>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct ListedNode {
    #[serde(default)]
    role: String,
    #[serde(default)]
    runtime_labels: std::collections::BTreeMap<String, String>,
}

impl Listed {
    /// Whether all of its nodes run.
    pub fn runs(&self) -> bool {
        self.servers_count > 0
            && self.servers_running == self.servers_count
            && self.agents_running == self.agents_count
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> usize {
        self.servers_count + self.agents_count
    }

    /// The environment that it belongs to, if it is one of ours.
    pub fn environment(&self) -> Option<&str> {
        self.label(LABEL_ENVIRONMENT)
    }

    /// What it was made from.
    pub fn spec(&self) -> Option<&str> {
        self.label(LABEL_SPEC)
    }

    fn label(&self, name: &str) -> Option<&str> {
        let server = self.nodes.iter().find(|node| node.role == "server")?;
        server.runtime_labels.get(name).map(String::as_str)
    }
}

impl K3d {
    fn invocation(&self, arguments: &[&str], deadline: Duration) -> Invocation {
        Invocation::new(&self.program)
            .args(arguments)
            // So that it works on the engine that was looked at.
            .env("DOCKER_HOST", &self.engine_address)
            .env("K3D_IMAGE_TOOLS", &self.tools_image)
            // What it says besides its answers stands among them.
            .env("LOG_LEVEL", "warn")
            // It colours what it says whether somebody looks or not.
            .env("LOG_COLORS", "false")
            .within(deadline)
    }

    /// All clusters: asking for one that is not there is an error like any other.
    pub fn list(&self) -> Invocation {
        self.invocation(&["cluster", "list", "--output", "json"], ASK)
    }

    /// Reads the answer to [`Self::list`].
    ///
    /// # Errors
    /// When that is something else.
    pub fn find(answer: &Finished, name: &str) -> anyhow::Result<Option<Listed>> {
        let listed: Vec<Listed> = serde_json::from_slice(&answer.stdout)
            .context("`k3d cluster list` answered something else than clusters")?;
        Ok(listed.into_iter().find(|cluster| cluster.name == name))
    }

    /// Makes a cluster.
    pub fn create(&self, file: &Path) -> Invocation {
        let file = file.to_string_lossy();
        self.invocation(&["cluster", "create", "--config", &file], CREATE)
    }

    /// Starts one that is stopped, as after a reboot.
    pub fn start(&self, name: &str) -> Invocation {
        self.invocation(&["cluster", "start", name, "--wait", "--timeout", "5m"], START)
    }

    /// Removes one. There is no error when there is none.
    pub fn delete(&self, name: &str) -> Invocation {
        self.invocation(&["cluster", "delete", name], DELETE)
    }

    /// A kubeconfig for it, which is printed and written nowhere. A secret.
    pub fn kubeconfig(&self, name: &str) -> Invocation {
        self.invocation(&["kubeconfig", "get", name], ASK)
    }
}

/// Helm.
#[derive(Clone, Debug)]
pub struct Helm {
    /// Its program.
    pub program: PathBuf,
    /// Whose cluster it works on.
    pub names: Names,
}

/// Where Helm takes the chart from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// A file whose hash was checked.
    File(PathBuf),
    /// A repository, by version.
    Repository {
        /// Its address.
        url: String,
        /// The chart's name in it.
        name: String,
        /// Exactly this one.
        version: String,
    },
}

/// A release, as `helm status` has it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Release {
    info: ReleaseInfo,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct ReleaseInfo {
    status: String,
    #[serde(default)]
    description: String,
}

impl Release {
    /// Whether its last change was carried through.
    pub fn is_deployed(&self) -> bool {
        self.info.status == "deployed"
    }

    /// `deployed`, `failed`, `pending-install`, …
    pub fn status(&self) -> &str {
        &self.info.status
    }

    /// What its last change was called.
    pub fn description(&self) -> &str {
        &self.info.description
    }
}

impl Helm {
    fn invocation(&self, arguments: &[&str], deadline: Duration) -> Invocation {
        let home = self.names.helm_home();
        let kubeconfig = self.names.kubeconfig();
        Invocation::new(&self.program)
            .args(arguments)
            .args(["--namespace", NAMESPACE, "--kubeconfig", &kubeconfig.to_string_lossy()])
            .args(["--kube-context", &self.names.k3d()])
            // The user's repositories, plugins and caches are not ours to use or to change.
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .env("HELM_NO_PLUGINS", "1")
            .within(deadline)
    }

    /// Installs a release or changes it, and waits until its pods are ready. `description` is what it can be known by again.
    pub fn upgrade(&self, release: &str, chart: &Chart, values: &Path, description: &str) -> Invocation {
        let timeout = format!("{}s", ROLLOUT.as_secs());
        let (chart, from) = match chart {
            Chart::File(path) => (path.to_string_lossy().into_owned(), Vec::new()),
            Chart::Repository { url, name, version } => {
                (name.clone(), vec!["--repo", url.as_str(), "--version", version.as_str()])
            }
        };
        let values = values.to_string_lossy();
        let mut arguments = vec!["upgrade", "--install", release, &chart];
        arguments.extend(from);
        // The namespace is there as soon as LGTM is, which may be later.
        arguments.extend(["--create-namespace", "--values", &values, "--description", description]);
        arguments.extend(["--wait", "--timeout", &timeout, "--history-max", "2"]);
        self.invocation(&arguments, ROLLOUT + ASK)
    }

    /// What is there of a release.
    pub fn status(&self, release: &str) -> Invocation {
        self.invocation(&["status", release, "--output", "json"], ASK)
    }

    /// Reads the answer to [`Self::status`].
    ///
    /// # Errors
    /// When it is a failure other than that there is no such release, or no answer to that.
    pub fn released(answer: Result<Finished, ProcessFailure>) -> anyhow::Result<Option<Release>> {
        match answer {
            Ok(answer) => {
                let release = serde_json::from_slice(&answer.stdout);
                Ok(Some(release.context("`helm status` answered something else than a release")?))
            }
            Err(ProcessFailure::Failed { output, .. })
                if String::from_utf8_lossy(&output.stderr).contains("release: not found") =>
            {
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Removes a release and waits until its pods are gone.
    pub fn uninstall(&self, release: &str) -> Invocation {
        self.invocation(&["uninstall", release, "--wait", "--timeout", "60s"], DELETE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(stdout: &str) -> Finished {
        Finished { stdout: stdout.as_bytes().to_vec(), stderr: Vec::new() }
    }

    #[test]
    fn a_cluster_is_found_among_others_with_its_labels_and_whether_it_runs() {
        let answer = finished(
            r#"[{"name":"other","servers_unknown":1,"serversRunning":1,"serversCount":1,"agentsRunning":0,"agentsCount":0},
                {"name":"mine","nodes":[
                    {"name":"k3d-mine-tools","role":"noRole"},
                    {"name":"k3d-mine-server-0","role":"server","runtimeLabels":{"app":"k3d",
                        "kubernetes-mixin-otel.environment":"dev","kubernetes-mixin-otel.spec":"abc"},
                     "State":{"Running":true}}],
                 "serversRunning":1,"serversCount":1,"agentsRunning":0,"agentsCount":1}]"#,
        );
        let mine = K3d::find(&answer, "mine").unwrap().unwrap();
        assert_eq!((mine.environment(), mine.spec()), (Some("dev"), Some("abc")));
        assert!(!mine.runs(), "its agent does not");
        assert_eq!(mine.nodes(), 2);
        let other = K3d::find(&answer, "other").unwrap().unwrap();
        assert!(other.runs() && other.environment().is_none());
        assert_eq!(K3d::find(&answer, "third").unwrap(), None);
        assert_eq!(K3d::find(&finished("[]"), "mine").unwrap(), None);
        assert!(K3d::find(&finished("FATA[0000] no"), "mine").is_err());
    }

    #[test]
    fn a_release_tells_its_status_and_one_that_is_not_there_is_no_failure() {
        let answer = finished(
            r#"{"name":"a","info":{"status":"deployed","description":"abc","notes":""},"version":2,"namespace":"x"}"#,
        );
        let release = Helm::released(Ok(answer)).unwrap().unwrap();
        assert!(release.is_deployed());
        assert_eq!(release.description(), "abc");
        assert!(Helm::released(Ok(finished("?"))).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn of_helms_failures_one_means_that_there_is_no_release() {
        use std::os::unix::process::ExitStatusExt as _;
        let failed = |said: &str| {
            Err(ProcessFailure::Failed {
                command: "helm status a".to_owned(),
                status: std::process::ExitStatus::from_raw(256),
                output: Finished { stdout: Vec::new(), stderr: said.as_bytes().to_vec() },
            })
        };
        assert_eq!(Helm::released(failed("Error: release: not found\n")).unwrap(), None);
        let error = Helm::released(failed("Error: Kubernetes cluster unreachable")).unwrap_err().to_string();
        assert!(error.contains("unreachable"), "{error}");
    }
}
