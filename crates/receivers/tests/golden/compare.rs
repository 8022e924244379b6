//! Comparison of two sets of named things.

use std::collections::BTreeMap;

/// What something is, and its value: both as text, so that a difference can be read.
pub(crate) type Named = BTreeMap<String, String>;

/// Fails where one set has what the other lacks, or where values differ.
pub(crate) fn assert_equal(what: &str, real: &Named, ours: &Named) {
    let mut differences = Vec::new();
    for (name, value) in real {
        match ours.get(name) {
            None => differences.push(format!("missing: {name} = {value}")),
            Some(other) if other != value => {
                differences.push(format!("differs: {name} = {value}, not {other}"));
            }
            Some(_) => {}
        }
    }
    let equal = real.len() - differences.len();
    let surplus = ours.iter().filter(|(name, _)| !real.contains_key(*name));
    differences.extend(surplus.map(|(name, value)| format!("surplus: {name} = {value}")));
    println!("{what}: {} real, {} ours, {equal} equal", real.len(), ours.len());

    let count = differences.len();
    differences.truncate(20);
    assert!(differences.is_empty(), "{what}: {count} differences:\n{}", differences.join("\n"));
}
