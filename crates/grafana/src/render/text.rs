//! Texts that come from outside: how long they may be, and which addresses may stand in a link.

use std::borrow::Cow;

/// Characters of a name that is seen.
pub(super) const MAX_NAME: usize = 120;
/// Characters of a text that appears when the pointer rests.
pub(super) const MAX_TITLE: usize = 1_000;
/// Characters of an error.
pub(super) const MAX_ERROR: usize = 2_000;
/// Errors of one panel.
pub(super) const MAX_ERRORS: usize = 5;

/// At most so many characters; what is cut off becomes an ellipsis.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.char_indices().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(place, _)| place);
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The address, if a click on it can only lead to a page: relative, `http`, `https` or `mailto`.
pub fn safe_address(address: &str) -> Option<&str> {
    let address = address.trim();
    // Browsers drop control characters, so that `java\nscript:` would run.
    if address.is_empty() || address.chars().any(char::is_control) {
        return None;
    }
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    match address[..end].split_once(':') {
        None => Some(address),
        Some((scheme, _)) => ["http", "https", "mailto"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
            .then_some(address),
    }
}

/// About how wide a text is, in widths of a digit.
pub(super) fn width(text: &str) -> f64 {
    text.chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 0.5,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.6,
            'A'..='Z' => 1.25,
            // East Asian characters and pictures.
            '\u{1100}'..='\u{115f}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{ff00}'..='\u{ff60}' => 1.9,
            character if u32::from(character) > 0x1_f000 => 2.0,
            _ => 1.0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, most, expected) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöüß", 3, "äö…"), ("", 3, ""), ("ab", 0, "…")]
        {
            assert_eq!(cut(text, most), expected);
        }
        assert_eq!(cut(&"x".repeat(10_000), MAX_NAME).chars().count(), MAX_NAME);
    }

    #[test]
    fn only_addresses_of_pages_become_links() {
        let table = [
            ("/d/pods?var-pod=a:b", true),
            ("pods:x/y", false),
            ("https://example.org/a", true),
            ("HTTP://example.org", true),
            ("mailto:a@example.org", true),
            ("//example.org", true),
            ("?a=b:c", true),
            ("#a", true),
            ("javascript:alert(1)", false),
            (" JavaScript:alert(1)", false),
            ("java\nscript:alert(1)", false),
            ("data:text/html,<script>", false),
            ("vbscript:x", false),
            ("", false),
        ];
        for (address, allowed) in table {
            assert_eq!(safe_address(address).is_some(), allowed, "{address:?}");
        }
    }
}
