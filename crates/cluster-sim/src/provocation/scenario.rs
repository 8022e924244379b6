//! Scenarios: files that say what is to be provoked when.
//!
//! ```yaml
//! # at: from the start on, -10m before it, or a time like 2026-01-31T12:00:00Z
//! - {at: 5m, action: node-down, target: general-0003, for: 10m}
//! - {at: -30m, action: scale, target: shop/catalogue, replicas: 12}
//! - {at: 1m30s, action: spike, target: deployment/shop/cart, cpu: x4, memory: 512Mi, for: 5m}
//! - {at: 2m, action: fill-volume, target: pvc/shop/data-search-0, to: 98}
//! ```

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Action, Request};
use crate::manifest::path::Path;
use crate::manifest::strict::{self, Finding};
use crate::manifest::{ManifestError, Source, tree};
use crate::time::duration;

const EXAMPLE: &str = "{at: 5m, action: node-down, target: NODE, for: 10m}";

/// A point in time: relative to the start of the environment, or absolute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start; before it when negative.
    Relative(SignedDuration),
    /// Exactly then.
    Absolute(Timestamp),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let seconds = if unsigned == "0s" || unsigned == "0" { Some(0) } else { duration::parse(unsigned) };
        if let Some(seconds) = seconds {
            return Ok(Moment::Relative(SignedDuration::from_secs(sign * seconds)));
        }
        text.parse().map(Moment::Absolute).map_err(|_| {
            format!(
                "`{text}` is neither a duration such as 5m or -1h30m nor a time like 2026-01-31T12:00:00Z"
            )
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Relative(offset) => write!(f, "{}s", offset.as_secs()),
            Moment::Absolute(instant) => instant.fmt(f),
        }
    }
}

/// What is to be provoked when, as a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// In the file's order.
    pub steps: Vec<ScenarioStep>,
}

/// One thing that a scenario provokes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioStep {
    /// When it begins.
    pub at: Moment,
    /// What.
    pub action: Action,
    /// To whom, as in [`Request::target`].
    pub target: String,
    /// How long it lasts; without it until it is undone.
    pub lasts: Option<SignedDuration>,
    /// Where it is written, `FILE:LINE:COLUMN`: for errors.
    pub place: String,
}

/// What every step says; its action stands beside it.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(with = "text")]
    at: Moment,
    target: String,
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    lasts: Option<Lasts>,
}

/// A duration as it is written.
struct Lasts(i64);

impl Serialize for Lasts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0))
    }
}

impl<'de> Deserialize<'de> for Lasts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lasts, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || serde::de::Error::custom(format!("`{text}` is no duration, such as 90s, 45m or 1h30m"));
        duration::parse(&text).map(Lasts).ok_or_else(wrong)
    }
}

/// [`Moment`] as text.
mod text {
    use super::*;

    pub(super) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Scenario {
    /// Reads a scenario: a YAML list, see the module. `name` is the file's, for errors. Whether targets are there shows when
    /// they are provoked.
    pub fn parse(name: &str, text: &str) -> Result<Scenario, ManifestError> {
        let source = Source { name, text };
        let documents = tree::documents(text).map_err(|error| source.yaml_error(error))?;
        let error =
            |document, path, message: &str| source.error(document, None, &Finding::new(path, message));
        if let [_, (second, _), ..] = documents[..] {
            return Err(error(second, Path::default(), "a scenario is one document"));
        }
        let Some((document, tree)) = documents.into_iter().next() else { return Ok(Scenario::default()) };
        let Some(items) = tree.as_array() else {
            return Err(error(
                document,
                Path::default(),
                &format!("a scenario is a list of steps, such as `- {EXAMPLE}`"),
            ));
        };
        let step = |(index, item): (usize, &Value)| {
            let here = Path::default().index(index);
            if !Value::is_object(item) {
                return Err(error(document, here, &format!("a step is a mapping, such as `{EXAMPLE}`")));
            }
            let (entry, action) = read(item).map_err(|finding| {
                // A step is flat: what is missing is missing in it.
                let missing = finding.message.starts_with("missing field");
                let steps = finding.path.steps().iter().filter(|_| !missing);
                let path = steps.fold(here.clone(), |path, step| path.step(step.clone()));
                error(document, path, &finding.message)
            })?;
            let place = tree::locate(text, document, &here);
            Ok(ScenarioStep {
                at: entry.at,
                action,
                target: entry.target,
                lasts: entry.lasts.map(|Lasts(seconds)| SignedDuration::from_secs(seconds)),
                place: format!("{name}:{}:{}", place.line, place.column),
            })
        };
        Ok(Scenario { steps: items.iter().enumerate().map(step).collect::<Result<_, ManifestError>>()? })
    }

    /// What is to be provoked when the environment starts at `start`, each with the place where it is written; in the order
    /// in which it begins.
    pub fn requests(&self, start: Timestamp) -> Result<Vec<(String, Request)>, ManifestError> {
        let request = |step: &ScenarioStep| {
            let outside = |_| out_of_range(step);
            let since = match step.at {
                Moment::Relative(offset) => start.checked_add(offset).map_err(outside)?,
                Moment::Absolute(instant) => instant,
            };
            let until = step.lasts.map(|lasts| since.checked_add(lasts)).transpose().map_err(outside)?;
            let request = Request { action: step.action.clone(), target: step.target.clone(), since, until };
            Ok((step.place.clone(), request))
        };
        let mut requests = self.steps.iter().map(request).collect::<Result<Vec<_>, ManifestError>>()?;
        requests.sort_by_key(|(_, request)| request.since);
        Ok(requests)
    }
}

/// A step's fields, and those that are its action's.
fn read(item: &Value) -> Result<(Entry, Action), Finding> {
    const OWN: [&str; 3] = ["at", "target", "for"];
    let part = |own: bool| {
        let fields = item.as_object().into_iter().flatten();
        let part = fields.filter(|(key, _)| OWN.contains(&key.as_str()) == own);
        Value::Object(part.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    Ok((strict::read(&part(true))?, read_action(&part(false))?))
}

fn read_action(fields: &Value) -> Result<Action, Finding> {
    strict::read::<Action>(fields).map_err(|finding| {
        // The action's name decides about the other fields, so it seems to be to blame for what is wrong with them.
        let blames_name =
            finding.path == Path::keys("action") && !finding.message.starts_with("unknown variant");
        let complaint = |fields: &Value| Action::deserialize(fields).err().map(|error| error.to_string());
        let others = fields.as_object().into_iter().flatten().filter(|(key, _)| *key != "action");
        let guilty = others.map(|(key, _)| key).find(|key| {
            let mut without = fields.clone();
            without.as_object_mut().map(|fields| fields.remove(*key));
            complaint(&without) != complaint(fields)
        });
        match guilty.filter(|_| blames_name) {
            Some(key) => Finding { path: Path::default().key(key), ..finding },
            None => finding,
        }
    })
}

fn out_of_range(step: &ScenarioStep) -> ManifestError {
    let mut parts = step.place.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(1);
    let (column, line) = (number(), number());
    ManifestError {
        file: parts.next().unwrap_or_default().to_owned(),
        line,
        column,
        object: None,
        field: Some("at".to_owned()),
        message: "is out of the range of years".to_owned(),
    }
}
