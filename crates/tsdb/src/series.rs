//! One series: compressed chunks and a tail of newer samples.

use crate::chunk::{Chunk, ChunkWriter};
use crate::instants::Wanted;
use crate::picks::Picks;
use crate::symbols::PairId;
use crate::tail::Tail;

/// A series' labels and samples. All samples of the chunks are older than those of the tail, and chunks do not overlap.
#[derive(Debug)]
pub(crate) struct Series {
    /// In the order of their names.
    pub(crate) labels: Box<[PairId]>,
    chunks: Vec<Chunk>,
    tail: Tail,
}

/// What changing a series' samples needs besides the series.
#[derive(Debug)]
pub(crate) struct Samples {
    writer: ChunkWriter,
    /// A chunk with this many samples is full.
    chunk_samples: usize,
    pub(crate) totals: Totals,
}

/// Sums over all series, kept up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) samples: usize,
    pub(crate) chunks: usize,
    /// What the chunks occupy, without the lists that hold them.
    pub(crate) chunk_bytes: usize,
}

impl Samples {
    pub(crate) fn new(chunk_samples: usize) -> Self {
        Self {
            writer: ChunkWriter::default(),
            chunk_samples: chunk_samples.max(1),
            totals: Totals::default(),
        }
    }
}

impl Totals {
    fn add(&mut self, chunk: &Chunk) {
        self.chunks += 1;
        self.chunk_bytes += chunk.heap_bytes();
    }

    fn remove(&mut self, chunk: &Chunk) {
        self.chunks -= 1;
        self.chunk_bytes -= chunk.heap_bytes();
    }
}

impl Series {
    pub(crate) fn new(labels: Box<[PairId]>) -> Self {
        Self { labels, chunks: Vec::new(), tail: Tail::default() }
    }

    /// The newest sample's time.
    #[inline]
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        if self.tail.is_empty() { self.chunks.last().map(Chunk::end_ms) } else { Some(self.tail.last_ms()) }
    }

    /// The oldest sample's time.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let tail = (!self.tail.is_empty()).then(|| self.tail.start_ms());
        self.chunks.first().map(Chunk::start_ms).or(tail)
    }

    /// Compressed samples, oldest first.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Reads something of the memory that taking its newest samples needs; what is read means nothing.
    pub(crate) fn touch(&self) -> u64 {
        self.chunks.last().map_or(0, Chunk::peek) ^ self.tail.peek()
    }

    /// The newest samples.
    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Adds a sample that is newer than all others.
    #[inline]
    pub(crate) fn append(&mut self, time_ms: i64, value: f64, samples: &mut Samples) {
        if !self.tail.push(time_ms, value) {
            self.compress_tail(samples);
            self.tail.push(time_ms, value);
        }
        samples.totals.samples += 1;
    }

    /// Puts a sample, whose time the series lacks, among older ones.
    pub(crate) fn insert(&mut self, time_ms: i64, value: f64, samples: &mut Samples) {
        samples.totals.samples += 1;
        let newer_than_chunks = |chunks: &[Chunk]| chunks.last().is_none_or(|chunk| time_ms > chunk.end_ms());
        if newer_than_chunks(&self.chunks) {
            if self.tail.insert(time_ms, value) {
                return;
            }
            self.compress_tail(samples);
            if newer_than_chunks(&self.chunks) {
                self.tail.push(time_ms, value);
                return;
            }
        }
        let place = self.chunks.partition_point(|chunk| chunk.end_ms() < time_ms);
        let Some(old) = self.chunks.get_mut(place) else {
            debug_assert!(false, "the newest chunk ends no earlier than the sample");
            return;
        };
        samples.totals.remove(old);
        // Chunks may grow to twice their size before they are cut, so that many late samples do not make many chunks.
        let most = 2 * samples.chunk_samples;
        let (chunk, rest) = samples.writer.insert(old, time_ms, value, most);
        samples.totals.add(&chunk);
        *old = chunk;
        if let Some(rest) = rest {
            samples.totals.add(&rest);
            self.chunks.reserve_exact(1);
            self.chunks.insert(place + 1, rest);
        }
    }

    /// The value at that very time.
    pub(crate) fn value_at(&self, time_ms: i64) -> Option<f64> {
        if !self.tail.is_empty() && time_ms >= self.tail.start_ms() {
            return self.tail.value_at(time_ms);
        }
        let place = self.chunks.partition_point(|chunk| chunk.end_ms() < time_ms);
        let chunk = self.chunks.get(place).filter(|chunk| chunk.start_ms() <= time_ms)?;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        chunk.read(&mut Picks::new(Wanted::at(time_ms)), &mut times, &mut values);
        values.first().copied()
    }

    /// Whether some sample may lie between the two times, both inclusive, judged by the first and the last sample.
    pub(crate) fn meets(&self, from_ms: i64, to_ms: i64) -> bool {
        let (Some(oldest), Some(newest)) = (self.oldest_ms(), self.newest_ms()) else { return false };
        oldest <= to_ms && newest >= from_ms
    }

    /// Frees what lies wholly before the horizon. Samples before it that share a chunk with later ones stay.
    pub(crate) fn truncate(&mut self, horizon_ms: i64, samples: &mut Samples) {
        let dead = self.chunks.partition_point(|chunk| chunk.end_ms() < horizon_ms);
        for chunk in self.chunks.drain(..dead) {
            samples.totals.samples -= chunk.count();
            samples.totals.remove(&chunk);
        }
        if self.chunks.is_empty() {
            let before = self.tail.count();
            if before > 0 && self.tail.last_ms() < horizon_ms {
                self.tail.clear();
            } else {
                self.tail.trim(horizon_ms);
            }
            samples.totals.samples -= before - self.tail.count();
        }
        if self.chunks.capacity() > self.chunks.len() + 1 {
            self.chunks.shrink_to(self.chunks.len() + 1);
        }
    }

    /// What the list of its chunks occupies.
    pub(crate) fn chunk_list_bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>()
    }

    /// What its references to labels occupy.
    pub(crate) fn label_bytes(&self) -> usize {
        size_of_val(&*self.labels)
    }

    /// Moves the tail's samples into the newest chunk, or into a new one where that is full.
    #[cold]
    #[inline(never)]
    fn compress_tail(&mut self, samples: &mut Samples) {
        if self.tail.is_empty() {
            return;
        }
        let Samples { writer, chunk_samples, totals } = samples;
        let open = self
            .chunks
            .last_mut()
            .filter(|chunk| chunk.count() < *chunk_samples && chunk.reaches(self.tail.last_ms()));
        let last = match open {
            Some(last) => {
                totals.remove(last);
                *last = writer.extend(last, &self.tail, *chunk_samples);
                last
            }
            None => {
                // One more is all that will be needed for an hour.
                self.chunks.reserve_exact(1);
                self.chunks.push(writer.start(&self.tail));
                let index = self.chunks.len() - 1;
                &mut self.chunks[index]
            }
        };
        totals.add(last);
        self.tail.clear();
    }
}
