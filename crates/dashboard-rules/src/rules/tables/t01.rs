//! T01: the columns of a table.

use grafana::model::{FieldIdentity, Panel, PanelKind, Target, TargetFormat};
use serde_json::{Value, json};

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "T01",
    severity: Severity::Warning,
    title: "every column of a table has a name that says something",
    why: "A column headed \"Value #B\" says nothing to anybody, and of the times that every query brings along none is wanted.",
    needs: Needs::Static,
    fix: Fixable::Yes("columns with times are left out"),
    bad: Example::Table(
        r#"{ "transformations": { "1": { "options": { "excludeByName": { "Time 2": null } } } } }"#,
    ),
    good: Example::Table(
        r#"{ "transformations": { "1": { "options": { "excludeByName": { "Time 2": true } } } } }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    for (_, panel) in dashboard.panels().filter(|(_, panel)| panel.kind == PanelKind::Table) {
        let targets: Vec<&Target> = panel.targets.iter().filter(|target| !target.hide).collect();
        let all_tables =
            targets.iter().all(|target| target.format == TargetFormat::Table && !target.runs_as_range());
        if targets.is_empty() || !all_tables {
            continue;
        }
        let Some(columns) = Columns::of(panel, &targets) else { continue };
        for (target, value) in &columns.values {
            if !is_named(panel, value) && !columns.organize.hides(value) && !columns.organize.renames(value) {
                let place = dashboard.place_of_panel(panel).key("transformations");
                let mut place = place;
                place.ref_id = Some((*target).to_owned());
                let message = format!(
                    "the column of query {target} is headed {value:?}: give it a name (organize, renameByName)"
                );
                findings.add(place, message);
            }
        }
        let stray: Vec<&String> = columns
            .times
            .iter()
            .filter(|time| {
                !columns.organize.hides(time) && !columns.organize.renames(time) && !is_named(panel, time)
            })
            .collect();
        if !stray.is_empty() {
            let list: Vec<String> = stray.iter().map(|time| format!("{time:?}")).collect();
            let message = format!(
                "the table shows the queries' times ({}): leave them out (organize, excludeByName)",
                list.join(", ")
            );
            let place = dashboard.place_of_panel(panel).key("transformations");
            findings.add(place, message).fix(leave_out(panel, &stray));
        }
    }
}

/// The columns that come out of a table's joining step.
struct Columns<'a> {
    /// Of each query: its letter and the name of the column with its values.
    values: Vec<(&'a str, String)>,
    times: Vec<String>,
    organize: Organize<'a>,
}

impl<'a> Columns<'a> {
    /// `None` where a step makes other columns than these.
    fn of(panel: &'a Panel, targets: &[&'a Target]) -> Option<Self> {
        let mut joined_by = None;
        let mut merged = false;
        let mut organize = Organize::default();
        for step in panel.transformations.iter().filter(|step| !step.disabled) {
            match step.id.as_str() {
                "joinByField" | "seriesToColumns" => {
                    let field = step.options.get("byField").and_then(Value::as_str).unwrap_or("Time");
                    joined_by = Some(field);
                }
                "merge" => merged = true,
                "organize" => organize.steps.push(&step.options),
                "sortBy" | "convertFieldType" | "formatTime" | "limit" => {}
                _ => return None,
            }
            if step.filter.is_some() {
                return None;
            }
        }
        let several = targets.len() > 1;
        let name = |target: &&'a Target| {
            let value = if several { format!("Value #{}", target.ref_id) } else { "Value".to_owned() };
            (target.ref_id.as_str(), value)
        };
        let values = targets.iter().map(name).collect();
        let times = match joined_by {
            Some("Time") => Vec::new(),
            Some(_) if several => (1..=targets.len()).map(|number| format!("Time {number}")).collect(),
            // Without a join a table shows one query at a time.
            _ if merged || !several => vec!["Time".to_owned()],
            _ => return None,
        };
        Some(Self { values, times, organize })
    }
}

#[derive(Default)]
struct Organize<'a> {
    steps: Vec<&'a Value>,
}

impl Organize<'_> {
    fn hides(&self, column: &str) -> bool {
        self.steps.iter().any(|step| {
            let excluded =
                step.get("excludeByName").and_then(|names| names.get(column)).and_then(Value::as_bool);
            let included =
                step.get("includeByName").and_then(Value::as_object).filter(|names| !names.is_empty());
            excluded == Some(true) || included.is_some_and(|names| !names.contains_key(column))
        })
    }

    fn renames(&self, column: &str) -> bool {
        self.steps.iter().any(|step| {
            let name = step.get("renameByName").and_then(|names| names.get(column)).and_then(Value::as_str);
            name.is_some_and(|name| !name.is_empty() && name != column)
        })
    }
}

/// Whether an override gives the column another name, or hides it.
fn is_named(panel: &Panel, column: &str) -> bool {
    let field_type = if column.starts_with("Time") { "time" } else { "number" };
    let ref_id = column.strip_prefix("Value #").unwrap_or_default();
    let identity = FieldIdentity { name: column, ref_id, field_type };
    panel.field_config.defaults.display_name.is_some()
        || panel.field_config.overrides.iter().filter(|exception| exception.matcher.matches(identity)).any(
            |exception| {
                exception.properties.iter().any(|(id, value)| match id.as_str() {
                    "displayName" => value.as_str().is_some_and(|name| !name.is_empty()),
                    "custom.hidden" => value.as_bool() == Some(true),
                    // An object in Grafana 12 and later.
                    "custom.hideFrom" => value.get("viz").and_then(Value::as_bool) == Some(true),
                    _ => false,
                })
            },
        )
}

/// The edits that hide the columns: in the organize step that is there, or in one more.
fn leave_out(panel: &Panel, columns: &[&String]) -> Fix {
    let label = "leave the times out";
    let steps = Pointer::from_path(&panel.path).key("transformations");
    let organize = panel.transformations.iter().position(|step| step.id == "organize" && !step.disabled);
    match organize {
        Some(index) => {
            let names = steps.index(index).key("options").key("excludeByName");
            let mut edits = columns.iter().map(|column| (names.key(column), Change::Set(true.into())));
            let (first, change) = edits.next().unwrap_or((names.clone(), Change::Set(json!({}))));
            edits.fold(Fix::one(label, first, change), |fix, (pointer, change)| fix.and(pointer, change))
        }
        None => {
            let names: serde_json::Map<String, Value> =
                columns.iter().map(|column| ((*column).clone(), true.into())).collect();
            let step = json!({ "id": "organize", "options": { "excludeByName": names, "indexByName": {}, "renameByName": {} } });
            if panel.transformations.is_empty() {
                Fix::one(label, steps, Change::Set(json!([step])))
            } else {
                Fix::one(label, steps.index(panel.transformations.len()), Change::Set(step))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn columns_are_named_by_organize_or_by_overrides() {
        for (patch, found) in [
            (r#"{}"#, 0),
            (r#"{ "transformations": { "1": { "options": { "renameByName": { "Value #B": null } } } } }"#, 1),
            (
                r#"{ "transformations": { "1": { "options": { "renameByName": { "Value #B": null } } } },
                     "fieldConfig": { "overrides": [{ "matcher": { "id": "byName", "options": "Value #B" },
                       "properties": [{ "id": "displayName", "value": "Memory" }] }] } }"#,
                0,
            ),
            (r#"{ "transformations": [{ "id": "merge", "options": {} }] }"#, 3),
            (r#"{ "transformations": [{ "id": "groupBy", "options": {} }] }"#, 0),
        ] {
            let report = check(&examples::subject(&Example::Table(patch)), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found, "{patch}: {:#?}", report.findings);
        }
    }
}
