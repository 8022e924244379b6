//! Which series belong together.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use labels::{Label, Labels, METRIC_NAME};
use rustc_hash::FxBuildHasher;

use super::matrix::{is_metadata, only};
use super::plan::Grouping;

/// Ends a name or a value in a key: no byte of UTF-8.
const END: u8 = 0xff;

/// Gives each distinct key a number, in the order in which they come.
#[derive(Default)]
pub(super) struct Numbering {
    numbers: HashTable<u32>,
    /// All keys, one behind the other.
    keys: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
}

impl Numbering {
    /// The number of `key`, and whether it is new.
    pub(super) fn number(&mut self, key: &[u8]) -> (usize, bool) {
        let (keys, ends) = (&self.keys, &self.ends);
        let hash = FxBuildHasher.hash_one(key);
        if let Some(&number) = self.numbers.find(hash, |&number| key_at(keys, ends, number as usize) == key) {
            return (number as usize, false);
        }
        let number = ends.len();
        let rehash = |&number: &u32| FxBuildHasher.hash_one(key_at(keys, ends, number as usize));
        self.numbers.insert_unique(hash, number as u32, rehash);
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        (number, true)
    }

    /// How many distinct keys there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

fn key_at<'k>(keys: &'k [u8], ends: &[usize], number: usize) -> &'k [u8] {
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &keys[start..ends[number]]
}

/// Writes what distinguishes label sets by the labels `names`; a missing label equals an empty one. `hidden` says which
/// labels count as missing.
pub(super) fn key_of(key: &mut Vec<u8>, labels: &Labels, names: &[String], hidden: impl Fn(&str) -> bool) {
    key.clear();
    for name in names {
        if let Some(value) = labels.get(name).filter(|_| !hidden(name)) {
            key.extend_from_slice(value.as_bytes());
        }
        key.push(END);
    }
}

/// Writes what distinguishes label sets by all labels but those that `left_out` names.
pub(super) fn key_without(key: &mut Vec<u8>, labels: &Labels, left_out: impl Fn(&str) -> bool) {
    key.clear();
    for Label { name, value } in labels {
        if !left_out(name) {
            key.extend_from_slice(name.as_bytes());
            key.push(END);
            key.extend_from_slice(value.as_bytes());
            key.push(END);
        }
    }
}

/// Sorts series into groups.
pub(super) struct Grouper<'g> {
    grouping: &'g Grouping,
    groups: Numbering,
    labels: Vec<Labels>,
    key: Vec<u8>,
}

impl<'g> Grouper<'g> {
    /// No groups yet.
    pub(super) fn new(grouping: &'g Grouping) -> Self {
        Self { grouping, groups: Numbering::default(), labels: Vec::new(), key: Vec::new() }
    }

    /// The group of a series. `nameless` says that its metadata labels count as dropped.
    pub(super) fn group_of(&mut self, labels: &Labels, nameless: bool) -> usize {
        let grouping = self.grouping;
        let hidden = |name: &str| nameless && is_metadata(name);
        if grouping.without {
            let left_out = |name: &str| {
                name == METRIC_NAME || hidden(name) || grouping.labels.iter().any(|label| label == name)
            };
            key_without(&mut self.key, labels, left_out);
            let (group, new) = self.groups.number(&self.key);
            if new {
                self.labels.push(only(labels, |name| !left_out(name)));
            }
            group
        } else {
            key_of(&mut self.key, labels, &grouping.labels, hidden);
            let (group, new) = self.groups.number(&self.key);
            if new {
                let kept = |name: &str| !hidden(name) && grouping.labels.iter().any(|label| label == name);
                self.labels.push(only(labels, kept));
            }
            group
        }
    }

    /// The labels of each group.
    pub(super) fn into_labels(self) -> Vec<Labels> {
        self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(grouping: &Grouping, series: &[&[(&str, &str)]]) -> (Vec<usize>, Vec<Labels>) {
        let mut grouper = Grouper::new(grouping);
        let numbers = series
            .iter()
            .map(|pairs| grouper.group_of(&Labels::from_pairs(pairs.iter().copied()), true))
            .collect();
        (numbers, grouper.into_labels())
    }

    #[test]
    fn by_keeps_the_named_labels_and_treats_missing_ones_as_empty() {
        let grouping = Grouping { labels: vec!["__name__".into(), "a".into()], without: false };
        let (numbers, labels) =
            groups(&grouping, &[&[("__name__", "m"), ("a", "1"), ("b", "1")], &[("b", "2")], &[("a", "1")]]);
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(labels, [Labels::from_pairs([("a", "1")]), Labels::empty()]);
    }

    #[test]
    fn without_drops_the_named_labels_and_the_metric_name() {
        let grouping = Grouping { labels: vec!["a".into()], without: true };
        let (numbers, labels) =
            groups(&grouping, &[&[("__name__", "m"), ("a", "1"), ("b", "1")], &[("a", "2"), ("b", "1")]]);
        assert_eq!(numbers, [0, 0]);
        assert_eq!(labels, [Labels::from_pairs([("b", "1")])]);
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let grouping = Grouping { labels: vec!["a".into(), "b".into()], without: false };
        let (numbers, _) = groups(&grouping, &[&[("a", "xy")], &[("a", "x"), ("b", "y")], &[("b", "xy")]]);
        assert_eq!(numbers, [0, 1, 2]);
    }
}
