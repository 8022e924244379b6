//! Hints about text that makes no word: strange characters, numbers, strings.

use labels::RegexError;

use crate::parser::lexer::Region;
use crate::parser::literals::{BadDuration, UNITS};
use crate::parser::token::shorten;

/// For the text at `at`, which begins no word: how much of it belongs together (in bytes) and a hint.
pub(in crate::parser) fn for_strange_text(text: &str, at: usize, region: Region) -> (usize, Option<String>) {
    let rest = &text[at..];
    let mut chars = rest.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else { return (0, None) };
    let doubled = second == Some(first);
    let hint = match first {
        '$' => {
            let length = variable_length(rest);
            let variable = shorten(&rest[..length], 40);
            let hint = format!(
                "{variable} looks like a dashboard variable; it needs a value before the query is sent"
            );
            return (length, Some(hint));
        }
        '&' | '|' | ';' if region == Region::Labels => "labels are separated by commas",
        '&' => return (1 + usize::from(doubled), Some("PromQL writes \"and\"".into())),
        '|' => return (1 + usize::from(doubled), Some("PromQL writes \"or\"".into())),
        '!' if region == Region::Braces => "a matcher uses one of = != =~ !~",
        '!' => "there is no \"not\": write == bool 0, or leave series out with \"unless\"",
        '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '‚' => "use plain quotes: \" or '",
        '–' | '—' | '−' => "use a plain minus: -",
        '×' | '·' | '∙' => "multiplication is *",
        '÷' => "division is /",
        '≥' => "write >=",
        '≤' => "write <=",
        '≠' => "write !=",
        ':' if region == Region::Braces => "a matcher is written label=\"value\"",
        '.' => return (1, Some(for_unusual_name(text, at, region))),
        ';' => "a query is one expression, without an end mark",
        '?' => "there is no ?: operator; a comparison keeps the series for which it holds",
        '~' => "regular expressions are matched with =~ or !~, in braces",
        '\\' => "a backslash has a meaning in strings only",
        c if c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}' => {
            "this is not an ordinary space; replace it by one"
        }
        c if c.is_alphabetic() => return (c.len_utf8(), Some(for_unusual_name(text, at, region))),
        _ => return (first.len_utf8(), None),
    };
    (first.len_utf8(), Some(hint.to_owned()))
}

/// `$name`, `${name:format}`
fn variable_length(text: &str) -> usize {
    let name = &text[1..];
    if let Some(braced) = name.strip_prefix('{') {
        let inner = braced.find(|c: char| !(c.is_ascii_alphanumeric() || "_:.-".contains(c)));
        return match inner {
            Some(length) if braced[length..].starts_with('}') => length + 3,
            _ => 2,
        };
    }
    1 + name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len())
}

/// For a character at `at` that a name may have only in quotes. OpenTelemetry's names have dots.
fn for_unusual_name(text: &str, at: usize, region: Region) -> String {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
    let start = text[..at]
        .rfind(|c| !belongs(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
    let end = text[at..].find(|c| !belongs(c)).map_or(text.len(), |length| at + length);
    in_quotes(&text[start..end], region)
}

/// How a name is written that is more than ASCII letters, digits and underscores, or begins with a digit.
fn in_quotes(name: &str, region: Region) -> String {
    let name = shorten(name, 60);
    match region {
        Region::Braces => format!("such a label name stands in quotes: \"{name}\"=\"…\""),
        Region::Labels => format!("such a label name stands in quotes: \"{name}\""),
        _ => format!("such a name stands in quotes and braces: {{\"{name}\"}}"),
    }
}

pub(in crate::parser) fn for_bad_escape(message: &str) -> Option<String> {
    message.contains("escape sequence").then(|| {
        "in quotes a backslash begins an escape: double it (\\\\), or put the string in backquotes (`…`)"
            .to_owned()
    })
}

/// Spellings of units that other tools take.
const UNIT_ALIASES: &[(&str, &str)] = &[
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("week", "w"),
    ("weeks", "w"),
    ("year", "y"),
    ("years", "y"),
    ("millis", "ms"),
];

const UNIT_NAMES: &str = "the units are ms, s, m, h, d, w and y";

pub(in crate::parser) fn for_bad_number(text: &str, reason: BadDuration, region: Region) -> Option<String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let begins_with_letter = unit.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins_with_letter && (matches!(region, Region::Braces | Region::Labels) || unit.contains('_')) {
        return Some(in_quotes(text, region));
    }
    let hint = match reason {
        BadDuration::TooLong => "the longest duration is about 292 years".into(),
        BadDuration::Order => "larger units come first, and each only once: 1h30m".into(),
        BadDuration::Unit => {
            let lower = unit.to_ascii_lowercase();
            let alias = UNIT_ALIASES.iter().find(|(alias, _)| *alias == lower).map(|(_, unit)| *unit);
            let known = UNITS.iter().map(|(unit, _)| *unit).find(|unit| *unit == lower);
            match alias.or(known) {
                Some(unit) => format!("write {count}{unit}; {UNIT_NAMES}"),
                None if region == Region::Plain => format!("{UNIT_NAMES}; {}", in_quotes(text, region)),
                None => UNIT_NAMES.into(),
            }
        }
        BadDuration::Syntax if unit.starts_with('.') && text.ends_with(|c: char| c.is_ascii_alphabetic()) => {
            "a duration has whole numbers only: 1h30m, not 1.5h".into()
        }
        BadDuration::Syntax if begins_with_letter => "every number of a duration has its unit: 1h30m".into(),
        BadDuration::Syntax => return None,
    };
    Some(hint)
}

pub(in crate::parser) fn for_bad_regex(bad: &RegexError) -> Option<String> {
    let pattern = &bad.pattern;
    let hint = if bad.too_large {
        "list plain values (a|b|c) or name a common prefix (a.*): these are not limited"
    } else if pattern.starts_with(['*', '+', '?']) {
        "a repetition needs something before it; any text is .*"
    } else if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look_around| pattern.contains(look_around)) {
        "there is no look-around in this syntax; use a second matcher, for example with !~"
    } else if pattern.matches('(').count() != pattern.matches(')').count() {
        "a parenthesis that stands for itself is escaped: \\\\("
    } else if pattern.contains(['{', '}']) {
        "a brace that stands for itself is escaped: \\\\{"
    } else {
        return None;
    };
    Some(hint.to_owned())
}
