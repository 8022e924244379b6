//! Timestamps as OTLP has them.

use jiff::Timestamp;

/// Nanoseconds since the epoch. Saturates where 64 bits end, in the years 1677 and 2262.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    let exact = at.as_nanosecond();
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}
