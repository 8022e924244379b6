//! Template variables: where their values come from, in which order, and what they become in a text.
//!
//! ```text
//! model::Variable ──order──► parse_query ──(the caller asks Prometheus)──► options_from ──► State::new
//!                                                                                             │
//!                                          text with $variables ──Values::interpolate──◄──────┘
//! ```

mod format;
mod order;
mod query;
mod syntax;

use std::collections::BTreeMap;

pub use format::Style;
pub(crate) use format::percent_encode;
pub use order::{Cycle, resolution_order};
pub use query::{QueryError, VariableQuery, options_from, parse_query, query_result_line, sort_options};
pub use syntax::{Reference, references};

use crate::interval::{QueryTiming, TimeRange, format_interval, request_interval};
use crate::model::{OneOrMany, Variable, VariableKind, VariableOption};

/// The value that stands for everything, in addresses and in saved dashboards.
pub const ALL: &str = "$__all";

/// What a variable stands for at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The name in `$name`.
    pub name: String,
    /// Whether several values can be chosen.
    pub multi: bool,
    /// Whether everything can be chosen at once.
    pub include_all: bool,
    /// What stands for everything, instead of all values together.
    pub all_value: Option<String>,
    /// What can be chosen.
    pub options: Vec<VariableOption>,
    /// What is chosen.
    pub chosen: Chosen,
}

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Everything.
    All,
    /// The value of a variable with one.
    One(VariableOption),
    /// The values of a variable with several.
    Many(Vec<VariableOption>),
}

impl State {
    /// Puts a variable together with the values that can be chosen and those that are.
    ///
    /// `selected` are the values from the address, which count even when they are not among the options. Without them
    /// what was saved counts, as far as it still exists, and then the first option.
    pub fn new(variable: &Variable, options: Vec<VariableOption>, selected: Option<&[String]>) -> Self {
        let chosen = match selected {
            Some(values) if !values.is_empty() => chosen_from_address(variable, &options, values),
            _ => chosen_from_saved(variable, &options),
        };
        Self {
            name: variable.name.clone(),
            multi: variable.multi,
            include_all: variable.include_all,
            all_value: variable.all_value.clone(),
            options,
            chosen,
        }
    }

    /// The values that are chosen; all of them for everything.
    pub fn values(&self) -> Vec<&str> {
        match &self.chosen {
            Chosen::All => self.options.iter().map(|option| option.value.as_str()).collect(),
            Chosen::One(option) => vec![option.value.as_str()],
            Chosen::Many(options) => options.iter().map(|option| option.value.as_str()).collect(),
        }
    }

    /// What people see: `All`, `a`, `a + b`.
    pub fn text(&self) -> String {
        match &self.chosen {
            Chosen::All => "All".to_owned(),
            Chosen::One(option) => option.text.clone(),
            Chosen::Many(options) => {
                options.iter().map(|option| option.text.as_str()).collect::<Vec<_>>().join(" + ")
            }
        }
    }

    /// The values for the address: `$__all` for everything.
    pub fn address_values(&self) -> Vec<&str> {
        match self.chosen {
            Chosen::All => vec![ALL],
            _ => self.values(),
        }
    }
}

fn chosen_from_address(variable: &Variable, options: &[VariableOption], values: &[String]) -> Chosen {
    if values.iter().any(|value| is_all(value)) && variable.include_all {
        return Chosen::All;
    }
    let known = |value: &String| {
        let found = options.iter().find(|option| option.value == *value || option.text == *value);
        found.cloned().unwrap_or_else(|| VariableOption { text: value.clone(), value: value.clone() })
    };
    if variable.multi {
        Chosen::Many(values.iter().map(known).collect())
    } else {
        Chosen::One(known(&values[0]))
    }
}

fn chosen_from_saved(variable: &Variable, options: &[VariableOption]) -> Chosen {
    let saved = match variable.current.as_ref().map(|current| &current.value) {
        Some(OneOrMany::One(value)) => vec![value.as_str()],
        Some(OneOrMany::Many(values)) => values.iter().map(String::as_str).collect(),
        None => Vec::new(),
    };
    if variable.include_all && saved.iter().any(|value| is_all(value)) {
        return Chosen::All;
    }
    let mut valid: Vec<VariableOption> = saved
        .iter()
        .filter_map(|value| options.iter().find(|option| option.value == *value))
        .cloned()
        .collect();
    if valid.is_empty() {
        valid.extend(options.first().cloned());
    }
    if variable.multi {
        Chosen::Many(valid)
    } else {
        let none = VariableOption { text: String::new(), value: String::new() };
        Chosen::One(valid.into_iter().next().unwrap_or(none))
    }
}

fn is_all(value: &str) -> bool {
    value == ALL || value == "All"
}

/// The options of a variable that asks nobody: custom, constant, text box, interval. `typed` is what stands in a text
/// box. Nothing for variables whose options come from a data source.
pub fn own_options(
    variable: &Variable,
    range: TimeRange,
    typed: Option<&str>,
) -> Option<Vec<VariableOption>> {
    let one = |value: &str| vec![VariableOption { text: value.to_owned(), value: value.to_owned() }];
    match &variable.kind {
        VariableKind::Custom { query } => Some(query::custom_options(query)),
        VariableKind::Constant { value } => Some(one(value)),
        VariableKind::TextBox { default } => Some(one(typed.unwrap_or(default))),
        VariableKind::Interval { query, auto, auto_count, auto_min } => {
            let mut options = query::custom_options(query);
            if *auto {
                let interval = request_interval(range, *auto_count, auto_min).map(format_interval);
                let value = interval.unwrap_or_else(|_| auto_min.clone());
                options.insert(0, VariableOption { text: "auto".to_owned(), value });
            }
            Some(options)
        }
        VariableKind::Unknown(_) => Some(variable.options.clone()),
        VariableKind::AdHoc { .. } => Some(Vec::new()),
        VariableKind::Query { .. } | VariableKind::DataSource { .. } => None,
    }
}

/// Everything that a text can refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    states: BTreeMap<String, State>,
    /// Grafana's own, which are written as they are.
    built_in: BTreeMap<String, String>,
    /// The time range as it is written, for addresses.
    raw_range: Option<(String, String)>,
}

impl Values {
    /// Adds or replaces a variable.
    pub fn insert(&mut self, state: State) {
        self.states.insert(state.name.clone(), state);
    }

    /// A variable of the dashboard.
    pub fn get(&self, name: &str) -> Option<&State> {
        self.states.get(name)
    }

    /// The variables of the dashboard by name.
    pub fn states(&self) -> impl Iterator<Item = &State> {
        self.states.values()
    }

    /// Adds one of Grafana's own variables, for example `__dashboard` with the title.
    pub fn set_built_in(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.built_in.insert(name.into(), value.into());
    }

    /// Adds `__from` and `__to`, and the range as it was written for `__url_time_range`.
    pub fn set_range(&mut self, range: TimeRange, raw_from: &str, raw_to: &str) {
        self.set_built_in("__from", range.from_ms.to_string());
        self.set_built_in("__to", range.to_ms.to_string());
        self.raw_range = Some((raw_from.to_owned(), raw_to.to_owned()));
    }

    /// Adds `__interval`, `__rate_interval`, `__range` and their relatives.
    pub fn set_timing(&mut self, timing: &QueryTiming) {
        const NAMES: [&str; 7] = [
            "__interval",
            "__interval_ms",
            "__rate_interval",
            "__rate_interval_ms",
            "__range",
            "__range_s",
            "__range_ms",
        ];
        for name in NAMES {
            if let Some(value) = timing.variable(name) {
                self.set_built_in(name, value);
            }
        }
    }

    /// The variables as pairs for an address: `var-pod=a&var-pod=b`.
    pub fn address_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for state in self.states.values() {
            for value in state.address_values() {
                pairs.push((format!("var-{}", state.name), value.to_owned()));
            }
        }
        pairs
    }

    /// Replaces every reference to a known variable; others stay as they are.
    pub fn interpolate(&self, text: &str, style: Style) -> String {
        self.interpolate_to_depth(text, style, 0)
    }

    fn interpolate_to_depth(&self, text: &str, style: Style, depth: usize) -> String {
        let mut result = String::with_capacity(text.len());
        let mut copied = 0;
        for reference in references(text) {
            let Some(value) = self.value_of(&reference, style, depth) else { continue };
            result.push_str(&text[copied..reference.range.start]);
            result.push_str(&value);
            copied = reference.range.end;
        }
        result.push_str(&text[copied..]);
        result
    }

    fn value_of(&self, reference: &Reference<'_>, style: Style, depth: usize) -> Option<String> {
        /// `allValue` may hold variables, also ones that hold each other.
        const MAX_DEPTH: usize = 3;
        if let Some(state) = self.states.get(reference.name) {
            if let (Chosen::All, Some(all_value)) = (&state.chosen, &state.all_value) {
                let written = format::custom_all(state, all_value, reference.format);
                return Some(match written {
                    Some(written) => written,
                    None if depth < MAX_DEPTH => self.interpolate_to_depth(all_value, style, depth + 1),
                    None => all_value.clone(),
                });
            }
            return Some(format::state(state, reference.format, style));
        }
        if let Some(value) = self.built_in.get(reference.name) {
            return Some(format::built_in(reference.name, value, reference.format));
        }
        match reference.name {
            "__all_variables" => Some(format::address(&self.address_pairs())),
            "__url_time_range" => {
                let (from, to) = self.raw_range.clone()?;
                Some(format::address(&[("from".to_owned(), from), ("to".to_owned(), to)]))
            }
            _ => None,
        }
    }
}

/// The selected values out of the pairs of an address: `var-x=a`, several times for several values.
pub fn selection_from_address<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, Vec<String>> {
    let mut selection: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in pairs {
        if let Some(name) = key.strip_prefix("var-") {
            selection.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
    selection
}

#[cfg(test)]
mod tests;
