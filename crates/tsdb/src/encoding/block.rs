//! Blocks of samples: writing, stepping over, reading.

use super::decimal::{self, Denominator, from_numerator, numerator};
use super::integers::{Packed, Plan};
use super::times::{Times, regular_step, write_irregular, write_regular};
use super::wire::{Reader, put_varint, put_varint_backward, take_varint_backward, varint_len};
use crate::picks::{Picks, Regular};

/// The most samples in a block, runs aside. Small enough that its integers are of one size, large enough that what
/// precedes them does not count.
pub(crate) const MAX_BLOCK: usize = 64;

/// A run of one value at regular times has a block of its own from this many samples on. Below, leaving the block
/// before it and starting another after it costs more than it saves.
pub(crate) const MIN_RUN: usize = 16;

/// In a block, at most one value in this many may be kept beside the integers.
const VALUES_PER_PATCH: usize = 8;

/// The byte that says what a block consists of.
#[derive(Clone, Copy)]
struct Head(u8);

impl Head {
    /// How often differences of the values' integers are taken.
    const ORDER: u8 = 0b00_0011;
    /// The values' integers have common low bits.
    const SHIFTED: u8 = 0b00_0100;
    /// The integers are the values' bits and not numerators.
    const BITS: u8 = 0b00_1000;
    /// Some values stand beside the integers.
    const PATCHED: u8 = 0b01_0000;
    /// Times are at equal distances.
    const REGULAR: u8 = 0b10_0000;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// Writes samples as blocks, one after the other. Keeps its scratch memory between calls.
#[derive(Debug, Default)]
pub(crate) struct BlockWriter {
    integers: Vec<i64>,
    patches: Vec<(usize, u64)>,
    offsets: Vec<i64>,
}

impl BlockWriter {
    /// Writes samples in ascending order of time, none before the chunk's start.
    pub(crate) fn write_samples(&mut self, start_ms: i64, times: &[i64], values: &[f64], out: &mut Vec<u8>) {
        debug_assert_eq!(times.len(), values.len());
        let mut mixed = 0;
        let mut at = 0;
        while at < times.len() {
            let run = run_length(&times[at..], &values[at..]);
            if run < MIN_RUN {
                // The last sample of a run may begin another one with other distances.
                at += run.saturating_sub(1).max(1);
                continue;
            }
            self.write_mixed(start_ms, &times[mixed..at], &values[mixed..at], out);
            let step_ms = (times[at + 1] - times[at]) as u32;
            self.write_run(offset(start_ms, times[at]), step_ms, run, values[at], out);
            at += run;
            mixed = at;
        }
        self.write_mixed(start_ms, &times[mixed..], &values[mixed..], out);
    }

    /// Writes `count` samples of one value at equal distances, of which the first lies `offset` milliseconds after the
    /// chunk's start.
    pub(crate) fn write_run(
        &mut self,
        offset: u64,
        step_ms: u32,
        count: usize,
        value: f64,
        out: &mut Vec<u8>,
    ) {
        // One value stands for all: an integer that never differs takes no bits.
        let values = ValuePlan::new(&[value], None, self);
        let start = out.len();
        put_varint(out, count as u64);
        out.push(values.head() | Head::REGULAR);
        write_regular(offset, step_ms, count, out);
        values.write(self, out);
        end_block(start, out);
    }

    fn write_mixed(&mut self, start_ms: i64, times: &[i64], values: &[f64], out: &mut Vec<u8>) {
        if times.is_empty() {
            return;
        }
        // Blocks of nearly one size: a last block of few samples would be all head.
        let size = times.len().div_ceil(times.len().div_ceil(MAX_BLOCK));
        for (times, values) in times.chunks(size).zip(values.chunks(size)) {
            self.write_block(start_ms, times, values, out);
        }
    }

    fn write_block(&mut self, start_ms: i64, times: &[i64], values: &[f64], out: &mut Vec<u8>) {
        let step_ms = regular_step(times);
        let values = ValuePlan::new(values, step_ms, self);
        let start = out.len();
        put_varint(out, times.len() as u64);
        out.push(values.head() | if step_ms.is_some() { Head::REGULAR } else { 0 });
        match step_ms {
            Some(step_ms) => write_regular(offset(start_ms, times[0]), step_ms, times.len(), out),
            None => write_irregular(offset(start_ms, times[0]), times, &mut self.offsets, out),
        }
        values.write(self, out);
        end_block(start, out);
    }
}

/// A block ends with its length, so that blocks can be walked from the last one back: most queries want the newest
/// samples, and each block that need not be looked at is memory that need not be fetched.
fn end_block(start: usize, out: &mut Vec<u8>) {
    put_varint_backward(out, (out.len() - start) as u64);
}

/// How far a sample lies from its chunk's start, which is never later.
fn offset(start_ms: i64, time_ms: i64) -> u64 {
    time_ms.wrapping_sub(start_ms) as u64
}

/// How many samples from the first on have its value, and equal distances.
fn run_length(times: &[i64], values: &[f64]) -> usize {
    let [first, second, ..] = times else { return times.len() };
    let Some(step) = second.checked_sub(*first).filter(|step| *step <= u32::MAX.into()) else { return 1 };
    let bits = values[0].to_bits();
    let same = |i: usize| values[i].to_bits() == bits && times[i].wrapping_sub(times[i - 1]) == step;
    1 + (1..times.len()).take_while(|i| same(*i)).count()
}

/// How a block's values are written.
struct ValuePlan {
    denominator: Option<Denominator>,
    integers: Plan,
    patched: bool,
}

impl ValuePlan {
    /// Leaves the integers and the patches in the writer's scratch memory.
    fn new(values: &[f64], step_ms: Option<u32>, scratch: &mut BlockWriter) -> Self {
        let denominator = decimal::find(values, step_ms, values.len() / VALUES_PER_PATCH);
        let divisor = denominator.map(|d| d.value(step_ms.unwrap_or(0)));
        let BlockWriter { integers, patches, .. } = scratch;
        integers.clear();
        patches.clear();
        let mut last = 0;
        for (index, value) in values.iter().enumerate() {
            let integer = match divisor {
                Some(divisor) => numerator(*value, divisor),
                None => Some(value.to_bits() as i64),
            };
            // In the place of a patched value its neighbour keeps the integers narrow.
            last = integer.unwrap_or_else(|| {
                patches.push((index, value.to_bits()));
                last
            });
            integers.push(last);
        }
        Self { denominator, integers: Plan::best(integers), patched: !patches.is_empty() }
    }

    fn head(&self) -> u8 {
        let flag = |flag, on| if on { flag } else { 0 };
        self.integers.order
            | flag(Head::SHIFTED, self.integers.shift > 0)
            | flag(Head::BITS, self.denominator.is_none())
            | flag(Head::PATCHED, self.patched)
    }

    fn write(&self, scratch: &BlockWriter, out: &mut Vec<u8>) {
        if let Some(denominator) = self.denominator {
            out.push(denominator.to_byte());
        }
        self.integers.write(&scratch.integers, out);
        if self.patched {
            put_varint(out, scratch.patches.len() as u64);
            for (index, bits) in &scratch.patches {
                put_varint(out, *index as u64);
                out.extend_from_slice(&bits.to_le_bytes());
            }
        }
    }
}

/// The blocks from the last one on that begins at or before `from_ms`.
pub(crate) fn blocks_from(start_ms: i64, blocks: &[u8], from_ms: i64) -> &[u8] {
    let mut before = blocks;
    while !before.is_empty() {
        let length = take_varint_backward(&mut before) as usize;
        let begin = before.len().saturating_sub(length);
        if first_ms(start_ms, &blocks[begin..]) <= from_ms {
            return &blocks[begin..];
        }
        before = &blocks[..begin];
    }
    blocks
}

/// When the first sample of a block was taken.
fn first_ms(start_ms: i64, block: &[u8]) -> i64 {
    let mut reader = Reader::new(block);
    let (_count, _head) = (reader.varint(), reader.byte());
    Times::read_first(&mut reader, start_ms)
}

/// Appends the samples of some blocks that are wanted, and perhaps some at other times that are not. Blocks outside are
/// stepped over.
pub(crate) fn read_samples(
    start_ms: i64,
    blocks: &[u8],
    picks: &mut Picks,
    times: &mut Vec<i64>,
    values: &mut Vec<f64>,
) {
    let wanted = picks.wanted();
    let mut reader = Reader::new(blocks);
    while !reader.is_empty() {
        let block = Block::read(&mut reader, start_ms);
        let (first_ms, last_ms) = block.times.bounds(block.count);
        if first_ms > wanted.to_ms {
            break;
        }
        if last_ms < wanted.from_ms {
            continue;
        }
        let whole = wanted.from_ms <= first_ms && last_ms <= wanted.to_ms;
        if !block.unpack_some(whole, picks, times, values) {
            let old = times.len();
            block.times.unpack(block.count, times);
            block.unpack_values(values);
            if last_ms > wanted.to_ms {
                let kept = old + times[old..].partition_point(|t| *t <= wanted.to_ms);
                times.truncate(kept);
                values.truncate(kept);
            }
            if first_ms < wanted.from_ms {
                let dropped = times[old..].partition_point(|t| *t < wanted.from_ms);
                times.drain(old..old + dropped);
                values.drain(old..old + dropped);
            }
            if let Some(instants) = wanted.instants {
                instants.thin(old, times, values);
            }
        }
    }
}

/// A block's parts, not yet unpacked.
struct Block<'a> {
    count: usize,
    times: Times<'a>,
    /// `None`: the integers are the values' bits.
    divisor: Option<f64>,
    integers: Packed<'a>,
    /// At the patches, where there are any.
    patches: Option<Reader<'a>>,
}

impl<'a> Block<'a> {
    fn read(reader: &mut Reader<'a>, start_ms: i64) -> Self {
        let before = reader.rest().len();
        let count = reader.varint() as usize;
        let head = Head(reader.byte());
        let times = Times::read(reader, start_ms, count, head.has(Head::REGULAR));
        let divisor = (!head.has(Head::BITS))
            .then(|| Denominator::from_byte(reader.byte()).value(times.step_ms().unwrap_or(0)));
        let integers = Packed::read(reader, count, head.0 & Head::ORDER, head.has(Head::SHIFTED));
        let patches = head.has(Head::PATCHED).then_some(*reader);
        if patches.is_some() {
            for _ in 0..reader.varint() {
                reader.varint();
                reader.word();
            }
        }
        let length = before - reader.rest().len();
        reader.skip(varint_len(length as u64));
        Self { count, times, divisor, integers, patches }
    }

    /// Appends the wanted samples without looking at the others. `false`: that is not possible, or no gain. `whole` says
    /// that the block lies within the wanted time.
    fn unpack_some(
        &self,
        whole: bool,
        picks: &mut Picks,
        times: &mut Vec<i64>,
        values: &mut Vec<f64>,
    ) -> bool {
        let &Times::Regular { first_ms, step_ms } = &self.times else { return false };
        if self.patches.is_some() || self.count == 0 {
            return false;
        }
        let regular = Regular { first_ms, step_ms, count: self.count };
        let wanted = picks.wanted();
        if let Some(pick) = picks.of(regular) {
            times.extend_from_slice(&pick.times);
            self.unpack_values_at(pick.places(), values);
            return true;
        }
        let Some(instants) = wanted.sparse(step_ms) else {
            if whole {
                return false;
            }
            let inside = regular.between(wanted);
            times.extend(inside.clone().map(|place| regular.time(place)));
            self.unpack_values_at(inside, values);
            return true;
        };
        // A long run: one value for all.
        let inside = regular.between(wanted);
        let found = instants.indices(regular.time(inside.start), step_ms, inside.len());
        times.extend(found.map(|index| regular.time(inside.start + index)));
        let added = times.len() - values.len();
        self.unpack_values_at(std::iter::repeat_n(0, added), values);
        true
    }

    fn unpack_values_at(&self, places: impl Iterator<Item = usize>, values: &mut Vec<f64>) {
        match self.divisor {
            None => self.integers.unpack_some(places, values, |n| f64::from_bits(n as u64)),
            Some(1.0) => self.integers.unpack_some(places, values, |n| n as f64),
            Some(divisor) => self.integers.unpack_some(places, values, move |n| from_numerator(n, divisor)),
        }
    }

    fn unpack_values(&self, values: &mut Vec<f64>) {
        let old = values.len();
        values.resize(old + self.count, 0.0);
        let block = &mut values[old..];
        match self.divisor {
            None => self.integers.unpack(block, |n| f64::from_bits(n as u64)),
            // Division is exact here too, and slower.
            Some(1.0) => self.integers.unpack(block, |n| n as f64),
            Some(divisor) => self.integers.unpack(block, |n| from_numerator(n, divisor)),
        }
        if let Some(mut patches) = self.patches {
            for _ in 0..patches.varint() {
                let index = patches.varint() as usize;
                let value = f64::from_bits(patches.word());
                if let Some(place) = block.get_mut(index) {
                    *place = value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instants::Wanted;

    fn write(times: &[i64], values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        BlockWriter::default().write_samples(times.first().copied().unwrap_or(0), times, values, &mut bytes);
        bytes
    }

    fn read(start_ms: i64, bytes: &[u8], from_ms: i64, to_ms: i64) -> Vec<(i64, u64)> {
        // Readers append: what others left in the buffers stays.
        let (mut times, mut values) = (vec![-1], vec![-1.0]);
        let mut picks = Picks::new(Wanted { from_ms, to_ms, instants: None });
        let blocks = blocks_from(start_ms, bytes, from_ms);
        read_samples(start_ms, blocks, &mut picks, &mut times, &mut values);
        assert_eq!((times[0], values[0], times.len()), (-1, -1.0, values.len()));
        times.into_iter().zip(values.into_iter().map(f64::to_bits)).skip(1).collect()
    }

    fn regular(count: usize) -> Vec<i64> {
        (0..count as i64).map(|i| 1_700_000_000_000 + 15_000 * i).collect()
    }

    #[test]
    fn sizes_follow_the_kind_of_series() {
        // A reproducible noise of 20 bits.
        let noise = |i: usize| ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44) as f64;
        let series = |f: &dyn Fn(usize) -> f64| (0..240).map(f).collect::<Vec<_>>();
        for (what, values, most) in [
            ("a constant", series(&|_| 17_179_869_184.0), 15),
            ("a constant fraction", series(&|_| 0.1), 10),
            ("a constant without a short decimal", series(&|_| 1.0 / 3.0), 17),
            ("two long runs", series(&|i| f64::from(i > 100)), 22),
            ("a straight line", series(&|i| 15.0 * i as f64), 52),
            ("pages of memory", series(&|i| 4096.0 * (1e5 + (noise(i) / 256.0).floor())), 430),
            ("a noisy counter", series(&|i| 1e9 * i as f64 + noise(i)), 710),
            ("nanoseconds as seconds", series(&|i| (1e9 * i as f64 + noise(i)) / 1e9), 710),
            ("a rate over the interval", series(&|i| (1e9 + noise(i)) / 15e9), 670),
            ("noise", series(&|i| (noise(i) + 1.0).sqrt()), 1_710),
        ] {
            let size = write(&regular(240), &values).len();
            assert!(size <= most, "{what}: {size} bytes, more than {most}");
            assert!(size * 10 >= most * 8, "{what}: {size} bytes, the bound of {most} is no longer telling");
        }
    }

    #[test]
    fn a_run_is_one_block_however_long() {
        let mut bytes = Vec::new();
        BlockWriter::default().write_run(0, 15_000, 1_000_000, 2.5, &mut bytes);
        assert!(bytes.len() < 16, "{} bytes", bytes.len());
        assert_eq!(read(0, &bytes, 29_000, 61_000), [30_000, 45_000, 60_000].map(|t| (t, 2.5f64.to_bits())));
    }

    #[test]
    fn special_values_stand_beside_the_integers() {
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let mut values: Vec<f64> = (0..64).map(|i| 1e6 + f64::from(i * i)).collect();
        let plain = write(&regular(64), &values).len();
        for (index, special) in [(10, -0.0), (20, f64::INFINITY), (63, stale)] {
            values[index] = special;
        }
        let bytes = write(&regular(64), &values);
        assert!(bytes.len() < plain + 90, "{} bytes, {plain} without", bytes.len());
        let expected: Vec<_> = regular(64).into_iter().zip(values.iter().map(|v| v.to_bits())).collect();
        assert_eq!(read(regular(1)[0], &bytes, i64::MIN, i64::MAX), expected);
    }

    /// Ascending times: regular, with jitter, or anything.
    fn times(count: usize) -> impl Strategy<Value = Vec<i64>> {
        let ascending = |gaps: Vec<i64>| -> Vec<i64> {
            gaps.into_iter()
                .scan(0, |t, gap| {
                    *t += gap;
                    Some(*t)
                })
                .collect()
        };
        (
            any::<i32>(),
            prop_oneof![
                (1i64..100_000).prop_map(move |step| vec![step; count]),
                prop::collection::vec(14_990i64..15_010, count),
                prop::collection::vec(prop_oneof![4 => Just(15_000i64), 1 => 1i64..1_000_000_000], count),
            ],
        )
            .prop_map(move |(start, gaps)| {
                ascending(gaps).into_iter().map(|t| t + i64::from(start)).collect()
            })
    }

    /// Values as they come: any bits, decimals, runs, and mixtures.
    fn values(count: usize) -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (-1000i64..1000).prop_map(|n| n as f64),
            (any::<i32>(), 0u8..12).prop_map(|(n, e)| f64::from(n) / 10f64.powi(e.into())),
            prop::sample::select(vec![
                0.0,
                -0.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::MIN_POSITIVE,
                5e-324
            ]),
        ];
        prop_oneof![
            prop::collection::vec(value.clone(), count),
            prop::collection::vec((-1000i64..1000).prop_map(|n| n as f64 / 8.0), count),
            prop::collection::vec((value, 1usize..40), count).prop_map(move |runs| {
                runs.into_iter().flat_map(|(v, n)| std::iter::repeat_n(v, n)).take(count).collect()
            }),
        ]
    }

    fn samples() -> impl Strategy<Value = (Vec<i64>, Vec<f64>)> {
        (0usize..200).prop_flat_map(|count| (times(count), values(count)))
    }

    proptest! {
        #[test]
        fn samples_survive_to_the_bit((times, values) in samples()) {
            let bytes = write(&times, &values);
            let expected: Vec<_> = times.iter().copied().zip(values.iter().map(|v| v.to_bits())).collect();
            prop_assert_eq!(read(times.first().copied().unwrap_or(0), &bytes, i64::MIN, i64::MAX), expected);
        }

        #[test]
        fn a_range_is_read_as_if_all_were_read_and_cut((times, values) in samples(), a in 0usize..200, b in 0usize..200, nudge in -1i64..=1) {
            let bytes = write(&times, &values);
            let bound = |i: usize| times.get(i).copied().unwrap_or(i64::from(i32::MAX)) + nudge;
            let (from, to) = (bound(a), bound(b));
            let expected: Vec<_> = times.iter().copied().zip(values.iter().map(|v| v.to_bits()))
                .filter(|(t, _)| (from..=to).contains(t)).collect();
            prop_assert_eq!(read(times.first().copied().unwrap_or(0), &bytes, from, to), expected);
        }
    }
}
