//! D01: generated files.

use grafana::json::canonical;

use crate::finding::{Findings, Place};
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Source, Subject};

pub(super) const RULE: Rule = Rule {
    id: "D01",
    severity: Severity::Error,
    title: "the generated JSON is what the sources give",
    why: "Users install the generated files: a change of the sources that is not built does not reach them, and a change of \
          the files is lost with the next build.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::None,
    good: Example::None,
    check: Check::Dashboard(check),
};

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    let Source::Jsonnet { generated: Some((file, text)), .. } = &dashboard.source else { return };
    let expected = canonical(&dashboard.value);
    let (message, line) = match text {
        None => ("the generated file is missing".to_owned(), None),
        Some(text) if **text == *expected => return,
        Some(text) => {
            let equal = text.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
            (format!("{file} is not what the sources give"), Some((equal + 1, 1)))
        }
    };
    let place = Place { line, ..Place::file(dashboard.file.clone()) };
    findings.add(place, format!("{message}: run cargo xtask dashboards build"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn a_generated_file_has_to_be_there_and_equal() {
        let value = examples::dashboard();
        let equal = canonical(&value);
        for (text, found) in [(Some(equal.clone()), 0), (Some(equal.replacen("1m", "5m", 1)), 1), (None, 1)] {
            let source = Source::Jsonnet {
                written: None,
                generated: Some(("generated/a.json".to_owned(), text.map(Into::into))),
            };
            let dashboard = Dashboard::new("a.json", value.clone(), source).unwrap();
            let report = check(&Subject::new(vec![dashboard]), &Options::only_rules(&[&RULE]));
            assert_eq!(report.findings.len(), found);
        }
    }
}
