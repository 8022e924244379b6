//! Bytes: variable-length integers and fixed-width bit fields.

/// Appends `value` in groups of seven bits, lowest first (LEB128).
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` so that it can be read from its end: as [`put_varint`], with the bytes in reverse order.
pub(super) fn put_varint_backward(out: &mut Vec<u8>, value: u64) {
    let start = out.len();
    put_varint(out, value);
    out[start..].reverse();
}

/// Takes what [`put_varint_backward`] appended off the end.
pub(super) fn take_varint_backward(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_last() else { break };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// How many bytes [`put_varint`] takes.
pub(super) fn varint_len(value: u64) -> usize {
    // One byte for each started group of seven bits; zero takes one byte too.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Maps small magnitudes of either sign to small numbers: 0, -1, 1, -2 … to 0, 1, 2, 3 …
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Appends the low `width` bits of each value, lowest bit first, and fills up the last byte.
pub(super) fn put_bits(out: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u64>) {
    if width == 0 {
        return;
    }
    let mut pending: u128 = 0;
    let mut bits = 0;
    for value in values {
        pending |= u128::from(value) << bits;
        bits += width;
        if bits >= 64 {
            out.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= 64;
            bits -= 64;
        }
    }
    let rest = (bits as usize).div_ceil(8);
    out.extend_from_slice(&pending.to_le_bytes()[..rest]);
}

/// How many bytes [`put_bits`] takes for `count` values.
pub(super) fn bits_len(width: u32, count: usize) -> usize {
    (count * width as usize).div_ceil(8)
}

/// A field of bits written by [`put_bits`].
#[derive(Clone, Copy)]
pub(super) struct BitFields<'a> {
    /// From the first field on; what follows the fields may be there too, and lets most loads be whole words.
    bytes: &'a [u8],
    width: u32,
    mask: u64,
}

impl<'a> BitFields<'a> {
    pub(super) fn new(bytes: &'a [u8], width: u32) -> Self {
        let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
        Self { bytes, width, mask }
    }

    /// Whether [`BitFields::narrow`] reads these fields.
    pub(super) fn are_narrow(&self) -> bool {
        self.width <= u64::BITS - 7
    }

    /// The field at `index`, which lies within eight bytes wherever in its first byte it begins.
    #[inline(always)]
    pub(super) fn narrow(&self, index: usize) -> u64 {
        let bit = index * self.width as usize;
        (load(self.bytes, bit / 8) >> (bit % 8)) & self.mask
    }

    /// The field at `index`, however wide.
    #[inline(always)]
    pub(super) fn wide(&self, index: usize) -> u64 {
        let bit = index * self.width as usize;
        let (byte, offset) = (bit / 8, (bit % 8) as u32);
        let word = load(self.bytes, byte) >> offset;
        let word = if offset + self.width > u64::BITS {
            let next = u64::from(self.bytes.get(byte + 8).copied().unwrap_or(0));
            word | (next << (u64::BITS - offset))
        } else {
            word
        };
        word & self.mask
    }
}

/// Eight bytes at `at`, little-endian; what lies past the end counts as zero.
#[inline(always)]
fn load(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => load_at_end(bytes, at),
    }
}

#[cold]
fn load_at_end(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// Reads what the functions above wrote. Past the end it reads zeros: it only ever sees our own bytes, and a reader that
/// cannot fail keeps the decoding loops free of error paths.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.get(bytes..).unwrap_or_default();
    }

    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.bytes.first().copied().unwrap_or(0);
        self.skip(1);
        byte
    }

    pub(super) fn word(&mut self) -> u64 {
        let word = load(self.bytes, 0);
        self.skip(8);
        word
    }

    #[inline]
    pub(super) fn varint(&mut self) -> u64 {
        /// The bit of each byte that says whether another one follows.
        const MORE: u64 = 0x8080_8080_8080_8080;
        let word = load(self.bytes, 0);
        let last = (!word & MORE).trailing_zeros();
        if last >= u64::BITS {
            return self.long_varint();
        }
        self.skip(last as usize / 8 + 1);
        // All bytes at once: cut off what follows, then close the gaps between neighbours, pairs and halves.
        let word = word & (u64::MAX >> (u64::BITS - 1 - last)) & !MORE;
        let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
        let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
        (word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
    }

    /// One of more than eight bytes.
    #[cold]
    fn long_varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn varints_take_the_announced_number_of_bytes() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_len(value), "{value}");
            assert_eq!(Reader::new(&bytes).varint(), value);
        }
    }

    #[test]
    fn reading_past_the_end_gives_zeros() {
        let mut reader = Reader::new(&[0xff]);
        assert_eq!(reader.varint(), 0x7f);
        assert_eq!((reader.byte(), reader.word(), reader.varint()), (0, 0, 0));
        assert!(reader.is_empty());
    }

    proptest! {
        #[test]
        fn varints_are_read_from_their_end(value: u64, bits in 0u32..64, before in prop::collection::vec(any::<u8>(), 0..10)) {
            let value = value >> bits;
            let mut bytes = before.clone();
            put_varint_backward(&mut bytes, value);
            prop_assert_eq!(bytes.len(), before.len() + varint_len(value));
            let mut rest = &bytes[..];
            prop_assert_eq!(take_varint_backward(&mut rest), value);
            prop_assert_eq!(rest, before);
        }

        #[test]
        fn varints_are_read_as_written(value: u64, bits in 0u32..64, trailer in prop::collection::vec(any::<u8>(), 0..10)) {
            let value = value >> bits;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.extend_from_slice(&trailer);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.varint(), value);
            prop_assert_eq!(reader.rest(), trailer);
        }

        #[test]
        fn zigzag_is_undone(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }

        #[test]
        fn bit_fields_are_read_as_written(
            width in 0u32..=64,
            values in prop::collection::vec(any::<u64>(), 0..70),
            trailer in prop::collection::vec(any::<u8>(), 0..10),
        ) {
            let fields: Vec<u64> =
                values.iter().map(|v| if width == 64 { *v } else { v & ((1 << width) - 1) }).collect();
            let mut bytes = Vec::new();
            put_bits(&mut bytes, width, fields.iter().copied());
            prop_assert_eq!(bytes.len(), bits_len(width, fields.len()));
            bytes.extend(trailer);
            let read = BitFields::new(&bytes, width);
            for (index, field) in fields.iter().enumerate() {
                prop_assert_eq!(read.wide(index), *field);
                if read.are_narrow() {
                    prop_assert_eq!(read.narrow(index), *field);
                }
            }
        }
    }
}
