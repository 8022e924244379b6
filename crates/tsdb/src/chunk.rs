//! Chunks: compressed samples that many readers may hold at once.

use std::sync::Arc;

use crate::encoding::block::{BlockWriter, MAX_BLOCK, blocks_from, read_samples};
use crate::instants::Wanted;
use crate::picks::Picks;
use crate::tail::Tail;

/// Compressed samples of one series. Never changed, only replaced: a reader that holds one is not disturbed.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    start_ms: i64,
    /// A chunk never spans more milliseconds than fit (49 days), which keeps it at 32 bytes.
    span_ms: u32,
    count: u32,
    /// A [`Settled`] and blocks.
    bytes: Arc<[u8]>,
}

/// The counters in front of an `Arc`'s content.
const ARC_HEADER: usize = 2 * size_of::<usize>();

impl Chunk {
    /// The first sample's time.
    pub(crate) fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// The last sample's time.
    pub(crate) fn end_ms(&self) -> i64 {
        self.start_ms.saturating_add(self.span_ms.into())
    }

    /// How many samples it holds.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// Appends the wanted samples.
    pub(crate) fn read(&self, picks: &mut Picks, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        let wanted = picks.wanted();
        let mut blocks = blocks(&self.bytes);
        if wanted.from_ms > self.middle_ms() {
            blocks = blocks_from(self.start_ms, blocks, wanted.from_ms);
        }
        read_samples(self.start_ms, blocks, picks, times, values);
    }

    /// Reads something of each line of memory that [`Chunk::read`] will look at; what is read means nothing. To wait for
    /// the lines of many chunks together takes little longer than to wait for one of them.
    pub(crate) fn touch(&self, wanted: Wanted) -> u8 {
        let blocks = blocks(&self.bytes);
        // Samples are about equally long. Blocks in front of the wanted ones are walked over, or come from the end.
        let span = u64::from(self.span_ms.max(1));
        let place = |time_ms: i64| {
            let offset = u64::try_from(time_ms.saturating_sub(self.start_ms)).unwrap_or(0).min(span);
            // Both are far below 2³².
            (blocks.len() as u64 * offset / span) as usize
        };
        let from = if wanted.from_ms > self.middle_ms() { place(wanted.from_ms) } else { 0 };
        touch(&blocks[from..place(wanted.to_ms).max(from)])
    }

    /// A byte that lies beside the reference count.
    pub(crate) fn peek(&self) -> u64 {
        self.bytes.first().copied().unwrap_or(0).into()
    }

    fn middle_ms(&self) -> i64 {
        self.start_ms.saturating_add(i64::from(self.span_ms / 2))
    }

    /// What it occupies outside of its 32 bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        ARC_HEADER + self.bytes.len()
    }

    /// Whether samples up to `end_ms` fit into its span.
    pub(crate) fn reaches(&self, end_ms: i64) -> bool {
        span(self.start_ms, end_ms).is_some()
    }
}

/// Reads one byte of each line of memory.
fn touch(bytes: &[u8]) -> u8 {
    /// On all common processors; on others this is a little more or less than needed.
    const LINE: usize = 64;
    let lines = bytes.iter().step_by(LINE).fold(0, |all, byte| all ^ byte);
    lines ^ bytes.last().copied().unwrap_or(0)
}

/// The distance of two times, where a chunk can have it.
pub(crate) fn span(start_ms: i64, end_ms: i64) -> Option<u32> {
    end_ms.checked_sub(start_ms).and_then(|span| span.try_into().ok())
}

/// What stands before a chunk's blocks: how far they are as large as they get. After that come the small ones that a
/// tail made; they are put together when there are enough of them for a large one.
#[derive(Clone, Copy, Debug)]
struct Settled {
    /// How many bytes of blocks are settled.
    bytes: usize,
    /// How many samples are not, or more than matters.
    pending: usize,
}

/// So many pending samples make a large block. Fits a byte.
const ENOUGH: usize = MAX_BLOCK;

impl Settled {
    const SIZE: usize = 4;

    /// So many bytes and all of their samples; a chunk too large for the three bytes of the count (far larger than any
    /// sensible one) is put together anew each time.
    fn all(bytes: usize) -> Self {
        if bytes < 1 << 24 { Self { bytes, pending: 0 } } else { Self { bytes: 0, pending: ENOUGH } }
    }

    fn read(bytes: &[u8]) -> Self {
        let word = bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        Self { bytes: (word >> 8) as usize, pending: (word & 0xff) as usize }
    }

    fn write(self, bytes: &mut [u8]) {
        let word = (self.bytes << 8) | self.pending.min(ENOUGH);
        if let Some(place) = bytes.first_chunk_mut() {
            *place = (word as u32).to_le_bytes();
        }
    }
}

/// A chunk's bytes without what stands before the blocks.
fn blocks(bytes: &[u8]) -> &[u8] {
    bytes.get(Settled::SIZE..).unwrap_or_default()
}

/// Makes chunks. Keeps its scratch memory between them.
#[derive(Debug, Default)]
pub(crate) struct ChunkWriter {
    blocks: BlockWriter,
    bytes: Vec<u8>,
    times: Vec<i64>,
    values: Vec<f64>,
}

impl ChunkWriter {
    /// A chunk of the tail's samples, of which there are some.
    pub(crate) fn start(&mut self, tail: &Tail) -> Chunk {
        self.bytes.clear();
        self.bytes.resize(Settled::SIZE, 0);
        tail.write(tail.start_ms(), &mut self.blocks, &mut self.bytes);
        Settled { bytes: 0, pending: tail.count() }.write(&mut self.bytes);
        self.finish(tail.start_ms(), tail.last_ms(), tail.count())
    }

    /// The chunk followed by the tail's samples, which are newer and which it [reaches](Chunk::reaches). With `most`
    /// samples it is full and will not be extended again.
    pub(crate) fn extend(&mut self, chunk: &Chunk, tail: &Tail, most: usize) -> Chunk {
        self.bytes.clear();
        self.bytes.extend_from_slice(&chunk.bytes);
        tail.write(chunk.start_ms, &mut self.blocks, &mut self.bytes);
        let count = chunk.count() + tail.count();
        let mut settled = Settled::read(&self.bytes);
        settled.pending += tail.count();
        if settled.pending >= ENOUGH || count >= most {
            let pending = Settled::SIZE + settled.bytes;
            self.times.clear();
            self.values.clear();
            let small = &self.bytes[pending..];
            let mut all = Picks::new(Wanted::ALL);
            read_samples(chunk.start_ms, small, &mut all, &mut self.times, &mut self.values);
            self.bytes.truncate(pending);
            self.blocks.write_samples(chunk.start_ms, &self.times, &self.values, &mut self.bytes);
            settled = Settled::all(blocks(&self.bytes).len());
        }
        settled.write(&mut self.bytes);
        self.finish(chunk.start_ms, tail.last_ms(), count)
    }

    /// The chunk with one more sample, whose time it lacks: two chunks if it would grow beyond `most` samples, or if
    /// the sample is too far away.
    pub(crate) fn insert(
        &mut self,
        chunk: &Chunk,
        time_ms: i64,
        value: f64,
        most: usize,
    ) -> (Chunk, Option<Chunk>) {
        self.load(chunk);
        let place = self.times.partition_point(|t| *t < time_ms);
        self.times.insert(place, time_ms);
        self.values.insert(place, value);
        let count = self.times.len();
        let fits = |range: &[i64]| match range {
            [first, .., last] => span(*first, *last).is_some(),
            _ => true,
        };
        // The sample is older than the chunk's last one, so what does not fit is a sample in front of the chunk.
        let cut = if !fits(&self.times) {
            1
        } else if count > most {
            count / 2
        } else {
            return (self.write(0..count), None);
        };
        (self.write(0..cut), Some(self.write(cut..count)))
    }

    fn load(&mut self, chunk: &Chunk) {
        self.times.clear();
        self.values.clear();
        chunk.read(&mut Picks::new(Wanted::ALL), &mut self.times, &mut self.values);
    }

    /// A chunk of some of the loaded samples.
    fn write(&mut self, range: std::ops::Range<usize>) -> Chunk {
        let (times, values) = (&self.times[range.clone()], &self.values[range]);
        let (start_ms, end_ms) = match times {
            [] => (0, 0),
            [only] => (*only, *only),
            [first, .., last] => (*first, *last),
        };
        self.bytes.clear();
        self.bytes.resize(Settled::SIZE, 0);
        self.blocks.write_samples(start_ms, times, values, &mut self.bytes);
        Settled::all(blocks(&self.bytes).len()).write(&mut self.bytes);
        self.finish(start_ms, end_ms, times.len())
    }

    fn finish(&self, start_ms: i64, end_ms: i64, count: usize) -> Chunk {
        let span_ms = span(start_ms, end_ms);
        debug_assert!(span_ms.is_some() && u32::try_from(count).is_ok(), "a chunk of too much");
        Chunk {
            start_ms,
            span_ms: span_ms.unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            bytes: Arc::from(&self.bytes[..]),
        }
    }
}
