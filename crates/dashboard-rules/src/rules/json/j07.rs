//! J07: canonical form.

use grafana::json::canonical;

use crate::finding::Findings;
use crate::fix::{Change, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Source, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J07",
    severity: Severity::Warning,
    title: "our JSON is in canonical form",
    why: "With sorted keys, two spaces and one final line end, the difference between two versions is what somebody changed, \
          and nothing else.",
    needs: Needs::Static,
    fix: Fixable::Yes("the file is written again"),
    bad: Example::File(r#"{"title":"Nodes","schemaVersion":42}"#),
    good: Example::File("{\n  \"schemaVersion\": 42,\n  \"title\": \"Nodes\"\n}\n"),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let Source::Json { text, wrapper } = &dashboard.source else { return };
    // How others indent their files is their business.
    if dashboard.style == Style::Any || *wrapper != Pointer::root() {
        return;
    }
    let expected = canonical(&dashboard.value);
    if let Some(line) = first_difference(text, &expected) {
        let mut place = dashboard.place();
        place.line = Some((line, 1));
        let message = "the file is not in canonical form: sorted keys, an indentation of two spaces, one line end at the end";
        findings.add(place, message).fix(Fix::one(
            "write it in canonical form",
            Pointer::root(),
            Change::Canonical,
        ));
    }
}

/// The first line, from 1, in which two texts differ.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let equal = a.split('\n').zip(b.split('\n')).take_while(|(a, b)| a == b).count();
    Some(equal + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        for (a, b, line) in [
            ("a\nb\n", "a\nb\n", None),
            ("a\nc\n", "a\nb\n", Some(2)),
            ("a\nb", "a\nb\n", Some(3)),
            ("", "x", Some(1)),
        ] {
            assert_eq!(first_difference(a, b), line);
        }
    }
}
