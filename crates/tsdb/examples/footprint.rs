//! What a fleet costs in memory and time: `cargo run -p tsdb --release --example footprint [NODES] [PODS] [HOURS]`.

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use labels::Matcher;
use tsdb::{Options, Store};

#[path = "../fixtures/fleet.rs"]
mod fleet;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().expect("a number"));
    let (nodes, pods, hours) =
        (arguments.next().unwrap_or(50), arguments.next().unwrap_or(200), arguments.next().unwrap_or(6));
    let ticks = hours as u64 * 240;
    let all = fleet::fleet(nodes, pods);
    println!("{nodes} nodes, {pods} pods: {} series, {ticks} scrapes", all.len());

    let store = Store::new(Options::default());
    let start = Stopwatch::start();
    let ids: Vec<_> = all.iter().map(|series| store.intern(&series.labels).expect("room for all")).collect();
    println!("intern: {:.2} µs a series", start.seconds() * 1e6 / all.len() as f64);

    let empty = resident();
    let mut appending = 0.0;
    let mut values = vec![0.0; all.len()];
    for tick in 0..ticks {
        for (value, series) in values.iter_mut().zip(&all) {
            *value = series.value(tick);
        }
        let start = Stopwatch::start();
        let mut writer = store.writer();
        for (id, value) in ids.iter().zip(&values) {
            writer.append(*id, fleet::START_MS + tick as i64 * fleet::STEP_MS, *value).expect("in order");
        }
        drop(writer);
        appending += start.seconds();
    }
    let samples = ticks as f64 * all.len() as f64;
    println!("append: {:.1} ns a sample", appending * 1e9 / samples);

    let stats = store.stats();
    println!("{stats:#?}");
    let memory = stats.memory;
    let series = memory.series + memory.symbols + memory.index;
    println!(
        "a series: {:.0} B, and {:.0} B of newest samples",
        per(series, all.len()),
        per(memory.tails, all.len())
    );
    println!(
        "a sample: {:.3} B, all in all {:.3} B",
        memory.chunks as f64 / samples,
        memory.total() as f64 / samples
    );
    if let (Some(empty), Some(full)) = (empty, resident()) {
        println!("resident: {:.1} MB more than before the first sample", (full - empty) as f64 / 1e6);
    }

    by_kind(&all, ticks);
    read(&store, ticks);
}

/// Bytes of compressed samples for each kind, each in a store of its own.
fn by_kind(all: &[fleet::FleetSeries], ticks: u64) {
    let mut kinds: BTreeMap<fleet::Kind, Vec<&fleet::FleetSeries>> = BTreeMap::new();
    for series in all {
        kinds.entry(series.kind).or_default().push(series);
    }
    for (kind, mut series) in kinds {
        let share = series.len() as f64 / all.len() as f64;
        series.truncate(1000);
        let store = Store::new(Options::default());
        for series in &series {
            let id = store.intern(&series.labels).expect("room for all");
            let mut writer = store.writer();
            for tick in 0..ticks {
                let time = fleet::START_MS + tick as i64 * fleet::STEP_MS;
                // One after the other: the first one makes all others late.
                writer.append(id, time, series.value(tick)).ok();
            }
        }
        let stats = store.stats();
        println!(
            "{kind:?}: {:.0} % of the series, {:.3} B a sample",
            share * 100.0,
            stats.memory.chunks as f64 / stats.samples as f64
        );
    }
}

fn read(store: &Store, ticks: u64) {
    let end = fleet::START_MS + ticks as i64 * fleet::STEP_MS;
    for (what, matchers) in [
        ("one metric", vec![Matcher::equal("__name__", "k8s_pod_cpu_time_seconds_total")]),
        ("everything", vec![]),
    ] {
        for round in ["first", "second"] {
            let start = Stopwatch::start();
            let (mut series, mut samples) = (0, 0);
            store.select(&matchers, end - 3_600_000, end, &mut |found| {
                series += 1;
                samples += found.values.len();
                ControlFlow::Continue(())
            });
            let time = start.seconds();
            println!(
                "select {what}, {round}: {series} series, {samples} samples in {:.2} ms ({:.2} ns a sample)",
                time * 1e3,
                time * 1e9 / samples as f64
            );
        }
    }
}

fn per(bytes: usize, count: usize) -> f64 {
    bytes as f64 / count as f64
}

/// Measures what this thread computes, so that other load on the machine does not count; wall time where the system does
/// not tell.
struct Stopwatch {
    wall: Instant,
    cpu: Option<Duration>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    fn seconds(&self) -> f64 {
        let cpu = self.cpu.and_then(|start| Some(cpu_time()? - start));
        cpu.unwrap_or_else(|| self.wall.elapsed()).as_secs_f64()
    }
}

fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// The process's memory, where the system tells.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}
