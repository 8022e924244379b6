//! What a pod goes through from its creation on, as a function of time.

use k8s_openapi::api::core::v1::Pod;

use crate::stage::PodStage;
use crate::time::recurrence::Recurrence;
use crate::time::span::{FOREVER, Seconds, Span};
pub(crate) use crate::troubles::{Story, Trouble, TroubleKind};

/// How long a crashing container runs, and then waits: the kubelet's longest back-off.
const CRASH_RUNS: Seconds = 50;
pub(crate) const CRASH_WAITS: Seconds = 300;

/// A pod's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
}

/// How a pod stands, as its owner and its Services see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) phase: Phase,
    pub(crate) ready: bool,
}

impl Standing {
    /// Whether it still takes resources.
    pub(crate) fn is_active(self) -> bool {
        matches!(self.phase, Phase::Pending | Phase::Running)
    }
}

/// How a pod ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its work is done.
    Success,
    /// An error of its own.
    Failure,
    /// Its node puts it out.
    Eviction,
}

/// How often a container starts anew because its memory limit ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restarts {
    /// The container's position in the spec.
    pub(crate) container: usize,
    /// Seconds from one start to the next.
    pub(crate) period: Seconds,
}

/// The course of a pod's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) created: Seconds,
    pub(crate) course: Course,
    /// What is done to its first container, in order; only while it runs without an end of its own.
    pub(crate) troubles: Vec<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// No node can take it.
    Unschedulable,
    /// Its image cannot be had.
    NoImage,
    /// Runs from `started` on; some containers start anew now and then.
    Runs { started: Seconds, restarts: Vec<Restarts> },
    /// Its first container ends shortly after each start, the first at `started`.
    Crashes { started: Seconds },
    /// Runs from `started` to `ended`.
    Ends { started: Seconds, ended: Seconds, end: End },
}

/// Where a crashing container is in its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    /// How often it was started again.
    pub(crate) restarts: i64,
    /// When it was started last.
    pub(crate) began: Seconds,
    /// When that run ended, if it did.
    pub(crate) ended: Option<Seconds>,
}

/// Where a crashing container that first started at `started` is at `at`.
pub(crate) fn crash(started: Seconds, at: Seconds) -> Span<Crash> {
    let rounds = Recurrence { first: started, period: CRASH_RUNS + CRASH_WAITS };
    let round = rounds.latest(at.max(started));
    let ended = round.since + CRASH_RUNS;
    if at < ended {
        Span {
            value: Crash { restarts: round.value, began: round.since, ended: None },
            since: round.since,
            until: ended,
        }
    } else {
        let crash = Crash { restarts: round.value, began: round.since, ended: Some(ended) };
        Span { value: crash, since: ended, until: round.until }
    }
}

/// Whether a node is lost at an instant.
pub(crate) type Lost<'a> = &'a dyn Fn(Seconds) -> Span<bool>;

impl Life {
    /// How the pod stands at `at`, on a node that is lost at times.
    pub(crate) fn standing(&self, lost: Lost<'_>, at: Seconds) -> Span<Standing> {
        let from = |since, until, phase, ready| Span { value: Standing { phase, ready }, since, until };
        let ready_unless_lost = |since: Seconds, until: Seconds| {
            let running = from(since, until, Phase::Running, true);
            running.and(lost(at), |standing, lost| Standing { ready: standing.ready && !lost, ..standing })
        };
        match &self.course {
            Course::Unschedulable | Course::NoImage => from(self.created, FOREVER, Phase::Pending, false),
            Course::Runs { started, .. } | Course::Crashes { started } | Course::Ends { started, .. }
                if at < *started =>
            {
                from(self.created, *started, Phase::Pending, false)
            }
            Course::Runs { started, .. } if self.troubles.is_empty() => ready_unless_lost(*started, FOREVER),
            Course::Runs { started, restarts } => {
                let period = period_of(restarts, 0);
                let story = Story { started: *started, period, troubles: &self.troubles };
                let stretch = ready(*started, &|at| story.unready(at), lost, at);
                from(stretch.since, stretch.until, Phase::Running, stretch.value)
            }
            Course::Crashes { started } => {
                let unready = |at| crash(*started, at).map(|crash| crash.ended.is_some());
                let stretch = ready(*started, &unready, lost, at);
                from(stretch.since, stretch.until, Phase::Running, stretch.value)
            }
            Course::Ends { started, ended, .. } if at < *ended => ready_unless_lost(*started, *ended),
            Course::Ends { ended, end: End::Success, .. } => from(*ended, FOREVER, Phase::Succeeded, false),
            Course::Ends { ended, .. } => from(*ended, FOREVER, Phase::Failed, false),
        }
    }
}

/// The period of a container's own restarts.
pub(crate) fn period_of(restarts: &[Restarts], container: usize) -> Option<Seconds> {
    restarts.iter().find(|restarts| restarts.container == container).map(|restarts| restarts.period)
}

/// Whether a pod that is `unready` by itself at times is ready at `at`, and how long that lasts: its own trouble and the
/// loss of its node may overlap.
fn ready(
    started: Seconds,
    unready: &dyn Fn(Seconds) -> Span<bool>,
    lost: Lost<'_>,
    at: Seconds,
) -> Span<bool> {
    let away = |at: Seconds| {
        let (own, lost) = (unready(at), lost(at));
        if own.value { Some((own.since, own.until)) } else { lost.value.then_some((lost.since, lost.until)) }
    };
    let Some((mut since, mut until)) = away(at) else {
        // Ready for as long as nothing happens; what happens may leave it ready.
        let mut span = unready(at).and(lost(at), |_, _| true);
        while span.since > started && away(span.since - 1).is_none() {
            span.since = unready(span.since - 1).since.max(lost(span.since - 1).since);
        }
        while span.until < FOREVER && away(span.until).is_none() {
            span.until = unready(span.until).until.min(lost(span.until).until);
        }
        return Span { since: span.since.max(started), ..span };
    };
    while since > started
        && let Some((earlier, _)) = away(since - 1)
    {
        since = earlier;
    }
    while until < FOREVER
        && let Some((_, later)) = away(until)
    {
        until = later;
    }
    Span { value: false, since: since.max(started), until }
}

/// Which containers of `pod` start anew, and how often: those whose memory grows until their limit ends them.
pub(crate) fn restarts(pod: &Pod) -> Vec<Restarts> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).enumerate();
    containers
        .filter_map(|(container, spec)| {
            let period = kubelet_stats::restart_period(pod, &spec.name)?.as_secs();
            Some(Restarts { container, period: Seconds::try_from(period).ok()? })
        })
        .collect()
}

/// How a pod of this stage ends by itself; `None` for one that does not.
pub(crate) fn end_of(stage: Option<PodStage>, of_job: bool) -> Option<End> {
    match stage {
        Some(PodStage::Failed) => Some(End::Failure),
        Some(PodStage::Evicted) => Some(End::Eviction),
        _ => of_job.then_some(End::Success),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::outages::never;

    fn at(life: &Life, at: Seconds) -> (Phase, bool) {
        let standing = life.standing(&|_| never(), at);
        assert!(standing.covers(at));
        (standing.value.phase, standing.value.ready)
    }

    #[test]
    fn a_pod_is_pending_until_it_starts() {
        let life = Life {
            created: 100,
            course: Course::Runs { started: 105, restarts: Vec::new() },
            troubles: Vec::new(),
        };
        assert_eq!((at(&life, 100), at(&life, 104)), ((Phase::Pending, false), (Phase::Pending, false)));
        assert_eq!(at(&life, 105), (Phase::Running, true));
    }

    #[test]
    fn a_lost_node_makes_a_running_pod_unready_and_no_more() {
        let life = Life {
            created: 100,
            course: Course::Runs { started: 105, restarts: Vec::new() },
            troubles: Vec::new(),
        };
        let standing = life.standing(&lost_from_200_to_300, 250);
        assert_eq!((standing.value.phase, standing.value.ready), (Phase::Running, false));
        assert_eq!((standing.since, standing.until), (200, 300));
    }

    fn lost_from_200_to_300(at: Seconds) -> Span<bool> {
        match at {
            ..200 => Span { value: false, since: Seconds::MIN, until: 200 },
            200..300 => Span { value: true, since: 200, until: 300 },
            300.. => Span { value: false, since: 300, until: FOREVER },
        }
    }

    #[test]
    fn a_crashing_pod_is_unready_for_one_stretch_while_its_waiting_and_the_loss_of_its_node_overlap() {
        // It waits from 180 to 480 and from 530 to 830.
        let life = Life { created: 120, course: Course::Crashes { started: 130 }, troubles: Vec::new() };
        for (at, since, until, ready) in
            [(150, 130, 180, true), (190, 180, 480, false), (250, 180, 480, false), (500, 480, 530, true)]
        {
            let standing = life.standing(&lost_from_200_to_300, at);
            assert_eq!(
                (standing.since, standing.until, standing.value.ready),
                (since, until, ready),
                "at {at}"
            );
        }
        // It runs from 250 to 300, on a lost node.
        let life = Life { created: 240, course: Course::Crashes { started: 250 }, troubles: Vec::new() };
        let standing = life.standing(&lost_from_200_to_300, 260);
        assert_eq!((standing.since, standing.until, standing.value.ready), (250, 600, false));
    }

    #[test]
    fn a_crashing_container_runs_waits_and_runs_again() {
        let life = Life { created: 0, course: Course::Crashes { started: 10 }, troubles: Vec::new() };
        for (second, ready, restarts) in
            [(10, true, 0), (59, true, 0), (60, false, 0), (359, false, 0), (360, true, 1)]
        {
            assert_eq!(at(&life, second), (Phase::Running, ready), "at {second}");
            assert_eq!(crash(10, second).value.restarts, restarts, "at {second}");
        }
    }

    #[test]
    fn a_pod_that_ends_stays_ended() {
        for (end, phase) in
            [(End::Success, Phase::Succeeded), (End::Failure, Phase::Failed), (End::Eviction, Phase::Failed)]
        {
            let life = Life {
                created: 0,
                course: Course::Ends { started: 5, ended: 65, end },
                troubles: Vec::new(),
            };
            assert_eq!((at(&life, 64), at(&life, 65)), ((Phase::Running, true), (phase, false)));
            assert!(!life.standing(&|_| never(), 1_000_000).value.is_active());
        }
    }
}
