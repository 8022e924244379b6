//! What a list of steps does when it goes up and down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;

/// What happened, in order.
type Diary = Arc<Mutex<Vec<String>>>;

struct Fake {
    name: StepName,
    needs: Vec<StepName>,
    down_before: Vec<StepName>,
    state: State,
    takes: Duration,
    fails: bool,
    droppable: bool,
    diary: Diary,
}

impl Fake {
    fn write(&self, what: &str) {
        self.diary.lock().unwrap().push(format!("{what} {}", self.name));
    }
}

impl Step for Fake {
    fn name(&self) -> StepName {
        self.name
    }
    fn needs(&self) -> &[StepName] {
        &self.needs
    }
    fn down_before(&self) -> &[StepName] {
        &self.down_before
    }
    fn look(&self) -> BoxFuture<'_, anyhow::Result<State>> {
        Box::pin(async { Ok(self.state.clone()) })
    }
    fn up<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async {
            self.write("begin");
            tokio::time::sleep(self.takes).await;
            if self.fails {
                anyhow::bail!("{} does not want to", self.name);
            }
            self.write("up");
            Ok("there".to_owned())
        })
    }
    fn down<'a>(&'a self, _: &'a Progress<'a>) -> BoxFuture<'a, anyhow::Result<Removal>> {
        Box::pin(async {
            self.write("down");
            Ok(Removal::Removed)
        })
    }
    fn can_be_dropped(&self) -> bool {
        self.droppable
    }
}

/// Makes fake steps with one diary.
#[derive(Default)]
struct Fakes(Diary);

impl Fakes {
    fn step(&self, name: StepName, needs: &[StepName], seconds: u64) -> Fake {
        Fake {
            name,
            needs: needs.to_vec(),
            down_before: Vec::new(),
            state: State::Absent,
            takes: Duration::from_secs(seconds),
            fails: false,
            droppable: true,
            diary: Arc::clone(&self.0),
        }
    }
    fn diary(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn plan(steps: Vec<Fake>) -> Plan {
    Plan::new(steps.into_iter().map(|step| Box::new(step) as Box<dyn Step>).collect()).unwrap()
}

async fn never() {
    std::future::pending::<()>().await;
}

#[test]
fn a_plan_has_every_step_once_and_after_what_it_needs() {
    let fakes = Fakes::default();
    let refused = |steps: Vec<Fake>| {
        Plan::new(steps.into_iter().map(|step| Box::new(step) as Box<dyn Step>).collect()).err()
    };
    assert_eq!(refused(vec![fakes.step("a", &[], 0), fakes.step("a", &[], 0)]), Some(PlanError::Twice("a")));
    assert_eq!(
        refused(vec![fakes.step("a", &["b"], 0), fakes.step("b", &[], 0)]),
        Some(PlanError::Need { step: "a", need: "b" })
    );
}

#[tokio::test(start_paused = true)]
async fn steps_run_side_by_side_and_wait_for_what_they_need() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        fakes.step("images", &[], 5),
        fakes.step("cluster", &[], 3),
        fakes.step("pods", &["cluster"], 1),
    ]);
    let begun = tokio::time::Instant::now();
    let upped = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    assert_eq!(upped.changed, ["cluster", "pods", "images"]);
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert_eq!(
        fakes.diary(),
        ["begin images", "begin cluster", "up cluster", "begin pods", "up pods", "up images"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_up_stays_and_what_differs_is_made_anew() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        Fake { state: State::Up("50 nodes".to_owned()), ..fakes.step("cluster", &[], 1) },
        Fake { state: State::Different("another image".to_owned()), ..fakes.step("lgtm", &["cluster"], 1) },
    ]);
    let upped = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    assert_eq!((upped.changed, upped.untouched), (vec!["lgtm"], vec!["cluster"]));
    assert_eq!(fakes.diary(), ["down lgtm", "begin lgtm", "up lgtm"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_what_this_run_has_changed_goes_down_and_what_was_there_stays() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        Fake { state: State::Up(String::new()), ..fakes.step("network", &[], 1) },
        fakes.step("cluster", &["network"], 1),
        Fake { fails: true, ..fakes.step("lgtm", &["network"], 3) },
        fakes.step("pods", &["cluster"], 60),
        fakes.step("data", &["pods", "lgtm"], 1),
    ]);
    let failed = plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap_err();
    assert!(
        matches!(&failed.reason, Reason::Step("lgtm", error) if error.to_string() == "lgtm does not want to")
    );
    assert!(matches!(&failed.undone, Undone::RolledBack(failed) if failed.is_empty()));
    assert_eq!(
        fakes.diary(),
        ["begin cluster", "begin lgtm", "up cluster", "begin pods", "down lgtm", "down pods", "down cluster"]
    );
}

#[tokio::test(start_paused = true)]
async fn with_retain_everything_stays_and_is_named() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        fakes.step("cluster", &[], 1),
        Fake { fails: true, ..fakes.step("lgtm", &["cluster"], 1) },
    ]);
    let failed = plan.up(&Silent, OnFailure::Keep, never()).await.unwrap_err();
    assert!(matches!(&failed.undone, Undone::Kept(steps) if *steps == ["cluster", "lgtm"]));
    assert_eq!(fakes.diary(), ["begin cluster", "up cluster", "begin lgtm"]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_drops_what_can_be_dropped_and_waits_for_programs_before_it_rolls_back() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        Fake { droppable: false, ..fakes.step("cluster", &[], 4) },
        fakes.step("images", &[], 600),
        fakes.step("pods", &["cluster"], 1),
    ]);
    let begun = tokio::time::Instant::now();
    let failed =
        plan.up(&Silent, OnFailure::RollBack, tokio::time::sleep(Duration::from_secs(1))).await.unwrap_err();
    assert!(matches!(failed.reason, Reason::Interrupted));
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    assert_eq!(fakes.diary(), ["begin cluster", "begin images", "up cluster", "down cluster", "down images"]);
}

#[tokio::test(start_paused = true)]
async fn going_down_begins_with_what_nobody_needs() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        fakes.step("network", &[], 1),
        fakes.step("cluster", &["network"], 1),
        fakes.step("collector", &["cluster", "network"], 1),
    ]);
    let downed = plan.down(&Silent).await;
    assert_eq!(downed.removed, ["collector", "cluster", "network"]);
    assert_eq!(fakes.diary(), ["down collector", "down cluster", "down network"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_can_hold_one_that_it_did_not_wait_for() {
    let fakes = Fakes::default();
    let plan = plan(vec![
        fakes.step("cluster", &[], 4),
        Fake { down_before: vec!["cluster"], ..fakes.step("lgtm", &[], 1) },
    ]);
    plan.up(&Silent, OnFailure::RollBack, never()).await.unwrap();
    plan.down(&Silent).await;
    assert_eq!(
        fakes.diary(),
        ["begin cluster", "begin lgtm", "up lgtm", "up cluster", "down lgtm", "down cluster"]
    );
}
