//! Finds the lines in which findings stand.

use std::collections::HashMap;

use crate::finding::Finding;
use crate::subject::{Dashboard, Source, Subject};
use crate::text::{Node, line_and_column, raw_offset};

/// A finding with the line of the file that somebody would edit.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The file to edit: the JSON, or the Jsonnet source.
    pub file: String,
    /// Line and column from 1, as far as they are known.
    pub line: Option<(usize, usize)>,
    /// The line's text, of JSON.
    pub(super) excerpt: Option<Excerpt>,
    /// The query that is guilty.
    pub(super) query: Option<&'a str>,
}

/// A line and which part of it is meant, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Finds the lines of all findings; each file is read once.
pub fn locate<'a>(subject: &'a Subject, findings: &'a [Finding]) -> Vec<Located<'a>> {
    let by_file: HashMap<&str, &Dashboard> =
        subject.dashboards.iter().map(|dashboard| (dashboard.file.as_str(), dashboard)).collect();
    let mut trees: HashMap<&str, Option<Node>> = HashMap::new();
    let mut lines: HashMap<&str, Lines> = HashMap::new();
    findings
        .iter()
        .map(|finding| {
            let place = &finding.place;
            let dashboard = by_file.get(place.file.as_str()).copied();
            let mut located = Located {
                finding,
                file: place.file.clone(),
                line: place.line,
                excerpt: None,
                query: dashboard.and_then(|dashboard| query(dashboard, finding)),
            };
            match dashboard.map(|dashboard| (dashboard, &dashboard.source)) {
                Some((dashboard, Source::Json { text, wrapper })) if place.line.is_none() => {
                    let tree = trees.entry(&dashboard.file).or_insert_with(|| Node::read(text));
                    let lines = lines.entry(&dashboard.file).or_insert_with(|| Lines::of(text));
                    if let Some(tree) = tree {
                        let node = tree.nearest(&place.pointer.behind(wrapper));
                        let literal = &text[node.range.clone()];
                        let (start, end) = match place.span {
                            Some(span) if literal.starts_with('"') => {
                                (raw_offset(literal, span.start), raw_offset(literal, span.end))
                            }
                            _ => (0, literal.len()),
                        };
                        let (start, end) = (node.range.start + start, node.range.start + end);
                        located.line = Some(lines.line_and_column(text, start));
                        located.excerpt = Some(lines.excerpt(text, start, end));
                    }
                }
                Some((_, Source::Jsonnet { written: Some((file, text)), .. })) => {
                    located.file.clone_from(file);
                    located.line = line_of_panel(text, finding);
                }
                _ => {}
            }
            located
        })
        .collect()
}

/// The text of the query that the finding marks a part of.
fn query<'a>(dashboard: &'a Dashboard, finding: &Finding) -> Option<&'a str> {
    finding.place.span?;
    finding.place.pointer.of(&dashboard.value)?.as_str()
}

/// Where a panel is written in Jsonnet: at its title, where that stands there once.
fn line_of_panel(text: &str, finding: &Finding) -> Option<(usize, usize)> {
    let title = finding.place.panel.as_ref()?.title.as_str();
    let mut found = ['\'', '"'].into_iter().flat_map(|quote| {
        let quoted = format!("{quote}{title}{quote}");
        text.match_indices(&quoted).map(|(at, _)| at).collect::<Vec<_>>()
    });
    let at = found.next()?;
    found.next().is_none().then(|| line_and_column(text, at))
}

/// Lines are not looked at beyond so many bytes.
const LONG: usize = 10_000;

/// The nearest place at or before this one at which a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where the lines of a text begin.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        Self { starts: [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    fn number(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn line_and_column(&self, text: &str, at: usize) -> (usize, usize) {
        let number = self.number(at);
        let before = &text[self.starts[number]..at];
        // In a line that long nobody counts, and a file of one line would be counted through for each finding.
        let column = if before.len() > LONG { before.len() } else { before.chars().count() } + 1;
        (number + 1, column)
    }

    /// The line, and the part of the marked text that stands in it.
    fn excerpt(&self, text: &str, start: usize, end: usize) -> Excerpt {
        let number = self.number(start);
        let begin = self.starts[number];
        let line_end = self.starts.get(number + 1).map_or(text.len(), |next| next - 1);
        // Of a line that long only what stands around the mark.
        let end = end.min(line_end).min(floor(text, start + LONG));
        let from = if start - begin > LONG { floor(text, start - LONG / 2) } else { begin };
        let to = if line_end - end > LONG { floor(text, end + LONG / 2) } else { line_end };
        Excerpt {
            text: text[from..to].trim_end_matches('\r').to_owned(),
            start: start - from,
            end: end.max(start) - from,
        }
    }
}

#[cfg(test)]
mod tests {
    use promql::ast::Span;

    use super::*;
    use crate::subject::read_text;
    use crate::{Pointer, check};

    #[test]
    fn a_finding_has_the_line_of_its_value_and_of_the_part_of_its_query() {
        let text = "{\n  \"title\": \"A\",\n  \"panels\": [\n    {\"id\": 1, \"targets\": [{\"expr\": \"a{b=\\\"c\\\"} + d\"}]}\n  ]\n}\n";
        let dashboard = read_text("a.json", text).unwrap();
        let mut finding = check(&Subject::default(), &crate::Options::default()).findings;
        assert!(finding.is_empty());
        let rule = crate::rules::find("J02").unwrap();
        let place =
            dashboard.place_around(&Pointer::from_path("panels[0].targets[0].expr")).span(Span::new(11, 12));
        crate::Findings::new(rule, &mut finding).add(place, "x");
        let subject = Subject::new(vec![dashboard]);
        let located = locate(&subject, &finding);
        let line = text.lines().nth(3).unwrap();
        assert_eq!(located[0].line, Some((4, line.find("d\"}").unwrap() + 1)));
        assert_eq!(located[0].query, Some("a{b=\"c\"} + d"));
        let excerpt = located[0].excerpt.as_ref().unwrap();
        assert_eq!(&excerpt.text[excerpt.start..excerpt.end], "d");
    }

    #[test]
    fn a_panel_of_jsonnet_is_found_by_its_title_if_that_stands_there_once() {
        let mut findings = Vec::new();
        let source = |text: &str| Source::Jsonnet {
            written: Some(("a.libsonnet".to_owned(), text.into())),
            generated: None,
        };
        for (text, line) in [("x\n  panel('CPU'),\n", Some((2, 9))), ("'CPU' 'CPU'", None), ("", None)] {
            let value = serde_json::json!({ "title": "A", "panels": [{ "title": "CPU" }] });
            let dashboard = Dashboard::new("a.json", value, source(text)).unwrap();
            findings.clear();
            let place = dashboard.place_around(&Pointer::from_path("panels[0]"));
            crate::Findings::new(crate::rules::find("J02").unwrap(), &mut findings).add(place, "x");
            let subject = Subject::new(vec![dashboard]);
            let located = locate(&subject, &findings);
            assert_eq!((located[0].file.as_str(), located[0].line), ("a.libsonnet", line));
        }
    }
}
