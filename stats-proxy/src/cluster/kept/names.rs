//! Values that many objects have in common, kept once.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// A set of values that are in use.
#[derive(Debug)]
pub(crate) struct Shared<T: ?Sized>(HashSet<Arc<T>>);

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: ?Sized + Eq + Hash> Shared<T> {
    /// The one that is equal to `value`; else `value` itself from now on.
    pub(crate) fn share<V: Borrow<T> + Into<Arc<T>>>(&mut self, value: V) -> Arc<T> {
        if let Some(known) = self.0.get(value.borrow()) {
            return Arc::clone(known);
        }
        let new: Arc<T> = value.into();
        self.0.insert(Arc::clone(&new));
        new
    }

    /// Forgets those that nobody else has.
    pub(crate) fn forget_unused(&mut self) {
        self.0.retain(|value| Arc::strong_count(value) > 1);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_until_nobody_has_it() {
        let mut names = Shared::<str>::default();
        let (a, b) = (names.share("web"), names.share("web".to_owned()));
        assert!(Arc::ptr_eq(&a, &b));
        let other = names.share("db");
        drop((a, b));
        names.forget_unused();
        assert_eq!((names.len(), &*other), (1, "db"));
    }
}
