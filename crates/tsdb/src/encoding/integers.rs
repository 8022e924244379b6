//! Integers as bit fields: the numbers themselves, their differences, or the differences of those, whichever takes the
//! fewest bits, each as its distance from the smallest.
//!
//! Gauges that hover take the numbers, noisy counters the differences, smooth counters the differences of differences;
//! a straight line takes no bits at all. Common factors of two (memory comes in pages) are shifted out. All arithmetic
//! wraps, so that any 64 bits survive.

use super::wire::{BitFields, Reader, bits_len, put_bits, put_varint, unzigzag, varint_len, zigzag};

/// How integers are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// How often differences are taken: 0, 1 or 2.
    pub(super) order: u8,
    /// How many low bits all residuals share; they are kept in `min` alone.
    pub(super) shift: u32,
    width: u32,
    min: i64,
    /// The first numbers, as many as `order`: the first number, and the first difference.
    seeds: [i64; 2],
}

/// The extent of a stream of residuals.
#[derive(Clone, Copy)]
struct Extent {
    first: i64,
    min: i64,
    max: i64,
    /// Bits in which any residual differs from the first.
    differing: u64,
}

impl Extent {
    fn new(first: i64) -> Self {
        Self { first, min: first, max: first, differing: 0 }
    }

    #[inline(always)]
    fn include(&mut self, residual: i64) {
        self.min = self.min.min(residual);
        self.max = self.max.max(residual);
        self.differing |= (residual ^ self.first) as u64;
    }

    fn plan(&self, order: u8, seeds: [i64; 2]) -> Plan {
        let range = self.max.wrapping_sub(self.min) as u64;
        // Residuals agree in their low bits exactly when their distances from the smallest end in zeros.
        let shift = if range == 0 { 0 } else { self.differing.trailing_zeros() };
        let width = u64::BITS - (range >> shift).leading_zeros();
        Plan { order, shift, width, min: self.min, seeds }
    }
}

impl Plan {
    /// The plan that takes the fewest bytes for these integers, of which there is at least one.
    pub(super) fn best(integers: &[i64]) -> Self {
        let at = |index: usize| integers.get(index).copied().unwrap_or(0);
        let first = at(0);
        let first_delta = at(1).wrapping_sub(first);
        let mut numbers = Extent::new(first);
        let mut deltas = Extent::new(first_delta);
        let mut deltas_of_deltas = Extent::new(at(2).wrapping_sub(at(1)).wrapping_sub(first_delta));
        let (mut last, mut last_delta) = (first, first_delta);
        for (index, &number) in integers.iter().enumerate().skip(1) {
            let delta = number.wrapping_sub(last);
            numbers.include(number);
            deltas.include(delta);
            if index > 1 {
                deltas_of_deltas.include(delta.wrapping_sub(last_delta));
            }
            (last, last_delta) = (number, delta);
        }
        let mut best = numbers.plan(0, [0; 2]);
        for plan in [deltas.plan(1, [first, 0]), deltas_of_deltas.plan(2, [first, first_delta])] {
            let possible = integers.len() > usize::from(plan.order);
            if possible && plan.bytes(integers.len()) < best.bytes(integers.len()) {
                best = plan;
            }
        }
        best
    }

    /// How many bytes the integers take.
    pub(super) fn bytes(&self, count: usize) -> usize {
        let seeds = self.seeds.iter().take(self.order.into()).map(|seed| varint_len(zigzag(*seed)));
        seeds.sum::<usize>()
            + varint_len(zigzag(self.min))
            + usize::from(self.shift > 0)
            + bits_len(self.width, count - usize::from(self.order))
    }

    /// Writes the integers that the plan was made for.
    pub(super) fn write(&self, integers: &[i64], out: &mut Vec<u8>) {
        for seed in self.seeds.iter().take(self.order.into()) {
            put_varint(out, zigzag(*seed));
        }
        put_varint(out, zigzag(self.min));
        out.push(self.width as u8);
        if self.shift > 0 {
            out.push(self.shift as u8);
        }
        let pack = |residual: i64| (residual.wrapping_sub(self.min) as u64) >> self.shift;
        match self.order {
            0 => put_bits(out, self.width, integers.iter().map(|n| pack(*n))),
            1 => put_bits(out, self.width, integers.windows(2).map(|w| pack(w[1].wrapping_sub(w[0])))),
            _ => {
                let second = |w: &[i64]| w[2].wrapping_sub(w[1]).wrapping_sub(w[1].wrapping_sub(w[0]));
                put_bits(out, self.width, integers.windows(3).map(|w| pack(second(w))));
            }
        }
    }
}

/// Packed integers, ready to be read.
pub(super) struct Packed<'a> {
    order: u8,
    shift: u32,
    width: u32,
    min: i64,
    seeds: [i64; 2],
    count: usize,
    fields: BitFields<'a>,
}

impl<'a> Packed<'a> {
    /// Takes `count` integers off the reader. `order` and `shifted` stand in the block's head.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>, count: usize, order: u8, shifted: bool) -> Self {
        let mut seeds = [0; 2];
        for seed in seeds.iter_mut().take(order.into()) {
            *seed = unzigzag(reader.varint());
        }
        let min = unzigzag(reader.varint());
        let width = u32::from(reader.byte());
        let shift = if shifted { u32::from(reader.byte()) } else { 0 };
        let fields = BitFields::new(reader.rest(), width);
        reader.skip(bits_len(width, count - usize::from(order)));
        Self { order, shift, width, min, seeds, count, fields }
    }

    /// Hands each integer, converted, to its place in `out`, which has room for all.
    #[inline(always)]
    pub(super) fn unpack<T: Copy>(&self, out: &mut [T], convert: impl Fn(i64) -> T) {
        debug_assert_eq!(out.len(), self.count, "one place for each integer");
        if self.fields.are_narrow() {
            self.unpack_fields(out, |index| self.fields.narrow(index), convert);
        } else {
            self.unpack_fields(out, |index| self.fields.wide(index), convert);
        }
    }

    /// Converts the integers at some places, which ascend, and appends them.
    #[inline(always)]
    pub(super) fn unpack_some<T>(
        &self,
        places: impl Iterator<Item = usize>,
        out: &mut Vec<T>,
        convert: impl Fn(i64) -> T,
    ) {
        // A copy, which the loops keep in registers.
        let fields = self.fields;
        if fields.are_narrow() {
            self.unpack_some_fields(places, out, move |index| fields.narrow(index), convert);
        } else {
            self.unpack_some_fields(places, out, move |index| fields.wide(index), convert);
        }
    }

    #[inline(always)]
    fn unpack_some_fields<T>(
        &self,
        places: impl Iterator<Item = usize>,
        out: &mut Vec<T>,
        field: impl Fn(usize) -> u64,
        convert: impl Fn(i64) -> T,
    ) {
        let (min, shift) = (self.min, self.shift);
        let residual = move |index| min.wrapping_add((field(index) << shift) as i64);
        let (mut number, mut delta) = (self.seeds[0], self.seeds[1]);
        // The place that `number` belongs to; differences have to be summed up on the way, numbers do not.
        let mut at = 0;
        match self.order {
            0 => out.extend(places.map(move |place| convert(residual(place)))),
            1 => out.extend(places.map(move |place| {
                for index in at..place {
                    number = number.wrapping_add(residual(index));
                }
                at = place;
                convert(number)
            })),
            _ => out.extend(places.map(move |place| {
                for index in at..place {
                    if index > 0 {
                        delta = delta.wrapping_add(residual(index - 1));
                    }
                    number = number.wrapping_add(delta);
                }
                at = place;
                convert(number)
            })),
        }
    }

    #[inline(always)]
    fn unpack_fields<T: Copy>(
        &self,
        out: &mut [T],
        field: impl Fn(usize) -> u64,
        convert: impl Fn(i64) -> T,
    ) {
        let (min, shift) = (self.min, self.shift);
        let residual = |index| min.wrapping_add((field(index) << shift) as i64);
        match self.order {
            0 if self.width == 0 => out.fill(convert(self.min)),
            0 => {
                for (index, place) in out.iter_mut().enumerate() {
                    *place = convert(residual(index));
                }
            }
            1 => {
                let Some((first, rest)) = out.split_first_mut() else { return };
                let mut number = self.seeds[0];
                *first = convert(number);
                for (index, place) in rest.iter_mut().enumerate() {
                    number = number.wrapping_add(residual(index));
                    *place = convert(number);
                }
            }
            _ => {
                let [first, second, rest @ ..] = out else { return };
                let (mut number, mut delta) = (self.seeds[0], self.seeds[1]);
                *first = convert(number);
                number = number.wrapping_add(delta);
                *second = convert(number);
                for (index, place) in rest.iter_mut().enumerate() {
                    delta = delta.wrapping_add(residual(index));
                    number = number.wrapping_add(delta);
                    *place = convert(number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(integers: &[i64]) -> Vec<i64> {
        let plan = Plan::best(integers);
        let mut bytes = Vec::new();
        plan.write(integers, &mut bytes);
        // The width's byte is the same for all plans and left out of the comparison.
        assert_eq!(bytes.len(), plan.bytes(integers.len()) + 1);
        let mut reader = Reader::new(&bytes);
        let mut read = vec![0; integers.len()];
        Packed::read(&mut reader, integers.len(), plan.order, plan.shift > 0).unpack(&mut read, |n| n);
        assert!(reader.is_empty());
        read
    }

    #[test]
    fn the_plan_follows_the_shape_of_the_numbers() {
        /// A reproducible noise of 6 bits.
        fn noise(i: i64) -> i64 {
            ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as i64
        }
        let numbers = |f: fn(i64) -> i64| (0..64).map(f).collect::<Vec<_>>();
        for (what, integers, order, width, shift) in [
            ("a constant", numbers(|_| 42), 0, 0, 0),
            ("one number", vec![7], 0, 0, 0),
            ("a line", numbers(|i| 1_000_000 + 15 * i), 1, 0, 0),
            ("a parabola", numbers(|i| 1_000_000 + 15 * i * i), 2, 0, 0),
            ("a gauge that hovers", numbers(|i| 1_000_000 + noise(i)), 0, 6, 0),
            ("pages of memory", numbers(|i| 4096 * (1000 + noise(i))), 0, 6, 12),
            ("a noisy counter", numbers(|i| 1_000_000 * i + noise(i)), 1, 7, 0),
        ] {
            let plan = Plan::best(&integers);
            assert_eq!((plan.order, plan.width, plan.shift), (order, width, shift), "{what}");
        }
    }

    proptest! {
        #[test]
        fn some_of_the_integers_are_those_of_all(
            kind in 0..3,
            noise in prop::collection::vec(prop_oneof![any::<i64>(), -5000i64..5000], 1..70),
            wanted in prop::collection::btree_set(0usize..70, 0..70),
        ) {
            let sums = |numbers: Vec<i64>| -> Vec<i64> {
                numbers.iter().scan(0i64, |sum, n| { *sum = sum.wrapping_add(*n); Some(*sum) }).collect()
            };
            let integers = match kind {
                0 => noise,
                1 => sums(noise),
                _ => sums(sums(noise)),
            };
            let plan = Plan::best(&integers);
            let mut bytes = Vec::new();
            plan.write(&integers, &mut bytes);
            let packed = Packed::read(&mut Reader::new(&bytes), integers.len(), plan.order, plan.shift > 0);
            let places = || wanted.iter().copied().filter(|place| *place < integers.len());
            let mut some = vec![-1];
            packed.unpack_some(places(), &mut some, |n| n);
            prop_assert_eq!(&some[1..], places().map(|place| integers[place]).collect::<Vec<_>>());
        }

        #[test]
        fn any_integers_survive(integers in prop::collection::vec(any::<i64>(), 1..70)) {
            prop_assert_eq!(round_trip(&integers), integers);
        }

        #[test]
        fn small_integers_survive(integers in prop::collection::vec(-5000i64..5000, 1..70), shift in 0u32..20) {
            let integers: Vec<i64> = integers.iter().map(|n| n << shift).collect();
            prop_assert_eq!(round_trip(&integers), integers);
        }

        #[test]
        fn counters_survive(deltas in prop::collection::vec(0i64..1 << 40, 1..70)) {
            let integers: Vec<i64> = deltas.iter().scan(0, |sum, d| { *sum += d; Some(*sum) }).collect();
            prop_assert_eq!(round_trip(&integers), integers);
        }
    }
}
