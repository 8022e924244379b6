//! What a rule has found.

use promql::ast::Span;

use crate::fix::Fix;
use crate::pointer::Pointer;
use crate::rule::{Rule, Severity};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do, in a sentence or two.
    pub message: String,
    /// Where.
    pub place: Place,
    /// More that helps to understand it, each in a line of its own.
    pub notes: Vec<String>,
    /// How to mend it, where that is certain.
    pub fix: Option<Fix>,
}

impl Finding {
    /// Adds a way to mend it.
    pub fn fix(&mut self, fix: Fix) -> &mut Self {
        self.fix = Some(fix);
        self
    }

    /// Adds a line that helps to understand it.
    pub fn note(&mut self, note: impl Into<String>) -> &mut Self {
        self.notes.push(note.into());
        self
    }

    /// Makes it worse or less bad than the rule says in general.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }
}

/// Where something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was given to [`crate::Subject`].
    pub file: String,
    /// Where in its JSON, as the pointer is for the dashboard itself, without any wrapper around it.
    pub pointer: Pointer,
    /// The panel.
    pub panel: Option<PanelName>,
    /// The query in the panel: `A`.
    pub ref_id: Option<String>,
    /// The guilty part of the text at `pointer`, in bytes of the (unescaped) string.
    pub span: Option<Span>,
    /// Line and column in the file, from 1, where the file as a whole cannot be read as a dashboard.
    pub line: Option<(usize, usize)>,
}

/// A panel as people know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PanelName {
    /// Its id.
    pub id: Option<i64>,
    /// Its title; its type in brackets where it has none.
    pub title: String,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// Narrower: this key of the object here.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.pointer = self.pointer.key(key);
        self
    }

    /// Narrower: this item of the list here.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.pointer = self.pointer.index(index);
        self
    }

    /// Narrower: this part of the text here.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }
}

/// Collects what one rule finds.
#[derive(Debug)]
pub struct Findings<'a> {
    rule: &'static Rule,
    list: &'a mut Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// For this rule.
    pub fn new(rule: &'static Rule, list: &'a mut Vec<Finding>) -> Self {
        Self { rule, list }
    }

    /// Something is wrong here: what, and what to do.
    pub fn add(&mut self, place: Place, message: impl Into<String>) -> &mut Finding {
        self.list.push(Finding {
            rule: self.rule.id,
            severity: self.rule.severity,
            message: message.into(),
            place,
            notes: Vec::new(),
            fix: None,
        });
        self.list.last_mut().expect("one was pushed just now")
    }
}
