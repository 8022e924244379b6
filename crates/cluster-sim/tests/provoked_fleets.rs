//! Whatever is provoked and undone, everything agrees at every instant, and what was stays.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::collections::HashMap;

use cluster_sim::{Action, Provocation, ProvocationError, Request, Simulation};
use common::consistency::{check, phase};
use common::{after, simulation, usage, versions};
use jiff::{SignedDuration, Timestamp};
use kubelet_stats::annotations::Amount;
use proptest::prelude::*;

const NODES: usize = 20;
const PODS: usize = 90;
/// Everything is provoked within so many seconds.
const STRETCH: i64 = 5_400;

/// A wish that can be refused, and when it is undone.
#[derive(Clone, Debug)]
struct Deed {
    action: Action,
    target: &'static str,
    since: i64,
    lasts: Option<i64>,
    undone: Option<i64>,
}

fn deed() -> impl Strategy<Value = Deed> {
    const WORKLOADS: [&str; 10] = [
        "cart",
        "catalogue",
        "storefront",
        "search",
        "log-agent",
        "routing",
        "legacy-reports",
        "legacy-ftp",
        "audit-export",
        "POD",
    ];
    let nodes = prop::sample::select(&["general-0001", "general-0004", "edge-0000"][..]);
    let at = |targets: BoxedStrategy<&'static str>, action: Action| {
        targets.prop_map(move |target| (action.clone(), target))
    };
    let workload = || prop::sample::select(&WORKLOADS[..]).boxed();
    let spike = Action::Spike { cpu: Some(Amount::Times(400)), memory: Some(Amount::Limit) };
    let what = prop_oneof![
        at(nodes.clone().boxed(), Action::NodeDown),
        at(nodes.boxed(), Action::Spike { cpu: None, memory: None }),
        at(workload(), Action::Crash),
        at(workload(), Action::Oom),
        at(workload(), spike),
        at(workload(), Action::Rollout),
        at(
            prop::sample::select(&["pvc/shop/data-search-0", "search-1", "shared-assets"][..]).boxed(),
            Action::FillVolume { to: None }
        ),
        (workload(), 0_u32..12).prop_map(|(target, replicas)| (Action::Scale { replicas }, target)),
    ];
    (what, 0..STRETCH, proptest::option::of(1..2_000_i64), proptest::option::of(0..STRETCH))
        .prop_map(|((action, target), since, lasts, undone)| Deed { action, target, since, lasts, undone })
}

struct Fleet {
    simulation: Simulation,
    start: Timestamp,
}

impl Fleet {
    fn new(seed: u64) -> Fleet {
        let simulation = simulation(NODES, PODS, seed);
        let start = after(&simulation, 20);
        Fleet { simulation, start }
    }

    fn time(&self, seconds: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(seconds)
    }

    /// Provokes it, and answers with what it is in the end.
    fn provoke(&mut self, deed: &Deed) -> Result<Provocation, ProvocationError> {
        let since = self.time(deed.since);
        let target = match deed.target {
            // Any one that runs just then.
            "POD" => {
                let objects = self.simulation.at(since).unwrap();
                let mut pods = objects.pods.iter().filter(|pod| phase(pod) == "Running");
                let pod = pods.nth(deed.since as usize % 40).unwrap();
                format!(
                    "{}/{}",
                    pod.metadata.namespace.as_ref().unwrap(),
                    pod.metadata.name.as_ref().unwrap()
                )
            }
            target => target.to_owned(),
        };
        let until = deed.lasts.map(|lasts| self.time(deed.since + lasts));
        let request = Request { action: deed.action.clone(), target, since, until };
        let provocation = self.simulation.provoke(&request)?;
        let Some(undone) = deed.undone else { return Ok(provocation) };
        match self.simulation.undo(provocation.id, self.time(undone)) {
            Ok(undone) => Ok(undone),
            Err(ProvocationError::Over { .. }) => Ok(provocation),
            Err(other) => Err(other),
        }
    }

    /// How many pods there are at an instant: M, but for what was scaled.
    fn pods_at(&mut self, calm: &mut Fleet, at: i64) -> usize {
        let at = self.time(at);
        let objects = calm.simulation.at(at).unwrap();
        let mut pods = PODS as i64;
        for provocation in self.simulation.provocations().filter(|provocation| provocation.is_active(at)) {
            if let Action::Scale { replicas } = provocation.action {
                let name = format!("{}-", provocation.target.name);
                let own =
                    objects.pods.iter().filter(|pod| pod.metadata.name.as_ref().unwrap().starts_with(&name));
                pods += i64::from(replicas) - own.count() as i64;
            }
        }
        usize::try_from(pods).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn all_agree_at_any_instant_and_history_stays(
        seed in 0_u64..50,
        deeds in proptest::collection::vec(deed(), 1..9),
        mut instants in proptest::collection::vec(0..STRETCH + 2_000, 6),
    ) {
        let (mut fleet, mut calm) = (Fleet::new(seed), Fleet::new(seed));
        for deed in &deeds {
            let (before, just_before) = (fleet.time(deed.since - 1), fleet.simulation.provocations().count());
            let was = fleet.simulation.at(before).unwrap();
            match fleet.provoke(deed) {
                Ok(_) => {}
                // A refused one leaves no trace.
                Err(_) => prop_assert_eq!(fleet.simulation.provocations().count(), just_before),
            }
            prop_assert!(*fleet.simulation.at(before).unwrap() == *was, "{:?} changed what was", deed);
        }
        // Whoever provokes the same later, having looked elsewhere, sees the same.
        let mut other = Fleet::new(seed);
        other.simulation.at(other.time(STRETCH)).unwrap();
        for deed in &deeds {
            let _ = other.provoke(deed);
        }
        instants.sort_unstable();
        let (mut restarts, mut nodes, mut pods) = (HashMap::new(), HashMap::new(), HashMap::new());
        for &second in &instants {
            let at = fleet.time(second);
            let objects = fleet.simulation.at(at).unwrap();
            check(&objects, NODES, fleet.pods_at(&mut calm, second));
            prop_assert!(*objects == *other.simulation.at(at).unwrap());
            for pod in &objects.pods {
                for status in pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten()) {
                    let key = (pod.metadata.uid.clone(), status.name.clone());
                    let before = restarts.insert(key, status.restart_count);
                    prop_assert!(before.is_none_or(|before| before <= status.restart_count));
                }
            }
            for (uid, counter) in usage::of_pods(&mut fleet.simulation, at) {
                let before = pods.insert(uid, counter);
                prop_assert!(before.is_none_or(|before| before <= counter));
            }
            let followed = usage::of_nodes(&mut fleet.simulation, at);
            prop_assert_eq!(&followed, &usage::of_nodes(&mut other.simulation, at));
            for (node, (booted, counter)) in followed {
                let before = nodes.insert((node, booted), counter);
                prop_assert!(before.is_none_or(|before| before <= counter));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn objects_change_with_their_versions_among_whatever_is_provoked(
        seed in 0_u64..50, deeds in proptest::collection::vec(deed(), 1..12),
    ) {
        let mut fleet = Fleet::new(seed);
        for deed in &deeds {
            // Some are refused.
            let _ = fleet.provoke(deed);
        }
        let start = fleet.start;
        versions::check(&mut fleet.simulation, start, STRETCH + 600, true);
    }
}

#[test]
fn objects_change_with_their_versions_whatever_is_provoked() {
    let mut fleet = Fleet::new(3);
    let spike = Action::Spike { cpu: Some(Amount::Times(300)), memory: None };
    let plan = [
        (Action::NodeDown, "general-0001", 300, Some(400)),
        (Action::Crash, "cart", 200, Some(1_500)),
        (Action::Oom, "routing", 250, Some(900)),
        (spike, "catalogue", 100, Some(700)),
        (Action::Scale { replicas: 9 }, "images", 500, Some(800)),
        (Action::Scale { replicas: 0 }, "legacy-reports", 500, Some(800)),
        (Action::Scale { replicas: 4 }, "metrics-store", 500, Some(800)),
        (Action::Scale { replicas: 0 }, "audit-export", 600, Some(800)),
        (Action::Rollout, "storefront", 150, None),
        (Action::Rollout, "search", 350, Some(300)),
        (Action::Rollout, "log-agent", 350, None),
        (Action::FillVolume { to: None }, "search-0", 350, Some(300)),
        (Action::NodeDown, "general-0002", 2_000, None),
    ];
    for (action, target, since, lasts) in plan {
        fleet.provoke(&Deed { action, target, since, lasts, undone: None }).unwrap();
    }
    let start = fleet.start;
    let changes = versions::check(&mut fleet.simulation, start, 2_600, false);
    println!("{changes:?}");
}
