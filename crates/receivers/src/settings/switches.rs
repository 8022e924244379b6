//! Switches of metrics and of resource attributes.

use std::collections::BTreeMap;

use catalogue::{MetricDef, Presence, Receiver, Switch};

use super::SettingsError;

/// Which metrics a receiver sends: its defaults, and what was switched since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSwitches {
    receiver: Receiver,
    switched: BTreeMap<&'static str, bool>,
}

impl MetricSwitches {
    /// The metrics that the receiver sends without being asked.
    pub fn defaults_of(receiver: Receiver) -> Self {
        Self { receiver, switched: BTreeMap::new() }
    }

    /// Every metric of the receiver that has a switch of its own.
    pub fn all_on(receiver: Receiver) -> Self {
        let own =
            catalogue::all().filter(|metric| metric.receiver == receiver && elsewhere(metric).is_none());
        Self { receiver, switched: own.map(|metric| (metric.name, true)).collect() }
    }

    /// Switches one metric on or off.
    pub fn set(&mut self, name: &str, on: bool) -> Result<(), SettingsError> {
        let metric =
            catalogue::find(name).filter(|metric| metric.receiver == self.receiver).ok_or_else(|| {
                SettingsError::UnknownMetric { receiver: self.receiver.name(), name: name.to_owned() }
            })?;
        if let Some(setting) = elsewhere(metric) {
            return Err(SettingsError::ControlledElsewhere { name: name.to_owned(), setting });
        }
        self.switched.insert(metric.name, on);
        Ok(())
    }

    /// Whether the receiver sends it.
    pub fn is_on(&self, metric: &MetricDef) -> bool {
        self.switched.get(metric.name).copied().unwrap_or(metric.on_by_default)
    }

    /// The metric itself where it is on: receivers ask once and keep the answer.
    pub(crate) fn select(&self, metric: &'static MetricDef) -> Option<&'static MetricDef> {
        self.is_on(metric).then_some(metric)
    }
}

/// The setting that controls a metric instead of a switch under `metrics`.
fn elsewhere(metric: &MetricDef) -> Option<&'static str> {
    match metric.switch {
        Switch::Metric | Switch::Group(_) | Switch::Scraper(_) | Switch::OpenShift => None,
        Switch::NodeCondition(_) => Some("node_conditions_to_report"),
        Switch::Allocatable(_) => Some("allocatable_types_to_report"),
    }
}

/// Which resource attributes a receiver sets: its defaults, and what was switched since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceAttributeSwitches {
    receiver: Receiver,
    on: BTreeMap<&'static str, bool>,
}

impl ResourceAttributeSwitches {
    /// The attributes that the receiver sets without being asked. Extra labels count as on: they have a setting of
    /// their own.
    pub fn defaults_of(receiver: Receiver) -> Self {
        let on = attributes_of(receiver).map(|(key, presence)| (key, presence != Presence::OptIn)).collect();
        Self { receiver, on }
    }

    /// Every attribute of the receiver.
    pub fn all_on(receiver: Receiver) -> Self {
        Self { receiver, on: attributes_of(receiver).map(|(key, _)| (key, true)).collect() }
    }

    /// Switches one attribute on or off.
    pub fn set(&mut self, key: &str, on: bool) -> Result<(), SettingsError> {
        match self.on.get_mut(key) {
            Some(switch) => {
                *switch = on;
                Ok(())
            }
            None => Err(SettingsError::UnknownResourceAttribute {
                receiver: self.receiver.name(),
                name: key.to_owned(),
            }),
        }
    }

    /// Whether the receiver sets it.
    pub fn is_on(&self, key: &str) -> bool {
        self.on.get(key).copied().unwrap_or(false)
    }
}

fn attributes_of(receiver: Receiver) -> impl Iterator<Item = (&'static str, Presence)> {
    catalogue::all()
        .filter(move |metric| metric.receiver == receiver)
        .flat_map(|metric| metric.entity.attributes)
        .map(|attribute| (attribute.key, attribute.presence))
}
