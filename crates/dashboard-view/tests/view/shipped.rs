//! What must be seen: in the default environment no panel is empty and none shows an error, at any value of its
//! variables.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use dashboard_view::{Content, DataSource, EvaluatedDashboard, InMemory, Request, evaluate};
use grafana::model::{Dashboard, VariableKind};
use grafana::variables::ALL;

use crate::support::{NOW_MS, data_source, environment, generated, source};

static ENVIRONMENT: LazyLock<InMemory> = LazyLock::new(environment);

fn data_sources() -> Vec<DataSource> {
    vec![data_source("Prometheus", "prometheus", "prometheus")]
}

/// Panels that have nothing to show when the environment is well, and say so.
const EXPLAINED: [&str; 1] = ["k8s-otel-pod.json: Waiting or ended because of: All containers run"];

/// Opens all rows.
fn opened(dashboard: &Dashboard, mut request: Request) -> Request {
    let folded = dashboard.panels.iter().filter(|panel| panel.collapsed).filter_map(|panel| panel.id);
    request.toggled_rows = folded.collect();
    request
}

/// What is wrong with what is seen, each as a line.
fn flaws(file: &str, evaluated: &EvaluatedDashboard<'_>) -> Vec<String> {
    let chosen: Vec<String> = evaluated
        .variables
        .iter()
        .filter_map(|variable| evaluated.state(variable))
        .filter(|state| state.name != "datasource" && state.name != "cluster")
        .map(|state| format!("{}={}", state.name, state.text()))
        .collect();
    let at = format!("{file} {}", chosen.join(" "));
    let mut flaws: Vec<String> =
        evaluated.problems.iter().map(|problem| format!("{at}: {problem}")).collect();
    for variable in &evaluated.variables {
        if let Some(error) = &variable.error {
            flaws.push(format!("{at}: ${}: {error}", variable.variable.name));
        }
        if evaluated.state(variable).unwrap().options.is_empty() {
            flaws.push(format!("{at}: ${} has nothing to choose", variable.variable.name));
        }
    }
    for panel in &evaluated.panels {
        let title = &panel.panel().title;
        flaws.extend(panel.errors().iter().map(|error| format!("{at}: {title:?}: {error}")));
        let warnings = panel.targets.iter().flat_map(|target| &target.remarks);
        let warnings = warnings.filter(|remark| remark.starts_with("PromQL warning"));
        flaws.extend(warnings.map(|remark| format!("{at}: {title:?}: {remark}")));
        if panel.content() == Content::Nothing {
            flaws.push(format!("{at}: {title:?} is empty without a word"));
        }
    }
    flaws
}

#[test]
fn at_the_default_values_no_panel_is_empty_and_none_has_an_error() {
    let data_sources = data_sources();
    let mut explained = BTreeSet::new();
    let mut found = Vec::new();
    for (file, dashboard) in generated() {
        let request = opened(&dashboard, Request::at(NOW_MS));
        let evaluated = evaluate(&dashboard, &request, &source(&*ENVIRONMENT, &data_sources));
        found.extend(flaws(&file, &evaluated));
        for panel in &evaluated.panels {
            if let Content::Explained(sentence) = panel.content() {
                explained.insert(format!("{file}: {}: {sentence}", panel.panel().title));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    let explained: Vec<String> = explained.into_iter().collect();
    assert_eq!(explained, EXPLAINED, "what is empty at the default values is meant to be");
}

/// Each value of the variable with this number and everything, for each value of those before it. The cluster is left at
/// its default while others change: there is one.
fn walk(dashboard: &Dashboard, number: usize, request: &Request, visit: &mut dyn FnMut(&Request)) {
    let Some(variable) = dashboard.variables.get(number) else { return visit(request) };
    if !matches!(variable.kind, VariableKind::Query { .. } | VariableKind::Custom { .. }) {
        return walk(dashboard, number + 1, request, visit);
    }
    // Only the variables: no panel has this id.
    let asking = Request { only: Some(BTreeSet::from([i64::MIN])), ..request.clone() };
    let data_sources = data_sources();
    let evaluated = evaluate(dashboard, &asking, &source(&*ENVIRONMENT, &data_sources));
    let mut values: Vec<String> = evaluated
        .values
        .get(&variable.name)
        .map(|state| state.options.iter().map(|option| option.value.clone()).collect())
        .unwrap_or_default();
    if variable.include_all {
        values.push(ALL.to_owned());
    }
    for value in values {
        let request = request.clone().with(&variable.name, &[&value]);
        if variable.name == "cluster" && value != ALL {
            visit(&request);
        } else {
            walk(dashboard, number + 1, &request, visit);
        }
    }
}

#[test]
fn at_every_value_of_every_variable_no_panel_is_empty_without_a_word_and_none_has_an_error() {
    let data_sources = data_sources();
    let mut found = Vec::new();
    let mut seen = 0;
    for (file, dashboard) in generated() {
        walk(&dashboard, 0, &opened(&dashboard, Request::at(NOW_MS)), &mut |request| {
            let evaluated = evaluate(&dashboard, request, &source(&*ENVIRONMENT, &data_sources));
            seen += 1;
            found.extend(flaws(&file, &evaluated));
        });
    }
    assert!(seen > 300, "only {seen} combinations were seen");
    let shown: Vec<&String> = found.iter().take(60).collect();
    assert!(found.is_empty(), "{} flaws, the first ones: {shown:#?}", found.len());
}
