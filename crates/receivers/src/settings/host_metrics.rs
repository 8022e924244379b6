//! The settings of host_metrics, and how a configuration writes them.

use std::collections::BTreeSet;
use std::fmt;

use catalogue::{Receiver, Switch};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::configuration::{Switchable, Switching, once};
use super::filter::{Devices, FilesystemTypes, Interfaces, MountPoints, Names};
use super::{MetricSwitches, Selection, SettingsError};

/// A part of host_metrics that is switched on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scraper {
    /// CPU time.
    Cpu,
    /// Load averages.
    Load,
    /// Memory.
    Memory,
    /// Disks.
    Disk,
    /// Filesystems.
    Filesystem,
    /// Interfaces and connections.
    Network,
    /// Page faults and swap.
    Paging,
    /// Processes, counted.
    Processes,
    /// Uptime.
    System,
}

impl Scraper {
    /// All that are known here: the collector has `process` and `nfs` besides.
    pub const ALL: [Self; 9] = [
        Self::Cpu,
        Self::Load,
        Self::Memory,
        Self::Disk,
        Self::Filesystem,
        Self::Network,
        Self::Paging,
        Self::Processes,
        Self::System,
    ];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Filesystem => "filesystem",
            Self::Network => "network",
            Self::Paging => "paging",
            Self::Processes => "processes",
            Self::System => "system",
        }
    }

    /// The scraper that a configuration calls `name`.
    pub fn parse(name: &str) -> Result<Self, SettingsError> {
        let unknown = || match name {
            "process" | "nfs" => SettingsError::Unsupported(name.to_owned()),
            _ => SettingsError::UnknownScraper(name.to_owned()),
        };
        Self::ALL.into_iter().find(|scraper| scraper.name() == name).ok_or_else(unknown)
    }

    /// The keys that it has beside `metrics`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Load => &["cpu_average"],
            Self::Disk | Self::Network => &["include", "exclude"],
            Self::Filesystem => &[
                "include_devices",
                "exclude_devices",
                "include_fs_types",
                "exclude_fs_types",
                "include_mount_points",
                "exclude_mount_points",
                "include_virtual_filesystems",
            ],
            Self::Cpu | Self::Memory | Self::Paging | Self::Processes | Self::System => &[],
        }
    }
}

/// What host_metrics sends.
#[derive(Clone, Debug, PartialEq)]
pub struct HostMetricsSettings {
    /// Which metrics.
    pub metrics: MetricSwitches,
    /// Which scrapers; a metric needs its scraper and its switch.
    pub scrapers: BTreeSet<Scraper>,
    /// Load averages per CPU instead of for all of them.
    pub load_per_cpu: bool,
    pub(crate) disks: Selection,
    pub(crate) interfaces: Selection,
    pub(crate) filesystem_devices: Selection,
    pub(crate) filesystem_types: Selection,
    pub(crate) mount_points: Selection,
}

/// All scrapers that are known here. (The collector has no default: it wants them named.)
impl Default for HostMetricsSettings {
    fn default() -> Self {
        Self {
            metrics: MetricSwitches::defaults_of(Receiver::HostMetrics),
            scrapers: Scraper::ALL.into(),
            load_per_cpu: false,
            disks: Selection::default(),
            interfaces: Selection::default(),
            filesystem_devices: Selection::default(),
            filesystem_types: Selection::default(),
            mount_points: Selection::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    scrapers: Scrapers,
    // Where the real receiver finds the machine, and how often it looks.
    #[serde(default, rename = "collection_interval")]
    _collection_interval: IgnoredAny,
    #[serde(default, rename = "initial_delay")]
    _initial_delay: IgnoredAny,
    #[serde(default, rename = "metadata_collection_interval")]
    _metadata_collection_interval: IgnoredAny,
    #[serde(default, rename = "root_path")]
    _root_path: IgnoredAny,
    #[serde(default, rename = "timeout")]
    _timeout: IgnoredAny,
}

impl<'de> Deserialize<'de> for HostMetricsSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Shape::deserialize(deserializer)?.scrapers.0)
    }
}

/// The mapping from scrapers to their own settings.
struct Scrapers(HostMetricsSettings);

impl<'de> Deserialize<'de> for Scrapers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = HostMetricsSettings { scrapers: BTreeSet::new(), ..HostMetricsSettings::default() };
        deserializer.deserialize_map(Self(settings))
    }
}

impl<'de> Visitor<'de> for Scrapers {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping from scrapers to their settings")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(scraper) = map.next_key_seed(NewScraper(&self.0.scrapers))? {
            self.0.scrapers.insert(scraper);
            map.next_value_seed(ScraperSettings { scraper, settings: &mut self.0 })?;
        }
        if self.0.scrapers.is_empty() { Err(A::Error::custom(SettingsError::NoScraper)) } else { Ok(self) }
    }
}

/// Reads the name of a scraper, so that an unknown one, or one that is there, is an error at its own place.
struct NewScraper<'s>(&'s BTreeSet<Scraper>);

impl<'de> DeserializeSeed<'de> for NewScraper<'_> {
    type Value = Scraper;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scraper, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewScraper<'_> {
    type Value = Scraper;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a scraper")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Scraper, E> {
        let scraper = Scraper::parse(name).map_err(E::custom)?;
        let twice = || E::custom(SettingsError::Twice(name.to_owned()));
        if self.0.contains(&scraper) { Err(twice()) } else { Ok(scraper) }
    }
}

/// Reads the settings of one scraper; nothing, as in `load:`, means its defaults.
struct ScraperSettings<'s> {
    scraper: Scraper,
    settings: &'s mut HostMetricsSettings,
}

impl<'de> DeserializeSeed<'de> for ScraperSettings<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for ScraperSettings<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the settings of the scraper {}", self.scraper.name())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { scraper, settings } = self;
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key_seed(KnownKey { scraper, seen: &mut seen })? {
            let key = key.as_str();
            match (scraper, key) {
                (_, "metrics") => {
                    let mut switches = ScraperSwitches { scraper, metrics: &mut settings.metrics };
                    map.next_value_seed(Switching(&mut switches))?;
                }
                (Scraper::Load, _) => settings.load_per_cpu = map.next_value()?,
                (Scraper::Disk, _) => settings.disks.put::<Devices, _>(key, &mut map)?,
                (Scraper::Network, _) => settings.interfaces.put::<Interfaces, _>(key, &mut map)?,
                (_, "include_devices" | "exclude_devices") => {
                    settings.filesystem_devices.put::<Devices, _>(key, &mut map)?;
                }
                (_, "include_fs_types" | "exclude_fs_types") => {
                    settings.filesystem_types.put::<FilesystemTypes, _>(key, &mut map)?;
                }
                (_, "include_mount_points" | "exclude_mount_points") => {
                    settings.mount_points.put::<MountPoints, _>(key, &mut map)?;
                }
                // Machines here have no virtual filesystems.
                _ => drop(map.next_value::<bool>()?),
            }
        }
        Ok(())
    }
}

impl Selection {
    /// Reads the list under this key, which begins with `include` or `exclude`.
    fn put<'de, L, A>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>
    where
        L: Deserialize<'de>,
        Names: TryFrom<L, Error = SettingsError>,
        A: MapAccess<'de>,
    {
        let names = Names::try_from(map.next_value::<L>()?).map_err(A::Error::custom)?;
        let list = if key.starts_with("include") { &mut self.include } else { &mut self.exclude };
        *list = Some(names);
        Ok(())
    }
}

/// Reads a key of a scraper, so that an unknown one, or one that was there before, is an error at its own place.
struct KnownKey<'s> {
    scraper: Scraper,
    seen: &'s mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for KnownKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KnownKey<'_> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        let keys = self.scraper.keys();
        if key == "metrics" || keys.contains(&key) {
            return once(self.seen, key).map_err(E::custom);
        }
        let expected: Vec<String> = ["metrics"].iter().chain(keys).map(|key| format!("`{key}`")).collect();
        Err(E::custom(format_args!(
            "unknown field `{key}` of the scraper {}, expected {}",
            self.scraper.name(),
            expected.join(", ")
        )))
    }
}

/// The switches of the metrics of one scraper.
struct ScraperSwitches<'s> {
    scraper: Scraper,
    metrics: &'s mut MetricSwitches,
}

impl Switchable for ScraperSwitches<'_> {
    fn switch(&mut self, name: &str, on: bool) -> Result<(), SettingsError> {
        let scraper = self.scraper.name();
        match catalogue::find(name).map(|metric| metric.switch) {
            Some(Switch::Scraper(owner)) if owner != scraper => {
                Err(SettingsError::MetricOfOtherScraper { name: name.to_owned(), scraper, owner })
            }
            _ => self.metrics.set(name, on),
        }
    }
}
