//! Versions of programs, as far as they have to be compared.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// Three numbers, and perhaps a pre-release, which comes before the release. What is behind a `+` says how it was built and is
/// left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    numbers: [u64; 3],
    pre_release: Option<String>,
}

impl Version {
    /// The first version in what a program says about itself: `k3d version v5.9.0`.
    pub fn find(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        text.split(|c| !inside(c)).find_map(|word| {
            // The end of a sentence is no part of it, nor is a letter that some write before a version.
            word.trim_end_matches('.').parse().ok()
        })
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is no version: three numbers like 1.2.3");
        let bare = text.strip_prefix('v').unwrap_or(text);
        let bare = bare.split_once('+').map_or(bare, |(version, _)| version);
        let (numbers, pre_release) = match bare.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release.to_owned())),
            None => (bare, None),
        };
        if pre_release.as_ref().is_some_and(String::is_empty) {
            return Err(error());
        }
        let mut parts = numbers.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        });
        let mut next = || parts.next().flatten().ok_or_else(error);
        let numbers = [next()?, next()?, next()?];
        match parts.next() {
            None => Ok(Self { numbers, pre_release }),
            Some(_) => Err(error()),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&self.pre_release, &other.pre_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(two)) => one.cmp(two),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        self.pre_release.as_ref().map_or(Ok(()), |pre_release| write!(f, "-{pre_release}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, found) in [
            ("kwokctl version v0.8.0 go1.26.0 (linux/amd64)\n", "0.8.0"),
            ("k3d version v5.9.0\nk3s version v1.35.5-k3s1 (default)\n", "5.9.0"),
            ("v4.2.4+gc306b46\n", "4.2.4"),
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)\n", "1.95.0"),
            ("rustc 1.97.0-nightly (abc 2026-05-01)", "1.97.0-nightly"),
            ("Docker version 28.2.2, build e6534b4", "28.2.2"),
            ("It is 1.2.3.", "1.2.3"),
        ] {
            assert_eq!(Version::find(said).unwrap().to_string(), found, "{said}");
        }
        for said in ["", "unknown", "1.2", "go1.26", "version 1.2.3.4", "2026-05-01", "-", "1.2.3-"] {
            assert_eq!(Version::find(said), None, "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn a_version_is_read_back_as_it_is_shown(numbers: [u64; 3], pre_release in "(-[a-z][a-z0-9.]{0,5}[a-z0-9])?") {
            let [major, minor, patch] = numbers;
            let text = format!("{major}.{minor}.{patch}{pre_release}");
            prop_assert_eq!(version(&text).to_string(), text.clone());
            prop_assert_eq!(Version::find(&format!("tool v{text} (linux)")), Some(version(&text)));
        }

        #[test]
        fn whatever_a_program_says_is_read_without_a_panic(said in ".*") {
            let _ = Version::find(&said);
        }
    }

    #[test]
    fn versions_are_ordered_by_their_numbers_and_a_pre_release_comes_before_its_release() {
        let ordered = ["0.8.0-alpha.1", "0.8.0-rc.1", "0.8.0", "0.8.1", "0.10.0", "v1.0.0", "10.0.0"];
        for pair in ordered.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("v1.2.3+build"), version("1.2.3"));
    }
}
