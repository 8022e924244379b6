//! What everything of one KWOK environment is called.

use std::path::{Path, PathBuf};

/// The containers that kwokctl makes.
pub(super) const COMPONENTS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller"];

/// The containers that we make.
const OURS: [&str; 4] = ["lgtm", "stats-proxy", "collector", "beyla"];

/// The names that follow from an environment's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    environment: String,
    state: PathBuf,
}

impl Names {
    /// Those of an environment, whose files are in a folder of its own.
    pub fn new(environment: &str, state: &Path) -> Self {
        Self { environment: environment.to_owned(), state: state.to_owned() }
    }

    /// The environment, as our labels have it.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// What kwokctl calls the cluster. Most people's environment is called `kwok`, and `kwok-kwok` tells nobody anything.
    pub fn cluster(&self) -> String {
        if self.environment == "kwok" { "kubernetes-mixin-otel".to_owned() } else { self.environment.clone() }
    }

    /// The cluster's network, context, user and Compose project: so kwokctl makes them.
    pub fn kwok(&self) -> String {
        format!("kwok-{}", self.cluster())
    }

    /// A container of kwokctl's: `etcd`, `kube-apiserver`, …
    pub fn component(&self, component: &str) -> String {
        format!("{}-{component}", self.kwok())
    }

    /// The API server as containers on its network reach it. Its certificate has this name.
    pub fn api_server(&self) -> String {
        format!("{}:6443", self.component("kube-apiserver"))
    }

    /// A container of ours: `lgtm`, `stats-proxy`, `collector`, `beyla`.
    pub fn container(&self, part: &str) -> String {
        format!("{}-{part}", self.cluster())
    }

    /// Every container that there may be, ours first: what people call it, and its name.
    pub fn containers(&self) -> Vec<(&'static str, String)> {
        let ours = OURS.map(|part| (part, self.container(part)));
        let cluster = COMPONENTS.map(|component| (component, self.component(component)));
        ours.into_iter().chain(cluster).collect()
    }

    /// The kubeconfig that kwokctl writes, for this user alone.
    pub fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// Which context was the current one before.
    pub fn former_context(&self) -> PathBuf {
        self.state.join("former-context.yaml")
    }

    /// The configuration that kwokctl gets, in place of the user's own.
    pub fn kwokctl_configuration(&self) -> PathBuf {
        self.state.join("kwokctl.yaml")
    }

    /// The folder with all of these.
    pub fn state(&self) -> &Path {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_environment_has_names_that_say_whose_they_are_and_others_their_own() {
        for (environment, network, collector) in [
            ("kwok", "kwok-kubernetes-mixin-otel", "kubernetes-mixin-otel-collector"),
            ("second", "kwok-second", "second-collector"),
        ] {
            let names = Names::new(environment, Path::new("/state"));
            assert_eq!((names.kwok().as_str(), names.container("collector").as_str()), (network, collector));
            assert_eq!(names.api_server(), format!("{network}-kube-apiserver:6443"));
        }
    }

    #[test]
    fn every_container_has_a_name_of_its_own() {
        let containers = Names::new("kwok", Path::new("/state")).containers();
        let names: std::collections::BTreeSet<_> = containers.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), 9);
    }
}
