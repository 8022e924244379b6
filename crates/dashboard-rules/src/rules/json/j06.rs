//! J06: how a dashboard behaves.

use serde_json::{Value, json};

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J06",
    severity: Severity::Warning,
    title: "the dashboard is read-only, calm and connected",
    why: "What people change in an installed dashboard is lost with the next update; a refresh that is shorter than the step \
          of the data costs and shows nothing new; and who looks for a cause wants one crosshair and the way to the others.",
    needs: Needs::Static,
    fix: Fixable::Yes("the setting gets our value"),
    bad: Example::Dashboard(
        r#"{ "editable": true, "refresh": "5s", "graphTooltip": 0, "timezone": "", "links": [] }"#,
    ),
    good: Example::Dashboard(
        r#"{ "editable": false, "refresh": "1m", "graphTooltip": 1, "timezone": "browser" }"#,
    ),
    check: Check::Dashboard(check),
};

/// The tag that the menu of the mixin's dashboards selects by.
const TAG: &str = "kubernetes-mixin-otel";
/// The shortest refresh, in milliseconds.
const CALM_MS: i64 = 30_000;

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let model = &dashboard.model;
    let mut wrong = |key: &str, message: String, value: Value| {
        let pointer = Pointer::root().key(key);
        findings.add(dashboard.place_at(pointer.clone()), message).fix(Fix::set(pointer, value));
    };
    if let Some(refresh) = &model.refresh
        && let Ok(milliseconds) = grafana::interval::parse_interval(refresh)
        && milliseconds < CALM_MS
    {
        let message = format!(
            "the dashboard asks every {refresh} for data that comes every 30 s or 1 m: a refresh of 1m shows as much and costs less"
        );
        wrong("refresh", message, json!("1m"));
    }
    if dashboard.style == Style::Any {
        return;
    }
    if model.editable != Some(false) {
        let message =
            "editable is not false: changes that people make are lost with the next update".to_owned();
        wrong("editable", message, json!(false));
    }
    if model.graph_tooltip != Some(1) {
        let message =
            "graphTooltip is not 1: one crosshair over all panels shows what happened at the same time"
                .to_owned();
        wrong("graphTooltip", message, json!(1));
    }
    if model.timezone.as_deref().is_none_or(str::is_empty) {
        let message = "timezone is missing: write browser, utc or the name of one".to_owned();
        wrong("timezone", message, json!("browser"));
    }
    if model.tags.first().map(String::as_str) != Some(TAG) {
        let message =
            format!("the first tag is not {TAG:?}: the menu of the mixin's dashboards finds them by it");
        let tags = [TAG.to_owned()].into_iter().chain(model.tags.iter().filter(|tag| *tag != TAG).cloned());
        wrong("tags", message, json!(tags.collect::<Vec<_>>()));
    }
    let has_menu = model.links.iter().any(|link| {
        link.kind == "dashboards"
            && link.tags.iter().any(|tag| tag == TAG)
            && link.include_vars
            && link.keep_time
    });
    if !has_menu {
        let pointer = Pointer::root().key("links");
        let message =
            "there is no menu of the mixin's dashboards that keeps variables and time: add one to the links";
        let menu = json!({
            "asDropdown": true, "icon": "external link", "includeVars": true, "keepTime": true, "tags": [TAG],
            "targetBlank": false, "title": "Kubernetes (OTel)", "tooltip": "", "type": "dashboards", "url": "",
        });
        let label = "add the menu of the mixin's dashboards";
        let at_end = match pointer.of(&dashboard.value).and_then(Value::as_array) {
            Some(links) => Fix::one(label, pointer.index(links.len()), Change::Set(menu)),
            None => Fix::one(label, pointer.clone(), Change::Set(json!([menu]))),
        };
        findings.add(dashboard.place_at(pointer), message).fix(at_end);
    }
}
