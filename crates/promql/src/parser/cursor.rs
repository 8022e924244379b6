//! The position in the list of words, and the messages for words that do not fit.

use labels::RegexBudget;

use crate::ast::Span;
use crate::engine::Stop;
use crate::parser::hints;
use crate::parser::token::{Keyword, Token, TokenKind};
use crate::parser::{ParseError, ParseOptions, Parsed, Parsing, error, lexer};

/// The deepest nesting and the longest chain of operators. Parsing, checking, printing, evaluating and dropping a tree
/// all recurse, and a server's threads have 2 MiB of stack.
pub(super) const MAX_DEPTH: usize = 256;

/// Walks the words; the grammar's rules are methods in the modules beside this one.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) options: ParseOptions,
    parsing: &'a Parsing<'a>,
    /// Set when the caller wanted no more.
    pub(super) stopped: Option<Stop>,
    tokens: Vec<Token>,
    position: usize,
    /// The brackets that are open, outermost first.
    open: Vec<(TokenKind, Span)>,
    pub(super) depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, parsing: &'a Parsing<'a>) -> Self {
        Self {
            text,
            options: parsing.options,
            parsing,
            stopped: None,
            tokens: lexer::tokens(text),
            position: 0,
            open: Vec::new(),
            depth: 0,
        }
    }

    /// What is left for regular expressions. An error, which nobody sees, when the caller wants no more.
    pub(super) fn regexes(&mut self) -> Parsed<&'a RegexBudget> {
        self.stopped = (self.parsing.interrupt)();
        match self.stopped {
            None => Ok(self.parsing.regexes),
            Some(_) => Err(error("stopped", self.span(), None)),
        }
    }

    /// The current word.
    pub(super) fn peek(&self) -> &TokenKind {
        &self.tokens[self.position].kind
    }

    /// The word `ahead` words behind the current one.
    pub(super) fn peek_at(&self, ahead: usize) -> &TokenKind {
        &self.tokens[(self.position + ahead).min(self.tokens.len() - 1)].kind
    }

    /// Where the current word stands.
    pub(super) fn span(&self) -> Span {
        self.tokens[self.position].span
    }

    /// The word before the current one.
    pub(super) fn previous(&self) -> Option<&Token> {
        self.behind(1)
    }

    /// The word so many words before the current one.
    pub(super) fn behind(&self, words: usize) -> Option<&Token> {
        self.position.checked_sub(words).map(|index| &self.tokens[index])
    }

    /// Goes to the next word and gives the span of the one passed. The end is never passed.
    pub(super) fn advance(&mut self) -> Span {
        let span = self.span();
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        span
    }

    /// Passes the current word if it is of this kind.
    pub(super) fn accept(&mut self, kind: &TokenKind) -> Option<Span> {
        (self.peek() == kind).then(|| self.advance())
    }

    /// The current word's keyword, where it has one.
    pub(super) fn keyword(&self) -> Option<Keyword> {
        match self.peek() {
            TokenKind::Name(keyword) => *keyword,
            _ => None,
        }
    }

    pub(super) fn accept_keyword(&mut self, keyword: Keyword) -> Option<Span> {
        (self.keyword() == Some(keyword)).then(|| self.advance())
    }

    /// Passes an opening bracket; the caller has seen that there is one.
    pub(super) fn open(&mut self) -> Span {
        let kind = self.peek().clone();
        let span = self.advance();
        self.open.push((kind, span));
        span
    }

    /// Passes the bracket that closes the innermost open one, or complains with what else would have fitted here.
    pub(super) fn close(&mut self, context: &str, expected: &str) -> Parsed<Span> {
        let closing = self.open.last().and_then(|(kind, _)| closing_of(kind));
        if closing.as_ref() != Some(self.peek()) {
            return Err(self.unexpected(context, expected));
        }
        self.open.pop();
        Ok(self.advance())
    }

    /// The innermost open bracket.
    pub(super) fn innermost_open(&self) -> Option<&(TokenKind, Span)> {
        self.open.last()
    }

    /// The complaint that the current word does not fit.
    pub(super) fn unexpected(&self, context: &str, expected: &str) -> Box<ParseError> {
        let span = self.span();
        match self.peek() {
            TokenKind::Invalid(error) => return error.clone(),
            TokenKind::End => {
                if let Some((kind, opener)) = self.open.last() {
                    return unclosed(kind, *opener);
                }
            }
            _ => {}
        }
        let found = self.peek().describe(span.of(self.text));
        let mut message = format!("unexpected {found}");
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        error(message, span, hints::for_unexpected_word(self, context))
    }

    /// The keyword or name that stands before the innermost open bracket.
    pub(super) fn before_open(&self) -> Option<&Token> {
        let (_, opener) = self.open.last()?;
        let index = self.tokens[..self.position].iter().rposition(|token| token.span == *opener)?;
        index.checked_sub(1).map(|index| &self.tokens[index])
    }

    /// The keyword whose list of labels ends before the current word, or that stands there itself without one.
    pub(super) fn keyword_of_list_before(&self) -> Option<Keyword> {
        let before = &self.tokens[..self.position];
        let keyword = match &before.last()?.kind {
            TokenKind::RightParen => {
                let opener = before.iter().rposition(|token| token.kind == TokenKind::LeftParen)?;
                &before[opener.checked_sub(1)?].kind
            }
            kind => kind,
        };
        match keyword {
            TokenKind::Name(name) if keyword.takes_labels() => *name,
            _ => None,
        }
    }

    /// How many words ahead the list of labels ends whose words begin `ahead` words ahead. `None`: it does not end before
    /// something else comes.
    pub(super) fn end_of_list(&self, ahead: usize) -> Option<usize> {
        let is_inside =
            |kind: &TokenKind| matches!(kind, TokenKind::Name(_) | TokenKind::String(_) | TokenKind::Comma);
        let end = (ahead..self.tokens.len()).find(|ahead| !is_inside(self.peek_at(*ahead)))?;
        (*self.peek_at(end) == TokenKind::RightParen).then_some(end)
    }

    /// Runs a rule that may contain itself, one level down.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep(self.span()));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    pub(super) fn too_deep(&self, span: Span) -> Box<ParseError> {
        error(
            format!("the expression is nested more than {MAX_DEPTH} levels deep"),
            span,
            Some("parentheses and chained operators count; split the query".into()),
        )
    }
}

fn closing_of(opening: &TokenKind) -> Option<TokenKind> {
    match opening {
        TokenKind::LeftParen => Some(TokenKind::RightParen),
        TokenKind::LeftBrace => Some(TokenKind::RightBrace),
        TokenKind::LeftBracket => Some(TokenKind::RightBracket),
        _ => None,
    }
}

fn unclosed(opening: &TokenKind, span: Span) -> Box<ParseError> {
    let (name, closing) = match opening {
        TokenKind::LeftBrace => ("brace", '}'),
        TokenKind::LeftBracket => ("bracket", ']'),
        _ => ("parenthesis", ')'),
    };
    error(
        format!("unclosed left {name}"),
        span,
        Some(format!("what is opened here has no closing \"{closing}\"")),
    )
}
