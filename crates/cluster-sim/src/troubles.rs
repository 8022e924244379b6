//! Containers that are made to crash, or to run out of memory, for a while.

use crate::time::span::{FOREVER, Seconds, Span};

/// What a container suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// It ends before it is ready. (Only what starts into the crash is ready for a moment: nobody knows yet.)
    Crash,
    /// It serves until its memory is at the limit.
    Oom,
}

/// A stretch of trouble, none of it before the container's first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    pub(crate) since: Seconds,
    /// [`FOREVER`] if it does not end.
    pub(crate) until: Seconds,
}

impl TroubleKind {
    /// How long the container runs until it ends.
    fn runs(self) -> Seconds {
        match self {
            TroubleKind::Crash => 3,
            // Its memory climbs for the first half.
            TroubleKind::Oom => 30,
        }
    }

    fn exit(self) -> (i32, &'static str) {
        match self {
            TroubleKind::Crash => (1, "Error"),
            TroubleKind::Oom => (137, "OOMKilled"),
        }
    }
}

/// The kubelet's back-off before the n-th restart, which doubles up to five minutes.
fn back_off(nth: i64) -> Seconds {
    if nth < DOUBLINGS { 10 << nth } else { LONGEST_BACK_OFF }
}

const DOUBLINGS: i64 = 5;
const LONGEST_BACK_OFF: Seconds = 300;

/// A run of a container that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) began: Seconds,
    pub(crate) ended: Seconds,
    pub(crate) exit_code: i32,
    pub(crate) reason: &'static str,
}

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    /// How often it was started again.
    pub(crate) restarts: i64,
    /// When it was started last.
    pub(crate) began: Seconds,
    /// The seconds of back-off that it waits for, if it does not run.
    pub(crate) waits: Option<Seconds>,
    pub(crate) ready: bool,
    /// The run before this one.
    pub(crate) last: Option<Ended>,
}

/// A container from its first start on, without trouble: it runs, and starts anew each `period` because its memory limit
/// ends it.
#[derive(Clone, Copy, Debug)]
struct Course {
    began: Seconds,
    restarts: i64,
    last: Option<Ended>,
    period: Option<Seconds>,
}

impl Course {
    fn at(&self, at: Seconds) -> Span<Container> {
        let runs = |began, restarts, last| Container { restarts, began, waits: None, ready: true, last };
        match self.period {
            Some(period) if period > 0 => {
                let number = (at - self.began).max(0) / period;
                let began = self.began + number * period;
                let killed =
                    Ended { began: began - period, ended: began, exit_code: 137, reason: "OOMKilled" };
                let last = if number > 0 { Some(killed) } else { self.last };
                Span { value: runs(began, self.restarts + number, last), since: began, until: began + period }
            }
            _ => {
                Span { value: runs(self.began, self.restarts, self.last), since: self.began, until: FOREVER }
            }
        }
    }
}

/// A trouble, seen from the run during which it begins.
struct Loop {
    trouble: Trouble,
    before: Container,
    /// When the container ends for the first time.
    first: Seconds,
}

impl Loop {
    fn new(trouble: Trouble, before: Container) -> Loop {
        let first = match trouble.kind {
            // What runs already ends at once; what starts into it has its time.
            TroubleKind::Crash if before.began < trouble.since => trouble.since,
            _ => trouble.since + trouble.kind.runs(),
        };
        Loop { trouble, before, first }
    }

    /// When the container ends for the n-th time, from zero.
    fn ends(&self, nth: i64) -> Seconds {
        let doubled = nth.min(DOUBLINGS);
        // 10 + 20 + 40 + …, with a run after each.
        let waits = 10 * ((1 << doubled) - 1) + (nth - doubled) * LONGEST_BACK_OFF;
        self.first + waits + nth * self.trouble.kind.runs()
    }

    /// How often it has ended by `at`, at least once.
    fn count(&self, at: Seconds) -> i64 {
        let long_after = self.ends(DOUBLINGS);
        if at >= long_after {
            return DOUBLINGS + (at - long_after) / (LONGEST_BACK_OFF + self.trouble.kind.runs());
        }
        (0..DOUBLINGS).rev().find(|nth| self.ends(*nth) <= at).unwrap_or(0)
    }

    /// The container at `at`, within the trouble.
    fn at(&self, at: Seconds) -> Span<Container> {
        let Trouble { kind, since, until } = self.trouble;
        let ready = kind == TroubleKind::Oom;
        if at < self.first {
            return Span { value: self.before, since, until: self.first.min(until) };
        }
        let nth = self.count(at);
        let (ended, starts) = (self.ends(nth), self.ends(nth) + back_off(nth));
        let began = if nth == 0 { self.before.began } else { ended - kind.runs() };
        let (exit_code, reason) = kind.exit();
        let last = Some(Ended { began, ended, exit_code, reason });
        let restarts = self.before.restarts + nth;
        if at < starts {
            let value = Container { restarts, began, waits: Some(back_off(nth)), ready: false, last };
            Span { value, since: ended, until: starts.min(until) }
        } else {
            let value = Container { restarts: restarts + 1, began: starts, waits: None, ready, last };
            Span { value, since: starts, until: self.ends(nth + 1).min(until) }
        }
    }

    /// How the container goes on after the trouble.
    fn after(&self, period: Option<Seconds>) -> Course {
        let until = self.trouble.until;
        let at_end = self.at(until - 1).value;
        match at_end.waits {
            // It is started without waiting any longer.
            Some(_) => Course { began: until, restarts: at_end.restarts + 1, last: at_end.last, period },
            None => Course { began: at_end.began, restarts: at_end.restarts, last: at_end.last, period },
        }
    }
}

/// A container that was first started at `started`, starts anew each `period`, and has `troubles`, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story<'a> {
    pub(crate) started: Seconds,
    pub(crate) period: Option<Seconds>,
    pub(crate) troubles: &'a [Trouble],
}

/// Where a container is in its story.
enum Chapter {
    Calm(Course),
    Trouble(Loop),
}

impl Story<'_> {
    /// The container at `at`.
    pub(crate) fn container(&self, at: Seconds) -> Span<Container> {
        let chapter = self.chapter(at);
        match &chapter.value {
            Chapter::Calm(course) => course.at(at).within(&chapter),
            Chapter::Trouble(troubled) => troubled.at(at),
        }
    }

    /// Whether its troubles keep the container from being ready at `at`. A crash does so from the first one on.
    pub(crate) fn unready(&self, at: Seconds) -> Span<bool> {
        let chapter = self.chapter(at);
        match &chapter.value {
            Chapter::Calm(_) => chapter.map(|_| false),
            Chapter::Trouble(Loop { first, .. }) if at < *first => {
                let first = *first;
                Span { until: chapter.until.min(first), ..chapter.map(|_| false) }
            }
            Chapter::Trouble(Loop { trouble, first, .. }) if trouble.kind == TroubleKind::Crash => {
                Span { value: true, since: *first, until: chapter.until }
            }
            Chapter::Trouble(troubled) => troubled.at(at).map(|container| !container.ready),
        }
    }

    fn chapter(&self, at: Seconds) -> Span<Chapter> {
        let Story { started, period, troubles } = *self;
        let mut course = Course { began: started, restarts: 0, last: None, period };
        let mut since = started;
        for trouble in troubles {
            if at < trouble.since {
                return Span { value: Chapter::Calm(course), since, until: trouble.since };
            }
            let mut before = course.at(trouble.since).value;
            if before.began == trouble.since && course.began < trouble.since {
                // It is no restart of its own that comes just then.
                before = course.at(trouble.since - 1).value;
            }
            let troubled = Loop::new(*trouble, before);
            if at < trouble.until {
                let Trouble { since, until, .. } = *trouble;
                return Span { value: Chapter::Trouble(troubled), since, until };
            }
            course = troubled.after(period);
            since = trouble.until;
        }
        Span { value: Chapter::Calm(course), since, until: FOREVER }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn container(
        started: Seconds,
        period: Option<Seconds>,
        troubles: &[Trouble],
        at: Seconds,
    ) -> Span<Container> {
        Story { started, period, troubles }.container(at)
    }

    const CRASH: Trouble = Trouble { kind: TroubleKind::Crash, since: 1_000, until: 2_000 };

    #[test]
    fn a_crashing_container_restarts_with_longer_and_longer_waits() {
        for (at, restarts, waits) in [
            (999, 0, None),
            (1_000, 0, Some(10)),
            (1_009, 0, Some(10)),
            (1_010, 1, None),
            (1_013, 1, Some(20)),
            (1_033, 2, None),
            (1_036, 2, Some(40)),
            (1_076, 3, None),
            (1_079, 3, Some(80)),
            (1_162, 4, Some(160)),
            (1_325, 5, Some(300)),
            (1_625, 6, None),
            (1_628, 6, Some(300)),
            (1_928, 7, None),
            (2_000, 8, None),
            (5_000, 8, None),
        ] {
            let container = container(0, None, &[CRASH], at).value;
            assert_eq!((container.restarts, container.waits), (restarts, waits), "at {at}");
            assert_eq!(container.ready, !(1_000..2_000).contains(&at), "at {at}");
        }
        let well = container(0, None, &[CRASH], 3_000).value;
        let last = Ended { began: 1_928, ended: 1_931, exit_code: 1, reason: "Error" };
        assert_eq!((well.began, well.last), (2_000, Some(last)));
    }

    #[test]
    fn a_container_that_runs_out_of_memory_serves_between_its_restarts() {
        let trouble = Trouble { kind: TroubleKind::Oom, since: 100, until: 10_000 };
        for (at, ready, restarts) in
            [(100, true, 0), (129, true, 0), (130, false, 0), (140, true, 1), (170, false, 1), (190, true, 2)]
        {
            let container = container(0, None, &[trouble], at).value;
            assert_eq!((container.ready, container.restarts), (ready, restarts), "at {at}");
        }
        let last = container(0, None, &[trouble], 150).value.last.unwrap();
        assert_eq!((last.began, last.ended, last.reason), (0, 130, "OOMKilled"));
    }

    #[test]
    fn a_container_that_starts_into_trouble_has_its_first_run() {
        let trouble = Trouble { since: 500, ..CRASH };
        for (at, waits, restarts, ready) in
            [(500, None, 0, true), (502, None, 0, true), (503, Some(10), 0, false), (513, None, 1, false)]
        {
            let container = container(500, None, &[trouble], at).value;
            assert_eq!((container.waits, container.restarts, container.ready), (waits, restarts, ready));
        }
    }

    #[test]
    fn its_own_restarts_go_on_after_the_trouble() {
        let at = |at| container(0, Some(400), &[CRASH], at).value;
        assert_eq!((at(900).restarts, at(900).began), (2, 800));
        assert_eq!((at(1_005).restarts, at(1_005).last.unwrap().began), (2, 800));
        assert_eq!((at(2_000).restarts, at(2_000).began), (10, 2_000));
        assert_eq!((at(2_400).restarts, at(2_400).began), (11, 2_400));
    }

    fn troubles() -> impl Strategy<Value = Vec<Trouble>> {
        let one = (0_i64..400, 1_i64..900, any::<bool>(), any::<bool>());
        proptest::collection::vec(one, 0..5).prop_map(|parts| {
            let mut troubles = Vec::new();
            let mut now = 50;
            for (gap, length, crash, endless) in parts {
                let since = now + gap;
                let until = if endless { FOREVER } else { since + length };
                let kind = if crash { TroubleKind::Crash } else { TroubleKind::Oom };
                troubles.push(Trouble { kind, since, until });
                if endless {
                    break;
                }
                now = until;
            }
            troubles
        })
    }

    proptest! {
        #[test]
        fn what_holds_holds_as_long_as_it_says(
            troubles in troubles(), period in proptest::option::of(30_i64..700), at in 50_i64..6_000,
        ) {
            let of = |at| container(50, period, &troubles, at);
            let span = of(at);
            prop_assert!(span.covers(at), "{:?} at {}", span, at);
            for same in [span.since, span.until.min(10_000) - 1] {
                prop_assert_eq!(of(same), span, "at {} as at {}", same, at);
            }
            // Starts are counted up one by one.
            let next = of(at + 1).value;
            let more = next.restarts - span.value.restarts;
            prop_assert!((0..=1).contains(&more));
            prop_assert_eq!(more == 1, next.began != span.value.began && next.waits.is_none());
        }

        #[test]
        fn a_container_is_unready_exactly_when_its_troubles_say_so(troubles in troubles(), at in 50_i64..6_000) {
            let unready = Story { started: 50, period: None, troubles: &troubles }.unready(at);
            prop_assert!(unready.covers(at));
            prop_assert_eq!(unready.value, !container(50, None, &troubles, at).value.ready);
        }
    }
}
