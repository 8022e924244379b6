//! For people: what is wrong, where, and the guilty part with a mark under it.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Located, printable, whereabouts};
use crate::rule::Severity;

/// Nobody reads more, and who wants all of them has the other formats.
const SHOWN: usize = 500;

/// All findings, one after the other.
pub fn human(located: &[Located<'_>]) -> String {
    let mut text = String::new();
    let renderer = Renderer::plain();
    for one in located.iter().take(SHOWN) {
        text.push_str(&render(&renderer, one));
        text.push_str("\n\n");
    }
    if let Some(more @ 1..) = located.len().checked_sub(SHOWN) {
        text.push_str(&format!(
            "and {more} more; --format json has them all, --rule ID those of one rule\n\n"
        ));
    }
    text
}

fn render(renderer: &Renderer, located: &Located<'_>) -> String {
    let finding = located.finding;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let place = &finding.place;
    let mut file = printable(&located.file);
    let message = printable(&finding.message);
    let title = Group::with_title(level.primary_title(message.as_str()).id(finding.rule));
    let name = printable(&whereabouts(place));
    let mut notes = Vec::new();
    let cut;
    let mut group = if let (Some(query), Some(span)) = (located.query, place.span) {
        // The mark is in the text as people know it; where that is written stands below it.
        if let Some((line, column)) = located.line {
            file.push_str(&format!(":{line}:{column}"));
        }
        notes.push((Level::NOTE, format!("in {file}, {}", path(located))));
        cut = Cut::of(query, span.start, span.end);
        title.element(cut.snippet(1).path(if name.is_empty() { "query" } else { name.as_str() }))
    } else {
        let at = format!("{name}{}{}", if name.is_empty() { "" } else { ", " }, path(located));
        if !at.is_empty() {
            notes.push((Level::NOTE, format!("at {at}")));
        }
        match (&located.excerpt, located.line) {
            (Some(excerpt), Some((line, _))) => {
                cut = Cut::of(&excerpt.text, excerpt.start, excerpt.end);
                title.element(cut.snippet(line).path(file.as_str()))
            }
            (_, Some((line, column))) => {
                title.element(Origin::path(file.as_str()).line(line).char_column(column))
            }
            (_, None) => title.element(Origin::path(file.as_str())),
        }
    };
    notes.extend(finding.notes.iter().map(|note| (Level::NOTE, printable(note))));
    if let Some(fix) = &finding.fix {
        let how = if located.file == place.file { "--fix" } else { "mend it in the source" };
        notes.push((Level::HELP, format!("{how}: {}", printable(&fix.label))));
    }
    for (level, note) in &notes {
        group = group.element(level.clone().message(note.as_str()));
    }
    renderer.render(&[group])
}

/// The place in the JSON, and of which dashboard where that is not the file.
fn path(located: &Located<'_>) -> String {
    let place = &located.finding.place;
    let of = if located.file == place.file { String::new() } else { format!(" in {}", place.file) };
    printable(format!("{}{of}", place.pointer).trim_start())
}

/// A text that is short enough to be shown, and the marked part in it.
struct Cut {
    text: String,
    start: usize,
    end: usize,
}

impl Cut {
    fn of(text: &str, start: usize, end: usize) -> Self {
        /// What is shown on either side of the mark, and of the mark itself.
        const BYTES: usize = 2_000;
        const BESIDE: usize = 80;
        let (start, end) = (floor(text, start), floor(text, end.max(start)));
        if text.len() <= BYTES {
            let text = printable_same_length(text);
            return Self { start: start.min(text.len()), end: end.min(text.len()), text };
        }
        let (from, to) =
            (floor(text, start.saturating_sub(BESIDE)), floor(text, end.min(start + BYTES) + BESIDE));
        let before = if from > 0 { "…" } else { "" };
        let after = if to < text.len() { "…" } else { "" };
        let middle = printable_same_length(&text[from..to]);
        let shift = |at: usize| before.len() + at.clamp(from, to) - from;
        Self { start: shift(start), end: shift(end), text: format!("{before}{middle}{after}") }
    }

    fn snippet(&self, line: usize) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        Snippet::source(self.text.as_str())
            .line_start(line)
            .annotation(AnnotationKind::Primary.span(self.start..self.end))
    }
}

/// The nearest place at or before this one at which a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Control characters as `?`, so that all places stay where they are.
fn printable_same_length(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let bad = c.is_control() && c != '\n';
            std::iter::repeat_n(if bad { '?' } else { c }, if bad { c.len_utf8() } else { 1 })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::locate;
    use crate::rule::Example;
    use crate::{Options, check, examples};

    #[test]
    fn a_finding_shows_rule_message_place_and_the_marked_query() {
        let subject = examples::subject(&Example::Query("100 * sum(a{x=\"$y\"}) / sum(b)"));
        let report = check(&subject, &Options::only_rules(&[crate::rules::find("V01").unwrap()]));
        let text = human(&locate(&subject, &report.findings));
        assert!(text.contains("error[V01]: the dashboard has no variable \"y\""), "{text}");
        assert!(text.contains("--> panel \"CPU usage\" (1), query A:1:16"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let query = lines.iter().position(|line| line.contains("100 * sum")).unwrap();
        assert_eq!(lines[query].find("$y"), lines[query + 1].find("^^"), "{text}");
        assert!(text.contains("in k8s-otel-example.json, panels[1].targets[0].expr"), "{text}");
    }

    #[test]
    fn long_texts_are_cut_around_the_mark() {
        let long = format!("{}é{}", "a".repeat(5_000), "b".repeat(5_000));
        let cut = Cut::of(&long, 5_000, 5_002);
        assert_eq!(&cut.text[cut.start..cut.end], "é");
        assert!(cut.text.len() < 300 && cut.text.starts_with('…') && cut.text.ends_with('…'));
        for (start, end) in [(0, 0), (9_999, 10_002), (20_000, 30_000), (5_001, 4_000), (0, 10_002)] {
            let cut = Cut::of(&long, start, end);
            assert!(cut.text.get(cut.start..cut.end).is_some() && cut.text.len() < 3_000);
        }
    }
}
