//! Stable pseudo-randomness: the same text gives the same numbers on every machine and in every version.

/// What an object's numbers are drawn from. Equal texts give equal seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u64);

/// What a number is drawn for: each aspect of an object has its own draw.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aspect {
    Profile = 1,
    DayPhase,
    PulsePeriod,
    PulseWidth,
    PulsePhase,
    RippleShort,
    RippleShortPhase,
    RippleLong,
    RippleLongPhase,
    NoiseFast,
    NoiseSlow,
    Level,
    DefaultCpu,
    DefaultMemory,
    MemoryLevel,
    AnonymousShare,
    CacheShare,
    RestartPeriod,
    FaultsPerCoreSecond,
    MajorFaults,
    StallShare,
    Sandbox,
    BytesPerCoreSecond,
    SentShare,
    RxErrors,
    TxErrors,
    WritableLayer,
    LogRate,
    Files,
    VolumeFill,
    VolumeGrowth,
    Images,
    OperatingSystem,
    ScanPhase,
    Processes,
    CpuFrequency,
    CpuSystem,
    CpuInterrupts,
    CpuSteal,
    DiskTime,
    DiskOperations,
    DiskMerged,
    OperationSize,
    OperationTime,
    PacketSize,
    Drops,
    Connections,
    Forks,
    Slab,
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Seed {
    /// The seed of a text.
    pub(crate) fn of(text: &str) -> Self {
        Self(FNV_OFFSET).child(text)
    }

    /// The seed of a part, for example of a container in a pod.
    pub(crate) fn child(self, text: &str) -> Self {
        let fnv = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        Self(mix(fnv))
    }

    /// 64 bits.
    pub(crate) fn draw(self, aspect: Aspect) -> u64 {
        self.step(aspect as u64)
    }

    /// 64 bits for the n-th step of something.
    pub(crate) fn step(self, n: u64) -> u64 {
        mix(self.0 ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// In `low..=high`.
    pub(crate) fn between(self, aspect: Aspect, low: u64, high: u64) -> u64 {
        low + self.draw(aspect) % (high - low + 1)
    }

    /// In `low..high`, evenly.
    pub(crate) fn spread(self, aspect: Aspect, low: f64, high: f64) -> f64 {
        low + (high - low) * unit(self.draw(aspect))
    }

    /// From `low` up over this many doublings, each doubling as likely as the next.
    pub(crate) fn doublings(self, aspect: Aspect, low: u64, doublings: u64) -> u64 {
        let draw = self.draw(aspect);
        let base = low << (draw % doublings);
        base + ((draw >> 16) % base.max(1))
    }
}

/// 53 bits as a number in `0..1`.
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64's finaliser: every bit of the input moves every bit of the output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_change_between_versions() {
        let seed = Seed::of("b2a6c1de-5f0e-4d5c-9b7e-0a4f5c6d7e8f");
        let numbers =
            [seed.draw(Aspect::Profile), seed.child("main").draw(Aspect::Level), seed.step(1 << 40)];
        expect_test::expect!["[3b8cdb1ddddaddb5, a673e10e6a13686f, 360679c98c74fb28]"]
            .assert_eq(&format!("{numbers:x?}"));
    }

    #[test]
    fn draws_stay_in_their_range_and_fill_it() {
        let seeds: Vec<Seed> = (0..2_000).map(|i| Seed::of(&i.to_string())).collect();
        let between: Vec<u64> = seeds.iter().map(|s| s.between(Aspect::Level, 10, 12)).collect();
        assert!((10..=12).all(|v| between.iter().filter(|b| **b == v).count() > 500));
        assert!(seeds.iter().all(|s| (0.5..2.0).contains(&s.spread(Aspect::Level, 0.5, 2.0))));
        let doublings: Vec<u64> = seeds.iter().map(|s| s.doublings(Aspect::Level, 8, 4)).collect();
        assert!(doublings.iter().all(|v| (8..128).contains(v)));
        assert!(doublings.iter().any(|v| *v < 16) && doublings.iter().any(|v| *v >= 64));
    }
}
