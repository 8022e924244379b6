//! Regular expressions as Prometheus reads them (Go's `regexp`, which has RE2's syntax), in the syntax of the `regex` crate.
//!
//! The two agree on nearly everything. Where they do not, an expression means here what it means there: `a{b}` is plain
//! text, `\Q…\E` quotes, `\d` and `\b` know ASCII only, `[a&&b]` is a class of two characters and no intersection, `\<`
//! is a character, `\012` is octal, `a**` is a mistake.

use std::fmt::Write as _;

/// The same expression in the other syntax.
///
/// # Errors
/// What Go's parser says, where it refuses what the `regex` crate would accept.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator { pattern, at: 0, out: String::with_capacity(pattern.len() + 8) };
    translator.expression()?;
    Ok(translator.out)
}

/// Go refuses to repeat anything more often.
const MOST_REPEATS: u32 = 1000;

/// What the classes that a letter names consist of: ASCII only.
const LETTER_CLASSES: [(char, &str); 3] = [('d', "0-9"), ('s', r"\t\n\x0C\r\x20"), ('w', "0-9A-Za-z_")];

/// The classes that have a name between `[:` and `:]`.
const NAMED_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

struct Translator<'p> {
    pattern: &'p str,
    /// How far it has been read.
    at: usize,
    out: String,
}

impl<'p> Translator<'p> {
    fn expression(&mut self) -> Result<(), String> {
        // Where the repetition begins that nothing has come after yet.
        let mut repetition = None;
        loop {
            let (start, before) = (self.at, repetition.take());
            let Some(c) = self.next() else { return Ok(()) };
            let repeats = match c {
                '*' | '+' | '?' => true,
                '{' => self.counts(start)?,
                _ => false,
            };
            if repeats {
                self.take("?");
                if let Some(before) = before {
                    return Err(format!("invalid nested repetition operator: `{}`", self.since(before)));
                }
                repetition = Some(start);
                self.copy_since(start);
                continue;
            }
            match c {
                '(' => self.group(start)?,
                '[' => self.class(start)?,
                '\\' => self.escape(start)?,
                // Only special where it closes something or counts.
                '{' | '}' | ']' => self.literal(c),
                _ => self.out.push(c),
            }
        }
    }

    /// What follows a `{`, where that is a number of repetitions.
    fn counts(&mut self, start: usize) -> Result<bool, String> {
        let Some((inside, _)) = self.rest().split_once('}') else { return Ok(false) };
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let is_number = |text: &str| {
            text.bytes().all(|b| b.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
                && !text.is_empty()
        };
        let open = most.is_empty() && inside.contains(',');
        if !is_number(least) || !(open || is_number(most)) {
            return Ok(false);
        }
        self.at += inside.len() + 1;
        let number = |text: &str| text.parse().unwrap_or(u32::MAX);
        let (least, most) = (number(least), if open { number(least) } else { number(most) });
        if most > MOST_REPEATS || least > most {
            return Err(format!("invalid repeat count: `{}`", self.since(start)));
        }
        Ok(true)
    }

    /// What follows a `(`.
    fn group(&mut self, start: usize) -> Result<(), String> {
        if !self.take("?") {
            self.out.push('(');
            return Ok(());
        }
        if self.take("P<") || self.take("<") {
            let name = self.rest().split_once('>').map_or("", |(name, _)| name);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(format!("invalid named capture: `{}`", &self.pattern[start..]));
            }
            self.at += name.len() + 1;
            self.copy_since(start);
            return Ok(());
        }
        let mut sign = false;
        let mut flags = 0;
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => flags += 1,
                '-' if !sign => (sign, flags) = (true, 0),
                ':' | ')' if !sign || flags > 0 => {
                    // `(?)` switches nothing, and is not known in the other syntax.
                    if self.since(start) != "(?)" {
                        self.copy_since(start);
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(format!("invalid or unsupported Perl syntax: `{}`", self.since(start)))
    }

    /// What follows a `\` outside of a class.
    fn escape(&mut self, start: usize) -> Result<(), String> {
        let Some(c) = self.peek() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        match c {
            'Q' => {
                self.at += 1;
                // Go lets it end with the expression; put between Prometheus' anchors, that quotes the second anchor.
                let Some((quoted, _)) = self.rest().split_once(r"\E") else {
                    return Err(format!("missing closing ): `{}`", self.pattern));
                };
                let end = self.at + quoted.len();
                while self.at < end
                    && let Some(c) = self.next()
                {
                    self.literal(c);
                }
                self.take(r"\E");
            }
            'A' | 'z' => {
                self.at += 1;
                self.copy_since(start);
            }
            'b' | 'B' => {
                self.at += 1;
                let _ = write!(self.out, r"(?-u:\{c})");
            }
            'p' | 'P' => self.unicode_class()?,
            _ => match letter_class(c) {
                Some((members, negated)) => {
                    self.at += 1;
                    let sign = if negated { "^" } else { "" };
                    let _ = write!(self.out, "[{sign}{members}]");
                }
                None => {
                    let c = self.escaped_char(start)?;
                    self.literal(c);
                }
            },
        }
        Ok(())
    }

    /// What follows a `\`, where that stands for one character. `start` is where the `\` stands.
    fn escaped_char(&mut self, start: usize) -> Result<char, String> {
        let found = self.next().and_then(|c| match c {
            '0' => self.octal(0),
            '1'..='7' if self.peek().is_some_and(|next| next.is_digit(8)) => self.octal(c.to_digit(8)?),
            'x' => self.hexadecimal(),
            'a' => Some('\x07'),
            'f' => Some('\x0C'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0B'),
            _ => (c.is_ascii() && !c.is_ascii_alphanumeric()).then_some(c),
        });
        found.ok_or_else(|| format!("invalid escape sequence: `{}`", self.since(start)))
    }

    /// Two octal digits at most, after a first one.
    fn octal(&mut self, mut value: u32) -> Option<char> {
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            value = value * 8 + digit;
        }
        char::from_u32(value)
    }

    /// Two digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Option<char> {
        let braces = self.take("{");
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) && (braces || self.at < start + 2) {
            self.at += 1;
        }
        let digits = self.since(start);
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| braces || digits.len() == 2)?;
        (!braces || self.take("}")).then_some(())?;
        char::from_u32(value)
    }

    /// `pN`, `p{Greek}`, `p{^Greek}`, `PN` …
    fn unicode_class(&mut self) -> Result<(), String> {
        let start = self.at - 1;
        let mut negated = self.next() == Some('P');
        let braces = self.take("{");
        if braces && self.take("^") {
            negated = !negated;
        }
        let name = if braces {
            self.rest().split_once('}').map_or("", |(name, _)| name)
        } else {
            let end = self.peek().map_or(0, char::len_utf8);
            &self.rest()[..end]
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
            return Err(format!("invalid character class range: `{}`", &self.pattern[start..]));
        }
        let sign = if negated { 'P' } else { 'p' };
        let _ = write!(self.out, r"\{sign}{{{name}}}");
        self.at += name.len() + usize::from(braces);
        Ok(())
    }

    /// What follows a `[`.
    fn class(&mut self, start: usize) -> Result<(), String> {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.take("]") {
            first = false;
            let Some(c) = self.peek() else {
                return Err(format!("missing closing ]: `{}`", &self.pattern[start..]));
            };
            let member = self.at;
            if self.rest().starts_with("[:") && self.named_class()? {
                continue;
            }
            if c == '\\' {
                let next = self.rest().chars().nth(1);
                if matches!(next, Some('p' | 'P')) {
                    self.at += 1;
                    self.unicode_class()?;
                    continue;
                }
                if let Some((members, negated)) = next.and_then(letter_class) {
                    self.at += 2;
                    let _ = if negated {
                        write!(self.out, "[^{members}]")
                    } else {
                        write!(self.out, "{members}")
                    };
                    continue;
                }
            }
            let low = self.class_char()?;
            self.literal(low);
            if self.rest().starts_with('-') && self.rest().len() > 1 && !self.rest().starts_with("-]") {
                self.at += 1;
                let high = self.class_char()?;
                if high < low {
                    return Err(format!("invalid character class range: `{}`", self.since(member)));
                }
                self.out.push('-');
                self.literal(high);
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]` inside of a class; what does not close is no name.
    fn named_class(&mut self) -> Result<bool, String> {
        let Some((inside, _)) = self.rest()[2..].split_once(":]") else { return Ok(false) };
        let name = inside.strip_prefix('^').unwrap_or(inside);
        let start = self.at;
        self.at += inside.len() + 4;
        if !NAMED_CLASSES.contains(&name) {
            return Err(format!("invalid character class range: `{}`", self.since(start)));
        }
        self.copy_since(start);
        Ok(true)
    }

    fn class_char(&mut self) -> Result<char, String> {
        let start = self.at;
        match self.next() {
            Some('\\') => self.escaped_char(start),
            Some(c) => Ok(c),
            None => Err(format!("missing closing ]: `{}`", &self.pattern[start..])),
        }
    }

    /// Writes a character that stands for itself, inside and outside of classes.
    fn literal(&mut self, c: char) {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            let _ = write!(self.out, r"\x{:02X}", u32::from(c));
        } else {
            self.out.push(c);
        }
    }

    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    /// What was read from `start` on.
    fn since(&self, start: usize) -> &'p str {
        &self.pattern[start..self.at]
    }

    fn copy_since(&mut self, start: usize) {
        self.out.push_str(&self.pattern[start..self.at]);
    }
}

/// The members of `\d`, `\s`, `\w`, and whether the letter is a capital, which stands for everything else.
fn letter_class(letter: char) -> Option<(&'static str, bool)> {
    let (_, members) = LETTER_CLASSES.into_iter().find(|(lower, _)| letter.eq_ignore_ascii_case(lower))?;
    Some((members, letter.is_ascii_uppercase()))
}
