//! Label names and values as numbers: each pair of name and value is stored once, and a series refers to its pairs.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::HashTable;
use labels::Label;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

/// A label name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameId(u32);

/// A pair of label name and value. Numbers of pairs that no series has any more are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PairId(pub(crate) u32);

/// A label name and its pairs.
#[derive(Debug)]
pub(crate) struct Name {
    text: Arc<str>,
    pairs: Vec<PairId>,
}

#[derive(Clone, Debug)]
struct Pair {
    name: NameId,
    value: Arc<str>,
}

/// All label names and pairs of the store's series.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// `None` where a number is free.
    names: Vec<Option<Name>>,
    name_ids: FxHashMap<Arc<str>, NameId>,
    free_names: Vec<NameId>,
    /// `None` where a number is free.
    pairs: Vec<Option<Pair>>,
    pair_ids: HashTable<PairId>,
    free_pairs: Vec<PairId>,
}

/// The counters in front of an `Arc`'s content.
const ARC_HEADER: usize = 2 * size_of::<usize>();

impl Symbols {
    /// The pair, if some series has it.
    pub(crate) fn pair(&self, name: &str, value: &str) -> Option<PairId> {
        self.pair_of(*self.name_ids.get(name)?, value)
    }

    fn pair_of(&self, name: NameId, value: &str) -> Option<PairId> {
        let is_it = |id: &PairId| {
            self.pairs[id.0 as usize].as_ref().is_some_and(|pair| pair.name == name && *pair.value == *value)
        };
        self.pair_ids.find(hash_pair(name, value), is_it).copied()
    }

    /// The pair of this label, which is made if it is new. `None` when numbers run out.
    pub(crate) fn intern(&mut self, label: &Label) -> Option<PairId> {
        let name = match self.name_ids.get(&label.name) {
            Some(name) => *name,
            None => self.add_name(&label.name)?,
        };
        if let Some(id) = self.pair_of(name, &label.value) {
            return Some(id);
        }
        let pair = Pair { name, value: Arc::clone(&label.value) };
        let id = match self.free_pairs.pop() {
            Some(id) => {
                self.pairs[id.0 as usize] = Some(pair);
                id
            }
            None => {
                let id = PairId(u32::try_from(self.pairs.len()).ok()?);
                self.pairs.push(Some(pair));
                id
            }
        };
        let pairs = &self.pairs;
        let hash =
            |id: &PairId| pairs[id.0 as usize].as_ref().map_or(0, |pair| hash_pair(pair.name, &pair.value));
        self.pair_ids.insert_unique(hash_pair(name, &label.value), id, hash);
        if let Some(name) = &mut self.names[name.0 as usize] {
            name.pairs.push(id);
        }
        Some(id)
    }

    fn add_name(&mut self, text: &Arc<str>) -> Option<NameId> {
        let name = Name { text: Arc::clone(text), pairs: Vec::new() };
        let id = match self.free_names.pop() {
            Some(id) => {
                self.names[id.0 as usize] = Some(name);
                id
            }
            None => {
                let id = NameId(u32::try_from(self.names.len()).ok()?);
                self.names.push(Some(name));
                id
            }
        };
        self.name_ids.insert(Arc::clone(text), id);
        Some(id)
    }

    /// Forgets pairs that no series has any more, and names without pairs.
    pub(crate) fn remove(&mut self, dead: &FxHashSet<PairId>) {
        let mut names = FxHashSet::default();
        for id in dead {
            let Some(pair) = self.pairs[id.0 as usize].take() else { continue };
            if let Ok(entry) =
                self.pair_ids.find_entry(hash_pair(pair.name, &pair.value), |other| other == id)
            {
                entry.remove();
            }
            self.free_pairs.push(*id);
            names.insert(pair.name);
        }
        for id in names {
            let slot = &mut self.names[id.0 as usize];
            let Some(name) = slot else { continue };
            name.pairs.retain(|pair| !dead.contains(pair));
            if name.pairs.is_empty() {
                self.name_ids.remove(&name.text);
                *slot = None;
                self.free_names.push(id);
            }
        }
    }

    /// The name of that text, if some series has it.
    pub(crate) fn name(&self, text: &str) -> Option<&Name> {
        self.names[self.name_ids.get(text)?.0 as usize].as_ref()
    }

    /// All names, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.names.iter().flatten()
    }

    /// How many numbers of pairs there are, free ones included.
    pub(crate) fn pair_slots(&self) -> usize {
        self.pairs.len()
    }

    /// The value of a pair that some series has.
    pub(crate) fn value(&self, id: PairId) -> &Arc<str> {
        &self.living(id).value
    }

    /// The name of a pair that some series has.
    pub(crate) fn name_of(&self, id: PairId) -> NameId {
        self.living(id).name
    }

    /// A name's text.
    pub(crate) fn text(&self, id: NameId) -> &Arc<str> {
        &self.names[id.0 as usize].as_ref().expect("names live as long as their pairs").text
    }

    /// The label that a pair stands for.
    pub(crate) fn label(&self, id: PairId) -> Label {
        Label { name: Arc::clone(self.text(self.name_of(id))), value: Arc::clone(self.value(id)) }
    }

    fn living(&self, id: PairId) -> &Pair {
        self.pairs[id.0 as usize].as_ref().expect("pairs live as long as series refer to them")
    }

    /// What it all occupies. Text is counted here although callers may share it.
    pub(crate) fn heap_bytes(&self) -> usize {
        let text = |text: &Arc<str>| ARC_HEADER + text.len();
        let names: usize =
            self.names().map(|name| text(&name.text) + name.pairs.capacity() * size_of::<PairId>()).sum();
        let values: usize = self.pairs.iter().flatten().map(|pair| text(&pair.value)).sum();
        names
            + values
            + self.names.capacity() * size_of::<Option<Name>>()
            + self.name_ids.capacity() * (size_of::<(Arc<str>, NameId)>() + 1)
            + self.pairs.capacity() * size_of::<Option<Pair>>()
            + self.pair_ids.allocation_size()
            + self.free_pairs.capacity() * size_of::<PairId>()
            + self.free_names.capacity() * size_of::<NameId>()
    }
}

impl Name {
    /// The name.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Its pairs, one for each distinct value, in no order.
    pub(crate) fn pairs(&self) -> &[PairId] {
        &self.pairs
    }
}

fn hash_pair(name: NameId, value: &str) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, value: &str) -> Label {
        Label { name: name.into(), value: value.into() }
    }

    #[test]
    fn a_pair_is_stored_once() {
        let mut symbols = Symbols::default();
        let a = symbols.intern(&label("pod", "a")).unwrap();
        let b = symbols.intern(&label("pod", "b")).unwrap();
        let other = symbols.intern(&label("node", "a")).unwrap();
        assert!(a != b && a != other);
        assert_eq!(symbols.intern(&label("pod", "a")), Some(a));
        assert_eq!(symbols.pair("pod", "b"), Some(b));
        assert_eq!(symbols.pair("pod", "c"), None);
        assert_eq!(symbols.label(other), label("node", "a"));
    }

    #[test]
    fn removed_pairs_are_forgotten_and_their_numbers_used_again() {
        let mut symbols = Symbols::default();
        let a = symbols.intern(&label("pod", "a")).unwrap();
        let b = symbols.intern(&label("pod", "b")).unwrap();
        let node = symbols.intern(&label("node", "n")).unwrap();
        symbols.remove(&[a, node].into_iter().collect());
        assert_eq!(symbols.pair("pod", "a"), None);
        assert_eq!(symbols.pair("pod", "b"), Some(b));
        assert!(symbols.name("node").is_none(), "the last value takes the name along");
        assert_eq!(symbols.names().count(), 1);
        let slots = symbols.pair_slots();
        symbols.intern(&label("zone", "z")).unwrap();
        assert_eq!((symbols.pair_slots(), symbols.names().count()), (slots, 2));
    }
}
