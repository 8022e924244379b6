//! What everything of one k3d environment is called.

use std::path::{Path, PathBuf};

/// The namespace of LGTM and the collectors.
pub const NAMESPACE: &str = "observability";

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

    /// The folder of its files.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// What k3d calls the cluster. Most people's environment is called `dev`, and `k3d-dev` is anybody's.
    pub fn cluster(&self) -> &str {
        if self.environment == "dev" { "kubernetes-mixin-otel" } else { &self.environment }
    }

    /// The cluster's context, network and prefix of its containers: so k3d makes them.
    pub fn k3d(&self) -> String {
        format!("k3d-{}", self.cluster())
    }

    /// The container of the API server.
    pub fn server(&self) -> String {
        format!("{}-server-0", self.k3d())
    }

    /// The kubeconfig that k3d gives, for this user alone.
    pub fn kubeconfig(&self) -> PathBuf {
        self.state.join("kubeconfig")
    }

    /// Which context was the current one before.
    pub fn former_context(&self) -> PathBuf {
        self.state.join("former-context.yaml")
    }

    /// The configuration that k3d reads.
    pub fn cluster_file(&self) -> PathBuf {
        self.state.join("k3d.yaml")
    }

    /// The values that Helm reads for a release.
    pub fn values_file(&self, release: &str) -> PathBuf {
        self.state.join(format!("{release}.yaml"))
    }

    /// Where Helm keeps what it would keep in the user's home otherwise: their repositories stay as they are.
    pub fn helm_home(&self) -> PathBuf {
        self.state.join("helm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_environment_has_the_projects_name_and_others_have_their_own() {
        let names = |environment| Names::new(environment, Path::new("/state"));
        assert_eq!(names("dev").k3d(), "k3d-kubernetes-mixin-otel");
        assert_eq!(names("second").server(), "k3d-second-server-0");
        assert_eq!(names("dev").values_file("a"), Path::new("/state/a.yaml"));
    }
}
