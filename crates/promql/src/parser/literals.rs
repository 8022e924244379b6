//! The values of numbers, durations and strings.

use crate::ast::Span;

/// A number: decimal, hexadecimal (`0x1f`) or octal (`017`), with `_` between digits where that helps the eye.
/// `Inf` and `NaN` are names, not numbers, here.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = without_underscores(text)?;
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return integer(hex, 16);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // A leading zero means octal, unless a digit or a sign of a decimal number says otherwise.
    if let Some(octal) = digits.strip_prefix('0').and_then(|rest| integer(rest, 8)) {
        return Some(octal);
    }
    let value: f64 = digits.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Through 64 bits, as Prometheus does: what is larger is no integer.
fn integer(digits: &str, radix: u32) -> Option<f64> {
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok().map(|integer| integer as f64)
}

/// `_` may stand between two digits, and between a base prefix and the first digit.
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let (prefix, rest) = match text.get(..2) {
        Some("0x" | "0X") => text.split_at(2),
        _ => text.split_at(0),
    };
    let is_digit = |c: Option<char>| {
        c.is_some_and(|c| if prefix.is_empty() { c.is_ascii_digit() } else { c.is_ascii_hexdigit() })
    };
    let mut out = prefix.to_owned();
    let mut previous = if prefix.is_empty() { None } else { Some('0') };
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '_' {
            if !is_digit(previous) || !is_digit(chars.peek().copied()) {
                return None;
            }
        } else {
            out.push(c);
        }
        previous = Some(c);
    }
    Some(out)
}

/// The units of durations from large to small, with their milliseconds.
pub(crate) const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Prometheus keeps durations as nanoseconds in 64 bits: about 292 years.
pub(super) const LONGEST_DURATION_MS: i64 = i64::MAX / 1_000_000;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadDuration {
    /// Not a sequence of whole numbers and units.
    Syntax,
    /// Something else than one of the units.
    Unit,
    /// A unit twice, or a larger one behind a smaller one.
    Order,
    /// More than [`LONGEST_DURATION_MS`].
    TooLong,
}

/// The milliseconds of `1h30m` and the like: whole numbers, each with its unit, larger units first.
pub(super) fn duration(text: &str) -> Result<i64, BadDuration> {
    let mut total: i64 = 0;
    let mut units_left = UNITS.as_slice();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = &rest[digits..];
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (count, unit) = (&rest[..digits], &after[..letters]);
        if count.is_empty() || unit.is_empty() {
            return Err(BadDuration::Syntax);
        }
        let Some(at) = units_left.iter().position(|(name, _)| *name == unit) else {
            let known = UNITS.iter().any(|(name, _)| *name == unit);
            return Err(if known { BadDuration::Order } else { BadDuration::Unit });
        };
        let count: i64 = count.parse().map_err(|_| BadDuration::TooLong)?;
        total = count
            .checked_mul(units_left[at].1)
            .and_then(|part| total.checked_add(part))
            .filter(|&total| total <= LONGEST_DURATION_MS)
            .ok_or(BadDuration::TooLong)?;
        units_left = &units_left[at + 1..];
        rest = &after[letters..];
    }
    if text.is_empty() { Err(BadDuration::Syntax) } else { Ok(total) }
}

/// What is wrong with a string, and where in its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub(super) message: String,
    pub(super) span: Span,
}

/// Resolves the escapes of a string's body; `quote` is the character around it. Positions count from the body's start.
pub(super) fn unescape(body: &str, quote: char) -> Result<String, BadEscape> {
    if quote == '`' || !body.contains('\\') {
        return Ok(body.to_owned());
    }
    // Escapes can name single bytes, so that only the whole tells whether the text is UTF-8.
    let mut bytes = Vec::with_capacity(body.len());
    let mut first_byte_escape = None;
    let mut at = 0;
    while let Some(c) = body[at..].chars().next() {
        if c != '\\' {
            bytes.extend_from_slice(&body.as_bytes()[at..at + c.len_utf8()]);
            at += c.len_utf8();
            continue;
        }
        let escape = read_escape(&body[at + 1..], quote).map_err(|(message, length)| BadEscape {
            message,
            span: Span::new(at, (at + 1 + length).min(body.len())),
        })?;
        let length = escape.length + 1;
        match escape.value {
            Escaped::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Escaped::Byte(byte) => {
                first_byte_escape.get_or_insert(Span::new(at, at + length));
                bytes.push(byte);
            }
        }
        at += length;
    }
    String::from_utf8(bytes).map_err(|_| BadEscape {
        message: "the bytes that the string's escapes name are not UTF-8".into(),
        span: first_byte_escape.unwrap_or_default(),
    })
}

struct Escape {
    value: Escaped,
    /// In bytes, without the backslash.
    length: usize,
}

enum Escaped {
    Char(char),
    Byte(u8),
}

/// Reads what follows a backslash. An error comes with the length of the guilty text.
fn read_escape(text: &str, quote: char) -> Result<Escape, (String, usize)> {
    let Some(kind) = text.chars().next() else {
        return Err(("escape sequence not terminated".into(), 0));
    };
    let simple = match kind {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        _ if kind == quote => quote,
        '0'..='7' => return numeric_escape(text, 0, 3, 8),
        'x' => return numeric_escape(text, 1, 2, 16),
        'u' => return numeric_escape(text, 1, 4, 16),
        'U' => return numeric_escape(text, 1, 8, 16),
        _ => return Err((format!("unknown escape sequence \"\\{kind}\""), kind.len_utf8())),
    };
    Ok(Escape { value: Escaped::Char(simple), length: 1 })
}

/// `count` digits behind a prefix of `skip` letters. Octal and `\x` name a byte, the others a character.
fn numeric_escape(text: &str, skip: usize, count: usize, radix: u32) -> Result<Escape, (String, usize)> {
    let mut value: u32 = 0;
    let mut length = skip;
    let mut chars = text[skip..].chars();
    for _ in 0..count {
        let Some(c) = chars.next() else {
            return Err(("escape sequence not terminated".into(), length));
        };
        let Some(digit) = c.to_digit(radix) else {
            return Err((format!("illegal character {c:?} in escape sequence"), length + c.len_utf8()));
        };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        length += 1;
    }
    let value = if count > 3 {
        char::from_u32(value).map(Escaped::Char)
    } else {
        u8::try_from(value).ok().map(Escaped::Byte)
    };
    match value {
        Some(value) => Ok(Escape { value, length }),
        None => Err(("escape sequence is an invalid Unicode code point".into(), length)),
    }
}
