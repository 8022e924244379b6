//! When things that were there from the beginning came to be.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::draw::Draw;
use crate::time::span::Seconds;

const HOUR: Seconds = 60 * 60;
const DAY: Seconds = 24 * HOUR;
/// 2026-01-01T00:00:00Z. Every fleet's epoch lies within the day that begins here.
pub(crate) const FIRST_EPOCH: Seconds = 1_767_225_600;

/// The fixed dates of a fleet.
///
/// ```text
/// cluster ─ 2 days ─► namespaces ─► nodes (to day 30), workloads (to day 44) ─► pods (last 2 weeks) ─► epoch (day 60)
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    epoch: Seconds,
}

impl Calendar {
    pub(crate) fn new(draw: Draw) -> Calendar {
        Calendar { epoch: FIRST_EPOCH + draw.of("epoch").between(0..DAY) }
    }

    /// The first instant that can be asked for: from then on there are M pods.
    pub(crate) fn epoch(&self) -> Seconds {
        self.epoch
    }

    /// When the API server started.
    pub(crate) fn cluster(&self) -> Seconds {
        self.epoch - 60 * DAY
    }

    /// When one of the files' namespaces was made.
    pub(crate) fn namespace(&self, draw: Draw) -> Seconds {
        self.cluster() + draw.of("created").between(HOUR..2 * DAY)
    }

    /// When a node joined.
    pub(crate) fn node(&self, draw: Draw) -> Seconds {
        self.cluster() + draw.of("created").between(HOUR..30 * DAY)
    }

    /// When a workload (or anything else in a namespace) was made.
    pub(crate) fn workload(&self, draw: Draw) -> Seconds {
        self.cluster() + draw.of("created").between(2 * DAY..44 * DAY)
    }

    /// When something was made that must be older than what is left of its past.
    pub(crate) fn early(&self, draw: Draw) -> Seconds {
        self.cluster() + draw.of("created").between(2 * DAY..3 * DAY)
    }

    /// Before this no node was ever lost.
    pub(crate) fn first_outage(&self) -> Seconds {
        self.epoch - 29 * DAY
    }

    /// When a pod was made that is there at the epoch: an hour to two weeks before, each doubling of the age as likely
    /// as the others.
    pub(crate) fn pod(&self, draw: Draw) -> Seconds {
        let draw = draw.of("created");
        let shortest = HOUR << draw.of("doublings").below(8);
        self.epoch - draw.between(shortest..2 * shortest)
    }

    /// The `resourceVersion` of an object that last changed at `since`: it rises with every change, as in a real cluster.
    pub(crate) fn resource_version(&self, since: Seconds) -> String {
        (since - self.cluster() + 1).max(1).to_string()
    }
}

/// A time as Kubernetes writes it.
pub(crate) fn time(seconds: Seconds) -> Time {
    Time(instant(seconds))
}

/// `seconds` as an instant. Those of a fleet lie within jiff's range of years.
pub(crate) fn instant(seconds: Seconds) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_lies_in_the_first_day_of_2026() {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(first.as_second(), FIRST_EPOCH);
        for seed in 0..100 {
            let epoch = Calendar::new(Draw::new(seed)).epoch();
            assert!((FIRST_EPOCH..FIRST_EPOCH + DAY).contains(&epoch));
        }
    }

    #[test]
    fn what_needs_another_thing_is_younger() {
        for seed in 0..1000 {
            let draw = Draw::new(seed);
            let calendar = Calendar::new(draw);
            let pod = calendar.pod(draw);
            assert!(calendar.cluster() < calendar.namespace(draw));
            assert!(calendar.namespace(draw) <= calendar.workload(draw.of("other")));
            assert!(calendar.workload(draw) < pod && calendar.node(draw) < pod && pod < calendar.epoch());
        }
    }
}
