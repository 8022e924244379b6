//! What is left of an environment after a start that failed.

use environments::plan::{Failed, Plan, Reason, State, StepName, Undone};

/// Steps that are no part of an environment: they stay when it goes.
const STAYS: [StepName; 2] = ["kwokctl", "images of KWOK"];

/// Steps that live in the cluster, and cannot be asked without it. They are gone when it is.
const IN_CLUSTER: [StepName; 2] = ["API server", "kubectl's context"];

/// What there is.
#[derive(Debug)]
pub(super) struct Left {
    /// Parts that are there, but for those whose steps have failed.
    whole: Vec<StepName>,
    /// Those whose steps have failed: half made, or somebody else's.
    failed: Vec<StepName>,
    /// Parts that could not be looked at.
    unknown: Vec<StepName>,
    was_there: bool,
    kept: bool,
    /// Whether all that this start has made could be removed again.
    clean: bool,
}

impl Left {
    /// Looks for everything that there may be. `was_there`: whether something was written down about the environment before.
    pub(super) async fn look(remains: &Plan, failed: &Failed, was_there: bool) -> Self {
        let is_failed = |step: StepName| {
            let others = || failed.others.iter().any(|(other, _)| *other == step);
            matches!(&failed.reason, Reason::Step(first, _) if *first == step) || others()
        };
        let (kept, clean) = match &failed.undone {
            Undone::Kept(_) => (true, true),
            Undone::RolledBack(stuck) => (false, stuck.is_empty()),
        };
        let mut left =
            Self { whole: Vec::new(), failed: Vec::new(), unknown: Vec::new(), was_there, kept, clean };
        for (step, state) in remains.look().await {
            let found = match state {
                _ if STAYS.contains(&step) => continue,
                Ok(State::Absent) => continue,
                Ok(State::Up(_) | State::Different(_)) if is_failed(step) => &mut left.failed,
                Ok(State::Up(_) | State::Different(_)) => &mut left.whole,
                Err(_) if IN_CLUSTER.contains(&step) => continue,
                Err(_) => &mut left.unknown,
            };
            found.push(step);
        }
        left
    }

    /// Whether there is nothing that `down` would have to find.
    pub(super) fn is_nothing(&self) -> bool {
        // Where nothing was before and what was made is removed, what is still there under our names belongs to others.
        let others = !self.was_there && !self.kept;
        self.clean && self.whole.is_empty() && (others || (self.failed.is_empty() && self.unknown.is_empty()))
    }

    /// It in words. `down` is the command that removes it.
    pub(super) fn told(&self, down: &str) -> String {
        let whole = self.whole.join(", ");
        match (self.kept, self.is_nothing()) {
            (true, true) => "nothing of it is there".to_owned(),
            (false, true) => "rolled back: nothing of it is left".to_owned(),
            (true, false) if whole.is_empty() => {
                format!("kept: nothing that is whole; {down} removes the rest")
            }
            (true, false) => format!("kept: {whole}; the next start goes on from there, {down} removes it"),
            (false, false) if !self.clean => format!("rolled back, but for that: {down} tries again"),
            (false, false) if whole.is_empty() => {
                let unsure = [&self.failed[..], &self.unknown].concat().join(", ");
                format!(
                    "rolled back what this start has made; {unsure} may be there from before: {down} removes it"
                )
            }
            (false, false) => format!(
                "rolled back what this start has made; what was there before stays: {whole}; {down} removes it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use environments::cluster::kubeconfig::Places;
    use environments::engine::Engine;
    use environments::kwok::{Names, Parts, removal};
    use tools::SystemProcesses;
    use tools::engine::{Address, Candidate};
    use tools::pins::{Pins, pins_path};

    use super::*;

    #[test]
    fn the_steps_that_are_known_by_name_here_are_called_so() {
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let address = Address::Tcp("127.0.0.1:1".to_owned());
        let parts = Parts {
            engine: Engine::connect(&Candidate { address, named_by: "a test".to_owned() }).unwrap(),
            machine: "laptop".to_owned(),
            processes: Arc::new(SystemProcesses),
            kwokctl: None,
            kubeconfigs: Places::new(None, Path::new("/nowhere")),
            pins: Arc::new(Pins::read(&pins_path(workspace)).unwrap()),
            workspace: workspace.to_owned(),
        };
        let plan = removal(&Names::new("kwok", Path::new("/nowhere")), &parts).unwrap();
        let names: Vec<StepName> = plan.names().collect();
        for name in STAYS.iter().chain(&IN_CLUSTER) {
            assert!(names.contains(name), "{name} is none of {names:?}");
        }
    }
}
