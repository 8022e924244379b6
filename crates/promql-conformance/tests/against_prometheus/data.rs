//! Series with everything that makes evaluation hard: jitter, gaps, late starts, early ends, counter resets.

use labels::{Labels, METRIC_NAME};

/// The time of the first samples: a multiple of two hours.
pub(crate) const START: i64 = 1_700_006_400_000;

/// Two hours and a quarter.
const SPAN: i64 = 135 * 60_000;

/// A generator of numbers that are the same in each run.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Each seed has its own numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// A number in 0..1.
    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / (1_u64 << 30) as f64
    }

    /// One of a list.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}

type Series = (Labels, Vec<(i64, f64)>);

/// All series, ordered by metric, as the exposition format wants it.
pub(crate) fn series() -> Vec<Series> {
    let mut all = Vec::new();
    for pod in 0..24 {
        all.push(with_labels("requests_total", pod, &[], counter(pod, 300.0)));
    }
    for pod in 0..24 {
        all.push(with_labels(
            "errors_total",
            pod,
            &[("code", ["500", "503"][pod % 2])],
            counter(pod + 100, 2.0),
        ));
    }
    for pod in 0..24 {
        all.push(with_labels("usage", pod, &[], gauge(pod + 200)));
    }
    for pod in 0..20 {
        all.push(with_labels("capacity", pod, &[], gauge(pod + 300)));
    }
    for pod in 0..24 {
        let node = format!("node-{}", pod % 5);
        all.push(with_labels(
            "pod_info",
            pod,
            &[("node", &node)],
            times(pod + 400).map(|time| (time, 1.0)).collect(),
        ));
    }
    for pod in 0..4 {
        all.extend(histogram(pod));
    }
    for pod in 0..3 {
        all.push(with_labels("odd", pod, &[], odd(pod + 600)));
    }
    for pod in 0..6 {
        // Begins at zero some minutes after the others, so that windows are cut at the counter's zero point.
        let late = times(pod + 700).filter(|time| *time > START + 30 * 60_000);
        let first = START + 30 * 60_000;
        let values = late.map(|time| (time, 0.4 * (time - first) as f64 / 1000.0));
        all.push(with_labels("fresh_total", pod, &[], values.collect()));
    }
    all
}

fn with_labels(name: &str, pod: usize, more: &[(&str, &str)], samples: Vec<(i64, f64)>) -> Series {
    let own = [
        (METRIC_NAME, name.to_owned()),
        ("namespace", format!("ns-{}", pod % 3)),
        ("pod", format!("pod-{pod}")),
        ("zone", ["a", "b"][pod % 2].to_owned()),
    ];
    let more = more.iter().map(|&(name, value)| (name, value.to_owned()));
    (Labels::from_pairs(own.into_iter().chain(more)), samples)
}

/// Sample times, 15 s apart but never on a full second. Some series begin late, end early or have gaps.
fn times(seed: usize) -> impl Iterator<Item = i64> {
    let mut numbers = Numbers::new(seed as u64 + 1);
    let (mut from, mut until) = (0, SPAN);
    match seed % 6 {
        1 => from = (SPAN as u64 / 4 + numbers.below(SPAN as u64 / 4)) as i64,
        2 => until = SPAN - (SPAN as u64 / 6 + numbers.below(SPAN as u64 / 4)) as i64,
        _ => {}
    }
    let gap = (seed % 4 == 3).then(|| {
        let start = SPAN as u64 / 4 + numbers.below(SPAN as u64 / 4);
        (start as i64, (start + 60_000 + numbers.below(600_000)) as i64)
    });
    let phase = numbers.below(15) as i64 * 1000;
    (0..SPAN / 15_000).filter_map(move |tick| {
        let jitter = 1 + numbers.below(900) as i64;
        let time = tick * 15_000 + phase + jitter;
        let scraped = numbers.below(50) > 0;
        let inside =
            time >= from && time < until && gap.is_none_or(|(start, end)| time < start || time >= end);
        (scraped && inside).then_some(START + time)
    })
}

/// A counter that falls back now and then, but stays far enough from zero for all versions to extrapolate alike.
fn counter(seed: usize, per_tick: f64) -> Vec<(i64, f64)> {
    let mut numbers = Numbers::new(seed as u64 + 1_000);
    let base = per_tick * 50.0;
    let mut value = base * (1.0 + numbers.unit());
    let samples = times(seed).map(|time| {
        value += (per_tick * numbers.unit()).round();
        if numbers.below(120) == 0 {
            value = base * (0.5 + numbers.unit());
        }
        (time, value.round())
    });
    samples.collect()
}

fn gauge(seed: usize) -> Vec<(i64, f64)> {
    let mut numbers = Numbers::new(seed as u64 + 2_000);
    let mut value = 100.0 * numbers.unit();
    let samples = times(seed).map(|time| {
        value += 10.0 * (numbers.unit() - 0.5);
        // Repeats and round numbers are where comparisons and `changes` have something to do.
        if numbers.below(4) == 0 { (time, value.round()) } else { (time, value) }
    });
    samples.collect()
}

/// Values that are not numbers, or infinite.
fn odd(seed: usize) -> Vec<(i64, f64)> {
    let mut numbers = Numbers::new(seed as u64 + 3_000);
    let samples = times(seed).map(|time| {
        let value = match numbers.below(6) {
            0 => f64::NAN,
            1 if seed.is_multiple_of(3) => f64::INFINITY,
            2 => -0.5,
            other => other as f64,
        };
        (time, value)
    });
    samples.collect()
}

/// A classic histogram, its buckets collected at the same times.
fn histogram(pod: usize) -> Vec<Series> {
    let bounds = ["0.1", "0.5", "1", "5", "+Inf"];
    let mut numbers = Numbers::new(pod as u64 + 4_000);
    let mut counts = [20.0, 60.0, 80.0, 95.0, 100.0];
    let mut rows: Vec<Vec<(i64, f64)>> = vec![Vec::new(); bounds.len()];
    for time in times(pod * 6 + 503) {
        let mut more = 0.0;
        for (row, count) in rows.iter_mut().zip(&mut counts) {
            more += numbers.below(5) as f64;
            *count += more;
            row.push((time, *count));
        }
    }
    let named = |(bound, samples)| with_labels("latency_bucket", pod, &[("le", bound)], samples);
    bounds.into_iter().zip(rows).map(named).collect()
}
