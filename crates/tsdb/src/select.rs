//! Reading samples: a snapshot under the lock, decoding outside of it.

use std::hint::black_box;

use crate::chunk::Chunk;
use crate::head::Head;
use crate::instants::Wanted;
use crate::picks::{Picks, Regular};
use crate::series::Series;
use crate::tail::TailSamples;

/// Series are scattered over memory, and waiting for it takes longer than decoding. So what is needed of so many series
/// or chunks is touched first, for no other purpose than to have all of it on its way at the same time.
const AT_ONCE: usize = 16;

/// What some series held between two times, at one instant. Compressed chunks are shared with the store, the few samples
/// that are not compressed are copies.
#[derive(Debug)]
pub(crate) struct Snapshot {
    wanted: Wanted,
    series: Vec<Taken>,
    /// The series' chunks, one series after the other.
    chunks: Vec<Chunk>,
    /// The listed times of their tails, one series after the other.
    times: Vec<i64>,
    /// The listed values of their tails, one series after the other.
    values: Vec<f64>,
}

/// One series of a snapshot.
#[derive(Debug)]
struct Taken {
    number: u32,
    chunks: u32,
    tail: TakenTail,
}

/// A tail's samples, of which the listed ones stand in the snapshot's own lists.
#[derive(Clone, Copy, Debug)]
enum TakenTail {
    Run {
        first_ms: i64,
        step_ms: u32,
        count: usize,
        value: f64,
    },
    /// Only the picked values, where these [are picked](Picks::of).
    Regular(Regular),
    Listed {
        count: usize,
    },
}

impl Snapshot {
    /// Takes what these series hold in the wanted time. Series without anything are left out.
    pub(crate) fn take(head: &Head, numbers: &[u32], wanted: Wanted) -> Self {
        let mut snapshot = Self {
            wanted,
            series: Vec::with_capacity(numbers.len()),
            chunks: Vec::with_capacity(numbers.len()),
            times: Vec::new(),
            values: Vec::new(),
        };
        let mut picks = Picks::new(wanted);
        for numbers in numbers.chunks(AT_ONCE) {
            let series = || numbers.iter().filter_map(|number| Some((*number, head.series().get(*number)?)));
            black_box(series().fold(0, |all, (_, series)| all ^ series.touch()));
            for (number, series) in series() {
                snapshot.take_series(number, series, &mut picks);
            }
        }
        snapshot
    }

    fn take_series(&mut self, number: u32, series: &Series, picks: &mut Picks) {
        let Wanted { from_ms, to_ms, .. } = self.wanted;
        let before = self.chunks.len();
        // Ascending: what comes before the first is not looked at.
        let first = series.chunks().partition_point(|chunk| chunk.end_ms() < from_ms);
        let chunks = series.chunks()[first..].iter().take_while(|chunk| chunk.start_ms() <= to_ms);
        self.chunks.extend(chunks.cloned());
        let (tail, count) = match series.tail().between(from_ms, to_ms) {
            TailSamples::Run { first_ms, step_ms, count, value } => {
                (TakenTail::Run { first_ms, step_ms, count, value }, count)
            }
            TailSamples::Regular { first_ms, step_ms, values } => {
                let regular = Regular { first_ms, step_ms, count: values.len() };
                match picks.of(regular) {
                    Some(pick) => self.values.extend(pick.of(values)),
                    None => self.values.extend_from_slice(values),
                }
                (TakenTail::Regular(regular), values.len())
            }
            TailSamples::Listed { times, values } => {
                self.times.extend_from_slice(times);
                self.values.extend_from_slice(values);
                (TakenTail::Listed { count: values.len() }, values.len())
            }
        };
        let chunks = (self.chunks.len() - before) as u32;
        if chunks > 0 || count > 0 {
            self.series.push(Taken { number, chunks, tail });
        }
    }

    /// The series, in the order in which they were asked for.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.series.iter().map(|taken| taken.number)
    }

    /// Reads the series one after the other.
    pub(crate) fn reader(&self) -> SnapshotReader<'_> {
        SnapshotReader {
            snapshot: self,
            next: 0,
            picks: Picks::new(self.wanted),
            touched: 0,
            chunks: &self.chunks,
            tail_times: &self.times,
            tail_values: &self.values,
            times: Vec::new(),
            values: Vec::new(),
        }
    }
}

/// Decodes a snapshot's series into memory that it uses again for each of them.
#[derive(Debug)]
pub(crate) struct SnapshotReader<'a> {
    snapshot: &'a Snapshot,
    next: usize,
    picks: Picks,
    /// How many of the chunks that are left have been touched.
    touched: usize,
    // What is left for the series that come.
    chunks: &'a [Chunk],
    tail_times: &'a [i64],
    tail_values: &'a [f64],
    times: Vec<i64>,
    values: Vec<f64>,
}

impl SnapshotReader<'_> {
    /// Decodes the next series. Its times and values are valid until the next call, and may turn out empty.
    pub(crate) fn next(&mut self) -> Option<(&[i64], &[f64])> {
        let taken = self.snapshot.series.get(self.next)?;
        self.next += 1;
        self.times.clear();
        self.values.clear();
        self.touch(taken.chunks as usize);
        let (chunks, rest) = self.chunks.split_at(taken.chunks as usize);
        self.chunks = rest;
        self.touched -= chunks.len();
        for chunk in chunks {
            chunk.read(&mut self.picks, &mut self.times, &mut self.values);
        }
        let tail = match taken.tail {
            TakenTail::Run { first_ms, step_ms, count, value } => {
                TailSamples::Run { first_ms, step_ms, count, value }
            }
            TakenTail::Regular(regular) => {
                if let Some(pick) = self.picks.of(regular) {
                    self.times.extend_from_slice(&pick.times);
                    self.values.extend_from_slice(take(&mut self.tail_values, pick.times.len()));
                    return Some((&self.times, &self.values));
                }
                let Regular { first_ms, step_ms, count } = regular;
                TailSamples::Regular { first_ms, step_ms, values: take(&mut self.tail_values, count) }
            }
            TakenTail::Listed { count } => TailSamples::Listed {
                times: take(&mut self.tail_times, count),
                values: take(&mut self.tail_values, count),
            },
        };
        tail.read(self.snapshot.wanted, &mut self.times, &mut self.values);
        Some((&self.times, &self.values))
    }

    /// Touches at least the next `needed` chunks, and more with them.
    fn touch(&mut self, needed: usize) {
        if self.touched < needed {
            let end = self.chunks.len().min(needed.max(AT_ONCE));
            let chunks = &self.chunks[self.touched..end];
            black_box(chunks.iter().fold(0, |all, chunk| all ^ chunk.touch(self.snapshot.wanted)));
            self.touched = end;
        }
    }

    /// Passes over the next series.
    pub(crate) fn skip(&mut self) {
        let Some(taken) = self.snapshot.series.get(self.next) else { return };
        self.next += 1;
        take(&mut self.chunks, taken.chunks as usize);
        self.touched = self.touched.saturating_sub(taken.chunks as usize);
        match taken.tail {
            TakenTail::Run { .. } => {}
            TakenTail::Regular(regular) => {
                let picked = self.picks.of(regular).map(|pick| pick.times.len());
                take(&mut self.tail_values, picked.unwrap_or(regular.count));
            }
            TakenTail::Listed { count } => {
                take(&mut self.tail_times, count);
                take(&mut self.tail_values, count);
            }
        }
    }
}

/// The first `count` items, which are taken off the list.
fn take<'a, T>(list: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, rest) = list.split_at(count);
    *list = rest;
    taken
}
