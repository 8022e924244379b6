//! Values that hold for a while.

/// Seconds since 1970. Kubernetes writes times to the second, and nothing here changes more often.
pub(crate) type Seconds = i64;

/// For ever.
pub(crate) const FOREVER: Seconds = i64::MAX;
/// Since ever.
pub(crate) const ALWAYS: Seconds = i64::MIN;

/// A value, and the half-open interval of time in which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span<T> {
    pub(crate) value: T,
    /// The first second at which it holds: when the value last changed.
    pub(crate) since: Seconds,
    /// The first second at which it no longer does.
    pub(crate) until: Seconds,
}

impl<T> Span<T> {
    /// Holds at all times.
    pub(crate) fn always(value: T) -> Span<T> {
        Span { value, since: ALWAYS, until: FOREVER }
    }

    /// Whether it holds at `at`.
    pub(crate) fn covers(&self, at: Seconds) -> bool {
        self.since <= at && at < self.until
    }

    /// What follows from this value and another one, as long as both hold.
    pub(crate) fn and<U, V>(self, other: Span<U>, combine: impl FnOnce(T, U) -> V) -> Span<V> {
        Span {
            value: combine(self.value, other.value),
            since: self.since.max(other.since),
            until: self.until.min(other.until),
        }
    }

    /// What follows from this value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Span<U> {
        Span { value: change(self.value), since: self.since, until: self.until }
    }

    /// This value, as long as `other` holds too.
    pub(crate) fn within<U>(self, other: &Span<U>) -> Span<T> {
        Span { value: self.value, since: self.since.max(other.since), until: self.until.min(other.until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_two_values_holds_as_long_as_both() {
        let (first, second) =
            (Span { value: 1, since: 10, until: 30 }, Span { value: 2, since: 20, until: 50 });
        assert_eq!(first.and(second, |a, b| a + b), Span { value: 3, since: 20, until: 30 });
        assert_eq!(first.within(&second), Span { value: 1, since: 20, until: 30 });
        assert!(first.covers(10) && !first.covers(30));
        assert!(Span::always(()).covers(0));
    }
}
