//! What a rule is.

use std::fmt;

use crate::finding::Findings;
use crate::live::{Live, Look};
use crate::subject::{Dashboard, Subject};

/// How bad it is when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// Will mislead or disturb somebody.
    Warning,
    /// Is wrong or does not work.
    Error,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a rule has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// The dashboards alone.
    Static,
    /// The catalogue of the receivers' metrics besides.
    Catalogue,
    /// Answers to the queries.
    Live,
}

impl Needs {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Catalogue => "catalogue",
            Self::Live => "live",
        }
    }
}

/// Whether `--fix` mends what a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixable {
    /// It takes somebody who knows what was meant.
    No,
    /// Where there is only one way; the text says what is done.
    Yes(&'static str),
}

/// Something that breaks a rule, or keeps to it. It is a part of a dashboard that keeps to every rule otherwise, see
/// [`crate::examples`].
#[derive(Clone, Copy, Debug)]
pub enum Example {
    /// PromQL of a time series panel.
    Query(&'static str),
    /// A JSON merge patch (RFC 7396) for a time series panel.
    Panel(&'static str),
    /// A JSON merge patch for a stat panel.
    Stat(&'static str),
    /// A JSON merge patch for a table of two joined queries.
    Table(&'static str),
    /// A JSON merge patch for the query variable `namespace`.
    Variable(&'static str),
    /// A JSON merge patch for a dashboard.
    Dashboard(&'static str),
    /// Merge patches for several dashboards of one set.
    Set(&'static [&'static str]),
    /// The text of a file.
    File(&'static str),
    /// There is none: the rule needs more than dashboards.
    None,
}

/// How a rule looks.
#[derive(Clone, Copy)]
pub enum Check {
    /// At one dashboard after the other; in parallel.
    Dashboard(fn(&Dashboard, &Subject, &mut Findings<'_>)),
    /// At all together.
    Set(fn(&Subject, &mut Findings<'_>)),
    /// At one dashboard with its answers after the other, see [`crate::live`]; in parallel.
    Look(fn(&Look<'_>, &Live<'_>, &mut Findings<'_>)),
    /// Elsewhere: after all others.
    Elsewhere,
    /// Not at all, for this reason: the other side of the comparison is missing.
    NotApplicable(&'static str),
}

/// A rule. Each has a file of its own, which holds this as `RULE`.
#[derive(Clone, Copy)]
pub struct Rule {
    /// `J02`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it asks for, in a few words.
    pub title: &'static str,
    /// What goes wrong otherwise, in a sentence or two.
    pub why: &'static str,
    /// What it has to know.
    pub needs: Needs,
    /// Whether `--fix` helps.
    pub fix: Fixable,
    /// What breaks it.
    pub bad: Example,
    /// The same done well.
    pub good: Example,
    /// How it looks.
    pub check: Check,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}
