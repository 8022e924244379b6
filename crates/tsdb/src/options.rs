//! What a store is told when it is made.

/// How much a [`Store`](crate::Store) keeps, and what it accepts. Negative spans of time count as zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Samples older than the newest one minus this are forgotten. Default: 6 hours.
    pub retention_ms: i64,
    /// Above this many bytes (as [`Store::memory`](crate::Store::memory) counts them) the oldest samples are forgotten
    /// early. Default: no bound.
    pub retention_bytes: Option<usize>,
    /// How much older than the store's newest sample a sample may be that is also older than its series' newest one.
    /// Default: 10 minutes.
    pub out_of_order_window_ms: i64,
    /// How much older than the store's newest sample a sample may be that is newer than all others of its series.
    /// Default: 1 hour, as in Prometheus (half of its head block's range). Who loads history series by series instead
    /// of instant by instant raises it to the length of that history.
    pub lag_window_ms: i64,
    /// More series than this are refused. Default: 2 million.
    pub max_series: usize,
    /// How many samples make up a compressed chunk. Longer chunks compress a little better; retention frees whole
    /// chunks. Default: 240, an hour at 15 seconds.
    pub chunk_samples: usize,
    /// How many bytes of label sets to keep ready for queries that ask for the same series again. Default: 16 MiB.
    pub label_cache_bytes: usize,
}

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

impl Default for Options {
    fn default() -> Self {
        Self {
            retention_ms: 6 * HOUR_MS,
            retention_bytes: None,
            out_of_order_window_ms: 10 * MINUTE_MS,
            lag_window_ms: HOUR_MS,
            max_series: 2_000_000,
            chunk_samples: 240,
            label_cache_bytes: 16 << 20,
        }
    }
}
