//! Applies the fixes of findings to the texts of JSON files.

use promql::ast::Span;

use crate::fix::{Change, Edit};
use crate::run::{Options, check};
use crate::subject::{Source, Subject, read_text};
use crate::text;

/// A file that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The file.
    pub file: String,
    /// Its new text.
    pub text: String,
    /// What was done, in order.
    pub labels: Vec<String>,
}

/// Mends what can be mended in the dashboards that are JSON files, and puts the mended ones into the subject. Fixes that
/// meet in one place are done one after the other; what a fix uncovers is mended too.
pub fn mend(subject: &mut Subject, options: &Options) -> Vec<Mended> {
    /// A fix can make another one possible, and hardly ever a third.
    const ROUNDS: usize = 5;
    let mut mended: Vec<Mended> = Vec::new();
    for _ in 0..ROUNDS {
        let findings = check(subject, options).findings;
        let mut changed = false;
        for index in 0..subject.dashboards.len() {
            let dashboard = &subject.dashboards[index];
            let Source::Json { text, wrapper } = &dashboard.source else { continue };
            let mut done: Vec<&Edit> = Vec::new();
            let mut now = text.to_string();
            let mut labels = Vec::new();
            let mut batch: Vec<Edit> = Vec::new();
            for fix in findings
                .iter()
                .filter(|finding| finding.place.file == dashboard.file)
                .filter_map(|f| f.fix.as_ref())
            {
                if fix.edits.iter().all(|edit| done.iter().all(|other| !meet(edit, other))) {
                    done.extend(&fix.edits);
                    batch.extend(fix.edits.iter().cloned());
                    labels.push(fix.label.clone());
                }
            }
            if batch.is_empty() {
                continue;
            }
            match text::edit(&now, wrapper, &batch) {
                Ok(new) => now = new,
                // One of them is impossible: at least the others.
                Err(_) => {
                    labels.clear();
                    for fix in findings
                        .iter()
                        .filter(|finding| finding.place.file == dashboard.file)
                        .filter_map(|f| f.fix.as_ref())
                    {
                        if let Ok(new) = text::edit(&now, wrapper, &fix.edits) {
                            now = new;
                            labels.push(fix.label.clone());
                            break;
                        }
                    }
                }
            }
            if now == **text {
                continue;
            }
            let Ok(next) = read_text(dashboard.file.clone(), &now) else { continue };
            let mut next = next.in_style(dashboard.style);
            next.before.clone_from(&dashboard.before);
            changed = true;
            match mended.iter_mut().find(|one| one.file == next.file) {
                Some(one) => {
                    one.text = now;
                    one.labels.append(&mut labels);
                }
                None => mended.push(Mended { file: next.file.clone(), text: now, labels }),
            }
            subject.replace(index, next);
        }
        if !changed {
            break;
        }
    }
    mended
}

/// Whether two edits touch the same thing.
fn meet(a: &Edit, b: &Edit) -> bool {
    if matches!(a.change, Change::Canonical) || matches!(b.change, Change::Canonical) {
        return true;
    }
    let (x, y) = (a.pointer.as_str(), b.pointer.as_str());
    if x == y {
        return match (&a.change, &b.change) {
            (Change::Replace { span: a, .. }, Change::Replace { span: b, .. }) => overlap(*a, *b),
            _ => true,
        };
    }
    let within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    // What is removed from a list moves the others.
    let moves = |edit: &Edit, other: &str| {
        matches!(edit.change, Change::Remove)
            && edit.pointer.last().is_some_and(|last| last.parse::<usize>().is_ok())
            && edit.pointer.parent().is_some_and(|list| within(other, list.as_str()))
    };
    within(x, y) || within(y, x) || moves(a, y) || moves(b, x)
}

fn overlap(a: Span, b: Span) -> bool {
    a.start <= b.end && b.start <= a.end
}

#[cfg(test)]
mod tests {
    use grafana::json::canonical;

    use super::*;
    use crate::examples;
    use crate::subject::Style;

    #[test]
    fn everything_that_can_be_mended_is_and_the_rest_of_the_text_stays() {
        let mut value = examples::dashboard();
        value["id"] = 7.into();
        value["refresh"] = "5s".into();
        value["panels"][2]["id"] = 1.into();
        value["panels"][1]["datasource"]["uid"] = "x".into();
        value["templating"]["list"][2]["refresh"] = 0.into();
        let broken = canonical(&value).replace("  \"id\": 7", "  \"id\":   7");
        let dashboard = read_text(examples::FILE, &broken).unwrap().in_style(Style::House);
        let mut subject = Subject::new(vec![dashboard]);
        let options = Options::default();
        let rules = options.rules.iter().copied().filter(|rule| rule.id != "J07").collect();
        let mended = mend(&mut subject, &Options { rules, ..options.clone() });
        assert_eq!(mended.len(), 1);
        assert!(mended[0].labels.len() >= 5, "{:?}", mended[0].labels);
        let mut expected = examples::dashboard();
        expected["panels"][2]["id"] = 5.into();
        assert_eq!(mended[0].text, canonical(&expected));
        assert_eq!(check(&subject, &options).findings, []);
    }
}
