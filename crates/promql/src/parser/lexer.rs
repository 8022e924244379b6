//! Text to words.
//!
//! The language reads differently inside braces (names have no colon) and inside brackets (a colon separates), so the
//! lexer keeps track of which it is in. Text that is no word ends the list with one [`TokenKind::Invalid`]; the grammar
//! reports it if it gets that far, because what stands before it is more likely to be the first mistake.

use crate::ast::{BinaryOp, Span};
use crate::parser::ParseError;
use crate::parser::hints;
use crate::parser::literals::{self, BadDuration};
use crate::parser::token::{Keyword, Token, TokenKind, shorten};

/// All words of a query; the last one is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, position: 0, region: Region::Plain };
    let mut tokens = Vec::new();
    let end = loop {
        lexer.skip_blanks_and_comments();
        let start = lexer.position;
        let Some(first) = lexer.peek() else { break None };
        match lexer.word(first) {
            Ok(kind) => {
                lexer.region = lexer.region.after(tokens.last().map(|last: &Token| &last.kind), &kind);
                tokens.push(Token { kind, span: Span::new(start, lexer.position) });
            }
            Err(error) => break Some(error),
        }
    };
    if let Some(error) = end {
        let span = error.span;
        tokens.push(Token { kind: TokenKind::Invalid(error), span });
    }
    let span = tokens.last().map_or(Span::new(0, text.len()), |last| last.span);
    tokens.push(Token { kind: TokenKind::End, span });
    tokens
}

/// Which kind of brackets the lexer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    Plain,
    Braces,
    Brackets,
    /// The parentheses of a list of labels. Read like plain text; what is wrong in it has other reasons.
    Labels,
}

impl Region {
    /// The region behind a word of this kind, which follows a word of the `last` kind.
    fn after(self, last: Option<&TokenKind>, kind: &TokenKind) -> Self {
        match (self, kind) {
            (Self::Plain, TokenKind::LeftParen) if last.is_some_and(TokenKind::takes_labels) => Self::Labels,
            (Self::Plain | Self::Labels, TokenKind::LeftBrace) => Self::Braces,
            (Self::Plain | Self::Labels, TokenKind::LeftBracket) => Self::Brackets,
            (Self::Braces, TokenKind::RightBrace)
            | (Self::Brackets, TokenKind::RightBracket)
            | (Self::Labels, TokenKind::RightParen) => Self::Plain,
            _ => self,
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    region: Region,
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, mut belongs: impl FnMut(char) -> bool) {
        let rest = self.rest();
        self.position += rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| !matches!(c, '\n' | '\r'));
        }
    }

    /// The word that starts with `first` at the current position, which moves behind it.
    fn word(&mut self, first: char) -> Result<TokenKind, Box<ParseError>> {
        let colon_in_names = matches!(self.region, Region::Plain | Region::Labels);
        match first {
            '"' | '\'' | '`' => self.string(first),
            '0'..='9' => self.number_or_duration(),
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number_or_duration(),
            _ if is_name_start(first) || (first == ':' && colon_in_names) => {
                let start = self.position;
                self.take_while(|c| is_name_part(c) || (c == ':' && colon_in_names));
                Ok(self.name(start))
            }
            _ => self.symbol(first),
        }
    }

    fn name(&self, start: usize) -> TokenKind {
        let name = &self.text[start..self.position];
        if self.region == Region::Braces {
            return TokenKind::Name(None);
        }
        if name.eq_ignore_ascii_case("inf") {
            return TokenKind::Number(f64::INFINITY);
        }
        if name.eq_ignore_ascii_case("nan") {
            return TokenKind::Number(f64::NAN);
        }
        let keyword = Keyword::from_text(name).filter(|keyword| match keyword {
            // Younger than the metrics that may bear these names, so keywords only where they can be nothing else.
            Keyword::Fill | Keyword::FillLeft | Keyword::FillRight => {
                self.rest().trim_start_matches([' ', '\t', '\n', '\r']).starts_with('(')
            }
            _ => true,
        });
        TokenKind::Name(keyword)
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind, Box<ParseError>> {
        use BinaryOp::{Add, Div, Eq, Ge, Gt, Le, Lt, Mod, Mul, Ne, Pow, Sub, TrimLower, TrimUpper};
        use TokenKind::Operator;
        let second = self.rest()[first.len_utf8()..].chars().next();
        let (kind, length) = match (first, second) {
            ('(', _) => (TokenKind::LeftParen, 1),
            (')', _) => (TokenKind::RightParen, 1),
            ('{', _) => (TokenKind::LeftBrace, 1),
            ('}', _) => (TokenKind::RightBrace, 1),
            ('[', _) => (TokenKind::LeftBracket, 1),
            (']', _) => (TokenKind::RightBracket, 1),
            (',', _) => (TokenKind::Comma, 1),
            (':', _) if self.region == Region::Brackets => (TokenKind::Colon, 1),
            ('@', _) => (TokenKind::At, 1),
            ('=', Some('=')) => (Operator(Eq), 2),
            ('=', Some('~')) => (TokenKind::RegexMatch, 2),
            ('=', _) => (TokenKind::Assign, 1),
            ('!', Some('=')) => (Operator(Ne), 2),
            ('!', Some('~')) => (TokenKind::RegexNoMatch, 2),
            ('<', Some('=')) => (Operator(Le), 2),
            ('<', Some('/')) => (Operator(TrimUpper), 2),
            ('<', _) => (Operator(Lt), 1),
            ('>', Some('=')) => (Operator(Ge), 2),
            ('>', Some('/')) => (Operator(TrimLower), 2),
            ('>', _) => (Operator(Gt), 1),
            ('+', _) => (Operator(Add), 1),
            ('-', _) => (Operator(Sub), 1),
            ('*', _) => (Operator(Mul), 1),
            ('/', _) => (Operator(Div), 1),
            ('%', _) => (Operator(Mod), 1),
            ('^', _) => (Operator(Pow), 1),
            _ => return Err(self.stranger(first)),
        };
        self.position += length;
        Ok(kind)
    }

    /// A character that begins no word.
    fn stranger(&self, first: char) -> Box<ParseError> {
        let place = match self.region {
            Region::Plain | Region::Labels => "",
            Region::Braces => " inside braces",
            Region::Brackets => " inside brackets",
        };
        let (length, hint) = hints::for_strange_text(self.text, self.position, self.region);
        let length = length.max(first.len_utf8());
        Box::new(ParseError {
            message: format!("unexpected character {first:?}{place}"),
            span: Span::new(self.position, self.position + length),
            hint,
        })
    }

    fn string(&mut self, quote: char) -> Result<TokenKind, Box<ParseError>> {
        let start = self.position;
        let body_start = start + 1;
        let mut escaped = false;
        let end = self.text[body_start..].char_indices().find(|&(_, c)| {
            let ends = !escaped && c == quote || quote != '`' && c == '\n';
            escaped = !escaped && c == '\\' && quote != '`';
            ends
        });
        let Some((length, _)) = end.filter(|&(_, c)| c == quote) else {
            return Err(Box::new(ParseError {
                message: if quote == '`' { "unterminated raw string" } else { "unterminated quoted string" }
                    .into(),
                span: Span::new(start, body_start),
                hint: Some(format!("the string that begins here has no closing {quote}")),
            }));
        };
        let body = &self.text[body_start..body_start + length];
        self.position = body_start + length + 1;
        match literals::unescape(body, quote) {
            Ok(value) => Ok(TokenKind::String(value)),
            Err(bad) => Err(Box::new(ParseError {
                hint: hints::for_bad_escape(&bad.message),
                message: bad.message,
                span: Span::new(body_start + bad.span.start, body_start + bad.span.end),
            })),
        }
    }

    fn number_or_duration(&mut self) -> Result<TokenKind, Box<ParseError>> {
        let start = self.position;
        let is_hex = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        let mut previous = ' ';
        self.take_while(|c| {
            let is_sign_of_exponent = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E') && !is_hex;
            previous = c;
            is_name_part(c) || c == '.' || is_sign_of_exponent
        });
        let text = &self.text[start..self.position];
        if let Some(value) = literals::number(text) {
            return Ok(TokenKind::Number(value));
        }
        let span = Span::new(start, self.position);
        // Only the sign of an exponent, a hexadecimal prefix or a value too large tells a number from a duration here.
        if is_hex || text.contains(['+', '-']) || text.parse::<f64>().is_ok() {
            let message = format!("bad number: {:?}", shorten(text, 40));
            return Err(Box::new(ParseError { message, span, hint: None }));
        }
        let reason = match literals::duration(text) {
            Ok(milliseconds) => return Ok(TokenKind::Duration(milliseconds)),
            Err(reason) => reason,
        };
        let message = match reason {
            BadDuration::TooLong => "duration out of range".to_owned(),
            _ => format!("not a valid number or duration: {:?}", shorten(text, 40)),
        };
        Err(Box::new(ParseError { message, span, hint: hints::for_bad_number(text, reason, self.region) }))
    }
}
