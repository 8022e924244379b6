//! Scripts: the commands `load`, `clear` and `eval`, one after the other.

use std::fmt;

use regex::Regex;

use crate::series::{self, Item, Series};

/// A command of a script.
#[derive(Debug)]
pub(crate) enum Command {
    /// Forgets all series.
    Clear,
    /// Adds series.
    Load(Load),
    /// Evaluates a query.
    Eval(Box<Case>),
}

/// `load`
#[derive(Debug)]
pub(crate) struct Load {
    /// Milliseconds between samples; the first is at the epoch.
    pub(crate) step: i64,
    /// The series.
    pub(crate) series: Vec<Series>,
    /// Whether native histograms are to be made of the classic ones, too.
    pub(crate) with_native: bool,
}

/// A query and what is expected of it.
#[derive(Debug)]
pub(crate) struct Case {
    /// The line of the script, counted from 1.
    pub(crate) line: usize,
    /// The query.
    pub(crate) query: String,
    /// When it is evaluated.
    pub(crate) times: Times,
    /// The value.
    pub(crate) value: Expected,
    /// The times of an expected range vector: first, last, step.
    pub(crate) range_vector: Option<(i64, i64, i64)>,
    /// Whether series must come in the order given.
    pub(crate) ordered: bool,
    /// What an error must say; `None` where none is expected.
    pub(crate) failure: Option<Text>,
    /// What is expected of the remarks.
    pub(crate) remarks: Vec<Remark>,
}

/// When a case is evaluated, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// At one instant.
    Instant(i64),
    /// From, to, step.
    Range(i64, i64, i64),
}

/// The expected value.
#[derive(Debug)]
pub(crate) enum Expected {
    /// Series, with one sample for an instant query.
    Series(Vec<Series>),
    /// A number.
    Scalar(f64),
    /// Text.
    Text(String),
}

/// What a message must be like.
#[derive(Debug)]
pub(crate) enum Text {
    /// Anything.
    Any,
    /// Exactly this.
    Exactly(String),
    /// Something that this expression finds.
    Matching(Regex),
}

/// An expectation about remarks.
#[derive(Debug)]
pub(crate) enum Remark {
    /// There is a warning like this.
    Warning(Text),
    /// There is an info like this.
    Info(Text),
    /// There is no warning.
    NoWarning,
    /// There is no info.
    NoInfo,
}

impl Text {
    /// Whether a message is as expected.
    pub(crate) fn accepts(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(text) => text == message,
            Self::Matching(pattern) => pattern.is_match(message),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("(any)"),
            Self::Exactly(text) => f.write_str(text),
            Self::Matching(pattern) => write!(f, "/{pattern}/"),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Series(series) if series.len() == 1 => f.write_str("1 series"),
            Self::Series(series) => write!(f, "{} series", series.len()),
            Self::Scalar(value) => write!(f, "the number {value}"),
            Self::Text(text) => write!(f, "the text {}", labels::Quoted(text)),
        }
    }
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// Reads a script.
pub(crate) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut next = 0;
    while let Some(&line) = lines.get(next) {
        let number = next + 1;
        next += 1;
        if line.is_empty() {
            continue;
        }
        let block = lines[next..].iter().take_while(|line| !line.is_empty()).count();
        let keyword = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let error = |(offset, reason): (usize, String)| ScriptError { line: number + offset, reason };
        if keyword == "clear" {
            commands.push(Command::Clear);
        } else if keyword.starts_with("load") {
            commands.push(load(line, &lines[next..next + block]).map_err(error)?);
            next += block;
        } else if keyword.starts_with("eval") {
            let (case, used) = eval(line, number, &lines[next..next + block]).map_err(error)?;
            commands.push(Command::Eval(Box::new(case)));
            next += used;
        } else {
            return Err(error((0, format!("unknown command {keyword:?}"))));
        }
    }
    Ok(commands)
}

/// An error and how many lines below the command it is.
type Located<T> = Result<T, (usize, String)>;

fn load(line: &str, block: &[&str]) -> Located<Command> {
    let mut words = line.split_whitespace();
    let with_native = words.next() == Some("load_with_nhcb");
    let step = words.next().and_then(series::duration).ok_or((0, "load needs a step".to_owned()))?;
    let mut loaded = Vec::new();
    for (index, line) in block.iter().enumerate() {
        // Times at which counters began: not stored here.
        if line.split_whitespace().next().is_some_and(|series| series.ends_with("@st")) {
            continue;
        }
        loaded.push(series::parse(line).map_err(|reason| (index + 1, reason))?);
    }
    Ok(Command::Load(Load { step, series: loaded, with_native }))
}

fn eval(line: &str, number: usize, block: &[&str]) -> Located<(Case, usize)> {
    let first = |reason: &str| (0, reason.to_owned());
    let (command, rest) = split_word(line);
    let (kind, rest) = split_word(rest);
    let (times, query) = match kind {
        "instant" => {
            let (at, rest) = after_keyword(rest, "at").ok_or(first("expected `at <time>`"))?;
            (Times::Instant(at), rest)
        }
        "range" => {
            let parsed = after_keyword(rest, "from").and_then(|(from, rest)| {
                let (to, rest) = after_keyword(rest, "to")?;
                let (step, rest) = after_keyword(rest, "step")?;
                Some((Times::Range(from, to, step), rest))
            });
            parsed.ok_or(first("expected `from <time> to <time> step <duration>`"))?
        }
        _ => return Err(first("expected `instant` or `range`")),
    };
    let mut case = Case {
        line: number,
        query: query.to_owned(),
        times,
        value: Expected::Series(Vec::new()),
        range_vector: None,
        ordered: false,
        failure: None,
        remarks: Vec::new(),
    };
    match command.strip_prefix("eval").unwrap_or_default() {
        "" => {}
        "_fail" => case.failure = Some(Text::Any),
        "_ordered" => case.ordered = true,
        "_warn" => case.remarks.push(Remark::Warning(Text::Any)),
        "_info" => case.remarks.push(Remark::Info(Text::Any)),
        _ => return Err(first("unknown kind of eval")),
    }
    let mut expected = Vec::new();
    for (index, line) in block.iter().enumerate() {
        let located = |reason| (index + 1, reason);
        if let Some(message) = line.strip_prefix("expected_fail_message") {
            case.failure = Some(Text::Exactly(message.trim().to_owned()));
        } else if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
            case.failure = Some(matching(pattern).map_err(located)?);
        } else if split_word(line).0 == "expect" {
            expect(split_word(line).1, &mut case).map_err(located)?;
        } else if let Some(value) = series::number(line) {
            case.value = Expected::Scalar(value);
            return Ok((case, index + 1));
        } else {
            expected.push(series::parse(line).map_err(located)?);
        }
    }
    if !matches!(case.value, Expected::Text(_)) {
        case.value = Expected::Series(expected);
    }
    Ok((case, block.len()))
}

fn expect(line: &str, case: &mut Case) -> Result<(), String> {
    let (kind, rest) = split_word(line);
    match kind {
        "range" => {
            let times = rest.strip_prefix("vector").map(str::trim_start).and_then(|rest| {
                let (from, rest) = after_keyword(rest, "from")?;
                let (to, rest) = after_keyword(rest, "to")?;
                let (step, rest) = after_keyword(rest, "step")?;
                rest.is_empty().then_some((from, to, step))
            });
            case.range_vector =
                Some(times.ok_or("expected `range vector from <time> to <time> step <duration>`")?);
        }
        "string" => {
            let text =
                promql::parse(rest, promql::ParseOptions::default()).map_err(|error| error.to_string())?;
            match text.kind {
                promql::ast::ExprKind::String(text) => case.value = Expected::Text(text),
                _ => return Err("expected a quoted string".into()),
            }
        }
        "ordered" => case.ordered = true,
        "fail" => case.failure = Some(text(rest)?),
        "warn" => case.remarks.push(Remark::Warning(text(rest)?)),
        "info" => case.remarks.push(Remark::Info(text(rest)?)),
        "no_warn" => case.remarks.push(Remark::NoWarning),
        "no_info" => case.remarks.push(Remark::NoInfo),
        _ => return Err(format!("unknown expectation {kind:?}")),
    }
    Ok(())
}

/// `msg: …`, `regex: …` or nothing.
fn text(rest: &str) -> Result<Text, String> {
    if rest.is_empty() {
        Ok(Text::Any)
    } else if let Some(message) = rest.strip_prefix("msg:") {
        Ok(Text::Exactly(message.trim().to_owned()))
    } else if let Some(pattern) = rest.strip_prefix("regex:") {
        matching(pattern)
    } else {
        Err(format!("expected `msg:` or `regex:` instead of {rest:?}"))
    }
}

fn matching(pattern: &str) -> Result<Text, String> {
    Regex::new(pattern.trim()).map(Text::Matching).map_err(|error| error.to_string())
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The duration behind a keyword, and the rest.
fn after_keyword<'a>(text: &'a str, keyword: &str) -> Option<(i64, &'a str)> {
    let (word, rest) = split_word(text);
    let (duration, rest) = split_word(rest);
    (word == keyword).then(|| series::duration(duration)).flatten().map(|duration| (duration, rest))
}

/// How many of the items are histograms.
pub(crate) fn has_histogram(series: &Series) -> bool {
    series.items.contains(&Item::Histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_list_of_commands() {
        let commands = parse(
            "# comment\nload 10s\n  m{a=\"1\"} 1 2\n  # inside\n\nclear\n\
             eval instant at 1m sum(m)\n  expect no_warn\n  {} 3\n\
             \neval range from 0 to 1m step 30s time()\n  {} 0 30 60\n",
        );
        let commands = commands.unwrap();
        assert_eq!(commands.len(), 4);
        let Command::Load(load) = &commands[0] else { panic!("{commands:?}") };
        assert_eq!((load.step, load.series.len()), (10_000, 1));
        let Command::Eval(case) = &commands[2] else { panic!("{commands:?}") };
        assert_eq!((case.line, case.query.as_str(), case.times), (7, "sum(m)", Times::Instant(60_000)));
        assert!(matches!(case.remarks[..], [Remark::NoWarning]));
        let Command::Eval(case) = &commands[3] else { panic!("{commands:?}") };
        assert_eq!(case.times, Times::Range(0, 60_000, 30_000));
    }

    #[test]
    fn a_scalar_ends_its_case() {
        let commands = parse("eval instant at 0 1+1\n  2\neval instant at 0 2\n  2").unwrap();
        assert_eq!(commands.len(), 2);
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        for (text, line) in [
            ("\nevaluate x", 2),
            ("\nfoo", 2),
            ("load 5m\n  m{a} 1\n  m 1 x", 3),
            ("eval instant at x m", 1),
            ("eval instant at 0 m\n  expect what", 2),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
