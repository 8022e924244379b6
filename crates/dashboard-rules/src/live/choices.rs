//! For which values of its variables a dashboard is looked at.

use std::collections::{BTreeMap, BTreeSet};

use dashboard_view::Metrics;
use grafana::model::VariableKind;
use grafana::variables::ALL;

use super::Live;
use super::look::evaluate_with;
use crate::subject::Dashboard;

/// Values of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// By variable; what is not named is as the dashboard opens.
    pub values: BTreeMap<String, Vec<String>>,
}

impl Choice {
    /// For people: `namespace = apps, pod = a + b`.
    pub fn text(&self) -> String {
        if self.values.is_empty() {
            return "as it opens".to_owned();
        }
        let shown = |values: &[String]| {
            let values: Vec<&str> =
                values.iter().map(|value| if value == ALL { "All" } else { value }).collect();
            values.join(" + ")
        };
        let pairs: Vec<String> =
            self.values.iter().map(|(name, values)| format!("{name} = {}", shown(values))).collect();
        format!("with {}", pairs.join(", "))
    }
}

/// How a variable's values are picked.
#[derive(Clone, Copy)]
enum Pick {
    /// Everything, of variables that can.
    All,
    /// Two or more, of variables that can.
    Several,
    /// One: this part of so many, from the first option to the last.
    One(usize, usize),
}

/// So many single values of each variable are tried, spread over what it offers.
const SINGLES: usize = 3;

/// As it opens, all, several, and some single values; each once. At most [`SINGLES`] + 3.
pub(super) fn choices(dashboard: &Dashboard, live: &Live<'_>) -> Vec<Choice> {
    let mut choices = vec![Choice::default()];
    let picks = [Pick::All, Pick::Several].into_iter().chain((0..SINGLES).map(|i| Pick::One(i, SINGLES)));
    for pick in picks {
        let choice = pick_values(dashboard, pick, live, live.metrics());
        if !choice.values.is_empty() && !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    choices
}

/// One variable after the other: what a variable offers depends on those before it.
fn pick_values(dashboard: &Dashboard, pick: Pick, live: &Live<'_>, metrics: &dyn Metrics) -> Choice {
    let mut choice = Choice::default();
    // Only the variables: no panel has this id.
    let none = || Some(BTreeSet::from([i64::MIN]));
    for variable in &dashboard.model.variables {
        if !matches!(variable.kind, VariableKind::Query { .. } | VariableKind::Custom { .. }) {
            continue;
        }
        let values = match pick {
            Pick::All if variable.include_all => vec![ALL.to_owned()],
            Pick::All => continue,
            Pick::Several if !variable.multi => continue,
            Pick::Several | Pick::One(..) => {
                let view = evaluate_with(dashboard, &choice, none(), live, metrics, live.options.now_ms);
                let Some(state) = view.values.get(&variable.name) else { continue };
                let options: Vec<&str> = state.options.iter().map(|option| option.value.as_str()).collect();
                let (Some(first), Some(last)) = (options.first(), options.last()) else { continue };
                match pick {
                    Pick::One(part, of) => {
                        let at = options.len().saturating_sub(1) * part / of.saturating_sub(1).max(1);
                        vec![options.get(at).unwrap_or(first).to_string()]
                    }
                    _ if options.len() > 1 => vec![(*first).to_owned(), (*last).to_owned()],
                    _ => continue,
                }
            }
        };
        choice.values.insert(variable.name.clone(), values);
    }
    choice
}
