//! How much the rules find: mistakes are put into dashboards that have none, one at a time, at every place where they
//! are possible, and the rule that is meant for them has to tell.

mod files;
mod panels;
mod variables;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::fix::{self, Edit};
use crate::rule::Rule;
use crate::rules;
use crate::run::{Options, check};
use crate::subject::{Dashboard, Subject};

/// A kind of mistake.
#[derive(Clone, Copy)]
struct Operator {
    /// What is done: `drop the last label of a by`.
    name: &'static str,
    /// The rules that are meant for it: one of them has to find it.
    rules: &'static [&'static str],
    /// Every way to make it in a dashboard.
    places: fn(&Dashboard, &Subject) -> Vec<Vec<Edit>>,
}

/// How an operator fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// The operator.
    pub name: &'static str,
    /// The rules that are meant for it.
    pub rules: Vec<&'static str>,
    /// How often the mistake was made.
    pub made: usize,
    /// How often one of the rules told.
    pub found: usize,
    /// How often a fix was offered and left nothing for the rules to find.
    pub mended: usize,
    /// Where it was made and not found, up to a few.
    pub missed: Vec<String>,
}

/// A kind of mistake and where it can be made, of either list.
struct Kind {
    name: &'static str,
    rules: Vec<&'static str>,
    places: Box<Places>,
}

/// Every way to make a mistake in a dashboard.
type Places = dyn Fn(&Dashboard, &Subject) -> Vec<Vec<Edit>>;

fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = [files::OPERATORS, panels::OPERATORS, variables::OPERATORS]
        .into_iter()
        .flatten()
        .map(|operator| Kind {
            name: operator.name,
            rules: operator.rules.to_vec(),
            places: Box::new(operator.places),
        })
        .collect();
    kinds.extend(rules::QUERY_OPERATORS.iter().map(|operator| Kind {
        name: operator.name,
        rules: vec![operator.rule],
        places: Box::new(|dashboard, _| {
            (operator.mutants)(dashboard).into_iter().map(|fix| fix.edits).collect()
        }),
    }));
    kinds
}

/// Makes every mistake at every place, or at so many of them as `most` allows, which `seed` picks.
pub fn run(subject: &Subject, most: usize, seed: u64, threads: usize) -> Vec<Score> {
    let kinds = kinds();
    let mut jobs: Vec<Job> = Vec::new();
    for (number, kind) in kinds.iter().enumerate() {
        let mut places: Vec<(usize, Vec<Edit>)> = Vec::new();
        for (dashboard, of) in subject.dashboards.iter().enumerate() {
            places.extend((kind.places)(of, subject).into_iter().map(|edits| (dashboard, edits)));
        }
        pick(&mut places, most, seed.wrapping_add(number as u64));
        let rules: Vec<&'static Rule> = kind.rules.iter().filter_map(|id| rules::find(id)).collect();
        let of_kind = places.into_iter().map(|(dashboard, edits)| Job {
            kind: number,
            rules: rules.clone(),
            dashboard,
            edits,
        });
        jobs.extend(of_kind);
    }
    let outcomes = work(subject, &jobs, threads);
    let mut scores: Vec<Score> = kinds
        .into_iter()
        .map(|kind| Score { name: kind.name, rules: kind.rules, ..Score::default() })
        .collect();
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let (Some((found, mended)), Some(score)) = (outcome, scores.get_mut(job.kind)) else { continue };
        score.made += 1;
        score.found += usize::from(found);
        score.mended += usize::from(mended);
        if !found && score.missed.len() < TOLD {
            let at = job.edits.first().map(|edit| edit.pointer.to_string()).unwrap_or_default();
            score.missed.push(format!("{} {at}", subject.dashboards[job.dashboard].file));
        }
    }
    scores
}

/// Misses are told to be looked at, and a few will do.
const TOLD: usize = 5;

/// One mistake at one place.
struct Job {
    kind: usize,
    rules: Vec<&'static Rule>,
    dashboard: usize,
    edits: Vec<Edit>,
}

/// Whether a mistake was found and mended; nothing where it could not be made.
type Outcome = Option<(bool, bool)>;

/// Does all jobs, side by side; the outcomes come in the order of the jobs.
fn work(subject: &Subject, jobs: &[Job], threads: usize) -> Vec<Outcome> {
    let outcomes: Vec<OnceLock<Outcome>> = jobs.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                // Each thread has dashboards of its own to spoil.
                let mut own = copy(subject);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number) else { break };
                    let _ = outcomes[number].set(attempt(&mut own, job));
                }
            });
        }
    });
    outcomes.into_iter().map(|outcome| outcome.into_inner().flatten()).collect()
}

fn copy(subject: &Subject) -> Subject {
    let dashboards = subject.dashboards.iter().filter_map(|dashboard| mutated(dashboard, &[])).collect();
    let mut copy = Subject::new(dashboards);
    copy.today = subject.today;
    copy
}

/// The dashboard with edits, as if it had been written so.
fn mutated(dashboard: &Dashboard, edits: &[Edit]) -> Option<Dashboard> {
    let value = fix::apply(&dashboard.value, edits).ok()?;
    let new = Dashboard::new(dashboard.file.clone(), value, Default::default()).ok()?;
    Some(new.in_style(dashboard.style))
}

fn attempt(subject: &mut Subject, job: &Job) -> Outcome {
    let original = subject.dashboards.get(job.dashboard)?;
    let mutant = mutated(original, &job.edits)?;
    if mutant.value == original.value {
        return None;
    }
    let options = Options {
        rules: job.rules.clone(),
        threads: 1,
        only: Some(mutant.file.clone()),
        ..Options::default()
    };
    let unharmed = subject.replace(job.dashboard, mutant)?;
    let findings = check(subject, &options).findings;
    let fix = findings.iter().find_map(|finding| finding.fix.as_ref());
    let repaired = fix
        .and_then(|fix| subject.dashboards.get(job.dashboard).and_then(|mutant| mutated(mutant, &fix.edits)));
    let mended = repaired.is_some_and(|repaired| {
        subject.replace(job.dashboard, repaired);
        check(subject, &options).findings.is_empty()
    });
    subject.replace(job.dashboard, unharmed);
    Some((!findings.is_empty(), mended))
}

/// Keeps so many, the same ones for the same seed.
fn pick<T>(list: &mut Vec<T>, most: usize, seed: u64) {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    while list.len() > most {
        // A linear congruential generator: which ones are picked is to be repeatable, not secret.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (state >> 33) as usize % list.len();
        list.swap_remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;
    use crate::rule::Example;

    #[test]
    fn every_mistake_in_the_example_dashboard_is_found() {
        let subject = examples::subject(&Example::Dashboard("{}"));
        for score in run(&subject, usize::MAX, 1, 2) {
            assert_eq!(score.found, score.made, "{score:?}");
        }
    }

    #[test]
    fn operators_name_rules_that_there_are() {
        for kind in kinds() {
            for id in kind.rules {
                assert!(rules::find(id).is_some(), "{}: {id}", kind.name);
            }
        }
    }

    #[test]
    fn the_same_seed_picks_the_same_places() {
        let picked = |seed| {
            let mut list: Vec<usize> = (0..100).collect();
            pick(&mut list, 5, seed);
            list
        };
        assert_eq!(picked(1), picked(1));
        assert!(picked(1) != picked(2) && picked(1).len() == 5);
    }
}
