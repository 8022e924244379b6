//! D05: names that people have bookmarked.

use serde_json::Value;

use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "D05",
    severity: Severity::Warning,
    title: "uid and title stay what they were",
    why: "Bookmarks, links and playlists know a dashboard by its uid and people by its title: a new uid leaves the old \
          dashboard standing beside the new one. Where it has to be, a suppression says why. It compares with the revision \
          that --changed-since names.",
    needs: Needs::Static,
    fix: Fixable::Yes("they become what they were"),
    bad: Example::None,
    good: Example::None,
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let Some(before) = &dashboard.before else { return };
    for key in ["uid", "title"] {
        let old = before.get(key).and_then(Value::as_str).unwrap_or_default();
        let new = dashboard.value.get(key).and_then(Value::as_str).unwrap_or_default();
        if old != new && !old.is_empty() {
            let pointer = Pointer::root().key(key);
            let message = format!(
                "the {key} was {old:?} and is {new:?}: keep the old one, or suppress D05 and say why people have to look for it \
                 again"
            );
            findings.add(dashboard.place_at(pointer.clone()), message).fix(Fix::set(pointer, old));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn another_uid_or_title_is_told_where_the_old_one_is_known() {
        let subject = |before: Option<&str>| {
            let mut subject = examples::subject(&Example::Dashboard("{}"));
            subject.dashboards[0].before = before.map(|uid| {
                let mut value = examples::dashboard();
                value["uid"] = uid.into();
                value
            });
            check(&subject, &Options::only_rules(&[&RULE])).findings.len()
        };
        assert_eq!((subject(None), subject(Some("k8s-otel-example")), subject(Some("another"))), (0, 0, 1));
    }
}
