//! P08: links.

use super::urls;
use crate::finding::Findings;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Style, Subject};

pub(super) const RULE: Rule = Rule {
    id: "P08",
    severity: Severity::Error,
    title: "links lead to a dashboard that is there, with variables that it has",
    why: "A link to a dashboard that is not there ends in an error, and a value for a variable that the other dashboard does \
          not have is lost: it then shows something else than what was clicked.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Panel(r#"{ "links": [{ "title": "Pod", "url": "/d/k8s-otel-example?var-pods=a" }] }"#),
    good: Example::Panel(
        r#"{ "links": [{ "title": "Namespace", "url": "/d/k8s-otel-example?var-namespace=a" }] }"#,
    ),
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, subject: &Subject, findings: &mut Findings<'_>) {
    for (place, text) in urls::all(dashboard) {
        let Some(url) = urls::read(text) else { continue };
        let Some(target) = subject.with_uid(url.uid).next() else {
            // Others may have dashboards that are not here.
            if dashboard.style == Style::House {
                let nearest = subject
                    .dashboards
                    .iter()
                    .chain(&subject.elsewhere)
                    .filter_map(|other| other.model.uid.as_deref())
                    .map(|uid| (strsim::damerau_levenshtein(uid, url.uid), uid))
                    .min()
                    .filter(|(distance, _)| *distance <= 4)
                    .map(|(_, uid)| format!(": did you mean {uid:?}?"));
                let message = format!("the link leads to {:?}, which none of these dashboards is", url.uid);
                findings.add(place, message + &nearest.unwrap_or_default());
            }
            continue;
        };
        for name in &url.variables {
            if target.variable(name).is_none() {
                let names: Vec<&str> =
                    target.model.variables.iter().map(|variable| variable.name.as_str()).collect();
                let message = format!(
                    "the link sets the variable {name:?}, and {:?} has none of this name, only {}: name one of these, or \
                     leave it out",
                    target.model.title,
                    names.join(", ")
                );
                findings.add(place.clone(), message);
            }
        }
        if let Some(slug) = url.slug
            && dashboard.style == Style::House
        {
            let message = format!(
                "the link names the title as well ({slug:?}), which changes: /d/{} alone is enough",
                url.uid
            );
            findings.add(place, message).severity(Severity::Warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn a_dashboard_that_is_there_and_not_judged_can_be_linked_to() {
        let mut subject = examples::subject(&Example::Panel(
            r#"{ "links": [{ "title": "Volume", "url": "/d/k8s-otel-other?var-namespace=a&var-volume=b" }] }"#,
        ));
        let messages = |subject: &Subject| -> Vec<String> {
            let report = check(subject, &Options::only_rules(&[&RULE]));
            report.findings.into_iter().map(|finding| finding.message).collect()
        };
        assert!(messages(&subject)[0].contains("none of these dashboards"), "{:?}", messages(&subject));
        let mut other = examples::dashboard();
        other["uid"] = "k8s-otel-other".into();
        subject.elsewhere = vec![Dashboard::new("other.json", other, crate::subject::Source::Value).unwrap()];
        let told = messages(&subject);
        assert!(matches!(&told[..], [one] if one.contains("the variable \"volume\"")), "{told:?}");
    }
}
