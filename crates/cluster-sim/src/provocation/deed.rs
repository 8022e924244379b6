//! What provocations do to nodes and to owners' pods, in the terms of the world.

use kubelet_stats::annotations::{Amount, Fill, Fills, Spike, Spikes, Window};

use crate::life::{Trouble, TroubleKind};
use crate::time::span::{ALWAYS, FOREVER, Seconds, Span};

/// One thing that is done for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// The provocation's number.
    pub(crate) id: u32,
    pub(crate) what: What,
    pub(crate) since: Seconds,
    /// [`FOREVER`] as long as it has no end.
    pub(crate) until: Seconds,
    /// To which of an owner's pods. Nothing to nodes.
    pub(crate) whom: Whom,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Down,
    Crash,
    Oom { container: String },
    Spike { cpu: Option<Amount>, memory: Option<Amount> },
    Fill { volume: String, percent: u8 },
    Scale { replicas: usize },
    Rollout,
}

/// Which of an owner's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    All,
    /// Those of this number, one after the other.
    Ordinal(usize),
    /// One pod; those that replace it are others.
    Pod {
        ordinal: usize,
        created: Seconds,
    },
}

impl Whom {
    pub(crate) fn is(self, of_ordinal: usize, of_created: Seconds) -> bool {
        match self {
            Whom::All => true,
            Whom::Ordinal(ordinal) => ordinal == of_ordinal,
            Whom::Pod { ordinal, created } => ordinal == of_ordinal && created == of_created,
        }
    }
}

impl Deed {
    /// Its window as an annotation has it at `at`: without an end that has not come yet.
    fn window(&self, at: Seconds) -> Window {
        Window { since: self.since, until: (self.until <= at).then_some(self.until) }
    }

    fn is_now(&self, at: Seconds) -> bool {
        self.since <= at && at < self.until
    }
}

/// The marks that deeds leave on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The value of [`PROVOKED`](crate::annotations::PROVOKED).
    pub(crate) label: Option<&'static str>,
    pub(crate) spike: Option<String>,
    pub(crate) fill: Option<String>,
}

/// The marks at `at` of an object that is there since `created`.
pub(crate) fn marks<'a>(deeds: impl Iterator<Item = &'a Deed>, created: Seconds, at: Seconds) -> Span<Marks> {
    let mut span = Span { value: Marks::default(), since: ALWAYS, until: FOREVER };
    let (mut spikes, mut fills) = (Vec::new(), Vec::new());
    for deed in deeds {
        let leaves_none = matches!(deed.what, What::Scale { .. } | What::Rollout);
        // Nor has what was over before it came to be.
        if leaves_none || deed.until <= created.max(deed.since) {
            continue;
        }
        for edge in [deed.since, deed.until] {
            if edge <= at {
                span.since = span.since.max(edge);
            } else {
                span.until = span.until.min(edge);
            }
        }
        if deed.since > at {
            continue;
        }
        let window = deed.window(at);
        match &deed.what {
            What::Down if deed.is_now(at) => span.value.label = Some("node-down"),
            What::Crash if deed.is_now(at) => span.value.label = Some("crash"),
            What::Oom { container } => {
                if deed.is_now(at) {
                    span.value.label = Some("oom");
                }
                let container = Some(container.clone());
                spikes.push(Spike { window, cpu: None, memory: Some(Amount::Limit), container });
            }
            What::Spike { cpu, memory } => {
                spikes.push(Spike { window, cpu: *cpu, memory: *memory, container: None });
            }
            What::Fill { volume, percent } => {
                fills.push(Fill { window, volume: volume.clone(), percent: *percent });
            }
            What::Down | What::Crash | What::Scale { .. } | What::Rollout => {}
        }
    }
    spikes.sort_by_key(|spike| spike.window.since);
    fills.sort_by(|a, b| (a.window.since, &a.volume).cmp(&(b.window.since, &b.volume)));
    // Those that overlap were refused.
    span.value.spike =
        Spikes::new(spikes).ok().filter(|spikes| !spikes.is_empty()).map(|spikes| spikes.to_string());
    span.value.fill = (!fills.is_empty()).then(|| Fills(fills).to_string());
    span
}

/// The troubles of the containers of a pod that starts at `started`.
pub(crate) fn troubles<'a>(deeds: impl Iterator<Item = &'a Deed>, started: Seconds) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = deeds
        .filter_map(|deed| {
            let kind = match deed.what {
                What::Crash => TroubleKind::Crash,
                What::Oom { .. } => TroubleKind::Oom,
                _ => return None,
            };
            let since = deed.since.max(started);
            (since < deed.until).then_some(Trouble { kind, since, until: deed.until })
        })
        .collect();
    troubles.sort_by_key(|trouble| trouble.since);
    troubles
}

/// Whether something that is lost by itself, or because of these deeds, is lost at `at`: as one stretch.
pub(crate) fn lost(own: impl Fn(Seconds) -> Span<bool>, deeds: &[Deed], at: Seconds) -> Span<bool> {
    let downs = || deeds.iter().filter(|deed| deed.what == What::Down && deed.since < deed.until);
    if downs().next().is_none() {
        return own(at);
    }
    let stretch = |at: Seconds| {
        let own = own(at);
        let down = downs().find(|deed| deed.is_now(at)).map(|deed| (deed.since, deed.until));
        down.or(own.value.then_some((own.since, own.until)))
    };
    let Some((mut since, mut until)) = stretch(at) else {
        let mut span = own(at);
        for deed in downs() {
            if deed.until <= at {
                span.since = span.since.max(deed.until);
            } else {
                span.until = span.until.min(deed.since);
            }
        }
        return span;
    };
    while let Some((earlier, _)) = stretch(since - 1) {
        since = earlier;
    }
    while until < FOREVER
        && let Some((_, later)) = stretch(until)
    {
        until = later;
    }
    Span { value: true, since, until }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(since: Seconds, until: Seconds) -> Deed {
        Deed { id: 1, what: What::Down, since, until, whom: Whom::All }
    }

    fn lost_from_200_to_300(at: Seconds) -> Span<bool> {
        match at {
            ..200 => Span { value: false, since: ALWAYS, until: 200 },
            200..300 => Span { value: true, since: 200, until: 300 },
            300.. => Span { value: false, since: 300, until: FOREVER },
        }
    }

    #[test]
    fn losses_that_touch_or_overlap_are_one() {
        for (deeds, at, value, since, until) in [
            (vec![], 250, true, 200, 300),
            (vec![down(100, 200)], 150, true, 100, 300),
            (vec![down(100, 200)], 250, true, 100, 300),
            (vec![down(250, 400), down(400, 500)], 200, true, 200, 500),
            (vec![down(250, 400), down(400, 500)], 499, true, 200, 500),
            (vec![down(400, FOREVER)], 350, false, 300, 400),
            (vec![down(400, FOREVER)], 900, true, 400, FOREVER),
            (vec![down(100, 150)], 170, false, 150, 200),
            (vec![down(100, 100)], 100, false, ALWAYS, 200),
        ] {
            let span = lost(lost_from_200_to_300, &deeds, at);
            assert_eq!(span, Span { value, since, until }, "{deeds:?} at {at}");
        }
    }

    #[test]
    fn an_end_is_written_when_it_comes() {
        let spike = Deed {
            id: 1,
            what: What::Spike { cpu: Some(Amount::Limit), memory: None },
            since: 60,
            until: 120,
            whom: Whom::All,
        };
        let at = |at| marks([&spike].into_iter(), 0, at);
        assert_eq!(at(59), Span { value: Marks::default(), since: ALWAYS, until: 60 });
        assert_eq!(at(60).value.spike.as_deref(), Some("cpu=limit since=1970-01-01T00:01:00Z"));
        let ended = "cpu=limit since=1970-01-01T00:01:00Z until=1970-01-01T00:02:00Z";
        assert_eq!(at(120).value.spike.as_deref(), Some(ended));
        assert_eq!((at(60).until, at(120).since), (120, 120));
        // A pod that came later has no part in it.
        assert_eq!(marks([&spike].into_iter(), 120, 130).value, Marks::default());
    }
}
