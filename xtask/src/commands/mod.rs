//! One file per command.

pub(crate) mod check_dashboards;
pub(crate) mod ci;
pub(crate) mod dashboards;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod explain;
pub(crate) mod kwok;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod pins;
pub(crate) mod promql_conformance;
pub(crate) mod query;
mod real;
pub(crate) mod sim;
pub(crate) mod stats_proxy;
pub(crate) mod status;

use clap::ValueEnum;
use jiff::SignedDuration;

use crate::environment::{EnvironmentName, RealEnvironment, RealEnvironments, Record, StateFolder};
use crate::ui::Usage;

/// Which of several environments a command is about.
#[derive(clap::Args, Default)]
pub(crate) struct ChosenEnvironment {
    /// Which environment, where several run [default: the usual one, or the only one that runs]
    #[arg(long, value_name = "NAME")]
    name: Option<EnvironmentName>,
}

impl ChosenEnvironment {
    /// The name, if one was given.
    pub(crate) fn name(&self) -> Option<&EnvironmentName> {
        self.name.as_ref()
    }
}

/// The environment on a container engine that a command is about, if it is about one: the one of this name, or without a name the
/// only environment there is.
fn chosen_real(name: Option<&EnvironmentName>) -> anyhow::Result<Option<RealEnvironment>> {
    Ok(chosen_record(name)?.transpose()?)
}

/// The same, whether what is written down about it can be read or not.
fn chosen_record(name: Option<&EnvironmentName>) -> anyhow::Result<Option<Record>> {
    let environments = RealEnvironments::of_user()?;
    if let Some(name) = name {
        return Ok(environments.read(name).transpose());
    }
    let mut real = environments.all();
    let embedded = StateFolder::of_user()?.all();
    match (real.len(), embedded.len()) {
        (0, _) => Ok(None),
        (1, 0) => Ok(real.pop()),
        _ => {
            let names = real.iter().map(name_of).chain(embedded.iter().map(|(name, _)| name));
            let names: Vec<String> = names.map(ToString::to_string).collect();
            Err(Usage(format!("several environments run: choose one by --name {}", names.join(" or ")))
                .into())
        }
    }
}

/// What an environment is called, as well as it is known.
fn name_of(record: &Record) -> &EnvironmentName {
    match record {
        Ok(environment) => &environment.name,
        Err(bad) => &bad.name,
    }
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// A length of time as people write it: `15s`, `1h30m`, `2d`.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    // Jiff refuses days in an absolute length; here a day is 24 hours, as in PromQL.
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.parse::<i64>().map_err(|_| duration_help(text))?, rest),
        None => (0, text),
    };
    let rest = match rest {
        "" if days > 0 => SignedDuration::ZERO,
        rest => rest.parse().map_err(|_| duration_help(text))?,
    };
    let whole =
        days.checked_mul(24).and_then(|hours| SignedDuration::try_from_hours(hours)?.checked_add(rest));
    whole.filter(|whole| !whole.is_negative()).ok_or_else(|| duration_help(text))
}

fn duration_help(text: &str) -> String {
    format!("{text:?} is no length of time; write for example 15s, 1h30m or 2d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("15s", 15), ("1h", 3600), ("1h30m", 5400), ("2d", 172_800), ("1d12h", 129_600), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "15", "x", "-1h", "1x", "d", "99999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
