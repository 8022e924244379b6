//! The store against a model that cannot be wrong: sorted maps, looked through from end to end.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::ops::ControlFlow;

use labels::{Labels, MatchOp, Matcher};
use proptest::prelude::*;

use crate::chunk::Chunk;
use crate::series::Totals;
use crate::{AppendError, AppendOutcome, Batch, Instants, Options, SeriesId, Store, TimeRange};

const STEP: i64 = 15_000;

fn options() -> Options {
    Options {
        retention_ms: 2_000_000,
        out_of_order_window_ms: 300_000,
        lag_window_ms: 900_000,
        chunk_samples: 20,
        // Small enough that most label sets are built anew.
        label_cache_bytes: 1_000,
        ..Options::default()
    }
}

/// Samples by series and time, values as bits.
#[derive(Default)]
struct Model {
    samples: BTreeMap<Labels, BTreeMap<i64, u64>>,
    newest: Option<i64>,
    floor: Option<i64>,
}

impl Model {
    fn horizon(&self) -> Option<i64> {
        self.newest.map(|newest| (newest - options().retention_ms).max(self.floor.unwrap_or(i64::MIN)))
    }

    fn judge(&self, labels: &Labels, time: i64, value: f64) -> Result<AppendOutcome, AppendError> {
        let horizon = self.horizon().or(self.floor).unwrap_or(i64::MIN);
        let back = |window: i64| self.newest.map_or(i64::MIN, |newest| newest - window).max(horizon);
        let (in_order, out_of_order) =
            (back(options().lag_window_ms), back(options().out_of_order_window_ms));
        let series = self.samples.get(labels);
        let newest = series.and_then(|series| series.last_key_value()).map(|(time, _)| *time);
        let oldest = if newest.is_none_or(|newest| time >= newest) { in_order } else { out_of_order };
        if time < oldest {
            return Err(AppendError::TooOld { timestamp_ms: time, oldest_ms: oldest });
        }
        match series.and_then(|series| series.get(&time)) {
            Some(stored) if *stored == value.to_bits() => Ok(AppendOutcome::Duplicate),
            Some(stored) => {
                let stored = f64::from_bits(*stored);
                Err(AppendError::DuplicateSample { timestamp_ms: time, stored, refused: value })
            }
            None if newest.is_none_or(|newest| time > newest) => Ok(AppendOutcome::Appended),
            None => Ok(AppendOutcome::OutOfOrder),
        }
    }

    /// In a batch another value counts only at the newest time of its series.
    fn judge_in_batch(&self, labels: &Labels, time: i64, value: f64) -> Result<AppendOutcome, AppendError> {
        let newest = self.samples.get(labels).and_then(|series| series.last_key_value());
        match self.judge(labels, time, value) {
            Err(AppendError::DuplicateSample { .. }) if newest.is_some_and(|(newest, _)| time < *newest) => {
                Ok(AppendOutcome::Duplicate)
            }
            judged => judged,
        }
    }

    fn store(&mut self, labels: &Labels, time: i64, value: f64) {
        self.samples.entry(labels.clone()).or_default().entry(time).or_insert(value.to_bits());
        self.newest = self.newest.max(Some(time));
    }

    fn forget(&mut self) {
        let Some(horizon) = self.horizon() else { return };
        for series in self.samples.values_mut() {
            *series = series.split_off(&horizon);
        }
        self.samples.retain(|_, series| !series.is_empty());
    }

    fn select(&self, matchers: &[Matcher], from: i64, to: i64) -> Vec<(Labels, Vec<(i64, u64)>)> {
        let satisfies =
            |labels: &Labels| matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")));
        let between = |series: &BTreeMap<i64, u64>| {
            series.iter().map(|(t, v)| (*t, *v)).filter(|(t, _)| (from..=to).contains(t)).collect::<Vec<_>>()
        };
        let found = self.samples.iter().filter(|(labels, _)| satisfies(labels));
        found
            .map(|(labels, series)| (labels.clone(), between(series)))
            .filter(|(_, found)| !found.is_empty())
            .collect()
    }
}

fn select(store: &Store, matchers: &[Matcher], from: i64, to: i64) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let mut found = Vec::new();
    store.select(matchers, from, to, &mut |series| {
        let samples = series.timestamps.iter().copied().zip(series.values.iter().map(|v| v.to_bits()));
        found.push((series.labels.clone(), samples.collect()));
        ControlFlow::Continue(())
    });
    found
}

/// Ten series; the more of them there are, the fewer labels the later ones share.
fn series(number: usize) -> Labels {
    let number = number % 10;
    let mut pairs = vec![("__name__", format!("m{}", number % 3)), ("pod", format!("p{number}"))];
    if number.is_multiple_of(2) {
        pairs.push(("zone", format!("z{}", number % 4)));
    }
    Labels::from_pairs(pairs)
}

#[derive(Clone, Debug)]
enum Op {
    /// So many scrapes of the first so many series, one step apart; the kind decides how values move.
    Scrapes {
        ticks: usize,
        series: usize,
        kind: u8,
    },
    One(OneSample),
    Batch(Vec<OneSample>),
    Truncate {
        back: i64,
    },
    Select {
        matchers: Vec<(&'static str, MatchOp, &'static str)>,
        from_back: i64,
        to_back: i64,
        instants_ms: i64,
    },
}

/// A sample at a distance from the newest one.
#[derive(Clone, Debug)]
struct OneSample {
    series: usize,
    ahead: i64,
    value: f64,
}

fn one_sample() -> impl Strategy<Value = OneSample> {
    let ahead = prop_oneof![
        3 => Just(STEP),
        2 => (-30i64..=0).prop_map(|steps| steps * STEP),
        3 => -400_000i64..60_000,
        1 => -2_500_000i64..0,
        1 => prop_oneof![Just(700_000i64), Just(3_000_000), Just(i64::from(u32::MAX) + 7)],
    ];
    let value = prop_oneof![
        4 => (0i8..3).prop_map(f64::from),
        1 => any::<f64>(),
        1 => prop::sample::select(vec![-0.0, f64::NAN, f64::from_bits(0x7ff0_0000_0000_0002), f64::INFINITY]),
    ];
    (0usize..10, ahead, value).prop_map(|(series, ahead, value)| OneSample { series, ahead, value })
}

fn op() -> impl Strategy<Value = Op> {
    let matcher = prop::sample::select(vec![
        ("__name__", MatchOp::Equal, "m1"),
        ("__name__", MatchOp::Regex, "m0|m2"),
        ("__name__", MatchOp::NotRegex, "m[12]"),
        ("pod", MatchOp::NotEqual, "p3"),
        ("pod", MatchOp::Regex, "p[0-4]"),
        ("zone", MatchOp::Equal, ""),
        ("zone", MatchOp::NotEqual, ""),
        ("zone", MatchOp::NotEqual, "z2"),
        ("zone", MatchOp::Regex, "z0|"),
        ("absent", MatchOp::Equal, "x"),
    ]);
    prop_oneof![
        4 => (1usize..40, 1usize..=10, any::<u8>()).prop_map(|(ticks, series, kind)| Op::Scrapes { ticks, series, kind }),
        6 => one_sample().prop_map(Op::One),
        2 => prop::collection::vec(one_sample(), 0..8).prop_map(Op::Batch),
        1 => (0i64..1_000_000).prop_map(|back| Op::Truncate { back }),
        3 => (prop::collection::vec(matcher, 0..3), 0i64..2_500_000, -30_000i64..600_000, 1i64..200_000).prop_map(
            |(matchers, from_back, to_back, instants_ms)| Op::Select { matchers, from_back, to_back, instants_ms },
        ),
    ]
}

/// A store, the model, and the ids as a caller would keep them.
struct Pair {
    store: Store,
    model: Model,
    ids: BTreeMap<usize, SeriesId>,
}

impl Pair {
    fn new() -> Self {
        Self { store: Store::new(options()), model: Model::default(), ids: BTreeMap::new() }
    }

    fn id(&mut self, number: usize) -> SeriesId {
        let intern = || self.store.intern(&series(number)).unwrap();
        *self.ids.entry(number).or_insert_with(intern)
    }

    fn newest(&self) -> i64 {
        self.model.newest.unwrap_or(1_700_000_000_000)
    }

    fn append(&mut self, number: usize, time: i64, value: f64) {
        let labels = series(number);
        let id = self.id(number);
        let mut outcome = self.store.append(id, time, value);
        if outcome == Err(AppendError::UnknownSeries) {
            assert!(!self.model.samples.contains_key(&labels), "{labels} was dropped with samples in it");
            self.ids.remove(&number);
            let id = self.id(number);
            outcome = self.store.append(id, time, value);
        }
        let expected = self.model.judge(&labels, time, value);
        assert!(same(&outcome, &expected), "{labels} at {time}: {outcome:?}, not {expected:?}");
        if expected.is_ok() {
            self.model.store(&labels, time, value);
            self.model.forget();
        }
    }

    fn commit(&mut self, samples: &[OneSample]) {
        let newest = self.newest();
        let mut batch = Batch::new();
        for sample in samples {
            // A caller finds out which of its ids are still good by interning again.
            let id = self.store.intern(&series(sample.series)).unwrap();
            self.ids.insert(sample.series, id);
            batch.push(id, newest + sample.ahead, sample.value);
        }
        let judged: Vec<_> = samples
            .iter()
            .map(|s| self.model.judge_in_batch(&series(s.series), newest + s.ahead, s.value))
            .collect();
        let refused = judged.iter().position(Result::is_err);
        match (self.store.commit(&batch), refused) {
            (Ok(summary), None) => {
                assert_eq!(summary.appended + summary.out_of_order + summary.duplicates, samples.len());
                for sample in samples {
                    self.model.store(&series(sample.series), newest + sample.ahead, sample.value);
                }
                self.model.forget();
            }
            (Err(error), Some(index)) => {
                assert_eq!((error.index, error.series), (index, self.ids[&samples[index].series]));
                assert!(same(&Err(error.error), &judged[index]));
            }
            (outcome, refused) => panic!("{outcome:?}, but the model refuses {refused:?}"),
        }
    }

    fn run(&mut self, op: &Op) {
        let newest = self.newest();
        match op {
            Op::Scrapes { ticks, series, kind } => {
                for tick in 1..=*ticks {
                    for number in 0..*series {
                        let value = match (usize::from(*kind) + number) % 4 {
                            0 => 4096.0,
                            1 => (tick / 10) as f64,
                            2 => (tick * 1_234_567_891 * (number + 1)) as f64 / 1e9,
                            _ => ((tick * 7919) % 1000) as f64 * 4096.0,
                        };
                        self.append(number, newest + tick as i64 * STEP, value);
                    }
                }
            }
            Op::One(sample) => self.append(sample.series, newest + sample.ahead, sample.value),
            Op::Batch(samples) => self.commit(samples),
            Op::Truncate { back } => {
                let floor = newest - back;
                self.store.truncate(floor);
                self.model.floor = self.model.floor.max(Some(floor));
                self.model.forget();
            }
            Op::Select { matchers, from_back, to_back, instants_ms } => {
                let matchers: Vec<_> =
                    matchers.iter().map(|(n, op, v)| Matcher::new(n, *op, v).unwrap()).collect();
                let (from, to) = (newest - from_back, newest - to_back);
                self.check(&matchers, from, to);
                self.check_newest(&matchers, from, to, *instants_ms);
            }
        }
    }

    fn check(&self, matchers: &[Matcher], from: i64, to: i64) {
        assert_eq!(
            select(&self.store, matchers, from, to),
            self.model.select(matchers, from, to),
            "{matchers:?}"
        );
    }

    /// Who looks at some instants only sees the same at each of them, and nothing that is not there.
    fn check_newest(&self, matchers: &[Matcher], from: i64, to: i64, step_ms: i64) {
        let newest_at =
            |samples: &[(i64, u64)], at: i64| samples.iter().rev().find(|(t, _)| *t <= at).copied();
        let all = self.model.select(matchers, from, to);
        let (first_ms, range) = (from + step_ms / 3, TimeRange { start_ms: from, end_ms: to });
        let mut shown = 0;
        self.store.select_newest(matchers, range, Instants { first_ms, step_ms }, &mut |series| {
            let (labels, expected) = &all[shown];
            assert_eq!(series.labels, labels);
            let samples: Vec<_> =
                series.timestamps.iter().copied().zip(series.values.iter().map(|v| v.to_bits())).collect();
            assert!(samples.iter().all(|sample| expected.contains(sample)), "{samples:?} of {expected:?}");
            for at in (0..).map(|k| first_ms + k * step_ms).take_while(|at| *at <= to) {
                assert_eq!(newest_at(&samples, at), newest_at(expected, at), "{labels} at {at}");
            }
            shown += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(shown, all.len());
    }

    /// What must hold at any time.
    fn check_all(&self) {
        self.check(&[], i64::MIN, i64::MAX);
        assert_eq!(self.store.newest_ms(), self.model.newest);
        assert_eq!(self.store.horizon_ms(), self.model.horizon());

        let mut listed = Vec::new();
        self.store.series(&[], TimeRange::ALL, &mut |labels| {
            listed.push(labels.clone());
            ControlFlow::Continue(())
        });
        assert!(listed.iter().eq(self.model.samples.keys()));
        let every = [Matcher::new("pod", MatchOp::Regex, ".+").unwrap()];
        for matchers in [&[][..], &every[..]] {
            let names = self.store.label_names(matchers, TimeRange::ALL);
            let mut expected: Vec<_> = listed.iter().flatten().map(|label| label.name.clone()).collect();
            expected.sort();
            expected.dedup();
            assert_eq!(names, expected);
            let values = self.store.label_values("pod", matchers, TimeRange::ALL);
            let mut expected: Vec<_> =
                listed.iter().filter_map(|labels| labels.get_arc("pod").cloned()).collect();
            expected.sort();
            expected.dedup();
            assert_eq!(values, expected);
        }

        let head = self.store.read();
        let mut totals = Totals::default();
        for (_, series) in head.series().iter() {
            totals.samples += series.tail().count() + series.chunks().iter().map(Chunk::count).sum::<usize>();
            totals.chunks += series.chunks().len();
            totals.chunk_bytes += series.chunks().iter().map(Chunk::heap_bytes).sum::<usize>();
        }
        assert_eq!(head.totals(), totals);
    }
}

/// Whether two outcomes are of one kind. The bounds in an error may differ: the model forgets sooner than the store.
fn same(a: &Result<AppendOutcome, AppendError>, b: &Result<AppendOutcome, AppendError>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(a), Err(b)) => discriminant(a) == discriminant(b),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn the_store_shows_what_the_model_shows(ops in prop::collection::vec(op(), 1..40)) {
        let mut pair = Pair::new();
        for op in &ops {
            pair.run(op);
            pair.check_all();
        }
    }
}
