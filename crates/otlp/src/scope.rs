//! Which part of a collector sends a metric.

use catalogue::{MetricDef, Receiver, Switch};

use crate::message::Scope;

/// The collector whose metrics the catalogue describes.
const COLLECTOR_VERSION: &str = "0.161.0";

/// Where the collector keeps its receivers.
const RECEIVERS: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver";

/// The receiver of a metric, and in host_metrics its scraper: what they send comes in messages of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    receiver: Receiver,
    scraper: &'static str,
}

impl Origin {
    pub(crate) fn of(metric: &MetricDef) -> Self {
        let scraper = match metric.switch {
            Switch::Scraper(name) => name,
            _ => "",
        };
        Self { receiver: metric.receiver, scraper }
    }

    /// As the collector names it: the Go package.
    pub(crate) fn scope(self) -> Scope {
        let package = match self.receiver {
            Receiver::KubeletStats => "kubeletstatsreceiver".to_owned(),
            Receiver::K8sCluster => "k8sclusterreceiver".to_owned(),
            Receiver::HostMetrics => {
                format!("hostmetricsreceiver/internal/scraper/{}scraper", self.scraper)
            }
        };
        Scope { name: format!("{RECEIVERS}/{package}"), version: COLLECTOR_VERSION.to_owned() }
    }

    /// The semantic conventions that it says to follow.
    pub(crate) fn schema_url(self) -> &'static str {
        match self.receiver {
            Receiver::KubeletStats => "",
            Receiver::K8sCluster => "https://opentelemetry.io/schemas/1.18.0",
            Receiver::HostMetrics => "https://opentelemetry.io/schemas/1.9.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_the_packages_of_the_receivers_and_scrapers() {
        for (metric, package) in [
            ("k8s.pod.cpu.time", "kubeletstatsreceiver"),
            ("k8s.pod.phase", "k8sclusterreceiver"),
            ("system.cpu.time", "hostmetricsreceiver/internal/scraper/cpuscraper"),
            ("system.processes.count", "hostmetricsreceiver/internal/scraper/processesscraper"),
        ] {
            let scope = Origin::of(catalogue::find(metric).unwrap()).scope();
            assert_eq!(scope.name, format!("{RECEIVERS}/{package}"));
            assert_eq!(scope.version, "0.161.0");
        }
    }

    #[test]
    fn every_metric_of_host_metrics_has_a_scraper() {
        for metric in catalogue::host_metrics::ALL {
            assert_ne!(Origin::of(metric).scraper, "", "{}", metric.name);
        }
    }
}
