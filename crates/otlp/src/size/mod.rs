//! What a request would take in memory, estimated before it is read.
//!
//! An empty message takes two bytes on the wire and a hundred in memory: a request of 32 MiB may stand for gigabytes. The
//! estimate walks over the bytes and adds up what reading them would allocate, without allocating anything itself. It
//! goes at least as far as the decoder would, so that nothing damaged further down gets around it.

use crate::message::{
    AnyValue, HistogramDataPoint, KeyValue, Metric, NumberDataPoint, QuantileValue, ScopeMetrics,
    SummaryDataPoint,
};

/// A request may take this many bytes of memory while it is read and translated. The largest bodies that are taken stay
/// below with the points that real senders send, whatever their number.
pub const MOST_REQUEST_MEMORY: usize = 512 << 20;

/// No byte of a body stands for more memory than this: smaller bodies need no closer look.
const MOST_MEMORY_PER_BYTE: usize = 200;

/// A request that takes too much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the request is too large: unpacked it would take some {} MiB of memory, and {} MiB are allowed; \
     send fewer data points at a time",
    .estimated_bytes >> 20,
    MOST_REQUEST_MEMORY >> 20
)]
pub struct TooLarge {
    /// The estimate.
    pub estimated_bytes: usize,
}

/// Estimates what an export request in protobuf takes.
///
/// # Errors
/// When it is more than [`MOST_REQUEST_MEMORY`].
pub fn check_protobuf_size(body: &[u8]) -> Result<(), TooLarge> {
    check(body.len(), || estimate_protobuf(body))
}

/// Estimates what an export request in JSON takes.
///
/// # Errors
/// When it is more than [`MOST_REQUEST_MEMORY`].
pub fn check_json_size(body: &[u8]) -> Result<(), TooLarge> {
    check(body.len(), || estimate_json(body))
}

fn check(body_bytes: usize, estimate: impl FnOnce() -> usize) -> Result<(), TooLarge> {
    if body_bytes <= MOST_REQUEST_MEMORY / MOST_MEMORY_PER_BYTE {
        return Ok(());
    }
    match estimate() {
        estimated_bytes if estimated_bytes > MOST_REQUEST_MEMORY => Err(TooLarge { estimated_bytes }),
        _ => Ok(()),
    }
}

/// A sample that waits for the commit, in a list that grows.
const SAMPLE: usize = 64;
/// A resource that is remembered.
const RESOURCE: usize = 400;
/// What an allocation costs beside what it holds.
const ALLOCATION: usize = 16;
/// A list begins with room for so many.
const FIRST_ROOM: usize = 4;

/// An object in JSON costs as much as the dearest message in the shortest list.
const JSON_OBJECT: usize = FIRST_ROOM * size_of::<Metric>();
/// A number in a list, read, copied and made a sample.
const JSON_ITEM: usize = SAMPLE;

fn estimate_json(body: &[u8]) -> usize {
    let (mut objects, mut items) = (0, 0);
    for byte in body {
        objects += usize::from(*byte == b'{');
        items += usize::from(*byte == b',');
    }
    body.len() + objects * JSON_OBJECT + items * JSON_ITEM
}

/// Resources are read one at a time: the largest counts, and what is kept of each.
fn estimate_protobuf(body: &[u8]) -> usize {
    let mut largest = 0;
    let mut kept = 0;
    let mut count = 0;
    for (tag, value) in Fields(body) {
        if let (1, Some(resource)) = (tag, value) {
            count += 1;
            let mut cost = Cost::default();
            cost.message(&RESOURCE_METRICS, resource, 1);
            largest = largest.max(cost.read);
            kept += cost.kept + if resource.is_empty() { 0 } else { RESOURCE };
        }
    }
    list_bytes(count, size_of::<prost::bytes::Bytes>()) + largest + kept
}

/// What a list has allocated after so many were pushed.
fn list_bytes(count: usize, size: usize) -> usize {
    match count {
        0 => 0,
        _ => count.next_power_of_two().max(FIRST_ROOM) * size,
    }
}

/// What messages have that costs memory.
struct Shape(&'static [(u32, Content)]);

#[derive(Clone, Copy)]
enum Content {
    /// A message inside of its parent's memory.
    Inline(&'static Shape),
    /// Messages in a list: what they are, the size of one, the samples that each becomes.
    List(&'static Shape, usize, usize),
    /// Text or bytes.
    Text,
    /// Numbers of eight bytes in a list, and the samples that each becomes.
    Numbers(usize),
}

use Content::{Inline, List, Numbers, Text};

static RESOURCE_METRICS: Shape = Shape(&[
    (1, Inline(&RESOURCE_SHAPE)),
    (2, List(&SCOPE_METRICS, size_of::<ScopeMetrics>(), 0)),
    (3, Text),
]);
static RESOURCE_SHAPE: Shape = Shape(&[(1, List(&KEY_VALUE, size_of::<KeyValue>(), 0))]);
static SCOPE_METRICS: Shape = Shape(&[(1, Inline(&SCOPE)), (2, List(&METRIC, size_of::<Metric>(), 0))]);
static SCOPE: Shape = Shape(&[(1, Text), (2, Text)]);
static METRIC: Shape = Shape(&[
    (1, Text),
    (2, Text),
    (3, Text),
    (5, Inline(&NUMBERS)),
    (7, Inline(&NUMBERS)),
    (9, Inline(&HISTOGRAM)),
    (11, Inline(&SUMMARY)),
]);
static NUMBERS: Shape = Shape(&[(1, List(&NUMBER_POINT, size_of::<NumberDataPoint>(), 1))]);
static NUMBER_POINT: Shape = Shape(&[(7, List(&KEY_VALUE, size_of::<KeyValue>(), 0))]);
static HISTOGRAM: Shape = Shape(&[(1, List(&HISTOGRAM_POINT, size_of::<HistogramDataPoint>(), 3))]);
static HISTOGRAM_POINT: Shape =
    Shape(&[(6, Numbers(0)), (7, Numbers(1)), (9, List(&KEY_VALUE, size_of::<KeyValue>(), 0))]);
static SUMMARY: Shape = Shape(&[(1, List(&SUMMARY_POINT, size_of::<SummaryDataPoint>(), 2))]);
static SUMMARY_POINT: Shape = Shape(&[
    (6, List(&NOTHING, size_of::<QuantileValue>(), 1)),
    (7, List(&KEY_VALUE, size_of::<KeyValue>(), 0)),
]);
static KEY_VALUE: Shape = Shape(&[(1, Text), (2, Inline(&ANY_VALUE))]);
static ANY_VALUE: Shape = Shape(&[(1, Text), (5, Inline(&ARRAY)), (6, Inline(&MAP)), (7, Text)]);
static ARRAY: Shape = Shape(&[(1, List(&ANY_VALUE, size_of::<AnyValue>(), 0))]);
static MAP: Shape = Shape(&[(1, List(&KEY_VALUE, size_of::<KeyValue>(), 0))]);
static NOTHING: Shape = Shape(&[]);

/// No shape has more fields that cost anything.
const MOST_FIELDS: usize = 7;
/// The decoder refuses what is nested deeper.
const MOST_DEPTH: usize = 100;

/// What a message takes.
#[derive(Default)]
struct Cost {
    /// Until it is translated.
    read: usize,
    /// Until the whole request is.
    kept: usize,
}

impl Cost {
    fn message(&mut self, shape: &Shape, bytes: &[u8], depth: usize) {
        let mut counts = [0; MOST_FIELDS];
        for (tag, value) in Fields(bytes) {
            let Some(at) = shape.0.iter().position(|(known, _)| *known == tag) else { continue };
            match (shape.0[at].1, value) {
                (Inline(shape), Some(bytes)) if depth < MOST_DEPTH => self.message(shape, bytes, depth + 1),
                (List(shape, _, samples), Some(bytes)) => {
                    counts[at] += 1;
                    self.kept += samples * SAMPLE;
                    if depth < MOST_DEPTH {
                        self.message(shape, bytes, depth + 1);
                    }
                }
                (Text, Some([_, ..])) => self.read += value.map_or(0, <[u8]>::len) + ALLOCATION,
                (Numbers(samples), packed) => {
                    let numbers = packed.map_or(1, |bytes| bytes.len() / 8);
                    counts[at] += numbers;
                    self.kept += numbers * samples * SAMPLE;
                }
                _ => {}
            }
        }
        for (count, (_, content)) in counts.into_iter().zip(shape.0) {
            match content {
                List(_, size, _) => self.read += list_bytes(count, *size),
                Numbers(_) => self.read += list_bytes(count, 8),
                Inline(_) | Text => {}
            }
        }
    }
}

/// The fields of a message: their tags, and the bytes of those that have a length. It ends where the bytes make no sense
/// any more. Groups, which nobody uses, count as if their fields belonged to the message itself.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let tag = u32::try_from(key >> 3).ok()?;
        let value = match key & 7 {
            0 => self.varint().map(|_| None)?,
            1 => self.take(8).map(|_| None)?,
            2 => {
                let length = self.varint()?;
                Some(self.take(usize::try_from(length).ok()?)?)
            }
            3 | 4 => None,
            5 => self.take(4).map(|_| None)?,
            _ => return None,
        };
        Some((tag, value))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for at in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
