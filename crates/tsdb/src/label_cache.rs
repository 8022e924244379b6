//! Label sets kept ready: building one for each series that a query visits would cost as much as decoding its samples,
//! and dashboards ask for the same series again and again.

use std::mem;

use labels::{Label, Labels};
use rustc_hash::FxHashMap;

/// Label sets by series number, bounded by bytes. What was not asked for during half of the bound is forgotten.
#[derive(Debug)]
pub(crate) struct LabelCache {
    limit: usize,
    young: FxHashMap<u32, Labels>,
    young_bytes: usize,
    old: FxHashMap<u32, Labels>,
    old_bytes: usize,
}

impl LabelCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, young: FxHashMap::default(), young_bytes: 0, old: FxHashMap::default(), old_bytes: 0 }
    }

    pub(crate) fn get(&mut self, number: u32) -> Option<Labels> {
        if let Some(labels) = self.young.get(&number) {
            return Some(labels.clone());
        }
        let labels = self.old.remove(&number)?;
        self.old_bytes -= cost(&labels);
        self.insert(number, labels.clone());
        Some(labels)
    }

    pub(crate) fn insert(&mut self, number: u32, labels: Labels) {
        let cost = cost(&labels);
        if self.young_bytes + cost > self.limit / 2 {
            self.old = mem::take(&mut self.young);
            self.old_bytes = mem::take(&mut self.young_bytes);
        }
        if cost <= self.limit / 2 {
            self.young_bytes += cost;
            self.young.insert(number, labels);
        }
    }

    /// What it occupies; the texts are the symbols' own.
    pub(crate) fn bytes(&self) -> usize {
        self.young_bytes + self.old_bytes
    }
}

/// An entry's bytes: the set, its counters, and its place in a map that is three quarters full.
fn cost(labels: &Labels) -> usize {
    let entry = size_of::<(u32, Labels)>() + 1;
    labels.len() * size_of::<Label>() + 2 * size_of::<usize>() + entry * 4 / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(n: u32) -> Labels {
        Labels::from_pairs([("n", n.to_string())])
    }

    #[test]
    fn what_is_asked_for_stays_and_the_bound_holds() {
        let limit = 100 * cost(&labels(0));
        let mut cache = LabelCache::new(limit);
        for number in 0..1000 {
            cache.insert(number, labels(number));
            assert_eq!(cache.get(0), Some(labels(0)), "after {number}");
            assert!(cache.bytes() <= limit);
        }
        assert_eq!(cache.get(999), Some(labels(999)));
        assert_eq!(cache.get(500), None);
    }

    #[test]
    fn a_cache_without_bytes_keeps_nothing() {
        let mut cache = LabelCache::new(0);
        cache.insert(1, labels(1));
        assert_eq!((cache.get(1), cache.bytes()), (None, 0));
    }
}
