//! Where a text refers to variables: `$name`, `${name}`, `${name:format}`, `${name.field:format}`, `[[name:format]]`.

use std::ops::Range;

/// A reference to a variable in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Where, in bytes, with the signs around the name.
    pub range: Range<usize>,
    /// The name alone.
    pub name: &'a str,
    /// What follows the name after a dot.
    pub field: Option<&'a str>,
    /// What follows after a colon.
    pub format: Option<&'a str>,
}

/// Every reference in a text, whether the variable exists or not.
///
/// Scanned by hand: queries are long and have few references, and this runs for every text of every panel.
pub fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find(['$', '['])?;
            match reference_at(text, start) {
                Some(reference) => {
                    from = reference.range.end;
                    return Some(reference);
                }
                None => from = start + 1,
            }
        }
    })
}

/// The reference that begins with this dollar sign or bracket.
fn reference_at(text: &str, start: usize) -> Option<Reference<'_>> {
    let rest = &text[start..];
    let found =
        |name, field, format, length| Some(Reference { range: start..start + length, name, field, format });
    if let Some(inner) = rest.strip_prefix("${") {
        let name = word(inner)?;
        let mut after = &inner[name.len()..];
        let field = after.strip_prefix('.').and_then(|tail| up_to(tail, &[':', '^', '}']));
        after = field.map_or(after, |field| &after[1 + field.len()..]);
        let format = after.strip_prefix(':').and_then(|tail| up_to(tail, &['}']));
        after = format.map_or(after, |format| &after[1 + format.len()..]);
        let end = rest.len() - after.strip_prefix('}')?.len();
        found(name, field, format, end)
    } else if let Some(inner) = rest.strip_prefix("[[") {
        let name = word(inner)?;
        let mut after = &inner[name.len()..];
        let format = after.strip_prefix(':').and_then(word);
        after = format.map_or(after, |format| &after[1 + format.len()..]);
        let end = rest.len() - after.strip_prefix("]]")?.len();
        found(name, None, format, end)
    } else {
        let name = word(rest.strip_prefix('$')?)?;
        found(name, None, None, 1 + name.len())
    }
}

/// Letters, digits and underscores of ASCII, at least one.
fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

/// At least one character that is none of these.
fn up_to<'a>(text: &'a str, ends: &[char]) -> Option<&'a str> {
    let end = text.find(ends).unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}
