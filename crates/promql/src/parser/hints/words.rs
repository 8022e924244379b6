//! Hints about words in the wrong place.

use crate::ast::BinaryOp;
use crate::functions::Function;
use crate::parser::cursor::Cursor;
use crate::parser::hints::matching;
use crate::parser::token::{Keyword, Token, TokenKind, shorten};

/// For the cursor's current word, which does not fit into what the rule `context` reads.
pub(in crate::parser) fn for_unexpected_word(cursor: &Cursor<'_>, context: &str) -> Option<String> {
    in_wrong_brackets(cursor).or_else(|| match context {
        "label matching" => in_braces(cursor),
        "grouping opts" => matching::in_label_list(cursor),
        "range" | "subquery step" | "subquery or range" | "subquery selector" | "duration expression" => {
            in_brackets(cursor)
        }
        "offset" => behind_offset(cursor),
        "aggregation" => behind_grouping(cursor),
        "@" => Some("a time is a number of seconds, start() or end()".into()),
        _ => doubled_operator(cursor)
            .or_else(|| misplaced_keyword(cursor))
            .or_else(|| foreign_operator(cursor))
            .or_else(|| missing_operator(cursor)),
    })
}

/// For `name(5m)`, whose cursor stands at the name.
pub(in crate::parser) fn for_range_in_parentheses(cursor: &Cursor<'_>) -> Option<String> {
    let TokenKind::Duration(_) = cursor.peek_at(2) else { return None };
    let name = shorten(current(cursor), 40);
    (*cursor.peek_at(3) == TokenKind::RightParen)
        .then(|| format!("a metric's range stands in square brackets: {name}[5m]"))
}

fn is_closing(kind: &TokenKind) -> bool {
    matches!(kind, TokenKind::RightParen | TokenKind::RightBrace | TokenKind::RightBracket)
}

pub(super) fn current<'a>(cursor: &Cursor<'a>) -> &'a str {
    cursor.span().of(cursor.text)
}

pub(super) fn previous<'a>(cursor: &Cursor<'a>) -> Option<(TokenKind, &'a str)> {
    cursor.previous().map(|Token { kind, span }| (kind.clone(), span.of(cursor.text)))
}

/// A closing bracket that does not belong to the innermost open one.
fn in_wrong_brackets(cursor: &Cursor<'_>) -> Option<String> {
    if !is_closing(cursor.peek()) {
        return None;
    }
    let found = current(cursor);
    let Some((_, span)) = cursor.innermost_open() else {
        return Some(format!("nothing is open that {found:?} could close; remove it"));
    };
    let opener = span.of(cursor.text);
    let closes = matches!((opener, found), ("(", ")") | ("{", "}") | ("[", "]"));
    if closes {
        return None;
    }
    let (line, column) = span.line_and_column(cursor.text);
    Some(format!("the {opener:?} in line {line}, column {column} is still open"))
}

fn in_braces(cursor: &Cursor<'_>) -> Option<String> {
    let found = current(cursor);
    let previous = previous(cursor);
    if let Some(hint) = matching::for_labels_in_braces(cursor) {
        return Some(hint);
    }
    let hint = match (&previous, cursor.peek()) {
        (_, TokenKind::Operator(BinaryOp::Eq)) => "a matcher uses one equals sign: label=\"value\"".into(),
        (_, TokenKind::Operator(BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge)) => {
            "a matcher compares text, with = != =~ !~; compare values behind the braces".into()
        }
        (Some((TokenKind::String(_), _)), TokenKind::Name(_)) if found.eq_ignore_ascii_case("or") => {
            "for \"or\" use a regular expression, label=~\"a|b\", or two selectors joined with or".into()
        }
        (Some((TokenKind::String(_), _)), TokenKind::Name(_)) if found.eq_ignore_ascii_case("and") => {
            "matchers are separated by commas".into()
        }
        (Some((TokenKind::String(_), _)), TokenKind::Name(_) | TokenKind::String(_)) => {
            "a comma is missing between the matchers".into()
        }
        (Some((operator, _)), TokenKind::Name(_) | TokenKind::Number(_) | TokenKind::Duration(_))
            if is_match_operator(operator) =>
        {
            format!("a label's value stands in quotes: \"{}\"", shorten(found, 40))
        }
        (_, TokenKind::Number(_) | TokenKind::Duration(_)) => {
            format!("a label name that begins with a digit stands in quotes: \"{}\"", shorten(found, 40))
        }
        (Some((TokenKind::Name(_), label)), TokenKind::Comma | TokenKind::RightBrace) => {
            format!("a matcher is written {}=\"value\"", shorten(label, 40))
        }
        (_, TokenKind::LeftBrace) => "braces do not nest".into(),
        (_, TokenKind::LeftBracket) => "a range stands behind the braces: name{label=\"value\"}[5m]".into(),
        (_, TokenKind::Comma) => "a matcher is missing before the comma".into(),
        _ => return None,
    };
    Some(hint)
}

fn is_match_operator(kind: &TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Assign
            | TokenKind::RegexMatch
            | TokenKind::RegexNoMatch
            | TokenKind::Operator(BinaryOp::Ne | BinaryOp::Eq)
    )
}

fn in_brackets(cursor: &Cursor<'_>) -> Option<String> {
    let found = current(cursor);
    if matches!(cursor.innermost_open(), Some((TokenKind::LeftBracket, _)))
        && let Some(token) = cursor.before_open()
    {
        let name = token.span.of(cursor.text);
        let aggregates = matches!(token.kind, TokenKind::Name(Some(Keyword::Aggregate(_))));
        if aggregates || Function::from_name(name).is_some() {
            return Some(format!("arguments stand in parentheses: {name}(…)"));
        }
    }
    let hint = match cursor.peek() {
        TokenKind::RightBracket => "name a duration, for example [5m]".into(),
        TokenKind::String(_) => "a duration stands without quotes, for example [5m]".into(),
        TokenKind::Colon => "a subquery is written [range:step], for example [1h:5m]".into(),
        TokenKind::Comma => "a subquery's step stands behind a colon: [1h:5m]".into(),
        TokenKind::LeftBracket => "brackets do not nest".into(),
        TokenKind::Name(_) if found.eq_ignore_ascii_case("max") || found.eq_ignore_ascii_case("min") => {
            format!("for durations write {}_of(a, b)", found.to_ascii_lowercase())
        }
        TokenKind::Name(_) => match previous(cursor) {
            Some((TokenKind::Number(_), number)) => {
                format!("a duration has no space before its unit: {number}{}", shorten(found, 20))
            }
            _ => "a duration is a number with a unit, for example 5m".into(),
        },
        TokenKind::Number(_) | TokenKind::Duration(_) => "a duration has no spaces: 1h30m".into(),
        _ => return None,
    };
    Some(hint)
}

fn behind_offset(cursor: &Cursor<'_>) -> Option<String> {
    match cursor.peek() {
        TokenKind::String(_) => Some("a duration stands without quotes, for example offset 5m".into()),
        _ => Some("name a duration, for example offset 5m".into()),
    }
}

/// For what follows `sum by (label)` without a parenthesis.
fn behind_grouping(cursor: &Cursor<'_>) -> Option<String> {
    let found = current(cursor);
    Some(match cursor.peek() {
        TokenKind::Name(Some(Keyword::By | Keyword::Without)) => {
            "an aggregation has one list of labels; what is aggregated follows it: (…)".into()
        }
        TokenKind::Name(_) => format!("what is aggregated stands in parentheses: ({})", shorten(found, 40)),
        _ => "what is aggregated stands in parentheses behind the labels".into(),
    })
}

fn misplaced_keyword(cursor: &Cursor<'_>) -> Option<String> {
    let keyword = cursor.keyword()?;
    let found = current(cursor).to_ascii_lowercase();
    if let Some(hint) = matching::for_second_list(cursor) {
        return Some(hint);
    }
    let hint = match keyword {
        Keyword::By | Keyword::Without if cursor.innermost_open().is_some() => {
            format!("close the aggregation's parenthesis before {found:?}, or write sum {found} (label) (…)")
        }
        Keyword::By | Keyword::Without => {
            format!("only an aggregation takes {found:?}: sum {found} (label) (…)")
        }
        Keyword::GroupLeft | Keyword::GroupRight => {
            format!(
                "{found} follows on (…) or ignoring (…), which follow the operator: * on (label) {found} (…)"
            )
        }
        Keyword::On | Keyword::Ignoring => {
            format!(
                "{found} (…) stands directly behind the operator between two vectors: a * {found} (label) b"
            )
        }
        Keyword::Bool => "bool stands directly behind a comparison: a > bool 0".into(),
        Keyword::Fill | Keyword::FillLeft | Keyword::FillRight => {
            format!("{found} (…) stands behind an operator and its matching modifiers")
        }
        _ => return None,
    };
    Some(hint)
}

/// `a and and b`: the second one is read as a metric's name.
fn doubled_operator(cursor: &Cursor<'_>) -> Option<String> {
    let (_, before) = previous(cursor)?;
    let is_operator = ["and", "or", "unless"].iter().any(|operator| before.eq_ignore_ascii_case(operator));
    (is_operator && matches!(cursor.peek(), TokenKind::Name(None)))
        .then(|| format!("{before:?} is read as a metric's name here: something is missing before it"))
}

/// Operators of other languages.
fn foreign_operator(cursor: &Cursor<'_>) -> Option<String> {
    use BinaryOp::{Div, Eq, Gt, Lt, Mul};
    let previous = previous(cursor).map(|(kind, _)| kind);
    let hint = match (previous, cursor.peek()) {
        (Some(TokenKind::Operator(Mul)), TokenKind::Operator(Mul)) => "the power is ^",
        (Some(TokenKind::Operator(Lt)), TokenKind::Operator(Gt)) => "not equal is !=",
        (Some(TokenKind::Operator(Div)), TokenKind::Operator(Div | Mul)) => "a comment begins with #",
        (Some(TokenKind::Operator(Eq)), TokenKind::Assign) => "equal is ==",
        (_, TokenKind::Operator(Div)) if matches!(cursor.peek_at(1), TokenKind::Operator(Div | Mul)) => {
            "a comment begins with #"
        }
        (_, TokenKind::Assign) => "equal is ==; conditions on labels stand in braces: name{label=\"value\"}",
        (_, TokenKind::RegexMatch | TokenKind::RegexNoMatch) => {
            "conditions on labels stand in braces: name{label=~\"value\"}"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Two operands in a row, and other things at the end of an expression.
fn missing_operator(cursor: &Cursor<'_>) -> Option<String> {
    let (before_kind, before) = previous(cursor)?;
    let found = current(cursor);
    match cursor.peek() {
        TokenKind::End if matches!(before_kind, TokenKind::Operator(_) | TokenKind::Name(Some(_))) => {
            return Some(format!("something is missing behind {before:?}"));
        }
        TokenKind::End if before_kind == TokenKind::RightParen => {
            return Some(matching::for_missing_operand(cursor));
        }
        TokenKind::Comma if cursor.innermost_open().is_none() => {
            return Some("a query is one expression; join two with \"or\"".into());
        }
        _ => {}
    }
    let begins_operand = matches!(
        cursor.peek(),
        TokenKind::Name(_)
            | TokenKind::Number(_)
            | TokenKind::Duration(_)
            | TokenKind::String(_)
            | TokenKind::LeftParen
            | TokenKind::LeftBrace
    );
    if !begins_operand {
        return None;
    }
    let ends_operand = is_closing(&before_kind)
        || matches!(
            before_kind,
            TokenKind::Name(_) | TokenKind::Number(_) | TokenKind::Duration(_) | TokenKind::String(_)
        );
    if !ends_operand {
        return None;
    }
    if let Some(hint) = matching::for_bare_label(cursor) {
        return Some(hint);
    }
    let hint = match (&before_kind, cursor.peek()) {
        (TokenKind::Name(_), TokenKind::LeftParen) if before.contains(':') => {
            format!("{before} is a metric's name, for it has a colon; only functions have arguments")
        }
        (TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace, TokenKind::LeftBrace) => {
            "matchers stand directly behind the metric's name: name{label=\"value\"}".into()
        }
        (TokenKind::Name(keyword), _)
            if matches!(keyword, Some(Keyword::Aggregate(_))) || Function::from_name(before).is_some() =>
        {
            format!("arguments stand in parentheses: {before}({})", shorten(found, 40))
        }
        (TokenKind::Name(Some(Keyword::By | Keyword::Without)), TokenKind::LeftParen) => {
            format!("{before:?} follows an aggregation's name: sum {before} (label) (…)")
        }
        (TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace, _) => {
            format!("an operator is missing before {}", shorten(found, 40))
        }
        _ => format!("an operator is missing between {} and {}", shorten(before, 40), shorten(found, 40)),
    };
    Some(hint)
}
