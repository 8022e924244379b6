//! The words of the language.

use crate::ast::{AggregateOp, BinaryOp, Span};
use crate::parser::ParseError;

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name. Keywords are names too wherever the grammar does not need the keyword.
    Name(Option<Keyword>),
    Number(f64),
    /// In milliseconds.
    Duration(i64),
    /// Unescaped.
    String(String),
    Operator(BinaryOp),
    /// `=`
    Assign,
    /// `=~`
    RegexMatch,
    /// `!~`
    RegexNoMatch,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// Text that is no word of the language. Always the last token before the end.
    Invalid(Box<ParseError>),
    /// Its span is that of the last word, for there is nothing to point at behind it.
    End,
}

impl TokenKind {
    /// Whether a list of labels in parentheses follows, or may follow.
    pub(super) fn takes_labels(&self) -> bool {
        use Keyword::{By, GroupLeft, GroupRight, Ignoring, On, Without};
        matches!(self, Self::Name(Some(By | GroupLeft | GroupRight | Ignoring | On | Without)))
    }

    /// What the token is called in messages; `text` is what was written.
    pub(super) fn describe(&self, text: &str) -> String {
        match self {
            Self::End => "end of input".into(),
            Self::Name(None) => format!("identifier {text:?}"),
            Self::Name(Some(_)) => format!("keyword {text:?}"),
            Self::Number(_) => format!("number {text}"),
            Self::Duration(_) => format!("duration {text}"),
            Self::String(_) => format!("string {}", shorten(text, 30)),
            _ => format!("{text:?}"),
        }
    }
}

/// At most `max` characters of a text, for messages. Messages are one line: line breaks become spaces.
pub(super) fn shorten(text: &str, max: usize) -> String {
    let (shown, dots) = match text.char_indices().nth(max) {
        Some((cut, _)) => (&text[..cut], "…"),
        None => (text, ""),
    };
    format!("{}{dots}", shown.replace(['\n', '\r'], " "))
}

/// Names with a meaning of their own. The case of their letters does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Aggregate(AggregateOp),
    Anchored,
    And,
    Atan2,
    Bool,
    By,
    End,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    MaxOf,
    MinOf,
    Offset,
    On,
    Or,
    Range,
    Smoothed,
    Start,
    Step,
    Unless,
    Without,
}

impl Keyword {
    pub(super) fn from_text(text: &str) -> Option<Self> {
        // Longer than any keyword: not worth a lower-case copy.
        if text.len() > 12 {
            return None;
        }
        let text = text.to_ascii_lowercase();
        Some(match text.as_str() {
            "anchored" => Self::Anchored,
            "and" => Self::And,
            "atan2" => Self::Atan2,
            "bool" => Self::Bool,
            "by" => Self::By,
            "end" => Self::End,
            "fill" => Self::Fill,
            "fill_left" => Self::FillLeft,
            "fill_right" => Self::FillRight,
            "group_left" => Self::GroupLeft,
            "group_right" => Self::GroupRight,
            "ignoring" => Self::Ignoring,
            "max_of" => Self::MaxOf,
            "min_of" => Self::MinOf,
            "offset" => Self::Offset,
            "on" => Self::On,
            "or" => Self::Or,
            "range" => Self::Range,
            "smoothed" => Self::Smoothed,
            "start" => Self::Start,
            "step" => Self::Step,
            "unless" => Self::Unless,
            "without" => Self::Without,
            _ => {
                return AggregateOp::ALL.iter().find(|op| op.name() == text).map(|&op| Self::Aggregate(op));
            }
        })
    }

    /// Whether a metric may bear the name without quotes.
    pub(super) fn may_name_a_metric(self) -> bool {
        !matches!(
            self,
            Self::Atan2 | Self::Bool | Self::GroupLeft | Self::GroupRight | Self::Ignoring | Self::On
        )
    }

    /// Whether a label may bear the name without quotes in `by (…)`, `on (…)` and the like. In braces any may.
    pub(super) fn may_name_a_label(self) -> bool {
        self != Self::Without
    }
}

/// The binary operator that a token stands for.
pub(super) fn binary_operator(kind: &TokenKind) -> Option<BinaryOp> {
    match kind {
        TokenKind::Operator(op) => Some(*op),
        TokenKind::Name(Some(Keyword::And)) => Some(BinaryOp::And),
        TokenKind::Name(Some(Keyword::Or)) => Some(BinaryOp::Or),
        TokenKind::Name(Some(Keyword::Unless)) => Some(BinaryOp::Unless),
        TokenKind::Name(Some(Keyword::Atan2)) => Some(BinaryOp::Atan2),
        _ => None,
    }
}
