//! Volumes that are made full.

use std::fmt;
use std::str::FromStr;

use super::window::{Window, Words, entries, write};

/// One entry of [`FILL`](super::FILL).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// When.
    pub window: Window,
    /// The pod's name for the volume.
    pub volume: String,
    /// Percent of the volume that are used.
    pub percent: u8,
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "volume={} to={}% {}", self.volume, self.percent, self.window)
    }
}

/// Several of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fills(pub Vec<Fill>);

impl Fills {
    /// How full a volume is made at `t`, if it is. At once, not when the kubelet looks at it next.
    pub(crate) fn percent(&self, volume: &str, t: i64) -> Option<u8> {
        let now = self.0.iter().filter(|fill| fill.volume == volume && fill.window.covers(t));
        now.map(|fill| fill.percent).max()
    }
}

impl FromStr for Fills {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        entries(text, read).map(Self)
    }
}

fn read(mut words: Words<'_>) -> Result<Fill, String> {
    let window = words.window()?;
    let volume = words.take("volume").ok_or("it has no volume=NAME")?.to_owned();
    let share = words.take("to").ok_or("it has no to=PERCENT%")?;
    let percent = share.strip_suffix('%').and_then(|percent| percent.parse().ok());
    let percent =
        percent.filter(|percent| *percent <= 100).ok_or_else(|| format!("{share:?} is not 0% to 100%"))?;
    words.end()?;
    Ok(Fill { window, volume, percent })
}

impl fmt::Display for Fills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_are_read_and_written_or_refused_with_a_reason() {
        let good =
            "volume=data to=96% since=2026-01-31T12:00:00Z; volume=logs to=100% since=2026-01-31T12:00:00Z";
        assert_eq!(good.parse::<Fills>().unwrap().to_string(), good);
        for (text, reason) in [
            ("to=96% since=2026-01-31T12:00:00Z", "it has no volume=NAME"),
            ("volume=data since=2026-01-31T12:00:00Z", "it has no to=PERCENT%"),
            ("volume=data to=101% since=2026-01-31T12:00:00Z", "\"101%\" is not 0% to 100%"),
            ("volume=data to=96 since=2026-01-31T12:00:00Z", "\"96\" is not 0% to 100%"),
        ] {
            assert_eq!(text.parse::<Fills>().unwrap_err(), reason, "{text:?}");
        }
    }
}
