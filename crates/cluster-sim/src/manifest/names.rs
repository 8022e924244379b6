//! What Kubernetes allows as a name.

/// Lower-case letters, digits and dashes, at most 63; begins and ends with a letter or digit (RFC 1123).
pub(crate) fn is_dns_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.is_empty()
}

/// DNS labels, joined by dots, at most 253 characters.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dns_label)
}

/// The part of a label's or annotation's key after the slash, or a label's value.
fn is_label_text(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.iter().copied().all(inner) && edge(bytes.first()) && edge(bytes.last())
}

/// `name` or `prefix/name`: a key of labels or annotations.
pub(crate) fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_label_text(name),
        None => is_label_text(key),
    }
}

/// A label's value; it may be empty.
pub(crate) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_label_text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_kubernetes_does() {
        for name in ["a", "web-1", "0x", &"a".repeat(63)] {
            assert!(is_dns_label(name), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(!is_dns_label(name), "{name}");
        }
        assert!(is_dns_subdomain("a.b-c.d") && !is_dns_subdomain("a..b") && !is_dns_subdomain(""));
        for key in ["app", "app.kubernetes.io/name", "A_b.c"] {
            assert!(is_qualified_name(key), "{key}");
        }
        for key in ["", "/name", "a/", "a/b/c", "-a", "A.b/c"] {
            assert!(!is_qualified_name(key), "{key}");
        }
        assert!(
            is_label_value("") && is_label_value("v1.2_x") && !is_label_value("a b") && !is_label_value("a-")
        );
    }
}
