//! The wanted samples of blocks, remembered from series to series: series that are collected together have blocks at the
//! same times, and finding the wanted places costs more than unpacking what stands there.

use crate::encoding::block::MAX_BLOCK;
use crate::instants::Wanted;

/// What a reader wants, and where that stands in the blocks that it has met.
#[derive(Debug)]
pub(crate) struct Picks {
    wanted: Wanted,
    /// In the order in which they were met.
    known: Vec<Pick>,
    /// Which one was found last. What follows it followed it in the series before, too.
    last: usize,
    /// Which one is forgotten next.
    oldest: usize,
}

/// The wanted samples of one block of regular times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pick {
    regular: Regular,
    places: Vec<u8>,
    /// The times of the samples there.
    pub(crate) times: Vec<i64>,
}

/// Times at equal distances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regular {
    /// The first time.
    pub(crate) first_ms: i64,
    /// From time to time.
    pub(crate) step_ms: u32,
    /// How many there are.
    pub(crate) count: usize,
}

/// How many blocks are remembered. Six hours of samples every fifteen seconds make half as many.
const MOST: usize = 64;

impl Picks {
    /// Nothing met yet.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self { wanted, known: Vec::new(), last: 0, oldest: 0 }
    }

    /// What the reader wants.
    pub(crate) fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// The wanted samples of a block. `None` where so many are wanted that picking is not worth its trouble, or where
    /// there are more than a block may have.
    #[inline]
    pub(crate) fn of(&mut self, regular: Regular) -> Option<&Pick> {
        self.wanted.sparse(regular.step_ms)?;
        if regular.count == 0 || regular.count > MAX_BLOCK {
            return None;
        }
        let next = self.last + 1;
        self.last = if next < self.known.len() { next } else { 0 };
        if self.known.get(self.last).is_none_or(|pick| pick.regular != regular) {
            self.find(regular);
        }
        self.known.get(self.last)
    }

    /// Looks among all that are known, and learns what is not.
    #[cold]
    fn find(&mut self, regular: Regular) {
        self.last = match self.known.iter().position(|pick| pick.regular == regular) {
            Some(place) => place,
            None if self.known.len() < MOST => {
                self.known.push(Pick::default());
                self.known.len() - 1
            }
            None => {
                self.oldest = (self.oldest + 1) % MOST;
                self.oldest
            }
        };
        let pick = &mut self.known[self.last];
        if pick.regular != regular {
            pick.fill(regular, self.wanted);
        }
    }
}

impl Pick {
    /// The picked ones of a block's values.
    pub(crate) fn of(&self, values: &[f64]) -> impl Iterator<Item = f64> {
        self.places().map(|place| values[place])
    }

    /// The picked places inside the block, ascending.
    #[inline]
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        self.places.iter().map(|place| usize::from(*place))
    }

    fn fill(&mut self, regular: Regular, wanted: Wanted) {
        self.regular = regular;
        self.places.clear();
        self.times.clear();
        let inside = regular.between(wanted);
        let Some(instants) = wanted.instants else { return };
        for index in instants.indices(regular.time(inside.start), regular.step_ms, inside.len()) {
            let place = inside.start + index;
            self.places.push(place as u8);
            self.times.push(regular.time(place));
        }
    }
}

impl Regular {
    /// The time at a place.
    #[inline]
    pub(crate) fn time(self, place: usize) -> i64 {
        self.first_ms.wrapping_add((place as i64).wrapping_mul(i64::from(self.step_ms)))
    }

    /// Which places lie in the wanted stretch of time.
    pub(crate) fn between(self, wanted: Wanted) -> std::ops::Range<usize> {
        let step = u64::from(self.step_ms.max(1));
        // How many samples lie before a time.
        let before = |time_ms: i64| {
            // Where that saturates the time lies beyond any sample, too.
            let offset = time_ms.saturating_sub(self.first_ms);
            u64::try_from(offset).map_or(0, |offset| offset.div_ceil(step).min(self.count as u64) as usize)
        };
        let end = wanted.to_ms.checked_add(1).map_or(self.count, before);
        before(wanted.from_ms).min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instants::Instants;

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_found_anew(
            blocks in prop::collection::vec((0i64..2_000, 1u32..20, 1usize..=MAX_BLOCK), 1..200),
            (first_ms, step_ms) in (-100i64..2_000, 1i64..200),
            (from_ms, length) in (-100i64..2_000, 0i64..2_000),
        ) {
            let instants = Instants { first_ms, step_ms };
            let wanted = Wanted { from_ms, to_ms: from_ms + length, instants: Some(instants) };
            let mut picks = Picks::new(wanted);
            for &(first_ms, step_ms, count) in blocks.iter().chain(&blocks) {
                let regular = Regular { first_ms, step_ms, count };
                let Some(pick) = picks.of(regular) else {
                    prop_assert_eq!(wanted.sparse(step_ms), None);
                    continue;
                };
                let all = (0..count).map(|place| regular.time(place));
                let mut times: Vec<i64> = all.filter(|t| (from_ms..=wanted.to_ms).contains(t)).collect();
                let mut values = vec![0.0; times.len()];
                instants.thin(0, &mut times, &mut values);
                prop_assert_eq!(&pick.times, &times);
                let places: Vec<i64> = pick.places().map(|place| regular.time(place)).collect();
                prop_assert_eq!(&places, &times);
            }
        }
    }
}
