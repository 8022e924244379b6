//! Values that hold for a while.

/// Seconds since 1970. Kubernetes writes times to the second, and nothing here changes more often.
pub(crate) type Seconds = i64;

/// For ever.
pub(crate) const FOREVER: Seconds = i64::MAX;

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
    /// Whether it holds at `at`.
    pub(crate) fn covers(&self, at: Seconds) -> bool {
        self.since <= at && at < self.until
    }
}
