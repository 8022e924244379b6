//! What a start leaves behind, what is written down about it, and what the user is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use environments::plan::{Ending, Progress, Removal, State, Step, StepName};

use super::*;
use crate::environment::real::scratch::{Scratch, environment};

/// What there is on an engine: the steps of an environment that are up. Clones are the same one.
#[derive(Clone, Default)]
struct World(Arc<Mutex<WorldState>>);

#[derive(Default)]
struct WorldState {
    there: BTreeSet<StepName>,
    /// Steps whose way up fails, and why.
    broken: BTreeMap<StepName, &'static str>,
    /// Steps whose way down fails.
    stuck: BTreeSet<StepName>,
    /// Steps that cannot be looked at.
    hidden: BTreeSet<StepName>,
    /// Whether LGTM is on its way up.
    lgtm_began: bool,
    /// Whether it waits there until the user has ended the start.
    lgtm_waits: bool,
}

impl World {
    fn change<T>(&self, change: impl FnOnce(&mut WorldState) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }
    fn there(&self) -> Vec<StepName> {
        self.change(|world| world.there.iter().copied().collect())
    }
    fn plan(&self, steps: &[StepName]) -> Plan {
        let step = |name: &StepName| Box::new(Part { name, world: self.clone() }) as Box<dyn Step>;
        Plan::new(steps.iter().map(step).collect()).unwrap()
    }
}

const TICK: Duration = Duration::from_millis(2);

/// A part that is there or not. One called "data" leaves nothing behind, and "kwokctl" never goes.
struct Part {
    name: StepName,
    world: World,
}

type Future<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = anyhow::Result<T>> + Send + 'a>>;

impl Step for Part {
    fn name(&self) -> StepName {
        self.name
    }
    fn needs(&self) -> &[StepName] {
        match self.name {
            "data" => &["LGTM"],
            "LGTM" => &["network"],
            "network" => &["kwokctl"],
            _ => &[],
        }
    }
    fn look(&self) -> Future<'_, State> {
        Box::pin(async {
            self.world.change(|world| {
                anyhow::ensure!(!world.hidden.contains(self.name), "nobody answers");
                let up = world.there.contains(self.name) || self.name == "kwokctl";
                Ok(if up { State::Up(String::new()) } else { State::Absent })
            })
        })
    }
    fn up<'a>(&'a self, _: &'a Progress<'a>) -> Future<'a, String> {
        Box::pin(async {
            if self.name == "LGTM" {
                self.world.change(|world| world.lgtm_began = true);
                while self.world.change(|world| world.lgtm_waits) {
                    tokio::time::sleep(TICK).await;
                }
            }
            tokio::time::sleep(TICK).await;
            self.world.change(|world| {
                if let Some(why) = world.broken.get(self.name) {
                    anyhow::bail!("{why}");
                }
                if self.name != "data" {
                    world.there.insert(self.name);
                }
                Ok(String::new())
            })
        })
    }
    fn down<'a>(&'a self, _: &'a Progress<'a>) -> Future<'a, Removal> {
        Box::pin(async {
            self.world.change(|world| {
                anyhow::ensure!(!world.stuck.contains(self.name), "it is held");
                Ok(if world.there.remove(self.name) { Removal::Removed } else { Removal::Nothing })
            })
        })
    }
    fn can_be_dropped(&self) -> bool {
        self.name != "LGTM"
    }
}

/// Keeps what is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Report for Notes {
    fn began(&self, _: StepName) {}
    fn progress(&self, _: StepName, _: &str) {}
    fn ended(&self, _: StepName, _: &Ending, _: Duration) {}
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

const STEPS: [StepName; 4] = ["kwokctl", "network", "LGTM", "data"];
const REMAINS: [StepName; 3] = ["kwokctl", "network", "LGTM"];

/// Starts the environment, and ends that in the middle of LGTM's way up if so: what came of it, and what was told.
async fn start(
    scratch: &Scratch,
    world: &World,
    on_failure: OnFailure,
    ctrl_c: bool,
    verbose: bool,
) -> (anyhow::Result<Start>, String) {
    let (plan, remains, notes) = (world.plan(&STEPS), world.plan(&REMAINS), Notes::default());
    let environments = &scratch.environments;
    let starting = Starting { plan: &plan, remains: &remains, environments, on_failure, verbose };
    world.change(|world| world.lgtm_waits = ctrl_c);
    let stop = async {
        while !(ctrl_c && world.change(|world| world.lgtm_began)) {
            tokio::time::sleep(TICK).await;
        }
        world.change(|world| world.lgtm_waits = false);
    };
    let outcome = starting.run(&mut environment("kwok"), &notes, stop).await;
    (outcome, notes.0.into_inner().unwrap().join("\n"))
}

fn broken(step: StepName, why: &'static str) -> World {
    let world = World::default();
    world.change(|world| world.broken.insert(step, why));
    world
}

fn is_known(scratch: &Scratch) -> bool {
    scratch.environments.read(&"kwok".parse().unwrap()).unwrap().is_some()
}

#[tokio::test]
async fn a_first_start_that_fails_leaves_nothing_and_is_forgotten() {
    let (scratch, world) = (Scratch::new("first"), broken("data", "no data"));
    let (outcome, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
    assert_eq!(format!("{:#}", outcome.unwrap_err()), "data failed: no data");
    assert_eq!((told.as_str(), world.there().len()), ("rolled back: nothing of it is left", 0));
    assert!(!is_known(&scratch));
}

#[tokio::test]
async fn what_was_kept_stays_known_when_the_next_start_fails_too() {
    let (scratch, world) = (Scratch::new("kept"), broken("data", "no data"));
    let (_, told) = start(&scratch, &world, OnFailure::Keep, false, false).await;
    assert_eq!(told, "kept: network, LGTM; the next start goes on from there, `cargo xtask down` removes it");
    for _ in 0..2 {
        let (_, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
        assert_eq!(
            told,
            "rolled back what this start has made; what was there before stays: network, LGTM; `cargo xtask down` removes it"
        );
        assert_eq!(world.there(), ["LGTM", "network"]);
        assert!(is_known(&scratch));
    }
    let notes = Notes::default();
    let name = "kwok".parse().unwrap();
    remove(&world.plan(&REMAINS), &scratch.environments, &name, &notes).await.unwrap();
    assert!(world.there().is_empty() && !is_known(&scratch));
}

#[tokio::test]
async fn an_environment_that_is_up_survives_restarts_that_fail() {
    let (scratch, world) = (Scratch::new("up"), World::default());
    assert!(matches!(start(&scratch, &world, OnFailure::RollBack, false, false).await.0, Ok(Start::Up)));
    assert!(scratch.environments.read(&"kwok".parse().unwrap()).unwrap().unwrap().is_up);
    world.change(|world| world.broken.insert("data", "no data"));
    for _ in 0..2 {
        assert!(start(&scratch, &world, OnFailure::RollBack, false, false).await.0.is_err());
        assert!(is_known(&scratch));
    }
}

#[tokio::test]
async fn what_a_killed_start_has_made_stays_known_when_the_next_start_fails() {
    let (scratch, world) = (Scratch::new("killed"), broken("LGTM", "it ends at once"));
    // Killed after the network was made.
    scratch.environments.write(&environment("kwok")).unwrap();
    world.change(|world| world.there.insert("network"));
    let (_, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
    assert!(told.contains("stays: network;") && is_known(&scratch), "{told}");
    // And when nothing is there any more, it is forgotten.
    world.change(|world| {
        world.there.clear();
    });
    let (_, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
    assert_eq!(told, "rolled back: nothing of it is left");
    assert!(!is_known(&scratch));
}

#[tokio::test]
async fn what_cannot_be_removed_or_looked_at_stays_known() {
    let (scratch, world) = (Scratch::new("stuck"), broken("data", "no data"));
    world.change(|world| world.stuck.insert("network"));
    let (_, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
    assert_eq!(
        told,
        "network could not be removed: it is held\nrolled back, but for that: `cargo xtask down` tries again"
    );
    assert!(is_known(&scratch));
    world.change(|world| world.hidden.insert("network"));
    let (_, told) = start(&scratch, &world, OnFailure::RollBack, false, false).await;
    assert!(told.contains("network may be there from before") && is_known(&scratch), "{told}");
}

#[tokio::test]
async fn only_what_came_up_is_told_as_kept() {
    let (scratch, world) = (Scratch::new("strangers"), broken("network", "a stranger's is there"));
    let (_, told) = start(&scratch, &world, OnFailure::Keep, false, false).await;
    assert_eq!(told, "nothing of it is there");
    assert!(!is_known(&scratch));
    // One that was there before the step failed is not told as kept either.
    world.change(|world| {
        world.broken = [("LGTM", "it ends at once")].into();
        world.hidden.clear();
    });
    let (_, told) = start(&scratch, &world, OnFailure::Keep, false, false).await;
    assert!(told.starts_with("kept: network; the next start"), "{told}");
}

#[tokio::test]
async fn what_programs_say_about_ctrl_c_is_told_to_the_curious_only() {
    for (verbose, told_too) in [(false, false), (true, true)] {
        let (scratch, world) = (Scratch::new("interrupted"), broken("LGTM", "{\"level\": \"error\"}"));
        let (outcome, told) = start(&scratch, &world, OnFailure::RollBack, true, verbose).await;
        assert!(matches!(outcome, Ok(Start::Ended(_))), "{outcome:?}");
        assert!(told.ends_with("rolled back: nothing of it is left"), "{told}");
        assert_eq!(told.contains("LGTM failed too"), told_too, "{told}");
    }
}

#[tokio::test]
async fn an_environment_that_cannot_be_taken_down_whole_is_not_forgotten() {
    let (scratch, world) = (Scratch::new("down"), World::default());
    scratch.environments.write(&environment("kwok")).unwrap();
    world.change(|world| {
        world.there = ["network", "LGTM"].into();
        world.stuck = ["network"].into();
    });
    let (name, notes) = ("kwok".parse().unwrap(), Notes::default());
    let remains = world.plan(&REMAINS);
    let error = remove(&remains, &scratch.environments, &name, &notes).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "network of kwok could not be removed: it is held");
    assert!(is_known(&scratch));
    world.change(|world| world.stuck.clear());
    remove(&remains, &scratch.environments, &name, &notes).await.unwrap();
    assert!(!is_known(&scratch));
    assert_eq!(notes.0.into_inner().unwrap(), ["kwok is down: nothing of it is left"]);
}
