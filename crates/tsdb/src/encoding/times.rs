//! The times of a block: samples of one scrape interval cost nothing, whatever else costs the variation of its distances.

use super::integers::{Packed, Plan};
use super::wire::{Reader, put_varint};

/// The distance of regular samples, or of the two first ones; zero for a single sample. `None` where distances differ or
/// do not fit.
pub(super) fn regular_step(times: &[i64]) -> Option<u32> {
    let [first, second, ..] = times else { return Some(0) };
    let step = u32::try_from(second.checked_sub(*first)?).ok()?;
    times.windows(2).all(|w| w[1].wrapping_sub(w[0]) == i64::from(step)).then_some(step)
}

/// Times as they stand in a block.
pub(super) enum Times<'a> {
    /// At equal distances.
    Regular {
        /// The first sample's time.
        first_ms: i64,
        /// From sample to sample.
        step_ms: u32,
    },
    /// As packed offsets from the first one.
    Irregular {
        /// The first sample's time.
        first_ms: i64,
        /// The last sample's time: tells whether the block is wanted before it is unpacked.
        last_ms: i64,
        /// The offsets.
        offsets: Packed<'a>,
    },
}

/// Writes regular times; `offset` is the first one's distance from the chunk's start.
pub(super) fn write_regular(offset: u64, step_ms: u32, count: usize, out: &mut Vec<u8>) {
    put_varint(out, offset);
    if count > 1 {
        put_varint(out, step_ms.into());
    }
}

/// Writes ascending times; `offset` is the first one's distance from the chunk's start.
pub(super) fn write_irregular(offset: u64, times: &[i64], scratch: &mut Vec<i64>, out: &mut Vec<u8>) {
    let first = times.first().copied().unwrap_or_default();
    scratch.clear();
    scratch.extend(times.iter().map(|t| t.wrapping_sub(first)));
    put_varint(out, offset);
    put_varint(out, scratch.last().copied().unwrap_or_default() as u64);
    let plan = Plan::best(scratch);
    out.push(plan.order | if plan.shift > 0 { SHIFTED } else { 0 });
    plan.write(scratch, out);
}

/// In the byte before irregular times: the order is in the two lowest bits.
const ORDER: u8 = 0b011;
const SHIFTED: u8 = 0b100;

impl<'a> Times<'a> {
    /// The first time: what [`Times::read`] begins with.
    pub(super) fn read_first(reader: &mut Reader<'_>, start_ms: i64) -> i64 {
        start_ms.wrapping_add(reader.varint() as i64)
    }

    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>, start_ms: i64, count: usize, regular: bool) -> Self {
        let first_ms = Self::read_first(reader, start_ms);
        if regular {
            let step_ms = if count > 1 { reader.varint() as u32 } else { 0 };
            return Self::Regular { first_ms, step_ms };
        }
        let last_ms = first_ms.wrapping_add(reader.varint() as i64);
        let head = reader.byte();
        let offsets = Packed::read(reader, count, head & ORDER, head & SHIFTED != 0);
        Self::Irregular { first_ms, last_ms, offsets }
    }

    /// The step of regular times.
    pub(super) fn step_ms(&self) -> Option<u32> {
        match self {
            Self::Regular { step_ms, .. } => Some(*step_ms),
            Self::Irregular { .. } => None,
        }
    }

    /// The first and the last time.
    pub(super) fn bounds(&self, count: usize) -> (i64, i64) {
        match self {
            Self::Regular { first_ms, step_ms } => {
                let length = (count as i64 - 1).wrapping_mul(i64::from(*step_ms));
                (*first_ms, first_ms.wrapping_add(length))
            }
            Self::Irregular { first_ms, last_ms, .. } => (*first_ms, *last_ms),
        }
    }

    /// Appends all times.
    pub(super) fn unpack(&self, count: usize, times: &mut Vec<i64>) {
        match self {
            Self::Regular { first_ms, step_ms } => {
                let step = i64::from(*step_ms);
                times.extend((0..count as i64).map(|i| first_ms.wrapping_add(i.wrapping_mul(step))));
            }
            Self::Irregular { first_ms, offsets, .. } => {
                let old = times.len();
                times.resize(old + count, 0);
                offsets.unpack(&mut times[old..], |offset| first_ms.wrapping_add(offset));
            }
        }
    }
}
