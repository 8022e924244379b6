//! How many nodes and pods there are, and in which state.
//!
//! Pods are counted in the form of `kubectl get`: of 30,000 pods that is a hundredth of what listing them would be.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::exchange::{Call, Form, Trouble, or_empty};
use super::{Cluster, Pace};
use crate::plan::Progress;

/// Between two counts, at least.
const BETWEEN: Duration = Duration::from_millis(250);

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its nodes.
    pub nodes: NodeCount,
    /// Its pods, of all namespaces.
    pub pods: PodCount,
}

/// How many nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCount {
    /// All of them.
    pub total: usize,
    /// Those that are ready.
    pub ready: usize,
}

/// How many pods, by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodCount {
    /// All of them.
    pub total: usize,
    /// Not started yet.
    pub pending: usize,
    /// Started, and not ended. Whose node is lost is among them.
    pub running: usize,
    /// Ended as they should.
    pub succeeded: usize,
    /// Ended otherwise.
    pub failed: usize,
}

impl PodCount {
    /// Those that run or have run.
    pub fn started(&self) -> usize {
        self.running + self.succeeded + self.failed
    }
}

impl fmt::Display for PodCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pods", self.total)?;
        let parts = [
            (self.running, "running"),
            (self.pending, "pending"),
            (self.succeeded, "succeeded"),
            (self.failed, "failed"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, name)| format!("{number} {name}"))
            .collect();
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    #[serde(default, deserialize_with = "or_empty")]
    column_definitions: Vec<Column>,
    #[serde(default, deserialize_with = "or_empty")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "or_empty")]
    cells: Vec<Value>,
}

impl Table {
    /// The texts of a column.
    fn column(&self, name: &str) -> impl Iterator<Item = &str> {
        let position = self.column_definitions.iter().position(|column| column.name == name);
        self.rows.iter().filter_map(move |row| row.cells.get(position?)?.as_str())
    }
}

impl Cluster {
    /// How many nodes and pods there are now.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn count(&self) -> anyhow::Result<Counts> {
        let counted =
            async { Ok(Counts { nodes: self.count_nodes().await?, pods: self.count_pods().await? }) };
        counted
            .await
            .map_err(|trouble: Trouble| trouble.error("nodes and pods cannot be counted", &self.address))
    }

    async fn count_nodes(&self) -> Result<NodeCount, Trouble> {
        let table = self.table("/api/v1/nodes", None).await?;
        let ready =
            table.column("Status").filter(|status| status.split(',').any(|word| word == "Ready")).count();
        Ok(NodeCount { total: table.rows.len(), ready })
    }

    async fn count_pods(&self) -> Result<PodCount, Trouble> {
        let phase = |phase: &'static str| async move {
            let table = self.table("/api/v1/pods", Some(format!("status.phase={phase}"))).await?;
            Ok(table.rows.len())
        };
        let (pending, running, succeeded, failed) =
            tokio::try_join!(phase("Pending"), phase("Running"), phase("Succeeded"), phase("Failed"))?;
        Ok(PodCount { total: pending + running + succeeded + failed, pending, running, succeeded, failed })
    }

    async fn table(&self, path: &str, fields: Option<String>) -> Result<Table, Trouble> {
        let mut call = Call::get(path).query("includeObject", "None").form(Form::Table);
        if let Some(fields) = fields {
            call = call.query("fieldSelector", fields);
        }
        self.call(&call).await?.json()
    }

    /// Waits until so many pods run or have run, whatever others wait for.
    ///
    /// # Errors
    /// When it takes too long: how many there are, and what the pods that wait are waiting for. A server that does not answer
    /// meanwhile is asked again.
    pub async fn wait_running(
        &self,
        pods: usize,
        deadline: Duration,
        progress: &Progress<'_>,
    ) -> anyhow::Result<PodCount> {
        let begun = Instant::now();
        let mut last: Option<PodCount> = None;
        loop {
            let asked = Instant::now();
            let said = match self.count_pods().await {
                Ok(count) if count.started() >= pods => return Ok(count),
                Ok(count) => {
                    last = Some(count);
                    format!("{} of {pods} pods", count.started())
                }
                Err(trouble) if trouble.may_pass() => format!("waiting: {trouble}"),
                Err(trouble) => return Err(trouble.error("pods cannot be counted", &self.address)),
            };
            progress.show(&said);
            // A server with very many pods is not kept busy with counting.
            let pause = asked.elapsed().max(BETWEEN);
            if begun.elapsed() + pause > deadline {
                let seconds = deadline.as_secs_f32().round();
                let Some(count) = last else {
                    anyhow::bail!("pods could not be counted within {seconds} s: {said}");
                };
                anyhow::bail!(
                    "{} of {pods} pods run after {seconds} s: {count}{}",
                    count.started(),
                    self.why_pending().await
                );
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits until so many nodes are ready.
    ///
    /// # Errors
    /// When it takes too long, with how many there are.
    pub async fn wait_nodes(
        &self,
        nodes: usize,
        deadline: Duration,
        progress: &Progress<'_>,
    ) -> anyhow::Result<NodeCount> {
        let begun = Instant::now();
        loop {
            let said = match self.count_nodes().await {
                Ok(count) if count.ready >= nodes => return Ok(count),
                Ok(count) => format!("{} of {nodes} nodes ready ({} are there)", count.ready, count.total),
                Err(trouble) if trouble.may_pass() => format!("waiting: {trouble}"),
                Err(trouble) => return Err(trouble.error("nodes cannot be counted", &self.address)),
            };
            progress.show(&said);
            if begun.elapsed() + BETWEEN > deadline {
                anyhow::bail!(
                    "{said} after {} s (on KWOK: are its stages there? kubectl get stages)",
                    deadline.as_secs_f32().round()
                );
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// What most of the pods that are not there or do not run are waiting for, as the end of an error message.
    async fn why_pending(&self) -> String {
        let pace = Pace { patience: Duration::ZERO, ..Pace::default() };
        let call =
            Call::get("/api/v1/pods").query("fieldSelector", "status.phase=Pending").query("limit", "500");
        let listed = async { self.insist(&call, &pace).await?.json::<Value>() };
        let Ok(list) = listed.await else { return String::new() };
        let pods = list["items"].as_array().cloned().unwrap_or_default();
        super::diagnosis::most_common_reasons(&pods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_names_what_there_is() {
        let count = PodCount { total: 200, pending: 2, running: 190, succeeded: 8, failed: 0 };
        assert_eq!(count.to_string(), "200 pods (190 running, 2 pending, 8 succeeded)");
        assert_eq!(count.started(), 198);
        assert_eq!(PodCount::default().to_string(), "0 pods");
    }
}
