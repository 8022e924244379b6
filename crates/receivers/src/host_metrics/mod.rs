//! The host_metrics receiver: what a machine says of itself in, its measurements out.

mod activity;
mod cpu;
mod disk;
mod memory;
mod network;
mod record;

use catalogue::{Resource, Sink};
use jiff::Timestamp;
use kubelet_stats::host::HostStats;

use self::cpu::CpuMeter;
use self::record::Recorder;
use crate::settings::{HostMetricsSettings, Scraper};
use crate::time::nanoseconds;

/// The host_metrics receiver of one node, with the node's and the cluster's name added behind it.
///
/// It remembers the CPU times of the last scrape, because CPU utilization is what happened between two scrapes.
#[derive(Debug)]
pub struct HostMetricsReceiver {
    settings: HostMetricsSettings,
    resource: Resource,
    cpu: CpuMeter,
}

impl HostMetricsReceiver {
    /// The receiver on the node of this name.
    pub fn new(node_name: &str, cluster_name: &str, settings: &HostMetricsSettings) -> Self {
        Self {
            settings: settings.clone(),
            resource: Resource::new([
                ("host.name", node_name),
                ("k8s.node.name", node_name),
                ("k8s.cluster.name", cluster_name),
            ]),
            cpu: CpuMeter::default(),
        }
    }

    /// Sends the measurements of a machine, with the time `now`.
    pub fn scrape(&mut self, stats: &HostStats, now: Timestamp, sink: &mut dyn Sink) {
        let settings = &self.settings;
        let mut recorder =
            Recorder::new(sink, &self.resource, &settings.metrics, stats.booted, nanoseconds(now));
        for scraper in &settings.scrapers {
            match scraper {
                Scraper::Cpu => cpu::scrape(stats, &mut self.cpu, &mut recorder),
                Scraper::Load => activity::load(stats, settings.load_per_cpu, &mut recorder),
                Scraper::Memory => memory::scrape(&stats.memory, &mut recorder),
                Scraper::Disk => disk::disks(stats, &settings.disks, &mut recorder),
                Scraper::Filesystem => disk::filesystems(stats, settings, &mut recorder),
                Scraper::Network => network::scrape(&stats.network, &settings.interfaces, &mut recorder),
                Scraper::Paging => activity::paging(&stats.paging, &mut recorder),
                Scraper::Processes => activity::processes(stats.processes, &mut recorder),
                Scraper::System => activity::uptime(stats, &mut recorder),
            }
        }
    }
}
