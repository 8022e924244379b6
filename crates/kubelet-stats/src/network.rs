//! Network: what a pod sends and receives follows what it does.

use jiff::Timestamp;

use crate::clock::grown;
use crate::curve::{Curve, Shape};
use crate::hash::{Aspect, Seed};
use crate::profile::Profile;
use crate::summary::{InterfaceStats, NetworkStats};

/// Bytes are counted in steps of this, for the sake of whoever stores the history.
const STEP: u64 = 64;
/// What even an idle interface carries each second.
const CHATTER: f64 = 300.0;

/// What went over an interface. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) rx_bytes: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) rx_errors: u64,
    pub(crate) tx_errors: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, other: Self) {
        self.rx_bytes = self.rx_bytes.saturating_add(other.rx_bytes);
        self.tx_bytes = self.tx_bytes.saturating_add(other.tx_bytes);
        self.rx_errors += other.rx_errors;
        self.tx_errors += other.tx_errors;
    }

    /// The other end of the wire.
    pub(crate) fn reversed(self) -> Self {
        Self {
            rx_bytes: self.tx_bytes,
            tx_bytes: self.rx_bytes,
            rx_errors: self.tx_errors,
            tx_errors: self.rx_errors,
        }
    }

    fn interface(self, name: &str) -> InterfaceStats {
        InterfaceStats {
            name: name.to_owned(),
            rx_bytes: Some(self.rx_bytes),
            rx_errors: Some(self.rx_errors),
            tx_bytes: Some(self.tx_bytes),
            tx_errors: Some(self.tx_errors),
        }
    }
}

/// The traffic of a pod that uses about so much CPU (microseconds a second), from its start to `t`.
pub(crate) fn of_pod(seed: Seed, profile: Profile, cpu: f64, start: i64, t: i64) -> Traffic {
    let row = profile.row();
    let per_core = seed.doublings(Aspect::BytesPerCoreSecond, 128 << 10, 6) as f64;
    let level = CHATTER + cpu / 1e6 * per_core;
    traffic(seed, &row.shape(), level, level * row.cpu_pulse() / row.cpu.level, start, t)
}

/// The node's own traffic (image pulls, heartbeats, logs), from its start to `t`.
pub(crate) fn of_node(seed: Seed, start: i64, t: i64) -> Traffic {
    const SHAPE: Shape = Shape { daily: 0.2, ripple: 0.2, noise: 0.3, pulse: None };
    let level = seed.doublings(Aspect::BytesPerCoreSecond, 8 << 10, 4) as f64;
    traffic(seed, &SHAPE, level, 0.0, start, t)
}

fn traffic(seed: Seed, shape: &Shape, level: f64, pulse: f64, start: i64, t: i64) -> Traffic {
    let sent = seed.spread(Aspect::SentShare, 0.3, 2.5);
    let bytes = |name, share: f64| {
        let curve = Curve::new(seed, seed.child(name), shape, level * share, pulse * share);
        grown(curve.until(start), curve.until(t)) / STEP * STEP
    };
    // Most interfaces never see an error; a few see one now and then.
    let errors = |aspect, one_in: u64| match seed.draw(aspect) {
        draw if draw % one_in == 0 => (t - start).max(0) as u64 / (1_800 + (draw >> 32) % 5_400),
        _ => 0,
    };
    Traffic {
        rx_bytes: bytes("rx", 1.0),
        tx_bytes: bytes("tx", sent),
        rx_errors: errors(Aspect::RxErrors, 24),
        tx_errors: errors(Aspect::TxErrors, 48),
    }
}

/// As a pod's sandbox reports it.
pub(crate) fn pod_stats(time: Timestamp, traffic: Traffic) -> NetworkStats {
    let eth0 = traffic.interface("eth0");
    NetworkStats { time, default_interface: eth0.clone(), interfaces: vec![eth0] }
}

/// As a node reports it: its own and all pods' traffic on `eth0`, the pods' on the bridge to them as well.
pub(crate) fn node_stats(time: Timestamp, own: Traffic, pods: Traffic) -> NetworkStats {
    let mut outside = own;
    outside.add(pods);
    let eth0 = outside.interface("eth0");
    NetworkStats {
        time,
        default_interface: eth0.clone(),
        interfaces: vec![eth0, pods.reversed().interface("cni0")],
    }
}
