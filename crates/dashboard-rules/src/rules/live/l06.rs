//! L06: variables without values, and links to nothing.

use dashboard_view::VariableError;
use grafana::model::VariableKind;
use grafana::variables::QueryError;

use super::{foreign, links};
use crate::finding::Findings;
use crate::live::{Live, Look, Size};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    id: "L06",
    severity: Severity::Error,
    title: "variables offer something, and links lead to something",
    why: "A variable without values makes all panels of its dashboard empty. And who follows a link from a row of a table wants \
          to see more about that row: the other dashboard has to know its value, and to have data for it.",
    needs: Needs::Live,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Look(check),
};

fn check(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    if look.size == Size::Larger {
        return;
    }
    for variable in &look.view.variables {
        let index =
            look.dashboard.model.variables.iter().position(|one| std::ptr::eq(one, variable.variable));
        let VariableKind::Query { datasource, .. } = &variable.variable.kind else { continue };
        if !look.dashboard.is_prometheus(datasource.as_ref()) {
            continue;
        }
        let name = &variable.variable.name;
        let asked = variable.query.as_deref().unwrap_or_default();
        let nothing = look.view.state(variable).is_none_or(|state| state.options.is_empty());
        let message = match &variable.error {
            Some(VariableError::Query(error @ QueryError::Regex { .. })) => {
                // JavaScript reads more than is read here.
                let error = error.to_string();
                let message =
                    format!("${name} and what depends on it are not judged: {}", error.trim_end_matches('.'));
                let place = look.dashboard.place_of_variable(variable.variable).key("regex");
                findings.add(place, message).severity(Severity::Info);
                continue;
            }
            Some(error) => {
                format!("${name} cannot be asked for: {}", error.to_string().trim_end_matches('.'))
            }
            None if index.is_some_and(|index| foreign::lacked_by_variable(look, index, live).is_some()) => {
                continue;
            }
            None if nothing => format!("${name} has nothing to choose from: mend its query"),
            None => continue,
        };
        let place = look.dashboard.place_of_variable(variable.variable).key("query");
        findings
            .add(place, format!("{} {message}", look.choice.text()))
            .note(format!("asked: {}", super::l01::shown(asked)));
    }
    // Where the links lead differs between the looks by the values that they carry.
    if look.number <= 2 {
        links::follow(look, live, findings);
    }
}
