//! The replacement of `label_replace`: text with `$1`, `${1}`, `$name`, `${name}` and `$$`, as Go's `regexp` expands it.

use regex::Captures;

/// A template, read once for all series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Numbered(usize),
    Named(String),
}

impl Template {
    /// Reads a template; any text is one.
    pub(super) fn new(template: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('$') {
            text.push_str(before);
            if let Some(behind) = behind.strip_prefix('$') {
                text.push('$');
                rest = behind;
            } else if let Some((name, behind)) = group_name(behind) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(match name.parse() {
                    Ok(number) => Piece::Numbered(number),
                    Err(_) => Piece::Named(name.to_owned()),
                });
                rest = behind;
            } else {
                text.push('$');
                rest = behind;
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Self(pieces)
    }

    /// Appends the template with what the groups matched. `None` when `out` becomes longer than `longest`. Groups that
    /// are not there, or matched nothing, are empty.
    pub(super) fn expand(&self, found: &Captures<'_>, out: &mut String, longest: usize) -> Option<()> {
        for piece in &self.0 {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Numbered(number) => found.get(*number).map_or("", |group| group.as_str()),
                Piece::Named(name) => found.name(name).map_or("", |group| group.as_str()),
            };
            if out.len() + text.len() > longest {
                return None;
            }
            out.push_str(text);
        }
        Some(())
    }
}

/// The name behind a `$`, and what follows it.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let (inside, in_braces) = text.strip_prefix('{').map_or((text, false), |inside| (inside, true));
    let end = inside.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let rest = if in_braces { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn expanded(template: &str) -> String {
        let regex = Regex::new("^(?P<first>a+)(b)?-(c)$").unwrap();
        let mut out = String::new();
        Template::new(template).expand(&regex.captures("aa-c").unwrap(), &mut out, 1_000).unwrap();
        out
    }

    #[test]
    fn templates_expand_as_in_go() {
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("$0", "aa-c"),
            ("$1/$3", "aa/c"),
            ("<$2>", "<>"),
            ("$4$nothing", ""),
            ("$first", "aa"),
            ("${first}s", "aas"),
            // The longest name counts.
            ("$1x", ""),
            ("${1}x", "aax"),
            ("$$1", "$1"),
            ("$", "$"),
            ("$-${", "$-${"),
            ("${1", "${1"),
            ("${a-b}", "${a-b}"),
        ] {
            assert_eq!(expanded(template), expected, "{template}");
        }
    }

    #[test]
    fn an_expansion_ends_where_it_becomes_too_long() {
        let regex = Regex::new("^(.*)$").unwrap();
        let found = regex.captures("1234").unwrap();
        let template = Template::new("$1$1$1");
        assert_eq!(template.expand(&found, &mut String::new(), 12), Some(()));
        let mut out = String::new();
        assert_eq!(template.expand(&found, &mut out, 11), None);
        assert!(out.len() <= 11);
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_that_agrees_with_the_regex_crate(template in "[$a1{}_ é]{0,12}") {
            // There, more may stand in braces.
            prop_assume!(!template.contains("${"));
            prop_assume!(!template.contains('é'));
            let regex = Regex::new("^(?P<a>x)(y)$").unwrap();
            let found = regex.captures("xy").unwrap();
            let (mut ours, mut theirs) = (String::new(), String::new());
            Template::new(&template).expand(&found, &mut ours, 1_000);
            found.expand(&template, &mut theirs);
            prop_assert_eq!(ours, theirs);
        }
    }
}
