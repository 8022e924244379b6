//! The names by which several environments of one user are told apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an environment is called; also the stem of its files. Most people have one and never name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct EnvironmentName(String);

impl Default for EnvironmentName {
    fn default() -> Self {
        Self("kwok".to_owned())
    }
}

impl EnvironmentName {
    /// How another command is told that it is about this environment: nothing for the usual name.
    pub(crate) fn flag(&self) -> String {
        if *self == Self::default() { String::new() } else { format!(" --name {self}") }
    }
}

impl FromStr for EnvironmentName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = text.len() <= 40 && text.bytes().all(letter) && !text.starts_with('-');
        if fits && !text.is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name has at most 40 characters: lower case letters, digits and -, for example second"
                .to_owned())
        }
    }
}

impl TryFrom<String> for EnvironmentName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<EnvironmentName> for String {
    fn from(name: EnvironmentName) -> Self {
        name.0
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_name_everywhere_and_nothing_else() {
        for text in ["kwok", "second", "a", "7", "big-fleet-2"] {
            assert_eq!(text.parse::<EnvironmentName>().unwrap().to_string(), text);
        }
        for text in ["", "-a", "../a", "a/b", "a.b", "A", "a b", "ü", "a\n", &"a".repeat(41)] {
            assert!(text.parse::<EnvironmentName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_an_unusual_name_has_to_be_given() {
        assert_eq!(EnvironmentName::default().flag(), "");
        assert_eq!("second".parse::<EnvironmentName>().unwrap().flag(), " --name second");
    }
}
