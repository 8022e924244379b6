//! Why something cannot be provoked or undone. The simulation is as it was.

use jiff::Timestamp;
use thiserror::Error;

use super::{Provocation, Target};

/// Why something cannot be provoked or undone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProvocationError {
    /// There is no such object, at that time.
    #[error("there is no {wanted} `{target}`{at}{}", did_you_mean(.nearest))]
    NoTarget {
        /// As it was written.
        target: String,
        /// What it could have been: `node`, `pod or workload`, …
        wanted: &'static str,
        /// ` at TIME` for what is not always there, else empty.
        at: String,
        /// The object with the most similar name.
        nearest: Option<Box<Target>>,
    },
    /// Several objects are called so.
    #[error("`{target}` may be {}: write one of them", list(.candidates))]
    Ambiguous {
        /// As it was written.
        target: String,
        /// All of them.
        candidates: Vec<Target>,
    },
    /// There is such an object, but this cannot be done to it.
    #[error("{action} cannot be done to {target}: {reason}")]
    Impossible {
        /// The action's name.
        action: &'static str,
        /// The object.
        target: Target,
        /// Why.
        reason: String,
    },
    /// Something else is being done to it.
    #[error("{} is under {} already ({}{}); undo {} first",
        .other.target, .other.action.name(), .other.since, until_text(&.other.until), .other.id)]
    Already {
        /// What is done to it, or to what it shares its containers or volumes with.
        other: Box<Provocation>,
    },
    /// Its pods are being replaced, by a rollout or by the rollback at its end: that goes on until it is done.
    #[error("{} is being rolled {} from {since} to {until}: wait for that",
        .other.target, if *.is_back { "back" } else { "out" })]
    RollingOut {
        /// The rollout.
        other: Box<Provocation>,
        /// Whether it is the rollback.
        is_back: bool,
        /// When it begins.
        since: Timestamp,
        /// When all pods are replaced.
        until: Timestamp,
    },
    /// The fleet did not exist yet.
    #[error("{since} is before this fleet's epoch, {epoch} (the seed fixes it): begin later")]
    BeforeEpoch {
        /// The wanted beginning.
        since: Timestamp,
        /// The first instant there is.
        epoch: Timestamp,
    },
    /// It would end before it begins.
    #[error("it would end at {until}, but begins at {since}")]
    EndsBeforeItBegins {
        /// The beginning.
        since: Timestamp,
        /// The end.
        until: Timestamp,
    },
    /// There is no provocation with this number.
    #[error("there is no provocation {id}{}", known_ids(.known))]
    NoSuchId {
        /// The number.
        id: u32,
        /// Those that there are and can be undone.
        known: Vec<u32>,
    },
    /// It is over.
    #[error("provocation {id} has ended already, at {until}")]
    Over {
        /// Its number.
        id: u32,
        /// Its end.
        until: Timestamp,
    },
}

fn did_you_mean(nearest: &Option<Box<Target>>) -> String {
    nearest.as_ref().map_or(String::new(), |nearest| format!("; did you mean {nearest}?"))
}

fn list(candidates: &[Target]) -> String {
    let texts: Vec<String> = candidates.iter().map(Target::to_string).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

fn until_text(until: &Option<Timestamp>) -> String {
    until.map_or(" until it is undone".to_owned(), |until| format!(" to {until}"))
}

fn known_ids(known: &[u32]) -> String {
    if known.is_empty() {
        return ": nothing is provoked".to_owned();
    }
    let ids: Vec<String> = known.iter().map(u32::to_string).collect();
    format!("; there are {}", ids.join(", "))
}
