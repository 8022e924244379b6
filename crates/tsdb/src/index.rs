//! Which series have which labels.

use labels::{Labels, Matcher};
use rustc_hash::FxHashSet;

use crate::postings::Postings;
use crate::symbols::{Name, PairId, Symbols};
use crate::tested::{Conditions, Tested};

/// Label pairs and, for each, the series that have it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    symbols: Symbols,
    /// By the pair's number.
    series: Vec<Postings>,
    all: Postings,
}

impl Index {
    /// Names, values and pairs.
    pub(crate) fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The labels as pairs, if each of them is known.
    pub(crate) fn find_pairs(&self, labels: &Labels) -> Option<Box<[PairId]>> {
        labels.iter().map(|label| self.symbols.pair(&label.name, &label.value)).collect()
    }

    /// The labels as pairs; new ones are made. `None` when numbers run out.
    pub(crate) fn intern_pairs(&mut self, labels: &Labels) -> Option<Box<[PairId]>> {
        let pairs = labels.iter().map(|label| self.symbols.intern(label)).collect();
        self.series.resize_with(self.symbols.pair_slots(), Postings::default);
        pairs
    }

    /// Adds a series, whose number is larger than all others.
    pub(crate) fn add(&mut self, number: u32, pairs: &[PairId]) {
        for pair in pairs {
            self.series[pair.0 as usize].push(number);
        }
        self.all.push(number);
    }

    /// Removes series. `pairs` has all of their pairs.
    pub(crate) fn remove(&mut self, numbers: &Postings, pairs: &FxHashSet<PairId>) {
        let mut dead = FxHashSet::default();
        for pair in pairs {
            let series = &mut self.series[pair.0 as usize];
            series.remove(numbers);
            if series.is_empty() {
                dead.insert(*pair);
            }
        }
        self.symbols.remove(&dead);
        self.all.remove(numbers);
    }

    /// The series that have the pair.
    pub(crate) fn having(&self, pair: PairId) -> &Postings {
        &self.series[pair.0 as usize]
    }

    /// The series that satisfy all conditions.
    pub(crate) fn matching(&self, conditions: &Conditions<'_>) -> Postings {
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        for (matcher, tested) in conditions.iter() {
            match self.condition(matcher, tested) {
                Condition::OneOf(set) => wanted.push(set),
                Condition::NoneOf(set) => unwanted.push(set),
            }
        }
        // The most selective one first: each step then costs no more than what is left.
        wanted.sort_by_key(Postings::cost);
        let mut wanted = wanted.into_iter();
        let mut series = wanted.next().unwrap_or_else(|| self.all.clone());
        for set in wanted {
            series = series.intersection(&set);
        }
        for set in unwanted {
            series = series.difference(&set);
        }
        series
    }

    /// What one matcher asks for. Its expression meets each distinct value of its label at most once.
    fn condition(&self, matcher: &Matcher, tested: Option<&Tested>) -> Condition {
        if let Some(tested) = tested {
            let matches_empty = matcher.matches_empty();
            let telling = tested.values().filter(|(_, holds)| *holds != matches_empty);
            let found = self.any_of(telling.map(|(pair, _)| pair));
            return if matches_empty { Condition::NoneOf(found) } else { Condition::OneOf(found) };
        }
        let pair = |value: &str| self.symbols.pair(matcher.name(), value);
        let every_pair = || self.symbols.name(matcher.name()).map(Name::pairs).unwrap_or_default();
        let matches = |pair: &PairId| matcher.matches(self.symbols.value(*pair));
        // Series without the label satisfy a matcher that the empty string satisfies, and no pair stands for them: then
        // we look for the series that fail.
        if matcher.matches_empty() {
            return Condition::NoneOf(match matcher.excluded_values() {
                Some(values) => self.any_of(values.filter_map(pair)),
                None => self.any_of(every_pair().iter().copied().filter(|pair| !matches(pair))),
            });
        }
        Condition::OneOf(match matcher.only_values() {
            Some(values) => self.any_of(values.filter_map(pair)),
            None => self.any_of(every_pair().iter().copied().filter(matches)),
        })
    }

    fn any_of(&self, pairs: impl Iterator<Item = PairId>) -> Postings {
        Postings::union(pairs.map(|pair| self.having(pair)))
    }

    /// What the sets of series occupy, the names and values aside.
    pub(crate) fn heap_bytes(&self) -> usize {
        let sets: usize = self.series.iter().map(Postings::heap_bytes).sum();
        sets + self.all.heap_bytes() + self.series.capacity() * size_of::<Postings>()
    }
}

/// Series that satisfy a matcher.
enum Condition {
    /// Those in the set.
    OneOf(Postings),
    /// Those outside of the set.
    NoneOf(Postings),
}

#[cfg(test)]
mod tests {
    use labels::MatchOp::{Equal, NotEqual, NotRegex, Regex};

    use super::*;

    fn matching(index: &Index, matchers: &[Matcher]) -> Postings {
        let mut conditions = Conditions::new(matchers);
        if !conditions.update(index.symbols()) {
            assert!(conditions.test(&|| false) && conditions.update(index.symbols()));
        }
        index.matching(&conditions)
    }

    /// Four series: 0 and 1 have label `x`, 1 and 2 have `y`, 3 has neither.
    fn index() -> Index {
        let mut index = Index::default();
        let series: [&[(&str, &str)]; 4] = [
            &[("n", "0"), ("x", "a")],
            &[("n", "1"), ("x", "b"), ("y", "a")],
            &[("n", "2"), ("y", "c")],
            &[("n", "3")],
        ];
        for (number, pairs) in series.iter().enumerate() {
            let pairs = index.intern_pairs(&Labels::from_pairs(pairs.iter().copied())).unwrap();
            index.add(number as u32, &pairs);
        }
        index
    }

    #[test]
    fn matchers_find_series_with_and_without_the_label() {
        let index = index();
        for (matchers, expected) in [
            (vec![], vec![0, 1, 2, 3]),
            (vec![("x", Equal, "a")], vec![0]),
            (vec![("x", Equal, "")], vec![2, 3]),
            (vec![("x", NotEqual, "a")], vec![1, 2, 3]),
            (vec![("x", NotEqual, "")], vec![0, 1]),
            (vec![("x", Regex, "a|b")], vec![0, 1]),
            (vec![("x", Regex, "a|")], vec![0, 2, 3]),
            (vec![("x", Regex, "")], vec![2, 3]),
            (vec![("x", Regex, ".*")], vec![0, 1, 2, 3]),
            (vec![("x", Regex, ".+")], vec![0, 1]),
            (vec![("x", Regex, "[b-z]")], vec![1]),
            (vec![("x", Regex, "A|c")], vec![]),
            (vec![("x", NotRegex, "a|z")], vec![1, 2, 3]),
            (vec![("x", NotRegex, "a|")], vec![1]),
            (vec![("x", NotRegex, "[b-z]")], vec![0, 2, 3]),
            (vec![("x", NotRegex, ".+")], vec![2, 3]),
            (vec![("x", NotRegex, ".*")], vec![]),
            (vec![("nosuch", Equal, "a")], vec![]),
            (vec![("nosuch", Equal, "")], vec![0, 1, 2, 3]),
            (vec![("nosuch", NotRegex, "a.*")], vec![0, 1, 2, 3]),
            (vec![("x", NotEqual, "a"), ("y", NotEqual, "c")], vec![1, 3]),
            (vec![("x", Regex, ".+"), ("y", Regex, ".+")], vec![1]),
            (vec![("y", Equal, "a"), ("y", NotEqual, "a")], vec![]),
        ] {
            let matchers: Vec<Matcher> = matchers
                .into_iter()
                .map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
                .collect();
            assert_eq!(matching(&index, &matchers).iter().collect::<Vec<_>>(), expected, "{matchers:?}");
        }
    }

    #[test]
    fn removed_series_take_their_own_labels_along() {
        let mut index = index();
        let gone = Labels::from_pairs([("n", "1"), ("x", "b"), ("y", "a")]);
        let pairs = index.find_pairs(&gone).unwrap();
        let mut numbers = Postings::default();
        numbers.push(1);
        index.remove(&numbers, &pairs.iter().copied().collect());
        assert_eq!(index.find_pairs(&gone), None);
        assert_eq!(matching(&index, &[]).iter().collect::<Vec<_>>(), [0, 2, 3]);
        let with_y = Matcher::new("y", Regex, ".+").unwrap();
        assert_eq!(matching(&index, &[with_y]).iter().collect::<Vec<_>>(), [2]);
    }
}
