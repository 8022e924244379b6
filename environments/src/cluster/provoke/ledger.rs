//! What is provoked, written down in the cluster itself.

use cluster_sim::{Action, Provocation, ProvocationError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Cluster;
use super::super::exchange::{Call, Trouble, TroubleKind};
use super::deeds::Former;

/// Where it is.
const PATH: &str = "/api/v1/namespaces/kube-system/configmaps/kubernetes-mixin-otel-provocations";
/// What is over is forgotten when there are more than these.
const MOST: usize = 100;

/// A provocation and what is needed to take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) provocation: Provocation,
    /// The pods that it was done to, `NAMESPACE/NAME`.
    #[serde(default)]
    pub(super) pods: Vec<String>,
    #[serde(default)]
    pub(super) former: Former,
}

/// Everything that was provoked.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    /// The ConfigMap's, so that two who write at the same time do not lose one another's.
    version: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    record: Record,
    /// Whether it was taken back.
    #[serde(default)]
    is_settled: bool,
}

/// Whether it stays until somebody takes it back, whatever its end.
fn has_to_be_taken_back(action: &Action) -> bool {
    !matches!(action, Action::Spike { .. } | Action::FillVolume { .. })
}

impl Entry {
    /// Whether it has an effect at `at`: what has to be taken back has one until it is.
    fn is_open(&self, at: Timestamp) -> bool {
        !self.is_settled
            && (has_to_be_taken_back(&self.record.provocation.action)
                || self.record.provocation.is_active(at))
    }
}

impl Ledger {
    pub(super) fn next_id(&self) -> u32 {
        self.entries.iter().map(|entry| entry.record.provocation.id).max().unwrap_or(0) + 1
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.entries.iter().map(|entry| &entry.record)
    }

    /// Two that do the same kind of thing to the same object or pod do not go together.
    pub(super) fn refuse_conflicts(&self, new: &Record, at: Timestamp) -> Result<(), ProvocationError> {
        let sort = |action: &Action| match action {
            // They share the label, and an oom has a spike of its own.
            Action::Crash | Action::Oom => 0,
            other => 1 + Action::NAMES.iter().position(|name| *name == other.name()).unwrap_or(0),
        };
        let action = &new.provocation.action;
        let other =
            self.entries.iter().filter(|entry| entry.is_open(at)).map(|entry| &entry.record).find(|other| {
                sort(&other.provocation.action) == sort(action)
                    && (other.provocation.target == new.provocation.target
                        || other.pods.iter().any(|pod| new.pods.contains(pod)))
            });
        match other {
            Some(other) => Err(ProvocationError::Already { other: Box::new(other.provocation.clone()) }),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, record: Record) {
        self.entries.push(Entry { record, is_settled: false });
        while self.entries.len() > MOST
            && let Some(position) = self.entries.iter().position(|entry| entry.is_settled)
        {
            self.entries.remove(position);
        }
    }

    pub(super) fn forget(&mut self, id: u32) {
        self.entries.retain(|entry| entry.record.provocation.id != id);
    }

    /// One that can be undone at `at`.
    pub(super) fn find(&self, id: u32, at: Timestamp) -> Result<&Record, ProvocationError> {
        let entry = self.entries.iter().find(|entry| entry.record.provocation.id == id);
        match entry {
            Some(entry) if entry.is_open(at) => Ok(&entry.record),
            Some(entry) => {
                Err(ProvocationError::Over { id, until: entry.record.provocation.until.unwrap_or(at) })
            }
            None => {
                let open = self.entries.iter().filter(|entry| entry.is_open(at));
                Err(ProvocationError::NoSuchId {
                    id,
                    known: open.map(|entry| entry.record.provocation.id).collect(),
                })
            }
        }
    }

    /// Those that should have ended by `at` and have to be taken back.
    pub(super) fn due(&self, at: Timestamp) -> impl Iterator<Item = &Record> {
        let is_due = move |entry: &&Entry| {
            let provocation = &entry.record.provocation;
            !entry.is_settled
                && has_to_be_taken_back(&provocation.action)
                && provocation.until.is_some_and(|until| until <= at)
        };
        self.entries.iter().filter(is_due).map(|entry| &entry.record)
    }

    /// It was taken back, at the end that it had.
    pub(super) fn settle(&mut self, id: u32) {
        for entry in self.entries.iter_mut().filter(|entry| entry.record.provocation.id == id) {
            entry.is_settled = true;
        }
    }

    /// It was taken back at `at`.
    pub(super) fn end(&mut self, id: u32, at: Timestamp) -> Option<Provocation> {
        let entry = self.entries.iter_mut().find(|entry| entry.record.provocation.id == id)?;
        entry.is_settled = true;
        let provocation = &mut entry.record.provocation;
        provocation.until = Some(provocation.until.map_or(at, |until| until.min(at)));
        Some(provocation.clone())
    }
}

impl Cluster {
    pub(super) async fn ledger(&self) -> Result<Ledger, Trouble> {
        let map: Value = match self.insist(&Call::get(PATH), &super::Pace::default()).await {
            Err(trouble) if trouble.kind == TroubleKind::NotFound => return Ok(Ledger::default()),
            answer => answer?.json()?,
        };
        let text = map["data"]["provocations"].as_str().unwrap_or("[]");
        let entries = serde_json::from_str(text).map_err(|error| {
            let words = format!("the ConfigMap kube-system/kubernetes-mixin-otel-provocations cannot be read ({error}); delete it");
            Trouble::new(TroubleKind::Refused, words)
        })?;
        Ok(Ledger { entries, version: map["metadata"]["resourceVersion"].as_str().map(str::to_owned) })
    }

    /// Writes it, unless somebody else has done so since it was read.
    pub(super) async fn write_ledger(&self, ledger: &mut Ledger) -> Result<(), Trouble> {
        let text = serde_json::to_string(&ledger.entries)
            .map_err(|error| Trouble::new(TroubleKind::Refused, error.to_string()))?;
        let mut map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kubernetes-mixin-otel-provocations", "namespace": "kube-system"},
            "data": {"provocations": text},
        });
        if let Some(version) = &ledger.version {
            map["metadata"]["resourceVersion"] = json!(version);
        }
        // Not tried again: a conflict stays one.
        let written = self.call(&Call::apply(PATH, &map)).await.map_err(|trouble| match trouble.kind {
            TroubleKind::Early => Trouble::new(
                TroubleKind::Refused,
                "something else is being provoked at this moment: try again",
            ),
            _ => trouble,
        });
        let answer: Value = written?.json()?;
        ledger.version = answer["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        Ok(())
    }
}
