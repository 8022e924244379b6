//! Which devices, interfaces and filesystems: `include` and `exclude`, as the collector writes them.

use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;

use super::SettingsError;

/// What is included and not excluded; everything, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    pub(super) include: Option<Names>,
    pub(super) exclude: Option<Names>,
}

impl Selection {
    /// Whether something of this name is wanted.
    pub(crate) fn admits(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|names| names.have(name))
            && !self.exclude.as_ref().is_some_and(|names| names.have(name))
    }
}

/// A list of names or of patterns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Names {
    Exact(Vec<String>),
    Patterns(Vec<Pattern>),
}

impl Names {
    fn have(&self, name: &str) -> bool {
        match self {
            Self::Exact(names) => names.iter().any(|known| known == name),
            // Anywhere in the name, as the collector searches.
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.0.is_match(name)),
        }
    }
}

/// Shared by all nodes: each clone of a `Regex` itself gets tens of kB to search with.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Regex>);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, SettingsError> {
        Regex::new(pattern).map(|regex| Self(Arc::new(regex))).map_err(|error| SettingsError::BadPattern {
            pattern: pattern.to_owned(),
            // Its last line says what is wrong; the others draw a picture of where.
            reason: error
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned(),
        })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MatchType {
    Strict,
    Regexp,
}

impl MatchType {
    fn read(self, names: Vec<String>) -> Result<Names, SettingsError> {
        match self {
            Self::Strict => Ok(Names::Exact(names)),
            Self::Regexp => {
                let patterns = names.iter().map(|pattern| Pattern::parse(pattern));
                Ok(Names::Patterns(patterns.collect::<Result<_, _>>()?))
            }
        }
    }
}

/// The same under the four keys that lists have in the collector's configuration.
macro_rules! lists {
    ($($name:ident: $key:ident;)*) => {
        $(
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                match_type: MatchType,
                $key: Vec<String>,
            }

            impl TryFrom<$name> for Names {
                type Error = SettingsError;

                fn try_from(list: $name) -> Result<Self, SettingsError> {
                    list.match_type.read(list.$key)
                }
            }
        )*
    };
}

lists! {
    Devices: devices;
    Interfaces: interfaces;
    FilesystemTypes: fs_types;
    MountPoints: mount_points;
}
