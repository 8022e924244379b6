//! What differs between two sets of dashboards, in the words of those who made them: query, unit, title, thresholds.

use std::collections::{BTreeMap, BTreeSet};

use grafana::json;
use serde_json::{Map, Value};

/// A set of dashboards by uid.
pub(super) type Set = BTreeMap<String, Value>;

/// A dashboard that is not as it was.
pub(super) struct DashboardChange<'a> {
    pub(super) uid: &'a str,
    pub(super) before: Option<&'a Value>,
    pub(super) after: Option<&'a Value>,
    /// Of the dashboard itself and its variables.
    pub(super) properties: Vec<PropertyChange>,
    pub(super) panels: Vec<PanelChange<'a>>,
}

/// A panel that is not as it was.
pub(super) struct PanelChange<'a> {
    pub(super) before: Option<&'a Map<String, Value>>,
    pub(super) after: Option<&'a Map<String, Value>>,
    pub(super) properties: Vec<PropertyChange>,
}

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PropertyChange {
    pub(super) name: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Added, removed or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Added,
    Removed,
    Changed,
}

impl Kind {
    fn of<T>(before: Option<T>, after: Option<T>) -> Self {
        match (before, after) {
            (None, _) => Self::Added,
            (_, None) => Self::Removed,
            _ => Self::Changed,
        }
    }

    /// As a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// Properties that change nothing in the picture of a panel.
const UNSEEN: [&str; 3] = ["place", "id", "pluginVersion"];

impl DashboardChange<'_> {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(self.before, self.after)
    }

    /// What it is called now, or was.
    pub(super) fn title(&self) -> &str {
        let dashboard = self.after.or(self.before);
        dashboard.and_then(|dashboard| dashboard.get("title")?.as_str()).unwrap_or_default()
    }
}

impl PanelChange<'_> {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(self.before, self.after)
    }

    fn text(&self, key: &str) -> &str {
        let panel = self.after.or(self.before);
        panel.and_then(|panel| panel.get(key)?.as_str()).unwrap_or_default()
    }

    /// What it is called now, or was.
    pub(super) fn title(&self) -> &str {
        self.text("title")
    }

    /// `timeseries`, `row`, …
    pub(super) fn panel_type(&self) -> &str {
        self.text("type")
    }

    /// The number under which both versions are asked for.
    pub(super) fn id(&self) -> Option<i64> {
        self.after.or(self.before)?.get("id")?.as_i64()
    }

    /// Whether pictures of it would differ.
    pub(super) fn is_seen(&self) -> bool {
        self.panel_type() != "row"
            && (self.kind() != Kind::Changed
                || self.properties.iter().any(|property| !UNSEEN.contains(&property.name.as_str())))
    }
}

/// Everything that differs, sorted by uid.
pub(super) fn compare<'a>(before: &'a Set, after: &'a Set) -> Vec<DashboardChange<'a>> {
    let uids: BTreeSet<&'a String> = before.keys().chain(after.keys()).collect();
    uids.into_iter()
        .filter(|uid| before.get(*uid) != after.get(*uid))
        .map(|uid| {
            let (before, after) = (before.get(uid), after.get(uid));
            let (properties, panels) = match (before, after) {
                (Some(before), Some(after)) => (of_dashboards(before, after), of_panels(before, after)),
                _ => (Vec::new(), Vec::new()),
            };
            DashboardChange { uid, before, after, properties, panels }
        })
        .collect()
}

fn of_dashboards(before: &Value, after: &Value) -> Vec<PropertyChange> {
    changes(dashboard_properties(before), dashboard_properties(after))
}

/// Whether two panels are versions of one.
type IsSame<'f> = dyn Fn(&Map<String, Value>, &Map<String, Value>) -> bool + 'f;

/// Panels are the same when they have the same number; those without one, or with one that only one side has, when
/// they have the same type and title.
fn of_panels<'a>(before: &'a Value, after: &'a Value) -> Vec<PanelChange<'a>> {
    let mut old: Vec<Option<&Map<String, Value>>> = panels(before).into_iter().map(Some).collect();
    let mut list: Vec<PanelChange<'a>> = panels(after)
        .into_iter()
        .map(|panel| PanelChange { before: None, after: Some(panel), properties: Vec::new() })
        .collect();
    let number = |panel: &Map<String, Value>| panel.get("id").and_then(Value::as_i64);
    let same_name = |one: &Map<String, Value>, other: &Map<String, Value>| {
        ["type", "title"].iter().all(|key| one.get(*key) == other.get(*key))
    };
    let mut pair = |is_same: &IsSame<'_>| {
        for change in list.iter_mut().filter(|change| change.before.is_none()) {
            let Some(new) = change.after else { continue };
            if let Some(place) = old.iter_mut().find(|old| old.is_some_and(|old| is_same(old, new))) {
                change.before = place.take();
            }
        }
    };
    pair(&|old, new| number(old).is_some() && number(old) == number(new));
    pair(&same_name);
    list.extend(old.into_iter().flatten().map(|panel| PanelChange {
        before: Some(panel),
        after: None,
        properties: Vec::new(),
    }));
    list.retain_mut(|change| {
        if let (Some(before), Some(after)) = (change.before, change.after) {
            change.properties = changes(panel_properties(before), panel_properties(after));
            return !change.properties.is_empty();
        }
        true
    });
    list
}

/// All panels in reading order, those inside rows after their row.
fn panels(dashboard: &Value) -> Vec<&Map<String, Value>> {
    fn collect<'a>(value: Option<&'a Value>, all: &mut Vec<&'a Map<String, Value>>) {
        for panel in value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            all.push(panel);
            collect(panel.get("panels"), all);
        }
    }
    let mut all = Vec::new();
    collect(dashboard.get("panels"), &mut all);
    all
}

/// Names with texts, in an order for people.
type Properties = Vec<(String, String)>;

fn changes(before: Properties, after: Properties) -> Vec<PropertyChange> {
    let (before, after) = (numbered(before), numbered(after));
    let find = |list: &Properties, name: &str| {
        list.iter().find(|(one, _)| one == name).map(|(_, text)| text.clone())
    };
    let mut changes = Vec::new();
    let gone = before.iter().filter(|(name, _)| find(&after, name).is_none());
    for (name, _) in after.iter().chain(gone) {
        let (before, after) = (find(&before, name), find(&after, name));
        if before != after {
            changes.push(PropertyChange { name: name.clone(), before, after });
        }
    }
    changes
}

/// Of several properties of one name each is told: the second one is `name (2)`.
fn numbered(mut properties: Properties) -> Properties {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in &mut properties {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            *name = format!("{name} ({count})");
        }
    }
    properties
}

fn dashboard_properties(dashboard: &Value) -> Properties {
    let mut properties = Properties::new();
    let Value::Object(dashboard) = dashboard else { return properties };
    for (key, value) in dashboard {
        match (key.as_str(), value) {
            ("panels", _) => {}
            ("templating", Value::Object(templating)) => {
                for (key, value) in templating {
                    let Value::Array(variables) = value else {
                        flatten(&format!("templating.{key}"), value, &mut properties);
                        continue;
                    };
                    for (i, variable) in variables.iter().enumerate() {
                        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
                        flatten(&format!("variable ${name}"), variable, &mut properties);
                        properties.push((format!("variable ${name}: position"), (i + 1).to_string()));
                    }
                }
            }
            _ => flatten(key, value, &mut properties),
        }
    }
    properties
}

fn panel_properties(panel: &Map<String, Value>) -> Properties {
    let mut properties = Properties::new();
    let mut rest = Value::Object(panel.clone());
    for (pointer, name) in [("/title", "title"), ("/type", "type"), ("/description", "description")] {
        take(&mut rest, pointer)
            .into_iter()
            .for_each(|value| properties.push((name.to_owned(), shown(&value))));
    }
    if let Some(Value::Array(targets)) = take(&mut rest, "/targets") {
        for (i, mut target) in targets.into_iter().enumerate() {
            let name = take(&mut target, "/refId").map_or_else(|| (i + 1).to_string(), |id| shown(&id));
            for (pointer, what) in [("/expr", "query"), ("/legendFormat", "legend")] {
                if let Some(value) = take(&mut target, pointer) {
                    properties.push((format!("{what} {name}"), shown(&value)));
                }
            }
            if target != Value::Object(Map::new()) {
                flatten(&format!("query {name}"), &target, &mut properties);
            }
        }
    }
    if let Some(unit) = take(&mut rest, "/fieldConfig/defaults/unit") {
        properties.push(("unit".to_owned(), shown(&unit)));
    }
    if let Some(thresholds) = take(&mut rest, "/fieldConfig/defaults/thresholds") {
        properties.push(("thresholds".to_owned(), shown_thresholds(&thresholds)));
    }
    if let Some(Value::Array(overrides)) = take(&mut rest, "/fieldConfig/overrides") {
        overrides.iter().for_each(|one| override_properties(one, &mut properties));
    }
    if let Some(Value::Array(transformations)) = take(&mut rest, "/transformations") {
        for (i, mut one) in transformations.into_iter().enumerate() {
            let id = take(&mut one, "/id").map(|id| shown(&id)).unwrap_or_default();
            properties.push((format!("transformation {}", i + 1), id.clone()));
            if one != Value::Object(Map::new()) {
                flatten(&format!("transformation {}: {id}", i + 1), &one, &mut properties);
            }
        }
    }
    if let Some(place) = take(&mut rest, "/gridPos") {
        let number = |key: &str| place.get(key).map_or_else(|| "?".to_owned(), shown);
        let text = format!("{} × {} at {}, {}", number("w"), number("h"), number("x"), number("y"));
        properties.push(("place".to_owned(), text));
    }
    if let Value::Object(rest) = &mut rest {
        // The panels of a row are told one by one.
        if let Some(Value::Array(inside)) = rest.get_mut("panels") {
            inside.clear();
        }
        for (key, value) in &*rest {
            flatten(key, value, &mut properties);
        }
    }
    properties
}

/// What fields of a name, or whatever else is matched, have of their own.
fn override_properties(one: &Value, properties: &mut Properties) {
    let matcher = one.get("matcher").unwrap_or(&Value::Null);
    let text = |key: &str| matcher.get(key).map(shown).unwrap_or_default();
    let name = match text("id").as_str() {
        "byName" => format!("override of {}", text("options")),
        id => format!("override {id} {}", text("options")),
    };
    let own = one.get("properties").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for property in own {
        let id = property.get("id").map(shown).unwrap_or_default();
        let value = property.get("value").map(Value::to_string).unwrap_or_default();
        properties.push((format!("{name}: {id}"), value));
    }
    if own.is_empty() {
        properties.push((name, one.to_string()));
    }
}

/// Takes a value out, so that it is not told twice.
fn take(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    value.pointer_mut(parent)?.as_object_mut()?.remove(key)
}

/// Each value with the way to it.
fn flatten(path: &str, value: &Value, properties: &mut Properties) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                flatten(&format!("{path}.{key}"), value, properties);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{i}]"), item, properties);
            }
        }
        other => properties.push((path.to_owned(), shown(other))),
    }
}

/// A text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => value.to_string(),
        other => json::canonical(other).trim_end().to_owned(),
    }
}

/// `green, yellow from 0.8, red from 0.9`
fn shown_thresholds(thresholds: &Value) -> String {
    let Some(steps) = thresholds.get("steps").and_then(Value::as_array) else { return shown(thresholds) };
    let steps: Vec<String> = steps
        .iter()
        .map(|step| {
            let color = step.get("color").map(shown).unwrap_or_default();
            match step.get("value") {
                Some(Value::Null) | None => color,
                Some(value) => format!("{color} from {}", shown(value)),
            }
        })
        .collect();
    let percent = thresholds.get("mode").is_some_and(|mode| mode == "percentage");
    format!("{}{}", steps.join(", "), if percent { " (percent)" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dashboard(panels: &Value) -> Value {
        json!({ "uid": "u", "title": "T", "panels": panels })
    }

    fn told(before: Value, after: Value) -> Vec<String> {
        let (before, after) = (Set::from([("u".to_owned(), before)]), Set::from([("u".to_owned(), after)]));
        let mut lines = Vec::new();
        for change in compare(&before, &after) {
            let line = |at: &str, property: &PropertyChange| {
                format!("{at}{}: {:?} → {:?}", property.name, property.before, property.after)
            };
            lines.extend(change.properties.iter().map(|property| line("", property)));
            for panel in &change.panels {
                lines.push(format!("{} {:?}", panel.kind().word(), panel.title()));
                lines.extend(panel.properties.iter().map(|property| line("  ", property)));
            }
        }
        lines
    }

    #[test]
    fn equal_dashboards_have_no_changes() {
        let value = dashboard(&json!([{ "id": 1, "title": "A" }]));
        assert_eq!(told(value.clone(), value), Vec::<String>::new());
    }

    #[test]
    fn a_panel_is_followed_by_its_number_and_what_differs_has_the_words_of_its_author() {
        let panel = |title: &str, expr: &str, unit: &str, critical: f64| {
            dashboard(
                &json!([{ "id": 7, "type": "stat", "title": title, "gridPos": { "x": 0, "y": 0, "w": 4, "h": 4 },
                "targets": [{ "refId": "A", "expr": expr }],
                "fieldConfig": { "defaults": { "unit": unit, "thresholds": { "mode": "absolute", "steps": [
                    { "color": "green", "value": null }, { "color": "red", "value": critical }] } } } }]),
            )
        };
        assert_eq!(
            told(panel("Old", "sum(a)", "short", 0.8), panel("New", "sum(b)", "bytes", 0.9)),
            [
                "changed \"New\"",
                "  title: Some(\"Old\") → Some(\"New\")",
                "  query A: Some(\"sum(a)\") → Some(\"sum(b)\")",
                "  unit: Some(\"short\") → Some(\"bytes\")",
                "  thresholds: Some(\"green, red from 0.8\") → Some(\"green, red from 0.9\")",
            ]
        );
    }

    #[test]
    fn panels_that_came_went_moved_or_got_another_number() {
        let at = |id: i64, title: &str, y: i64| json!({ "id": id, "title": title, "gridPos": { "x": 0, "y": y, "w": 1, "h": 1 } });
        assert_eq!(
            told(
                dashboard(&json!([at(1, "Stays", 0), at(2, "Goes", 1), at(3, "Renumbered", 2)])),
                dashboard(&json!([at(1, "Stays", 5), at(4, "Comes", 1), at(5, "Renumbered", 2)])),
            ),
            [
                "changed \"Stays\"",
                "  place: Some(\"1 × 1 at 0, 0\") → Some(\"1 × 1 at 0, 5\")",
                "added \"Comes\"",
                "changed \"Renumbered\"",
                "  id: Some(\"3\") → Some(\"5\")",
                "removed \"Goes\"",
            ]
        );
    }

    #[test]
    fn overrides_and_transformations_have_names() {
        let panel = |overrides: Value, transformations: Value| {
            dashboard(&json!([{ "id": 1, "title": "A", "fieldConfig": { "overrides": overrides },
                "transformations": transformations }]))
        };
        let line = json!([{ "matcher": { "id": "byName", "options": "Limits" }, "properties": [
            { "id": "custom.lineStyle", "value": { "fill": "dash" } }] }]);
        let organize = |by: &str| json!([{ "id": "joinByField", "options": { "byField": by } }]);
        assert_eq!(
            told(panel(json!([]), organize("pod")), panel(line, organize("node"))),
            [
                "changed \"A\"",
                "  override of Limits: custom.lineStyle: None → Some(\"{\\\"fill\\\":\\\"dash\\\"}\")",
                "  transformation 1: joinByField.options.byField: Some(\"pod\") → Some(\"node\")",
            ]
        );
    }

    #[test]
    fn nothing_is_missed_where_two_things_have_one_name() {
        let panel = |second: &str| {
            dashboard(
                &json!([{ "id": 1, "targets": [{ "refId": "A", "expr": "a" }, { "refId": "A", "expr": second }] }]),
            )
        };
        assert_eq!(told(panel("b"), panel("c"))[1..], ["  query A (2): Some(\"b\") → Some(\"c\")"]);
    }

    #[test]
    fn variables_and_the_dashboards_own_properties_are_told() {
        let with = |tags: Value, all: &str| {
            json!({ "uid": "u", "tags": tags, "panels": [],
                "templating": { "list": [{ "name": "pod", "allValue": all }] } })
        };
        assert_eq!(
            told(with(json!(["a"]), ".*"), with(json!(["a", "b"]), ".+")),
            [
                "tags: Some(\"[\\\"a\\\"]\") → Some(\"[\\\"a\\\",\\\"b\\\"]\")",
                "variable $pod.allValue: Some(\".*\") → Some(\".+\")",
            ]
        );
    }

    #[test]
    fn only_what_is_seen_is_worth_a_picture() {
        let with = |place: i64, unit: &str| {
            Set::from([(
                "u".to_owned(),
                dashboard(
                    &json!([{ "id": 1, "gridPos": { "x": place }, "fieldConfig": { "defaults": { "unit": unit } } }]),
                ),
            )])
        };
        let seen = |before: &Set, after: &Set| compare(before, after)[0].panels[0].is_seen();
        assert!(!seen(&with(0, "s"), &with(1, "s")));
        assert!(seen(&with(0, "s"), &with(0, "ms")));
    }
}
