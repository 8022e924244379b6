//! Vector selectors and lists of labels.

use labels::{METRIC_NAME, MatchOp, Matcher, RegexBudget, shortened};

use crate::ast::{BinaryOp, Expr, ExprKind, LabelMatcher, Span, TimeModifiers, VectorSelector};
use crate::parser::cursor::Cursor;
use crate::parser::token::{Keyword, TokenKind};
use crate::parser::{Parsed, error, hints};

impl Cursor<'_> {
    /// `name`, `name{…}` or `{…}`; the caller has seen that the current word begins one of them.
    pub(super) fn vector_selector(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let mut selector = VectorSelector {
            name: None,
            matchers: Vec::new(),
            modifiers: TimeModifiers::default(),
            extension: None,
        };
        let mut span = start;
        let named_outside = matches!(self.peek(), TokenKind::Name(_));
        if named_outside {
            selector.set_name(start.of(self.text), start);
            self.advance();
        }
        if *self.peek() == TokenKind::LeftBrace {
            span = span.to(self.matchers(&mut selector)?);
        }
        if named_outside
            && let Some(second) = selector.matchers[1..].iter().find(|m| m.matcher.name() == METRIC_NAME)
        {
            let message = format!(
                "metric name must not be set twice: {:?} or {:?}",
                start.of(self.text),
                second.matcher.value()
            );
            return Err(error(message, second.span, Some(hints::METRIC_NAME_TWICE.into())));
        }
        Ok(Expr::new(ExprKind::Vector(selector), span))
    }

    /// `{…}`; gives the span of the braces.
    fn matchers(&mut self, selector: &mut VectorSelector) -> Parsed<Span> {
        const CONTEXT: &str = "label matching";
        let start = self.open();
        if *self.peek() == TokenKind::RightBrace {
            return Ok(start.to(self.close(CONTEXT, "")?));
        }
        loop {
            self.matcher(selector)?;
            if self.accept(&TokenKind::Comma).is_none() || *self.peek() == TokenKind::RightBrace {
                return Ok(start.to(self.close(CONTEXT, "\",\" or \"}\"")?));
            }
        }
    }

    /// `label="value"`, `"label"="value"` or `"metric name"`.
    fn matcher(&mut self, selector: &mut VectorSelector) -> Parsed<()> {
        const CONTEXT: &str = "label matching";
        let name_span = self.span();
        let (name, quoted) = match self.peek() {
            TokenKind::Name(_) => (name_span.of(self.text).to_owned(), false),
            TokenKind::String(name) => (name.clone(), true),
            _ => return Err(self.unexpected(CONTEXT, "a label name or \"}\"")),
        };
        self.advance();
        let op = match self.peek() {
            TokenKind::Assign => MatchOp::Equal,
            TokenKind::Operator(BinaryOp::Ne) => MatchOp::NotEqual,
            TokenKind::RegexMatch => MatchOp::Regex,
            TokenKind::RegexNoMatch => MatchOp::NotRegex,
            TokenKind::Comma | TokenKind::RightBrace if quoted => {
                selector.set_name(&name, name_span);
                return Ok(());
            }
            _ => return Err(self.unexpected(CONTEXT, "one of = != =~ !~")),
        };
        self.advance();
        let TokenKind::String(value) = self.peek() else {
            return Err(self.unexpected(CONTEXT, "a string"));
        };
        let value = value.clone();
        let value_span = self.advance();
        let matcher = match op {
            MatchOp::Equal | MatchOp::NotEqual => Matcher::within(&name, op, &value, &RegexBudget::new(0)),
            MatchOp::Regex | MatchOp::NotRegex => Matcher::within(&name, op, &value, self.regexes()?),
        };
        let matcher = matcher.map_err(|bad| {
            let (hint, shown) = (hints::for_bad_regex(&bad), shortened(&value));
            error(format!("error parsing regexp: {}: {shown:?}", bad.reason), value_span, hint)
        })?;
        selector.matchers.push(LabelMatcher { matcher, span: name_span.to(value_span) });
        Ok(())
    }

    /// `(label, "other label")`: the labels and the span of the parentheses.
    pub(super) fn label_list(&mut self) -> Parsed<(Vec<String>, Span)> {
        const CONTEXT: &str = "grouping opts";
        if *self.peek() != TokenKind::LeftParen {
            return Err(self.unexpected(CONTEXT, "\"(\""));
        }
        let start = self.open();
        let mut labels = Vec::new();
        while *self.peek() != TokenKind::RightParen {
            let span = self.span();
            let label = match self.peek() {
                TokenKind::Name(keyword) if keyword.is_none_or(Keyword::may_name_a_label) => {
                    span.of(self.text).to_owned()
                }
                TokenKind::String(name) if name.is_empty() => {
                    let hint = hints::EMPTY_LABEL.to_owned();
                    return Err(error("invalid label name for grouping: \"\"", span, Some(hint)));
                }
                TokenKind::String(name) => name.clone(),
                _ => return Err(self.unexpected(CONTEXT, "a label")),
            };
            self.advance();
            labels.push(label);
            if self.accept(&TokenKind::Comma).is_none() {
                break;
            }
        }
        let end = self.close(CONTEXT, "\",\" or \")\"")?;
        Ok((labels, start.to(end)))
    }
}

impl VectorSelector {
    /// Sets the name and puts its matcher first, so that a selector has one form wherever the name was written. A second
    /// quoted name is one more condition, which no series satisfies unless both are the same.
    fn set_name(&mut self, name: &str, span: Span) {
        let matcher = LabelMatcher { matcher: Matcher::equal(METRIC_NAME, name), span };
        if self.name.is_none() {
            self.name = Some(name.to_owned());
            self.matchers.insert(0, matcher);
        } else {
            self.matchers.push(matcher);
        }
    }
}
