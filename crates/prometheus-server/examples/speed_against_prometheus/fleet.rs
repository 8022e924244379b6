//! The data: what a fleet of pods measures in an hour. The same for the same number of series, always.

use labels::{Labels, METRIC_NAME};

/// Samples of each series: an hour.
pub(crate) const SAMPLES: usize = 240;
/// Seconds between samples.
pub(crate) const INTERVAL: i64 = 15;
/// When the hour begins, seconds since the epoch: where a block of Prometheus begins, so that it has one block.
pub(crate) const START: i64 = 236_112 * 7_200;
/// Samples are taken so many seconds after that. Until Prometheus 3 windows included a sample at their left end; here
/// no window of a query or a subquery ends at a sample.
const OFFSET: i64 = 7;

const NAMESPACES: usize = 20;
const NODES: usize = 500;
/// Upper bounds of the histogram's buckets.
const BOUNDS: [&str; 8] = ["0.005", "0.025", "0.1", "0.25", "0.5", "1", "5", "+Inf"];
/// One pod of so many has a histogram.
const PODS_PER_HISTOGRAM: usize = 20;

/// How many series [`for_each_series`] visits.
pub(crate) fn series_in_all(pods: usize) -> usize {
    3 * pods + pods.div_ceil(PODS_PER_HISTOGRAM) * BOUNDS.len()
}

/// The times of the samples, milliseconds since the epoch.
pub(crate) fn times_ms() -> impl Iterator<Item = i64> {
    (0..).map(|at| (START + OFFSET + at * INTERVAL) * 1_000).take(SAMPLES)
}

/// Calls `visit` for each series: its name, its other labels, and its values in the order of [`times_ms`].
///
/// # Errors
/// The first error of `visit`, which ends the walk.
pub(crate) fn for_each_series<E>(
    pods: usize,
    mut visit: impl FnMut(&str, &[(&str, &str)], &[f64]) -> Result<(), E>,
) -> Result<(), E> {
    let mut values = Vec::with_capacity(SAMPLES);
    for at in 0..pods {
        let namespace = format!("namespace-{}", at % NAMESPACES);
        let node = format!("node-{}", at % NODES);
        let pod = format!("pod-{at}");
        let [cluster, namespace, node, pod] = [
            ("k8s_cluster_name", "kwok"),
            ("k8s_namespace_name", namespace.as_str()),
            ("k8s_node_name", node.as_str()),
            ("k8s_pod_name", pod.as_str()),
        ];
        let mut random = Random(at as u64);

        // Counted in whole nanoseconds, as a kubelet does.
        let mut nanoseconds = 1_000_000_000_000 + random.below(1_000_000_000_000);
        let cores = 1 + at as u64 % 100;
        values.clear();
        values.extend((0..SAMPLES).map(|_| {
            nanoseconds += cores * (50_000_000 + random.below(100_000_000));
            nanoseconds as f64 / 1e9
        }));
        visit("cpu_seconds_total", &[cluster, namespace, node, pod], &values)?;

        // In whole pages.
        values.clear();
        values.extend((0..SAMPLES).map(|_| (4_096 * (10_000 + random.below(20_000))) as f64));
        visit("memory_bytes", &[cluster, namespace, pod], &values)?;

        values.clear();
        values.resize(SAMPLES, 1.0);
        visit("pod_info", &[cluster, namespace, node, pod], &values)?;

        if at % PODS_PER_HISTOGRAM == 0 {
            for_each_bucket(&mut random, |bound, values| {
                visit("latency_seconds_bucket", &[cluster, namespace, pod, ("le", bound)], values)
            })?;
        }
    }
    Ok(())
}

fn for_each_bucket<E>(
    random: &mut Random,
    mut visit: impl FnMut(&str, &[f64]) -> Result<(), E>,
) -> Result<(), E> {
    // Buckets are cumulative: each counts what the one before it counts, and something of its own.
    let mut counts = vec![1_000.0; SAMPLES];
    for bound in BOUNDS {
        let mut own = 100;
        for count in &mut counts {
            own += random.below(20);
            *count += own as f64;
        }
        visit(bound, &counts)?;
    }
    Ok(())
}

/// A series' labels with its name, as the store takes them.
pub(crate) fn labels(name: &str, others: &[(&str, &str)]) -> Labels {
    Labels::from_pairs([(METRIC_NAME, name)].into_iter().chain(others.iter().copied()))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
