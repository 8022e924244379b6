//! Time: values that hold for a while, the fixed dates of a fleet, and what happens again and again.
//!
//! Nothing here is counted up from a beginning: whatever happens repeatedly is a closed form of the instant, so that a
//! cluster years after its epoch costs as little as one at its epoch.

pub(crate) mod autoscaling;
pub(crate) mod calendar;
pub(crate) mod cron;
pub(crate) mod duration;
pub(crate) mod outages;
pub(crate) mod recurrence;
pub(crate) mod span;
