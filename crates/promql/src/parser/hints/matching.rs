//! Hints about lists of labels, and the modifiers that have them: `by (…)`, `on (…) group_left (…)`.

use super::names::nearest;
use super::words::{current, previous};
use crate::ast::BinaryOp;
use crate::parser::cursor::Cursor;
use crate::parser::token::{Keyword, Token, TokenKind, binary_operator, shorten};

/// For `on ("")`.
pub(in crate::parser) const EMPTY_LABEL: &str = "a label has a name; a list without labels is written ()";

/// For the cursor's current word, which does not fit into a list of labels, or does not begin one.
pub(super) fn in_label_list(cursor: &Cursor<'_>) -> Option<String> {
    let Some(keyword) = cursor.before_open().filter(|token| token.kind.takes_labels()) else {
        return instead_of_list(cursor);
    };
    let found = current(cursor);
    let (before_kind, before) = previous(cursor)?;
    let group = is_group(&keyword.kind);
    let keyword = keyword.span.of(cursor.text);
    let behind_label = matches!(before_kind, TokenKind::Name(_) | TokenKind::String(_));
    let aggregates = matches!(before_kind, TokenKind::Name(Some(Keyword::Aggregate(_))));
    Some(match cursor.peek() {
        TokenKind::Name(Some(Keyword::Without)) if !behind_label => {
            "a label that is called like this keyword stands in quotes: \"without\"".into()
        }
        TokenKind::Name(_) | TokenKind::LeftParen if group && aggregates => operand_behind(keyword),
        TokenKind::Name(_) | TokenKind::String(_) if behind_label => match cursor.end_of_list(0) {
            Some(_) => "a comma is missing between the labels".into(),
            None => not_closed(cursor, keyword),
        },
        TokenKind::LeftParen if behind_label => not_closed(cursor, keyword),
        TokenKind::LeftParen => format!("one pair of parentheses is enough: {keyword} (label)"),
        TokenKind::Operator(BinaryOp::Sub) if let Some(name) = name_with_hyphens(cursor) => {
            format!("such a label name stands in quotes: \"{}\"", shorten(name, 60))
        }
        TokenKind::Operator(_) if group => operand_behind(keyword),
        TokenKind::Assign | TokenKind::RegexMatch | TokenKind::RegexNoMatch | TokenKind::Operator(_) => {
            "only names of labels stand here; conditions belong in a selector's braces".into()
        }
        TokenKind::Comma => "a label is missing before the comma".into(),
        TokenKind::Number(_) | TokenKind::Duration(_) => {
            format!("a label name that begins with a digit stands in quotes: \"{}\"", shorten(found, 40))
        }
        TokenKind::LeftBrace if group => operand_behind(keyword),
        TokenKind::LeftBrace => "labels stand in parentheses, not in braces".into(),
        TokenKind::LeftBracket => "labels stand in parentheses, not in brackets".into(),
        _ if before == "," => "a label is missing behind the comma".into(),
        _ => return None,
    })
}

fn is_group(kind: &TokenKind) -> bool {
    matches!(kind, TokenKind::Name(Some(Keyword::GroupLeft | Keyword::GroupRight)))
}

fn operand_behind(keyword: &str) -> String {
    format!(
        "a parenthesis behind {keyword} holds labels; before an operand in parentheses write {keyword} ()"
    )
}

/// What stands where the list of labels should begin.
fn instead_of_list(cursor: &Cursor<'_>) -> Option<String> {
    let (_, keyword) = previous(cursor)?;
    Some(match cursor.peek() {
        TokenKind::Name(_) | TokenKind::String(_) => {
            format!("labels stand in parentheses: {keyword} ({})", shorten(current(cursor), 40))
        }
        TokenKind::LeftBrace => "labels stand in parentheses, not in braces".into(),
        TokenKind::LeftBracket => "labels stand in parentheses, not in brackets".into(),
        _ => format!("labels stand in parentheses: {keyword} (label)"),
    })
}

/// A list that goes on with what should stand behind it.
fn not_closed(cursor: &Cursor<'_>, keyword: &str) -> String {
    let list = cursor.innermost_open().zip(cursor.previous()).map(|((_, opener), last)| opener.to(last.span));
    match list.map(|span| span.of(cursor.text)).filter(|list| list.len() <= 60 && !list.contains('\n')) {
        Some(list) => format!("the list of labels is not closed yet: {keyword} {list})"),
        None => format!("the list of labels is not closed yet: {keyword} (…)"),
    }
}

/// `a-b` around the current word, where that has no spaces.
fn name_with_hyphens<'a>(cursor: &Cursor<'a>) -> Option<&'a str> {
    let span = cursor.span();
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let (before, after) = (&cursor.text[..span.start], &cursor.text[span.end..]);
    let start = before
        .rfind(|c| !belongs(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let end = after.find(|c| !belongs(c)).unwrap_or(after.len());
    (start < span.start && end > 0).then(|| &cursor.text[start..span.end + end])
}

/// For `group_left {label}`, whose braces are read as a selector.
pub(super) fn for_labels_in_braces(cursor: &Cursor<'_>) -> Option<String> {
    let group = cursor.before_open().filter(|token| is_group(&token.kind))?;
    let keyword = group.span.of(cursor.text);
    matches!(cursor.peek(), TokenKind::Comma | TokenKind::RightBrace)
        .then(|| format!("labels stand in parentheses, not in braces: {keyword} (label)"))
}

/// For `group_left label b`, whose label is read as the operand.
pub(super) fn for_bare_label(cursor: &Cursor<'_>) -> Option<String> {
    let group = cursor.behind(2).filter(|token| is_group(&token.kind))?;
    let Token { kind: TokenKind::Name(_) | TokenKind::String(_), span } = cursor.previous()? else {
        return None;
    };
    let (keyword, label) = (group.span.of(cursor.text), shorten(span.of(cursor.text), 40));
    Some(format!("labels stand in parentheses: {keyword} ({label})"))
}

/// For the end of the query behind `on (…)` or `group_left (…)`.
pub(super) fn for_missing_operand(cursor: &Cursor<'_>) -> String {
    match cursor.keyword_of_list_before() {
        Some(Keyword::GroupLeft) => operand_behind("group_left"),
        Some(Keyword::GroupRight) => operand_behind("group_right"),
        _ => "the operand on the right is missing: a * on (label) b".into(),
    }
}

/// For a second `on (…)` or `group_left (…)` behind the first.
pub(super) fn for_second_list(cursor: &Cursor<'_>) -> Option<String> {
    use Keyword::{GroupLeft, GroupRight, Ignoring, On};
    match (cursor.keyword_of_list_before()?, cursor.keyword()?) {
        (On | Ignoring, On | Ignoring) => {
            Some("an operator has one list of labels to match on: on (…) or ignoring (…)".into())
        }
        (GroupLeft | GroupRight, GroupLeft | GroupRight) => {
            Some("an operator has one group_left or group_right, for one side only".into())
        }
        _ => None,
    }
}

/// For `onn (label) b` behind an operator, which is read as the call of a function.
pub(in crate::parser) fn for_misspelt_matching(cursor: &Cursor<'_>) -> Option<String> {
    let end = cursor.end_of_list(2)?;
    // Two operands in a row: the first one is none.
    let is_operand = |kind: &TokenKind| match kind {
        TokenKind::Name(Some(Keyword::By | Keyword::Without | Keyword::Offset)) => false,
        TokenKind::Name(_) => binary_operator(kind).is_none(),
        TokenKind::LeftParen | TokenKind::LeftBrace => true,
        _ => false,
    };
    if !is_operand(cursor.peek_at(end + 1)) {
        return None;
    }
    let name = current(cursor).to_ascii_lowercase();
    let behind = cursor.previous().map(|token| &token.kind)?;
    let meant = match cursor.keyword_of_list_before() {
        Some(Keyword::On | Keyword::Ignoring) => {
            nearest(&name, ["group_left", "group_right"]).or(match name.as_str() {
                "left" | "many_to_one" => Some("group_left"),
                "right" | "one_to_many" => Some("group_right"),
                _ => None,
            })
        }
        _ if name == "ignore" => Some("ignoring"),
        _ if binary_operator(behind).is_some() => nearest(&name, ["on", "ignoring"]),
        _ => None,
    };
    // group-left
    let hyphen = || match (cursor.behind(2).map(|token| token.span.of(cursor.text)), name.as_str()) {
        (Some("group"), "left") => Some("group_left"),
        (Some("group"), "right") => Some("group_right"),
        _ => None,
    };
    meant.or_else(hyphen).map(|meant| format!("did you mean {meant:?}?"))
}
