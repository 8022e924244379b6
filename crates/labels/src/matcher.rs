//! Label matchers: `name op value`.

use std::fmt;
use std::sync::Arc;

use crate::pattern::{Pattern, RegexBudget, RegexError};
use crate::{Quoted, is_classic_label_name};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// One condition on a label. A label that a series lacks counts as the empty string, as in Prometheus.
#[derive(Clone)]
pub struct Matcher {
    name: Arc<str>,
    op: MatchOp,
    value: Arc<str>,
    test: Test,
    cost: usize,
}

#[derive(Clone)]
enum Test {
    Text,
    Pattern(Pattern),
}

impl Matcher {
    /// A matcher. Regular expressions have Prometheus' syntax (RE2), are anchored at both ends, and `.` matches newlines, as
    /// in Prometheus 3.
    ///
    /// # Errors
    /// When a regular expression does not compile or is too large.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, RegexError> {
        Self::within(name, op, value, &RegexBudget::default())
    }

    /// As [`Matcher::new`], for the matchers of one query: their expressions share a budget.
    ///
    /// # Errors
    /// When a regular expression does not compile or costs more than is left.
    pub fn within(name: &str, op: MatchOp, value: &str, budget: &RegexBudget) -> Result<Self, RegexError> {
        let before = budget.left();
        let test = match op {
            MatchOp::Equal | MatchOp::NotEqual => Test::Text,
            MatchOp::Regex | MatchOp::NotRegex => Test::Pattern(Pattern::new(value, budget)?),
        };
        let cost = before - budget.left();
        Ok(Self { name: name.into(), op, value: value.into(), test, cost })
    }

    /// A matcher for one exact value.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), test: Test::Text, cost: 0 }
    }

    /// A matcher for any of these values, as `=~` with a list of them, which is not read again.
    pub fn one_of<'v>(name: &str, values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut values: Vec<Box<str>> = values.into_iter().map(Into::into).collect();
        values.sort_unstable();
        values.dedup();
        let escaped: Vec<String> = values.iter().map(|value| regex_syntax::escape(value)).collect();
        Self {
            name: name.into(),
            op: MatchOp::Regex,
            value: escaped.join("|").into(),
            test: Test::Pattern(Pattern::OneOf(values.into())),
            cost: 0,
        }
    }

    /// The label that it looks at.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it compares with, as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label value satisfies the condition. Pass `""` where the series lacks the label.
    pub fn matches(&self, value: &str) -> bool {
        let positive = match &self.test {
            Test::Text => value == &*self.value,
            Test::Pattern(pattern) => pattern.is_match(value),
        };
        positive != matches!(self.op, MatchOp::NotEqual | MatchOp::NotRegex)
    }

    /// What its expression took of the budget.
    pub fn regex_cost(&self) -> usize {
        self.cost
    }

    /// Whether a value is tested by running an automaton, which takes its time where there are many.
    pub fn is_slow(&self) -> bool {
        matches!(self.test, Test::Pattern(Pattern::Regex(_)))
    }

    /// Whether series without the label satisfy the condition.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// The only values that can satisfy the condition, where they can be named: an index looks these up instead of
    /// testing every value it has. `None` where any value might do.
    pub fn only_values(&self) -> Option<impl Iterator<Item = &str>> {
        let values: Vec<&str> = match (&self.test, self.op) {
            (Test::Text, MatchOp::Equal) => vec![&self.value],
            (Test::Pattern(Pattern::OneOf(values)), MatchOp::Regex) => values.iter().map(|v| &**v).collect(),
            _ => return None,
        };
        Some(values.into_iter())
    }

    /// The only values that can fail the condition, where they can be named: the counterpart of
    /// [`Matcher::only_values`] for negative conditions.
    pub fn excluded_values(&self) -> Option<impl Iterator<Item = &str>> {
        let values: Vec<&str> = match (&self.test, self.op) {
            (Test::Text, MatchOp::NotEqual) => vec![&self.value],
            (Test::Pattern(Pattern::OneOf(values)), MatchOp::NotRegex) => {
                values.iter().map(|v| &**v).collect()
            }
            _ => return None,
        };
        Some(values.into_iter())
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_classic_label_name(&self.name) {
            write!(f, "{}{}{}", self.name, self.op.as_str(), Quoted(&self.value))
        } else {
            write!(f, "{}{}{}", Quoted(&self.name), self.op.as_str(), Quoted(&self.value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_agree_with_prometheus_rules() {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        for (op, pattern, value, expected) in [
            (Equal, "a", "a", true),
            (Equal, "a", "ab", false),
            (Equal, "", "", true),
            (NotEqual, "a", "", true),
            (Regex, "a", "ab", false),
            (Regex, "a.*", "ab", true),
            (Regex, "a|b", "b", true),
            (Regex, "a|b", "ab", false),
            (Regex, "a|", "", true),
            (Regex, "", "", true),
            (Regex, ".+", "", false),
            (Regex, ".*", "line\nbreak", true),
            (Regex, "(?i)AB", "ab", true),
            (NotRegex, "a|b", "b", false),
            (NotRegex, ".+", "", true),
        ] {
            let matcher = Matcher::new("x", op, pattern).unwrap();
            assert_eq!(matcher.matches(value), expected, "{matcher} on {value:?}");
        }
    }

    #[test]
    fn plain_alternatives_are_answered_from_the_index() {
        let values = |pattern| {
            let matcher = Matcher::new("x", MatchOp::Regex, pattern).unwrap();
            matcher.only_values().map(|v| v.map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(values("b|a|b"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(values("a.b"), None);
    }

    #[test]
    fn plain_exclusions_are_answered_from_the_index() {
        let values = |op, pattern| {
            let matcher = Matcher::new("x", op, pattern).unwrap();
            matcher.excluded_values().map(|v| v.map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(values(MatchOp::NotEqual, "a|b"), Some(vec!["a|b".to_owned()]));
        assert_eq!(values(MatchOp::NotRegex, "b|a"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(values(MatchOp::NotRegex, "a.b"), None);
        assert_eq!(values(MatchOp::Equal, "a"), None);
    }

    #[test]
    fn a_list_of_values_is_as_good_as_its_expression() {
        let matcher = Matcher::one_of("x", ["b.c", "a", "b.c"]);
        assert_eq!(matcher, Matcher::new("x", MatchOp::Regex, r"a|b\.c").unwrap());
        for (value, expected) in [("a", true), ("b.c", true), ("bxc", false), ("", false)] {
            assert_eq!(matcher.matches(value), expected, "{value}");
        }
    }

    #[test]
    fn a_bad_expression_is_an_error_that_names_it() {
        for pattern in ["a(", "a)(b", "*", "[z-a]"] {
            let error = Matcher::new("x", MatchOp::Regex, pattern).unwrap_err();
            assert_eq!(error.pattern, pattern);
            assert!(!error.reason.is_empty() && !error.reason.contains('\n'), "{error}");
        }
    }
}
