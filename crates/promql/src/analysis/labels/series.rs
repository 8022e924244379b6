//! What is known of the labels of a set of series.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::labels::METRIC_NAME;

use super::names::{NameSet, Names};

/// Labels whose values follow from those of others: two series with equal values of `from` have equal values of `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What decides.
    pub from: NameSet,
    /// What is decided.
    pub to: NameSet,
}

/// What is known of the labels of a set of series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesLabels {
    /// No series has a label outside of these.
    pub can: Names,
    /// Every series has these.
    pub must: NameSet,
    /// Labels that have this value in every series.
    pub fixed: BTreeMap<Arc<str>, Arc<str>>,
    /// No two series agree in all of these; `None` where nothing is known.
    pub key: Option<NameSet>,
    /// What decides what.
    pub dependencies: Vec<Arc<Dependency>>,
}

/// The labels that a result loses together with its name.
const METADATA: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

impl SeriesLabels {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self {
            can: Names::any(),
            must: NameSet::new(),
            fixed: BTreeMap::new(),
            key: None,
            dependencies: Vec::new(),
        }
    }

    /// A single series without labels, as a scalar is.
    pub fn empty() -> Self {
        Self { can: Names::none(), key: Some(NameSet::new()), ..Self::unknown() }
    }

    /// Series that have these labels at most, and are told apart by them.
    pub fn of(names: NameSet) -> Self {
        Self { can: Names::Only(names.clone()), key: Some(names), ..Self::unknown() }
    }

    /// Whether it is known which labels there can be.
    pub fn is_known(&self) -> bool {
        self.can.listed().is_some()
    }

    /// All labels whose values follow from those of `given`, themselves among them.
    pub fn determined_by(&self, given: &NameSet) -> NameSet {
        let mut known = given.clone();
        known.extend(self.fixed.keys().cloned());
        loop {
            let before = known.len();
            for dependency in &self.dependencies {
                if dependency.from.is_subset(&known) {
                    known.extend(dependency.to.iter().cloned());
                }
            }
            if known.len() == before {
                return known;
            }
        }
    }

    /// The labels of the key that do not follow from `given`: two series may differ in nothing else. `None` where it is
    /// not known what tells the series apart.
    pub fn undetermined_by(&self, given: &NameSet) -> Option<NameSet> {
        let known = self.determined_by(given);
        let possible = |name: &&Arc<str>| !known.contains(*name) && self.can.contains(name);
        self.key.as_ref().map(|key| key.iter().filter(possible).cloned().collect())
    }

    /// The label is there, with a value.
    pub(super) fn require(&mut self, name: &Arc<str>) {
        self.can.insert(name);
        self.must.insert(Arc::clone(name));
    }

    /// The label has this value.
    pub(super) fn fix(&mut self, name: &Arc<str>, value: &str) {
        self.require(name);
        self.fixed.insert(Arc::clone(name), Arc::from(value));
    }

    /// No series has the label any more, and those that differed only in it are not there twice.
    pub(super) fn remove(&mut self, name: &str) {
        self.can.remove(name);
        self.forget(name);
        self.must.remove(name);
    }

    /// The label has got new values.
    pub(super) fn forget(&mut self, name: &str) {
        self.fixed.remove(name);
        if self.key.as_ref().is_some_and(|key| key.contains(name)) {
            self.key = None;
        }
        self.dependencies
            .retain(|dependency| !dependency.from.contains(name) && !dependency.to.contains(name));
    }

    /// The metric name goes.
    pub(super) fn drop_name(&mut self) {
        for name in METADATA {
            self.can.remove(name);
            self.must.remove(name);
            self.fixed.remove(name);
            // The engine refuses to answer where series differ in nothing but their name.
            if let Some(key) = &mut self.key {
                key.remove(name);
            }
        }
    }

    /// Nothing of the metric name is certain.
    pub(super) fn doubt_name(&mut self) {
        for name in METADATA {
            self.must.remove(name);
            self.fixed.remove(name);
        }
    }

    /// Only these labels stay.
    pub(super) fn keep(&mut self, names: &NameSet) {
        self.can = Names::Only(self.can.among(names));
        self.must = &self.must & names;
        self.fixed.retain(|name, _| names.contains(name));
    }
}
