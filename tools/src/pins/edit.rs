//! Changes in the text of the pins, which keep its comments and its order.

/// Replaces the value at a place like `["images", "lgtm", "digest"]` in a file with one key on each line. `None` when there is no
/// such place.
///
/// A YAML writer would drop the comments. This one knows just what the file promises: mappings in block style, indented by spaces.
pub fn set_value(text: &str, place: &[&str], value: &str) -> Option<String> {
    // The keys on the way to the current line, with their indentation.
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        let indentation = line.len() - content.len();
        if let Some((key, old)) = content.split_once(':')
            && !content.starts_with('#')
        {
            path.retain(|(other, _)| *other < indentation);
            path.push((indentation, key));
            if path.iter().map(|(_, key)| *key).eq(place.iter().copied()) {
                // What stands behind the value stays: the end of the line, a comment.
                let old = old.trim_start_matches(' ');
                let rest = &old[old.find(" #").unwrap_or(old.trim_end().len())..];
                let before = &text[..at + indentation + key.len() + 1];
                return Some(format!("{before} {value}{rest}{}", &text[at + line.len()..]));
            }
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{PINS_FILE, Pins, pins_path};
    use super::*;

    const TEXT: &str = "# tools: not this\na:\n  x:\n    hash: null\n  # of y\n  y:\n    hash: null # unknown\nb:\n  hash: one\n";

    #[test]
    fn only_the_value_at_the_place_changes() {
        let changed = set_value(TEXT, &["a", "y", "hash"], "two").unwrap();
        assert_eq!(changed, TEXT.replace("null # unknown", "two # unknown"));
        let changed = set_value(TEXT, &["a", "x", "hash"], "two").unwrap();
        assert_eq!(changed, TEXT.replacen("hash: null\n", "hash: two\n", 1));
        assert_eq!(set_value(TEXT, &["b", "hash"], "two").unwrap(), TEXT.replace("one", "two"));
        for absent in [&["a", "hash"][..], &["c"], &["b", "x", "hash"], &["tools"]] {
            assert_eq!(set_value(TEXT, absent, "two"), None, "{absent:?}");
        }
        assert_eq!(set_value("a: 1", &["a"], "2").unwrap(), "a: 2");
    }

    proptest! {
        #[test]
        fn at_most_one_line_of_any_text_changes(text in "((#|a|b|c| |:|null|\n)){0,40}") {
            for place in [&["a"][..], &["a", "b"], &["b", "c"]] {
                if let Some(changed) = set_value(&text, place, "new") {
                    let (old, new) = (text.lines().collect::<Vec<_>>(), changed.lines().collect::<Vec<_>>());
                    prop_assert_eq!(old.len(), new.len());
                    let differing = old.iter().zip(&new).filter(|(old, new)| old != new).count();
                    prop_assert_eq!(differing, 1, "{:?} {:?}", text, changed);
                    prop_assert_eq!(text.ends_with('\n'), changed.ends_with('\n'));
                }
            }
        }
    }

    #[test]
    fn every_hash_and_digest_of_the_shipped_pins_can_be_replaced_and_nothing_else_changes() {
        let workspace = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let text = std::fs::read_to_string(pins_path(workspace)).unwrap();
        let pins = Pins::parse(&text, PINS_FILE).unwrap();
        let hash = "ab".repeat(32);
        for file in pins.files() {
            let place: Vec<&str> = file.place.iter().map(String::as_str).chain(["sha256"]).collect();
            let changed = Pins::parse(&set_value(&text, &place, &hash).unwrap(), PINS_FILE).unwrap();
            let different: Vec<_> =
                changed.files().into_iter().zip(pins.files()).filter(|(new, old)| new != old).collect();
            assert_eq!(different.len(), 1, "{place:?}");
            assert_eq!(different[0].0.place, file.place);
            assert_eq!(changed.images, pins.images);
        }
        for name in pins.images.keys() {
            let digest = format!("sha256:{hash}");
            let changed = set_value(&text, &["images", name, "digest"], &digest).unwrap();
            let changed = Pins::parse(&changed, PINS_FILE).unwrap();
            assert_eq!(changed.images[name].digest.unwrap().to_string(), digest);
        }
    }
}
