//! Tests of label values that take their time, apart from the lock.
//!
//! A matcher meets each distinct value of its label once. Mostly that is a look-up, or a comparison of text, and is done
//! where the values are, under the store's lock. To run the automaton of a regular expression over many values can take
//! seconds, during which nobody could write: for these the values are copied (as references) under the lock, tested
//! outside of it, and compared with what is there when the lock is taken again.

use std::sync::Arc;

use labels::Matcher;

use crate::symbols::{Name, PairId, Symbols};

/// Asked now and then by reads that may take long; `true` ends them early, with less than all results or none.
pub type GiveUp<'a> = &'a dyn Fn() -> bool;

/// So many values are tested between two questions.
const PATIENCE: usize = 16;

/// The matchers of a search, and what is known about the values that the slow ones look at.
#[derive(Debug)]
pub(crate) struct Conditions<'m> {
    conditions: Vec<(&'m Matcher, Option<Tested>)>,
}

impl<'m> Conditions<'m> {
    pub(crate) fn new(matchers: &'m [Matcher]) -> Self {
        let of = |matcher: &'m Matcher| (matcher, matcher.is_slow().then(Tested::default));
        Self { conditions: matchers.iter().map(of).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Each matcher; with the values, where they have been tested beforehand.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'m Matcher, Option<&Tested>)> {
        self.conditions.iter().map(|(matcher, tested)| (*matcher, tested.as_ref()))
    }

    /// Compares what is known with the values that there are. Says whether all of them have been tested.
    pub(crate) fn update(&mut self, symbols: &Symbols) -> bool {
        let slow =
            self.conditions.iter_mut().filter_map(|(matcher, tested)| Some((matcher, tested.as_mut()?)));
        let mut ready = true;
        for (matcher, tested) in slow {
            tested.update(symbols, matcher.name());
            ready &= tested.untested.is_empty();
        }
        ready
    }

    /// Tests what has not been tested. Says whether that was finished.
    #[must_use]
    pub(crate) fn test(&mut self, give_up: GiveUp<'_>) -> bool {
        self.conditions
            .iter_mut()
            .all(|(matcher, tested)| tested.as_mut().is_none_or(|tested| tested.test(matcher, give_up)))
    }
}

/// The values of one label, and whether a matcher's expression holds for them.
#[derive(Debug, Default)]
pub(crate) struct Tested {
    /// In the order in which the label has them.
    known: Vec<(PairId, Arc<str>, bool)>,
    untested: Vec<(PairId, Arc<str>)>,
}

impl Tested {
    /// The pairs that were tested, and whether the matcher holds for them.
    pub(crate) fn values(&self) -> impl Iterator<Item = (PairId, bool)> {
        self.known.iter().map(|(pair, _, holds)| (*pair, *holds))
    }

    /// Forgets values that are gone, and finds those that came. A label's values keep their order, and new ones come
    /// last; a number may be used again for another value, whose text lies elsewhere then.
    fn update(&mut self, symbols: &Symbols, label: &str) {
        let pairs = symbols.name(label).map(Name::pairs).unwrap_or_default();
        let mut old = std::mem::take(&mut self.known).into_iter();
        self.known.reserve(pairs.len());
        self.untested.clear();
        for (index, pair) in pairs.iter().enumerate() {
            let value = symbols.value(*pair);
            match old.find(|(number, text, _)| number == pair && Arc::ptr_eq(text, value)) {
                Some(known) => self.known.push(known),
                None => {
                    let new = pairs[index..].iter().map(|pair| (*pair, Arc::clone(symbols.value(*pair))));
                    return self.untested.extend(new);
                }
            }
        }
    }

    fn test(&mut self, matcher: &Matcher, give_up: GiveUp<'_>) -> bool {
        self.known.reserve(self.untested.len());
        for (index, (pair, value)) in self.untested.drain(..).enumerate() {
            if index.is_multiple_of(PATIENCE) && give_up() {
                return false;
            }
            let holds = matcher.matches(&value);
            self.known.push((pair, value, holds));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use labels::{Label, MatchOp};
    use proptest::prelude::*;

    use super::*;

    fn intern(symbols: &mut Symbols, value: &str) -> PairId {
        symbols.intern(&Label { name: "x".into(), value: value.into() }).unwrap()
    }

    fn slow() -> Matcher {
        let matcher = Matcher::new("x", MatchOp::Regex, "[0-4]+").unwrap();
        assert!(matcher.is_slow());
        matcher
    }

    /// The values that are known to hold, which must all be there.
    fn holding(conditions: &Conditions<'_>, symbols: &Symbols) -> Vec<String> {
        let tested = conditions.iter().find_map(|(_, tested)| tested).unwrap();
        tested.values().filter(|(_, holds)| *holds).map(|(pair, _)| symbols.value(pair).to_string()).collect()
    }

    #[test]
    fn what_came_and_went_in_the_meantime_is_noticed() {
        let (matchers, mut symbols) = ([slow()], Symbols::default());
        let pairs: Vec<PairId> = ["1", "2", "7"].map(|value| intern(&mut symbols, value)).into();
        let mut conditions = Conditions::new(&matchers);
        assert!(!conditions.update(&symbols));
        assert!(conditions.test(&|| false));
        assert!(conditions.update(&symbols));
        assert_eq!(holding(&conditions, &symbols), ["1", "2"]);
        // The number of "1" is used again for a value that does not hold.
        symbols.remove(&std::iter::once(pairs[0]).collect());
        assert_eq!(intern(&mut symbols, "8"), pairs[0]);
        intern(&mut symbols, "4");
        assert!(!conditions.update(&symbols));
        assert!(conditions.test(&|| false) && conditions.update(&symbols));
        assert_eq!(holding(&conditions, &symbols), ["2", "4"]);
    }

    #[test]
    fn a_test_that_nobody_waits_for_ends() {
        let (matchers, mut symbols) = ([slow()], Symbols::default());
        for value in 0..1_000 {
            intern(&mut symbols, &value.to_string());
        }
        let mut conditions = Conditions::new(&matchers);
        conditions.update(&symbols);
        let asked = std::cell::Cell::new(0);
        let give_up = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        assert!(!conditions.test(&give_up));
        assert_eq!(asked.get(), 4);
    }

    proptest! {
        #[test]
        fn tested_values_are_those_that_are_there(steps in prop::collection::vec((0_usize..30, any::<bool>()), 0..60)) {
            let (matchers, mut symbols) = ([slow()], Symbols::default());
            let mut conditions = Conditions::new(&matchers);
            for (value, add) in steps {
                let text = value.to_string();
                if add {
                    intern(&mut symbols, &text);
                } else if let Some(pair) = symbols.pair("x", &text) {
                    symbols.remove(&std::iter::once(pair).collect());
                }
                if value % 3 == 0 && !conditions.update(&symbols) {
                    prop_assert!(conditions.test(&|| false));
                }
            }
            while !conditions.update(&symbols) {
                prop_assert!(conditions.test(&|| false));
            }
            let mut found = holding(&conditions, &symbols);
            found.sort_unstable();
            let pairs = symbols.name("x").map(Name::pairs).unwrap_or_default();
            let mut expected: Vec<String> = pairs.iter().map(|pair| symbols.value(*pair).to_string()).collect();
            expected.retain(|value| matchers[0].matches(value));
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
