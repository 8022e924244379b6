//! Interfaces, as in the summary, and connections.

use super::stats::{Direction, Interface, Network, TCP_STATES};
use crate::clock::grown;
use crate::cpu;
use crate::curve::Wave;
use crate::hash::{Aspect, Seed, unit};
use crate::network::Traffic;
use crate::node_usage::NodeUsage;

const LOOPBACK: &str = "lo";
/// What the kernel allows on a machine with some memory.
const CONNTRACK_MAX: u64 = 262_144;
/// Sockets that the system's own services listen on.
const LISTENERS: u64 = 12;

pub(super) fn network(usage: &NodeUsage<'_>) -> Network {
    let mut outside = usage.own_traffic;
    outside.add(usage.pod_traffic);
    let age = u64::try_from(usage.t - usage.start).unwrap_or(0);
    let interface = |device, traffic| interface(usage.seed.child(device), device, traffic, age);
    let connections = connections(usage);
    let tracked: u64 = connections.iter().sum();
    Network {
        interfaces: vec![
            interface("eth0", outside),
            interface("cni0", usage.pod_traffic.reversed()),
            interface(LOOPBACK, loopback(usage)),
        ],
        connections,
        // Names are looked up without a connection, but are tracked.
        conntrack_count: (tracked - LISTENERS) * 3 / 2,
        conntrack_max: CONNTRACK_MAX,
    }
}

fn interface(seed: Seed, device: &'static str, traffic: Traffic, age: u64) -> Interface {
    let direction = |name, bytes, errors| {
        // What goes out of the loopback is what comes in.
        let seed = if device == LOOPBACK { seed } else { seed.child(name) };
        // Most interfaces never drop a packet.
        let dropped = match seed.draw(Aspect::Drops) {
            draw if draw % 8 == 0 && device != LOOPBACK => age / (300 + (draw >> 32) % 3_600),
            _ => 0,
        };
        Direction { bytes, packets: bytes / seed.between(Aspect::PacketSize, 280, 1_100), errors, dropped }
    };
    Interface {
        device,
        receive: direction("rx", traffic.rx_bytes, traffic.rx_errors),
        transmit: direction("tx", traffic.tx_bytes, traffic.tx_errors),
    }
}

/// What the machine says to itself.
fn loopback(usage: &NodeUsage<'_>) -> Traffic {
    let seed = usage.seed.child(LOOPBACK);
    let curve = cpu::background(seed, seed.doublings(Aspect::BytesPerCoreSecond, 1 << 10, 4) as f64);
    let bytes = grown(curve.until(usage.start), curve.until(usage.t)) / 64 * 64;
    Traffic { rx_bytes: bytes, tx_bytes: bytes, ..Traffic::default() }
}

/// More with more pods, up and down over hours, with connections that were just closed.
fn connections(usage: &NodeUsage<'_>) -> [u64; TCP_STATES.len()] {
    let seed = usage.seed.child("connections");
    let pods = usage.pods.len() as u64;
    let most = (24 + pods * seed.between(Aspect::Connections, 3, 9)) as f64;
    let established = most * (0.75 + 0.25 * Wave::ripple(seed).value(usage.t));
    let closed = most * 0.4 * unit(seed.step(usage.t.div_euclid(60) as u64));
    TCP_STATES.map(|state| match state {
        "ESTABLISHED" => established as u64,
        "TIME_WAIT" => closed as u64,
        "CLOSE_WAIT" => closed as u64 / 16,
        "LISTEN" => LISTENERS,
        _ => 0,
    })
}
