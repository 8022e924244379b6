//! Names for panels and queries, made from their titles.

use std::collections::BTreeSet;

use super::code::is_identifier;

/// Longer ones are cut.
const LONGEST: usize = 40;

/// The names that were given out.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name for something called `title`, unlike all before.
    pub(super) fn new_name(&mut self, title: &str, otherwise: &str) -> String {
        let mut name = camel_case(title);
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            name = format!("{otherwise}{name}");
        } else if name.is_empty() {
            otherwise.clone_into(&mut name);
        } else if !is_identifier(&name) {
            name.push('_');
        }
        let mut candidate = name.clone();
        let mut number = 2;
        while self.0.contains(&candidate) {
            candidate = format!("{name}{number}");
            number += 1;
        }
        self.0.insert(candidate.clone());
        candidate
    }
}

/// `CPU usage by pod` → `cpuUsageByPod`. Letters that Jsonnet does not have in names are left out.
pub(super) fn camel_case(title: &str) -> String {
    let mut name = String::new();
    for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if name.len() + word.len() > LONGEST && !name.is_empty() {
            break;
        }
        let word = &word[..word.len().min(LONGEST)];
        // CPU → cpu, but IOPs and mTLS keep what their authors gave them.
        let shout = word.bytes().all(|byte| !byte.is_ascii_lowercase());
        let (first, rest) = word.split_at(1);
        if name.is_empty() {
            name.push_str(&if shout { word.to_ascii_lowercase() } else { first.to_ascii_lowercase() + rest });
        } else {
            name.push_str(&first.to_ascii_uppercase());
            name.push_str(&if shout { rest.to_ascii_lowercase() } else { rest.to_owned() });
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_titles_and_are_unique() {
        let mut names = Names::default();
        for (title, expected) in [
            ("CPU usage by pod", "cpuUsageByPod"),
            ("CPU Usage (by pod)", "cpuUsageByPod2"),
            ("cpu usage by pod", "cpuUsageByPod3"),
            ("99th percentile", "panel99thPercentile"),
            ("", "panel"),
            ("日本", "panel2"),
            ("local", "local_"),
            ("Error", "error_"),
            ("config", "config_"),
        ] {
            assert_eq!(names.new_name(title, "panel"), expected, "{title}");
        }
        assert!(names.new_name(&"long ".repeat(50), "panel").len() <= LONGEST);
        assert!(names.new_name(&"x".repeat(5000), "panel").len() <= LONGEST);
    }
}
