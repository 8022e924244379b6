//! Text in quotes, as Go and PromQL write and read it.

use std::fmt::{self, Display, Formatter, Write as _};

/// Text in double quotes with Go's escapes (`%q`): what PromQL reads back, and how Prometheus' messages quote.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\u{7}' => f.write_str("\\a")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{b}' => f.write_str("\\v")?,
                '\u{c}' => f.write_str("\\f")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                // Written out, the replacement character would be taken for broken UTF-8 by Prometheus.
                c if c.is_control() || c == char::REPLACEMENT_CHARACTER => {
                    write!(f, "\\u{:04x}", u32::from(c))?;
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_with_the_escapes_of_go() {
        for (text, quoted) in [
            ("", r#""""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t\u{7}\u{8}\u{b}\u{c}", r#""\n\r\t\a\b\v\f""#),
            ("\u{1b}\u{7f}\u{85}", r#""\x1b\x7f\u0085""#),
            ("é\u{fffd}", r#""é\ufffd""#),
        ] {
            assert_eq!(Quoted(text).to_string(), quoted);
        }
    }
}
