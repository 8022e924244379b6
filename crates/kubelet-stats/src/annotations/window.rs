//! Stretches of time in annotations, and the `key=value` words that tell of them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::clock::timestamp;

/// From when until when something was so: whole seconds, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first second.
    pub since: i64,
    /// The first second after it; `None` as long as it lasts.
    pub until: Option<i64>,
}

impl Window {
    /// How many of the seconds before `t` lie in it, as an interval: (its begin, where it ends by `t`).
    pub(crate) fn before(self, t: i64) -> Option<(i64, i64)> {
        let end = self.until.map_or(t, |until| until.min(t));
        (self.since < end).then_some((self.since, end))
    }

    /// Whether `t` lies in it.
    pub(crate) fn covers(self, t: i64) -> bool {
        self.since <= t && self.until.is_none_or(|until| t < until)
    }

    /// Whether both share a second.
    pub fn overlaps(self, other: Self) -> bool {
        let before_end = |since: i64, until: Option<i64>| until.is_none_or(|until| since < until);
        before_end(self.since, other.until) && before_end(other.since, self.until)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "since={}", timestamp(self.since))?;
        match self.until {
            Some(until) => write!(f, " until={}", timestamp(until)),
            None => Ok(()),
        }
    }
}

/// The words of one entry, each `key=value`, taken out one by one.
pub(crate) struct Words<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Words<'a> {
    /// Splits an entry at its spaces.
    pub(crate) fn of(entry: &'a str) -> Result<Self, String> {
        let mut words = BTreeMap::new();
        for word in entry.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no key=value"))?;
            if words.insert(key, value).is_some() {
                return Err(format!("{key:?} comes twice"));
            }
        }
        Ok(Self(words))
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<&'a str> {
        self.0.remove(key)
    }

    /// Its window: `since=TIME`, and `until=TIME` if it has ended.
    pub(crate) fn window(&mut self) -> Result<Window, String> {
        let time = |text: &str| {
            text.parse::<Timestamp>()
                .map(Timestamp::as_second)
                .map_err(|_| format!("{text:?} is not a time like 2026-01-31T12:00:00Z"))
        };
        let since = time(self.take("since").ok_or("it has no since=TIME")?)?;
        let until = self.take("until").map(time).transpose()?;
        if until.is_some_and(|until| until < since) {
            return Err("it ends before it begins".to_owned());
        }
        Ok(Window { since, until })
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.0.into_keys().next() {
            Some(key) => Err(format!("{key:?} is unknown")),
            None => Ok(()),
        }
    }
}

/// Entries separated by semicolons.
pub(crate) fn entries<T>(
    text: &str,
    read: impl Fn(Words<'_>) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    text.split(';').map(|entry| Words::of(entry).and_then(&read)).collect()
}

/// Entries as they are written.
pub(crate) fn write<T: fmt::Display>(entries: &[T]) -> String {
    let texts: Vec<String> = entries.iter().map(T::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_when_they_share_a_second() {
        let window = |since, until| Window { since, until };
        for (first, second, overlap) in [
            (window(0, Some(10)), window(10, Some(20)), false),
            (window(0, Some(11)), window(10, Some(20)), true),
            (window(0, None), window(10, Some(20)), true),
            (window(20, None), window(10, Some(20)), false),
            (window(0, None), window(10, None), true),
        ] {
            assert_eq!((first.overlaps(second), second.overlaps(first)), (overlap, overlap));
        }
    }

    #[test]
    fn what_lies_before_an_instant_ends_there() {
        let window = Window { since: 100, until: Some(200) };
        assert_eq!(
            [100, 150, 200, 900].map(|t| window.before(t)),
            [None, Some((100, 150)), Some((100, 200)), Some((100, 200))]
        );
        assert!(window.covers(100) && !window.covers(200));
    }
}
