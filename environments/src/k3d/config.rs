//! The file that k3d makes the cluster from: `deploy/k3d/cluster.yaml` with what depends on flags, pins and this machine.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tools::Sha256Sum;

use super::{Names, Ports};
use crate::stack::lgtm;

/// Where every node finds the dashboards of this machine.
pub const DASHBOARDS_IN_NODE: &str = "/kubernetes-mixin-otel/dashboards";

/// Marks what belongs to an environment of ours, on every container of the cluster.
pub const LABEL_ENVIRONMENT: &str = "kubernetes-mixin-otel.environment";

/// Tells what a cluster was made from.
pub const LABEL_SPEC: &str = "kubernetes-mixin-otel.spec";

/// The node ports of LGTM's Service, by the ports of LGTM.
pub const NODE_PORTS: [(u16, u16); 4] = [
    (lgtm::GRAFANA_PORT, 30300),
    (lgtm::OTLP_GRPC_PORT, 30317),
    (lgtm::OTLP_HTTP_PORT, 30318),
    (lgtm::PROMETHEUS_PORT, 30090),
];

/// The longest name that k3d takes.
const LONGEST_NAME: usize = 32;

/// What a cluster is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterFile {
    tree: Value,
    hash: String,
}

/// What is put into the file.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// What everything is called.
    pub names: &'a Names,
    /// The image of k3s.
    pub image: &'a str,
    /// How many nodes there are besides the server.
    pub agents: usize,
    /// The published ports.
    pub ports: Ports,
    /// The dashboards on this machine.
    pub dashboards: &'a Path,
}

impl ClusterFile {
    /// Fills in the file of the workspace.
    ///
    /// # Errors
    /// When that is no YAML, k3d would not take the name, or the folder's path means something else to k3d.
    pub fn new(template: &str, settings: &Settings<'_>) -> anyhow::Result<Self> {
        let mut tree: Value = serde_yaml::from_str(template).context("deploy/k3d/cluster.yaml is wrong")?;
        let Value::Object(fields) = &mut tree else { bail!("deploy/k3d/cluster.yaml is no mapping") };
        let name = settings.names.cluster();
        if name.len() > LONGEST_NAME {
            bail!("--name: k3d takes {LONGEST_NAME} characters at most, and {name:?} has {}", name.len());
        }
        let dashboards = mountable(settings.dashboards)?;
        fields.insert("metadata".to_owned(), json!({ "name": name }));
        fields.insert("image".to_owned(), json!(settings.image));
        fields.insert("agents".to_owned(), json!(settings.agents));
        let ports: Vec<_> = NODE_PORTS
            .iter()
            .map(|(port, node_port)| {
                let host = settings.ports.published(*port);
                // Direct, as there is no load balancer that it could go through.
                json!({ "port": format!("127.0.0.1:{host}:{node_port}"), "nodeFilters": ["server:0:direct"] })
            })
            .collect();
        fields.insert("ports".to_owned(), Value::Array(ports));
        let volume =
            json!({ "volume": format!("{dashboards}:{DASHBOARDS_IN_NODE}"), "nodeFilters": ["all"] });
        fields.insert("volumes".to_owned(), json!([volume]));
        let hash = Sha256Sum::of(tree.to_string().as_bytes()).short();
        let label =
            |name: &str, value: &str| json!({ "label": format!("{name}={value}"), "nodeFilters": ["all"] });
        let labels =
            json!([label(LABEL_ENVIRONMENT, settings.names.environment()), label(LABEL_SPEC, &hash)]);
        let options = tree.pointer_mut("/options").and_then(Value::as_object_mut);
        let options = options.context("deploy/k3d/cluster.yaml has no options")?;
        options.insert("runtime".to_owned(), json!({ "labels": labels }));
        Ok(Self { tree, hash })
    }

    /// Changes with everything that makes another cluster.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The file itself, for an API server on a port of 127.0.0.1: k3d itself would take any port of every address. The port makes no
    /// other cluster: it is chosen anew each time.
    ///
    /// # Errors
    /// None that a tree of ours could cause.
    pub fn text(&self, api_port: u16) -> anyhow::Result<String> {
        let mut tree = self.tree.clone();
        tree["kubeAPI"] =
            json!({ "host": "127.0.0.1", "hostIP": "127.0.0.1", "hostPort": api_port.to_string() });
        serde_yaml::to_string(&tree).context("failed to write the cluster's configuration")
    }
}

/// A path as it may stand before the colon of a mount, in a file in which k3d replaces variables.
fn mountable(path: &Path) -> anyhow::Result<&str> {
    let text =
        path.to_str().with_context(|| format!("{} is no Unicode text, which k3d needs", path.display()))?;
    // A drive's colon is known to k3d.
    let behind_drive = if cfg!(windows) { text.get(2..).unwrap_or_default() } else { text };
    if let Some(odd) = behind_drive.chars().find(|c| matches!(c, ':' | '$')) {
        bail!(
            "{text} has a {odd:?} in it, which means something to k3d: move the repository to another folder"
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "apiVersion: k3d.io/v1alpha5\nkind: Simple\noptions: {k3d: {wait: true}}\n";

    fn made(change: impl Fn(&mut Settings<'_>)) -> anyhow::Result<ClusterFile> {
        let names = Names::new("dev", Path::new("/state"));
        let mut settings = Settings {
            names: &names,
            image: "k3s:1",
            agents: 0,
            ports: Ports::default(),
            dashboards: Path::new("/project/dashboards"),
        };
        change(&mut settings);
        ClusterFile::new(TEMPLATE, &settings)
    }

    #[test]
    fn whatever_makes_another_cluster_has_another_hash_and_the_api_servers_port_does_not() {
        let plain = made(|_| ()).unwrap();
        assert_eq!(plain, made(|_| ()).unwrap());
        let others = [
            made(|settings| settings.agents = 1),
            made(|settings| settings.image = "k3s:2"),
            made(|settings| settings.ports.grafana = 3001),
            made(|settings| settings.dashboards = Path::new("/elsewhere")),
        ];
        for other in others {
            assert_ne!(other.unwrap().hash(), plain.hash());
        }
        assert_ne!(plain.text(6550).unwrap(), plain.text(6551).unwrap());
        assert!(plain.text(6550).unwrap().contains(plain.hash()), "the label");
    }

    #[test]
    fn nothing_is_published_on_other_addresses_than_this_machines_own() {
        let text = made(|_| ()).unwrap().text(6550).unwrap();
        let tree: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(tree["kubeAPI"]["hostIP"], "127.0.0.1");
        for port in tree["ports"].as_array().unwrap() {
            assert!(port["port"].as_str().unwrap().starts_with("127.0.0.1:"), "{port}");
        }
    }

    #[test]
    fn what_k3d_would_misunderstand_is_refused_before_it_runs() {
        for path in ["/home/$USER/x", "/a:b"] {
            let error = made(|settings| settings.dashboards = Path::new(path)).unwrap_err().to_string();
            assert!(error.starts_with(path), "{error}");
        }
        let long = Names::new("a-name-that-is-too-long-for-a-cluster", Path::new("/state"));
        let settings = Settings {
            names: &long,
            image: "k3s:1",
            agents: 0,
            ports: Ports::default(),
            dashboards: Path::new("/d"),
        };
        let error = ClusterFile::new(TEMPLATE, &settings).unwrap_err().to_string();
        assert!(error.contains("32 characters"), "{error}");
    }
}
