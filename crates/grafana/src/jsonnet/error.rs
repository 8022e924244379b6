//! What went wrong, and where: enough to draw a caret under the guilty characters.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A source text that an evaluation read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How messages name it: the path relative to its root, or the name given to a snippet.
    pub name: String,
    /// The file on this machine; nothing for snippets, inputs and the engine's own library.
    pub path: Option<PathBuf>,
    /// The whole text.
    pub text: String,
}

/// A range of characters in a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The text that [`range`](Self::range) points into.
    pub source: Arc<Source>,
    /// Byte offsets into the text of the source, on character boundaries.
    pub range: Range<usize>,
}

impl Place {
    /// Keeps the range inside the text and on character boundaries, whatever the engine said.
    pub(super) fn new(source: Arc<Source>, range: Range<usize>) -> Self {
        let text = &source.text;
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(range.start);
        let end = floor(range.end).max(start);
        Self { source, range: start..end }
    }

    /// The line of the first character, counted from 1.
    pub fn line(&self) -> usize {
        self.source.text[..self.range.start].matches('\n').count() + 1
    }

    /// The column of the first character, counted in characters from 1.
    pub fn column(&self) -> usize {
        let before = &self.source.text[..self.range.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        before[line_start..].chars().count() + 1
    }

    /// The characters that the place covers.
    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }

    /// The whole line that the first character stands on, without its end.
    pub fn line_text(&self) -> &str {
        let text = &self.source.text;
        let start = text[..self.range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[self.range.start..].find('\n').map_or(text.len(), |length| self.range.start + length);
        text[start..end].trim_end_matches('\r')
    }
}

/// `file:line:column`, as compilers write it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}

/// The default would print whole files.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.text())
    }
}

/// What the evaluation was doing when it failed: one step of the stack trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// `function <panel>`, `field <targets>`, `import` …
    pub doing: String,
    /// Where, when the engine knows.
    pub place: Option<Place>,
}

/// In which phase it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no Jsonnet, or names something that does not exist.
    Syntax,
    /// A file could not be imported.
    Import,
    /// The program failed while it ran, by itself (`error`, `assert`) or by a mistake.
    Evaluation,
    /// The program was stopped: too deep, too long or too large.
    Limit,
    /// The engine itself failed.
    Engine,
}

/// Why an evaluation gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default())]
pub struct Error {
    /// In which phase it failed.
    pub kind: ErrorKind,
    /// One sentence without place.
    pub message: String,
    /// The guilty characters, when they are known.
    pub place: Option<Place>,
    /// Places that belong to the story, for example the first of two equal names.
    pub related: Vec<(Place, String)>,
    /// How the evaluation came there, innermost step first.
    pub stack: Vec<Frame>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>, place: Option<Place>) -> Self {
        Self { kind, message: message.into(), place, related: Vec::new(), stack: Vec::new() }
    }

    /// The first place that is known: the guilty one, else the innermost of the stack.
    pub fn nearest_place(&self) -> Option<&Place> {
        self.place.as_ref().or_else(|| self.stack.iter().find_map(|frame| frame.place.as_ref()))
    }
}
