//! In which order variables get their values: one whose query mentions another comes after it.

use std::collections::BTreeMap;

use super::references;
use crate::model::{Variable, VariableKind};

/// Variables that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variables {} need each other's values, so none of them can have one", .names.join(" → "))]
pub struct Cycle {
    /// In the order in which they refer to each other; the first one is the last one's.
    pub names: Vec<String>,
}

/// The indices of the variables in an order in which each finds the values that it needs. Among those that do not
/// depend on each other the order of the dashboard stays.
pub fn resolution_order(variables: &[Variable]) -> Result<Vec<usize>, Cycle> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }

    let by_name: BTreeMap<&str, usize> =
        variables.iter().enumerate().rev().map(|(i, variable)| (variable.name.as_str(), i)).collect();
    let needs: Vec<Vec<usize>> = variables
        .iter()
        .map(|variable| {
            let texts = texts_of(variable);
            let names = texts.iter().flat_map(|text| references(text).map(|reference| reference.name));
            names.filter_map(|name| by_name.get(name).copied()).collect()
        })
        .collect();

    let mut marks = vec![Mark::New; variables.len()];
    let mut order = Vec::with_capacity(variables.len());
    for start in 0..variables.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // Each entry: a variable and how many of its needs have been looked at.
        let mut stack = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((variable, looked_at)) = stack.last_mut() {
            let variable = *variable;
            let Some(next) = needs[variable].get(*looked_at).copied() else {
                marks[variable] = Mark::Done;
                order.push(variable);
                stack.pop();
                continue;
            };
            *looked_at += 1;
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    stack.push((next, 0));
                }
                Mark::Open => {
                    let from = stack.iter().position(|(open, _)| *open == next).unwrap_or(0);
                    let mut names: Vec<String> =
                        stack[from..].iter().map(|(open, _)| variables[*open].name.clone()).collect();
                    names.push(variables[next].name.clone());
                    return Err(Cycle { names });
                }
            }
        }
    }
    Ok(order)
}

/// What a variable's values depend on.
fn texts_of(variable: &Variable) -> Vec<&str> {
    match &variable.kind {
        VariableKind::Query { query, regex, datasource, .. } => {
            let source = datasource.as_ref().and_then(|source| source.uid.as_deref());
            [Some(query.as_str()), Some(regex.as_str()), source].into_iter().flatten().collect()
        }
        VariableKind::Custom { query } | VariableKind::Interval { query, .. } => vec![query],
        VariableKind::DataSource { regex, .. } => vec![regex],
        VariableKind::Constant { value } => vec![value],
        VariableKind::TextBox { .. } | VariableKind::AdHoc { .. } | VariableKind::Unknown(_) => Vec::new(),
    }
}
