//! What a scrape of the default fleet costs: `cargo run --package embedded --example tick_cost [NODES PODS]`.
//! Prints microseconds per sample (simulate, summarise, receive, translate, store) and the store's bytes.

use std::path::Path;
use std::time::Instant;

use cluster_sim::{Manifests, SimulationOptions};
use embedded::{CollectorSettings, Environment, EnvironmentOptions};
use jiff::{SignedDuration, Timestamp};

#[allow(clippy::print_stdout, reason = "its purpose")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let nodes = numbers.next().transpose()?.unwrap_or(50);
    let pods = numbers.next().transpose()?.unwrap_or(200);
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let read = |name: &str| std::fs::read_to_string(deploy.join("collector").join(name));
    let [kubelet_stats, k8s_cluster, host_metrics] = CollectorSettings::FILES;
    let fragments = [
        (kubelet_stats.to_owned(), read(kubelet_stats)?),
        (k8s_cluster.to_owned(), read(k8s_cluster)?),
        (host_metrics.to_owned(), read(host_metrics)?),
    ];
    let mut files = Vec::new();
    for entry in std::fs::read_dir(deploy.join("kwok"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    let manifests = Manifests::parse(&files)?;
    let options = EnvironmentOptions {
        fleet: SimulationOptions { nodes, pods, seed: 1 },
        clusters: vec!["kwok".to_owned()],
        collector: CollectorSettings::parse(&fragments)?,
        interval: SignedDuration::from_secs(15),
        store: tsdb::Options::default(),
    };
    let start: Timestamp = "2026-11-23T06:00:00Z".parse()?;

    let started = Instant::now();
    let mut environment = Environment::new(&manifests, &options, start)?;
    println!("set up: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    for hours in 1..=6 {
        let started = Instant::now();
        let scrapes = environment.advance(start + SignedDuration::from_hours(hours))?;
        let elapsed = started.elapsed();
        let stats = environment.store().stats();
        #[allow(clippy::cast_precision_loss, reason = "shown with three digits")]
        let (samples, stored, bytes) =
            (scrapes.samples as f64, stats.samples as f64, stats.memory.total() as f64);
        println!(
            "hour {hours}: {} scrapes, {} samples, {:.0} ms, {:.3} µs per sample; store: {} series, {} samples, {:.1} MB, {:.2} B per sample",
            scrapes.rounds,
            scrapes.samples,
            elapsed.as_secs_f64() * 1e3,
            elapsed.as_secs_f64() * 1e6 / samples,
            stats.series,
            stats.samples,
            bytes / 1e6,
            bytes / stored,
        );
        println!("        {:?}", stats.memory);
    }
    Ok(())
}
