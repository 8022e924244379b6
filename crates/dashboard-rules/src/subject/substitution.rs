//! Queries hold variables, which are no PromQL. Before a query is parsed each is replaced by something that fits where
//! it stands: a duration in brackets, a label in a list, a number in arithmetic.
//!
//! What stands for a variable can be told from what somebody wrote: see [`is_open`].

use std::ops::Range;

use grafana::variables::references;
use promql::ast::Span;

/// Marks the beginning of a stand-in inside a string: a character of Unicode's private use.
const OPEN: char = '\u{E000}';
/// Marks its end.
const CLOSE: char = '\u{E001}';

/// Whether a name, label or string of a parsed query holds a variable, so that its real text is not known.
pub fn is_open(text: &str) -> bool {
    text.contains("__var_") || text.contains(OPEN)
}

/// The text of a string with its variables as they were written: `${name}`.
pub fn written(text: &str) -> String {
    text.replace(OPEN, "${").replace(CLOSE, "}")
}

/// The names of the variables in a string of a parsed query.
pub fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(OPEN).skip(1).filter_map(|rest| rest.split_once(CLOSE).map(|(name, _)| name))
}

/// A text with its variables replaced, and how to find the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Substituted {
    /// What can be parsed.
    pub(crate) text: String,
    /// What was replaced: where it is now, and where it was.
    pieces: Vec<(Range<usize>, Range<usize>)>,
    /// The variables that stand where PromQL has words of its own, with where they stood: what stands for them was a
    /// guess.
    guessed: Vec<(String, Range<usize>)>,
}

impl Substituted {
    /// The names of the variables that may be any part of the query: a function, a label and its comma.
    pub(crate) fn guessed(&self) -> impl Iterator<Item = &str> {
        self.guessed.iter().map(|(name, _)| name.as_str())
    }

    /// Those of them that stand in a part of the original text, or next to it with nothing but brackets and commas
    /// between.
    pub(crate) fn guessed_at(&self, original: &str, span: Span) -> impl Iterator<Item = &str> {
        let is_between = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',');
        let before = original.get(..span.start).unwrap_or_default().trim_end_matches(is_between).len();
        let behind = original.get(span.end..).unwrap_or_default();
        let after = original.len() - behind.trim_start_matches(is_between).len();
        let touches = move |at: &Range<usize>| at.start <= after && before <= at.end;
        self.guessed.iter().filter(move |(_, at)| touches(at)).map(|(name, _)| name.as_str())
    }

    /// The span in the original text for a span in the new one; one that begins or ends in a stand-in holds the whole
    /// variable.
    pub(crate) fn original(&self, span: Span) -> Span {
        let start = self.back(span.start, false);
        Span::new(start, self.back(span.end, true).max(start))
    }

    fn back(&self, at: usize, is_end: bool) -> usize {
        // The last piece that begins at or before here.
        let index = self.pieces.partition_point(|(now, _)| now.start < at || (now.start == at && !is_end));
        let Some((now, was)) = index.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return at;
        };
        if at >= now.end {
            was.end + (at - now.end)
        } else if is_end {
            was.end
        } else {
            was.start
        }
    }
}

/// What a variable may stand for where the text alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A number: `topk($n, …)`, `> $threshold`.
    Number,
    /// A metric's name, or a whole expression.
    Metric,
}

/// Replaces every variable by what fits its place.
pub(crate) fn substitute(text: &str, guess: Guess) -> Substituted {
    substitute_with(text, guess, &|_| None)
}

/// The same, with the values of those whose place says nothing, as far as `value` knows them.
pub(crate) fn substitute_with(
    text: &str,
    guess: Guess,
    value: &dyn Fn(&str) -> Option<String>,
) -> Substituted {
    let mut result =
        Substituted { text: String::with_capacity(text.len()), pieces: Vec::new(), guessed: Vec::new() };
    let mut scanner = Scanner::default();
    let mut copied = 0;
    for reference in references(text) {
        let range = reference.range.clone();
        // `[[…]]` is also how a range in a range would begin; a reference in it has a name that is one.
        scanner.read(&text[copied..range.start]);
        result.text.push_str(&text[copied..range.start]);
        let mut stand_in = scanner.stand_in(
            &text[..range.start],
            &text[range.end..],
            reference.name,
            reference.format,
            guess,
        );
        // Grafana's own are numbers and durations.
        if scanner.may_be_anything() && !stand_in.starts_with('"') && !reference.name.starts_with("__") {
            result.guessed.push((reference.name.to_owned(), range.clone()));
            if let Some(value) = value(reference.name) {
                stand_in = value;
            }
        }
        let start = result.text.len();
        result.text.push_str(&stand_in);
        result.pieces.push((start..result.text.len(), range.clone()));
        scanner.variable();
        copied = range.end;
    }
    result.text.push_str(&text[copied..]);
    result
}

/// Reads PromQL as far as it takes to know where a variable stands.
#[derive(Default)]
struct Scanner {
    /// The quote of the string that is open, and whether the last character was a backslash.
    string: Option<(char, bool)>,
    in_comment: bool,
    /// The brackets that are open, and whether one holds a list of labels.
    open: Vec<(char, bool)>,
    /// The last word.
    word: String,
    /// The last character that is no space.
    last: Option<char>,
}

/// What a parenthesis behind is a list of labels.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

impl Scanner {
    fn read(&mut self, text: &str) {
        for character in text.chars() {
            if self.in_comment {
                self.in_comment = character != '\n';
                continue;
            }
            if let Some((quote, escaped)) = self.string {
                self.string = match character {
                    _ if escaped => Some((quote, false)),
                    '\\' if quote != '`' => Some((quote, true)),
                    same if same == quote => None,
                    _ => Some((quote, false)),
                };
                self.last = Some(character);
                continue;
            }
            match character {
                '#' => self.in_comment = true,
                '"' | '\'' | '`' => self.string = Some((character, false)),
                '(' | '[' | '{' => {
                    let labels = LABEL_LISTS.iter().any(|list| self.word.eq_ignore_ascii_case(list));
                    self.open.push((character, labels));
                }
                ')' | ']' | '}' => _ = self.open.pop(),
                _ => {}
            }
            if character.is_ascii_alphanumeric() || matches!(character, '_' | ':') {
                if self.last.is_none_or(|last| !(last.is_ascii_alphanumeric() || matches!(last, '_' | ':'))) {
                    self.word.clear();
                }
                self.word.push(character);
                self.last = Some(character);
            } else if character.is_whitespace() {
                // A word ends, and stays the last one.
                if self.last.is_some_and(|last| last.is_ascii_alphanumeric() || matches!(last, '_' | ':')) {
                    self.last = Some(' ');
                }
            } else {
                if !matches!(character, '(') {
                    self.word.clear();
                }
                self.last = Some(character);
            }
        }
    }

    /// A variable was passed.
    fn variable(&mut self) {
        self.word.clear();
        if self.string.is_none() {
            self.last = Some('x');
        }
    }

    /// Whether what stands here is a part of the language: not in a string, in a comment, or a duration in brackets.
    fn may_be_anything(&self) -> bool {
        !self.in_comment && self.string.is_none() && !matches!(self.open.last(), Some(('[', _)))
    }

    fn stand_in(&self, before: &str, after: &str, name: &str, format: Option<&str>, guess: Guess) -> String {
        if self.in_comment {
            return String::new();
        }
        if self.string.is_some() {
            return format!("{OPEN}{name}{CLOSE}");
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let glued_before = before.chars().next_back().is_some_and(is_word);
        let glued_after = after.chars().next().is_some_and(|c| is_word(c) || matches!(c, '$'));
        let next = after.trim_start().chars().next();
        let label = format!("__var_{name}__");
        if matches!(format, Some("doublequote" | "singlequote" | "json")) {
            return format!("\"{OPEN}{name}{CLOSE}\"");
        }
        match self.open.last() {
            Some(('[', _)) => {
                // `[${minutes}m]`, `[${__range_s}s]`.
                return if after.starts_with(|c: char| c.is_ascii_alphabetic()) { "5" } else { "5m" }
                    .to_owned();
            }
            Some(('(', true)) => return label,
            Some(('{', _)) => {
                let is_value = matches!(self.last, Some('=' | '~'));
                return match next {
                    _ if is_value => format!("\"{OPEN}{name}{CLOSE}\""),
                    Some('=' | '!') => label,
                    _ if glued_before || glued_after => label,
                    // A matcher as a whole.
                    _ => format!("{label}=~\".*\""),
                };
            }
            _ => {}
        }
        if self.word.eq_ignore_ascii_case("offset")
            || (self.last == Some('-') && before.trim_end().ends_with("offset -"))
        {
            return "5m".to_owned();
        }
        if self.last == Some('@') {
            return "1".to_owned();
        }
        if glued_before || glued_after {
            return label;
        }
        match next {
            Some('{' | '[') => label,
            // `$aggregation(…)`, `$aggregation by (…)`.
            Some('(') => "sum".to_owned(),
            _ if after.trim_start().starts_with("by") || after.trim_start().starts_with("without") => {
                "sum".to_owned()
            }
            _ if guess == Guess::Metric => label,
            _ => "NaN".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use promql::{ParseOptions, parse};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variables_become_what_fits_their_place() {
        for (text, expected) in [
            ("rate(x[$__rate_interval])", "rate(x[5m])"),
            ("rate(x[${minutes}m])", "rate(x[5m])"),
            ("max_over_time(x[$a:$b])", "max_over_time(x[5m:5m])"),
            ("x offset $shift", "x offset 5m"),
            ("x offset -$shift", "x offset -5m"),
            ("sum by ($label) (x)", "sum by (__var_label__) (x)"),
            ("sum by (a, ${label:csv}, b) (x)", "sum by (a, __var_label__, b) (x)"),
            ("x * on($l) group_left ($m) y", "x * on(__var_l__) group_left (__var_m__) y"),
            ("x{$matchers}", "x{__var_matchers__=~\".*\"}"),
            ("x{a=\"b\",$matchers}", "x{a=\"b\",__var_matchers__=~\".*\"}"),
            ("x{$label=\"b\"}", "x{__var_label__=\"b\"}"),
            ("x{k8s_${type}_name=\"b\"}", "x{k8s___var_type___name=\"b\"}"),
            ("x{a=~\"$v\"}", "x{a=~\"\u{E000}v\u{E001}\"}"),
            ("x{a=${v:doublequote}}", "x{a=\"\u{E000}v\u{E001}\"}"),
            ("topk($n, x)", "topk(NaN, x)"),
            ("$n * x", "NaN * x"),
            ("x > $n", "x > NaN"),
            ("rate($metric[5m])", "rate(__var_metric__[5m])"),
            ("${metric}{a=\"b\"}", "__var_metric__{a=\"b\"}"),
            ("prefix_${what}_total", "prefix___var_what___total"),
            ("$agg by (a) (x)", "sum by (a) (x)"),
            ("$agg(x)", "sum(x)"),
            ("x # $comment\n", "x # \n"),
            ("[[old]]{a=\"b\"}", "__var_old__{a=\"b\"}"),
        ] {
            let substituted = substitute(text, Guess::Number);
            assert_eq!(substituted.text, expected, "{text}");
            let parsed = parse(&substituted.text, ParseOptions { experimental: true });
            assert!(parsed.is_ok(), "{text}: {parsed:?}");
        }
        assert_eq!(substitute("sum($metric)", Guess::Metric).text, "sum(__var_metric__)");
    }

    #[test]
    fn variables_whose_place_says_nothing_are_known_and_can_be_given_values() {
        let text = "sum by (a $more) (${f:raw}(x{a=\"$a\"}[$__rate_interval])) > $n # $c";
        let substituted = substitute(text, Guess::Number);
        assert_eq!(substituted.guessed().collect::<Vec<_>>(), ["more", "f", "n"]);
        let value = |name: &str| (name == "f").then(|| "rate".to_owned());
        let substituted = substitute_with(text, Guess::Number, &value);
        assert!(substituted.text.contains("(rate(x{"), "{}", substituted.text);
        for (part, expected) in
            [("by", false), ("(a", true), ("x{a", true), ("a=", false), ("[$", false), (">", true)]
        {
            let at = text.find(part).unwrap();
            let span = Span::new(at, at + part.len());
            assert_eq!(substituted.guessed_at(text, span).next().is_some(), expected, "{part}");
        }
    }

    #[test]
    fn spans_find_their_way_back() {
        let text = "rate(x{a=\"$cluster\"}[$__rate_interval]) > $n";
        let substituted = substitute(text, Guess::Number);
        for (now, was) in [
            ("x{a=\"\u{E000}cluster\u{E001}\"}", "x{a=\"$cluster\"}"),
            ("[5m]", "[$__rate_interval]"),
            ("5m", "$__rate_interval"),
            ("NaN", "$n"),
            (") > ", ") > "),
        ] {
            let start = substituted.text.find(now).unwrap();
            let span = substituted.original(Span::new(start, start + now.len()));
            assert_eq!(span.of(text), was);
        }
    }

    #[test]
    fn strings_tell_their_variables() {
        let text = "a-\u{E000}x\u{E001}-\u{E000}y\u{E001}";
        assert!(is_open(text) && is_open("k8s___var_type___name") && !is_open("k8s_pod_name"));
        assert_eq!(variables_in(text).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(written(text), "a-${x}-${y}");
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_every_span_lies_in_the_original(
            text in "[a-z$\\{\\}\\[\\]()\"'`#\\\\ é_:0-9=~,]{0,60}",
            a in 0_usize..80,
            b in 0_usize..80,
        ) {
            let substituted = substitute(&text, Guess::Metric);
            let (a, b) = (a.min(substituted.text.len()), b.min(substituted.text.len()));
            let span = substituted.original(Span::new(a.min(b), a.max(b)));
            prop_assert!(span.start <= span.end && span.end <= text.len(), "{span:?} in {text:?}");
        }
    }
}
