//! The scraper `network`.

use catalogue::host_metrics as metrics;
use kubelet_stats::host::{Network, TCP_STATES};

use super::record::Recorder;
use crate::settings::Selection;

pub(super) fn scrape(network: &Network, wanted: &Selection, recorder: &mut Recorder<'_>) {
    for interface in network.interfaces.iter().filter(|interface| wanted.admits(interface.device)) {
        for (direction, went) in [("receive", interface.receive), ("transmit", interface.transmit)] {
            let attributes = &[("device", interface.device), ("direction", direction)];
            recorder.int(&metrics::NETWORK_IO, attributes, went.bytes);
            recorder.int(&metrics::NETWORK_PACKETS, attributes, went.packets);
            recorder.int(&metrics::NETWORK_ERRORS, attributes, went.errors);
            recorder.int(&metrics::NETWORK_DROPPED, attributes, went.dropped);
        }
    }
    for (state, connections) in TCP_STATES.into_iter().zip(network.connections) {
        let attributes = &[("protocol", "tcp"), ("state", state)];
        recorder.int(&metrics::NETWORK_CONNECTIONS, attributes, connections);
    }
    recorder.int(&metrics::NETWORK_CONNTRACK_COUNT, &[], network.conntrack_count);
    recorder.int(&metrics::NETWORK_CONNTRACK_MAX, &[], network.conntrack_max);
}
