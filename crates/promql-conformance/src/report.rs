//! What came out of scripts.

use std::fmt;

use crate::class::Class;
use crate::expectations::Mode;

/// What came out of one case. An error says in one line what differs.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The line of the script, counted from 1.
    pub line: usize,
    /// The query.
    pub query: String,
    /// What the case is about.
    pub class: Class,
    /// The case as it stands.
    pub result: Result<(), String>,
    /// An instant case as part of a range query.
    pub as_range: Option<Result<(), String>>,
    /// An instant case with its selectors pinned, at other times.
    pub pinned: Option<Result<(), String>>,
    /// The warnings and infos, where the case expects some, or none.
    pub remarks: Option<Result<(), String>>,
}

impl CaseReport {
    /// The outcomes of a case, in all modes in which it was run.
    pub fn outcomes(&self) -> impl Iterator<Item = (Mode, &Result<(), String>)> {
        [
            (Mode::Direct, Some(&self.result)),
            (Mode::AsRange, self.as_range.as_ref()),
            (Mode::Pinned, self.pinned.as_ref()),
            (Mode::Remarks, self.remarks.as_ref()),
        ]
        .into_iter()
        .filter_map(|(mode, outcome)| Some((mode, outcome?)))
    }
}

/// What came out of one script.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The script's name.
    pub name: String,
    /// Its cases, in their order.
    pub cases: Vec<CaseReport>,
}

/// What came out of all scripts.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The scripts, in their order.
    pub files: Vec<FileReport>,
}

/// How many of how many cases passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Those that passed.
    pub passed: usize,
    /// All.
    pub cases: usize,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.passed, self.cases))
    }
}

impl Report {
    /// The score of one script's cases of one class; of all scripts where none is named.
    pub fn score(&self, file: Option<&str>, class: Class, mode: Mode) -> Score {
        let mut score = Score::default();
        let files = self.files.iter().filter(|report| file.is_none_or(|name| name == report.name));
        for case in files.flat_map(|file| &file.cases).filter(|case| case.class == class) {
            for (_, outcome) in case.outcomes().filter(|(of, _)| *of == mode) {
                score.cases += 1;
                score.passed += usize::from(outcome.is_ok());
            }
        }
        score
    }
}

/// A table with one line for each script and class.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<24}{:<14}", "script", "class")?;
        for mode in Mode::ALL {
            write!(f, "{:>11}", mode.as_str())?;
        }
        writeln!(f)?;
        let mut line = |file: Option<&str>, class: Class| {
            if self.score(file, class, Mode::Direct).cases == 0 {
                return Ok(());
            }
            write!(f, "{:<24}{:<14}", file.unwrap_or("all"), class.as_str())?;
            for mode in Mode::ALL {
                write!(f, "{:>11}", self.score(file, class, mode))?;
            }
            writeln!(f)
        };
        for class in Class::ALL {
            for file in &self.files {
                line(Some(&file.name), class)?;
            }
            line(None, class)?;
        }
        Ok(())
    }
}
