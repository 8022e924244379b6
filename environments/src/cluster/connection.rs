//! From a kubeconfig to a client.

use std::time::Duration;

use anyhow::Context as _;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::Cluster;

/// How long connecting may take: the server is on this machine, or near.
const CONNECT: Duration = Duration::from_secs(5);

impl Cluster {
    /// The cluster of a kubeconfig's current context. Nothing is asked yet.
    ///
    /// # Errors
    /// When the text is no kubeconfig, or names no cluster, or its certificates cannot be used.
    pub async fn from_kubeconfig(yaml: &str) -> anyhow::Result<Self> {
        let kubeconfig = Kubeconfig::from_yaml(yaml).context("the cluster's kubeconfig cannot be read")?;
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .context("the cluster's kubeconfig cannot be used")?;
        config.connect_timeout = Some(CONNECT);
        // What is tried again, and how long, is said by those who ask.
        config.default_retry = false;
        if config.cluster_url.host().is_some_and(is_here) {
            // A proxy of the environment does not lead back to this machine.
            config.proxy_url = None;
        }
        let address = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = ClientBuilder::try_from(config)
            .with_context(|| format!("no connection can be made to the API server at {address}"))?
            .build();
        Ok(Self { client, address })
    }

    /// Where the API server is, such as `https://127.0.0.1:6443`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client of it, for what this type has no words for.
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_several_names() {
        for (host, here) in [
            ("127.0.0.1", true),
            ("0.0.0.0", true),
            ("[::1]", true),
            ("localhost", true),
            ("10.0.0.1", false),
            ("kwok-kube-apiserver", false),
        ] {
            assert_eq!(is_here(host), here, "{host}");
        }
    }
}
