//! What is asked about.

use tools::pins::EnvironmentKind;

/// What is to be brought up, as far as it decides what has to be there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// The environment; `None` is the embedded one.
    pub(crate) kind: Option<EnvironmentKind>,
    /// The ports that it is to open.
    pub(crate) ports: ChosenPorts,
    /// Whether nothing may be downloaded.
    pub(crate) offline: bool,
}

impl Asked {
    /// Whether images may be pulled. The nodes of dev pull theirs themselves, whatever was asked for.
    pub(crate) fn may_pull(&self) -> bool {
        !self.offline || self.kind == Some(EnvironmentKind::Dev)
    }
}

/// The ports on 127.0.0.1 that environments open: those that were chosen, or the usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChosenPorts {
    /// Grafana's, or the page's.
    pub(crate) web: u16,
    /// OTLP over gRPC.
    pub(crate) otlp_grpc: u16,
    /// OTLP over HTTP.
    pub(crate) otlp_http: u16,
    /// The Prometheus API's. KWOK's is behind Grafana.
    pub(crate) prometheus: u16,
    /// The simulated kubelets', of the embedded environment.
    pub(crate) kubelets: u16,
}

impl Default for ChosenPorts {
    fn default() -> Self {
        Self { web: 3000, otlp_grpc: 4317, otlp_http: 4318, prometheus: 9090, kubelets: 10250 }
    }
}
