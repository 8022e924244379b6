//! Spikes: for a while, something uses more than it does by itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::window::{Window, Words, entries, write};
use crate::quantity::Quantity;
use crate::resources;

/// How much a spike takes: `limit`, `x4`, or a quantity such as `1500m` or `512Mi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// As much as there may be: a container's limit, or four times its request where it has none; most of a node.
    Limit,
    /// So many hundredths of what it uses by itself; at least as much as that, and as its limit at most.
    Times(u32),
    /// Exactly this much of a pod or node; of a container with a limit that at most.
    Exactly(Quantity),
}

/// The largest factor of [`Amount::Times`], in hundredths.
const MOST_TIMES: u32 = 100_000;

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "limit" {
            return Ok(Self::Limit);
        }
        if let Some(factor) = text.strip_prefix('x') {
            let hundredths = factor
                .parse::<Quantity>()
                .ok()
                .filter(|_| factor.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
                .and_then(|factor| u32::try_from((factor.nanos() + 5_000_000) / 10_000_000).ok())
                .filter(|hundredths| (100..=MOST_TIMES).contains(hundredths));
            return hundredths
                .map(Self::Times)
                .ok_or_else(|| format!("{text:?} is no factor from x1 to x1000"));
        }
        match text.parse::<Quantity>() {
            Ok(quantity) if quantity.is_negative() => Err(format!("{text:?} is negative")),
            Ok(quantity) => Ok(Self::Exactly(quantity)),
            Err(_) => Err(format!("{text:?} is none of limit, x4, or a quantity such as 1500m or 512Mi")),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit => f.write_str("limit"),
            Self::Times(hundredths) if hundredths % 100 == 0 => write!(f, "x{}", hundredths / 100),
            Self::Times(hundredths) => write!(f, "x{}.{:02}", hundredths / 100, hundredths % 100),
            Self::Exactly(quantity) => {
                let nanos = quantity.nanos();
                let (unit, suffix) = [(1_000_000_000, ""), (1_000_000, "m"), (1_000, "u")]
                    .into_iter()
                    .find(|(unit, _)| nanos % unit == 0)
                    .unwrap_or((1, "n"));
                // Whole units beyond what billionths hold in 64 bits.
                if unit == 1_000_000_000 || nanos == i64::MAX {
                    write!(f, "{}", quantity.units())
                } else {
                    write!(f, "{}{suffix}", nanos / unit)
                }
            }
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One entry of [`SPIKE`](super::SPIKE).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spike {
    /// When.
    pub window: Window,
    /// Of which container of the pod; of all of them when absent.
    pub container: Option<String>,
    /// Of CPU time.
    pub cpu: Option<Amount>,
    /// Of memory.
    pub memory: Option<Amount>,
}

impl Spike {
    /// Whether it is one of this container, too.
    pub(crate) fn is_of(&self, container: &str) -> bool {
        self.container.as_deref().is_none_or(|own| own == container)
    }

    /// By how many of a pod's containers an exact amount is shared.
    pub(crate) fn shares(&self, containers: usize) -> usize {
        if self.container.is_some() { 1 } else { containers }
    }
}

impl fmt::Display for Spike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, amount) in [("cpu", self.cpu), ("memory", self.memory)] {
            if let Some(amount) = amount {
                write!(f, "{key}={amount} ")?;
            }
        }
        if let Some(container) = &self.container {
            write!(f, "container={container} ")?;
        }
        self.window.fmt(f)
    }
}

/// Spikes that do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spikes(Vec<Spike>);

impl Spikes {
    /// Of these, in their order; an error for some that overlap, or that take nothing.
    pub fn new(spikes: Vec<Spike>) -> Result<Self, String> {
        for (at, spike) in spikes.iter().enumerate() {
            if spike.cpu.is_none() && spike.memory.is_none() {
                return Err("it has neither cpu=AMOUNT nor memory=AMOUNT".to_owned());
            }
            // One counter cannot do two things at a time.
            if spikes[..at].iter().any(|other| other.window.overlaps(spike.window)) {
                return Err("two entries overlap".to_owned());
            }
        }
        Ok(Self(spikes))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Spike> {
        self.0.iter()
    }
}

impl FromStr for Spikes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        entries(text, read).and_then(Self::new)
    }
}

fn read(mut words: Words<'_>) -> Result<Spike, String> {
    let window = words.window()?;
    let mut amount = |key| words.take(key).map(str::parse::<Amount>).transpose();
    let (cpu, memory) = (amount("cpu")?, amount("memory")?);
    let container = words.take("container").map(str::to_owned);
    words.end()?;
    Ok(Spike { window, container, cpu, memory })
}

impl fmt::Display for Spikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write(&self.0))
    }
}

impl Amount {
    /// The part of one of `count` containers.
    pub(crate) fn share(self, at: usize, count: usize) -> Self {
        match self {
            Self::Exactly(quantity) => {
                if count <= 1 {
                    return self;
                }
                let (nanos, count) = (quantity.nanos(), count as i64);
                let part = nanos / count + i64::from((at as i64) < nanos % count);
                Self::Exactly(Quantity::from_nanos(part))
            }
            other => other,
        }
    }

    /// So many times `own`; nothing but a factor changes it.
    pub(crate) fn times(self, own: i128) -> i128 {
        match self {
            Self::Times(hundredths) => own * i128::from(hundredths) / 100,
            _ => own,
        }
    }

    /// As microseconds of CPU a second; `None` for a factor.
    pub(crate) fn micros(self, limit: u64) -> Option<u64> {
        match self {
            Self::Limit => Some(limit),
            Self::Times(_) => None,
            Self::Exactly(quantity) => Some(resources::micros(quantity)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spikes_are_read_and_written_or_refused_with_a_reason() {
        let good = "cpu=limit since=2026-01-31T12:00:00Z until=2026-01-31T12:10:00Z; \
                    cpu=x2.50 memory=536870912 container=main since=2026-01-31T13:00:00Z";
        let spikes: Spikes = good.parse().unwrap();
        assert_eq!(spikes.to_string(), good);
        assert_eq!(spikes.iter().count(), 2);
        for (text, reason) in [
            ("", "it has no since=TIME"),
            ("cpu=limit", "it has no since=TIME"),
            ("cpu=limit since=noon", "\"noon\" is not a time"),
            ("since=2026-01-31T12:00:00Z", "it has neither cpu=AMOUNT nor memory=AMOUNT"),
            ("cpu=lots since=2026-01-31T12:00:00Z", "\"lots\" is none of limit, x4, or a quantity"),
            ("cpu=x0.5 since=2026-01-31T12:00:00Z", "\"x0.5\" is no factor from x1 to x1000"),
            ("cpu=-1 since=2026-01-31T12:00:00Z", "\"-1\" is negative"),
            ("cpu=1 gpu=1 since=2026-01-31T12:00:00Z", "\"gpu\" is unknown"),
            ("cpu=1 cpu=2 since=2026-01-31T12:00:00Z", "\"cpu\" comes twice"),
            ("cpu", "\"cpu\" is no key=value"),
            ("cpu=1 since=2026-01-31T12:00:00Z until=2026-01-31T11:00:00Z", "it ends before it begins"),
            ("cpu=1 since=2026-01-31T12:00:00Z; cpu=1 since=2026-01-31T13:00:00Z", "two entries overlap"),
        ] {
            let error = text.parse::<Spikes>().unwrap_err();
            assert!(error.starts_with(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        for (text, written) in [
            ("limit", "limit"),
            ("x4", "x4"),
            ("x2.5", "x2.50"),
            ("1500m", "1500m"),
            ("2", "2"),
            ("0", "0"),
            ("1Ki", "1024"),
            ("64Gi", "68719476736"),
            ("15n", "15n"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(amount.to_string(), written);
            assert_eq!(written.parse::<Amount>(), Ok(amount), "{written}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much_for_the_reader(text in "\\PC{0,80}") {
            if let Ok(spikes) = text.parse::<Spikes>() {
                prop_assert_eq!(spikes.to_string().parse::<Spikes>(), Ok(spikes));
            }
        }

        #[test]
        fn shares_add_up(nanos in 0_i64..10_000_000_000, count in 1_usize..9) {
            let whole = Amount::Exactly(Quantity::from_nanos(nanos));
            let parts = (0..count).map(|at| match whole.share(at, count) {
                Amount::Exactly(part) => part.nanos(),
                _ => 0,
            });
            prop_assert_eq!(parts.sum::<i64>(), nanos);
        }
    }
}
