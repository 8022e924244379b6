//! Label sets: sorted by name, names unique, no empty values.

use std::fmt;
use std::sync::Arc;

use crate::{METRIC_NAME, Quoted, is_classic_label_name, is_classic_metric_name};

/// One label: a name and its (never empty) value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The label's name, for example `k8s_pod_name`.
    pub name: Arc<str>,
    /// The label's value.
    pub value: Arc<str>,
}

/// A label set. Sorted by name, names unique, no empty values (an empty value means "no such label"). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// Takes labels that are already sorted by name, unique, and without empty values: the store keeps them so.
    /// In a debug build an unsorted input is caught by an assertion.
    pub fn from_sorted(labels: Vec<Label>) -> Self {
        debug_assert!(labels.windows(2).all(|w| w[0].name < w[1].name), "label names not sorted and unique");
        debug_assert!(labels.iter().all(|l| !l.value.is_empty()), "empty label value");
        Self(labels.into())
    }

    /// Makes a set from any pairs: sorts them, drops empty values, and lets the last of equal names win.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// The value of the label `name`, or `None` where the set lacks it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_arc(name).map(|value| &**value)
    }

    /// As [`Labels::get`], for callers who keep the value.
    pub fn get_arc(&self, name: &str) -> Option<&Arc<str>> {
        // Sets are short: a linear scan beats a binary search.
        self.0.iter().find(|label| &*label.name == name).map(|label| &label.value)
    }

    /// The metric name, where there is one.
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// The labels in the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.iter()
    }

    /// How many labels the set has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set has no labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same set without the labels for which `keep` says no. Returns a clone where nothing goes.
    #[must_use]
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let kept: Vec<Label> = self.0.iter().filter(|label| keep(&label.name)).cloned().collect();
        if kept.len() == self.0.len() { self.clone() } else { Self(kept.into()) }
    }

    /// The same set without its metric name.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        self.retain(|name| name != METRIC_NAME)
    }

    /// A builder that starts from this set.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { labels: self.0.to_vec() }
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = &'a Label;
    type IntoIter = std::slice::Iter<'a, Label>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As a selector is written: `name{a="1", b="2"}`. Names outside the classic alphabet are quoted.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare_name = self.metric_name().filter(|name| is_classic_metric_name(name));
        if let Some(name) = bare_name {
            f.write_str(name)?;
        }
        let mut separator = "{";
        let mut any = false;
        for Label { name, value } in self {
            if &**name == METRIC_NAME && bare_name.is_some() {
                continue;
            }
            f.write_str(separator)?;
            if is_classic_label_name(name) {
                write!(f, "{name}={}", Quoted(value))?;
            } else {
                write!(f, "{}={}", Quoted(name), Quoted(value))?;
            }
            separator = ", ";
            any = true;
        }
        if any {
            f.write_str("}")
        } else if bare_name.is_none() {
            f.write_str("{}")
        } else {
            Ok(())
        }
    }
}

/// Builds a [`Labels`] label by label, in any order.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    labels: Vec<Label>,
}

impl LabelsBuilder {
    /// Sets a label. An empty value removes it, as in Prometheus.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() {
            return self.remove(name);
        }
        match self.labels.iter_mut().find(|label| &*label.name == name) {
            Some(label) => label.value = value.into(),
            None => self.labels.push(Label { name: name.into(), value: value.into() }),
        }
        self
    }

    /// Sets a label from shared text.
    pub fn set_arc(&mut self, name: Arc<str>, value: Arc<str>) -> &mut Self {
        if value.is_empty() {
            return self.remove(&name);
        }
        match self.labels.iter_mut().find(|label| label.name == name) {
            Some(label) => label.value = value,
            None => self.labels.push(Label { name, value }),
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.labels.retain(|label| &*label.name != name);
        self
    }

    /// The finished set.
    pub fn build(mut self) -> Labels {
        self.labels.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Labels::from_sorted(self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_sorted_and_the_last_of_equal_names_wins() {
        let labels = Labels::from_pairs([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(labels, Labels::from_pairs([("a", "2"), ("b", "3")]));
        assert_eq!(labels.get("b"), Some("3"));
    }

    #[test]
    fn an_empty_value_means_that_the_label_is_absent() {
        let labels = Labels::from_pairs([("a", "1"), ("b", "")]);
        assert_eq!(labels.len(), 1);
        assert_eq!(labels.get("b"), None);
        assert!(Labels::from_pairs([("a", "1"), ("a", "")]).is_empty());
    }

    #[test]
    fn a_set_prints_as_a_selector() {
        for (pairs, text) in [
            (vec![], "{}"),
            (vec![("__name__", "up")], "up"),
            (vec![("__name__", "up"), ("job", "a\"b")], r#"up{job="a\"b"}"#),
            (vec![("a", "1"), ("b", "2")], r#"{a="1", b="2"}"#),
            (vec![("__name__", "my metric")], r#"{__name__="my metric"}"#),
            (vec![("__name__", "up"), ("my.label", "x")], r#"up{"my.label"="x"}"#),
        ] {
            assert_eq!(Labels::from_pairs(pairs).to_string(), text);
        }
    }

    #[test]
    fn retain_keeps_what_the_caller_asks_for() {
        let labels = Labels::from_pairs([("__name__", "up"), ("a", "1")]);
        assert_eq!(labels.without_metric_name(), Labels::from_pairs([("a", "1")]));
        assert_eq!(labels.retain(|_| true), labels);
    }
}
