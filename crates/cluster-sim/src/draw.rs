//! What looks random, drawn from the seed.
//!
//! FNV-1a over what the draw is for, then SplitMix64's finaliser: both are public constants that no release of a
//! compiler or library changes, so a seed names the same fleet for ever.

use std::fmt::Write as _;

/// The alphabet of names that Kubernetes generates: no vowels, nothing that looks like another character.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// The number of five-character suffixes.
const SUFFIXES: u64 = 27 * 27 * 27 * 27 * 27;

/// A draw, identified by the seed and by everything that it was narrowed to since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// All draws of a seed.
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(0xcbf2_9ce4_8422_2325).number(seed)
    }

    /// The draw for `text` among these.
    pub(crate) fn of(self, text: &str) -> Draw {
        // 0xff is in no UTF-8 text: ("ab", "c") is not ("a", "bc").
        self.bytes(text.as_bytes()).bytes(&[0xff])
    }

    /// The draw for `n` among these.
    pub(crate) fn number(self, n: u64) -> Draw {
        self.bytes(&n.to_le_bytes())
    }

    /// A plain loop: this is called for every name and uid, also by builds without optimisation.
    fn bytes(self, bytes: &[u8]) -> Draw {
        let mut hash = self.0;
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Draw(hash)
    }

    /// 64 bits.
    pub(crate) fn bits(self) -> u64 {
        let mut x = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(self, limit: u64) -> u64 {
        // The high half of the product: even, up to limit / 2^64.
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// A number of `range` (the end excluded).
    pub(crate) fn between(self, range: std::ops::Range<i64>) -> i64 {
        range.start + self.below(range.end.abs_diff(range.start)) as i64
    }

    /// A UUID of version 4's form.
    pub(crate) fn uuid(self) -> String {
        let bits = (u128::from(self.number(0).bits()) << 64) | u128::from(self.number(1).bits());
        let bits = bits & !(0xf000 << 64) | (0x4000 << 64);
        let bits = bits & !(0b11 << 62) | (0b10 << 62);
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A `pod-template-hash`, and any other that controllers make: ten decimal digits, written in letters of the
    /// alphabet as Kubernetes does (so it never contains the rarer ones).
    pub(crate) fn template_hash(self) -> String {
        let number = 1_000_000_000 + self.below((1 << 32) - 1_000_000_000);
        number.to_string().bytes().map(|digit| char::from(NAME_ALPHABET[usize::from(digit) % 27])).collect()
    }

    /// The `index`-th five-character name suffix of this draw. The first 14 million differ from each other: the suffixes
    /// are permuted, not drawn, so names of one owner never collide.
    pub(crate) fn suffix(self, index: u64) -> String {
        // Affine modulo 27^5: a factor that 3 does not divide makes it a permutation.
        let factor = {
            let factor = SUFFIXES / 4 + self.number(0).below(SUFFIXES / 2);
            if factor.is_multiple_of(3) { factor + 1 } else { factor }
        };
        let mut value = (factor * (index % SUFFIXES) + self.number(1).below(SUFFIXES)) % SUFFIXES;
        let mut suffix = String::with_capacity(5);
        for _ in 0..5 {
            suffix.push(char::from(NAME_ALPHABET[(value % 27) as usize]));
            value /= 27;
        }
        suffix
    }
}

/// `base-suffix`, the base cut so that the name fits into a DNS label, as the API server's `generateName` does.
pub(crate) fn generated_name(base: &str, suffix: &str) -> String {
    let mut end = base.len().min(63 - 1 - suffix.len());
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = String::with_capacity(end + 1 + suffix.len());
    // Writing to a String cannot fail.
    let _ = write!(name, "{}-{suffix}", &base[..end]);
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn draws_stay_the_same_for_ever() {
        // Fixed values: a change here renames every object of every fleet.
        let draw = Draw::new(1).of("Pod").of("shop").of("web");
        assert_eq!(draw.bits(), 18_442_045_340_620_493_385);
        assert_eq!(draw.uuid(), "c0ad681e-db7f-4399-a863-0da8b2867172");
        assert_eq!(draw.template_hash(), "86f856d449");
        assert_eq!(draw.suffix(0), "7hbkg");
    }

    #[test]
    fn a_uuid_has_the_form_of_version_4() {
        for n in 0..1000 {
            let uuid = Draw::new(n).uuid();
            assert_eq!(uuid.len(), 36);
            assert_eq!(&uuid[14..15], "4");
            assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        }
    }

    #[test]
    fn suffixes_of_one_owner_never_collide() {
        for seed in 0..5 {
            let draw = Draw::new(seed);
            let suffixes: HashSet<String> = (0..50_000).map(|index| draw.suffix(index)).collect();
            assert_eq!(suffixes.len(), 50_000);
        }
    }

    #[test]
    fn where_one_part_ends_matters() {
        assert_ne!(Draw::new(1).of("ab").of("c").bits(), Draw::new(1).of("a").of("bc").bits());
    }

    #[test]
    fn numbers_below_a_limit_are_spread_evenly() {
        let mut counts = [0_u32; 10];
        for n in 0..10_000 {
            counts[Draw::new(7).number(n).below(10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_long_base_is_cut_to_a_dns_label() {
        assert_eq!(generated_name("web", "abcde"), "web-abcde");
        assert_eq!(generated_name(&"x".repeat(80), "abcde").len(), 63);
    }
}
