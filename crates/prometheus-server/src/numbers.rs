//! Numbers for things that come again and again, so that a series is found by small integers.

use hashbrown::HashTable;
use rustc_hash::FxHashSet;

/// Numbers things, and knows when each was heard of last.
#[derive(Debug)]
pub(crate) struct Numbers<T> {
    /// Numbers by hash.
    table: HashTable<u32>,
    slots: Vec<Slot<T>>,
    /// Slots without a thing, to be used again.
    free: Vec<u32>,
    /// How many things there were after the last look for departed ones.
    kept: usize,
}

#[derive(Debug)]
struct Slot<T> {
    hash: u64,
    thing: Option<T>,
    last_heard_ms: i64,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { table: HashTable::new(), slots: Vec::new(), free: Vec::new(), kept: 0 }
    }
}

impl<T> Numbers<T> {
    /// Looking for departed things is not worth it below this many.
    const FEW: usize = 1024;

    /// The number of the thing with this hash that `is` recognises, which was heard of at `time_ms`. A new one is made by
    /// `make`.
    pub(crate) fn number(
        &mut self,
        hash: u64,
        time_ms: i64,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> u32 {
        let slots = &self.slots;
        let found = self.table.find(hash, |&id| slots[id as usize].thing.as_ref().is_some_and(&is));
        if let Some(&id) = found {
            self.heard(id, time_ms);
            return id;
        }
        let slot = Slot { hash, thing: Some(make()), last_heard_ms: time_ms };
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = slot;
                id
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).expect("four billion things do not fit into memory")
            }
        };
        let slots = &self.slots;
        self.table.insert_unique(hash, id, |&id| slots[id as usize].hash);
        id
    }

    /// The thing of this number.
    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.slots.get(id as usize)?.thing.as_ref()
    }

    /// Notes that the thing of this number was heard of.
    pub(crate) fn heard(&mut self, id: u32, time_ms: i64) {
        let last = &mut self.slots[id as usize].last_heard_ms;
        *last = (*last).max(time_ms);
    }

    /// How many things have a number.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it is time to look for departed things: there are twice as many as after the last time.
    pub(crate) fn is_crowded(&self) -> bool {
        self.table.len() >= 2 * self.kept.max(Self::FEW)
    }

    /// Forgets the things not heard of since `horizon_ms` and gives their numbers, which will be used again.
    pub(crate) fn forget_idle(&mut self, horizon_ms: i64) -> FxHashSet<u32> {
        let mut departed = FxHashSet::default();
        let slots = &mut self.slots;
        self.table.retain(|&mut id| {
            let slot = &mut slots[id as usize];
            let stays = slot.last_heard_ms >= horizon_ms;
            if !stays {
                slot.thing = None;
                departed.insert(id);
            }
            stays
        });
        self.free.extend(&departed);
        self.kept = self.table.len();
        departed
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use rustc_hash::FxBuildHasher;

    use super::*;

    fn number(numbers: &mut Numbers<String>, thing: &str, time_ms: i64) -> u32 {
        let hash = FxBuildHasher.hash_one(thing);
        numbers.number(hash, time_ms, |other| other == thing, || thing.to_owned())
    }

    #[test]
    fn equal_things_have_one_number() {
        let mut numbers = Numbers::default();
        let a = number(&mut numbers, "a", 1);
        let b = number(&mut numbers, "b", 1);
        assert_ne!(a, b);
        assert_eq!(number(&mut numbers, "a", 2), a);
        assert_eq!(number(&mut numbers, "b", 2), b);
        assert_eq!(numbers.get(b).map(String::as_str), Some("b"));
        assert_eq!(numbers.len(), 2);
    }

    #[test]
    fn things_of_one_hash_are_told_apart() {
        let mut numbers = Numbers::default();
        let mut number = |thing: &'static str| numbers.number(7, 0, |other| *other == thing, || thing);
        assert_eq!((number("a"), number("b"), number("a")), (0, 1, 0));
    }

    #[test]
    fn departed_things_are_forgotten_and_their_numbers_used_again() {
        let mut numbers = Numbers::default();
        let old = number(&mut numbers, "old", 10);
        let young = number(&mut numbers, "young", 20);
        assert_eq!(numbers.forget_idle(20).into_iter().collect::<Vec<_>>(), [old]);
        assert_eq!(numbers.get(old), None);
        assert_eq!(number(&mut numbers, "young", 30), young);
        assert_eq!(number(&mut numbers, "new", 30), old);
        assert!(numbers.forget_idle(30).is_empty());
    }

    #[test]
    fn the_look_for_departed_things_comes_at_each_doubling() {
        let mut numbers = Numbers::default();
        let mut looks = Vec::new();
        for at in 0..10_000 {
            if numbers.is_crowded() {
                looks.push(at);
                numbers.forget_idle(0);
            }
            number(&mut numbers, &at.to_string(), at);
        }
        assert_eq!(looks, [2048, 4096, 8192]);
    }
}
