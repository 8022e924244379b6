//! What is done to the simulated clusters on purpose: from a file at the start, or while they run.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ::embedded::Environment;
use cluster_sim::provocation::FULL;
use cluster_sim::{Action, Provocation, Request, Scenario};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ui::Usage;

/// A provocation that is not over, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActiveProvocation {
    /// In which cluster; its number counts there.
    pub(crate) cluster: String,
    /// What.
    #[serde(flatten)]
    pub(crate) provocation: Provocation,
}

impl ActiveProvocation {
    /// In one line: `1: node-down node/general-0003, from 12:00:15 UTC until 12:10:15 UTC`.
    pub(crate) fn line(&self) -> String {
        let Provocation { id, action, target, since, until } = &self.provocation;
        let until = until.map_or_else(|| "it is undone".to_owned(), |until| time_and_day(until, *since));
        let how = match self.how() {
            how if how.is_empty() => how,
            how => format!(" ({how})"),
        };
        format!("{id}: {} {target}{how}, from {} until {until}", action.name(), since.strftime("%T UTC"))
    }

    /// The action's numbers: `replicas 5`. Empty where it has none.
    pub(crate) fn how(&self) -> String {
        match &self.provocation.action {
            Action::NodeDown | Action::Crash | Action::Oom | Action::Rollout => String::new(),
            Action::Spike { cpu: None, memory: None } => "cpu limit".to_owned(),
            Action::Spike { cpu, memory } => {
                let cpu = cpu.as_ref().map(|amount| format!("cpu {amount}"));
                let memory = memory.as_ref().map(|amount| format!("memory {amount}"));
                cpu.into_iter().chain(memory).collect::<Vec<_>>().join(", ")
            }
            Action::FillVolume { to } => format!("to {} %", to.unwrap_or(FULL)),
            Action::Scale { replicas } => format!("replicas {replicas}"),
        }
    }

    /// Whether it has not ended at `now`; it may not have begun.
    fn is_open(&self, now: Timestamp) -> bool {
        self.provocation.until.is_none_or(|until| now < until)
    }
}

/// The time, with the day where it is another one.
fn time_and_day(at: Timestamp, seen_from: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%F").to_string();
    if day(at) == day(seen_from) {
        at.strftime("%T UTC").to_string()
    } else {
        at.strftime("%F %T UTC").to_string()
    }
}

/// What is open, as of the latest scrape or change, for those on other threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenProvocations {
    latest: Arc<Mutex<Vec<ActiveProvocation>>>,
}

impl OpenProvocations {
    /// What is open at `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Vec<ActiveProvocation> {
        // A poisoned lock still holds a whole list: it is only ever replaced.
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.iter().filter(|active| active.is_open(now)).cloned().collect()
    }

    /// Looks at the simulations again.
    pub(crate) fn update(&self, environment: &mut Environment, now: Timestamp) {
        let open = open(environment, now);
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }
}

/// What is open at `now`, in all clusters.
pub(crate) fn open(environment: &mut Environment, now: Timestamp) -> Vec<ActiveProvocation> {
    let mut open = Vec::new();
    for cluster in cluster_names(environment) {
        let Some(simulation) = environment.simulation_mut(&cluster) else { continue };
        let here = simulation.provocations().cloned();
        open.extend(here.map(|provocation| ActiveProvocation { cluster: cluster.clone(), provocation }));
    }
    open.retain(|active| active.is_open(now));
    open
}

/// The clusters' names; the first one is meant where none is given.
pub(crate) fn cluster_names(environment: &Environment) -> Vec<String> {
    environment.clusters().map(|cluster| cluster.name().to_owned()).collect()
}

/// Reads a scenario: what shall happen, and when from the start on.
pub(crate) fn read_scenario(file: &Path, start: Timestamp) -> anyhow::Result<Vec<(String, Request)>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Usage(format!("failed to read the scenario {name}: {error}")))?;
    let requests = Scenario::parse(&name, &text).and_then(|scenario| scenario.requests(start));
    requests.map_err(|error| Usage(error.to_string()).into())
}

/// Sees to it that a scenario happens, in the first cluster. Returns how many steps it has.
pub(crate) fn play(environment: &mut Environment, requests: &[(String, Request)]) -> anyhow::Result<usize> {
    let first = environment.first_cluster().name().to_owned();
    let Some(simulation) = environment.simulation_mut(&first) else { return Ok(0) };
    for (place, request) in requests {
        simulation.provoke(request).map_err(|error| Usage(format!("{place}: {error}")))?;
    }
    Ok(requests.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(until: Option<&str>) -> ActiveProvocation {
        let request = serde_json::json!({
            "cluster": "kwok", "id": 3, "action": "scale", "replicas": 5, "target": "deployment/shop/cart",
            "since": "2026-11-23T12:00:15Z", "until": until,
        });
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn a_provocation_is_one_line() {
        for (until, line) in [
            (None, "3: scale deployment/shop/cart (replicas 5), from 12:00:15 UTC until it is undone"),
            (
                Some("2026-11-23T12:10:15Z"),
                "3: scale deployment/shop/cart (replicas 5), from 12:00:15 UTC until 12:10:15 UTC",
            ),
            (
                Some("2026-11-24T00:00:00Z"),
                "3: scale deployment/shop/cart (replicas 5), from 12:00:15 UTC until 2026-11-24 00:00:00 UTC",
            ),
        ] {
            assert_eq!(active(until).line(), line);
        }
    }

    #[test]
    fn what_an_action_was_told_is_shown() {
        let amount = |text: &str| Some(text.parse().unwrap());
        for (action, how) in [
            (Action::Crash, ""),
            (Action::Spike { cpu: None, memory: None }, "cpu limit"),
            (Action::Spike { cpu: None, memory: amount("512Mi") }, "memory 536870912"),
            (Action::Spike { cpu: amount("x4"), memory: amount("limit") }, "cpu x4, memory limit"),
            (Action::FillVolume { to: None }, "to 96 %"),
            (Action::FillVolume { to: Some(99) }, "to 99 %"),
            (Action::Scale { replicas: 0 }, "replicas 0"),
        ] {
            let mut active = active(None);
            active.provocation.action = action;
            assert_eq!(active.how(), how);
        }
    }

    #[test]
    fn what_has_ended_is_not_open_and_what_has_not_begun_is() {
        let open = OpenProvocations::default();
        *open.latest.lock().unwrap() = vec![active(Some("2026-11-23T12:10:15Z"))];
        let at = |text: &str| open.at(text.parse().unwrap()).len();
        assert_eq!(
            (at("2026-11-23T11:00:00Z"), at("2026-11-23T12:10:14Z"), at("2026-11-23T12:10:15Z")),
            (1, 1, 0)
        );
    }
}
