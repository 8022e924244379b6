//! Jsonnet that is to be read by people: on one line where that is short, else one thing per line.

use serde_json::Value;

use crate::json::javascript_number;

/// How wide lines become, unless a text has no place to break.
const WIDTH: usize = 110;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Code {
    /// Anything that stands as it is: a name, a number.
    Word(String),
    /// A text.
    Text(String),
    /// `{ … }`
    Object(Vec<Field>),
    /// `[ … ]`
    List(Vec<Code>),
    /// `name(…)`
    Call(String, Vec<Code>),
    /// `name=…`, as an argument.
    Named(&'static str, Box<Code>),
    /// `a + b + …`
    Sum(Vec<Code>),
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) join: Join,
    pub(super) value: Code,
    /// Sentences above it.
    pub(super) comment: &'static str,
}

/// How a field meets the one of the same name on the left of `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// `:`
    Replace,
    /// `+:`
    Add,
    /// `::`, which is not part of the result.
    Hide,
}

impl Join {
    fn sign(self) -> &'static str {
        match self {
            Self::Replace => ":",
            Self::Add => "+:",
            Self::Hide => "::",
        }
    }
}

impl Field {
    pub(super) fn new(name: impl Into<String>, value: Code) -> Self {
        Self { name: name.into(), join: Join::Replace, value, comment: "" }
    }

    pub(super) fn adding(name: impl Into<String>, value: Code) -> Self {
        Self { join: Join::Add, ..Self::new(name, value) }
    }

    pub(super) fn hidden(name: impl Into<String>, value: Code) -> Self {
        Self { join: Join::Hide, ..Self::new(name, value) }
    }
}

impl Code {
    pub(super) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn call(name: impl Into<String>, arguments: Vec<Self>) -> Self {
        Self::Call(name.into(), arguments)
    }

    pub(super) fn named(name: &'static str, value: Self) -> Self {
        Self::Named(name, Box::new(value))
    }

    /// A value as it is.
    pub(super) fn literal(value: &Value) -> Self {
        match value {
            Value::Null => Self::word("null"),
            Value::Bool(value) => Self::word(value.to_string()),
            Value::Number(number) => match number.as_f64() {
                Some(value) if !number.is_i64() && !number.is_u64() => Self::Word(javascript_number(value)),
                _ => Self::Word(number.to_string()),
            },
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::literal).collect()),
            Value::Object(fields) => Self::Object(
                fields.iter().map(|(name, value)| Field::new(name.clone(), Self::literal(value))).collect(),
            ),
        }
    }

    /// The text, whose first line begins at column `indent` plus what `before` says.
    pub(super) fn write(&self, out: &mut String, indent: usize, before: usize) {
        let room = WIDTH.saturating_sub(indent + before);
        let mut line = String::new();
        if self.fits(&mut line, room) {
            out.push_str(&line);
            return;
        }
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Text(text) => write_long_text(out, text, indent),
            Self::Object(fields) => write_object(out, fields, indent),
            Self::List(items) => {
                out.push('[');
                write_items(out, items, indent);
                out.push(']');
            }
            Self::Call(name, arguments) => {
                out.push_str(name);
                out.push('(');
                // A single list or object stays at its function.
                if let [only @ (Self::List(_) | Self::Object(_))] = arguments.as_slice() {
                    only.write(out, indent, before + name.len() + 1);
                } else {
                    write_items(out, arguments, indent);
                }
                out.push(')');
            }
            Self::Named(name, value) => {
                out.push_str(name);
                out.push('=');
                value.write(out, indent, before + name.len() + 1);
            }
            Self::Sum(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        start_line(out, indent);
                        out.push_str("+ ");
                    }
                    part.write(out, indent, if i > 0 { 2 } else { before });
                }
            }
        }
    }

    /// An object with each field on lines of its own.
    pub(super) fn write_broken(&self, out: &mut String, indent: usize) {
        match self {
            Self::Object(fields) => write_object(out, fields, indent),
            other => other.write(out, indent, 0),
        }
    }

    /// The fields of an object without its braces, each beginning on a new line.
    pub(super) fn write_fields(&self, out: &mut String, indent: usize) {
        if let Self::Object(fields) = self {
            write_fields(out, fields, indent);
        }
    }

    /// Writes on one line; false when that takes more than `room` characters or there is a line break in it.
    fn fits(&self, line: &mut String, room: usize) -> bool {
        match self {
            Self::Word(word) => line.push_str(word),
            Self::Text(text) if text.contains('\n') => return false,
            Self::Text(text) => push_quoted(line, text),
            Self::Object(fields) if fields.is_empty() => line.push_str("{}"),
            Self::Object(fields) => {
                line.push_str("{ ");
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        line.push_str(", ");
                    }
                    if !field.comment.is_empty() {
                        return false;
                    }
                    push_name(line, &field.name);
                    line.push_str(field.join.sign());
                    line.push(' ');
                    if !field.value.fits(line, room) {
                        return false;
                    }
                }
                line.push_str(" }");
            }
            Self::List(items) => {
                line.push('[');
                if !all_fit(items, ", ", line, room) {
                    return false;
                }
                line.push(']');
            }
            Self::Call(name, arguments) => {
                line.push_str(name);
                line.push('(');
                if !all_fit(arguments, ", ", line, room) {
                    return false;
                }
                line.push(')');
            }
            Self::Named(name, value) => {
                line.push_str(name);
                line.push('=');
                if !value.fits(line, room) {
                    return false;
                }
            }
            Self::Sum(parts) => {
                if !all_fit(parts, " + ", line, room) {
                    return false;
                }
            }
        }
        line.len() <= room || line.chars().count() <= room
    }
}

fn all_fit(items: &[Code], between: &str, line: &mut String, room: usize) -> bool {
    items.iter().enumerate().all(|(i, item)| {
        if i > 0 {
            line.push_str(between);
        }
        item.fits(line, room)
    })
}

fn start_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_items(out: &mut String, items: &[Code], indent: usize) {
    for item in items {
        start_line(out, indent + 2);
        item.write(out, indent + 2, 0);
        out.push(',');
    }
    start_line(out, indent);
}

fn write_object(out: &mut String, fields: &[Field], indent: usize) {
    out.push('{');
    write_fields(out, fields, indent);
    start_line(out, indent);
    out.push('}');
}

fn write_fields(out: &mut String, fields: &[Field], indent: usize) {
    for field in fields {
        if !field.comment.is_empty() {
            start_line(out, indent + 2);
            out.push_str("// ");
            out.push_str(field.comment);
        }
        start_line(out, indent + 2);
        let mut name = String::new();
        push_name(&mut name, &field.name);
        name.push_str(field.join.sign());
        name.push(' ');
        out.push_str(&name);
        // A sum begins below its name.
        if let Code::Sum(_) = field.value
            && !field.value.fits(&mut String::new(), WIDTH.saturating_sub(indent + 2 + name.len()))
        {
            out.pop();
            start_line(out, indent + 4);
            field.value.write(out, indent + 4, 0);
        } else {
            field.value.write(out, indent + 2, name.len());
        }
        out.push(',');
    }
}

/// A text with line breaks, or one that is longer than a line.
fn write_long_text(out: &mut String, text: &str, indent: usize) {
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    if !text.contains('\n') {
        push_quoted(out, text);
        return;
    }
    // A block takes its indentation from its first line, so that one must not begin with a space; and a carriage return
    // would not be seen.
    if first.is_empty() || first.starts_with([' ', '\t']) || text.chars().any(|c| c.is_control() && c != '\n')
    {
        let lines: Vec<Code> = text.split('\n').map(Code::text).collect();
        Code::call("std.join", vec![Code::word("'\\n'"), Code::List(lines)]).write(out, indent, 0);
        return;
    }
    out.push_str("|||-");
    for line in text.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent + 2));
            out.push_str(line);
        }
    }
    start_line(out, indent);
    out.push_str("|||");
}

/// `'…'`; with double quotes where that saves escapes.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            // Also what turns the direction of writing: it would show another source than there is.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// A field's name, quoted where it is no identifier. A name with parameters stays as it is.
fn push_name(out: &mut String, name: &str) {
    let plain = name.strip_suffix("(config)").unwrap_or(name);
    if is_identifier(plain) { out.push_str(name) } else { push_quoted(out, name) }
}

/// Whether Jsonnet takes a word for a name.
pub(super) fn is_identifier(word: &str) -> bool {
    const KEYWORDS: [&str; 20] = [
        "assert",
        "else",
        "error",
        "false",
        "for",
        "function",
        "if",
        "import",
        "importbin",
        "importstr",
        "in",
        "local",
        "null",
        "self",
        "super",
        "tailstrict",
        "then",
        "true",
        "std",
        "config",
    ];
    word.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonnet::{Evaluator, Roots};
    use proptest::prelude::*;
    use serde_json::json;

    fn written(value: &Value) -> String {
        let mut out = String::new();
        Code::literal(value).write(&mut out, 0, 0);
        out
    }

    #[test]
    fn short_things_stand_on_one_line_and_long_ones_on_several() {
        assert_eq!(
            written(&json!({ "a": [1, -2.5, null], "b-c": "it's" })),
            "{ a: [1, -2.5, null], 'b-c': \"it's\" }"
        );
        let long = "x".repeat(60);
        assert_eq!(
            written(&json!({ "a": long, "b": [long] })),
            format!("{{\n  a: '{long}',\n  b: ['{long}'],\n}}")
        );
    }

    #[test]
    fn texts_of_several_lines_are_blocks_unless_their_first_line_is_indented() {
        assert_eq!(
            written(&json!({ "q": "sum(\n  a\n)" })),
            "{\n  q: |||-\n    sum(\n      a\n    )\n  |||,\n}"
        );
        assert_eq!(written(&json!(["  8\n*"])), "[\n  std.join('\\n', ['  8', '*']),\n]");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[ -~]{0,80}", "[ \t\r\n|'\"\\\\a$%{}é\u{202e}\u{0}]{0,20}", any::<String>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_000_i64..1_000_000_000).prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_evaluates_to_the_same_value(value in any_json()) {
            let evaluator = Evaluator::new(Roots::new(std::env::temp_dir(), []).unwrap());
            let text = written(&value);
            let result = evaluator.evaluate_snippet("<test>", &text).result;
            let result = result.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(crate::json::canonical(&result), crate::json::canonical(&value), "{}", text);
        }
    }
}
