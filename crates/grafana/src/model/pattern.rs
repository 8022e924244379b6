//! Regular expressions as people write them in Grafana.

use regex::Regex;

/// A regular expression: `/…/flags` may match anywhere, anything else stands between `^` and `$`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    /// Nothing when the text is none, or uses what JavaScript has and we have not (look-around, back-references).
    regex: Option<Regex>,
}

impl Pattern {
    /// Compiles a pattern; one that is not valid matches nothing.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let translated = match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((body, flags)) => {
                let flags: String = flags.chars().filter(|flag| matches!(flag, 'i' | 's' | 'm')).collect();
                if flags.is_empty() { body.to_owned() } else { format!("(?{flags}){body}") }
            }
            None => format!("^{text}$"),
        };
        Self { regex: Regex::new(&translated).ok(), text }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The compiled expression; nothing for one that is not valid.
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref()
    }

    /// Whether it matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_grafana() {
        let table = [
            ("/cpu/", "my cpu!", true),
            ("/CPU/i", "my cpu!", true),
            ("cpu", "my cpu!", false),
            ("cpu", "cpu", true),
            // Without slashes the ends belong to the first and to the last choice only.
            ("a|b", "ax", true),
            ("a|b", "xax", false),
            ("/(/", "(", false),
            ("", "", true),
            ("/", "/", true),
        ];
        for (pattern, text, matches) in table {
            assert_eq!(Pattern::new(pattern).is_match(text), matches, "{pattern} on {text}");
        }
        assert!(Pattern::new("/(?=a)/").regex().is_none());
    }
}
