//! Which of several objects somebody means.

use jiff::Timestamp;

use super::target::Pattern;
use super::{Action, ProvocationError, Target, TargetKind};

/// The position of the candidate that `text` means (as [`Request::target`](super::Request::target) is written), of those that
/// `action` can be done to.
///
/// # Errors
/// When there is none, or more than one, or when the one is of a kind that this cannot be done to.
pub fn choose<C>(
    action: &Action,
    text: &str,
    since: Timestamp,
    candidates: &[C],
    target: impl Fn(&C) -> &Target,
) -> Result<usize, ProvocationError> {
    let text = text.trim();
    let readings = Pattern::readings(text);
    let is_meant = |position: &usize| {
        let target = target(&candidates[*position]);
        readings.iter().any(|pattern| pattern.matches(target))
    };
    let meant: Vec<usize> = (0..candidates.len()).filter(is_meant).collect();
    let target = |position: usize| target(&candidates[position]);
    let possible: Vec<usize> =
        meant.iter().copied().filter(|&position| action.kinds().contains(&target(position).kind)).collect();
    match (&possible[..], &meant[..]) {
        ([one], _) => Ok(*one),
        ([], [other, ..]) => Err(ProvocationError::Impossible {
            action: action.name(),
            target: target(*other).clone(),
            reason: format!("it is a {}, and this needs a {}", target(*other).kind.name(), action.wanted()),
        }),
        ([], []) => Err(ProvocationError::NoTarget {
            target: text.to_owned(),
            wanted: action.wanted(),
            at: if action.kinds().contains(&TargetKind::Pod) {
                format!(" at {since}")
            } else {
                String::new()
            },
            nearest: nearest((0..candidates.len()).map(target), action, text).map(Box::new),
        }),
        _ => Err(ProvocationError::Ambiguous {
            target: text.to_owned(),
            candidates: possible.into_iter().map(|position| target(position).clone()).collect(),
        }),
    }
}

/// The possible target whose name is most like what was written, if it is like it at all.
fn nearest<'a>(targets: impl Iterator<Item = &'a Target>, action: &Action, text: &str) -> Option<Target> {
    let name = text.rsplit('/').next().unwrap_or(text);
    let scored = targets.filter(|target| action.kinds().contains(&target.kind)).map(|target| {
        let of_name = strsim::osa_distance(name, &target.name);
        // Among equals, what is most like all that was written.
        (of_name, strsim::osa_distance(text, &target.to_string()), target)
    });
    let (distance, _, target) = scored.min()?;
    (distance <= 1 + name.chars().count() / 3).then(|| target.clone())
}
