//! Series in scripts: `metric{label="value"} 1 2+3x4 _ stale`.

use std::iter::repeat_n;

use labels::{Labels, METRIC_NAME};
use promql::ast::ExprKind;
use promql::{ParseOptions, stale_nan};

/// One place in a sequence of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item {
    /// No sample.
    Gap,
    /// A sample.
    Float(f64),
    /// A native histogram, which the evaluator does not know.
    Histogram,
}

/// A series and its samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The series' labels.
    pub(crate) labels: Labels,
    /// Its samples, one for each step.
    pub(crate) items: Vec<Item>,
}

/// Reads a series with its samples.
pub(crate) fn parse(line: &str) -> Result<Series, String> {
    let (labels, rest) = labels_and_rest(line)?;
    let mut items = Vec::new();
    for word in words(rest) {
        item(word, &mut items).map_err(|reason| format!("bad sample {word:?}: {reason}"))?;
        if items.len() > MOST_SAMPLES {
            return Err(too_many());
        }
    }
    Ok(Series { labels, items })
}

/// More samples of one series are a slip of the pen.
const MOST_SAMPLES: usize = 1_000_000;

fn too_many() -> String {
    format!("a series has {MOST_SAMPLES} samples at most")
}

/// A number alone on a line, as the expectation of a scalar.
pub(crate) fn number(text: &str) -> Option<f64> {
    let (value, rest) = leading_number(text)?;
    rest.is_empty().then_some(value)
}

/// A duration in milliseconds.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let options = ParseOptions { experimental: true };
    match promql::parse(text, options).ok()?.kind {
        ExprKind::Number(seconds) => Some((seconds * 1000.0).round() as i64),
        _ => None,
    }
}

fn labels_and_rest(line: &str) -> Result<(Labels, &str), String> {
    let name_end = line.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(name_end);
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.starts_with('}') {
            let (key, after) = if rest.starts_with(['"', '\'', '`']) {
                quoted(rest)?
            } else {
                let end = rest.find(|c: char| c == '=' || c == ',' || c == '}' || c.is_whitespace());
                let (key, after) = rest.split_at(end.ok_or("a label set does not end")?);
                (key.to_owned(), after)
            };
            rest = after.trim_start();
            if let Some(after) = rest.strip_prefix('=') {
                let (value, after) = quoted(after.trim_start())?;
                pairs.push((key, value));
                rest = after.trim_start();
            } else {
                pairs.push((METRIC_NAME.to_owned(), key));
            }
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            if rest.is_empty() {
                return Err("a label set does not end".into());
            }
        }
        rest = &rest[1..];
    }
    Ok((Labels::from_pairs(pairs), rest))
}

/// A string literal at the beginning of `text`, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c)).ok_or("a quoted value is missing")?;
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote != '`' {
            escaped = true;
        } else if c == quote {
            let (literal, rest) = text.split_at(index + 1);
            return match promql::parse(literal, ParseOptions::default()) {
                Ok(expr) => match expr.kind {
                    ExprKind::String(value) => Ok((value, rest)),
                    _ => Err(format!("{literal} is no string")),
                },
                Err(error) => Err(error.to_string()),
            };
        }
    }
    Err("a quoted value does not end".into())
}

/// The words of a sequence; spaces inside of `{{…}}` do not end one.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut depth) = (None, 0_usize);
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c.is_whitespace() && depth == 0 {
            if let Some(start) = start.take() {
                words.push(&text[start..index]);
            }
        } else if start.is_none() {
            start = Some(index);
        }
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

/// One word: `_`, `_x3`, `stale`, `1`, `1x3` (four samples), `1+2x3` (1 3 5 7), `{{…}}x3`.
fn item(word: &str, items: &mut Vec<Item>) -> Result<(), String> {
    let times = |text: &str| -> Result<usize, String> {
        let count = text.strip_prefix('x').and_then(|n| n.parse().ok());
        let count: usize = count.ok_or_else(|| format!("unexpected {text:?}"))?;
        // Before anything is made of it.
        if count > MOST_SAMPLES { Err(too_many()) } else { Ok(count) }
    };
    if let Some(rest) = word.strip_prefix('_') {
        let count = if rest.is_empty() { 1 } else { times(rest)? };
        items.extend(repeat_n(Item::Gap, count));
    } else if let Some(rest) = word.strip_prefix("stale") {
        let count = if rest.is_empty() { 1 } else { times(rest)? + 1 };
        items.extend(repeat_n(Item::Float(stale_nan()), count));
    } else if word.starts_with("{{") {
        let end = word.rfind("}}").ok_or("a histogram does not end")?;
        let rest = &word[end + 2..];
        let count = if rest.is_empty() { 1 } else { times(rest)? + 1 };
        items.extend(repeat_n(Item::Histogram, count));
    } else {
        let (first, rest) = leading_number(word).ok_or("no number")?;
        let (step, rest) = match rest.chars().next() {
            Some('+' | '-') => leading_number(rest).ok_or("no step")?,
            _ => (0.0, rest),
        };
        let count = if rest.is_empty() { 1 } else { times(rest)? + 1 };
        // Added up one by one, as the expected results were.
        items.extend(
            std::iter::successors(Some(first), |value| Some(value + step)).take(count).map(Item::Float),
        );
    }
    Ok(())
}

/// A number at the beginning of `text`, and what follows it.
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let lower = unsigned.to_ascii_lowercase();
    for (word, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if lower.starts_with(word) {
            return Some((if negative { -value } else { value }, &unsigned[word.len()..]));
        }
    }
    let bytes = unsigned.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if end == 0 || unsigned.starts_with(".") && end == 1 {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let value: f64 = unsigned[..end].parse().ok()?;
    Some((if negative { -value } else { value }, &unsigned[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Vec<f64> {
        let items = parse(&format!("m {text}")).unwrap().items;
        items.into_iter().map(|item| if let Item::Float(value) = item { value } else { f64::NAN }).collect()
    }

    #[test]
    fn sequences_expand() {
        for (text, expected) in [
            ("1 2 3", vec![1.0, 2.0, 3.0]),
            ("1x2", vec![1.0, 1.0, 1.0]),
            ("0+10x3", vec![0.0, 10.0, 20.0, 30.0]),
            ("1e1-2.5x2", vec![10.0, 7.5, 5.0]),
            ("-1+-1x1", vec![]),
            ("+Inf -Inf 0x2", vec![f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0, 0.0]),
        ] {
            if expected.is_empty() {
                assert!(parse(&format!("m {text}")).is_err(), "{text}");
            } else {
                assert_eq!(floats(text), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_series_without_end_is_refused() {
        for text in
            ["1x99999999999", "_x99999999999", "stalex99999999999", "{{}}x9999999999", "1+1x999999 1x9"]
        {
            let error = parse(&format!("m {text}")).unwrap_err();
            assert!(error.contains("1000000 samples at most"), "{text}: {error}");
        }
    }

    #[test]
    fn gaps_markers_and_histograms_have_their_places() {
        let items = parse("m _ _x2 stale {{schema:0 sum:1}}x1 5").unwrap().items;
        assert_eq!(items[..3], [Item::Gap; 3]);
        assert!(matches!(items[3], Item::Float(value) if promql::is_stale_nan(value)));
        assert_eq!(items[4..], [Item::Histogram, Item::Histogram, Item::Float(5.0)]);
    }

    #[test]
    fn label_sets_are_read_in_both_notations() {
        let labels = |text| parse(text).unwrap().labels;
        let expected = Labels::from_pairs([(METRIC_NAME, "m"), ("a", "x, y}"), ("b.c", "\n")]);
        assert_eq!(labels(r#"m{a="x, y}", "b.c"='\n'} 1"#), expected);
        assert_eq!(labels(r#"{"m",a="x, y}","b.c"="\n",} 1"#), expected);
        assert_eq!(labels("{} 1"), Labels::empty());
        assert!(parse("m{a=\"1\" 1").is_err());
    }

    #[test]
    fn durations_are_those_of_promql() {
        assert_eq!(duration("1h30m"), Some(5_400_000));
        assert_eq!(duration("0"), Some(0));
        assert_eq!(duration("250ms"), Some(250));
        assert_eq!(duration("m"), None);
    }
}
