//! Applies the fixes of findings to the texts of JSON files.

use std::collections::{HashMap, HashSet};

use promql::ast::Span;

use crate::fix::{Change, Edit, Fix, Impossible};
use crate::pointer::Pointer;
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
    let options = Options { most: usize::MAX, ..options.clone() };
    let mut mended: Vec<Mended> = Vec::new();
    for _ in 0..ROUNDS {
        let findings = check(subject, &options).findings;
        let mut fixes: HashMap<&str, Vec<&Fix>> = HashMap::new();
        for finding in &findings {
            fixes.entry(&finding.place.file).or_default().extend(&finding.fix);
        }
        let mut changed = false;
        for index in 0..subject.dashboards.len() {
            let dashboard = &subject.dashboards[index];
            let Source::Json { text, wrapper } = &dashboard.source else { continue };
            let fixes = fixes.get(dashboard.file.as_str()).map(Vec::as_slice).unwrap_or_default();
            let Some((now, mut labels)) = applied(text, wrapper, apart(fixes)) else { continue };
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

/// The first fixes that do not meet each other.
fn apart<'f>(fixes: &[&'f Fix]) -> Vec<&'f Fix> {
    let mut touched = Touched::default();
    let mut chosen = Vec::new();
    for fix in fixes {
        if fix.edits.iter().all(|edit| touched.is_free(edit)) {
            fix.edits.iter().for_each(|edit| touched.add(edit));
            chosen.push(*fix);
        }
    }
    chosen
}

/// A text with fixes, and what they do. What is impossible is left out.
fn applied(text: &str, wrapper: &Pointer, mut fixes: Vec<&Fix>) -> Option<(String, Vec<String>)> {
    /// So many can be impossible before it is given up: there is hardly ever one.
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        if fixes.is_empty() {
            return None;
        }
        let edits: Vec<Edit> = fixes.iter().flat_map(|fix| &fix.edits).cloned().collect();
        match text::edit(text, wrapper, &edits) {
            Ok(new) => return Some((new, fixes.iter().map(|fix| fix.label.clone()).collect())),
            Err(Impossible { pointer, .. }) => {
                let before = fixes.len();
                fixes.retain(|fix| {
                    fix.edits
                        .iter()
                        .all(|edit| edit.pointer.behind(wrapper) != pointer && edit.pointer != pointer)
                });
                if fixes.len() == before {
                    return None;
                }
            }
        }
    }
    None
}

/// Where edits have been made, so that two do not touch the same thing.
#[derive(Default)]
struct Touched {
    /// The whole file.
    everything: bool,
    /// The places, each with the parts of the text there; with none where all of it is another one.
    places: HashMap<String, Vec<Span>>,
    /// What lies around them.
    around: HashSet<String>,
}

impl Touched {
    fn is_free(&self, edit: &Edit) -> bool {
        if self.everything {
            return false;
        }
        let pointer = edit.pointer.as_str();
        let beside = match (self.places.get(pointer), &edit.change) {
            (_, Change::Canonical) => self.places.is_empty(),
            (None, _) => true,
            (Some(parts), Change::Replace { span, .. }) if !parts.is_empty() => {
                parts.iter().all(|part| !overlap(*part, *span))
            }
            (Some(_), _) => false,
        };
        beside
            && !self.around.contains(pointer)
            && outside(pointer).all(|outer| !self.places.contains_key(outer))
    }

    fn add(&mut self, edit: &Edit) {
        let parts = self.places.entry(edit.pointer.as_str().to_owned()).or_default();
        match &edit.change {
            Change::Replace { span, .. } => parts.push(*span),
            Change::Canonical => self.everything = true,
            _ => {}
        }
        self.around.extend(outside(edit.pointer.as_str()).map(str::to_owned));
    }
}

/// The pointers to what lies around a place, from the inside outwards.
fn outside(pointer: &str) -> impl Iterator<Item = &str> {
    pointer.rmatch_indices('/').map(|(at, _)| &pointer[..at])
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

    #[test]
    fn a_thousand_mistakes_of_a_kind_are_mended_at_once() {
        let mut value = examples::dashboard();
        let panel = value["panels"][1].clone();
        let list = value["panels"].as_array_mut().unwrap();
        for row in 0..3_000 {
            let mut panel = panel.clone();
            panel["gridPos"]["y"] = (100 + 8 * row).into();
            list.push(panel);
        }
        let dashboard = read_text(examples::FILE, &canonical(&value)).unwrap();
        let mut subject = Subject::new(vec![dashboard]);
        let only = Options::only_rules(&[crate::rules::find("P01").unwrap()]);
        let mended = mend(&mut subject, &only);
        assert_eq!(mended[0].labels.len(), 3_000);
        assert_eq!(check(&subject, &only).findings, []);
    }

    #[test]
    fn what_meets_what_was_edited_waits_for_the_next_round() {
        let fix = |path: &str, change: Change| Fix::one(path, Pointer::from_path(path), change);
        let replace = |start, end| Change::Replace { span: Span::new(start, end), text: String::new() };
        let fixes = [
            fix("a.b", replace(0, 2)),
            fix("a.b", replace(5, 6)),
            fix("a.b", replace(1, 3)),
            fix("a", Change::Remove),
            fix("a.b.c", Change::Remove),
            fix("a.bc", Change::Remove),
            fix("x[1]", Change::Remove),
            fix("x[2].y", Change::Set(1.into())),
            fix("", Change::Canonical),
        ];
        let chosen = apart(&fixes.iter().collect::<Vec<_>>());
        let chosen: Vec<usize> = fixes
            .iter()
            .enumerate()
            .filter(|(_, fix)| chosen.contains(fix))
            .map(|(index, _)| index)
            .collect();
        assert_eq!(chosen, [0, 1, 5, 6, 7]);
        assert_eq!(apart(&[&fixes[8], &fixes[0]]).len(), 1);
    }

    #[test]
    fn an_impossible_fix_does_not_keep_the_others_from_being_done() {
        let set = Fix::set(Pointer::from_path("a"), 2);
        let remove = Fix::remove(Pointer::from_path("nothing"));
        let (text, labels) = applied("{\"a\": 1}", &Pointer::root(), vec![&remove, &set]).unwrap();
        assert_eq!((text.as_str(), labels), ("{\"a\": 2}", vec!["set a to 2".to_owned()]));
    }
}
