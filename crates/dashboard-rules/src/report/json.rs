//! For programs.

use serde_json::{Value, json};

use super::Located;
use crate::rule::Severity;

/// `{ "findings": […], "errors": n, "warnings": n, "infos": n }`.
pub fn json(located: &[Located<'_>]) -> Value {
    let count = |severity| located.iter().filter(|one| one.finding.severity == severity).count();
    json!({
        "findings": located.iter().map(finding).collect::<Vec<_>>(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "infos": count(Severity::Info),
    })
}

fn finding(located: &Located<'_>) -> Value {
    let finding = located.finding;
    let place = &finding.place;
    json!({
        "rule": finding.rule,
        "severity": finding.severity.name(),
        "message": finding.message,
        "notes": finding.notes,
        "file": located.file,
        "line": located.line.map(|(line, _)| line),
        "column": located.line.map(|(_, column)| column),
        "dashboard": place.file,
        "path": place.pointer.to_string(),
        "panel": place.panel.as_ref().map(|panel| json!({ "id": panel.id, "title": panel.title })),
        "refId": place.ref_id,
        "span": place.span.map(|span| json!({ "start": span.start, "end": span.end })),
        "fix": finding.fix.as_ref().map(|fix| fix.label.as_str()),
    })
}
