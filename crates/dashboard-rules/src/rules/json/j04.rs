//! J04: the uid.

use crate::finding::Findings;
use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J04",
    severity: Severity::Error,
    title: "the dashboard has a stable uid",
    why: "Addresses, links and provisioning know a dashboard by its uid: without one it gets another address with every \
          import, and Grafana does not load one whose uid is too long.",
    needs: Needs::Static,
    fix: Fixable::Yes("the uid becomes the name of the file"),
    bad: Example::Dashboard(r#"{ "uid": "K8s_Example" }"#),
    good: Example::Dashboard(r#"{ "uid": "k8s-otel-example" }"#),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let uid = dashboard.model.uid.as_deref().unwrap_or_default();
    let stem = stem(&dashboard.file);
    let house = dashboard.style == Style::House;
    let message = if uid.is_empty() {
        "the dashboard has no uid: give it one, or it has another address after every import".to_owned()
    } else if uid.len() > 40 {
        format!("the uid {uid:?} has {} characters, and Grafana takes no more than 40: shorten it", uid.len())
    } else if !uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        format!("the uid {uid:?} has characters that Grafana refuses: use letters, digits, '-' and '_'")
    } else if house && !is_tidy(uid) {
        format!("the uid {uid:?} is not in our form: use 8 to 40 of a-z, 0-9 and '-'")
    } else if house && uid != stem {
        format!(
            "the uid {uid:?} is not the name of its file: write {stem:?}, or rename the file to {uid}.json"
        )
    } else {
        return;
    };
    let pointer = Pointer::root().key("uid");
    let finding = findings.add(dashboard.place_at(pointer.clone()), message);
    if is_tidy(stem) {
        finding.fix(Fix::set(pointer, stem));
    }
}

/// Some of Grafana's databases do not tell capitals from small letters, and short uids meet those of others.
fn is_tidy(uid: &str) -> bool {
    (8..=40).contains(&uid.len())
        && uid.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The name of a file without folders and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".json").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::Source;
    use crate::{Options, check};

    #[test]
    fn others_need_a_uid_that_grafana_takes_and_we_one_that_is_our_files_name() {
        for (uid, house, any) in [
            ("k8s-otel-example", false, false),
            ("k8s-otel-another", true, false),
            ("K8S_views", true, false),
            ("efa86fd1d0c121a26444b636a3f509a8", true, false),
            ("", true, true),
            ("a b", true, true),
            (&"a".repeat(41), true, true),
        ] {
            for (style, found) in [(Style::House, house), (Style::Any, any)] {
                let value = json!({ "title": "A", "uid": uid });
                let dashboard = Dashboard::new("x/k8s-otel-example.json", value, Source::Value).unwrap();
                let subject = Subject::new(vec![dashboard.in_style(style)]);
                let report = check(&subject, &Options::only_rules(&[&RULE]));
                assert_eq!(!report.findings.is_empty(), found, "{uid} {style:?}");
            }
        }
    }
}
