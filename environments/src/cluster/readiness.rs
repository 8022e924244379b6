//! Waiting until an API server answers, and until its controllers have begun.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Cluster;
use super::exchange::{Call, Trouble, TroubleKind};
use crate::plan::Progress;

/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(150);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(3);

impl Cluster {
    /// Whether the API server answers that it is ready, now.
    pub async fn is_ready(&self) -> bool {
        self.readiness().await.is_ok()
    }

    /// Waits until the API server answers that it is ready.
    ///
    /// # Errors
    /// When it does not in time, with what it said last: which of its checks fail, or that nobody answers. At once, when it does
    /// not accept the credentials.
    pub async fn wait_ready(&self, deadline: Duration, progress: &Progress<'_>) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let trouble = match self.readiness().await {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            let address = &self.address;
            if trouble.kind == TroubleKind::Credentials {
                return Err(trouble.error("the cluster cannot be used", address));
            }
            if begun.elapsed() + BETWEEN > deadline {
                anyhow::bail!(
                    "the API server at {address} was not ready within {} s: {} (is its container running? see its log)",
                    deadline.as_secs_f32().round(),
                    trouble.words
                );
            }
            progress.show(&trouble.words);
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn readiness(&self) -> Result<(), Trouble> {
        let call = Call::get("/readyz").query("verbose", "true");
        let slow =
            |_| Trouble::new(TroubleKind::Unreachable, format!("no answer within {} s", LOOK.as_secs()));
        let mut answer =
            tokio::time::timeout(LOOK, self.call(&call)).await.map_err(slow).and_then(|answer| answer);
        if let Err(trouble) = &mut answer
            && let Some(failing) = failing_checks(&trouble.all)
        {
            trouble.words = failing;
        }
        answer.map(|_| ())
    }

    /// Waits until the controllers have made the `default` service accounts of `namespaces`: before that, pods are refused there.
    ///
    /// # Errors
    /// When one is not there in time.
    pub async fn wait_for_service_accounts(
        &self,
        namespaces: &[String],
        deadline: Duration,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        for namespace in namespaces {
            let call = Call::get(format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"));
            while let Err(trouble) = self.call(&call).await {
                if !trouble.may_pass() && trouble.kind != TroubleKind::NotFound {
                    return Err(
                        trouble.error(&format!("namespace {namespace} cannot be looked at"), &self.address)
                    );
                }
                if begun.elapsed() + BETWEEN > deadline {
                    anyhow::bail!(
                        "namespace {namespace} has no service account `default` after {} s: {} (is the controller manager running?)",
                        deadline.as_secs_f32().round(),
                        trouble.words
                    );
                }
                tokio::time::sleep(BETWEEN).await;
            }
        }
        Ok(())
    }

    /// The version of the API server, such as `v1.36.1`.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn version(&self) -> anyhow::Result<String> {
        let asked = async { self.call(&Call::get("/version")).await?.json::<Value>() };
        let version =
            asked.await.map_err(|trouble| trouble.error("its version cannot be asked for", &self.address))?;
        Ok(version["gitVersion"].as_str().unwrap_or("unknown").to_owned())
    }
}

/// The checks that fail, of an answer like `[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed`.
fn failing_checks(text: &str) -> Option<String> {
    let failing: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[-]"))
        .map(|line| line.split(" failed").next().unwrap_or(line).trim())
        .collect();
    (!failing.is_empty()).then(|| format!("these checks fail: {}", failing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_that_fail_are_named() {
        let text = "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\nreadyz check failed\n";
        assert_eq!(
            failing_checks(text).unwrap(),
            "these checks fail: etcd, poststarthook/rbac/bootstrap-roles"
        );
        assert_eq!(failing_checks("ok"), None);
    }
}
