//! How values are written into a text.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Chosen, State};
use crate::time::moment_format;

/// How values are written where the reference names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{a,b}`: titles, text and everything that is no query.
    Glob,
    /// `(a|b)` with regular expressions escaped, as the Prometheus data source does in queries.
    Prometheus,
}

/// Writes the values of a variable.
pub(super) fn state(state: &State, format: Option<&str>, style: Style) -> String {
    let values = state.values();
    // Everything and several values are a list, even of one.
    let is_list = !matches!(state.chosen, Chosen::One(_));
    match format {
        Some("text") => state.text(),
        Some("queryparam") => query_parameter(&state.name, &state.address_values()),
        Some(format) => write(&state.name, &values, is_list, format),
        None if style == Style::Prometheus => prometheus(state, &values, is_list),
        None => write(&state.name, &values, is_list, "glob"),
    }
}

/// Writes `allValue`, which is taken as it is except in these formats.
pub(super) fn custom_all(state: &State, all_value: &str, format: Option<&str>) -> Option<String> {
    match format? {
        "text" => Some(state.text()),
        "queryparam" => Some(query_parameter(&state.name, &state.address_values())),
        "percentencode" => Some(percent_encode(all_value)),
        _ => None,
    }
}

/// Writes one of Grafana's own variables.
pub(super) fn built_in(name: &str, value: &str, format: Option<&str>) -> String {
    match format {
        Some(format) if format == "date" || format.starts_with("date:") => date(value, format),
        Some("queryparam") => query_parameter(name, &[value]),
        Some(format) => write(name, &[value], false, format),
        None => value.to_owned(),
    }
}

fn write(name: &str, values: &[&str], is_list: bool, format: &str) -> String {
    let (format, argument) =
        format.split_once(':').map_or((format, None), |(format, rest)| (format, Some(rest)));
    let joined = |separator: &str| values.join(separator);
    let quoted = |quote: char, escape: &dyn Fn(&str) -> String| {
        values.iter().map(|value| format!("{quote}{}{quote}", escape(value))).collect::<Vec<_>>().join(",")
    };
    match format {
        "raw" | "csv" => joined(","),
        "pipe" => joined("|"),
        "join" => joined(argument.unwrap_or(",")),
        "regex" => match values {
            [one] => escape_regex(one),
            several => {
                format!("({})", several.iter().map(|value| escape_regex(value)).collect::<Vec<_>>().join("|"))
            }
        },
        "distributed" => {
            let rest = values.iter().skip(1).map(|value| format!("{name}={value}"));
            values.iter().take(1).map(|value| (*value).to_owned()).chain(rest).collect::<Vec<_>>().join(",")
        }
        "json" if is_list => serde_json::Value::from(values.to_vec()).to_string(),
        "json" => joined(","),
        "html" => escape_html(&joined(if is_list { ", " } else { "" })),
        "singlequote" => quoted('\'', &|value| value.replace('\'', "\\'")),
        "doublequote" => quoted('"', &|value| value.replace('"', "\\\"")),
        "sqlstring" => quoted('\'', &|value| value.replace('\'', "''").replace('"', "\\\"")),
        "lucene" if !is_list => escape_lucene(&joined("")),
        "lucene" if values.is_empty() => "__empty__".to_owned(),
        "lucene" => {
            let values: Vec<String> =
                values.iter().map(|value| format!("\"{}\"", escape_lucene(value))).collect();
            format!("({})", values.join(" OR "))
        }
        "percentencode" if is_list => percent_encode(&format!("{{{}}}", joined(","))),
        "percentencode" => percent_encode(&joined("")),
        "uriencode" if is_list => uri_encode(&format!("{{{}}}", joined(","))),
        "uriencode" => uri_encode(&joined("")),
        "customqueryparam" => custom_query_parameter(name, values, argument.unwrap_or_default()),
        "date" => {
            date(values.first().copied().unwrap_or_default(), &format!("date:{}", argument.unwrap_or("iso")))
        }
        // An unknown format counts as this one.
        _ if values.len() > 1 => format!("{{{}}}", joined(",")),
        _ => joined(","),
    }
}

/// The Prometheus data source escapes for the matcher it expects: `=` for a variable with one value, `=~` for one with
/// several or with everything.
fn prometheus(state: &State, values: &[&str], is_list: bool) -> String {
    if !state.multi && !state.include_all {
        return escape_for_equality(&values.join(","));
    }
    let mut escaped: Vec<String> = values.iter().map(|value| escape_for_regex(value)).collect();
    match (is_list, escaped.len()) {
        (_, 1) => escaped.remove(0),
        (false, _) => escaped.concat(),
        (true, _) => format!("({})", escaped.join("|")),
    }
}

/// For a string in double quotes. A value that is a whole matcher keeps its quotes.
fn escape_for_equality(value: &str) -> String {
    let name = value.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(0);
    let is_matcher = name > 0
        && value.ends_with('"')
        && ["=\"", "!=\"", "=~\"", "!~\""]
            .iter()
            .any(|operator| value[name..].starts_with(operator) && value.len() > name + operator.len());
    if is_matcher { value.to_owned() } else { value.replace('\\', "\\\\").replace('"', "\\\"") }
}

/// For a regular expression in a string in double quotes: two backslashes reach the expression as one.
fn escape_for_regex(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => escaped.push_str("\\\\\\\\"),
            '"' => escaped.push_str("\\\\\\\""),
            '$' | '^' | '*' | '{' | '}' | '[' | ']' | '\'' | '+' | '?' | '.' | '(' | ')' | '|' => {
                escaped.push_str("\\\\");
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn escape_regex(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(
            character,
            '\\' | '^' | '$' | '*' | '+' | '?' | '.' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '/'
        ) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn escape_lucene(value: &str) -> String {
    if value.trim().is_empty() || value.trim().parse::<f64>().is_ok() {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_whitespace() || "!*+-=<>&|()[]{}^~?:\\/\"".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A part of an address: everything but letters, digits and `-_.~` is encoded.
pub(crate) fn percent_encode(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

/// A whole address: what has a meaning in it stays.
fn uri_encode(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~;,/?:@&=+$#".contains(&byte))
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn query_parameter(name: &str, values: &[&str]) -> String {
    let pairs: Vec<(String, String)> =
        values.iter().map(|value| (format!("var-{name}"), (*value).to_owned())).collect();
    address(&pairs)
}

fn custom_query_parameter(name: &str, values: &[&str], arguments: &str) -> String {
    let (own_name, prefix) = arguments.split_once(':').unwrap_or((arguments, ""));
    let name = percent_encode(if own_name.is_empty() { name } else { own_name });
    let prefix = percent_encode(prefix);
    let pairs: Vec<String> =
        values.iter().map(|value| format!("{name}={prefix}{}", percent_encode(value))).collect();
    pairs.join("&")
}

/// Pairs as they stand in an address.
pub(super) fn address(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    pairs.join("&")
}

/// Milliseconds since 1970 as a date, in UTC.
fn date(value: &str, format: &str) -> String {
    let Ok(milliseconds) = value.parse::<i64>() else { return "NaN".to_owned() };
    let pattern: Cow<'_, str> = match format.strip_prefix("date").unwrap_or_default().trim_start_matches(':')
    {
        "ms" => return milliseconds.to_string(),
        "seconds" => return ((milliseconds as f64 / 1_000.0).round() as i64).to_string(),
        "" | "iso" => "YYYY-MM-DD[T]HH:mm:ss.SSS[Z]".into(),
        pattern => pattern.into(),
    };
    moment_format(milliseconds, &pattern, &jiff::tz::TimeZone::UTC).unwrap_or_else(|| "NaN".to_owned())
}
