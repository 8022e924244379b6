//! Which cases are known to fail, and why.

use std::collections::BTreeMap;
use std::fmt;

use crate::class::Class;
use crate::report::Report;

/// The ways in which a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// As it stands.
    Direct,
    /// An instant case as part of a range query.
    AsRange,
    /// An instant case with its selectors pinned, at other times.
    Pinned,
    /// The warnings and infos.
    Remarks,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::Direct, Self::AsRange, Self::Pinned, Self::Remarks];

    /// The word that stands for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::AsRange => "as-range",
            Self::Pinned => "pinned",
            Self::Remarks => "remarks",
        }
    }
}

/// Cases that are known to fail: one line each, `script:line mode reason`. Cases about native histograms are not
/// listed, because the evaluator does not know these.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    failing: BTreeMap<(String, usize, Mode), String>,
}

/// A line that is no expectation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected `script:line mode reason` instead of {text:?}")]
pub struct ExpectationsError {
    /// The line, counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Expectations {
    /// Reads expectations. Empty lines and those that begin with `#` are ignored.
    ///
    /// # Errors
    /// For any other line that is no expectation.
    pub fn parse(text: &str) -> Result<Self, ExpectationsError> {
        let mut failing = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let parsed = expectation(line)
                .ok_or_else(|| ExpectationsError { line: index + 1, text: line.to_owned() })?;
            failing.insert(parsed.0, parsed.1);
        }
        Ok(Self { failing })
    }

    /// What differs from the expectations: one line for each case that fails although it is not listed, that passes
    /// although it is, or that is listed but does not exist.
    pub fn differences(&self, report: &Report) -> Vec<String> {
        let mut differences = Vec::new();
        let mut left = self.failing.clone();
        for file in &report.files {
            for case in file.cases.iter().filter(|case| case.class != Class::Native) {
                for (mode, outcome) in case.outcomes() {
                    let listed = left.remove(&(file.name.clone(), case.line, mode)).is_some();
                    let place = Place(&file.name, case.line, mode);
                    match outcome {
                        Err(reason) if !listed => {
                            differences.push(format!("{place} fails: {}: {reason}", case.query));
                        }
                        Ok(()) if listed => differences.push(format!("{place} passes now: {}", case.query)),
                        _ => {}
                    }
                }
            }
        }
        let unknown = left.keys().filter(|(name, ..)| report.files.iter().any(|file| file.name == *name));
        differences.extend(unknown.map(|(name, line, mode)| {
            format!("{} is listed, but there is no such case", Place(name, *line, *mode))
        }));
        differences
    }
}

fn expectation(line: &str) -> Option<((String, usize, Mode), String)> {
    let mut words = line.splitn(3, char::is_whitespace);
    let (script, number) = words.next()?.rsplit_once(':')?;
    let mode = words.next()?;
    let mode = Mode::ALL.into_iter().find(|known| known.as_str() == mode)?;
    let reason = words.next()?.trim();
    Some(((script.to_owned(), number.parse().ok()?, mode), reason.to_owned()))
}

struct Place<'a>(&'a str, usize, Mode);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.0, self.1, self.2.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, run_script};

    fn differences(expectations: &str) -> Vec<String> {
        let script = "eval instant at 0 1\n  2\neval instant at 0 2\n  2\n";
        let report = Report { files: vec![run_script("s", script, &Settings::default()).unwrap()] };
        Expectations::parse(expectations).unwrap().differences(&report)
    }

    #[test]
    fn a_failure_that_is_not_listed_is_a_difference() {
        let found = differences("");
        assert_eq!(found.len(), 3, "in all three modes: {found:?}");
        assert!(found[0].starts_with("s:1 direct fails: 1: expected the number 2"), "{found:?}");
    }

    #[test]
    fn a_listed_case_that_passes_or_does_not_exist_is_a_difference() {
        let listed = "# known\ns:1 direct because\ns:1 as-range because\ns:1 pinned because\n";
        assert!(differences(listed).is_empty());
        let more = format!("{listed}s:3 direct because\ns:9 direct because\nother:1 direct elsewhere\n");
        assert_eq!(
            differences(&more),
            ["s:3 direct passes now: 2", "s:9 direct is listed, but there is no such case"]
        );
    }

    #[test]
    fn a_line_without_reason_is_refused() {
        assert_eq!(Expectations::parse("\ns:1 direct\n").unwrap_err().line, 2);
        assert_eq!(Expectations::parse("s:1 sideways because").unwrap_err().line, 1);
    }
}
