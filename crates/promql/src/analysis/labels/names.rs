//! Sets of label names, some of which are known only by what they lack.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Names of labels. Shared, because the same few occur at every node of a query.
pub type NameSet = BTreeSet<Arc<str>>;

/// Makes a set of names.
pub fn names<'a>(list: impl IntoIterator<Item = &'a str>) -> NameSet {
    list.into_iter().map(Arc::from).collect()
}

/// The names that a label can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// These and no others.
    Only(NameSet),
    /// Any but these.
    AllBut(NameSet),
}

impl Names {
    /// No name at all.
    pub fn none() -> Self {
        Self::Only(NameSet::new())
    }

    /// Any name.
    pub fn any() -> Self {
        Self::AllBut(NameSet::new())
    }

    /// Whether `name` is among them.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
        }
    }

    /// The names, where they can be listed.
    pub fn listed(&self) -> Option<&NameSet> {
        match self {
            Self::Only(names) => Some(names),
            Self::AllBut(_) => None,
        }
    }

    /// Adds a name.
    pub fn insert(&mut self, name: &Arc<str>) {
        match self {
            Self::Only(names) => {
                names.insert(Arc::clone(name));
            }
            Self::AllBut(names) => {
                names.remove(name);
            }
        }
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        match self {
            Self::Only(names) => {
                names.remove(name);
            }
            Self::AllBut(names) => {
                names.insert(Arc::from(name));
            }
        }
    }

    /// Those of `list` that are among them.
    pub fn among(&self, list: &NameSet) -> NameSet {
        list.iter().filter(|name| self.contains(name)).cloned().collect()
    }

    /// What is in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a | b),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a & b),
            (Self::AllBut(lacking), Self::Only(names)) | (Self::Only(names), Self::AllBut(lacking)) => {
                Self::AllBut(lacking - names)
            }
        }
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a & b),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a | b),
            (Self::AllBut(lacking), Self::Only(names)) | (Self::Only(names), Self::AllBut(lacking)) => {
                Self::Only(names - lacking)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;

    const ALPHABET: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn any_names() -> impl Strategy<Value = Names> {
        (any::<bool>(), subsequence(ALPHABET.to_vec(), 0..=5))
            .prop_map(|(only, list)| if only { Names::Only(names(list)) } else { Names::AllBut(names(list)) })
    }

    proptest! {
        #[test]
        fn union_and_intersection_hold_what_their_parts_hold(a in any_names(), b in any_names()) {
            for name in ALPHABET.iter().chain(&["other"]) {
                prop_assert_eq!(a.or(&b).contains(name), a.contains(name) || b.contains(name));
                prop_assert_eq!(a.and(&b).contains(name), a.contains(name) && b.contains(name));
            }
        }

        #[test]
        fn a_name_is_there_once_added_and_gone_once_removed(set in any_names(), index in 0usize..5) {
            let mut set = set;
            set.insert(&Arc::from(ALPHABET[index]));
            prop_assert!(set.contains(ALPHABET[index]));
            set.remove(ALPHABET[index]);
            prop_assert!(!set.contains(ALPHABET[index]));
        }
    }
}
